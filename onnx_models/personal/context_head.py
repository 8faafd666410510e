"""Score the personal heads: suggestions and answers of real people, and homes that are simulated.

    script/models evaluate context_head --data ../shared/data/feedback --json

No network ships; heads are learned per person from a prior. `metrics` are those of what was learned of each person
(act where the effect is above zero), `fallback` of what other people amount to, unchanged by the person. `exploring` is
the policy as it would run while it still learns: Thompson sampling, clipped to 0.1-0.9.

The prior of the effects is the kept one (`context_head/prior.json`), so on the people it was learned on the policies'
figures are in sample; the card's leave each person out. The forecasts always leave the person out.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from ..report import Evaluation, Metrics, bootstrap, plain, warn_if_trained_on
from . import community, forecasts, homes, value
from .heartsteps import WALK, Array, Person, evenings, people, rounds
from .policies import Community, answers, policies

NAME: Final = "context_head"
VERSION: Final = "2.0.0"
SEED: Final = 20261122
POLICIES: Final = ("exploring", "contextless", "always", "never")
_REDRAWN: Final = 200
FORECASTS: Final = ("flat_prior", "personal_rate", "everyones_rate")


def _foretold(everyone: Sequence[Person], data: Path) -> dict[str, list[dict[str, Array]]]:
    """Return every task of yes and no, by its prefix; simulated homes apart."""
    walks = [(each.x[:, WALK], each.walked.astype(np.float64)) for each in everyone]
    prompts = [(each.x, each.answered.astype(np.float64)) for each in evenings(data)]
    return {"walk": answers(walks), "prompt": answers(prompts)}


def _sums(everyone: Sequence[Person], known: Sequence[Community]) -> list[Mapping[str, value.Sums]]:
    """Return each person's sums by policy; the reward model is of the other people."""
    acts = policies(everyone, known)
    models = [value.reward_model([*everyone[:i], *everyone[i + 1 :]]) for i in range(len(everyone))]
    return [
        {name: value.sums(person, chance[i], model) for name, chance in acts.items()}
        for i, (person, model) in enumerate(zip(everyone, models, strict=True))
    ]


def report(data: Path, everyone: Sequence[Person], known: Sequence[Community]) -> Evaluation:
    """Return the figures on all people below a folder, each starting from what is `known`."""
    found: dict[str, Metrics] = {name: {} for name in ("model", "fallback", *POLICIES, *FORECASTS)}
    spans: dict[str, list[float] | None] = {}
    told = _sums(everyone, known)
    for name in ("model", "fallback", *POLICIES):
        found[name] |= value.figures(told, name)
    spans |= bootstrap(told, partial(value.figures, name="model"), seed=SEED)
    tasks = _foretold(everyone, data)
    for prefix, rows in tasks.items():
        for name in ("model", "fallback", *FORECASTS):
            found[name] |= forecasts.figures(rows, name, prefix)
        spans |= bootstrap(rows, partial(forecasts.figures, name="model", prefix=prefix), seed=SEED, resamples=_REDRAWN)
    made = homes.simulated(SEED)
    for name in ("model", "fallback", "flat_prior"):
        found[name] |= homes.figures(made, name)
    for campaign, logged, other in rounds(data):
        said, true = value.check(logged, other)
        found["model"] |= {f"check_{campaign}_estimated": said, f"check_{campaign}_true": true}
    names = list(found["model"])
    return Evaluation(
        model=NAME,
        version=VERSION,
        engine="statistics",
        n_subjects=len(everyone),
        n_rows=sum(len(each.reward) for each in everyone),
        metrics=_rounded(found["model"], names),
        fallback=_rounded(found["fallback"], names),
        baselines={name: _rounded(found[name], names) for name in (*POLICIES, *FORECASTS)},
        intervals={name: spans.get(name) for name in names},
        calibration=forecasts.bins(tasks["walk"], "model"),
    )


def _rounded(metrics: Metrics, names: Sequence[str]) -> Metrics:
    return {name: plain(metrics.get(name)) for name in names}


def evaluate(data: Path) -> Evaluation:
    """Return the figures on all people below a folder, starting from the kept prior."""
    everyone = people(data)
    kept, trained_on = community.read()
    found = report(data, everyone, [kept] * len(everyone))
    if notes := warn_if_trained_on({"trained_on": trained_on}, [each.name for each in everyone]):
        found["notes"] = notes
    return found


def held_out(data: Path) -> Evaluation:
    """Return the figures of people of whom their prior knows nothing."""
    everyone = people(data)
    return report(data, everyone, community.held_out(everyone))
