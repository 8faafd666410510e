"""Score the trigger finder: how often it claims what is not so, and how often it finds what is (simulated).

    script/models evaluate trigger_finder --data ../shared/data/asthma --json

`metrics` are those of the grade "fits you", `fallback` of "some days fit". Baselines are what others do:
a 2 x 2 table of all days with p < .05, a case-crossover without a prior; and the finder's own bounds
without the further conditions. False discoveries are the share of false ones among all claims made.
"""

from collections.abc import Callable
from datetime import date
from math import isnan
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.models.personal_crossover import fit
from custom_components.smartloop.engine.models.personal_triggers import (
    CLEAR,
    SOME,
    Exposure,
    Grade,
    TriggerFinder,
)

from ..report import Evaluation, Metrics, bootstrap, plain
from .days import TRUE_ODDS, Days, real, simulated

NAME: Final = "trigger_finder"
VERSION: Final = "1.0.0"
SEED: Final = 20261122
RUNS: Final = 300
"""Simulated people a setting; models.md had 150, of which a single false claim is a share of .06 where claims are few"""
SETTINGS: Final = ((9, 90), (18, 180), (36, 365), (44, 180), (91, 365))
"""Bad days in days"""
RULES: Final = ("fits_you", "some_days_fit", "naive_2x2", "flat_crossover", "shrunk_90", "shrunk_95")
SHIFTS: Final = (21, 35, 49, 63)
"""Days by which real exposures are moved against real bad days"""
_Z: Final = 1.96
_FLAT_SD: Final = 10.0

type Claims = NDArray[np.bool_]


def finder(days: Days) -> TriggerFinder:
    """Return a finder that was told all days."""
    names = [str(place) for place in range(days.exposed.shape[1])]
    found = TriggerFinder([Exposure(name) for name in names])
    for place, (row, bad) in enumerate(zip(days.exposed.tolist(), days.bad.tolist(), strict=True)):
        told = {name: None if isnan(value) else value > 0.0 for name, value in zip(names, row, strict=True)}
        found.learn_one(date.fromordinal(days.first + place), told, bad=None if isnan(bad) else bad > 0.0)
    return found


def _naive(days: Days) -> Claims:
    """Return what a table of all days claims (Woolf's interval, with one half added)."""
    claims = []
    for column in days.exposed.T:
        cells = [
            float(((column == e) & (days.bad == b)).sum()) + 0.5
            for e, b in ((1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0))
        ]
        a, b, c, d = cells
        claims.append(bool(np.log(a * d / (b * c)) > _Z * np.sqrt(1 / a + 1 / b + 1 / c + 1 / d)))
    return np.array(claims)


def claims(days: Days) -> dict[str, Claims]:
    """Return what every rule claims of a person's exposures."""
    told = finder(days)
    found, strata = told.findings(), told.strata()
    count = len(found)
    flat = fit(strata, np.zeros(count + 1), np.full(count + 1, _FLAT_SD))
    chances = np.array([each.chance for each in found])
    return {
        "fits_you": np.array([each.grade is Grade.FITS_YOU for each in found]),
        "some_days_fit": np.array([each.grade in {Grade.FITS_YOU, Grade.SOME_DAYS_FIT} for each in found]),
        "naive_2x2": _naive(days),
        "flat_crossover": flat.mean[:count] > _Z * np.sqrt(flat.variance[:count]),
        "shrunk_90": chances > SOME,
        "shrunk_95": chances > CLEAR,
    }


def _figures(runs: dict[tuple[int, int], Claims], suffix: Callable[[int, int], str]) -> Metrics:
    out: Metrics = {}
    for (events, length), made in runs.items():
        end = suffix(events, length)
        false = float(made[:, 2:].sum())
        total = float(made.sum())
        out[f"power_or4_{end}"] = float(made[:, 0].mean())
        out[f"power_or2_{end}"] = float(made[:, 1].mean())
        # Nothing claimed, nothing claimed falsely.
        out[f"false_discovery_{end}"] = false / total if total else 0.0
        out[f"false_per_person_{end}"] = false / len(made)
    return out | {"worst_false_discovery": max(out[f"false_discovery_{suffix(*each)}"] or 0.0 for each in runs)}


def _suffix(events: int, length: int) -> str:
    return f"{events}_in_{length}"


def _simulated() -> dict[str, dict[tuple[int, int], Claims]]:
    out: dict[str, dict[tuple[int, int], Claims]] = {rule: {} for rule in RULES}
    for place, (events, length) in enumerate(SETTINGS):
        rng = np.random.default_rng([SEED, place])
        made = [claims(simulated(length, events, rng)) for _ in range(RUNS)]
        for rule in RULES:
            out[rule][events, length] = np.stack([each[rule] for each in made])
    return out


def _moved(people: list[Days]) -> dict[str, Metrics]:
    """Return claims per person on real days, and on the same moved against each other, where all are false."""
    out: dict[str, Metrics] = {rule: {} for rule in RULES}
    if not people:
        return {rule: {"real_claims_per_person": None, "real_false_per_person": None} for rule in RULES}
    as_told = [claims(each) for each in people]
    moved = [
        claims(Days(each.first, np.roll(each.exposed, shift, axis=0), each.bad)) for each in people for shift in SHIFTS
    ]
    for rule in RULES:
        out[rule]["real_claims_per_person"] = float(np.mean([each[rule].sum() for each in as_told]))
        out[rule]["real_false_per_person"] = float(np.mean([each[rule].sum() for each in moved]))
    return out


def _intervals(runs: dict[tuple[int, int], Claims]) -> dict[str, list[float] | None]:
    """Return 90 % bootstrap intervals; simulated people are redrawn."""
    return bootstrap(
        range(len(next(iter(runs.values())))),
        lambda drawn: _figures({each: made[list(drawn)] for each, made in runs.items()}, _suffix),
        seed=SEED,
    )


def _odds_known() -> bool:
    return TRUE_ODDS[:2] == (4.0, 2.0) and set(TRUE_ODDS[2:]) == {1.0}


def evaluate(data: Path) -> Evaluation:
    """Return the false-claim table, and the claims on real days below a folder."""
    if not _odds_known():
        msg = "the figures name odds ratios that are no longer simulated"
        raise ValueError(msg)
    made, people = _simulated(), real(data)
    moved = _moved(people)
    found = {
        rule: {name: plain(value) for name, value in (_figures(made[rule], _suffix) | moved[rule]).items()}
        for rule in RULES
    }
    return Evaluation(
        model=NAME,
        version=VERSION,
        engine="statistics",
        n_subjects=len(people),
        n_rows=sum(len(each.bad) for each in people),
        metrics=found["fits_you"],
        fallback=found["some_days_fit"],
        baselines={rule: found[rule] for rule in RULES[2:]},
        intervals=dict.fromkeys(found["fits_you"]) | _intervals(made["fits_you"]),
    )
