"""What the card of pm_event says beside its figures."""

from collections.abc import Sequence
from pathlib import Path

from custom_components.smartloop.engine.features.particles import Decay, clean_air
from custom_components.smartloop.engine.models.pm_event import MODEL, SENTENCE
from custom_components.smartloop.engine.models.pm_source import RULES, Kind

from ..card import Card, Claim, Section, Source, table
from ..card import write as write_card
from ..report import Evaluation
from .evaluate import DAYS, HOMES, Material
from .ranges import ACTIVITIES, FIRST, OTHER, SENSORS
from .recordings import CHAMBER, KINDS, PUBLISHED

SIMULATED = f"{HOMES} simulated homes, {DAYS} days each"


def write(evaluation: Evaluation, material: Material, chosen: str, learned: str, folder: Path) -> Path:
    """Write the card; return it."""
    return write_card(
        Card(
            name=MODEL,
            title="Model card: particle events",
            purpose="Finds when particles rise in a room, says where they may have come from, how fast they go away and"
            " how much of the outdoor air's gets in. Not a smoke alarm.",
            sources=_sources(evaluation, material, learned),
            split="The network learns from simulated homes only and is judged on simulated homes of another seed and of"
            " shifted, wider ranges, and on real recordings it never learned from, which are redrawn by day."
            " Homes of the Chicago set are foretold from their own past days, or from the other homes.",
            seeds="20261122 to learn, 20261123 to judge, one thread.",
            chosen=chosen,
            evaluation=evaluation,
            claims=_claims(evaluation, material),
            sections=[
                Section(title="Rates of natural decay, one by one", lines=_natural(material)),
                Section(title="Cleaners, by what their switching on changed", lines=_cleaners(material)),
                Section(title="Homes of Chicago, one by one", lines=_chicago(material)),
                Section(title="Smoke-like burst: the fast path", lines=_burst()),
                Section(title="Rules: the fallback", lines=_rules()),
                Section(title="What is simulated", lines=_world()),
            ],
            limits=_limits(),
            wording=[
                f'Say "may have come from cooking", never "you were cooking"; name it only from {SENTENCE:g} on.',
                'Where the model abstains the source is "unknown".',
                'A smoke-like burst is "looks like smoke"; this is no smoke alarm and replaces none.',
                "Never advise to open a window on this alone: outdoors may be worse.",
            ],
            data="air",
        ),
        folder,
    )


def _sources(evaluation: Evaluation, material: Material, learned: str) -> list[Source]:
    days = len({each.recording.day for each in material.heard})
    return [
        Source(name="Simulated homes", licence="Apache-2.0 (this repository)", subjects=learned, real=False,
               used_for="learning the network"),
        Source(name="Simulated homes, other seed and ranges", licence="Apache-2.0 (this repository)",
               subjects=SIMULATED, real=False, used_for="judging: sim_ figures"),
        Source(name="pm_event_decay (robwiss/analyze_cadr)", licence="MIT",
               subjects=f"{len(material.heard)} recordings, {days} days, three sensor models", real=True,
               used_for="judging; constants of the rate were settled on it (see Chosen)"),
        Source(name="Chicago indoor and outdoor PM2.5 (Jing et al. 2025)", licence="CC BY 4.0",
               subjects=f"{len(material.places)} homes with outdoor values", real=True,
               used_for="judging; constants of the infiltration were settled on it (see Chosen)"),
    ]  # fmt: skip


