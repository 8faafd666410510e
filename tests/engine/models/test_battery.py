"""Days left: by the trend where there is one, by age where there is none, anew with a new battery."""

import json
import random
import time

import numpy as np
import pytest

from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.models.battery import MOST_DAYS, Battery, BatteryKind, is_plateau
from custom_components.smartloop.engine.models.discharge import CURVES

DAY = 86400.0
BEGIN = 1.7e9
AAA = BatteryKind(type="AAA", count=2)
UNKNOWN = BatteryKind()
COIN = BatteryKind(type="CR2032")


def run_down(days: int, per_day: float, *, begin: float = 100.0, noise: float = 0.5, seed: int = 0) -> Battery:
    chance, battery = random.Random(seed), Battery()
    for day in range(days):
        level = min(max(begin - per_day * day + chance.gauss(0.0, noise), 0.0), 100.0)
        battery.observe_percent(BEGIN + day * DAY, round(level))
    return battery


def now(days: float) -> float:
    return BEGIN + days * DAY


@pytest.mark.parametrize("per_day", [0.3, 0.8, 1.5])
def test_a_steady_fall_is_followed_to_its_end(per_day: float) -> None:
    left = run_down(50, per_day).by_trend(now(50), UNKNOWN)
    assert left is not None
    true = (97.0 - per_day * 50) / per_day
    assert left.lo <= true <= left.hi
    assert left.days == pytest.approx(true, rel=0.3)


def test_nothing_is_said_of_a_trend_before_a_fortnight() -> None:
    assert run_down(12, 1.0).by_trend(now(12), AAA) is None


def test_a_fall_that_becomes_steeper_is_noticed() -> None:
    battery = run_down(120, 0.1)
    for day in range(120, 150):
        battery.observe_percent(now(day), 88.0 - 2.0 * (day - 120))
    left = battery.by_trend(now(150), AAA)
    assert left is not None
    assert left.days < 30.0


def test_a_lithium_cell_that_shows_full_gives_no_trend_but_its_age_does() -> None:
    battery = run_down(100, 0.0, noise=0.0)
    assert battery.by_trend(now(100), COIN) is None
    left = battery.by_age(now(100), COIN)
    assert left.lo < left.days < left.hi
    assert left.hi > 3.0 * left.lo, "what nobody can know is a wide band"


def test_a_lithium_cell_at_its_cliff_gives_one() -> None:
    battery = run_down(100, 0.0, noise=0.0)
    for day in range(100, 130):
        battery.observe_percent(now(day), 100.0 - 2.5 * (day - 100))
    left = battery.by_trend(now(130), COIN)
    assert left is not None
    assert 0.0 < left.hi < 15.0


def test_who_reports_more_lives_shorter() -> None:
    assert BatteryKind(type="CR2032", reports_per_day=2000.0).life < BatteryKind(type="CR2032").life
    assert BatteryKind(type="CR2032").life < BatteryKind(type="CR2450").life


def test_the_voltage_of_alkaline_cells_is_read_by_their_curve() -> None:
    # 3.16 V fresh; at 2.2 V a tenth is left, though the voltage has only gone down by a third.
    battery = Battery()
    used = [day / 300.0 for day in range(270)]
    volts = [1.58, 1.50, 1.40, 1.30, 1.25, 1.20, 1.15, 1.10, 1.00, 0.90]
    left = [1.0, 0.96, 0.82, 0.58, 0.45, 0.30, 0.18, 0.10, 0.03, 0.0]
    for day, share in enumerate(used):
        place = next(at for at in range(9) if left[at + 1] <= 1.0 - share)
        slope = (volts[place + 1] - volts[place]) / (left[place + 1] - left[place])
        battery.observe_voltage(now(day), 2000.0 * (volts[place] + slope * (1.0 - share - left[place])))
    found = battery.by_trend(now(270), AAA)
    assert found is not None
    assert found.days == pytest.approx(30.0, rel=0.15)
    assert found.lo <= 30.0 <= found.hi


