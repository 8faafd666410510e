"""Fit the network and all rules around it on the nights at hand; nothing here sees any other.

Three small steps, each a logistic regression by Newton's method, so that the same nights give the same bytes:

1. which minutes of a night stand out from the others: ridge regression on the features relative to the night, on nights
   with both kinds of minutes, each night with its own level, so that differences between people teach it nothing;
2. whether the night shows the pattern at all: a gate from four numbers of a night;
3. how the smoothed score of 1, the gate, and the depth of the ripple behind it add up. It is learned on what 1 and 2 say
   of persons they did not see, so it calibrates too.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from custom_components.smartloop.engine.features.beats import MINUTE_NAMES, NIGHT_NAMES, Array, Mask, Night, night
from custom_components.smartloop.engine.models.breathing_pattern import BLOCK, HALO, HEARD, NIGHT_CLIP

from ..export import GraphBuilder
from .data import HIGH, LOW, UNKNOWN, Record, by_person

RIDGES: Final = (100.0, 300.0, 1000.0)
STEEPNESS: Final = (3.0, 6.0)
"""Of the gate: how far a night is taken to show the pattern or not, rather than half"""
DEPTHS: Final = (True, False)
SPANS: Final = (0, 1, 3, HALO)
"""Minutes either side the score is averaged over"""
MIXED: Final = (0.02, 0.98)
"""Share between which a night holds both kinds of minutes"""
SHOWS: Final = 0.05
"""Share from which a night counts as showing the pattern"""
COVERAGE: Final = 0.8
"""Of minutes that are answered"""
BAND: Final = 0.85
"""Of errors of the share; step 3 has seen these nights, so of unseen ones fewer lie within (the card tells how many)"""
REACH: Final = 0.995
NIGHT_MARGIN: Final = 4.0
STEADY_MARGIN: Final = 2.0
_LEVELS_PENALTY: Final = 0.1
_STEPS: Final = 12
_DIGITS: Final = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One night with its features."""

    record: Record
    night: Night
    known: Mask
    """Minutes with a label that were heard"""

    @property
    def truth(self) -> Array:
        """Return the labels (minutes,), meaningful where known."""
        return self.record.labels.astype(np.float64)

    @property
    def shows(self) -> bool:
        """Return whether the night shows the pattern."""
        return self.record.share > SHOWS

    @property
    def mixed(self) -> bool:
        """Return whether the night holds both kinds of minutes."""
        return MIXED[0] < self.record.share < MIXED[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """The network."""

    minute: Array
    """(MINUTE_NAMES,)"""
    kernel: Array
    """(2 HALO + 1,)"""
    bias: float
    gate: Array
    """(NIGHT_NAMES,)"""
    gate_bias: float
    depth: Array
    """(NIGHT_NAMES,)"""
    level: float

    def grow(self, builder: GraphBuilder) -> None:
        """Build the network: minutes are weighed and smoothed, and shifted by what the night is like."""
        minutes = builder.input("minutes", (1, len(MINUTE_NAMES), BLOCK + 2 * HALO))
        whole = builder.input("night", (1, len(NIGHT_NAMES)))
        score = builder.conv1d(minutes, self.minute[None, :, None], [0.0])
        smooth = builder.conv1d(score, self.kernel[None, None, :], [self.bias])
        gate = builder.dense(whole, self.gate[:, None], [self.gate_bias], activation="Sigmoid")
        shift = builder.op("Mul", gate, builder.dense(whole, self.depth[:, None], [self.level]))
        both = builder.op("Add", smooth, shift)
        builder.output(builder.conv1d(both, np.array([[[-0.5]], [[0.5]]]), [0.0, 0.0]), "logits", (1, 2, BLOCK))


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """Everything that ships, and what was chosen."""

    weights: Weights
    metadata: Mapping[str, object]
    ridge: float
    steepness: float
    depth: bool


def told(records: Sequence[Record]) -> list[Told]:
    """Return the nights that have features; the others cannot teach."""
    out = []
    for record in records:
        found = night(record.beats, record.minutes, heard=HEARD)
        if found is not None:
            known = (record.labels != UNKNOWN) & (found.heard >= HEARD)
            out.append(Told(record=record, night=found, known=known))
    return out


def logistic(x: Array, y: Array, weight: Array, penalty: Array) -> Array:
    """Return coefficients (columns,) of a ridge logistic regression by Newton's method (Hoerl and Kennard 1970)."""
    beta = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        probability = _sigmoid(x @ beta)
        gradient = x.T @ (weight * (probability - y)) + penalty * beta
        curvature = (x * (weight * probability * (1.0 - probability))[:, None]).T @ x + np.diag(penalty + 1e-9)
        step = np.linalg.solve(curvature, gradient)
        # A step of more than ten is the separable case: it must not overshoot.
        beta = beta - step / max(1.0, float(np.abs(step).max()) / 10.0)
        if np.abs(step).max() < 1e-9:
            break
    return beta


def _sigmoid(x: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -50.0, 50.0))))


