"""The card of the breathing pattern: what is claimed, and what was not found."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from ..card import Card, Claim, Section, Source, table
from ..report import Evaluation
from .evaluate import NAME, SEED
from .fit import Learned
from .score import figures
from .worse import HeldOut

_MINUTES: Final = "literature on these 70 nights: 80-90 % of minutes (recalled; most with the ECG's shape too)"
_QUICK: Final = "a quick spectrum model of the data's own README: .78"
_NIGHTS: Final = (
    "Withings mat .926 (118 persons, its makers), .85-.87 (35 persons, independent); other persons, other reference"
)
_PURPOSE: Final = (
    "A wellness score, told in the morning: how far the times between a night's heart beats follow the pattern that "
    "breathing in fits and starts leaves in them, per minute and as a share of the night, with abstention. Only offered "
    "where the device tells the time of single beats; a heart rate once a minute is refused."
)
_CHOSEN: Final = (
    "Ridge, steepness of the gate, whether the depth counts, thresholds, bands and ranges: on the training persons of "
    "each fold (`fit.learn`), by what steps 1 and 2 say of persons they did not see. A human looked at "
    "leave-one-person-out figures of about eighty sets of features and structures on these 17 nights (AUC .80 to .915) "
    "before features and structure were settled, so the figures are a little too kind; the nights kept back are the proof."
)


def _claims(report: Evaluation, nights: int) -> list[Claim]:
    count = f"{nights} nights taken for {report['n_subjects']} persons, {report['n_rows']} min"

    def claim(what: str, metric: str, target: float | None, anchor: str = "", *, at_least: bool = True) -> Claim:
        return Claim.of(report, what, metric, n=count, real=True, target=target, at_least=at_least, anchor=anchor)

    return [
        claim("minutes with and without the pattern told apart (AUC), all nights together", "auc", 0.85, _QUICK),
        claim("minutes told rightly, none left out", "accuracy", None, _MINUTES),
        claim("minutes told rightly, of those answered", "accuracy_answered", None, _MINUTES),
        claim("the same AUC within a night, mean of nights", "auc_within_night", None),
        claim(
            "nights of 15 and more events an hour told from those below 5 (AUC; few nights, see below)",
            "night_auc",
            None,
            _NIGHTS,
        ),
        claim("error of the share of minutes, mean of nights", "share_error", None, at_least=False),
    ]


def _nights(held: HeldOut) -> list[str]:
    rows = []
    for each in held.columns.network:
        found = figures([each])
        rows.append(
            [
                each.record.name,
                each.record.person,
                each.record.events,
                round(each.record.share, 2),
                None if each.share is None else round(each.share, 2),
                "-" if each.lo is None or each.hi is None else f"{each.lo:.2f} to {each.hi:.2f}",
                found["auc_within_night"],
                found["coverage"],
                "-" if each.wording is None else each.wording.removeprefix("breathing_pattern_"),
            ]
        )
    header = ["night", "person", "events/h", "share", "told", "band", "AUC within", "answered", "wording"]
    return [
        (
            "Each judged by a network that learned from other persons. Share: of minutes with the pattern, by the reference; "
            "told: the model's."
        ),
        "",
        *table(header, rows),
    ]


def _comparison(report: Evaluation, others: Mapping[str, tuple[float, float]]) -> list[str]:
    metrics, fallback = report["metrics"], report["fallback"]
    return [
        (
            "The same features, nights and persons left out. What cannot ship shows what is left in the features; it has no "
            "smoothing over minutes, as what ships has."
        ),
        "",
        *table(
            ["model", "AUC", "accuracy"],
            [
                ["ships: weights, smoothing, gate", metrics["auc"], metrics["accuracy"]],
                *([name, round(area, 3), round(right, 3)] for name, (area, right) in others.items()),
                ["share of the cycle in all power alone (fallback)", fallback["auc"], fallback["accuracy"]],
            ],
        ),
        "",
        (
            "A dense layer with hidden units learned people, not breathing: within a night it told minutes apart less well than "
            "weights alone (.91 against .93, looked at on the same folds), so the shipped network has none for minutes. The gate is what trees "
            "find by themselves: nights without any cycle are low throughout, whatever stands out in them."
        ),
    ]


def _farthest(held: HeldOut, count: int = 3) -> str:
    """Return the nights whose share was told worst."""
    told = [(each, each.share - each.record.share) for each in held.columns.network if each.share is not None]
    told.sort(key=lambda pair: -abs(pair[1]))
    return (
        ", ".join(f"{each.record.name} {each.share:.2f} for {each.record.share:.2f}" for each, _ in told[:count]) + "."
    )


def _worse(held: HeldOut) -> list[str]:
    keys = (
        "auc",
        "auc_within_night",
        "accuracy",
        "coverage",
        "share_bias",
        "night_auc",
        "shown_of_low",
        "nights_answered",
    )
    rows = []
    for name, nights in held.worse.items():
        found = figures(nights)
        rows.append([name, *(found[key] for key in keys)])
    return [
        (
            "The same nights and held-out networks, the beat times harmed by chance: what to expect of a device that hears "
            "less than electrodes do. Lost beats raise the share, times that are off lower it; nights with too many lost "
            "beats are refused."
        ),
        "",
        *table(["beats", *keys], rows),
    ]


def _folds(shipped: Learned, learned: Sequence[Learned]) -> list[str]:
    chosen = Counter((each.ridge, each.steepness, each.depth) for each in learned)
    rows = [[*choice, count] for choice, count in sorted(chosen.items())]
    return [
        (
            f"Ships: ridge {shipped.ridge:g}, steepness {shipped.steepness:g}, depth "
            f"{'counts' if shipped.depth else 'does not count'}. Chosen in the folds:"
        ),
        "",
        *table(["ridge", "steepness", "depth", "folds"], rows),
        "",
        (
            f"Rules in the file: abstains below {shipped.metadata['tau']} of confidence; `share_bounds` (nothing seen below, "
            f"worth showing from, width of the band) {shipped.metadata['share_bounds']}."
        ),
    ]


def _verdict(report: Evaluation) -> str:
    ours, other = report["metrics"]["log_loss"], report["fallback"]["log_loss"]
    areas = report["metrics"]["auc"], report["fallback"]["auc"]
    won = ours is not None and other is not None and ours < other and (areas[0] or 0.0) > (areas[1] or 0.0)
    return (
        "The network beats its fallback on persons left out, in AUC and in log-loss; it ships."
        if won
        else "**The network does not beat its fallback on persons left out**; it must not ship."
    )


def described(
    report: Evaluation,
    held: HeldOut,
    shipped: Learned,
    others: Mapping[str, tuple[float, float]],
) -> Card:
    """Return the card of figures on persons left out."""
    return Card(
        name=NAME,
        title="Model card: breathing pattern",
        purpose=_PURPOSE,
        sources=[
            Source(
                name="Apnea-ECG 1.0.0 (PhysioNet; Penzel et al. 2000), beat times made by a machine, unaudited",
                licence="ODC-By 1.0",
                subjects="17 of 34 nights with labels, 11 groups of age and sex",
                real=True,
                used_for="training, thresholds, figures",
            )
        ],
        split=(
            "by person, each left out in turn. The source names nobody (its 70 nights are of 32 people), so nights of the "
            "same age and sex are taken for one person's: a05 a10 a11 a20, a07 a16, b02 b03, c05 c06 (the last two are "
            "one recording, 77 beats apart)."
        ),
        seeds=f"{SEED} for intervals and comparisons; the network itself is fitted by Newton's method, without chance.",
        chosen=_CHOSEN,
        evaluation=report,
        claims=_claims(report, len(held.columns.network)),
        sections=[
            Section(title="Verdict", lines=[_verdict(report)]),
            Section(title="Nights", lines=_nights(held)),
            Section(title="Heard worse", lines=_worse(held)),
            Section(title="Beside other models", lines=_comparison(report, others)),
            Section(title="What was chosen", lines=_folds(shipped, held.learned)),
        ],
        limits=[
            (
                "17 nights, 14 of men, none of a child, recorded in a laboratory with ECG electrodes; a bed's beat times are "
                "worse (see above for made-up harm). Nothing here was measured on a bed node."
            ),
            (
                "How much of a night shows the pattern is known far worse than which minutes do; farthest off: "
                + _farthest(held)
            ),
            (
                "Leg movements, heart failure, pacemakers, beta blockers, diabetes and atrial fibrillation change or hide the "
                "pattern; none was in the data. An irregular rhythm is meant to be refused (`rhythm_out_of_range`), which was "
                "tried on made-up beats only."
            ),
            "The night tells of itself in the morning, after at least two hours; one night is never enough for a sentence.",
            "Without its file the model is silent: the fallback is too weak on new persons to be shown to anybody.",
            "`base_rate` has an area below one half because the rate of the others is low where a person's own is high.",
            "`evaluate` on the nights this file was trained on is in sample and says so; the figures above are not.",
        ],
        wording=[
            "Say: a breathing pattern worth showing a doctor, on several nights, with the share and its band.",
            (
                "Never name an illness, an index of events an hour, a severity, or a finding; nothing seen never means "
                "nothing there."
            ),
            "The words for this screening in the medical literature belong in this card and in the data, not in the house.",
        ],
        data="bed",
    )
