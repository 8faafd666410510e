"""What is known of a place now: fusing, staleness, signs of life."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from custom_components.smartloop.engine.context import Context
from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.features.psychrometrics import vapour_pressure
from custom_components.smartloop.engine.reading import LIMITS, OUTDOOR, UNITS, Measurand, Reading

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
T, RH, CO2, WINDOW = Measurand.TEMPERATURE, Measurand.RELATIVE_HUMIDITY, Measurand.CO2, Measurand.WINDOW_OPEN


def reading(
    value: float,
    measurand: Measurand = T,
    *,
    minutes: float = 0.0,
    source: str = "a",
    place: str = "bath",
    quality: float = 1.0,
    person: str | None = None,
) -> Reading:
    return Reading(
        measurand=measurand,
        value=value,
        unit=UNITS[measurand],
        place=place,
        at=NOW - timedelta(minutes=minutes),
        source=source,
        quality=quality,
        person=person,
    )


def context(*readings: Reading) -> Context:
    made = Context(vapour_pressure)
    for each in readings:
        made.observe(each)
    return made


def value(made: Context, measurand: Measurand = T, now: datetime = NOW) -> float:
    estimate = made.estimate("bath", measurand, now)
    assert estimate is not None
    return estimate.value


def regular(every: float, count: int, **fields: Any) -> list[Reading]:
    """Return a source's reports, minutes apart, the last one now."""
    return [reading(20.0, minutes=every * (count - 1 - n), **fields) for n in range(count)]


def test_nothing_is_known_of_a_silent_place() -> None:
    made = context()

    assert made.estimate("bath", T, NOW) is None
    assert made.vapour_pressure("bath", NOW) is None
    assert made.latest("bath", WINDOW, NOW) is None
    assert made.liveness("a") is None
    assert made.time_to_live("bath", T, "a") == timedelta(hours=1)


def test_one_source_is_believed_with_its_noise() -> None:
    estimate = context(reading(20.0, minutes=30)).estimate("bath", T, NOW)

    assert estimate is not None
    assert (estimate.value, estimate.age_s, estimate.sources) == (20.0, 1800.0, 1)
    # 0.3² + 0.5² * 0.5 h
    assert estimate.sd == pytest.approx((0.09 + 0.125) ** 0.5)


def test_two_that_differ_little_are_averaged() -> None:
    estimate = context(reading(20.0), reading(20.2, source="b")).estimate("bath", T, NOW)

    assert estimate is not None
    assert estimate.value == pytest.approx(20.1)
    assert estimate.sd < 0.3
    assert estimate.sources == 2


def test_the_fresher_of_two_weighs_more() -> None:
    assert value(context(reading(20.0), reading(20.4, source="b", minutes=55))) < 20.15


def test_a_carried_over_value_weighs_less() -> None:
    assert value(context(reading(20.0), reading(20.4, source="b", quality=0.1))) < 20.1


def test_two_fresh_and_one_mad() -> None:
    assert value(context(reading(20.0), reading(20.2, source="b"), reading(55.0, source="c"))) == pytest.approx(
        20.1, abs=0.01
    )


@given(
    good=st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3)),
    bad=st.floats(-60.0, 60.0),
    ages=st.tuples(st.floats(0.0, 20.0), st.floats(0.0, 20.0)),
)
def test_one_bad_sensor_of_three_does_not_move_the_room(
    good: tuple[float, float], bad: float, ages: tuple[float, float]
) -> None:
    first, second = (20.0 + offset for offset in good)
    sources = [
        reading(first, minutes=ages[0]),
        reading(second, source="b", minutes=ages[1]),
        reading(bad, source="c"),
    ]

    assert abs(value(context(*sources)) - (first + second) / 2.0) < 0.6
    assume(abs(bad - 20.0) > 5.0)
    assert min(first, second) - 0.1 < value(context(*sources)) < max(first, second) + 0.1


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(0, 50), st.floats(-60.0, 60.0), st.sampled_from([0.5, 1.0])),
        min_size=1,
        max_size=12,
    ).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows)))
)
def test_fusing_does_not_depend_on_who_spoke_first(
    rows: tuple[list[tuple[str, int, float, float]], list[tuple[str, int, float, float]]],
) -> None:
    either, other = (
        context(*(reading(v, source=s, minutes=m, quality=q) for s, m, v, q in order)).estimate("bath", T, NOW)
        for order in rows
    )

    assert either == other


@given(st.lists(st.floats(-60.0, 60.0), min_size=1, max_size=6))
def test_the_room_is_between_its_sensors(values: list[float]) -> None:
    fused = value(context(*(reading(v, source=str(n)) for n, v in enumerate(values))))

    assert min(values) - 1e-9 <= fused <= max(values) + 1e-9


