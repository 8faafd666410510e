"""How long a board's battery lasts: currents and duty cycles in, years with a band out.

Every figure in a board's power.yaml is a range with its source; the low end of the life takes the worst of
all of them, the high end the best. What is included: sleep and wake currents, the regulator's own current and
loss, the battery's self-discharge, the share of its charge that can be used, and the cold.
"""

import argparse
import itertools
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any, Final, Self

import yaml

HARDWARE: Final = Path(__file__).resolve().parent
HOURS_A_YEAR: Final = 8766.0
SELF_DISCHARGE_DOUBLES_K: Final = 10.0
"""Arrhenius' rule of thumb; self-discharge in the tables below is that at 20 °C."""
TEMPERATURES: Final = (5.0, 20.0, 30.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """A range, and the middle of it on a logarithmic scale."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse what is no range."""
        if not 0 <= self.low <= self.high:
            msg = f"{self.low} to {self.high} is no range"
            raise ValueError(msg)

    @classmethod
    def of(cls, given: float | list[float]) -> Self:
        """Return a band from a number or a pair of them."""
        low, high = (given, given) if isinstance(given, int | float) else given
        return cls(low=float(low), high=float(high))

    @property
    def middle(self) -> float:
        """Return the geometric mean: errors of currents are factors."""
        return sqrt(self.low * self.high) if self.low > 0 else (self.low + self.high) / 2

    def __add__(self, other: Self) -> Band:
        """Return the sum."""
        return Band(low=self.low + other.low, high=self.high + other.high)

    def times(self, factor: float) -> Band:
        """Return the band, scaled."""
        return Band(low=self.low * factor, high=self.high * factor)


@dataclass(frozen=True, kw_only=True, slots=True)
class Chemistry:
    """What a kind of battery does by itself."""

    voltage: float
    self_discharge: Band
    """Share a year, at 20 °C."""
    usable: Band
    """Share of the rated charge above the regulator's dropout, at these small currents."""
    cold: Mapping[float, Band]
    """Share of it left at °C; interpolated between."""
    shelf_years: Band
    """Whatever the load: corrosion, drying out, calendar ageing."""
    source: str


CHEMISTRIES: Final = {
    "li-ion": Chemistry(
        voltage=3.7,
        self_discharge=Band(low=0.02, high=0.08),
        usable=Band(low=0.80, high=0.95),
        cold={-10.0: Band(low=0.60, high=0.80), 5.0: Band(low=0.85, high=0.93), 20.0: Band(low=1.0, high=1.0)},
        shelf_years=Band(low=5.0, high=10.0),
        source="Panasonic NCR18650B and LiPo pouch data sheets; protection circuit 2-4 µA counted as a load",
    ),
    "alkaline": Chemistry(
        voltage=1.5,
        self_discharge=Band(low=0.02, high=0.04),
        usable=Band(low=0.70, high=0.90),
        cold={-10.0: Band(low=0.30, high=0.50), 5.0: Band(low=0.65, high=0.80), 20.0: Band(low=1.0, high=1.0)},
        shelf_years=Band(low=7.0, high=10.0),
        source="Energizer alkaline handbook",
    ),
    "li-fes2": Chemistry(
        voltage=1.5,
        self_discharge=Band(low=0.005, high=0.01),
        usable=Band(low=0.90, high=0.97),
        cold={-10.0: Band(low=0.85, high=0.95), 5.0: Band(low=0.95, high=1.0), 20.0: Band(low=1.0, high=1.0)},
        shelf_years=Band(low=15.0, high=20.0),
        source="Energizer L91 data sheet",
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Life:
    """What one variant takes, and how long it lasts."""

    microamperes: Band
    """At the battery, on average."""
    years: Mapping[float, Band]
    """By temperature."""


def _capacity_factor(chemistry: Chemistry, celsius: float) -> Band:
    points = sorted(chemistry.cold.items())
    if celsius >= points[-1][0]:
        return points[-1][1]
    if celsius <= points[0][0]:
        return points[0][1]
    for (cold, least), (warm, most) in itertools.pairwise(points):
        if celsius <= warm:
            share = (celsius - cold) / (warm - cold)
            return Band(
                low=least.low + share * (most.low - least.low), high=least.high + share * (most.high - least.high)
            )
    raise AssertionError


def load_current(load: Mapping[str, Any]) -> Band:
    """Return one load's mean current in µA, before the regulator."""
    on = Band.of(load["ua"]) if "ua" in load else Band.of(load["ma"]).times(1000.0)
    if "every_s" not in load:
        return on
    seconds = Band.of(load["seconds"])
    return Band(low=on.low * seconds.low / load["every_s"], high=on.high * seconds.high / load["every_s"])


def battery_current(variant: Mapping[str, Any]) -> Band:
    """Return the mean current taken from the battery, in µA."""
    regulator = variant["regulator"]
    total = Band(low=0.0, high=0.0)
    for load in variant["loads"]:
        total = total + load_current(load)
    if regulator["kind"] == "buck":
        efficiency = Band.of(regulator["efficiency"])
        step = regulator["output_v"] / _pack_voltage(variant)
        total = Band(low=total.low * step / efficiency.high, high=total.high * step / efficiency.low)
    # A linear regulator takes what it gives; either takes something for itself, and so does what sits before it.
    for own in (regulator["quiescent_ua"], *(each["ua"] for each in variant.get("before_regulator", ()))):
        total = total + Band.of(own)
    return total


def _pack_voltage(variant: Mapping[str, Any]) -> float:
    battery = variant["battery"]
    return CHEMISTRIES[battery["chemistry"]].voltage * float(battery.get("in_series", 1))


def life(variant: Mapping[str, Any]) -> Life:
    """Return the band of years at each temperature."""
    current = battery_current(variant)
    battery = variant["battery"]
    chemistry = CHEMISTRIES[battery["chemistry"]]
    rated = Band.of(battery["mah"])
    years = {}
    for celsius in TEMPERATURES:
        cold = _capacity_factor(chemistry, celsius)
        leak = chemistry.self_discharge.times(2.0 ** ((celsius - 20.0) / SELF_DISCHARGE_DOUBLES_K))
        worst = rated.low * chemistry.usable.low * cold.low
        best = rated.high * chemistry.usable.high * cold.high
        years[celsius] = Band(
            low=min(worst / (current.high / 1000.0 * HOURS_A_YEAR + worst * leak.high), chemistry.shelf_years.low),
            high=min(best / (current.low / 1000.0 * HOURS_A_YEAR + best * leak.low), chemistry.shelf_years.high),
        )
    return Life(microamperes=current, years=years)


def mains(variant: Mapping[str, Any]) -> tuple[Band, Band]:
    """Return a plugged board's mean milliamperes at 5 V and its kilowatt hours a year at the wall."""
    total = Band(low=0.0, high=0.0)
    for load in variant["loads"]:
        total = total + load_current(load)
    milliamperes = total.times(0.001)
    efficiency = Band.of(variant["usb"]["efficiency"])
    idle = Band.of(variant["usb"]["idle_w"])
    hours = HOURS_A_YEAR / 1000.0
    return milliamperes, Band(
        low=(milliamperes.low * 0.005 / efficiency.high + idle.low) * hours,
        high=(milliamperes.high * 0.005 / efficiency.low + idle.high) * hours,
    )


def _span(band: Band, digits: int = 1) -> str:
    low, high = f"{band.low:.{digits}f}", f"{band.high:.{digits}f}"
    return low if low == high else f"{low}-{high}"


def _time(band: Band) -> str:
    if band.high < 1.0:
        return f"{_span(band.times(12.0))} months"
    return f"{_span(band)} years"


def table(given: Mapping[str, Any]) -> str:
    """Return the Markdown of one board's power.yaml."""
    lines: list[str] = []
    batteries = [each for each in given["variants"] if "battery" in each]
    plugged = [each for each in given["variants"] if "usb" in each]
    if batteries:
        heads = " | ".join(f"at {celsius:.0f} °C" for celsius in TEMPERATURES)
        lines += [f"| variant | battery | mean current | {heads} |", "|---|---|---|---|---|---|"]
        for each in batteries:
            found = life(each)
            spans = " | ".join(_time(found.years[celsius]) for celsius in TEMPERATURES)
            lines.append(
                f"| {each['name']} | {each['battery']['name']} | {_span(found.microamperes, 0)} µA | {spans} |"
            )
        lines.append("")
    if plugged:
        lines += ["| variant | mean current at 5 V | energy at the wall |", "|---|---|---|"]
        for each in plugged:
            milliamperes, energy = mains(each)
            lines.append(f"| {each['name']} | {_span(milliamperes, 0)} mA | {_span(energy)} kWh a year |")
        lines.append("")
    lines += ["| load | current | how often | source |", "|---|---|---|---|"]
    seen = set()
    for variant in given["variants"]:
        for load in variant["loads"]:
            unit = "µA" if "ua" in load else "mA"
            current = _span(Band.of(load.get("ua", load.get("ma"))), 2).replace(".00", "")
            often = (
                f"{_span(Band.of(load['seconds']))} s every {load['every_s']:g} s" if "every_s" in load else "always"
            )
            row = f"| {load['name']} | {current} {unit} | {often} | {load['source']} |"
            if row not in seen:
                lines.append(row)
                seen.add(row)
    lines += [
        "",
        "Computed by `hardware/power.py` from [power.yaml](power.yaml): worst case of everything to best case.",
    ]
    return "\n".join(lines)


def read(board: str) -> dict[str, Any]:
    """Return a board's power.yaml."""
    given: dict[str, Any] = yaml.safe_load((HARDWARE / board / "power.yaml").read_text(encoding="utf-8"))
    return given


def main() -> None:
    """Print the tables of the boards asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("boards", nargs="*", default=sorted(path.parent.name for path in HARDWARE.glob("*/power.yaml")))
    for board in parser.parse_args().boards:
        sys.stdout.write(f"## {board}\n\n{table(read(board))}\n\n")


if __name__ == "__main__":
    main()
