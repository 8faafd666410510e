"""Habits: one sentence each, only with evidence, moved, dropped, undone, edited, answered by hand, back from disk."""

import json
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.features.presence import Instant
from custom_components.smartloop.engine.models.routine import Days, Routine, apart, clock
from custom_components.smartloop.engine.models.routine_book import MOST_THINGS, RoutineBook
from tests.engine.lived import instant, life


def book_of(uses: Iterable[tuple[str, Instant]]) -> RoutineBook:
    book = RoutineBook()
    for thing, now in uses:
        book.observe(thing, now)
    return book


def lamp(days: Iterable[int], minute: float = 1140.0, scatter: float = 5.0, seed: int = 1) -> list[tuple[str, Instant]]:
    rng = np.random.default_rng(seed)
    return [("lamp", instant(day, minute + scatter * rng.normal())) for day in days]


def only(book: RoutineBook) -> Routine:
    (found,) = book.routines
    return found


def test_each_habit_is_told_once() -> None:
    book = book_of(life(22))
    told = sorted((each.thing, each.days, round(each.at / 30.0) * 30) for each in book.routines)

    assert told == [
        ("bathroom", Days.EVERY, 420),
        ("kitchen", Days.EVERY, 450),
        ("kitchen", Days.EVERY, 1110),
        ("living", Days.EVERY, 1200),
        ("office", Days.WORKING, 540),
    ]
    assert len({each.key for each in book.routines}) == 5


def test_a_sentence_carries_its_evidence() -> None:
    found = only(book_of(lamp(range(15))))

    assert found.sentence == "routine_around_every_day"
    assert found.figures["thing"] == "lamp"
    assert found.figures["held"] == found.figures["of"] == 14
    assert apart(found.at, 1140.0) < 10.0
    assert 0.8 < found.probability < 1.0


def test_a_long_habit_is_told_from_to() -> None:
    rng = np.random.default_rng(3)
    uses = [
        ("lamp", instant(day, minute + 4.0 * rng.normal()))
        for day in range(21)
        for minute in (1080.0, 1140.0, 1200.0, 1260.0, 1320.0)
    ]
    found = only(book_of(uses))

    assert found.sentence.startswith("routine_between")
    assert str(found.figures["from"]) < str(found.figures["to"])


def test_three_days_are_not_enough_nor_is_a_room_that_is_always_used() -> None:
    assert not book_of(lamp(range(3))).routines
    rng = np.random.default_rng(5)
    busy = [("kitchen", instant(day, minute)) for day in range(40) for minute in sorted(rng.uniform(400.0, 1400.0, 14))]
    assert len(book_of(busy).routines) <= 1


def test_chance_is_no_habit() -> None:
    rng = np.random.default_rng(7)
    uses = [("lamp", instant(day, minute)) for day in range(90) for minute in sorted(rng.uniform(420.0, 1380.0, 2))]

    assert not book_of(uses).routines


def test_midnight_is_within_a_day() -> None:
    found = only(book_of(lamp(range(15), minute=1440.0, scatter=15.0)))

    assert apart(found.at, 0.0) < 20.0


def test_a_habit_that_moves_keeps_its_sentence_and_one_that_ends_is_dropped() -> None:
    book = book_of(lamp(range(20)))
    key = only(book).key
    for use in lamp(range(20, 60), minute=1185.0):
        book.observe(*use)
    assert (only(book).key, apart(only(book).at, 1185.0) < 15.0) == (key, True)
    for day in range(60, 90):
        book.observe("door", instant(day, 400.0 + 17.0 * (day % 30)))
    assert not [each for each in book.routines if each.thing == "lamp"]


def test_days_away_do_not_count() -> None:
    book = book_of(lamp([*range(14), *range(28, 42)]))

    assert only(book).held == only(book).of == 27


def test_what_is_undone_stays_away_and_what_is_edited_stays() -> None:
    book = book_of(lamp(range(15)))
    assert not book.undo("unknown")
    key = only(book).key
    assert book.edit(key, at=1200.0, days=Days.WORKING)
    edited = only(book)
    assert (edited.at, edited.days, edited.edited) == (1200.0, Days.WORKING, True)
    for use in lamp(range(15, 20)):
        book.observe(*use)
    assert replace(only(book), held=0, of=0, probability=0.0) == replace(edited, held=0, of=0, probability=0.0)
    assert book.undo(key)
    for use in lamp(range(20, 40), minute=1150.0):
        book.observe(*use)
    assert not book.routines


