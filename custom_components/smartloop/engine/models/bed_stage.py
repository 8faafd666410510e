"""Sleep stages of a night from one heart rate and one measure of motion a minute: for the morning, never live.

A linear network judges all minutes in one run per block (a convolution over time one minute wide); it has a head for
each set of channels: both, heart only, motion only. Each minute is judged by the head of what is known around it; then
the chain of `bed_chain` joins them. A minute is left open where the likeliest stage is not likely enough, where what
was seen lies outside the nights learned from, or where nothing was seen.

Without the network: asleep is who has hardly moved for ten minutes, measured by the night's own motion. That rule needs
no minute to come; it knows no stages but awake and light.
"""

import json
from dataclasses import dataclass
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..features.bed import MOST_MINUTES, NAMES, Night, known_heart, known_motion, table
from .bed_chain import STAGES, WAKE, Array, Chain, balanced, calibrated
from .classifier import numbers, standardize
from .model import Runner

BLOCK: Final = 96
"""Minutes in one run of the network"""
HEADS: Final = ("logits", "logits_heart", "logits_motion")
"""Outputs: both channels, heart only, motion only"""
CHANNELS: Final = ("motion and heart", "heart", "motion")
NONE: Final = -1
"""Of `Stages.stage`, `awake` and `head`: not known"""
LEAST_MINUTES: Final = 60
STILL_MINUTES: Final = 10
RESTLESS_SHARE: Final = 90.0
"""Percentile of the night's own motion"""
RESTLESS_SPARE: Final = 2
"""Restless minutes of ten that sleep may have"""
UNCERTAIN, OUT_OF_RANGE, UNSEEN, AWAY, SHORT = "uncertain", "out_of_range", "no_signal", "out_of_bed", "too_short"
_SHOWN: Final = 3
_WORTH_SAYING: Final = 0.02

type Integers = NDArray[np.int8]
type Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stages:
    """A night's minutes (T,)."""

    probabilities: Array
    """(T, 4), calibrated; NaN where nothing was seen"""
    stage: Integers
    """Index into STAGES; NONE where left open"""
    likeliest: Integers
    """The same, abstained or not; NONE where nothing was seen"""
    certainty: Array
    """0-1, of the likeliest stage once rare ones count more; 0 where nothing was seen"""
    awake: Integers
    """1 or 0 by the wake threshold; NONE where nothing was seen"""
    head: Integers
    """Index into CHANNELS"""
    far: Mask
    """Outside the nights learned from"""
    away: Mask
    reason: str | None
    """Why the whole night is left open"""
    model_version: str

    def why_open(self, minute: int) -> str | None:
        """Return why a minute is left open, None where it is not."""
        if self.stage[minute] != NONE:
            return None
        if self.reason is not None:
            return self.reason
        if self.away[minute]:
            return AWAY
        if self.head[minute] == NONE:
            return UNSEEN
        return OUT_OF_RANGE if self.far[minute] else UNCERTAIN


