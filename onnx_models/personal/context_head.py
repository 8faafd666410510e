"""Score the personal heads: suggestions and answers of real people, held out one by one.

    script/models evaluate context_head --data ../shared/data/feedback --json

Nothing is trained and no file ships. `metrics` are those of what was learned of each person (act where
the effect is above zero), `fallback` of what the other people amount to, unchanged by the person.
`exploring` is the policy as it would run while it still learns: Thompson sampling, clipped to 0.1-0.9.
"""

from pathlib import Path
from typing import Final

import numpy as np

from ..room_forecast.evaluate import Evaluation
from . import forecasts, homes, value
from .heartsteps import Array, evenings, people, rounds
from .policies import answers, policies

NAME: Final = "context_head"
VERSION: Final = "1.0.0"
SEED: Final = 20261122
POLICIES: Final = ("exploring", "contextless", "always", "never")
FORECASTS: Final = ("flat_prior", "personal_rate", "everyones_rate")

type Metrics = dict[str, float | None]


def _rounded(metrics: Metrics, names: list[str]) -> Metrics:
    return {
        name: None if (found := metrics.get(name)) is None or not np.isfinite(found) else round(found, 4)
        for name in names
    }


def _foretold(data: Path) -> dict[str, list[dict[str, Array]]]:
    """Return every task of yes and no, by its prefix; simulated homes apart."""
    walks = [(each.x, each.walked.astype(np.float64)) for each in people(data)]
    prompts = [(each.x, each.answered.astype(np.float64)) for each in evenings(data)]
    return {"walk": answers(walks), "prompt": answers(prompts)}


def evaluate(data: Path) -> Evaluation:
    """Return the figures on all people below a folder."""
    everyone = people(data)
    found: dict[str, Metrics] = {name: {} for name in ("model", "fallback", *POLICIES, *FORECASTS)}
    spans: dict[str, list[float] | None] = {}
    if everyone:
        acts = policies(everyone)
        models = [value.reward_model(everyone[:i] + everyone[i + 1 :]) for i in range(len(everyone))]
        sums = {
            name: [
                value.sums(person, chance, model) for person, chance, model in zip(everyone, each, models, strict=True)
            ]
            for name, each in acts.items()
        }
        for name in acts:
            found[name] |= value.figures(sums, name)
        spans |= value.intervals(sums, "model", SEED)
    for prefix, rows in _foretold(data).items():
        for name in ("model", "fallback", *FORECASTS) if rows else ():
            found[name] |= forecasts.figures(rows, name, prefix)
        if rows:
            spans |= forecasts.intervals(rows, "model", prefix, SEED)
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
        intervals=spans,
    )
