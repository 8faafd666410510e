"""Boxes that nobody hears while nothing happens: their silence says nothing, and proves nothing."""

from dataclasses import replace
from datetime import time

from custom_components.smartloop.engine import DecisionKey, DeviceFacts, Measurand, QuietHours, Severity, WeakLink
from tests.engine.house import RH
from tests.engine.test_devices import CLIMATE, LEAK, WET, WINDOW, at, engine_of, every, live, view_of

STILL = replace(LEAK, measurands=frozenset({WET, Measurand.BATTERY}), heartbeat=False)
DOOR = DeviceFacts(source="door", place="bath", measurands=frozenset({WINDOW}), heartbeat=False, via="stick")
AIR = every("climate", RH, 0.5, 0.1, 800.0, 50.0)


def test_a_still_leak_sensor_without_a_heartbeat_is_never_called_silent() -> None:
    engine = engine_of(STILL, CLIMATE)
    assert live(engine, AIR, 0.0, 400.0, step=20.0) == []
    view = view_of(engine, "leak", at(400.0))
    assert (view.silent, view.missed, view.interval_s) == (None, None, None)
    point = engine.assurance({"leak": at(0.0)}, at(400.0)).points[0]
    assert (point.proven, point.link) == (False, WeakLink.UNHEARD)


def test_it_is_proven_for_as_long_as_it_was_just_heard() -> None:
    engine = engine_of(STILL, CLIMATE)
    live(engine, [*every("leak", WET, 2.0, 0.0, 0.1), *AIR], 0.0, 80.0)
    assert engine.assurance({"leak": at(0.0)}, at(74.0)).points[0].proven
    assert engine.assurance({"leak": at(0.0)}, at(76.0)).points[0].link is WeakLink.UNHEARD


def test_an_empty_house_is_no_reason_to_doubt_its_doors() -> None:
    engine = engine_of(DOOR, replace(DOOR, source="window"), CLIMATE)
    busy = [each for source in ("door", "window") for each in every(source, WINDOW, 0.7, 0.0, 120.0)]
    assert live(engine, [*busy, *AIR], 0.0, 400.0, step=20.0) == []


def test_nor_is_their_bridge_doubted() -> None:
    engine = engine_of(DOOR, replace(DOOR, source="window"), replace(DOOR, source="gate"))
    busy = [each for source in ("door", "window", "gate") for each in every(source, WINDOW, 0.7, 0.0, 120.0)]
    assert live(engine, busy, 0.0, 400.0, step=20.0) == []
    assert not any(view.bridge_silent for view in engine.devices(at(400.0)))


def test_who_measures_the_air_is_heard_all_the_same() -> None:
    engine = engine_of(replace(CLIMATE, heartbeat=False), LEAK)
    decisions = live(
        engine, [*every("climate", RH, 0.5, 0.0, 60.0, 50.0), *every("leak", WET, 2.0, 0.0, 90.0)], 0.0, 80.0
    )
    assert [(each.key, each.source) for each in decisions] == [(DecisionKey.DEVICE_SILENT, "climate")]


def test_nobody_is_woken_for_a_silent_leak_sensor() -> None:
    night = QuietHours(start=time(22), end=time(7))
    engine = engine_of(LEAK, CLIMATE, quiet_hours=night)
    # START is 1 o'clock at home; its last word comes at 21.
    raised = live(engine, [*every("leak", WET, 2.0, 0.0, 92.5), *AIR], 0.0, 98.5)
    assert [(each.key, each.severity) for each in raised] == [(DecisionKey.DEVICE_SILENT, Severity.WARNING)]
    assert engine.recipients(raised[0], at(98.0)) == (), "at 3 in the morning"
    live(engine, [each for each in AIR if each.at > at(98.5)], 98.5, 102.5)
    (standing,) = engine.active(source="leak")
    assert engine.recipients(standing, at(102.5)) == ("ana",)
