"""Describe the forecast of reliever days from what was measured on held-out people; `train` writes it."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from ..card import Card, Claim, Section, Source, table
from ..report import Evaluation
from . import fit
from .evaluate import NAME, SEED, summary
from .score import Lived


def _claims(report: Evaluation) -> tuple[Claim, ...]:
    metrics, spans = report["metrics"], report["intervals"]
    n = f"{report['n_subjects']} people, {report['n_rows']} days"

    def claim(what: str, metric: str, target: float, anchor: str, *, at_least: bool = True) -> Claim:
        return Claim(
            what=what,
            metric=metric,
            value=metrics[metric],
            interval=spans[metric],
            n=n,
            real=True,
            target=target,
            at_least=at_least,
            anchor=anchor,
        )

    return (
        claim(
            "log-loss below the personal seven-day rate, share", "gain_over_week_rate", 0.05, "that rate ships instead"
        ),
        claim(
            "AUC, any use tomorrow",
            "auc",
            0.80,
            ".952 for a day of ten puffs and more, 13,202 people, 1.2 M days (JAMIA Open 2023 ooad091; another target)",
        ),
        claim("calibration error", "ece", 0.05, "", at_least=False),
    )


def card(
    lived: Sequence[Lived], chosen: Sequence[fit.Choice], found: fit.Fitted, choice: fit.Choice, *, version: str
) -> Card:
    """Return the card: figures of held-out people, beside what ships."""
    picked = Counter(each.features for each in chosen)
    report = summary(lived, version=version, engine="numpy (drafts)")
    better = sum(
        (group["log_loss"] or 0.0) < (group["week_rate"] or 0.0)
        for name, group in report.get("subgroups", {}).items()
        if name.startswith("person ") and group["days"]
    )
    scored = sum(name.startswith("person ") and bool(g["days"]) for name, g in report.get("subgroups", {}).items())
    return Card(
        name=NAME,
        title="Model card: reliever day",
        data="asthma",
        purpose="The chance that a person uses a reliever tomorrow, as known in the evening, to show beside the person's own usual. It says nothing about attacks.",
        sources=[
            Source(
                name="AAMOS-00 (Tsang et al. 2023, doi 10.7488/ds/3775)",
                licence="CC BY 4.0",
                subjects=f"{report['n_subjects']} of 22 people, {report['n_rows']} days",
                real=True,
                used_for="learning, and judging each person by the others",
            )
        ],
        split="Leave one person out. The other 11 people of the study were not looked at.",
        seeds=f"{SEED} (intervals only; the fit has no chance in it)",
        chosen=(
            "Feature set, ridge and the fallback's strength: least log-loss when each of the *other* people is left out in"
            f" turn. On the {len(chosen)} outer folds: "
            + ", ".join(f"{name} ({count})" for name, count in picked.most_common())
            + f". What ships: {choice.features}, ridge {choice.ridge:g}, strength {choice.strength:g}."
            " A human looked at held-out losses of these people while settling half-lives (4 and 28 days), the two days of"
            " doubt and the head's prior variances (0.3, 0.1); neighbours of each changed the log-loss by less than 0.005."
        ),
        evaluation=report,
        claims=_claims(report),
        sections=(
            Section(title="What a day is", lines=_LABEL),
            Section(
                title="Weights",
                lines=[
                    "Change of the log-odds by one standard deviation; where a feature is not known it counts as average.",
                    "",
                    *table(
                        ["feature", "weight", "mean", "standard deviation"],
                        [
                            [name, float(w), float(m), float(s)]
                            for name, w, m, s in zip(found.names, found.weight, found.mean, found.std, strict=True)
                        ],
                    ),
                    "",
                    f"Better than the seven-day rate for {better} of {scored} people. `network_alone` is the same network without",
                    "the personal head, which learns each evening from what it got wrong (`engine/models/reliever_day.py`).",
                    "Peak flow, fine dust, pollen and temperature were offered as features; most folds did without. Propeller's data",
                    "says the same (pollutants small beside the last week's use; models.md section 6.3).",
                ],
            ),
            Section(title="The columns", lines=_COLUMNS),
        ),
        limits=[
            "Few people of one country, of whom four give three quarters of all days; intervals redraw people and are wide.",
            "The questionnaire asks for the last 24 hours: answered in the morning, part of tomorrow's answer is already lived.",
            "Within a person it puts days in no better order than the seven-day rate does; the gain is in how sure to be.",
            "It abstains with fewer than three known days in the last fourteen, or farther from the mean than any row learned from.",
            "No exacerbations, no cause, no advice. In the study too few had one to learn anything from.",
        ],
        wording=[
            'Say "more" or "less reliever than your usual days", never "risk" or "attack".',
            "The person's own action plan always comes first; a limit of the plan is a rule and asks no model.",
            "No forecast is no reassurance.",
        ],
    )


_LABEL: Final = (
    "Used: the questionnaire names puffs in the last 24 hours, or the sleeve of a reliever recorded one that day.",
    "Not used: the questionnaire says none and no sleeve recorded any. A silent sleeve alone proves nothing (people own",
    "a second inhaler). Unanswered days are not scored, even with a recorded puff, or only days with use would be added;",
    "a recorded puff still counts as known for the days after. Every other day is not known: never a zero.",
    "",
    "Foretold in the evening from that day and before. Scored when at least three of the last fourteen days are known;",
    "`share_answered` is their share, `log_loss_all_days` scores the rest with the fallback or other people's mean.",
)
_COLUMNS: Final = (
    "`week_rate` (fallback, the one to beat): days with use among the known ones of the last seven, drawn towards other",
    "people's mean by a strength chosen on those people. `raw_week_rate`: the same without (0.0001 to 0.9999).",
    "`last_seven_known_days`: the last seven answers however old. `own_rate_so_far`: all answers. `as_today`: the last",
    "answer. All but the raw one are drawn towards the same mean by the same strength.",
    "`puffs_mae`: puffs a day (middle of the answer's range), foretold by a median in which a day's weight halves in four",
    "(`usual_puffs`), the week's mean, all days' mean, the last day's; no network is asked.",
)