def test_a_new_battery_is_found_by_its_jump() -> None:
    battery = run_down(60, 1.2)
    assert not battery.observe_percent(now(60), 100.0), "once may be a glitch"
    assert battery.observe_percent(now(60.2), 100.0)
    assert battery.fresh_at == now(60.2)
    assert battery.by_trend(now(61), AAA) is None, "the forecast begins anew"


def test_a_glitch_is_no_new_battery() -> None:
    battery = run_down(60, 1.0)
    battery.observe_percent(now(60), 100.0)
    assert not battery.observe_percent(now(60.1), 40.0)
    assert battery.fresh_at is None
    assert battery.level == 40.0


def test_a_new_battery_is_found_by_its_voltage() -> None:
    battery = Battery()
    for day in range(30):
        battery.observe_voltage(now(day), 2500.0 - 3.0 * day)
    assert not battery.observe_voltage(now(30), 3050.0)
    assert battery.observe_voltage(now(31), 3045.0)


def test_a_cold_week_is_not_the_end() -> None:
    def lived(*, corrected: bool) -> float:
        battery, chance = Battery(), random.Random(3)
        for day in range(60):
            warmth = 20.0 if day < 46 else 20.0 - min(day - 45, 10)
            warmth += chance.gauss(0.0, 1.5)
            level = 80.0 - 0.2 * day + 0.3 * (warmth - 20.0)
            battery.observe_percent(now(day), level, warmth if corrected else None)
        left = battery.by_trend(now(60), AAA)
        assert left is not None
        return left.days

    true = (80.0 - 12.0 - 3.0) / 0.2
    assert abs(lived(corrected=True) - true) < abs(lived(corrected=False) - true)


def test_told_and_taken_back() -> None:
    battery = run_down(60, 1.0)
    before = battery.by_trend(now(60), AAA)
    battery.replaced(now(60))
    assert battery.by_trend(now(60), AAA) is None
    assert battery.kept()
    assert battery.by_trend(now(60), AAA) == before
    assert not battery.kept()


def test_a_battery_changed_a_while_ago_keeps_what_came_after() -> None:
    battery = run_down(60, 0.5)
    battery.replaced(now(20))
    assert battery.by_trend(now(60), AAA) is not None
    assert battery.fresh_at == now(20)


def test_a_restart_loses_nothing() -> None:
    battery = run_down(60, 1.0)
    back = Battery.restored(json.loads(json.dumps(battery.snapshot())))
    assert back.by_trend(now(60), AAA) == battery.by_trend(now(60), AAA)


@pytest.mark.parametrize(
    "state", [None, [], [1, 2, 3, 4, 5, 6], [None, None, None, None, [[2, 1, None], [1, 1, None]], []]]
)
def test_what_cannot_be_is_refused(state: object) -> None:
    with pytest.raises(SnapshotError):
        Battery.restored(state)


def test_the_chemistries() -> None:
    assert is_plateau("CR2450")
    assert not is_plateau("AAA")
    assert not is_plateau(None)


@pytest.mark.parametrize(("empty", "full"), [(0.8, 1.6), (0.9, 1.5), (1.0, 1.5), (1.0, 1.6)])
def test_a_percentage_is_understood_whatever_the_device_means_by_it(empty: float, full: float) -> None:
    """Two cells that last 300 days and are followed for 270 of them; they show from 17 to 38 %."""
    voltages, charges = CURVES["alkaline"]
    battery = Battery()
    for day in range(270):
        volts = float(np.interp(100.0 * (1.0 - day / 300.0), charges, voltages))
        battery.observe_percent(now(day), round(min(max(100.0 * (volts - empty) / (full - empty), 0.0), 100.0)))
    left = battery.by_trend(now(270), AAA)
    assert left is not None
    assert left.lo <= 31.0 <= left.hi
    assert left.days == pytest.approx(30.0, rel=0.5)


def test_a_forecast_by_shape_fits_into_a_slice_of_the_loop() -> None:
    battery = run_down(MOST_DAYS + 1, 0.3)
    spent = []
    for _ in range(5):
        begin = time.process_time()
        assert battery.by_trend(now(MOST_DAYS + 1), AAA) is not None
        spent.append(time.process_time() - begin)
    assert min(spent) < 0.01, f"{min(spent) * 1e3:.1f} ms"
