"""Battery life: the arithmetic, and that the READMEs say what it says."""

from typing import Any

import pytest

from hardware.configuration import BOARDS
from hardware.drawing import readme
from hardware.power import HARDWARE, Band, battery_current, life, load_current, mains, read, table


def variant(**changed: Any) -> dict[str, Any]:
    return {
        "name": "test",
        "battery": {"name": "cell", "chemistry": "li-ion", "mah": 1000},
        "regulator": {"kind": "ldo", "quiescent_ua": 2},
        "loads": [{"name": "sleep", "ua": 8, "source": "made up"}],
    } | changed


def test_a_duty_cycle_is_a_share_of_time() -> None:
    found = load_current({"ma": [30, 40], "seconds": [2, 3], "every_s": 300})
    assert found.low == pytest.approx(30_000 * 2 / 300)
    assert found.high == pytest.approx(40_000 * 3 / 300)


def test_a_linear_regulator_passes_the_current_on() -> None:
    before = {"before_regulator": [{"name": "divider", "ua": [5, 10]}]}
    assert battery_current(variant(**before)) == Band(low=15, high=20)


def test_a_step_down_regulator_takes_less_than_it_gives() -> None:
    found = battery_current(
        variant(regulator={"kind": "buck", "quiescent_ua": 0, "efficiency": [0.8, 0.9], "output_v": 1.85})
    )
    assert found.low == pytest.approx(8 * 0.5 / 0.9)
    assert found.high == pytest.approx(8 * 0.5 / 0.8)


def test_years_by_hand() -> None:
    # 1000 mAh, 80-95 % usable, 0.1 mA and 2-8 % self-discharge a year at 20 °C.
    found = life(variant(loads=[{"name": "on", "ua": 98, "source": "made up"}])).years[20.0]
    assert found.low == pytest.approx(800 / (0.1 * 8766 + 800 * 0.08))
    assert found.high == pytest.approx(950 / (0.1 * 8766 + 950 * 0.02))


def test_cold_takes_charge_and_warmth_discharges() -> None:
    years = life(variant(loads=[{"name": "on", "ua": 98, "source": "made up"}])).years
    assert years[5.0].low < years[20.0].low
    assert years[30.0].low < years[20.0].low


def test_no_battery_outlives_its_shelf() -> None:
    idle = variant(
        loads=[{"name": "nothing", "ua": 0, "source": "made up"}], regulator={"kind": "ldo", "quiescent_ua": 0}
    )
    assert life(idle).years[20.0].high <= 10.0


def test_energy_at_the_wall_by_hand() -> None:
    milliamperes, energy = mains(
        {"usb": {"efficiency": [0.5, 0.5], "idle_w": 0}, "loads": [{"name": "on", "ma": 100, "source": "made up"}]}
    )
    assert milliamperes == Band(low=100, high=100)
    assert energy.low == pytest.approx(0.1 * 5 / 0.5 * 8766 / 1000)


@pytest.mark.parametrize(("low", "high"), [(2.0, 1.0), (-1.0, 1.0)])
def test_nonsense_is_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="no range"):
        Band(low=low, high=high)


@pytest.mark.parametrize("board", BOARDS)
def test_every_figure_has_a_source_and_the_readme_says_what_was_computed(board: str) -> None:
    given = read(board)
    assert all(load["source"] for each in given["variants"] for load in each["loads"])
    text = (HARDWARE / board / "README.md").read_text(encoding="utf-8")
    assert table(given) in text
    assert readme(board) == text, "run script/hardware render"
