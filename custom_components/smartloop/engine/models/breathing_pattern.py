"""A morning's look at how the heart followed breathing at night, for a pattern worth showing a doctor.

A wellness score, never a finding. One night says little, and a night without the pattern proves nothing. It is only
offered where the device tells the time of single beats: a heart rate once a minute is refused, with the reason.

The network, one run a night: what each minute shows (38 numbers against the same night's median) is weighed and smoothed
over 17 minutes; how the night as a whole looks (five numbers) opens or shuts a gate and sets the level.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..features.beats import LONGEST, MINUTE, MINUTE_NAMES, NIGHT_NAMES, SHORTEST, Array, Mask, Night, night
from .classifier import calibrated, numbers
from .model import Runner

BLOCK: Final = 720
"""Minutes of one run; a longer night takes two"""
HALO: Final = 8
"""Minutes either side that a minute's answer looks at"""
NIGHT_CLIP: Final = 2.0
"""Standard deviations that a number of the whole night may count for"""
LEAST_MINUTES, MOST_MINUTES = 120, 1440
HEARD: Final = 0.5
"""Share of the five minutes about a minute in which sound beats are needed"""
SOUND: Final = 0.82
"""Share of sound intervals a night needs: made-up losses of a fifth still leave quiet nights quiet, of a third do not"""
LEAST_ANSWERED: Final = 0.5
"""Share of the night that must be heard and within range"""
_SHOWN: Final = 3
_WORTH_SAYING: Final = 0.1
"""Change of the night's mean log-odds"""

NO_BEATS: Final = "no_beat_intervals"
NOT_BEATS: Final = "not_single_beats"
COARSE: Final = "timing_too_coarse"
ORDER: Final = "wrong_order"
SHORT, LONG = "too_short", "too_long"
NOISY: Final = "artifacts"
OUT_OF_RANGE: Final = "out_of_range"
IRREGULAR: Final = "rhythm_out_of_range"

_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "cycle": ("cycle_", "echo_", "trough_", "power_1", "power_2", "power_3"),
    "surge": ("surge_", "range_", "spread_", "energy_", "lopsided_"),
    "ripple": ("ripple_", "breath_"),
    "beat_to_beat": ("rmssd_", "pnn50_", "power_4", "power_5", "power_7"),
    "heart_rate": ("interval_",),
}
"""Features by what they show, for `why`"""


class Wording(StrEnum):
    """Which sentence fits; the sentences are the household's language."""

    WORTH_SHOWING = "breathing_pattern_worth_showing"
    NOT_SURE = "breathing_pattern_not_sure"
    NOTHING_SEEN = "breathing_pattern_nothing_seen"
    """Which proves nothing"""
    DONT_KNOW = "breathing_pattern_dont_know"


@dataclass(frozen=True, kw_only=True, slots=True)
class NightPattern:
    """What a night's beats say, or why they say nothing."""

    probability: Array
    """(minutes,) 0-1, calibrated; NaN where not heard"""
    abstained: Mask
    """(minutes,) where the answer is "don't know" """
    share: float | None
    """Of the heard minutes, expected to show the pattern"""
    lo: float | None
    hi: float | None
    """Band in which about three of four unseen nights lay (the card has the figure)"""
    answered: float
    """Share of the minutes that were not abstained"""
    wording: Wording
    reasons: tuple[str, ...]
    """Why it was abstained; empty otherwise"""
    why: tuple[str, ...]
    """What raised (+) or lowered (-) the night's score most"""
    data_age_s: float
    model_version: str


def refusal(beats_s: Sequence[float] | Array | None) -> str | None:
    """Return why these times (s) are no beats of a heart as they must be; None where they are.

    A night node that reports a heart rate each minute, or beats made up from one, is told from a device that hears them.
    """
    times = np.asarray([] if beats_s is None else beats_s, dtype=np.float64)
    times = times[np.isfinite(times)]
    if times.size < 2:
        return NO_BEATS
    steps = np.diff(times)
    if (steps < -2.0).any() or (steps < 0.0).mean() > 0.001:
        return ORDER
    length = np.diff(np.unique(times))
    if length.size < 1000:
        return NOT_BEATS if length.size and np.median(length) > LONGEST else SHORT
    if not SHORTEST < np.median(length) < LONGEST or (np.abs(np.diff(length)) < 0.002).mean() > 0.75:
        return NOT_BEATS
    return COARSE if np.unique(np.round(length[length < LONGEST], 3)).size < 20 else None


