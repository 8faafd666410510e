"""A leak sensor under test: its water alarms nobody, and all others stay armed.

What a sensor says of water during its test is kept from the engine; the last of it is handed on
when the sensor is armed again, so that what is still wet then is known.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.util import dt as dt_util

from ..engine import Measurand, Reading

DRYING_S: Final = 600.0
"""How long a sensor that was wet in its test may go on being so without an alarm."""
LOOK_EVERY: Final = timedelta(seconds=1)


@dataclass(slots=True)
class _Test:
    began: datetime
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    """Set at every word of the sensor, and at the end."""
    wet: bool | None = None
    """As it said since the test began."""
    was_wet: bool = False
    last: Reading | None = None
    """What was kept from the engine."""
    over: bool = False
    stop_drying: CALLBACK_TYPE | None = None


class LeakTests:
    """The sensors that are tested now; none is after a restart."""

    def __init__(
        self, hass: HomeAssistant, alive: Callable[[str, datetime], None], hand_on: Callable[[Reading], None]
    ) -> None:
        """Take who is told that a sensor lives, and who gets its word when the test is over."""
        self._hass = hass
        self._alive = alive
        self._hand_on = hand_on
        self._tests: dict[str, _Test] = {}
        self._said: dict[str, bool] = {}
        self._wet_at: dict[str, datetime] = {}

    @callback
    def withholds(self, reading: Reading) -> bool:
        """Return whether a reading is of a sensor under test, and take it in; the engine shall not see it."""
        if reading.measurand is not Measurand.WET:
            return False
        wet = reading.value > 0.0
        # What is carried over from before a restart says nothing of now.
        if reading.quality >= 1.0:
            self._said[reading.source] = wet
            if wet:
                self._wet_at[reading.source] = reading.at
        test = self._tests.get(reading.source)
        if test is None:
            return False
        test.last = reading
        self._alive(reading.source, reading.at)
        # What was said before is no answer to the cloth.
        if reading.at >= test.began and reading.quality >= 1.0:
            test.wet, test.was_wet = wet, test.was_wet or wet
            test.heard.set()
            if test.over and not wet:
                self._arm(reading.source)
        return True

    @callback
    def begin(self, source: str, now: datetime) -> None:
        """Keep the sensor's water from alarming anybody from here on; a test under way begins anew."""
        self._close(source)
        self._tests[source] = _Test(began=now)

    @callback
    def end(self, source: str) -> None:
        """Arm the sensor again: at once, or when it has dried where it was wet."""
        test = self._tests.get(source)
        if test is None or test.over:
            return
        test.over = True
        test.heard.set()
        if test.wet:
            arm = HassJob(lambda _now: self._arm(source), "SmartLoop leak test", cancel_on_shutdown=True)
            test.stop_drying = async_call_later(self._hass, DRYING_S, arm)
        else:
            self._arm(source)

    @callback
    def end_all(self) -> None:
        """Arm every sensor."""
        for source, test in tuple(self._tests.items()):
            test.over = True
            test.heard.set()
            self._arm(source)

    def under_test(self, source: str) -> bool:
        """Return whether the sensor's water alarms nobody now."""
        return source in self._tests

    def is_wet(self, source: str) -> bool:
        """Return whether the last the sensor said was that it is wet."""
        return self._said.get(source, False)

    def last_wet(self, source: str) -> datetime | None:
        """Return when the sensor last said, itself and since the start, that it was wet."""
        return self._wet_at.get(source)

    async def async_wait(self, source: str, *, wet: bool, limit_s: float, tell: Callable[[float], None]) -> bool | None:
        """Return whether the sensor says so in time; None when the test was ended meanwhile."""
        test = self._tests.get(source)
        if test is None:
            return None
        began, spent = dt_util.utcnow(), 0.0

        @callback
        def look(now: datetime) -> None:
            nonlocal spent
            spent = (now - began).total_seconds()
            tell(min(max(spent / limit_s, 0.0), 1.0))
            test.heard.set()

        stop = async_track_time_interval(
            self._hass, look, LOOK_EVERY, name="SmartLoop leak test", cancel_on_shutdown=True
        )
        try:
            while not test.over:
                if test.wet is wet:
                    return True
                if spent >= limit_s:
                    return False
                test.heard.clear()
                await test.heard.wait()
        finally:
            stop()
        return None

    @callback
    def _arm(self, source: str) -> None:
        if (last := self._close(source)) is not None:
            self._hand_on(last)

    def _close(self, source: str) -> Reading | None:
        test = self._tests.pop(source, None)
        if test is None:
            return None
        if test.stop_drying is not None:
            test.stop_drying()
        return test.last
