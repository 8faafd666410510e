"""Score the leak watch, the burst watch and the fixture rules on any homes.

    script/models evaluate leak_event --data ../shared/data/water --json

Leaks are injected into clean homes; homes on which constants were settled are left out wherever others lie in the
folder. The fallback is no still hour on two days running, and for a draw its litres; `nonzero_24h` is what utilities
act on, `confirmed_only` the shipped watch heard only when it is sure, `network_other_weeks` a small network fitted to
the other weeks of the same flat, which does not ship (the card says why). What a folder lacks is null.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from custom_components.smartloop.engine.features.water import Draw
from custom_components.smartloop.engine.models.fixture import Fixture, Guess, guess
from custom_components.smartloop.inference.graph import Engine

from ..report import Evaluation, Metrics, bootstrap, plain
from . import fixtures
from .bursts import bursts
from .data import Flat, Home, draws, flat, homes, showers
from .rules import RULES
from .score import Block, block, figures

VERSION: Final = "2.0.0"
SEED: Final = 20261122
PACKAGE: Final = Path(__file__).parent
BASELINES: Final = ("confirmed_only", "nonzero_24h", "fixed_night", "always_tap", "network_other_weeks", "fixed_flow")
_LITRES: Final = ((3.0, Fixture.TAP), (12.0, Fixture.TOILET))


def unseen(found: list[Home]) -> list[Home]:
    """Return the homes that nobody looked at while settling the constants; all, where there are no others."""
    return [home for home in found if not home.tuned] or found


def always_tap(_: Draw) -> Guess:
    """Return the commonest."""
    return Guess(fixture=Fixture.TAP, why=("commonest",))


def by_litres(draw: Draw) -> Guess:
    """Return what the litres alone say: less than 3 a tap, up to 12 a toilet, more a shower."""
    kind = next((kind for most, kind in _LITRES if draw.litres <= most), Fixture.SHOWER)
    return Guess(fixture=kind, why=("litres",))


def scored(places: Sequence[Home]) -> dict[str, list[Block]]:
    """Return what each rule did in each home."""
    return {rule: [block(home, rule, SEED) for home in places] for rule in RULES}


def watched(places: Sequence[Home]) -> tuple[dict[str, Metrics], dict[str, list[float] | None]]:
    """Return the figures of each rule for water that never stops, and the model's intervals."""
    blocks = scored(places)
    return {rule: figures(found) for rule, found in blocks.items()}, bootstrap(blocks["model"], figures, seed=SEED)


def shaped(data: Path, place: Flat | None) -> tuple[dict[str, Metrics], dict[str, list[float] | None]]:
    """Return the figures of each namer of draws, and the rules' intervals."""
    found = fixtures.useful(draws(place)) if place is not None else []
    by_home = showers(data)
    namers: dict[str, fixtures.Namer] = {"model": guess, "fallback": by_litres, "always_tap": always_tap}
    said = {key: fixtures.named(found, name) for key, name in namers.items()}
    if len({each.fixture for each in found}) > 1:
        said["network_other_weeks"] = fixtures.held_out(found, SEED)
        namers["network_other_weeks"] = fixtures.network(found, SEED)
    out: dict[str, Metrics] = {}
    spans: dict[str, list[float] | None] = {}
    for key, name in namers.items():
        pairs = list(zip(found, said.get(key, []), strict=True))
        shares = fixtures.shower_shares(by_home, name)
        out[key] = fixtures.figures(pairs) | fixtures.shower_figures(shares)
        if key == "model":
            spans = fixtures.spans(pairs, SEED) | bootstrap(shares, fixtures.shower_figures, seed=SEED)
    return out, spans


BURST_KEYS: Final = (*(f"burst_{size}lpm_5min" for size in (12, 15, 25)), "burst_false_per_year", "burst_home_years")
TUNED_NOTE: Final = "The watch's constants were settled on all of these homes: their figures are in sample."


def evaluate(name: str, data: Path, _: Engine | None = None) -> Evaluation:
    """Return the figures on all homes below a folder; there is no network to run on an engine."""
    found, place = homes(data), flat(data)
    places = unseen(found)
    columns, spans = watched(places)
    named, shape_spans = shaped(data, place)
    for part in (named, bursts(place, SEED)):
        for key, each in part.items():
            columns[key] = columns.get(key, {}) | each
    keys = list(dict.fromkeys([*columns["model"], *BURST_KEYS]))
    cut: Callable[[str], Metrics] = lambda key: {name: plain(columns.get(key, {}).get(name)) for name in keys}  # noqa: E731
    return Evaluation(
        model=name,
        version=VERSION,
        engine="statistics",
        n_subjects=len(places),
        n_rows=sum(home.at.size for home in places),
        metrics=cut("model"),
        fallback=cut("fallback"),
        baselines={name: cut(name) for name in BASELINES},
        intervals={key: (spans | shape_spans).get(key) for key in keys},
        notes=[TUNED_NOTE] if any(home.tuned for home in places) else [],
    )