def _claims(evaluation: Evaluation, material: Material) -> list[Claim]:
    metrics, spans = evaluation["metrics"], evaluation["intervals"]
    fallback, naive = evaluation["fallback"], evaluation["baselines"]["naive"]
    natural = sum(each.recording.natural and each.recording.aerosol in PUBLISHED for each in material.heard)
    count = [KINDS.get(each.recording.aerosol) for each in material.heard]
    mist, smoke = (f"{count.count(kind)} recordings" for kind in (Kind.AEROSOL, Kind.COMBUSTION))
    tapes, homes = f"{len(material.heard)} recordings", f"{len(material.places)} homes"

    def claim(
        what: str, metric: str, n: str, target: float | None = None, *, most: bool = False, anchor: str = ""
    ) -> Claim:
        return Claim(
            what=what, metric=metric, value=metrics[metric], interval=spans.get(metric), n=n,
            real=metric.startswith("real"), target=target, at_least=not most, anchor=anchor,
        )  # fmt: skip

    return [
        claim(
            "events found, F1", "sim_event_f1", SIMULATED, 0.85,
            anchor=f"10 µg/m³ above the lowest of 3 h {_n(fallback['sim_event_f1'])}, above 35 µg/m³ {_n(naive['sim_event_f1'])}",
        ),
        claim(
            "source, five classes, macro F1, no context sensors; silence counts as missed", "sim_source_f1_bare",
            SIMULATED, 0.6, anchor=f"rules {_n(fallback['sim_source_f1_bare'])}, majority {_n(naive['sim_source_f1_bare'])};"
            " published: 93-99.8 % accuracy within one site, none leaving homes out (models.md 3.2)",
        ),
        claim(
            "the same with plugs and motion", "sim_source_f1_switched", SIMULATED, 0.75,
            anchor=f"rules {_n(fallback['sim_source_f1_switched'])}",
        ),
        claim("wrong source sentences a week and home", "sim_wrong_sentences_week_switched", SIMULATED, 1.0, most=True),
        claim(
            "infiltration factor, mean absolute error", "sim_finf_mae", SIMULATED, 0.08, most=True,
            anchor=f"lower tenth of the ratio {_n(fallback['sim_finf_mae'])}, median ratio {_n(naive['sim_finf_mae'])}",
        ),
        claim(
            "the same against the factor as this sensor unit shows it (its gain cannot be known at home)",
            "sim_finf_mae_as_shown", SIMULATED, 0.08, most=True,
        ),
        claim(
            "natural decay within 10 % of the published rate, share of recordings", "real_decay_within_10pct",
            f"{natural} recordings", 1.0,
            anchor=f"least squares 50-5 % {_n(fallback['real_decay_within_10pct'])}; author's natural decay: "
            + ", ".join(f"{name} {rate:.2f}" for name, rate in PUBLISHED.items()),
        ),
        claim(
            "two sensor models on one event: rates differ by (median)", "real_sensors_differ", tapes, 0.1, most=True,
            anchor=f"half-life: {_n(naive['real_sensors_differ'])}",
        ),
        claim("nebuliser called aerosol (home scale, particles only)", "real_aerosol_right", mist),
        claim("nebuliser called something else", "real_aerosol_wrong", mist),
        claim("smoke called combustion", "real_combustion_right", smoke),
        claim("smoke called something else", "real_combustion_wrong", smoke),
        claim(
            "indoor PM2.5 of the next day, mean absolute error, µg/m³", "real_indoor_mae_tomorrow", homes,
            anchor=f"median ratio {_n(fallback['real_indoor_mae_tomorrow'])}, indoor mean {_n(naive['real_indoor_mae_tomorrow'])}",
        ),
        claim(
            "indoor PM2.5 of a home's later half from its first", "real_indoor_mae_later", homes,
            anchor=f"median ratio {_n(fallback['real_indoor_mae_later'])}, indoor mean {_n(naive['real_indoor_mae_later'])}",
        ),
        claim(
            "indoor PM2.5 of a home never seen", "real_indoor_mae_unseen", homes,
            anchor=f"median ratio {_n(fallback['real_indoor_mae_unseen'])}, indoor mean {_n(naive['real_indoor_mae_unseen'])}",
        ),
    ]  # fmt: skip


