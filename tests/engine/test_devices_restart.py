"""Boxes over restarts and clock steps: what was learned is taken up again, what stands goes on standing."""

import json
from datetime import timedelta

import pytest

from custom_components.smartloop.engine import Decision, DecisionKey, DeviceFacts, Engine, Measurand, SnapshotError
from tests.engine.house import RH, START, T, reading
from tests.engine.test_devices import CLIMATE, LEAK, MINUTE, at, both, engine_of, live, view_of


def restarted(engine: Engine, *facts: DeviceFacts) -> Engine:
    new = Engine(engine.household)
    new.restore(json.loads(json.dumps(engine.snapshot())))
    new.describe_devices(facts)
    return new


@pytest.mark.parametrize("back_s", [0.01, 5.0, 3600.0, 86400.0])
def test_what_was_learned_survives_a_clock_that_went_back(back_s: float) -> None:
    engine = engine_of(LEAK, CLIMATE)
    live(engine, both(50.0, 50.0), 0.0, 50.0)
    back = at(50.0) - timedelta(seconds=back_s)
    engine.step_devices(back)
    for minute in range(1, 20):
        engine.observe(reading(Measurand.WET, 0.0, "bath", back + minute * MINUTE, "leak"))
        engine.step_devices(back + minute * MINUTE)
    new = restarted(engine, LEAK, CLIMATE)
    assert view_of(new, "leak", back + 20 * MINUTE).interval_s == pytest.approx(7200.0, rel=0.1)


def emptying(days: int) -> list[DeviceFacts]:
    """Return many boxes; the last one's battery is nearly empty."""
    return [
        DeviceFacts(
            source=f"box {count}", place="bath", measurands=frozenset({T, Measurand.BATTERY}), battery_type="AAA"
        )
        for count in range(days)
    ]


def test_a_battery_that_runs_empty_does_so_after_a_restart_too() -> None:
    boxes = emptying(5)
    engine = engine_of(*boxes)
    raised: list[Decision] = []
    for hour in range(24 * 50):
        now = START + hour * timedelta(hours=1)
        for box in boxes:
            left = 90.0 if box is not boxes[-1] else max(90.0 - 1.6 * hour / 24.0, 1.0)
            engine.observe(reading(Measurand.BATTERY, left, "bath", now, box.source))
        for look in (0, 20, 40):
            raised += engine.step_devices(now + look * MINUTE).decisions
        if raised:
            break
    assert [(each.key, each.source) for each in raised] == [(DecisionKey.DEVICE_BATTERY, "box 4")]
    new = restarted(engine, *boxes)
    before, after = view_of(engine, "box 4", now), view_of(new, "box 4", now)
    assert after.battery == before.battery, "shown at once, not when its turn comes"
    assert [decision for minute in range(30) for decision in new.step_devices(now + minute * MINUTE).decisions] == []
    assert [each.id for each in new.active(source="box 4")] == [raised[0].id]
    # Nor does it flicker when some device's name changes in the registry.
    new.describe_devices(boxes)
    assert view_of(new, "box 4", now).battery == before.battery


def test_an_error_that_is_known_is_so_after_a_restart_too() -> None:
    boxes = [
        DeviceFacts(source=f"box {count}", place="bath", measurands=frozenset({T, RH}), mains=True)
        for count in range(3)
    ]
    engine = engine_of(*boxes)
    raised: list[Decision] = []
    for step in range(4 * 24 * 40):
        now = START + step * timedelta(minutes=15)
        wave = 5.0 if step % 96 < 48 else 0.0
        for count, box in enumerate(boxes):
            engine.observe(reading(T, 20.0 + wave / 5.0, "bath", now, box.source))
            engine.observe(reading(RH, 50.0 + wave + (10.0 if count == 2 else 0.1 * count), "bath", now, box.source))
        raised += engine.step_devices(now).decisions
        if raised:
            break
    assert [(each.key, each.source) for each in raised] == [(DecisionKey.DEVICE_DRIFT, "box 2")]
    new = restarted(engine, *boxes)
    assert view_of(new, "box 2", now).drift == view_of(engine, "box 2", now).drift
    assert [decision for minute in range(1, 5) for decision in new.step_devices(now + minute * MINUTE).decisions] == []
    assert [each.id for each in new.active(source="box 2")] == [raised[0].id]


def test_a_box_not_heard_yet_is_not_silent_because_home_assistant_was_down() -> None:
    engine = engine_of(LEAK, CLIMATE)
    assert live(engine, [], 0.0, 1.0) == []
    new = restarted(engine, LEAK, CLIMATE)
    # For four days nobody could have heard them.
    assert live(new, [], 97.0, 98.0) == []
    assert [each.source for each in live(new, [], 98.0, 130.0)] == ["climate"]
    assert [each.source for each in live(new, [], 130.0, 175.0)] == ["leak"]


@pytest.mark.parametrize("nonsense", [10**400, float("nan"), float("inf"), True, "1"])
def test_a_number_that_is_none_is_refused_by_name(nonsense: object) -> None:
    engine = engine_of(LEAK)
    stored = {"looked": nonsense, "deaf": 0.0, "boxes": {}, "bridges": {}}
    with pytest.raises(SnapshotError):
        engine.restore(engine.snapshot() | {"devices": stored})
