"""Write the model card from what an evaluation measured; nobody edits it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..card import Card, Claim, Section, Source, table
from ..card import write as write_card
from ..report import Evaluation, Metrics

_TITLES: Final = {
    "0.5lph": "0.5 L/h",
    "1lph": "1 L/h",
    "2lph": "2 L/h",
    "5lph": "5 L/h",
    "30lph": "30 L/h",
    "cycle_2lph": "2 L/h in gulps of 6 L every 3 h",
}
_STAGES: Final = (
    ("found_1lph_48h", "1 L/h found in 48 h"),
    ("delay_h_1lph", "1 L/h, h until found (median)"),
    ("found_1lph_14d", "1 L/h found in 14 days"),
    ("found_0.5lph_14d", "0.5 L/h found in 14 days"),
    ("found_cycle_2lph_14d", "gulps found in 14 days"),
    ("false_per_clean_year", "alarms a clean home-year"),
    ("false_1lph_per_clean_year", "of these, of 1 L/h and more"),
    ("false_small_per_clean_year", "of these, of the 0.5 L/h test alone"),
    ("false_no_level_per_clean_year", "of these, with no constant flow in hindsight"),
    ("false_per_spotless_year", "alarms a year in spotless homes"),
    ("alarms_per_year_all_homes", "alarms a year, all homes"),
)


def _claims(found: Evaluation) -> list[Claim]:
    metrics, spans = found["metrics"], found["intervals"]
    homes, years = metrics["clean_homes"] or 0.0, metrics["clean_home_years"] or 0.0
    n = f"{homes:.0f} clean homes, {years:.1f} home-years, split by home"
    flat = "1 flat, by weeks"
    simple = (
        "two calendar days without a still hour: 0.11 alarms, median 2 d (models.md 4.2, chosen on the same 84 homes)"
    )
    gst = "GST4Water >90 % by absence of non-consumption [F]"

    def claim(
        what: str, metric: str, target: float | None, *, least: bool = True, n: str = n, anchor: str = ""
    ) -> Claim:
        return Claim(
            what=what, metric=metric, value=metrics.get(metric), interval=spans.get(metric), n=n, real=True,
            target=target, at_least=least, anchor=anchor,
        )  # fmt: skip

    return [
        claim("injected leaks of 1 L/h found within 48 h", "found_1lph_48h", 0.95, anchor=gst),
        claim("1 L/h: median hours until found", "delay_h_1lph", 48.0, least=False, anchor=simple),
        claim("injected leaks of 5 L/h found within 48 h", "found_5lph_48h", 0.95),
        claim("injected leaks of 0.5 L/h found within 14 days", "found_0.5lph_14d", 0.95),
        claim("alarms of 1 L/h and more a clean home-year", "false_1lph_per_clean_year", 0.1, least=False, anchor=simple),
        claim("alarms of the 0.5 L/h test a clean home-year", "false_small_per_clean_year", 0.2, least=False),
        claim("alarms with no constant flow in hindsight a clean home-year", "false_no_level_per_clean_year", None, least=False),
        Claim(
            what="confirmed alarms of 1 L/h and more a clean home-year",
            metric="false_1lph_per_clean_year",
            value=found["baselines"]["confirmed_only"]["false_1lph_per_clean_year"],
            interval=None, n=n, real=True, target=0.1, at_least=False,
        ),
        claim("cisterns that leak in gulps (2 L/h) found within 14 days", "found_cycle_2lph_14d", None),
        claim("bursts of 12 L/min found within 5 min", "burst_12lpm_5min", 0.95, n="60 injected, 1 flat"),
        claim("false bursts a home-year", "burst_false_per_year", 0.2, least=False, n="0.7 home-years, 1 flat"),
        claim("draws named rightly by the rules (abstained = wrong)", "fixture_accuracy", 0.9, n=flat, anchor=f"{gst}: another task"),
        claim("F1 of the machine", "fixture_f1_machine", None, n=flat),
        claim("showers of other homes called a shower", "showers_named", None, n="24 homes; flow ranges were tried while looking at them"),
    ]  # fmt: skip


def _both(found: Evaluation, tuned: Metrics | None) -> list[str]:
    columns: dict[str, Metrics] = {
        "advice and confirmed": found["metrics"],
        **({} if tuned is None else {"same, tuning homes": tuned}),
        "confirmed only": found["baselines"]["confirmed_only"],
        "fallback: two days": found["fallback"],
        "24 h nonzero": found["baselines"]["nonzero_24h"],
    }
    return table(["", *columns], [[text, *(each.get(key) for each in columns.values())] for key, text in _STAGES])


def _rates(found: Evaluation) -> list[str]:
    metrics = found["metrics"]
    rows = [
        [
            text,
            *(metrics[f"{kind}_{leak}{end}"] for kind, end in (("found", "_48h"), ("found", "_14d"), ("delay_h", ""))),
        ]
        for leak, text in _TITLES.items()
    ]
    return table(["leak", "found in 48 h", "found in 14 days", "h until found, median"], rows)


def _sections(found: Evaluation, tuned: Metrics | None) -> Sequence[Section]:
    spotless = found["metrics"]["spotless_home_years"] or 1.0
    return [
        Section(
            title="Stages, and what is a false alarm",
            lines=[
                "**Clean home** (fixed since the first version, models.md 4.2): at least 60 well-read days, at most 2 % of them",
                "without a still hour. Every alarm in such a home counts as false, whatever it was. The definition lets through",
                "homes in which something did run for days: both alarms of the tuning half are such (60 L/h for six days,",
                "4 L/h for three), and nothing that finds an injected leak in two days can keep quiet there. Two alternatives are shown beside it: alarms with no *constant flow in hindsight* (no",
                "24 h without a still hour whose eight lowest hours lie within 1 L or 15 %; it asks neither the watch nor its habits,",
                "but looks for a like thing, so read it as a lower bound), and alarms in *spotless* homes, with not one day",
                "without a still hour: no alarm there is compatible with",
                f"{3.0 / spotless:.2f} a year (rule of three).",
                "",
                *_both(found, tuned),
                "",
                "Advice comes after two days at one level, confirmation after three days without stillness, whatever the level.",
                "What has to be sure (a valve, a call) waits for confirmation or a second sensor.",
            ],
        ),
        Section(
            title="Leaks by rate",
            lines=[
                "Injected: a constant flow added to a clean home's own readings, in the meter's own step, three weeks apart,",
                "from the second month on, none within a day of a run of 24 h. Means of homes.",
                "",
                *_rates(found),
            ],
        ),
        Section(
            title="Where the first version lost its leaks",
            lines=[
                "Of 321 leaks of 1 L/h in the tuning half, the first version missed 65 at 48 h: 36 by a bound that had grown",
                "beyond 46 h (20 of these with readings lost as well), 16 by lost readings alone, 9 by abstaining for lost",
                "readings although the evidence was there, 2 by taking back time for nearly-still hours, 2 otherwise. Hence:",
                "time counts by the home's own chances to stand still (48 h hold two nights wherever they begin), lost hours",
                "count in part, two days at one level need no grown bound, and abstention says that nothing is ruled out,",
                "not that nothing was seen.",
            ],
        ),
        Section(
            title="Why no network names draws",
            lines=[
                "A small regression (six features, 21 weights; column `network_other_weeks`) fitted to the other weeks of this flat,",
                "and to what other homes might make of its draws, names more of them rightly than the rules, and knows its machine,",
                "which the rules never name. On the only homes that are others it calls no more showers a shower than the rules do",
                "(row `showers_named`). About a dozen variants of it were tried while looking at those very showers: 0.82 to 0.87",
                "against 0.86 of the rules, some a little above, the one shown below, all within the interval. What was asked of it",
                "beforehand it did not show, so the rules ship. Nothing but litres, seconds and flow is known of those showers, so even",
                "that says nothing of shapes. With labels of a second home it should be tried again (`fixtures.py` fits it).",
            ],
        ),
        Section(
            title="Looks at the test half",
            lines=[
                "The odd half was scored twice while the first version was made (a fault seen on a made-up home was mended in",
                "between; one constant had been left at its old value). This version was settled on the tuning half alone.",
                LOOKS,
            ],
        ),
    ]


LOOKS: Final = (
    "Then the odd half was scored four times, as totals only; no home of it was looked at by itself: 1 L/h in 48 h 0.93, 0.91, 0.91 "
    "and this card's; alarms a clean home-year 0.48, 0.48, 0.39 and this card's. As that was more than the tuning half showed, busier "
    "homes were made of it (39 clean sums of two tuning homes, 47 home-years, and homes with more readings lost); on these the "
    "level test was made stricter and one still hour was made to take back most of the time. The 0.5 L/h test's floor was raised after "
    "the third score, which makes its last figure a little less than unseen."
)

LIMITS: Final = (
    "Leaks were injected as constants; real ones change with pressure. Level means within a fifth and 1.2 steps of the meter.",
    (
        "Readings that are lost (whole batches of four hours here) delay an alarm; with a third of them lost most leaks of "
        "1 L/h take longer than two days."
    ),
    "In its first week a home's habits are unknown: then only three days without stillness are an alarm.",
    "A level that came and went by itself twice within two months is taken for a habit of the home, and waits for the third day.",
    "Gulps look like use: that test is silent in homes whose own use comes near it, or with more than 15 % of readings lost.",
    (
        "Meters with steps over 2.4 L cannot speak of 0.5 L/h, over 4.9 L of 1 L/h, over 24 L of 5 L/h: it abstains and says so, "
        "as where a flow sensor stands still below the rate."
    ),
    "Alicante, 2016-17, hourly readings of 1 L. Shorter intervals and finer steps were tried on made-up homes only.",
    (
        "Fixtures: one flat, one person, one machine, no measured toilet; the intervals are of its weeks, not of homes. Whoever "
        "shows fixtures to owners should show showers and taps first. Toilets are left to a rule, and have no score."
    ),
    "One flat says little of false bursts: none in 0.7 years is compatible with four a year.",
)


def write(found: Evaluation, tuned: Metrics | None, folder: Path) -> Path:
    """Write the card; `tuned` are the watch's figures on the homes that were looked at."""
    return write_card(
        Card(
            name="leak_event",
            title="Leak event",
            purpose=(
                "Tells an owner that water never stops, that a pipe may have burst, and what a draw may have been for. The leak "
                "and burst watches are statistics (`engine/models/leak.py`, `burst.py`), draws are named by rules of plumbing "
                "(`fixture.py`); no network ships. Not for closing a valve by itself, billing, or proof that nothing leaks."
            ),
            sources=(
                Source(name="DAIAD hourly meters", licence="CC BY-SA 4.0", subjects=f"{found['n_subjects']} homes", real=True,
                       used_for="leaks injected, false alarms; the other half to settle constants"),
                Source(name="WEUSEDTO (Di Mauro et al.)", licence="CC BY 4.0", subjects="1 flat, 8 months", real=True,
                       used_for="draws named, bursts injected; the network that does not ship, by weeks"),
                Source(name="DAIAD showers", licence="CC BY-SA 4.0", subjects="24 homes", real=True,
                       used_for="whether showers of other homes are named"),
                Source(name="other flows", licence="Apache-2.0", subjects="-", real=False,
                       used_for="the network that does not ship"),
            ),
            split=(
                "homes by the SHA-256 of their names, even is the tuning half; homes of the tuning half are left out wherever a "
                "folder holds others. The rules of plumbing were written on the flat's draws before July 2019. The "
                "network beside them is fitted to whole weeks in five folds; the showers' homes taught nothing."
            ),
            seeds="20261122 for leaks, bursts, folds and fits",
            chosen=(
                "constants of the watch by hand, on the tuning half; the rules of plumbing by hand. The network's threshold (1/2) "
                "and penalty before any look, the flows it is shown by hand."
            ),
            evaluation=found,
            claims=_claims(found),
            sections=_sections(found, tuned),
            limits=LIMITS,
            wording=(
                '"Water has not stopped running since Monday, about 2 L an hour. Please look at toilets and taps." Never: "you have a leak".',
                "An alarm names rate, since when, and how sure. Silence is never proof; what is ruled out is said with its rate.",
            ),
            data="water",
        ),
        folder,
    )  # fmt: skip