def test_a_late_report_changes_nothing() -> None:
    made = context(reading(20.0), reading(30.0, minutes=5))

    assert value(made) == 20.0
    assert made.liveness("a") == NOW


@pytest.mark.parametrize(
    ("measurand", "place", "minutes"),
    [(T, "bath", 60), (Measurand.PM25, "bath", 10), (T, OUTDOOR, 180), (CO2, "bath", 60), (CO2, OUTDOOR, 180)],
)
def test_values_go_stale(measurand: Measurand, place: str, minutes: float) -> None:
    made = context(reading(LIMITS[measurand][1] / 2, measurand, place=place))

    assert made.estimate(place, measurand, NOW + timedelta(minutes=minutes)) is not None
    assert made.estimate(place, measurand, NOW + timedelta(minutes=minutes, seconds=1)) is None


def test_a_value_from_the_future_waits_for_its_time() -> None:
    made = context(reading(20.0))

    assert value(made, now=NOW - timedelta(minutes=5)) == 20.0
    assert made.estimate("bath", T, NOW - timedelta(minutes=6)) is None


def test_a_source_that_reports_seldom_lives_longer() -> None:
    made = context(*regular(every=120, count=12))

    assert timedelta(hours=5) < made.time_to_live("bath", T, "a") <= timedelta(hours=6, seconds=1)
    assert value(made, now=NOW + timedelta(hours=5)) == 20.0


def test_one_outage_does_not_set_the_habit() -> None:
    made = context(*(reading(20.0, minutes=600 + n) for n in range(60, 0, -1)), reading(20.0))

    assert made.time_to_live("bath", T, "a") == timedelta(hours=1)


def test_a_habit_given_up_is_forgotten() -> None:
    slow = [reading(20.0, minutes=5000 + 120 * n) for n in range(20, 0, -1)]
    fast = [reading(20.0, minutes=float(n)) for n in range(4999, 0, -1)]

    assert context(*slow, *fast).time_to_live("bath", T, "a") == timedelta(hours=1)


@given(st.floats(0.5, 300.0), st.integers(20, 60))
def test_three_missed_reports_are_never_stale_to_a_regular_source(every: float, count: int) -> None:
    made = context(*regular(every, count))

    assert made.time_to_live("bath", T, "a") >= 2.9 * timedelta(minutes=every)


def test_a_source_replaced_long_ago_is_forgotten() -> None:
    made = context(reading(20.0, minutes=31 * 24 * 60), reading(21.0, source="b"))

    assert [row[3] for row in made.snapshot()] == ["b"]


def test_vapour_pressure_is_made_with_each_box_s_own_temperature() -> None:
    true = vapour_pressure(20.0, 60.0)
    # The second box sits 3 K too warm (its own electronics): its humidity is low to match.
    warm = 100.0 * true / vapour_pressure(23.0, 100.0)
    made = context(reading(20.0), reading(60.0, RH), reading(23.0, source="b"), reading(warm, RH, source="b"))

    estimate = made.vapour_pressure("bath", NOW)

    assert estimate is not None
    assert estimate.value == pytest.approx(true)
    assert estimate.sources == 2


def test_a_humidity_sensor_without_thermometer_borrows_the_room_s() -> None:
    estimate = context(reading(20.0), reading(60.0, RH, source="b")).vapour_pressure("bath", NOW)

    assert estimate is not None
    assert estimate.value == pytest.approx(vapour_pressure(20.0, 60.0))


def test_humidity_without_any_temperature_says_nothing() -> None:
    assert context(reading(60.0, RH)).vapour_pressure("bath", NOW) is None


def test_vapour_pressure_is_as_old_as_the_humidity() -> None:
    estimate = context(reading(20.0), reading(60.0, RH, minutes=10)).vapour_pressure("bath", NOW)

    assert estimate is not None
    assert estimate.age_s == 600.0


def test_the_noise_of_vapour_pressure_is_that_of_the_humidity_sensor() -> None:
    made = context(
        *(reading(5.0, place=place) for place in ("bath", OUTDOOR)),
        *(reading(80.0, RH, place=place) for place in ("bath", OUTDOOR)),
    )
    bath, outdoor = (made.vapour_pressure(place, NOW) for place in ("bath", OUTDOOR))
    later = [made.vapour_pressure(place, NOW + timedelta(hours=1)) for place in ("bath", OUTDOOR)]

    assert bath is not None
    assert outdoor is not None
    assert bath.sd == outdoor.sd == pytest.approx(vapour_pressure(5.0, 2.5))
    assert [round((each.sd**2 - bath.sd**2) ** 0.5, 6) for each in later if each] == [60.0, 30.0]


