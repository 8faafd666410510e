"""What a radio says of one of its boxes: how well it is heard, and when it was heard last.

Values come from entities, whatever the radio; this is only about the radio itself, for which
there are no entities. Nothing is imported for it: an integration that is not loaded hears
nobody, so its module is looked up among what is loaded. What is read there is not promised to
anybody, hence everything may be missing or of another shape: then the radio says nothing.
"""

import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from ..const import LOGGER
from ..pace import paced
from . import zigbee2mqtt
from .box import Sign, device_diagnostics
from .radio_fact import RadioFact

EVERY: Final = timedelta(minutes=1)
"""How often the radios are asked; only memory is read."""
AHEAD: Final = timedelta(minutes=1)
"""A box heard later than this from now was heard under another clock."""

ZHA: Final = "zha"
BLUETOOTH: Final = "bluetooth"
_ZHA_MODULE: Final = "homeassistant.components.zha.helpers"
_BLUETOOTH_MODULE: Final = "homeassistant.components.bluetooth"
_LQI: Final = (0, 255)
_RSSI: Final = (-126, 20)
"""dBm; Bluetooth writes -127 for what it does not know."""


class CheckIn(Protocol):
    """Hears that a box is alive."""

    def __call__(self, source: str, at: datetime, *, rssi: int | None = None, lqi: int | None = None) -> object:
        """Take in when and how well it was heard."""


@callback
def radio_fact(hass: HomeAssistant, source: str) -> RadioFact | None:
    """Return what the radio that hears a box says of it; None when no radio we know does."""
    if (device := dr.async_get(hass).async_get(source)) is None:
        return None
    for reader in _READERS:
        try:
            fact = reader(hass, device)
        except Exception as err:  # noqa: BLE001  a look inside other integrations; whatever it does, no harm is done
            LOGGER.debug("The radio of %s cannot be asked: %r", device.name, err)
            continue
        if fact is not None:
            return fact
    return None


@callback
def radio_facts(hass: HomeAssistant, sources: Iterable[str]) -> dict[str, RadioFact]:
    """Return what the radios say, by source."""
    return {source: fact for source in sources if (fact := radio_fact(hass, source)) is not None}


@callback
def last_seen(hass: HomeAssistant, source: str) -> datetime | None:
    """Return when a box was heard last, by its radio."""
    fact = radio_fact(hass, source)
    return fact.last_seen if fact is not None else None


@callback
def tells_when_heard(hass: HomeAssistant, device: dr.BaseDeviceEntry) -> bool:
    """Return whether a radio tells when a box was heard, though nothing changed.

    Most integrations write no state when a value is repeated; then a contact that nobody opens is
    as still as one that is dead.
    """
    if any(each[0] == ZHA for each in device.identifiers):
        return True
    if any(each[0] == dr.CONNECTION_BLUETOOTH for each in getattr(device, "connections", ())):
        return True
    if zigbee2mqtt.ieee_of(device) is None:
        return False
    seen = device_diagnostics(hass, device.id).get(Sign.LAST_SEEN)
    return (seen is not None and not seen.disabled) or last_seen(hass, device.id) is not None


class RadioWatch:
    """Asks the radios now and then, and tells who was heard since.

    ZHA writes no state when a report repeats the last value, so for an air that stands still
    this is the only sign of life there is.
    """

    def __init__(self, hass: HomeAssistant, sources: Callable[[], Iterable[str]], receive: CheckIn) -> None:
        """Prepare; `sources` gives the boxes that matter at the time of asking."""
        self._hass = hass
        self._sources = sources
        self._receive = receive
        self._heard: dict[str, datetime] = {}

    def start(self) -> CALLBACK_TYPE:
        """Ask every minute; returns the way to stop."""
        return async_track_time_interval(
            self._hass, self.async_ask, EVERY, name="SmartLoop radios", cancel_on_shutdown=True
        )

    async def async_ask(self, now: datetime) -> None:
        """Ask after every box once."""
        sources = tuple(self._sources())
        async for source in paced(sources):
            fact = radio_fact(self._hass, source)
            if fact is None or fact.last_seen is None or fact.last_seen > now + AHEAD:
                continue
            if self._heard.get(source) != fact.last_seen:
                self._heard[source] = fact.last_seen
                self._receive(source, fact.last_seen, rssi=fact.rssi, lqi=fact.lqi)
        for gone in self._heard.keys() - set(sources):
            del self._heard[gone]


def _zha(hass: HomeAssistant, device: dr.BaseDeviceEntry) -> RadioFact | None:
    """Return what zigpy noted of the last frame; it remembers when that was over a restart."""
    helpers: Any = sys.modules.get(_ZHA_MODULE)
    if helpers is None or not any(each[0] == ZHA for each in device.identifiers):
        return None
    known: Any = helpers.async_get_zha_device_proxy(hass, device.id).device
    seen = known.last_seen
    return RadioFact(
        radio=ZHA,
        lqi=_within(known.lqi, _LQI),
        rssi=_within(known.rssi, _RSSI),
        last_seen=datetime.fromtimestamp(seen, UTC) if seen else None,
        available=bool(known.available),
    )


def _bluetooth(hass: HomeAssistant, device: dr.BaseDeviceEntry) -> RadioFact | None:
    """Return what was noted of the last advertisement."""
    bluetooth: Any = sys.modules.get(_BLUETOOTH_MODULE)
    connections = getattr(device, "connections", ())
    address = next((each[1] for each in connections if each[0] == dr.CONNECTION_BLUETOOTH), None)
    if bluetooth is None or address is None:
        return None
    heard: Any = bluetooth.async_last_service_info(hass, address.upper(), connectable=False)
    if heard is None:
        return None
    # Its time is that of the monotonic clock.
    ago = timedelta(seconds=max(time.monotonic() - heard.time, 0.0))
    return RadioFact(
        radio=BLUETOOTH,
        rssi=_within(heard.rssi, _RSSI),
        last_seen=dt_util.utcnow() - ago,
        available=bool(bluetooth.async_address_present(hass, address.upper(), connectable=False)),
    )


def _within(value: object, limits: tuple[int, int]) -> int | None:
    low, high = limits
    return int(value) if isinstance(value, int | float) and low <= value <= high else None


_READERS: Final[tuple[Callable[[HomeAssistant, dr.BaseDeviceEntry], RadioFact | None], ...]] = (
    _zha,
    zigbee2mqtt.facts_of,
    _bluetooth,
)
