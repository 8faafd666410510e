"""Score the leak watch, the burst watch and the fixture network on any homes.

    script/models evaluate leak_event --data ../shared/data/water --json

Leaks are injected into clean homes; homes on which constants were settled are left out wherever others lie in the
folder. The fallback is no still hour on two days running, and for a draw the rules of plumbing; `nonzero_24h` is what
utilities act on, `confirmed_only` the shipped watch heard only when it is sure. What a folder lacks is null.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from custom_components.smartloop.engine.features.water import Draw
from custom_components.smartloop.engine.models.fixture import Fixture, FixtureNamer, Guess, guess
from custom_components.smartloop.engine.models.model import Runner
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.graph import Engine

from ..export import FOLDER
from ..report import Evaluation, Metrics, bootstrap, plain, twin, warn_if_trained_on
from . import fixtures
from .bursts import bursts
from .data import Flat, Home, Labelled, draws, flat, homes, showers
from .rules import RULES
from .score import Block, block, figures

FILE: Final = "leak_fixture"
VERSION: Final = "2.0.0"
SEED: Final = 20261122
PACKAGE: Final = Path(__file__).parent
BASELINES: Final = ("confirmed_only", "nonzero_24h", "fixed_night", "always_tap", "by_litres", "fixed_flow")
_LITRES: Final = ((3.0, Fixture.TAP), (12.0, Fixture.TOILET))


def unseen(found: list[Home]) -> list[Home]:
    """Return the homes that nobody looked at while settling the constants; all, where there are no others."""
    return [home for home in found if not home.tuned] or found


def week_name(each: Labelled) -> str:
    """Return a week of the flat as the shipped file remembers it."""
    return f"weusedto:{each.week}"


def always_tap(_: Draw) -> Guess:
    """Return the commonest."""
    return Guess(fixture=Fixture.TAP, why=("commonest",))


def by_litres(draw: Draw) -> Guess:
    """Return what the litres alone say: less than 3 a tap, up to 12 a toilet, more a shower."""
    kind = next((kind for most, kind in _LITRES if draw.litres <= most), Fixture.SHOWER)
    return Guess(fixture=kind, why=("litres",))


def quick(runner: Runner | None) -> fixtures.Namer:
    """Return a namer that does not say why."""
    namer = FixtureNamer(runner)
    return lambda draw: namer.name(draw, explain=False)


def scored(places: Sequence[Home]) -> dict[str, list[Block]]:
    """Return what each rule did in each home."""
    return {rule: [block(home, rule, SEED) for home in places] for rule in RULES}


def watched(places: Sequence[Home]) -> tuple[dict[str, Metrics], dict[str, list[float] | None]]:
    """Return the figures of each rule for water that never stops, and the model's intervals."""
    blocks = scored(places)
    return {rule: figures(found) for rule, found in blocks.items()}, bootstrap(blocks["model"], figures, seed=SEED)


type Shapes = tuple[dict[str, Metrics], dict[str, list[float] | None], list[tuple[Labelled, Guess]]]


def shaped(data: Path, place: Flat | None, namers: dict[str, fixtures.Namer], held: list[Guess] | None) -> Shapes:
    """Return the figures of each namer, the model's intervals, and what it said; `held`: of drafts, for the card."""
    found = fixtures.useful(draws(place)) if place is not None else []
    by_home = showers(data)
    out: dict[str, Metrics] = {}
    spans: dict[str, list[float] | None] = {}
    said: list[tuple[Labelled, Guess]] = []
    for key, name in namers.items():
        pairs = list(
            zip(found, held if held is not None and key == "model" else fixtures.named(found, name), strict=True)
        )
        shares = fixtures.shower_shares(by_home, name)
        out[key] = fixtures.figures(pairs) | fixtures.shower_figures(shares)
        if key == "model":
            said = pairs
            spans = fixtures.spans(pairs, SEED) | bootstrap(shares, fixtures.shower_figures, seed=SEED)
    return out, spans, said


def assemble(
    data: Path, engine: Engine | None, namers: dict[str, fixtures.Namer], held: list[Guess] | None
) -> Evaluation:
    """Return the whole evaluation; `namers` has at least `model`."""
    found, place = homes(data), flat(data)
    places = unseen(found)
    columns, spans = watched(places)
    namers |= {"fallback": guess, "always_tap": always_tap, "by_litres": by_litres}
    named, shape_spans, said = shaped(data, place, namers, held)
    if not (found or said or named["model"]["shower_homes"]):
        msg = f"nothing in {data}: expected daiad_hourly_meters, daiad_showers or weusedto_fixtures"
        raise FileNotFoundError(msg)
    for part in (named, bursts(place, SEED)):
        for key, each in part.items():
            columns[key] = columns.get(key, {}) | each
    keys = list(dict.fromkeys([*columns["model"], *BURST_KEYS]))
    cut: Callable[[str], Metrics] = lambda key: {name: plain(columns.get(key, {}).get(name)) for name in keys}  # noqa: E731
    notes = [] if len(places) < len(found) or not any(home.tuned for home in places) else [TUNED_NOTE]
    out = Evaluation(
        model="leak_event",
        version=VERSION,
        engine="statistics" if engine is None else f"statistics, {engine.name}",
        n_subjects=len(places),
        n_rows=sum(home.at.size for home in places),
        metrics=cut("model"),
        fallback=cut("fallback"),
        baselines={name: cut(name) for name in BASELINES},
        intervals={key: (spans | shape_spans).get(key) for key in keys},
        calibration=fixtures.bins(said),
        notes=notes,
    )
    if "float" in namers:
        out["float_model"] = cut("float")
    return out


BURST_KEYS: Final = (*(f"burst_{size}lpm_5min" for size in (12, 15, 25)), "burst_false_per_year", "burst_home_years")
TUNED_NOTE: Final = "The watch's constants were settled on all of these homes: their figures are in sample."


def evaluate(name: str, data: Path, engine: Engine) -> Evaluation:
    """Return the figures on all homes below a folder; `name` is `leak_event`."""
    catalog = Catalog.open(FOLDER)
    exact = twin(FILE, PACKAGE, engine)
    namers = {"model": quick(catalog.load(FILE, engine))}
    if exact is not None:
        namers["float"] = quick(exact)
    out = assemble(data, engine, namers, None)
    place = flat(data)
    weeks = sorted({week_name(each) for each in fixtures.useful(draws(place))}) if place is not None else []
    known = warn_if_trained_on(catalog.entries[FILE].metadata, weeks)
    return out | {"model": name, "notes": [*out["notes"], *(f"Weeks of the flat: {note}" for note in known)]}
