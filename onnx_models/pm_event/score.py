"""Counts per simulated home, per recorded day and per real home, and the figures made of their sums."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.models.classifier import Classification
from custom_components.smartloop.engine.models.pm_event import SENTENCE
from custom_components.smartloop.engine.models.pm_source import Kind

from ..report import Metrics, plain
from .chicago import WAYS, Judged
from .events import BARE, SWITCHED, Features, Found, HomeEvents, masked
from .recordings import KINDS, PUBLISHED, Heard, pairs

type Array = NDArray[np.float64]
type Ask = Callable[[Features], Classification]
"""Says where an event came from"""

SENSORS: Final[Mapping[str, frozenset[str] | None]] = {"bare": BARE, "switched": SWITCHED, "all": None}
KINDS_ORDER: Final = tuple(Kind)
SILENT: Final = len(KINDS_ORDER)
FIVE: Final = (0, 1, 2, 3, 4, 2, SILENT)
"""Dust stirred up is one class, by whatever: cleaning and occupancy together"""
NEAR: Final = 0.1
"""Relative difference that counts as the same rate"""


@dataclass(frozen=True, kw_only=True, slots=True)
class HomeCounts:
    """One simulated home."""

    days: float
    visible: int
    hit: int
    false: int
    table: Mapping[str, NDArray[np.intp]]
    """Per set of sensors: (6 true, 6 said + silent)"""
    wrong: Mapping[str, int]
    """Wrong sentences, per set"""
    sentences: Mapping[str, int]
    sure: tuple[tuple[float, int], ...]
    """Probability of what was said with all sensors, and whether it was right"""
    finf: float | None
    """Absolute error of Finf"""
    finf_shown: float | None
    """Against Finf as this unit shows it"""
    finf_asked: bool
    bursts_wrong: int


def counted(home: HomeEvents, ask: Ask, estimate: float | None, detector: str = "watch") -> HomeCounts:
    """Return one home's counts; `estimate` is the Finf of whoever is judged, `detector` who finds events."""
    table = {name: np.zeros((SILENT, SILENT + 1), dtype=np.intp) for name in SENSORS}
    wrong, sentences = dict.fromkeys(SENSORS, 0), dict.fromkeys(SENSORS, 0)
    sure: list[tuple[float, int]] = []
    for each in home.found:
        for name, names in SENSORS.items():
            said = ask(masked(each.features, names))
            if each.kind is not None:
                index = KINDS_ORDER.index(each.kind)
                table[name][index, SILENT if said.label is None else KINDS_ORDER.index(Kind(said.label))] += 1
                if name == "all" and said.probabilities:
                    best = max(said.probabilities, key=lambda key: said.probabilities[key])
                    sure.append((said.probabilities[best], int(best == each.kind)))
            if said.label is not None and said.confidence >= SENTENCE:
                sentences[name] += 1
                wrong[name] += not _right(each, said.label)
    return HomeCounts(
        days=home.days,
        visible=home.visible,
        hit=home.hits[detector][0],
        false=home.hits[detector][1],
        table=table,
        wrong=wrong,
        sentences=sentences,
        sure=tuple(sure),
        finf=None if estimate is None else abs(estimate - home.factor),
        finf_shown=None if estimate is None else abs(estimate - home.shown),
        finf_asked=any(hour.outdoor is not None for hour in home.hours),
        bursts_wrong=home.bursts_wrong,
    )


def _right(each: Found, label: str) -> bool:
    return label == each.kind if each.kind is not None else label in each.around


def simulated(blocks: Sequence[HomeCounts]) -> Metrics:
    """Return the figures of simulated homes."""
    visible, hit = sum(b.visible for b in blocks), sum(b.hit for b in blocks)
    false, weeks = sum(b.false for b in blocks), sum(b.days for b in blocks) / 7.0
    out: dict[str, float] = {
        "sim_event_precision": _ratio(hit, hit + false),
        "sim_event_recall": _ratio(hit, visible),
        "sim_event_f1": _ratio(2 * hit, visible + hit + false),
    }
    for name in SENSORS:
        table = sum((b.table[name] for b in blocks), np.zeros((SILENT, SILENT + 1), dtype=np.intp))
        out[f"sim_source_f1_{name}"] = macro_f1(_five(table))
        out[f"sim_source_f1_six_{name}"] = macro_f1(table)
        said = int(table[:, :SILENT].sum())
        out[f"sim_said_{name}"] = _ratio(said, int(table.sum()))
        out[f"sim_right_when_said_{name}"] = _ratio(int(np.trace(table[:, :SILENT])), said)
        out[f"sim_sentences_week_{name}"] = _ratio(sum(b.sentences[name] for b in blocks), weeks)
        out[f"sim_wrong_sentences_week_{name}"] = _ratio(sum(b.wrong[name] for b in blocks), weeks)
    out["sim_finf_mae"] = _mean([b.finf for b in blocks if b.finf is not None])
    out["sim_finf_mae_as_shown"] = _mean([b.finf_shown for b in blocks if b.finf_shown is not None])
    asked = [b for b in blocks if b.finf_asked]
    out["sim_finf_answered"] = _ratio(sum(b.finf is not None for b in asked), len(asked))
    out["sim_false_bursts_week"] = _ratio(sum(b.bursts_wrong for b in blocks), weeks)
    return {key: plain(value) for key, value in out.items()}


def _five(table: NDArray[np.intp]) -> NDArray[np.intp]:
    out = np.zeros((5, SILENT + 1), dtype=np.intp)
    for true in range(SILENT):
        for said in range(SILENT + 1):
            out[FIVE[true], FIVE[said]] += table[true, said]
    return out


