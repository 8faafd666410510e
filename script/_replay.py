"""Replay a household trace through the engine and print its decisions.

usage: script/replay TRACE.jsonl [--json]

With --json one object a line, else one readable line each. What a trace holds that cannot be
believed is said on stderr with its line number and left out. Exit status 2 when a line is no
JSON or the header cannot be used. The same trace always gives the same output.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from _engine import INTEGRATION

from custom_components.smartloop.engine import (
    HOUSE,
    Actuation,
    Decision,
    DeviceFacts,
    Engine,
    EngineError,
    Entry,
    Feedback,
    Forecast,
    Forecaster,
    Household,
    Measurand,
    Reading,
    Refusal,
    Runner,
    Trace,
    TraceError,
    decision_record,
    read_trace,
    render,
    templates_of,
)
from custom_components.smartloop.engine.models.forecast_voices import HISTORY_MODEL, WEATHER_MODEL
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.errors import InferenceError
from custom_components.smartloop.inference.numpy_engine import NumpyEngine

TICK = 60
"""s of trace time between two looks around, as `coordinator.py` has them at most"""
AFTERMATH = 49 * 3600
"""s after the last line before a silence within which everything still standing expires"""


def complain(text: str) -> None:
    """Say on stderr what is left out."""
    print(f"replay: {text}", file=sys.stderr)


def runner(catalog: Catalog, name: str) -> Runner | None:
    """Return a shipped model; None, and a word, where the fallback has to do."""
    if name not in catalog.entries:
        return None
    try:
        return catalog.load(name, NumpyEngine())
    except InferenceError as err:
        complain(f"{name} is not used: {err}")
        return None


def shipped_forecaster() -> Forecaster:
    """Return the forecaster with the models that ship."""
    catalog = Catalog.open(INTEGRATION / "onnx")
    return Forecaster(runner(catalog, HISTORY_MODEL), runner(catalog, WEATHER_MODEL))


class Replay:
    """One household, living through its trace."""

    def __init__(self, household: Household, forecaster: Forecaster) -> None:
        """Begin where the first line does."""
        self._household = household
        self._engine = Engine(household, forecaster)
        self._ticked: int | None = None
        self._boxes: dict[str, DeviceFacts] = {}

    def run(self, trace: Trace) -> Iterator[Decision]:
        """Yield the decisions in the order in which they are taken."""
        for found in trace.entries:
            match found:
                case Refusal():
                    complain(f"line {found.line}: {found.reason}")
                case Entry():
                    yield from self._pass(int(found.item.at.timestamp()) - 1)
                    yield from self._take(found)
        if self._ticked is not None:
            # The minute that the last line fell into is looked at as well.
            yield from self._pass(self._ticked + TICK)

    def _pass(self, until: int) -> Iterator[Decision]:
        """Let time pass up to a second, tick by tick."""
        if self._ticked is None:
            self._ticked = until // TICK * TICK
        quiet = self._ticked + AFTERMATH
        while self._ticked + TICK <= until:
            self._ticked += TICK
            yield from self._tick(datetime.fromtimestamp(self._ticked, self._household.timezone))
            if self._ticked >= quiet:
                self._ticked = until // TICK * TICK

    def _tick(self, now: datetime) -> Iterator[Decision]:
        for room in self._engine.due(now):
            yield from self._engine.step(room, now).decisions
        yield from self._engine.step_devices(now).decisions
        rooms = self._engine.forecast_due(now)
        if rooms:
            self._engine.apply_forecast(self._engine.forecast_job(rooms, now).run(), now)

    def _describe(self, reading: Reading) -> None:
        """Know a box from its first reading on, and by what it has measured; `zigbee:1` comes by way of `zigbee`."""
        source = reading.source
        known = self._boxes.get(source)
        if known is not None and reading.measurand in known.measurands:
            return
        measurands = frozenset[Measurand]() if known is None else known.measurands
        place = reading.place if known is None or known.place == reading.place else HOUSE
        self._boxes[source] = DeviceFacts(
            source=source,
            place=place,
            measurands=measurands | {reading.measurand},
            via=source.partition(":")[0] if ":" in source else None,
        )
        self._engine.describe_devices(self._boxes.values())
        self._engine.observe(reading)

    def _take(self, entry: Entry) -> Iterator[Decision]:
        item = entry.item
        try:
            match item:
                case Reading():
                    self._engine.observe(item)
                    self._describe(item)
                case Forecast():
                    self._engine.observe_weather(item.points)
                case Feedback():
                    self._engine.learn(item)
                    for room in self._household.rooms:
                        if item.room in (None, room.id):
                            yield from self._engine.step(room.id, item.at).decisions
                    yield from self._engine.step_devices(item.at).decisions
                case Actuation():
                    self._engine.observe_actuation(item)
        except EngineError as err:
            complain(f"line {entry.line}: {err}")


def main() -> int:
    """Read the arguments and the trace; return the exit status."""
    parser = argparse.ArgumentParser(prog="script/replay", description="One household trace in, decisions out.")
    parser.add_argument("trace", type=Path, help="a trace: JSON Lines, as DESIGN 4.8 lays down")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    templates = templates_of({"en": json.loads((INTEGRATION / "sentences" / "en.json").read_text("utf-8"))}, "en")
    try:
        with options.trace.open("rb") as lines:
            trace = read_trace(lines)
            household = trace.household
            names = {room.id: room.name for room in household.rooms}
            for taken in Replay(household, shipped_forecaster()).run(trace):
                decision = replace(taken, at=taken.at.astimezone(household.timezone))
                message = render(decision, templates, names.get(decision.room or ""), device_name=decision.source)
                if options.json:
                    print(json.dumps(decision_record(decision, message.text), ensure_ascii=False))
                else:
                    place = f"{decision.at:%Y-%m-%d %H:%M} {decision.state:8} {decision.severity:8}"
                    print(f"{place} {decision.key:16} {message.title}. {message.text}")
    except TraceError as err:
        complain(str(err))
        return 2
    except OSError as err:
        complain(f"{options.trace}: {err.strerror}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
