"""The trace format: what it reads, what it refuses and where, what it writes."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.smartloop.engine.decisions.decision import (
    Decision,
    DecisionKey,
    DecisionState,
    Evidence,
    Severity,
)
from custom_components.smartloop.engine.errors import EngineError, ReadingError, TraceError
from custom_components.smartloop.engine.feedback import Feedback, Verdict
from custom_components.smartloop.engine.household import (
    ActionPlan,
    Autonomy,
    Construction,
    Household,
    Inhaler,
    InhalerRole,
    Journey,
    Person,
    Room,
    RoomKind,
    WallClass,
)
from custom_components.smartloop.engine.reading import LIMITS, UNITS, Actuation, Measurand, Reading, WeatherPoint
from custom_components.smartloop.engine.trace import (
    Entry,
    Forecast,
    Refusal,
    decision_record,
    read_trace,
    write_trace,
)

AT = "2026-01-10T08:00:00+01:00"
WHEN = datetime.fromisoformat(AT)
HEADER: dict[str, Any] = {
    "trace": 1,
    "household": {
        "timezone": "Europe/Brussels",
        "rooms": [{"id": "bath", "kind": "bathroom", "volume_m3": 14, "construction": "uninsulated"}],
        "people": [
            {
                "id": "ana",
                "inhalers": [{"id": "blue", "role": "reliever"}],
                "plan": {"reliever_limit_24h": 6},
            }
        ],
        "journeys": {"mold": "inform"},
    },
}
HUMID: dict[str, Any] = {"t": AT, "measurand": "relative_humidity", "value": 71.2, "unit": "%", "room": "bath"}


def lines(*records: Any) -> list[bytes]:
    return [json.dumps(record).encode() + b"\n" for record in records]


def read(*records: Any) -> list[Entry | Refusal]:
    return list(read_trace(lines(HEADER, *records)).entries)


def one(record: Any) -> Entry | Refusal:
    (found,) = read(record)
    return found


def header(**household: Any) -> dict[str, Any]:
    return {"trace": 1, "household": HEADER["household"] | household}


def test_the_header_is_the_household() -> None:
    assert read_trace(lines(HEADER)).household == Household(
        timezone=ZoneInfo("Europe/Brussels"),
        rooms=(
            Room(id="bath", name="bath", kind=RoomKind.BATHROOM, volume_m3=14.0, construction=Construction.UNINSULATED),
        ),
        people=(
            Person(
                id="ana",
                name="ana",
                inhalers=(Inhaler(id="blue", role=InhalerRole.RELIEVER),),
                plan=ActionPlan(reliever_limit_24h=6),
            ),
        ),
        journeys={Journey.MOLD: Autonomy.INFORM},
    )


def test_a_header_may_be_short() -> None:
    household = read_trace(lines({"trace": 1, "household": {"timezone": "UTC"}})).household

    assert household == Household(timezone=ZoneInfo("UTC"))


@pytest.mark.parametrize(
    "first",
    [
        {},
        [],
        {"trace": 2, "household": {"timezone": "UTC"}},
        {"trace": True, "household": {"timezone": "UTC"}},
        {"trace": 1},
        {"trace": 1, "household": {}},
        header(timezone="Mars/Olympus"),
        header(timezone="../../etc/passwd"),
        header(rooms={}),
        header(rooms=[{"kind": "bathroom"}]),
        header(rooms=[{"id": "outdoor"}]),
        header(rooms=[{"id": "a"}, {"id": "a"}]),
        header(rooms=[{"id": "a", "kind": "spaceship"}]),
        header(rooms=[{"id": "a", "volume_m3": 0.1}]),
        header(rooms=[{"id": "a", "volume_m3": "14"}]),
        header(people=[{"id": "ana", "inhalers": [{"id": "blue", "role": "rescue"}]}]),
        header(people=[{"id": "ana", "plan": {"reliever_limit_24h": 1.5}}]),
        header(people=[{"id": "ana", "plan": {"reliever_limit_24h": 0}}]),
        header(journeys={"mold": "always"}),
        HUMID,
    ],
)
def test_a_bad_header_ends_it_with_its_line(first: Any) -> None:
    with pytest.raises(TraceError, match=r"^line 1: "):
        read_trace(lines(first))


@pytest.mark.parametrize("nothing", [[], [b"\n", b"  \n"]])
def test_an_empty_trace_has_no_header(nothing: list[bytes]) -> None:
    with pytest.raises(TraceError, match="empty"):
        read_trace(nothing)


def test_an_unknown_journey_is_said_and_left_out() -> None:
    trace = read_trace(lines(header(journeys={"mold": "act", "tea": "inform"})))

    assert trace.household.journeys == {Journey.MOLD: Autonomy.ACT}
    assert list(trace.entries) == [Refusal(line=1, reason="journey 'tea' is not known")]


def test_no_journeys_are_none() -> None:
    assert read_trace(lines(header(journeys=None))).household.journeys == {}


@pytest.mark.parametrize(
    "bad",
    [b'{"t": ', b"not json", b'{"t": "\xff"}', b'{"n": ' + b"9" * 5000 + b"}", b"[" * 100_000],
    ids=["cut", "words", "bytes", "digits", "deep"],
)
def test_a_line_that_is_no_json_ends_it_with_its_line(bad: bytes) -> None:
    trace = read_trace([*lines(HEADER, HUMID), bad])

    assert isinstance(next(trace.entries), Entry)
    with pytest.raises(TraceError, match=r"^line 3: not JSON"):
        next(trace.entries)


def test_blank_lines_count_but_say_nothing() -> None:
    (head, body) = lines(HEADER, HUMID)

    assert [entry.line for entry in read_trace([b"\n", head, b" \n", body]).entries] == [4]


def test_a_reading() -> None:
    assert one(HUMID | {"source": "zigbee:1", "person": "ana"}) == Entry(
        line=2,
        item=Reading(
            measurand=Measurand.RELATIVE_HUMIDITY,
            value=71.2,
            unit="%",
            place="bath",
            at=WHEN,
            source="zigbee:1",
            person="ana",
        ),
    )


@pytest.mark.parametrize("place", ["bath", "outdoor", "house"])
def test_a_nameless_source_is_the_place(place: str) -> None:
    entry = one(HUMID | {"room": place})

    assert isinstance(entry, Entry)
    assert isinstance(entry.item, Reading)
    assert (entry.item.place, entry.item.source) == (place, f"trace:{place}")


@pytest.mark.parametrize(
    ("measurand", "value", "unit", "expected"),
    [
        ("temperature", 68, "°F", 20.0),
        ("water_pressure", 3000, "hPa", 300.0),
        ("water_volume", 1.5, "m³", 1500.0),
        ("water_volume", 1, "gal", 3.785411784),
        ("water_flow", 0.6, "m³/h", 10.0),
        ("pm25", 0.012, "mg/m³", 12.0),
        ("wet", 1, "", 1.0),
        ("tvoc", 100.0, "ppb", 450.0),
        ("tvoc", 0.2, "mg/m³", 200.0),
        ("respiratory_rate", 15.0, "", 15.0),
        ("heart_rate", 62.0, "beats per minute", 62.0),
        ("water_flow", 1440.0, "gal/d", 3.785411784),
    ],
)
def test_other_units_are_converted(measurand: str, value: float, unit: str, expected: float) -> None:
    entry = one({"t": AT, "measurand": measurand, "value": value, "unit": unit, "room": "bath"})

    assert isinstance(entry, Entry)
    assert isinstance(entry.item, Reading)
    assert entry.item.value == pytest.approx(expected)
    assert entry.item.unit == UNITS[Measurand(measurand)]


def test_an_actuation() -> None:
    puff = {"inhaler": "blue", "person": "ana", "shake_s": 1.2, "tilt_deg": 20, "peak_flow_lpm": 45}

    assert one({"t": AT, "actuation": puff}) == Entry(
        line=2,
        item=Actuation(inhaler="blue", person="ana", at=WHEN, shake_s=1.2, tilt_deg=20.0, peak_flow_lpm=45.0),
    )


def test_a_forecast() -> None:
    point = {"at": "2026-01-10T09:00:00+01:00", "temperature": 4.0}

    assert one({"t": AT, "forecast": [point | {"relative_humidity": 88}, point]}) == Entry(
        line=2,
        item=Forecast(
            at=WHEN,
            points=tuple(
                WeatherPoint(at=WHEN + timedelta(hours=1), temperature=4.0, relative_humidity=rh) for rh in (88.0, None)
            ),
        ),
    )


def test_feedback_gets_an_id_that_a_second_replay_gives_again() -> None:
    answer = {"key": "mold.ventilate", "room": "bath", "person": "ana", "verdict": "wrong"}

    assert one({"t": AT, "feedback": answer}) == Entry(
        line=2,
        item=Feedback(id="trace:2", key="mold.ventilate", verdict=Verdict.WRONG, at=WHEN, room="bath", person="ana"),
    )


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (42, "an object was expected"),
        ({"t": AT}, "this one holds none"),
        (HUMID | {"forecast": []}, "this one holds measurand, forecast"),
        (HUMID | {"t": None}, "t must be a text"),
        (HUMID | {"t": "yesterday"}, "ISO 8601"),
        (HUMID | {"t": "2026-01-10T08:00:00"}, "no offset"),
        (HUMID | {"t": "0001-01-01T00:00:00+14:00"}, "no year of ours"),
        (HUMID | {"measurand": "sound"}, 'measurand "sound" is not known'),
        (HUMID | {"measurand": ["x" * 99]}, r"\.\.\. is not known"),
        (HUMID | {"room": None}, "room must be a text"),
        (HUMID | {"room": "attic"}, "'attic' is not in the header"),
        (HUMID | {"person": "eve"}, "'eve' is not in the header"),
        (HUMID | {"source": ""}, "source must be a text"),
        (HUMID | {"unit": "banana"}, "'banana' is no unit"),
        (HUMID | {"unit": None}, "unit must be a text"),
        (HUMID | {"value": 140}, "outside 0.5 to 100"),
        (HUMID | {"value": None}, "value must be a number"),
        (HUMID | {"value": "71"}, "value must be a number"),
        (HUMID | {"value": True}, "value must be a number"),
        (HUMID | {"value": float("nan")}, "is not a number"),
        (HUMID | {"value": 10**400}, "value is too large"),
        ({"t": AT, "actuation": []}, "an object was expected"),
        ({"t": AT, "actuation": {"inhaler": "blue"}}, "person must be a text"),
        ({"t": AT, "actuation": {"inhaler": "red", "person": "ana"}}, "no inhaler 'red'"),
        ({"t": AT, "actuation": {"inhaler": "blue", "person": "ana", "tilt_deg": 999}}, "tilt"),
        ({"t": AT, "forecast": {}}, "forecast must be a list"),
        ({"t": AT, "forecast": [{"at": AT, "temperature": 400}]}, "forecast temperature"),
        ({"t": AT, "forecast": [{"at": None, "temperature": 4}]}, "at must be a text"),
        ({"t": AT, "feedback": {"key": "mold.heat", "verdict": "meh"}}, "verdict"),
        ({"t": AT, "feedback": {"key": "mold.heat", "verdict": "wrong", "room": "attic"}}, "attic"),
        ({"t": AT, "feedback": {"key": "mold.heat", "verdict": "wrong", "person": "eve"}}, "eve"),
    ],
)
def test_what_cannot_be_believed_is_refused_with_its_line(record: Any, reason: str) -> None:
    refused, kept = read(record, HUMID)

    assert isinstance(refused, Refusal)
    assert refused.line == 2
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(refused.reason)
    assert isinstance(kept, Entry)
    assert kept.line == 3


def test_feedback_on_the_whole_house_needs_no_room() -> None:
    assert isinstance(one({"t": AT, "feedback": {"key": "mold.heat", "verdict": "helpful"}}), Entry)


def test_time_running_backwards_is_refused_with_its_line() -> None:
    later, earlier, same = (HUMID | {"t": f"2026-01-10T{hour}+01:00"} for hour in ("09:00:00", "08:59:59", "09:00:00"))

    found = read(later, earlier, same)

    assert [type(each) for each in found] == [Entry, Refusal, Entry]
    assert isinstance(found[1], Refusal)
    assert found[1].line == 3
    assert "backwards" in found[1].reason


def test_a_refused_line_does_not_move_the_clock() -> None:
    found = read(HUMID | {"t": "2031-01-01T00:00:00+00:00", "value": 500}, HUMID)

    assert [type(each) for each in found] == [Refusal, Entry]


def test_a_decision_is_written_as_promised() -> None:
    decision = Decision(
        id="d1",
        key=DecisionKey.MOLD_VENTILATE,
        severity=Severity.ADVICE,
        state=DecisionState.RAISED,
        room="bath",
        person=None,
        evidence=(Evidence(name="mold_index", value=1.3, unit="1", lo=0.8, hi=1.9),),
        proposed=None,
        at=WHEN,
        expires_at=WHEN + timedelta(hours=1),
        score=1.2,
    )

    assert decision_record(decision, "Open the window.") == {
        "t": AT,
        "key": "mold.ventilate",
        "severity": "advice",
        "room": "bath",
        "person": None,
        "source": None,
        "state": "raised",
        "evidence": [{"name": "mold_index", "value": 1.3, "unit": "1", "lo": 0.8, "hi": 1.9}],
        "text": "Open the window.",
    }


HOUSEHOLD = Household(
    timezone=ZoneInfo("Europe/Brussels"),
    rooms=(
        Room(id="bath", name="Badkamer", kind=RoomKind.BATHROOM, volume_m3=14.0, f_rsi=0.6),
        Room(id="attic", name="Attic", wall_class=WallClass.RESISTANT, construction=Construction.INSULATED),
    ),
    people=(
        Person(
            id="ana",
            name="Ana",
            inhalers=(Inhaler(id="blue", role=InhalerRole.RELIEVER),),
            plan=ActionPlan(reliever_limit_24h=6),
        ),
        Person(id="ben", name="Ben"),
    ),
    journeys={Journey.MOLD: Autonomy.ASK},
)
MOMENTS = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001  hypothesis adds the zone
    max_value=datetime(2090, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3, minutes=-30))]),
)
PEOPLE = st.none() | st.sampled_from(["ana", "ben"])


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    measurand = draw(st.sampled_from(list(Measurand)))
    low, high = LIMITS[measurand]
    return Reading(
        measurand=measurand,
        value=draw(st.floats(low, high)),
        unit=UNITS[measurand],
        place=draw(st.sampled_from(["bath", "attic", "outdoor", "house"])),
        at=draw(MOMENTS),
        source=draw(st.text(min_size=1, max_size=5)),
        person=draw(PEOPLE),
    )


ITEMS = st.one_of(
    readings(),
    st.builds(
        Actuation,
        inhaler=st.just("blue"),
        person=st.just("ana"),
        at=MOMENTS,
        shake_s=st.none() | st.floats(0, 600),
        tilt_deg=st.none() | st.floats(0, 180),
        peak_flow_lpm=st.none() | st.floats(0, 1200),
    ),
    st.builds(
        Forecast,
        at=MOMENTS,
        points=st.lists(
            st.builds(
                WeatherPoint,
                at=MOMENTS,
                temperature=st.floats(-80, 60),
                relative_humidity=st.none() | st.floats(1, 100),
            ),
            max_size=3,
        ).map(tuple),
    ),
    st.builds(
        Feedback,
        id=st.text(min_size=1, max_size=5),
        key=st.just("mold.heat"),
        verdict=st.sampled_from(Verdict),
        at=MOMENTS,
        room=st.none() | st.sampled_from(["bath", "attic"]),
        person=PEOPLE,
        decision_id=st.none() | st.text(min_size=1, max_size=5),
    ),
)


@given(st.lists(ITEMS, max_size=8))
def test_what_is_written_is_read_back_the_same(items: list[Any]) -> None:
    items.sort(key=lambda item: item.at)

    trace = read_trace(line.encode() for line in write_trace(HOUSEHOLD, items))

    assert trace.household == HOUSEHOLD
    assert [getattr(entry, "item", entry) for entry in trace.entries] == items


def test_a_zone_without_a_name_is_not_written() -> None:
    with pytest.raises(ReadingError, match="not known"):
        list(write_trace(Household(timezone=timezone(timedelta(hours=1))), []))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(AT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.sampled_from(["measurand", "actuation", "forecast", "feedback"]),
    st.dictionaries(
        st.sampled_from(["t", "value", "unit", "room", "person", "source", "measurand", "forecast", "feedback"]), JSON
    ),
    JSON,
)
def test_nothing_but_a_refusal_comes_of_nonsense(kind: str, fields: dict[str, Any], body: Any) -> None:
    for found in read({"t": AT} | fields | {kind: body}):
        assert isinstance(found, Entry | Refusal)


@given(st.dictionaries(st.sampled_from(["timezone", "rooms", "people", "journeys"]), JSON))
def test_nothing_but_an_engine_error_comes_of_a_header(fields: dict[str, Any]) -> None:
    try:
        read_trace(lines(header(**fields)))
    except EngineError as err:
        assert str(err).startswith("line 1: ")  # noqa: PT017  anything else fails by itself