def prepared(
    beats_s: Sequence[float] | Array | None, *, start_s: float | None = None, minutes: int | None = None
) -> tuple[Night | None, int, str]:
    """Return the features of beat times (s), the night's minutes, and why there are no features; see `judge`."""
    reason = refusal(beats_s)
    if beats_s is None or reason is not None:
        return None, minutes or 0, reason or NO_BEATS
    times = np.asarray(beats_s, dtype=np.float64)
    times = np.unique(times[np.isfinite(times)])
    times = times - (start_s if start_s is not None and isfinite(start_s) else times[0])
    count = int(times[-1] // MINUTE) if minutes is None else minutes
    if not LEAST_MINUTES <= count <= MOST_MINUTES:
        return None, max(count, 0), SHORT if count < LEAST_MINUTES else LONG
    return night(times, count, heard=HEARD), count, NOISY


class BreathingPattern:
    """The loaded network beside what its metadata says."""

    def __init__(self, runner: Runner) -> None:
        """Read the metadata; raises ModelError where it cannot be used."""
        self.version = runner.version
        self._runner = runner
        metadata = runner.metadata
        try:
            known = tuple(json.loads(metadata["features"])), tuple(json.loads(metadata["night"]))
            self._scale = numbers(metadata["mean"], len(MINUTE_NAMES)), numbers(metadata["std"], len(MINUTE_NAMES))
            names = len(NIGHT_NAMES)
            self._night_scale = numbers(metadata["night_mean"], names), numbers(metadata["night_std"], names)
            self._temperature = float(metadata["temperature"])
            self._tau, self._reach = float(metadata["tau"]), float(metadata["reach"])
            self._night_reach = float(metadata["night_reach"])
            self._steadiness = numbers(metadata["irregularity"], 2)
            self._quiet, self._worth, self._spread = numbers(metadata["share_bounds"], 3)
        except (KeyError, TypeError, ValueError) as err:
            msg = f"metadata not usable: {err!r}"
            raise ModelError(msg) from err
        usable = (
            known == (MINUTE_NAMES, NIGHT_NAMES)
            and (self._scale[1] > 0.0).all()
            and (self._night_scale[1] > 0.0).all()
            and self._temperature > 0.0
            and 0.0 <= self._tau <= 1.0
            and min(self._reach, self._night_reach) > 0.0
            and 0.0 <= self._quiet <= self._worth <= 1.0
        )
        if not usable:
            msg = "made for other features, or its scales and thresholds are not usable"
            raise ModelError(msg)

    def judge(
        self,
        beats_s: Sequence[float] | Array | None,
        *,
        start_s: float | None = None,
        minutes: int | None = None,
        data_age_s: float = 0.0,
    ) -> NightPattern:
        """Return what a night's beat times (s, on any clock) show, minute 0 beginning at `start_s` or the first beat.

        Without `minutes` the night ends with the last whole minute.
        """
        found, count, reason = prepared(beats_s, start_s=start_s, minutes=minutes)
        return self._silent(count, reason, data_age_s) if found is None else self.judge_night(found, data_age_s)

    def judge_night(self, found: Night, data_age_s: float = 0.0) -> NightPattern:
        """Return the answer to a night's features, as `prepared` has them."""
        rows, distance = _scores(found.minutes, self._scale)
        whole, whole_distance = _scores(found.night, self._night_scale)
        heard = found.heard >= HEARD
        within = distance <= self._reach
        usable = heard & within
        whole = np.clip(whole, -NIGHT_CLIP, NIGHT_CLIP)
        reason = self._reason(found, float(whole_distance), usable)
        if reason is not None:
            return self._silent(heard.size, reason, data_age_s)
        logits = self._logits(rows, whole)
        probability = calibrated(logits, self._temperature)[:, 1]
        certain = np.maximum(probability, 1.0 - probability) >= self._tau
        share = float(probability[usable].mean())
        half = self._spread * float(np.sqrt(max(share * (1.0 - share), 0.01)))
        return NightPattern(
            probability=np.where(heard, probability, np.nan),
            abstained=~(usable & certain),
            share=share,
            lo=max(share - half, 0.0),
            hi=min(share + half, 1.0),
            answered=float((usable & certain).mean()),
            wording=self._wording(share),
            reasons=(),
            why=self._why(rows, whole, usable, logits),
            data_age_s=data_age_s,
            model_version=self.version,
        )

    def _reason(self, found: Night, distance: float, usable: Mask) -> str | None:
        """Return why the night as a whole cannot be judged."""
        if found.sound < SOUND:
            return NOISY
        if usable.mean() < LEAST_ANSWERED or int(usable.sum()) < LEAST_MINUTES:
            return NOISY if (found.heard < HEARD).mean() > 1.0 - LEAST_ANSWERED else OUT_OF_RANGE
        if not self._steadiness[0] <= found.irregularity <= self._steadiness[1]:
            return IRREGULAR
        return OUT_OF_RANGE if distance > self._night_reach else None

    def _logits(self, rows: Array, whole: Array) -> Array:
        """Return (minutes, 2); rows beyond either end repeat the outermost."""
        parts = []
        for begin in range(0, len(rows), BLOCK):
            index = np.clip(np.arange(begin - HALO, begin + BLOCK + HALO), 0, len(rows) - 1)
            inputs = {"minutes": rows[index].T[None].astype(np.float32), "night": whole[None].astype(np.float32)}
            parts.append(self._runner.run(inputs)["logits"][0].T)
        logits: Array = np.concatenate(parts)[: len(rows)].astype(np.float64)
        if not np.isfinite(logits).all():
            msg = "answered something that is no finite number"
            raise ModelError(msg)
        return logits

    def _wording(self, share: float) -> Wording:
        """Return which sentence fits a share."""
        if share >= self._worth:
            return Wording.WORTH_SHOWING
        return Wording.NOTHING_SEEN if share < self._quiet else Wording.NOT_SURE

    def _why(self, rows: Array, whole: Array, usable: Mask, logits: Array) -> tuple[str, ...]:
        """Return what would change the night's mean log-odds most if it were average."""

        def score(values: Array) -> float:
            return float((values[usable, 1] - values[usable, 0]).mean()) / self._temperature

        found = []
        for group, starts in _GROUPS.items():
            without = rows.copy()
            without[:, [name.startswith(starts) for name in MINUTE_NAMES]] = 0.0
            found.append((score(logits) - score(self._logits(without, whole)), group))
        for index, name in enumerate(NIGHT_NAMES):
            flat = whole.copy()
            flat[index] = 0.0
            found.append((score(logits) - score(self._logits(rows, flat)), name))
        found.sort(key=lambda item: -abs(item[0]))
        return tuple(f"{'+' if x > 0 else '-'}{name}" for x, name in found[:_SHOWN] if abs(x) >= _WORTH_SAYING)

    def _silent(self, minutes: int, reason: str, data_age_s: float) -> NightPattern:
        """Return an answer that knows nothing."""
        # One time out of the world must not ask for the memory of all minutes until then.
        minutes = min(max(minutes, 0), MOST_MINUTES)
        return NightPattern(
            probability=np.full(minutes, np.nan),
            abstained=np.ones(minutes, dtype=bool),
            share=None,
            lo=None,
            hi=None,
            answered=0.0,
            wording=Wording.DONT_KNOW,
            reasons=(reason,),
            why=(),
            data_age_s=data_age_s,
            model_version=self.version,
        )


def _scores(values: Array, scale: tuple[Array, Array]) -> tuple[Array, NDArray[np.float64]]:
    """Return standard scores (..., features) and their mean square (...), a diagonal Mahalanobis distance."""
    scores = (values - scale[0]) / scale[1]
    return scores, np.asarray((scores**2).mean(axis=-1))