class BedStager:
    """The loaded network beside what its metadata says."""

    def __init__(self, runner: Runner) -> None:
        """Read the metadata; raises ModelError where it does not fit this code."""
        self.version = runner.version
        self._runner = runner
        metadata = runner.metadata
        try:
            names = tuple(json.loads(metadata["features"]))
            classes = tuple(json.loads(metadata["classes"]))
            self._mean = numbers(metadata["mean"], len(NAMES))
            self._std = numbers(metadata["std"], len(NAMES))
            self._reach = float(metadata["reach"])
            scale = numbers(metadata["calibration"], len(HEADS), 1 + len(STAGES))
            trust, balance, share = numbers(metadata["chain"], 3).tolist()
            self.chain = Chain(
                prior=numbers(metadata["prior"], len(STAGES)),
                transition=numbers(metadata["transition"], len(STAGES), len(STAGES)),
                trust=trust,
                balance=balance,
                share=share,
            )
            self.tau = float(metadata["tau"])
            self.wake_threshold = float(metadata["wake"])
            self._emphasis = float(metadata["emphasis"])
            self.bands = tuple(numbers(metadata["bands"], len(HEADS)).tolist())
        except (KeyError, TypeError, ValueError) as err:
            msg = f"metadata not usable: {err!r}"
            raise ModelError(msg) from err
        self._temperature, self._bias = scale[:, 0], scale[:, 1:]
        usable = names == NAMES and classes == STAGES and (self._std > 0).all() and (self._temperature > 0).all()
        if not usable:
            msg = "made for other features or stages"
            raise ModelError(msg)

    def stages(self, night: Night | None) -> Stages:
        """Return the stages of a night; all open where it is too short or nothing was seen."""
        if night is None or night.minutes < LEAST_MINUTES:
            return _open(0 if night is None else night.minutes, SHORT, self.version)
        scores, distance = standardize(table(night), self._mean, self._std)
        head = np.where(night.away, NONE, heads(night)).astype(np.int8)
        if (head == NONE).all():
            return _open(night.minutes, UNSEEN, self.version, night.away)
        probabilities = self._probabilities(self._logits(scores), head, night.away)
        weighed = balanced(probabilities, self.chain.prior, self._emphasis)
        seen, far = head != NONE, distance > self._reach
        likeliest = np.where(seen, weighed.argmax(axis=1), NONE).astype(np.int8)
        certainty = np.where(seen, weighed.max(axis=1), 0.0)
        return Stages(
            probabilities=np.where(seen[:, None], probabilities, np.nan),
            stage=np.where((certainty >= self.tau) & ~far, likeliest, NONE).astype(np.int8),
            likeliest=likeliest,
            certainty=certainty,
            awake=np.where(seen, probabilities[:, WAKE] > self.wake_threshold, NONE).astype(np.int8),
            head=head,
            far=far & seen,
            away=night.away,
            reason=None,
            model_version=self.version,
        )

    def why(self, night: Night, minute: int) -> tuple[str, ...]:
        """Return the features that speak most for (+) or against (-) a minute's likeliest stage, judged alone.

        Each is set to its mean in turn (occlusion); as minutes do not see each other in the network, one run tries
        a block of them.
        """
        scores, _ = standardize(table(night), self._mean, self._std)
        head = int(heads(night)[minute])
        if head == NONE:
            return ()
        tried = np.repeat(scores[minute][None, :], 1 + len(NAMES), axis=0)
        np.fill_diagonal(tried[1:], 0.0)
        alone = _log_softmax(self._logits(tried)[head])
        best = int(alone[0].argmax())
        change = alone[0, best] - alone[1:, best]
        order = [i for i in np.argsort(-np.abs(change), kind="stable")[:_SHOWN] if abs(change[i]) >= _WORTH_SAYING]
        return tuple(f"{'+' if change[i] > 0 else '-'}{NAMES[i]}" for i in order)

    def _logits(self, scores: Array) -> Array:
        """Return logits (heads, T, 4) of standard scores (T, features)."""
        count = len(scores)
        out = np.zeros((len(HEADS), count, len(STAGES)))
        block = np.zeros((1, len(NAMES), BLOCK), dtype=np.float32)
        for begin in range(0, count, BLOCK):
            part = scores[begin : begin + BLOCK]
            block[0, :, : len(part)] = part.T
            answer = self._runner.run({"features": block})
            for index, name in enumerate(HEADS):
                out[index, begin : begin + len(part)] = answer[name][0, :, : len(part)].T
        if not np.isfinite(out).all():
            msg = "answered something that is no finite number"
            raise ModelError(msg)
        return out

    def _probabilities(self, logits: Array, head: Integers, away: Mask) -> Array:
        """Return calibrated probabilities (T, 4); of minutes nobody saw, what the chain makes of them."""
        alone = np.tile(np.log(self.chain.prior), (head.size, 1))
        alone[away] = [log(0.97) if name == STAGES[WAKE] else log(0.01) for name in STAGES]
        for index in range(len(HEADS)):
            alone[head == index] = _log_softmax(logits[index][head == index])
        used = np.maximum(head, 0)
        return calibrated(self.chain.scores(alone), self._temperature[used], self._bias[used])


def heads(night: Night) -> Integers:
    """Return which head judges each minute (T,); NONE where neither channel is known."""
    motion, heart = known_motion(night), known_heart(night)
    return np.select([motion & heart, heart, motion], [0, 1, 2], NONE).astype(np.int8)


def asleep_by_rule(motion: Array, share: float = RESTLESS_SHARE, spare: int = RESTLESS_SPARE) -> Integers:
    """Return 1 asleep, 0 not, NONE unknown of motion (T,), without a look ahead.

    Asleep is who moved more than `share` percent of the night's minutes do in at most `spare` of the last ten.
    """
    known = np.isfinite(motion)
    if not known.any():
        return np.full(motion.size, NONE, dtype=np.int8)
    level = float(np.percentile(motion[known], share))
    moved = np.cumsum(~known | (motion > level))
    before = np.concatenate([np.zeros(STILL_MINUTES, dtype=np.int64), moved[:-STILL_MINUTES]])[: motion.size]
    early = np.arange(motion.size) < STILL_MINUTES - 1
    return np.where(known, (moved - before <= spare) & ~early, NONE).astype(np.int8)


def _open(count: int, reason: str, version: str, away: Mask | None = None) -> Stages:
    """Return a night nothing is said of."""
    count = min(count, MOST_MINUTES)
    none = np.full(count, NONE, dtype=np.int8)
    return Stages(
        probabilities=np.full((count, len(STAGES)), np.nan),
        stage=none,
        likeliest=none,
        certainty=np.zeros(count),
        awake=none,
        head=none,
        far=np.zeros(count, dtype=bool),
        away=np.zeros(count, dtype=bool) if away is None else away,
        reason=reason,
        model_version=version,
    )


def _log_softmax(logits: Array) -> Array:
    raised = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(raised - np.log(np.exp(raised).sum(axis=-1, keepdims=True)))
