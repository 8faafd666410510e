"""Rooms' use, counted: by the wall clock, over changes of summer time, gaps and wrong clocks, and back from disk."""

import json
from dataclasses import replace

import pytest

from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.features.presence import HOUR_S, MOST_ROOMS, NAMES, Instant, RoomUse
from custom_components.smartloop.engine.features.presence_home import Home
from tests.engine.lived import instant, life


def lived(days: int) -> Home:
    home = Home()
    last = -1
    for room, now in life(days):
        half = int(now.at // 1800)
        for skipped in range(max(last + 1, half - 60), half + 1) if last >= 0 else ():
            day, minute = divmod(skipped * 30.0 - instant(0, 0.0).at / 60.0, 1440.0)
            home.advance(instant(int(day), minute))
        last = half
        home.use(room, now)
    return home


def rate(home: Home, room: str, day: int, minute: float) -> float:
    now = instant(day, minute)
    return home.rooms[room].rates(now.slot, int(now.free))[0]


def test_rates_know_time_and_kind_of_day() -> None:
    home = lived(21)

    assert rate(home, "office", 22, 525.0) > 0.5 > rate(home, "office", 19, 525.0)
    assert rate(home, "kitchen", 22, 1110.0) > 0.6
    assert rate(home, "kitchen", 22, 180.0) < 0.2


def test_features_are_complete_and_named() -> None:
    home = lived(9)
    features = home.features("kitchen", instant(8, 1230.0))

    assert features is not None
    assert tuple(features) == NAMES
    assert None not in features.values()
    assert features["yesterday"] == 0.0
    assert features["here"] == 0.0


def test_an_hour_more_of_the_clock_turns_nothing_around() -> None:
    """In autumn 2:30 comes twice, in spring not at all; elapsed time goes on."""
    for shift in (-60.0, 60.0):
        home = lived(3)
        before = instant(3, 110.0)
        home.use("kitchen", before)
        jumped = Instant(at=before.at + 1200.0, minute=before.minute + 20.0 + shift, free=False)
        home.advance(jumped)
        features = home.features("kitchen", jumped)
        assert features is not None
        assert features["since_use"] == pytest.approx(3.04, abs=0.01)  # log(1 + 20)
        for step in range(1, 60):
            later = Instant(
                at=jumped.at + step * 1800.0, minute=(jumped.minute + step * 30.0) % 1440.0, free=jumped.free
            )
            assert home.advance(later)
        assert home.days == pytest.approx(3.0 + 2.0, abs=1.3)


def test_what_nobody_watched_is_unknown_not_unused() -> None:
    home = lived(8)
    counted = home.rooms["kitchen"].total[1]
    back = instant(8, 1200.0)
    home.advance(back)

    assert home.rooms["kitchen"].total[1] == pytest.approx(counted, rel=0.01)
    features = home.features("kitchen", instant(9, 420.0))
    assert features is None or features["yesterday"] is None


def test_a_silent_home_foretells_nothing() -> None:
    home = lived(8)

    assert home.features("kitchen", instant(9, 1300.0)) is None
    assert home.features("cellar", instant(7, 1260.0)) is None


def test_clocks_set_back() -> None:
    home = lived(5)
    now = instant(4, 1300.0)
    assert home.use("kitchen", now)
    assert not home.use("kitchen", replace(now, at=now.at - HOUR_S))
    counted = home.rooms["kitchen"].total
    assert home.use("kitchen", replace(now, at=now.at - 1e8))
    assert home.rooms["kitchen"].total == counted


def test_rooms_are_bounded() -> None:
    home = Home()
    now = instant(0, 600.0)

    assert [home.use(f"room {place}", now) for place in range(MOST_ROOMS + 1)] == [True] * MOST_ROOMS + [False]
    assert not home.use("", now)
    for _ in range(2000):
        home.rooms["room 0"].past = (home.rooms["room 0"].past << 1 | 1) & (1 << 338) - 1
    assert len(json.dumps(home.snapshot())) < 400_000


def test_a_home_comes_back_from_disk() -> None:
    home = lived(10)
    again = Home.restored(json.loads(json.dumps(home.snapshot())))
    now = instant(9, 1260.0)

    for each in (home, again):
        each.use("office", now)
    assert again.names == home.names
    for room in home.names:
        one, two = home.features(room, now), again.features(room, now)
        assert one is not None
        assert two is not None
        assert two == pytest.approx(one, abs=1e-4)


@pytest.mark.parametrize(
    "change",
    [
        {"rooms": 5},
        {"rooms": {"kitchen": [1, 2]}},
        {"watched": "xyz"},
        {"watched": -3},
        {"now": [0.0]},
        {"now": [float("nan"), 0.0]},
        {"slots": [[0.0, 99, 0, None], None]},
        {"slots": [[0.0, 1, 0], None]},
        {"slots": []},
        {"times": [1.0, 2.0]},
        {"extra": 1},
    ],
)
def test_what_is_broken_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(SnapshotError):
        Home.restored(lived(2).snapshot() | change)


def test_broken_rooms_are_refused() -> None:
    room = RoomUse()
    room.use(1000.0)
    good = room.snapshot()
    assert RoomUse.restored(good).snapshot() == good
    for place, value in ((0, [-1.0] * 192), (0, [2.0] * 96 + [1.0] * 96), (1, []), (2, 0), (3, [0.0] * 4), (4, 7)):
        with pytest.raises(SnapshotError):
            RoomUse.restored([*good[:place], value, *good[place + 1 :]])
    with pytest.raises(SnapshotError):
        RoomUse.restored([*good[:3], [0.0, 0.0, 1e11, 0.0, 0.0], *good[4:]])