def test_a_window_is_open_when_any_contact_says_so() -> None:
    made = context(reading(1.0, WINDOW, minutes=600), reading(0.0, WINDOW, source="b", minutes=5))

    latest = made.latest("bath", WINDOW, NOW)

    assert latest is not None
    assert (latest.value, latest.age_s, latest.sources) == (1.0, 300.0, 2)
    assert made.latest("bath", WINDOW, NOW + timedelta(hours=27)) is None


def test_people_in_one_room_are_kept_apart() -> None:
    rate = Measurand.HEART_RATE
    made = context(reading(60.0, rate, person="ana"), reading(80.0, rate, person="ben"))

    ana = made.latest("bath", rate, NOW, "ana")

    assert ana is not None
    assert ana.value == 60.0
    assert made.latest("bath", rate, NOW) is None


def test_a_source_lives_while_any_of_its_quantities_does() -> None:
    made = context(reading(20.0, minutes=90), reading(60.0, RH, minutes=3))

    assert made.liveness("a") == NOW - timedelta(minutes=3)


@st.composite
def histories(draw: st.DrawFn) -> list[Reading]:
    rows = []
    for _ in range(draw(st.integers(0, 12))):
        measurand = draw(st.sampled_from([T, RH, CO2, WINDOW]))
        low, high = LIMITS[measurand]
        rows.append(
            reading(
                draw(st.floats(low, high)),
                measurand,
                minutes=draw(st.floats(0, 3000)),
                source=draw(st.text(min_size=1, max_size=3)),
                place=draw(st.sampled_from(["bath", "attic", OUTDOOR])),
                quality=draw(st.floats(0.01, 1.0)),
                person=draw(st.none() | st.just("ana")),
            )
        )
    return rows


@given(histories(), histories())
def test_a_snapshot_goes_round(past: list[Reading], coming: list[Reading]) -> None:
    made, again = context(*past), context()

    again.restore(json.loads(json.dumps(made.snapshot())))

    assert again.snapshot() == made.snapshot()
    for each in coming:
        made.observe(each)
        again.observe(each)
    assert again.snapshot() == made.snapshot()
    for place, measurand in (("bath", T), (OUTDOOR, CO2)):
        assert again.estimate(place, measurand, NOW) == made.estimate(place, measurand, NOW)
    assert all(again.liveness(r.source) == made.liveness(r.source) for r in past + coming)


GOOD: list[Any] = ["bath", "temperature", None, "a", 1.7e9, 20.0, 1.0, 6.0, 3]


@pytest.mark.parametrize(
    "state",
    [
        None,
        {},
        [1],
        [GOOD[:-1]],
        *([[*GOOD[:i], bad, *GOOD[i + 1 :]]] for i, bad in enumerate([1, "sound", 1, None, -1, 99.0, 0.0, -1.0, -1])),
        *([[*GOOD[:i], float("nan"), *GOOD[i + 1 :]]] for i in range(4, 9)),
        [[*GOOD[:5], 10**400, *GOOD[6:]]],
        [[*GOOD[:5], True, *GOOD[6:]]],
        [["bath", ["x"], *GOOD[2:]]],
    ],
)
def test_a_bad_snapshot_is_refused_and_changes_nothing(state: Any) -> None:
    made = context(reading(20.0))
    before = made.snapshot()

    with pytest.raises(SnapshotError):
        made.restore(state)
    assert made.snapshot() == before


def test_a_good_row_is_taken() -> None:
    made = context()

    made.restore([GOOD])

    assert made.snapshot() == [GOOD]


def test_the_learned_interval_stays_in_reach_of_a_snapshot() -> None:
    made = context(*(reading(20.0, minutes=60 * 24 * 400 * (n % 2) + n) for n in range(100)))
    rare = context(*(reading(20.0, minutes=60 * 24 * 40 * n) for n in range(150, -1, -1)))

    for each in (made, rare):
        context().restore(each.snapshot())


def test_when_a_value_was_carried_over_is_no_habit_of_its_sensor() -> None:
    steady, restarted = context(*regular(10.0, 50)), context(*regular(10.0, 50))
    for seconds in range(1, 50):
        restarted.observe(reading(20.0, minutes=-seconds / 60.0, quality=0.5))

    assert restarted.time_to_live("bath", T, "a") == steady.time_to_live("bath", T, "a")
    assert value(restarted) == pytest.approx(20.0)
