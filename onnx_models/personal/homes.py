"""Simulated homes whose people differ: what a pooled prior and personal learning are worth (simulated).

As models.md section 7: 12 features, people's weights scatter by 0.6 around a common mean, 150 answers
each. The pooled prior comes from other homes than those that are scored.
"""

from typing import Final

import numpy as np

from ..report import Metrics, expected_calibration_error, reliability
from .heartsteps import Array
from .policies import answers

HOMES: Final = 60
ANSWERS: Final = 150
SIZE: Final = 12
SCATTER: Final = 0.6
SPANS: Final = ((0, 10), (10, 50), (50, 150))


def simulated(seed: int) -> list[dict[str, Array]]:
    """Return what was foretold in every home."""
    rng = np.random.default_rng(seed)
    common = rng.normal(0.0, 0.5, SIZE)
    rows = []
    for _ in range(HOMES):
        weights = common + rng.normal(0.0, SCATTER, SIZE)
        x = np.concatenate([np.ones((ANSWERS, 1)), rng.normal(size=(ANSWERS, SIZE - 1))], axis=1)
        rows.append((x, (rng.random(ANSWERS) < 1.0 / (1.0 + np.exp(-(x @ weights)))).astype(np.float64)))
    return answers(rows)


def figures(homes: list[dict[str, Array]], name: str) -> Metrics:
    """Return one forecaster's log-loss as answers come in, and its calibration error."""
    said = np.clip(np.stack([each[name] for each in homes]), 1e-4, 1.0 - 1e-4)
    outcome = np.stack([each["outcome"] for each in homes])
    loss = -np.log(np.where(outcome > 0.5, said, 1.0 - said))
    out: Metrics = {f"simulated_log_loss_{first}_{last}": float(loss[:, first:last].mean()) for first, last in SPANS}
    common = np.clip(np.stack([each["fallback"] for each in homes]), 1e-4, 1.0 - 1e-4)
    against = -np.log(np.where(outcome > 0.5, common, 1.0 - common))
    first = SPANS[-1][0]
    out["simulated_skill_over_pooled_prior_after_50"] = float(1.0 - loss[:, first:].mean() / against[:, first:].mean())
    out["simulated_ece"] = expected_calibration_error(reliability(said, outcome))
    return out