def _n(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _natural(material: Material) -> Sequence[str]:
    rows = []
    for each in material.heard:
        if not each.recording.natural:
            continue
        true = PUBLISHED.get(each.recording.aerosol)
        for found in each.decays:
            off = None if true is None else 100.0 * (found.rate / true - 1.0)
            rows.append([
                each.recording.day, each.recording.sensor, each.recording.aerosol, f"{found.rate:.2f} ± {found.error:.2f}",
                true, "-" if off is None else f"{off:+.0f} %",
            ])  # fmt: skip
    return [
        "Rates in 1/h, plus or minus one standard deviation, which holds how far the fall was from one exponential.",
        "Large droplets of salt go first, so a salt aerosol's local rate changes by a factor of two on the way (on the",
        "sps30 from 5.5 to 2.0): what one number says depends on where it is read. The published rates do not name the",
        "sensor. The pms5003's jet recording begins at its peak, above 2,000 µg/m³, where that sensor is not linear.",
        "",
        *table(["day", "sensor", "aerosol", "rate", "published", "off by"], rows),
    ]


def _cleaners(material: Material) -> Sequence[str]:
    """Return the clean air of each cleaner whose switching on was seen, by sensor model."""
    found: dict[str, dict[str, list[tuple[Decay, Decay]]]] = {}
    for each in material.heard:
        if len(each.decays) == 2 and each.decays[1].rate > each.decays[0].rate:
            cleaner = each.recording.run.split("_", maxsplit=1)[-1]
            sensors = found.setdefault(cleaner, {})
            sensors.setdefault(each.recording.sensor, []).append((each.decays[0], each.decays[1]))
    rows = []
    for cleaner, sensors in sorted(found.items()):
        cells: list[str | None] = []
        for sensor in SENSORS:
            pairs = sensors.get(sensor, [])
            air = clean_air([on for _, on in pairs], [off for off, _ in pairs], CHAMBER)
            cells.append(None if air is None else f"{air.rate:.0f} ± {air.error:.0f} ({len(pairs)})")
        rows.append([cleaner, *cells])
    return [
        f"Clean air in m³/h = (rate after - rate before) x {CHAMBER} m³, one standard deviation, recordings in brackets. Nobody",
        "told the watch when a cleaner was switched on: it is where one line no longer fits. No published figures to hold",
        "it against; the sensors see the same event independently. Rates above 200/h are two or three readings' worth.",
        "",
        *table(["cleaner and setting", *SENSORS], rows),
    ]


def _chicago(material: Material) -> Sequence[str]:
    return [
        "Mean absolute error of the next day, µg/m³. Homes without outdoor values are not judged. The outdoor sensor of",
        "P16 shows hundreds of µg/m³ for weeks; nobody took it out.",
        "",
        *table(
            ["home", "days", "infiltration", "median ratio", "indoor mean", "factor at the end"],
            [
                [p.home, p.days, p.tomorrow.get("model"), p.tomorrow.get("fallback"), p.tomorrow.get("naive"), p.factor]
                for p in material.places
            ],
        ),
    ]


def _burst() -> Sequence[str]:
    return [
        "Told at the reading that shows it, without inference: two readings in a row at least 100 µg/m³ and half above the",
        "lowest of the last five minutes (of the last two readings where they are rarer), risen by 30 µg/m³ a minute or",
        "more; PM2.5 at least 85 % of PM10, of the rise and of all above the quiet level, where that is measured; humidity",
        "not up by 8 % or more in such a rise, nor in one of the last half hour. At most once in",
        "half an hour, also while another event is under way. A smoulder that rises slowly is an event, no burst.",
        "`sim_false_bursts_week` counts bursts told while nothing burnt or was fried; `real_burst_mist` those of nebulisers.",
    ]


def _rules() -> Sequence[str]:
    return [
        "Without the file the first row that fits answers (`engine/models/pm_source.py`); a rule is given 0.6, so it never",
        f"makes a sentence, which takes {SENTENCE:g}.",
        "",
        *table(["order", "rule", "source"], [[i + 1, rule.name, rule.kind] for i, rule in enumerate(RULES)]),
    ]


def _world() -> Sequence[str]:
    return [
        "Four rooms by mass balance, three size bins, each source alone; plumes and wildfire smoke outdoors; doors,",
        "windows, hoods, purifiers; readings with noise, steps, swelling droplets, gaps. All ranges are in `ranges.py`.",
        "A source is visible where it brought 8 µg/m³ and was half of all excess at its peak; visible sources that overlap",
        "before the level has fallen to half count as one event of the higher one's kind.",
        "",
        *table(
            ["source", "kind", "mg/min of PM10", "minutes", "below 1 µm", "humidity up, %"],
            [
                [name, a.kind, _span(a.emission), _span(a.minutes), _span(a.fine), _span(a.humidity)]
                for name, a in ACTIVITIES.items()
            ],
        ),
        "",
        *table(
            ["range", "learned from", "judged on"],
            [
                ["volumes, m³", *("; ".join(_span(v) for v in w.volumes) for w in (FIRST, OTHER))],
                ["air change, 1/h (median, log sd)", _span(FIRST.air_change), _span(OTHER.air_change)],
                ["deposition, 1/h", *("; ".join(_span(v) for v in w.deposition) for w in (FIRST, OTHER))],
                ["penetration", *("; ".join(_span(v) for v in w.penetration) for w in (FIRST, OTHER))],
                ["emission, times", FIRST.emission, OTHER.emission],
                ["duration, times", FIRST.minutes, OTHER.minutes],
                ["sensor units differ by (log sd)", FIRST.unit_spread, OTHER.unit_spread],
                ["noise, times", FIRST.noise, OTHER.noise],
                [
                    "s between readings",
                    *(", ".join(f"{i:g}" for i in sorted(set(w.intervals))) for w in (FIRST, OTHER)),
                ],
                ["sensor models", *([", ".join(SENSORS)] * 2)],
            ],
        ),
    ]


def _span(span: tuple[float, float]) -> str:
    return f"{span[0]:g} to {span[1]:g}"


def _limits() -> list[str]:
    return [
        "Sources are learned from a simulation and judged on one, but for aerosol against smoke: no labelled homes.",
        "Figures marked simulated say how the method fares if the physics is right; what real homes add is unknown.",
        "The infiltration factor is relative: a sensor unit that reads 15 % high makes it 15 % high.",
        "Beyond a sensor's ceiling ratios are wrong: wood smoke at the sds011's 1,000 µg/m³ was called an aerosol.",
        "Homes called outdoor-driven on smoke days are so on most clear days too (`real_outdoor_driven_...`).",
        "Jet nebulisers' first, wet droplets look like dust: two of five recordings were called cleaning, none aerosol.",
        "Slow rises of the outdoor air over many hours are followed, not told as events.",
        "A source that begins while another is still high is told only once it rises above it, or that has fallen by half.",
        "With a reading every 5 to 10 minutes, sprays and toast are seen in one or two readings.",
        "Cleaning and people stirring up dust look alike without a vacuum's plug: they count as one class of five.",
    ]
