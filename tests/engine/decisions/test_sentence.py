"""What people read: both languages whole, every number with its evidence, and no diagnosis."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import pytest

from custom_components.smartloop.engine import sentence as module
from custom_components.smartloop.engine.decisions.candidate import Reason
from custom_components.smartloop.engine.decisions.decision import (
    Act,
    ActKind,
    Decision,
    DecisionKey,
    DecisionState,
    Evidence,
    Severity,
)
from custom_components.smartloop.engine.decisions.effect import Effect, Outcome, Sign
from custom_components.smartloop.engine.decisions.lessons import SHIFTS, Record
from custom_components.smartloop.engine.decisions.mold import ACT_KEYS, RoomConditions, assess
from custom_components.smartloop.engine.device_view import WeakLink
from custom_components.smartloop.engine.features.psychrometrics import vapour_pressure
from custom_components.smartloop.engine.feedback import Lesson, Verdict
from custom_components.smartloop.engine.sentence import (
    PARTS,
    Message,
    effect_message,
    lesson_sentence,
    reason_sentence,
    render,
    templates_of,
)

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
FOLDER = Path(module.__file__).parents[1] / "sentences"
LANGUAGES: dict[str, dict[str, str]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))
}
EN, DE = templates_of(LANGUAGES, "en"), templates_of(LANGUAGES, "de")


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def evidence(**numbers: float | tuple[float, float, float]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(name=name, value=value[0], unit="1", lo=value[1], hi=value[2])
        if isinstance(value, tuple)
        else Evidence(name=name, value=value, unit="1")
        for name, value in numbers.items()
    )


def decision(kind: ActKind, minutes: float | None = None, amount: float | None = None, **numbers: float) -> Decision:
    return Decision(
        id="d",
        key=ACT_KEYS.get(kind, DecisionKey.MOLD_GROWTH),
        severity=Severity.ADVICE,
        state=DecisionState.RAISED,
        room="bath",
        person=None,
        evidence=evidence(**numbers),
        proposed=Act(
            kind=kind, minutes=minutes, amount=amount, surface_humidity_before=84.2, surface_humidity_after=70.9
        ),
        at=NOW,
        expires_at=NOW + timedelta(hours=6),
        score=1.2,
    )


VENTILATE = decision(
    ActKind.VENTILATE,
    minutes=12.0,
    surface_humidity=84.2,
    critical_humidity=80.0,
    vapour_pressure=12.34,
    outdoor_vapour_pressure=5.06,
)


# --- the files


def test_both_languages_are_whole() -> None:
    assert set(LANGUAGES) == {"de", "en"}
    for language, templates in LANGUAGES.items():
        assert set(templates) == set(LANGUAGES["en"]), language
        assert list(templates) == sorted(templates), language
        for key, template in templates.items():
            assert placeholders(template) == placeholders(LANGUAGES["en"][key]), (language, key)


def test_the_files_hold_what_is_asked_for_and_nothing_else() -> None:
    wanted = {"decimal", "everybody", "house", "record", "shadow", "cleared.title", "cleared.text"}
    wanted |= {"effect.unclear", "button.done", "button.later", "button.wrong"}
    wanted |= {"duration.minutes", "duration.hours", "more.humidity", "more.index", "more.other"}
    wanted |= {f"act.{key}" for key in DecisionKey} | {f"{key}.title" for key in DecisionKey}
    wanted |= {part for parts in PARTS.values() for part in parts}
    of_boxes = [key for key in DecisionKey if key.startswith("device.")]
    wanted |= {f"{key}.cleared.{part}" for key in of_boxes for part in ("title", "text")}
    wanted |= {"span.minutes", "span.hours", "span.days"}
    wanted |= {f"assurance.{link}" for link in (*WeakLink, "fine")}
    wanted |= {f"reason.{reason}" for reason in Reason} | {f"lesson.{verdict}" for verdict in SHIFTS}
    wanted |= {f"effect.{outcome}.{part}" for outcome in Outcome for part in ("title", "text")}
    # What the maintenance list says is asked for by the glue.
    assert {key for key in LANGUAGES["en"] if not key.startswith("care.")} == wanted
    assert set(PARTS) == set(DecisionKey)


def test_every_placeholder_can_be_filled() -> None:
    known = {name for name, _ in module._NAMES.values()}
    known |= {*module._SPANS.values(), "device", "days_left_lo", "days_left_hi", "offset_lo", "offset_hi"}
    known |= {"index_lo", "index_hi", "before", "after", "minutes", "duration", "amount", "target"}
    known |= {
        "room",
        "person",
        "act",
        "helpful",
        "answers",
        "more",
        "until",
        "count",
        "predicted",
        "measured",
        "without",
    }
    for templates in LANGUAGES.values():
        for key, template in templates.items():
            assert placeholders(template) <= known or key.startswith("care."), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_a_diagnosis(language: str) -> None:
    forbidden = re.compile(
        r"you have mou?ld|du hast schimmel|diagnos|illness|disease|krank|allerg|asthma|attack|anfall|"
        r"infect|infekt|health|gesund|toxic|giftig|danger|gefahr",
        re.IGNORECASE,
    )
    for key, template in LANGUAGES[language].items():
        assert not forbidden.search(template), key


def test_german_says_du() -> None:
    for key, template in LANGUAGES["de"].items():
        assert not re.search(r"\b(S[i]e|Ihre?n?|Ihnen)\b", template), key


# --- decisions


def test_airing_with_its_evidence() -> None:
    assert render(VENTILATE, EN, "Bathroom") == Message(
        title="Bathroom: open the window for 12 minutes",
        text="12 minutes of airing: surface humidity 84 → 71 %. The outside air is drier (5.1 against 12.3 hPa). "
        "From 80 % on mold can grow there.",
    )
    german = render(VENTILATE, DE, "Bad")
    assert german.title == "Bad: Öffne das Fenster für 12 Minuten"
    assert german.text.startswith("12 Minuten lüften: Oberflächenfeuchte 84 → 71 %. Die Außenluft ")
    assert "(5,1 gegen 12,3 hPa). Ab 80 % kann dort Schimmel wachsen." in german.text


def test_heating_and_drying() -> None:
    heat = decision(ActKind.HEAT, amount=1.5, temperature=19.2)
    assert render(heat, EN, "Bathroom").text == "1.5 °C warmer, to 20.7 °C: surface humidity 84 → 71 %."
    assert render(heat, DE, "Bad").title == "Bad: Heize 1,5 °C höher"
    assert render(decision(ActKind.HEAT, amount=2.0), EN, "Bathroom") == Message(
        title="Bathroom: heat by 2 °C", text=""
    )
    dry = decision(ActKind.DEHUMIDIFY, minutes=320.0, amount=52.0)
    assert render(dry, EN, "Bath").text == "Drying the air to 52 %, about 5 hours: surface humidity 84 → 71 %."
    soon = decision(ActKind.DEHUMIDIFY, minutes=80.0, amount=52.0, forecast_surface_humidity=88.0)
    assert "etwa 80 Minuten: Oberflächenfeuchte 84 → 71 %. Für mindestens 6 " in render(soon, DE, "Bad").text
    assert " 88 % " in render(soon, DE, "Bad").text


def test_conditions_for_growth() -> None:
    growth = replace(
        decision(ActKind.INSPECT),
        evidence=evidence(mold_index=(1.26, 0.81, 1.94), days_to_mold=9.4, hours_above_critical=61.0),
    )
    message = render(growth, EN, "Bathroom")
    assert message.title == "Bathroom: conditions for mold growth"
    assert message.text.startswith("The mold index of the coldest surface is 1.3 ")
    assert "between 0.8 and 1.9." in message.text
    assert "in about 9 days." in message.text
    assert "for 61 hours." in message.text
    alone = replace(growth, evidence=evidence(mold_index=1.26))
    assert "between" not in render(alone, EN, "Bathroom").text


def test_a_sentence_without_its_evidence_is_left_out() -> None:
    bare = replace(VENTILATE, evidence=(), proposed=None)
    assert render(bare, EN, "Bathroom") == Message(title="", text="")


def test_evidence_nobody_words_is_ignored() -> None:
    more = replace(VENTILATE, evidence=(*VENTILATE.evidence, *evidence(unheard=5.0)))
    assert render(more, EN, "Bathroom") == render(VENTILATE, EN, "Bathroom")


def test_the_record_is_shown_once_it_says_something() -> None:
    shown = render(VENTILATE, EN, "Bathroom", record=Record(helpful=17, wrong=1))
    assert shown.text.endswith("People found this right 17 of 18 times.")
    assert "times" not in render(VENTILATE, EN, "Bathroom", record=Record(helpful=2, wrong=0)).text


def test_cleared_and_shadow() -> None:
    cleared = render(replace(VENTILATE, state=DecisionState.CLEARED), EN, "Bathroom")
    assert cleared == Message(title="Bathroom: the advice on airing is over", text="Surface humidity was 84 % at last.")
    shadow = render(replace(VENTILATE, state=DecisionState.SHADOW), DE, None)
    assert shadow.title.startswith("Zuhause: ")
    assert shadow.text.endswith("braucht es mehr Belege.")


def test_names_may_hold_braces() -> None:
    assert render(VENTILATE, EN, "{minutes}").title == "{minutes}: open the window for 12 minutes"


def test_what_the_engine_says_can_be_worded_whole() -> None:
    conditions = RoomConditions(
        room="bath",
        at=NOW,
        temperature=20.0,
        vapour_pressure=vapour_pressure(20.0, 65.0),
        f_rsi=0.7,
        outdoor_temperature=5.0,
        outdoor_vapour_pressure=vapour_pressure(5.0, 80.0),
        outdoor_age=timedelta(0),
        mold_index=1.2,
        mold_index_lo=0.8,
        mold_index_hi=1.9,
        days_to_mold=4.0,
        hours_above_critical=20.0,
        forecast_surface_humidity=90.0,
    )
    for said in assess(conditions).candidates:
        made = replace(VENTILATE, key=said.key, evidence=said.evidence, proposed=said.proposed)
        for templates in (EN, DE):
            text = render(made, templates, "Bath").text
            assert text.count(". ") >= len(PARTS[said.key]) - 1
            assert "{" not in text


# --- languages


def test_a_missing_language_or_key_is_english() -> None:
    assert templates_of(LANGUAGES, "fr") == LANGUAGES["en"]
    assert templates_of(LANGUAGES, "de_AT") == templates_of(LANGUAGES, "DE-ch") == LANGUAGES["de"]
    half = templates_of({"en": LANGUAGES["en"], "de": {"mold.ventilate.title": "Auf!"}}, "de")
    assert render(VENTILATE, half, "Bad").title == "Auf!"
    assert render(VENTILATE, half, "Bad").text == render(VENTILATE, EN, "Bad").text


# --- lessons, effects, reasons


def lesson(verdict: Verdict, key: str = "mold.ventilate", shift: float = 0.5) -> Lesson:
    return Lesson(
        id="f",
        key=key,
        verdict=verdict,
        at=NOW,
        room="bath",
        person=None,
        bar_shift=shift,
        snooze_until=NOW + timedelta(hours=12) if verdict is Verdict.DISMISSED else None,
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            lesson(Verdict.WRONG),
            "Ana said “Wrong” to airing (Bathroom): the next message needs 10 points of surface humidity more.",
        ),
        (
            lesson(Verdict.UNDONE, "mold.growth", 0.3),
            "Ana undid mold conditions (Bathroom): the next message needs 0.3 of mold index more.",
        ),
        (
            lesson(Verdict.HELPFUL, "mold.heat", -0.1),
            "Ana said “Done” to heating (Bathroom): that speaks for the next one, by 2 points of surface humidity.",
        ),
        (
            lesson(Verdict.WRONG, "air.event"),
            "Ana said “Wrong” to air.event (Bathroom): the next message needs 0.5 of its evidence more.",
        ),
    ],
)
def test_lessons_in_words(given: Lesson, said: str) -> None:
    assert lesson_sentence(given, EN, "Bathroom", "Ana") == said
    assert "Ana" in lesson_sentence(given, DE, "Bad", "Ana")


def test_not_now_names_the_hour() -> None:
    given = lesson(Verdict.DISMISSED, shift=0.1)
    said = lesson_sentence(given, EN, "Bathroom", None, ZoneInfo("Europe/Brussels"))
    assert said.startswith("Everybody said “Not now” to airing (Bathroom): no message before 01:00,")
    assert "00:00" in lesson_sentence(given, EN, "Bathroom")


def test_every_verdict_that_teaches_has_its_sentence() -> None:
    for templates in (EN, DE):
        for verdict in SHIFTS:
            assert lesson_sentence(lesson(verdict), templates, "Bad")


@pytest.mark.parametrize("outcome", Outcome)
def test_effects_in_words(outcome: Outcome) -> None:
    effect = Effect(
        decision_id="d",
        key=DecisionKey.MOLD_VENTILATE,
        room="bath",
        act=VENTILATE.proposed,  # type: ignore[arg-type]
        began_at=NOW,
        at=NOW,
        outcome=outcome,
        sign=Sign.WINDOW,
        before=84.2,
        predicted=70.9,
        measured=None if outcome is Outcome.UNKNOWN else 70.2,
        without=82.0,
    )
    said = effect_message(effect, EN, "Bathroom")
    titles = {
        Outcome.CONFIRMED: "Bathroom: airing helped",
        Outcome.NO_EFFECT: "Bathroom: airing changed little",
        Outcome.UNKNOWN: "Bathroom: what airing did is not clear",
    }
    assert said.title == titles[outcome]
    assert "84" in said.text
    assert ("71" in said.text) is ("70" in said.text) is (outcome is not Outcome.UNKNOWN)
    assert effect_message(effect, DE, "Bad").text
    falling = effect_message(replace(effect, measured=75.0), EN, "Bathroom").text
    assert ("82 % by itself" in falling) is (outcome is Outcome.UNKNOWN)
    disturbed = effect_message(replace(effect, measured=75.0, without=None), EN, "Bathroom").text
    assert "75" not in disturbed or outcome is not Outcome.UNKNOWN


def test_reasons_in_words() -> None:
    for reason in Reason:
        for templates in (EN, DE):
            assert reason_sentence(reason, templates).endswith(".")
