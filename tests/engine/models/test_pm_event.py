"""The particle watch on made-up rooms whose truth is known, the fast path, and the shipped network."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.smartloop.engine.features.particle_event import FEATURES, Surroundings, lead
from custom_components.smartloop.engine.features.particles import HOUR
from custom_components.smartloop.engine.models.pm_event import MODEL, Burst, Event, Onset, RoomWatch, Source
from custom_components.smartloop.engine.models.pm_source import RULES, Kind, by_rules
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from onnx_models.export import FOLDER

T0 = 1_700_000_000.0
type Said = list[Onset | Burst | Event]


class Room:
    """A room with a rate of loss and sources in µg/m³ a minute."""

    def __init__(
        self, *, every: float = 60.0, rate: float = 1.5, seed: int = 1, watch: RoomWatch | None = None
    ) -> None:
        self.every, self.rate, self.at, self.excess = every, rate, T0, 0.0
        self.rng = np.random.default_rng(seed)
        self.watch = watch or RoomWatch("living")
        self.said: Said = []

    def live(
        self,
        hours: float,
        source: float = 0.0,
        *,
        base: float = 8.0,
        ratio: float = 0.95,
        fine: float = 0.7,
        around: Surroundings | None = None,
    ) -> Said:
        begin, said = self.at, len(self.said)
        while self.at < begin + hours * HOUR:
            self.at += self.every
            keep = math.exp(-self.rate * self.every / HOUR)
            self.excess = self.excess * keep + source * 60.0 / self.rate * (1.0 - keep)
            value = base + self.excess + float(self.rng.normal(0.0, 0.7))
            pm10 = base * 1.3 + self.excess / ratio
            self.said += self.watch.observe(
                self.at,
                max(round(value), 0.0),
                round(0.6 * base + fine * self.excess),
                round(pm10),
                around or Surroundings(),
            )
        return self.said[said:]

    @property
    def events(self) -> list[Event]:
        return [each for each in self.said if isinstance(each, Event)]


@pytest.mark.parametrize("every", [5.0, 60.0, 300.0])
def test_a_source_is_found_with_its_begin_peak_and_rate(every: float) -> None:
    room = Room(every=every)
    room.live(6.0)
    begin = room.at
    onset = room.live(0.4, 4.0)
    room.live(6.0)
    assert any(isinstance(each, Onset) for each in onset)
    (event,) = room.events
    assert event.complete
    assert event.start == pytest.approx(begin, abs=max(300.0, 2.0 * every))
    assert event.peak - event.base == pytest.approx(4.0 * 24 * 0.75, rel=0.2)
    assert event.decays[0].rate == pytest.approx(1.5, rel=0.15)
    assert set(event.features) == set(FEATURES) - {"lead_min"}
    assert all(value is None or math.isfinite(value) for value in event.features.values())


def test_quiet_days_are_quiet() -> None:
    room = Room(every=60.0)
    assert room.live(72.0) == []


def test_slow_outdoor_air_is_followed() -> None:
    room = Room()
    for hour in range(48):
        room.live(1.0, base=8.0 + 3.0 * math.sin(hour / 8.0))
    assert room.said == []


def test_a_second_source_before_the_first_has_gone_is_an_event_of_its_own() -> None:
    room = Room(rate=1.0)
    room.live(4.0)
    room.live(0.3, 5.0)
    room.live(1.2)
    second = room.at
    room.live(0.3, 5.0)
    room.live(8.0)
    assert len(room.events) == 2
    assert room.events[1].start == pytest.approx(second, abs=400.0)
    assert room.events[0].end <= room.events[1].start


def test_a_burst_over_a_slow_rise_is_an_event_of_its_own() -> None:
    room = Room(rate=1.0)
    room.live(4.0)
    room.live(3.0, 0.3)
    burst = room.at
    room.live(0.2, 20.0)
    room.live(8.0)
    assert len(room.events) == 2
    assert room.events[1].start == pytest.approx(burst, abs=900.0)


def test_a_gap_ends_an_event_as_incomplete_and_learning_begins_anew() -> None:
    room = Room()
    room.live(4.0)
    room.live(0.3, 5.0)
    room.at += 3.0 * HOUR
    room.excess = 0.0
    room.live(1.0)
    (event,) = room.events
    assert not event.complete
    assert room.watch.active is None


def test_readings_that_stop_end_the_event_when_asked() -> None:
    room = Room()
    room.live(4.0)
    assert room.watch.finish() is None
    room.live(0.3, 5.0)
    last = room.watch.finish()
    assert last is not None
    assert not last.complete


def test_time_that_does_not_go_on_changes_nothing_but_a_long_step_back_restarts() -> None:
    room = Room()
    room.live(4.0)
    level = room.watch.envelope.level
    assert room.watch.observe(room.at - 60.0, 900.0) == ()
    assert room.watch.envelope.level == level
    assert room.watch.observe(room.at - 5.0 * HOUR, 900.0) == ()
    assert room.watch.envelope.level != level


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -3.0, 1e9])
def test_what_is_no_reading_says_nothing(value: float | None) -> None:
    room = Room()
    room.live(4.0)
    level = room.watch.envelope.level
    assert room.watch.observe(room.at + 60.0, value) == ()
    assert room.watch.observe(math.nan, 8.0) == ()
    assert room.watch.envelope.level == level


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 4000.0), st.floats(0.0, 2000.0)), max_size=120))
def test_whatever_comes_nothing_breaks(steps: list[tuple[float, float]]) -> None:
    watch, at = RoomWatch(), T0
    for dt, value in steps:
        at += dt
        for each in watch.observe(at, value, value / 2.0, value * 1.1):
            if isinstance(each, Event):
                assert each.start <= each.end
                assert by_rules(each.features).confidence >= 0.0


def test_memory_does_not_grow() -> None:
    def size(watch: RoomWatch) -> int:
        rise = watch._event
        assert rise is not None
        return sys.getsizeof(rise.trace.times) + sys.getsizeof(rise.trace.values)

    room = Room(every=2.0, rate=1.0)
    room.live(2.0)
    room.live(1.0, 1.0)
    room.live(6.0, 1.0)
    assert size(room.watch) < 20_000


# The fast path: rows of the rule.


def burst(room: Room) -> list[Burst]:
    return [each for each in room.said if isinstance(each, Burst)]


def test_smoke_is_told_at_the_second_reading_that_shows_it_and_once() -> None:
    room = Room(every=10.0)
    room.live(2.0)
    said = room.live(0.1, 120.0)
    (told,) = [each for each in said if isinstance(each, Burst)]
    assert told.at - (room.at - 360.0) <= 90.0
    assert told.fine is not None
    assert told.fine > 0.85
    room.live(0.2, 120.0)
    assert len(burst(room)) == 1


def test_smoke_is_told_while_something_else_is_in_the_air() -> None:
    room = Room(every=10.0, rate=0.8)
    room.live(2.0)
    room.live(1.5, 1.0)
    assert not burst(room)
    room.live(0.1, 120.0)
    assert len(burst(room)) == 1


def test_mist_and_dust_are_no_smoke() -> None:
    room = Room(every=10.0)
    room.live(2.0)
    room.live(0.3, 120.0, ratio=0.65)
    assert not burst(room)


def test_steam_is_no_smoke() -> None:
    room = Room(every=10.0)
    room.live(2.0, around=Surroundings(humidity=50.0))
    room.live(0.3, 120.0, around=Surroundings(humidity=63.0))
    assert not burst(room)


def test_a_smoulder_is_an_event_but_no_burst() -> None:
    room = Room(every=10.0)
    room.live(2.0)
    room.live(1.0, 5.0)
    room.live(6.0)
    assert not burst(room)
    assert len(room.events) == 1


def test_without_pm10_a_burst_is_told_with_what_is_unknown() -> None:
    watch, said = RoomWatch(), list[Onset | Burst | Event]()
    for k in range(200):
        said += watch.observe(T0 + 10.0 * k, 8.0 if k < 180 else 8.0 + 40.0 * (k - 179))
    (told,) = [each for each in said if isinstance(each, Burst)]
    assert told.fine is None


# Sources.


def test_each_rule_is_reached_and_none_is_forced() -> None:
    base = dict.fromkeys(FEATURES, None)
    cases = {
        "outdoor_higher_and_slow": {"outdoor_share": -0.5, "minutes_up": 4.0},
        "humidity_up": {"humidity_up": 20.0},
        "vacuum_on": {"vacuum": 1.0, "pm25_pm10": 0.4},
        "hood_or_stove_on": {"cooking": 1.0},
        "coarse_and_much": {"pm25_pm10": 0.3, "rise": 4.0},
        "coarse": {"pm25_pm10": 0.3, "rise": 2.0},
        "between_fine_and_coarse": {"pm25_pm10": 0.7, "pm1_pm25": 0.4},
        "fine_in_the_kitchen": {"pm25_pm10": 0.95, "kitchen": 1.0},
        "fine_elsewhere": {"pm25_pm10": 0.95, "kitchen": 0.0},
    }
    assert list(cases) == [rule.name for rule in RULES]
    for rule in RULES:
        said = by_rules({**base, **cases[rule.name]})
        assert (said.label, said.why) == (rule.kind, (f"+{rule.name}",))
    assert by_rules(base).abstained


def test_the_first_room_leads() -> None:
    assert lead(1000.0, (1600.0, 9000.0)) == pytest.approx(10.0)
    assert lead(1000.0, (9000.0,)) is None


@pytest.fixture(scope="module")
def shipped() -> Source:
    return Source(Catalog.open(FOLDER).load(MODEL, NumpyEngine()))


def test_the_shipped_network_tells_smoke_from_mist(shipped: Source) -> None:
    """By particles alone, in a room nobody named: fine smoke, and droplets between fine and coarse."""
    fumes = {Kind.COMBUSTION, Kind.COOKING}
    for ratio, fine, kinds in ((0.97, 0.65, fumes), (0.65, 0.35, {Kind.AEROSOL})):
        room = Room(rate=1.2, watch=RoomWatch())
        room.live(4.0)
        room.live(0.1, 16.0, ratio=ratio, fine=fine)
        room.live(6.0)
        (event,) = room.events
        said = shipped.of(event)
        assert said.label is None or said.label in kinds
        best = max(said.probabilities, key=lambda kind: said.probabilities[kind])
        assert best in kinds
        assert sum(said.probabilities.values()) == pytest.approx(1.0, abs=1e-6)


def test_without_a_height_nothing_is_said(shipped: Source) -> None:
    said = shipped.judge({"minutes": 3.0})
    assert said.abstained
    assert said.why == ("missing:rise",)


def test_far_from_anything_learned_nothing_is_said(shipped: Source) -> None:
    said = shipped.judge(dict.fromkeys(FEATURES, 50.0))
    assert said.label is None
    assert said.out_of_range


def test_without_the_file_the_rules_answer() -> None:
    assert Source().judge({"humidity_up": 20.0}).label == Kind.AEROSOL