def test_an_act_by_hand_counts_three_days() -> None:
    book = book_of(lamp(range(14)))
    told = only(book)
    assert not book.by_hand("unknown", instant(14, told.at), wanted=False)
    assert not book.by_hand(told.key, instant(14, told.at - 60.0), wanted=False)
    for day in (14, 15, 16, 17):
        now = instant(day, told.at + 5.0)
        assert book.by_hand(told.key, now, wanted=False) or day > 14
        book.observe("door", now)
    book.observe("door", instant(18, 600.0))
    assert all(each.days is Days.FREE for each in book.routines if each.thing == "lamp")


def test_of_several_answers_a_day_the_last_counts() -> None:
    once, often = (book_of(lamp(range(14))) for _ in range(2))
    told = only(once)
    for book, answers in ((once, [True]), (often, [False, False, True])):
        for late, wanted in enumerate(answers):
            assert book.by_hand(told.key, instant(14, told.at + late), wanted=wanted)
        book.observe("lamp", instant(14, told.at + 4.0))
        book.observe("lamp", instant(15, told.at))
    assert only(once) == only(often)
    assert only(once).probability > told.probability


def test_an_act_on_a_free_day_says_nothing_of_working_days() -> None:
    book = book_of(lamp(range(19)))
    told = only(book)
    for day in (19, 20):
        book.by_hand(told.key, instant(day, told.at), wanted=False)
        book.observe("door", instant(day, 1150.0))
    book.observe("door", instant(21, 600.0))

    assert only(book).days is Days.WORKING


def test_summer_time_makes_no_day_more() -> None:
    book = RoutineBook()
    for day in range(20):
        shift = 60.0 if day >= 10 else 0.0
        now = instant(day, 1140.0)
        book.observe("lamp", Instant(at=now.at - 60.0 * shift, minute=now.minute, free=now.free))

    assert only(book).held == only(book).of == 19


def test_today_has_its_routines() -> None:
    book = book_of(life(22))

    assert {each.thing for each in book.due(instant(5, 600.0))} == {"bathroom", "kitchen", "living"}
    assert "office" in {each.thing for each in book.due(instant(7, 600.0))}


def test_things_are_bounded_and_clocks_may_be_wrong() -> None:
    book = RoutineBook()
    now = instant(0, 600.0)
    assert [book.observe(f"{place}", now) for place in range(MOST_THINGS + 1)].count(False) == 1
    assert not book.observe("0", instant(0, 500.0))
    assert book.observe("0", instant(-500, 600.0))
    assert book.observe("0", instant(5000, 600.0))
    assert not book.observe("", instant(5001, 600.0))


def test_it_comes_back_from_disk() -> None:
    uses = list(life(30))
    whole = book_of(uses)
    half = book_of(uses[: len(uses) // 2])
    told = half.routines[-1]
    half.by_hand(told.key, instant(15, told.at), wanted=True)
    half.undo(half.routines[0].key)
    again = RoutineBook.restored(json.loads(json.dumps(half.snapshot())))
    for use in uses[len(uses) // 2 :]:
        half.observe(*use)
        again.observe(*use)

    assert again.routines == half.routines
    assert len(whole.routines) == len(half.routines) + 1
    assert len(json.dumps(whole.snapshot())) < 20_000


@pytest.mark.parametrize(
    "change",
    [
        {"version": 9},
        {"things": []},
        {"things": {"lamp": {"kind": "routine_thing"}}},
        {"routines": [{"key": "a"}]},
        {"routines": [3]},
        {"start": "now"},
        {"number": -1},
        {"used": 1},
    ],
)
def test_what_is_broken_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(SnapshotError):
        RoutineBook.restored(book_of(lamp(range(5))).snapshot() | change)


def test_a_told_routine_of_an_unknown_thing_is_refused() -> None:
    state = book_of(lamp(range(15))).snapshot()
    with pytest.raises(SnapshotError):
        RoutineBook.restored(state | {"things": {}})


def test_times_are_told_to_five_minutes() -> None:
    assert [clock(each) for each in (0.0, 442.4, 1439.9)] == ["00:00", "07:20", "00:00"]