def macro_f1(table: NDArray[np.intp]) -> float:
    """Return the mean F1 of classes that occur; what was not said is missed. Rows true, columns said, then silence."""
    found = []
    for index in range(len(table)):
        true, said = int(table[index].sum()), int(table[:, index].sum())
        if true:
            found.append(2.0 * int(table[index, index]) / (true + said))
    return float(np.mean(found)) if found else nan


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else nan


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else nan


@dataclass(frozen=True, kw_only=True, slots=True)
class DayCounts:
    """One recorded day; both sensors of an event stay together."""

    day: str
    heard: tuple[Heard, ...]
    rate: str = "decays"
    """Which rate is judged: decays, least_squares or half_life"""
    said: tuple[str | None, ...] = field(default=())
    """Source of each recording by whoever is judged"""


def days(found: Sequence[Heard], ask: Ask, rate: str = "decays") -> list[DayCounts]:
    """Return blocks by day, with what `ask` says of each recording's event."""
    out = []
    for name in sorted({each.recording.day for each in found}):
        members = tuple(each for each in found if each.recording.day == name)
        labels = tuple(None if each.features is None else ask(dict(each.features)).label for each in members)
        out.append(DayCounts(day=name, heard=members, rate=rate, said=labels))
    return out


def _rate(each: Heard, rate: str) -> float | None:
    if rate == "decays":
        return max(each.decays, key=lambda d: d.fall).rate if each.decays else None
    found: float | None = getattr(each, rate)
    return found


def recorded(blocks: Sequence[DayCounts]) -> Metrics:
    """Return the figures of real recordings."""
    everything = [
        (each, block.rate, label) for block in blocks for each, label in zip(block.heard, block.said, strict=True)
    ]
    off = [abs(rate / true - 1.0) for each, name, _ in everything for rate, true in _published(each, name)]
    asked = sum(each.recording.natural and each.recording.aerosol in PUBLISHED for each, _, _ in everything)
    near = [abs(np.log(one / two)) for block in blocks for one, two in _pairs(block)]
    events = sum(each.events for each, _, _ in everything)
    hit = sum(each.events > 0 for each, _, _ in everything)
    out: dict[str, float] = {
        "real_decay_error": _mean(off),
        "real_decay_within_10pct": _ratio(sum(o <= NEAR for o in off), asked),
        "real_decay_found": _ratio(sum(_rate(e, n) is not None for e, n, _ in everything), len(everything)),
        "real_sensors_differ": float(np.median(near)) if near else nan,
        "real_sensors_within_10pct": _ratio(sum(n <= NEAR for n in near), len(near)),
        "real_event_f1": _ratio(2 * hit, len(everything) + events),
    }
    for kind in (Kind.AEROSOL, Kind.COMBUSTION):
        of = [label for each, _, label in everything if KINDS.get(each.recording.aerosol) is kind]
        out[f"real_{kind}_right"] = _ratio(sum(label == kind for label in of), len(of))
        out[f"real_{kind}_wrong"] = _ratio(sum(label not in {kind, None} for label in of), len(of))
    smoke = [each for each, _, _ in everything if KINDS.get(each.recording.aerosol) is Kind.COMBUSTION]
    mist = [each for each, _, _ in everything if KINDS.get(each.recording.aerosol) is Kind.AEROSOL]
    out["real_burst_smoke"] = _ratio(sum(each.bursts > 0 for each in smoke), len(smoke))
    out["real_burst_mist"] = _ratio(sum(each.bursts + each.bursts_home > 0 for each in mist), len(mist))
    return {key: plain(value) for key, value in out.items()}


def _published(each: Heard, rate: str) -> list[tuple[float, float]]:
    true, found = PUBLISHED.get(each.recording.aerosol), _rate(each, rate)
    return [(found, true)] if each.recording.natural and true is not None and found is not None else []


def _pairs(block: DayCounts) -> list[tuple[float, float]]:
    if block.rate == "decays":
        return [(one, two) for _, one, two in pairs(block.heard)]
    groups: dict[tuple[str, str], list[float]] = {}
    for each in block.heard:
        found = _rate(each, block.rate)
        if found is not None and found > 0.0:
            groups.setdefault((each.recording.run, each.recording.aerosol), []).append(found)
    return [(rates[0], other) for rates in groups.values() for other in rates[1:]]


def homes_figures(way: str) -> Callable[[Sequence[Judged]], Metrics]:
    """Return what sums up real homes for one way of foretelling."""
    if way not in WAYS:
        raise KeyError(way)

    def figures(blocks: Sequence[Judged]) -> Metrics:
        smoke, clear = np.sum([b.smoke_days for b in blocks], axis=0), np.sum([b.clear_days for b in blocks], axis=0)
        own = way == "model"
        out = {
            "real_indoor_mae_tomorrow": _mean([b.tomorrow[way] for b in blocks if way in b.tomorrow]),
            "real_indoor_mae_later": _mean([b.later[way] for b in blocks if way in b.later]),
            "real_indoor_mae_unseen": _mean([b.unseen[way] for b in blocks if way in b.unseen]),
            "real_outdoor_driven_smoke": _ratio(smoke[0], smoke[1]) if own and blocks else nan,
            "real_outdoor_driven_clear": _ratio(clear[0], clear[1]) if own and blocks else nan,
        }
        return {key: plain(value) for key, value in out.items()}

    return figures
