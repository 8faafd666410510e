"""The card of room use and routines."""

from pathlib import Path
from typing import Final

from .. import card as cards
from ..card import Card, Claim, Section, Source
from ..report import Evaluation
from .homes import ROOMS

_SOURCES: Final = (
    Source(
        name="van Kasteren homes",
        licence="none stated; cite van Kasteren 2008/2010",
        subjects="2 homes (A, C), 25 and 19 days",
        real=True,
        used_for="learning and judging, home by home",
    ),
    Source(
        name="MIT House_n",
        licence="none stated; cite Munguia Tapia 2003/2004",
        subjects="1 home, 16 days",
        real=True,
        used_for="learning and judging, home by home",
    ),
    Source(
        name="UCI 271 ADLs using binary sensors",
        licence="CC BY 4.0",
        subjects="1 home (A), 14 days",
        real=True,
        used_for="learning and judging, home by home",
    ),
    Source(
        name="Smart Green Homes",
        licence="CC BY 4.0 / CC0 1.0",
        subjects="1 home, 176 days with gaps; one motion and one door sensor",
        real=True,
        used_for="learning and judging, home by home",
    ),
    Source(
        name="UCI 357 Occupancy Detection",
        licence="CC BY 4.0",
        subjects="1 office, 2 periods, 8 days",
        real=True,
        used_for="nowcast rules, period by period",
    ),
    Source(
        name="Room Climate (Morgner et al. 2017)",
        licence="none stated; cite",
        subjects="1 room, 60 measurements, 4 nodes",
        real=True,
        used_for="nowcast rules, against the office",
    ),
    Source(
        name="households.py",
        licence="Apache-2.0",
        subjects="24 households of 90 days with 5 to 10 true habits",
        real=False,
        used_for="sentences per habit, false ones",
    ),
)
_WORDING: Final = (
    "A forecast is said as usual or unusual use of a room, never as where a person is.",
    "A routine is told with its evidence (held on n of m days) and can be edited or undone; undone ones stay away.",
    "Never tells anybody that somebody is absent, unwell or has fallen: may miss events.",
)
_LIMITS: Final = (
    "Five homes of adults, most living alone, few weeks each: intervals by redrawing five homes are wide and rough.",
    (
        "Rooms are those of the sensors; a home with one motion and one door sensor has two places. Sensors that only tell "
        "of a moment make a room look unused while somebody sits in it."
    ),
    "With several people in a home, the room used last is nobody's path.",
    "After a day without any event it is silent: nobody is home, or nothing was recorded.",
    (
        "Routines need days, not weeks, but a habit kept on fewer than four of five days is never told. Real later days "
        "kept fewer promises than were made: habits end, and the best of many windows was lucky."
    ),
    (
        "The nowcast on temperature and humidity is a weak hint: it needs half an hour, and an airing or the sun can look "
        "like a person. It was fitted on two rooms. The CO2 rule was fitted in one office: another room is not proven."
    ),
    "A week's evaluation cannot see holidays, seasons, or people who change work.",
)


