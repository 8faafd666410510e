"""A night in a few numbers, from its minutes: how long in bed, how long asleep, and how sure that is."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from .bed_chain import STAGES, WAKE
from .bed_stage import CHANNELS, NONE, UNSEEN, Integers, Mask, Stages

_ONSET_MINUTES: Final = 10
"""Asleep for so long, one has fallen asleep; shorter ones are dozing"""
_AWAKENING_MINUTES: Final = 3
"""Awake for so long is worth counting: nobody remembers less"""
_LEAST_SEEN: Final = 0.5
"""Of the minutes in bed, without which nothing is said of the night"""


@dataclass(frozen=True, kw_only=True, slots=True)
class NightSummary:
    """Minutes; None is not known."""

    in_bed: int
    """From the first to the last minute somebody lay there, get-ups included"""
    away: int
    """Of these, out of bed"""
    unseen: int
    """Of these, in bed with neither motion nor heart rate known"""
    asleep: float | None
    asleep_lo: float | None
    asleep_hi: float | None
    """Nine in ten nights of people the model never saw lie between; what was not seen widens it upwards"""
    latency: int | None
    """Until asleep for ten minutes"""
    awakenings: int | None
    """Of three minutes or more, once asleep; get-ups count"""
    stages: dict[str, int]
    """Minutes per stage, of those that were answered"""
    left_open: int
    """Minutes in bed and seen, but too uncertain for a stage"""
    confidence: float
    """Mean certainty of the minutes seen"""
    abstained: bool
    why: tuple[str, ...]
    """What it rests on; when abstained, the reason"""
    model_version: str


def summary(stages: Stages, bands: tuple[float, ...]) -> NightSummary:
    """Return a night's figures; `bands` are the errors of time asleep, in minutes, per set of channels."""
    there = np.flatnonzero(~stages.away)
    first, last = (int(there[0]), int(there[-1]) + 1) if there.size else (0, 0)
    inside = slice(first, last)
    head, away = stages.head[inside], stages.away[inside]
    seen = head != NONE
    lain = int((~away).sum())
    unseen = lain - int(seen.sum())
    reason = stages.reason or (UNSEEN if seen.sum() < _LEAST_SEEN * max(lain, 1) else None)
    nothing = NightSummary(
        in_bed=last - first,
        away=int(away.sum()),
        unseen=unseen,
        asleep=None,
        asleep_lo=None,
        asleep_hi=None,
        latency=None,
        awakenings=None,
        stages={},
        left_open=int(seen.sum()),
        confidence=0.0,
        abstained=True,
        why=(reason or "",),
        model_version=stages.model_version,
    )
    if reason is not None:
        return nothing
    asleep = float((1.0 - stages.probabilities[inside][seen, WAKE]).sum())
    main = int(np.bincount(head[seen], minlength=len(CHANNELS)).argmax())
    latency, awakenings = _course(stages.awake[inside], away)
    stage = stages.stage[inside]
    opened = int((seen & (stage == NONE)).sum())
    why = [f"from:{CHANNELS[main]}"]
    why += [f"left_open:{opened}min"] * (opened > 0)
    why += [f"no_signal:{unseen}min"] * (unseen > 0)
    return replace(
        nothing,
        asleep=asleep,
        asleep_lo=max(asleep - bands[main], 0.0),
        asleep_hi=min(asleep + bands[main] + unseen, float(lain)),
        latency=latency,
        awakenings=awakenings,
        stages={name: int((stage == index).sum()) for index, name in enumerate(STAGES)},
        left_open=opened,
        confidence=float(stages.certainty[inside][seen].mean()),
        abstained=False,
        why=tuple(why),
    )


def _course(awake: Integers, away: Mask) -> tuple[int | None, int | None]:
    """Return minutes until asleep, and awakenings after; None where nobody fell asleep."""
    up = (awake == 1) | away
    asleep = (awake == 0) & ~away
    run, onset = 0, None
    for minute, sleeping in enumerate(asleep.tolist()):
        run = run + 1 if sleeping else 0
        if run == _ONSET_MINUTES:
            onset = minute + 1 - _ONSET_MINUTES
            break
    if onset is None:
        return None, None
    edges = np.flatnonzero(np.diff(np.concatenate([[0], up[onset:].astype(np.int8), [0]])))
    lengths = edges[1::2] - edges[::2]
    # What ends with the night is getting up.
    last = bool(up[-1])
    return onset, int((lengths >= _AWAKENING_MINUTES).sum()) - int(last and lengths[-1] >= _AWAKENING_MINUTES)