def scale(values: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of columns, rounded as they ship."""
    return values.mean(axis=0).round(_DIGITS), np.maximum(values.std(axis=0), 1e-3).round(_DIGITS)


def _stand_out(nights: Sequence[Told], ridge: float, scales: tuple[Array, Array]) -> Array:
    """Return step 1: weights of the standardised features of a minute."""
    use = [each for each in nights if each.mixed] or list(nights)
    x = np.concatenate([((each.night.minutes - scales[0]) / scales[1])[each.known] for each in use])
    y = np.concatenate([each.truth[each.known] for each in use])
    sizes = np.array([int(each.known.sum()) for each in use])
    own = np.repeat(np.eye(len(use)), sizes, axis=0)
    # Long nights count more, but not in full: minutes of one night are alike.
    weight = np.repeat(1.0 / np.sqrt(np.maximum(sizes, 1)), sizes)
    penalty = np.concatenate([np.full(x.shape[1], ridge), np.full(len(use), ridge * _LEVELS_PENALTY)])
    return logistic(np.hstack([x, own]), y, weight / weight.mean(), penalty)[: x.shape[1]]


def _night_rows(nights: Sequence[Told], scales: tuple[Array, Array]) -> Array:
    rows = np.stack([(each.night.night - scales[0]) / scales[1] for each in nights])
    return np.clip(rows, -NIGHT_CLIP, NIGHT_CLIP)


def _gate(nights: Sequence[Told], scales: tuple[Array, Array]) -> Array:
    """Return step 2: log-odds of a night showing the pattern, as weights of its numbers but the depth, and a bias."""
    rows = np.hstack([_night_rows(nights, scales)[:, :-1], np.ones((len(nights), 1))])
    people = [each.record.person for each in nights]
    weight = np.array([people.count(each) ** -0.5 for each in people])
    target = np.array([0.95 if each.shows else 0.05 for each in nights])
    return logistic(rows, target, weight, np.array([1.0] * (rows.shape[1] - 1) + [0.0]))


def averaged(values: Array, reach: int) -> Array:
    """Return means over `reach` minutes either side; the ends repeat."""
    padded = np.pad(values, reach, mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).mean(axis=1))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    """What steps 1 and 2 say of one night they did not see."""

    told: Told
    score: Array
    gate: float
    depth: float

    def columns(self, steepness: float, *, depth: bool) -> Array:
        """Return what step 3 adds up (minutes, 6)."""
        opened = float(_sigmoid(np.array(steepness * self.gate)))
        size = self.score.size
        smooth = [averaged(self.score, reach) for reach in SPANS]
        return np.column_stack([*smooth, np.full(size, opened), np.full(size, opened * self.depth * depth)])


def _said(nights: Sequence[Told], ridge: float) -> list[_Said]:
    """Return what is said of each person by steps learned from the others."""
    out = []
    people = by_person([each.record for each in nights])
    for person in people:
        rest = [each for each in nights if each.record.person != person] or list(nights)
        scales, whole = _scales(rest)
        minute, gate = _stand_out(rest, ridge, scales), _gate(rest, whole)
        for each in nights:
            if each.record.person == person:
                row = _night_rows([each], whole)[0]
                out.append(
                    _Said(
                        told=each,
                        score=((each.night.minutes - scales[0]) / scales[1]) @ minute,
                        gate=float(row[:-1] @ gate[:-1] + gate[-1]),
                        depth=float(row[-1]),
                    )
                )
    return out


def _scales(nights: Sequence[Told]) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return the scales of minutes and of nights."""
    minutes = np.concatenate([each.night.minutes[each.night.heard >= HEARD] for each in nights])
    return scale(minutes), scale(np.stack([each.night.night for each in nights]))


def _sum_up(said: Sequence[_Said], steepness: float, *, depth: bool) -> Array:
    """Return step 3: weights of the columns, and a bias."""
    x = np.concatenate([each.columns(steepness, depth=depth)[each.told.known] for each in said])
    y = np.concatenate([each.told.truth[each.told.known] for each in said])
    mean, std = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
    rows = np.hstack([(x - mean) / std, np.ones((len(x), 1))])
    beta = logistic(rows, y, np.ones(len(x)), np.array([1.0] * x.shape[1] + [0.0]))
    return np.concatenate([beta[:-1] / std, [beta[-1] - float((beta[:-1] * mean / std).sum())]])


def _added(said: Sequence[_Said], steepness: float, *, depth: bool) -> list[Array]:
    """Return the logits of each night: steps 1 and 2 of persons they did not see, step 3 of all."""
    beta = _sum_up(said, steepness, depth=depth)
    return [each.columns(steepness, depth=depth) @ beta[:-1] + beta[-1] for each in said]


def log_loss(logits: Array, truth: Array) -> float:
    """Return the mean log-loss (nats) of log-odds."""
    return float(np.logaddexp(0.0, np.where(truth > 0.5, -logits, logits)).mean())


def _joined(said: Sequence[_Said], logits: Sequence[Array]) -> tuple[Array, Array]:
    """Return logits and labels of all known minutes."""
    return (
        np.concatenate([each[one.told.known] for one, each in zip(said, logits, strict=True)]),
        np.concatenate([one.told.truth[one.told.known] for one in said]),
    )


def learn(nights: Sequence[Told], note: Callable[[str], object] = str) -> Learned:
    """Choose and fit everything on these nights.

    What is chosen has the least log-loss with steps 1 and 2 of persons they did not see. Step 3, seven numbers, does see
    them: leaving a person out of it too would judge it by scores of steps that had learned from that person.
    """
    best: tuple[float, float, float, bool] | None = None
    kept: tuple[list[_Said], list[Array]] = ([], [])
    for ridge in RIDGES:
        said = _said(nights, ridge)
        for steepness, depth in product(STEEPNESS, DEPTHS):
            logits = _added(said, steepness, depth=depth)
            loss = log_loss(*_joined(said, logits))
            note(f"ridge {ridge:g}, steepness {steepness:g}, depth {depth}: {loss:.4f}")
            if best is None or loss < best[0]:
                best, kept = (loss, ridge, steepness, depth), (said, logits)
    if best is None:
        msg = "no night to learn from"
        raise OSError(msg)
    _, ridge, steepness, depth = best
    weights = _composed(nights, kept[0], ridge=ridge, steepness=steepness, depth=depth)
    return Learned(
        weights=weights,
        metadata=_rules(nights, *kept),
        ridge=ridge,
        steepness=steepness,
        depth=depth,
    )


def _composed(nights: Sequence[Told], said: Sequence[_Said], *, ridge: float, steepness: float, depth: bool) -> Weights:
    """Return the three steps as one network."""
    scales, whole = _scales(nights)
    gate = _gate(nights, whole)
    beta = _sum_up(said, steepness, depth=depth).round(_DIGITS)
    reach = np.abs(np.arange(-HALO, HALO + 1))
    kernel = sum(
        (beta[index] * (reach <= span) / (2 * span + 1) for index, span in enumerate(SPANS)), np.zeros(reach.size)
    )
    none = np.zeros(len(NIGHT_NAMES))
    opening, deepening = none.copy(), none.copy()
    opening[:-1] = steepness * gate[:-1]
    deepening[-1] = beta[len(SPANS) + 1]
    return Weights(
        minute=_stand_out(nights, ridge, scales).round(_DIGITS),
        kernel=kernel.round(_DIGITS),
        bias=float(beta[-1]),
        gate=opening.round(_DIGITS),
        gate_bias=round(steepness * float(gate[-1]), _DIGITS),
        depth=deepening,
        level=float(beta[len(SPANS)]),
    )


def _rules(nights: Sequence[Told], said: Sequence[_Said], logits: Sequence[Array]) -> dict[str, object]:
    """Return thresholds, bands and ranges: from answers of unseen persons, and from what the nights were like."""
    joined, _ = _joined(said, logits)
    probability = _sigmoid(joined)
    (mean, std), (night_mean, night_std) = _scales(nights)
    minutes = np.concatenate([each.night.minutes[each.night.heard >= HEARD] for each in nights])
    distance = (((minutes - mean) / std) ** 2).mean(axis=1)
    night_distance = [float((((each.night.night - night_mean) / night_std) ** 2).mean()) for each in nights]
    steady = [each.night.irregularity for each in nights]
    return {
        "features": list(MINUTE_NAMES),
        "night": list(NIGHT_NAMES),
        "classes": ["usual", "pattern"],
        "mean": mean.tolist(),
        "std": std.tolist(),
        "night_mean": night_mean.tolist(),
        "night_std": night_std.tolist(),
        # Step 3 is fitted to scores of unseen persons: it is the calibration.
        "temperature": 1.0,
        "tau": round(float(np.quantile(np.maximum(probability, 1.0 - probability), 1.0 - COVERAGE)), 4),
        "reach": round(float(np.quantile(distance, REACH)), 4),
        "night_reach": round(NIGHT_MARGIN * max(night_distance), 4),
        "irregularity": [round(min(steady) / STEADY_MARGIN, 5), round(max(steady) * STEADY_MARGIN, 5)],
        "share_bounds": _share_bounds(said, [_sigmoid(each) for each in logits]),
        "trained_on": sorted(each.record.name for each in nights),
        **_simple(nights),
    }


def _share_bounds(said: Sequence[_Said], probability: Sequence[Array]) -> list[float]:
    """Return the shares below which nothing was seen and from which it is worth showing, and the width of the band.

    The two lie a quarter and three quarters of the way from the quiet nights' largest share to the others' smallest;
    where these overlap, nothing between them is said.
    """
    shares = np.array([each[one.told.known].mean() for one, each in zip(said, probability, strict=True)])
    truth = np.array([one.told.record.share for one in said])
    width = np.abs(truth - shares) / np.sqrt(np.maximum(shares * (1.0 - shares), 0.01))
    events = np.array([np.nan if one.told.record.events is None else one.told.record.events for one in said])
    high, low = shares[events >= HIGH], shares[events < LOW]
    people = len({one.told.record.person for one in said})
    band = round(float(np.quantile(width, min(BAND * (people + 1) / people, 1.0))), 4)
    if not high.size or not low.size:
        return [0.1, 0.3, band]
    below, above = sorted((float(low.max()), float(high.min())))
    part = 0.25 if low.max() < high.min() else 0.0
    return [round(below + part * (above - below), 4), round(above - part * (above - below), 4), band]


def _simple(nights: Sequence[Told]) -> dict[str, object]:
    """Return what the network competes with: one feature of a minute in a logistic regression, and the base rate."""
    y = np.concatenate([each.truth[each.known] for each in nights])
    out: dict[str, object] = {"base_rate": round(float(y.mean()), 5)}
    for name, values in (("cycle_share", "cycle_share"), ("heart_rate", "interval")):
        x = np.concatenate([getattr(each.night, values)[each.known] for each in nights])
        rows = np.column_stack([x, np.ones(x.size)])
        out[name] = logistic(rows, y, np.ones(x.size), np.array([1e-3, 0.0])).round(4).tolist()
    return out


def stored(metadata: Mapping[str, object]) -> dict[str, str]:
    """Return metadata as a file holds it."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in metadata.items()}