def _claims(report: Evaluation) -> list[Claim]:
    metrics, spans = report["metrics"], report["intervals"]
    homes = f"{len(report.get('subgroups', {}))} homes"

    def claim(
        what: str,
        key: str,
        target: float | None,
        *,
        at_least: bool = True,
        anchor: str = "",
        real: bool = True,
        n: str = homes,
    ) -> Claim:
        return Claim(
            what=what,
            metric=key,
            value=metrics.get(key),
            interval=spans.get(key),
            n=n,
            real=real,
            target=target,
            at_least=at_least,
            anchor=anchor,
        )

    usual = cards.cell(report["fallback"].get("log_loss"))
    majority = {key: cards.cell(report["fallback"].get(f"{key}_log_loss")) for key in ("co2", "climate")}
    simulated = "24 simulated households"
    held = f"{cards.cell(metrics.get('routine_days'))} routine-days, {homes}"
    return [
        claim("log-loss of next-hour room use, less than the time-of-week average's by", "log_loss_skill", 0.0),
        claim("log-loss of next-hour room use", "log_loss", None, anchor=f"time-of-week average: {usual}"),
        claim("calibration error, mean of homes", "ece", 0.05, at_least=False, anchor="0.05 of models.md chapter 7"),
        claim(
            "sentences standing per true habit", "sim_sentences_per_habit", 1.0, at_least=False, real=False, n=simulated
        ),
        claim("true habits told", "sim_habits_told", None, real=False, n=simulated),
        claim("false sentences a home-month", "sim_false_per_home_month", 1.0, at_least=False, real=False, n=simulated),
        claim(
            "the same on real homes with each day's clock shuffled",
            "shuffled_false_per_home_month",
            1.0,
            at_least=False,
        ),
        claim(
            "told on real homes but held on fewer than half of three later days or more, a home-month",
            "broken_per_home_month",
            1.0,
            at_least=False,
        ),
        claim(
            "later days on which a told routine held",
            "routines_held",
            None,
            n=held,
            anchor=f"promised: {cards.cell(metrics.get('routines_promised'))}",
        ),
        claim(
            "presence from CO2, balanced accuracy",
            "co2_balanced_accuracy",
            None,
            n="1 office, each period by the other",
            anchor="0.95 to 0.99 with light, UCI 357 (recalled); thresholds fall below the majority in a later week",
        ),
        claim("presence from CO2, log-loss", "co2_log_loss", None, n="the same", anchor=f"majority: {majority['co2']}"),
        claim(
            "presence from temperature and humidity in an unseen room, balanced accuracy",
            "climate_balanced_accuracy",
            None,
            n="2 rooms, each by the other",
            anchor="0.93 within a room, much lower across rooms (Morgner 2017, recalled)",
        ),
        claim("the same, log-loss", "climate_log_loss", None, n="the same", anchor=f"majority: {majority['climate']}"),
    ]


def write(report: Evaluation, folder: Path) -> Path:
    """Write the card."""
    words = "; ".join(f"{room}: {', '.join(sorted(words)[:6])}" for room, words in ROOMS.items())
    card = Card(
        name="presence_routine",
        title="Room use and routines",
        purpose="Foretells whether each room is used within the next hour, tells habits in one sentence each, and "
        "guesses from a room's air whether somebody is there. Comfort and reminders, never surveillance or care.",
        sources=_SOURCES,
        split="by home; each home is judged by a network of the other homes, hour by hour, learning at home as it would "
        "there. Nowcast by room; for CO2, of which there is one office, by period of recording.",
        seeds="none in training (Newton's method); 20261122 for intervals and, counting up, for the households; 0 to 3 for shuffles.",
        chosen="Ridge by leaving homes out within each fold. Features, the head at home and its spread, smoothing of the "
        "averages, the evidence a habit needs (3000 : 1) and its Beta(1, 1) prior were settled by a human who looked at "
        "these five homes by leave-one-home-out and at 30 simulated households: figures on the homes are a little kind; "
        "the households of this card were drawn afterwards and once, but from the same ranges. Two "
        "layers (8 units) and boosted trees were tried and were no better in homes they had not seen.",
        evaluation=report,
        claims=_claims(report),
        sections=[
            Section(
                title="How it works",
                lines=[
                    (
                        "Rates of each room by time of week (half-hours, +-45 min, half-life 21 days, shrunk to all days and to "
                        "the room's mean), by the room used last, by whether it was just used; what was used in the last "
                        "15, 60, 180 min; the same hour yesterday and last week; time since waking. The network is one "
                        "layer of these, learned from other homes. At home a Bayesian logistic head learns from every "
                        "hour that passes how far to trust the network, the averages and what was just seen. "
                        "`network_only` is the network without it, `head_only` the head without the network."
                    ),
                    "",
                    (
                        "If the head has done worse than the time-of-week average over the last fortnight's hours, the "
                        "average answers, and says so."
                    ),
                ],
            ),
            Section(
                title="Rooms by name",
                lines=[
                    (
                        "A place beside the sensor, or before a comma in its name, is its room. Otherwise the first word "
                        f"found decides ({words}; and more, see `homes.py`); a sensor that no word knows is a room of its "
                        "own. Pressure mats, couches, beds and PIRs are on while somebody is there; doors, drawers and taps "
                        "tell of two moments, a flush of one."
                    ),
                ],
            ),
            Section(
                title="Routines",
                lines=[
                    (
                        "`plain_rule` is the Beta rule alone (three days, P > 0.8), without asking whether the days could be "
                        "chance: it shows what the evidence is for. A sentence is false when no true habit of that thing on "
                        "those days lies within 60 min, now or in the last two weeks."
                    ),
                ],
            ),
        ],
        limits=_LIMITS,
        wording=_WORDING,
        data="routines",
    )
    return cards.write(card, folder)
