"""What models that could not ship make of the same features, on the same held-out persons."""

import warnings
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from custom_components.smartloop.engine.features.beats import Array

from ..progress import track
from .data import by_person
from .evaluate import SEED
from .fit import Told
from .score import auc

_SHAPES: Final = {"boosted trees, 120 of 8 leaves": "trees", "dense network, 16 hidden": "dense"}


def _model(kind: str) -> Any:  # noqa: ANN401  scikit-learn has no types
    if kind == "trees":
        return HistGradientBoostingClassifier(
            max_iter=120,
            learning_rate=0.06,
            max_leaf_nodes=8,
            l2_regularization=5.0,
            max_features=0.3,
            min_samples_leaf=60,
            random_state=SEED,
        )
    return MLPClassifier((16,), alpha=10.0, learning_rate_init=2e-3, max_iter=12, batch_size=256, random_state=SEED)


def _rows(nights: Sequence[Told]) -> tuple[Array, Array]:
    """Return minutes beside their night's numbers, and labels."""
    x = [np.hstack([each.night.minutes, np.tile(each.night.night, (len(each.night.minutes), 1))]) for each in nights]
    return (
        np.concatenate([one[each.known] for one, each in zip(x, nights, strict=True)]),
        np.concatenate([each.truth[each.known] for each in nights]),
    )


def ceilings(nights: Sequence[Told]) -> dict[str, tuple[float, float]]:
    """Return AUC and accuracy of minutes by kind of model, each person left out in turn; nothing was tuned."""
    out = {}
    people = by_person([each.record for each in nights])
    for name, kind in _SHAPES.items():
        told, truth = [], []
        for person in track(people, name):
            x, y = _rows([each for each in nights if each.record.person != person])
            mean, std = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
            with warnings.catch_warnings():
                # Stopped early on purpose: it learns people by heart.
                warnings.simplefilter("ignore", ConvergenceWarning)
                model = _model(kind).fit((x - mean) / std, y)
            unseen, label = _rows([each for each in nights if each.record.person == person])
            told.append(model.predict_proba((unseen - mean) / std)[:, 1])
            truth.append(label)
        p, y = np.concatenate(told), np.concatenate(truth)
        out[name] = (auc(p, y), float(((p >= 0.5) == (y > 0.5)).mean()))
    return out
