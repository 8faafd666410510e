"""All own devices of a household: listened to from the moment Bluetooth works, offered when they are new."""

from datetime import datetime
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_ADDRESS
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.importlib import async_import_module
from homeassistant.helpers.start import async_at_started
from homeassistant.setup import async_when_setup

from ..const import (
    CONF_FORMER,
    CONF_INHALER,
    CONF_KEY,
    CONF_KIND,
    CONF_PERSON,
    CONF_ROOM,
    CONF_UNTIL,
    DOMAIN,
    LOGGER,
    SUBENTRY_DEVICE,
)
from ..diary import Diary
from ..ledger import LedgerClosedError, LedgerError
from ..protocol import DeviceKind
from .device_log import Owner, Tenure
from .own_device import Hands, OwnDevice

BLUETOOTH: Final = "bluetooth"
ISSUE_BLUETOOTH: Final = "bluetooth_missing"
MODELS: Final = {DeviceKind.INHALER_SLEEVE: "Inhaler sleeve", DeviceKind.BED_NODE: "Bed node"}
OFFERS: Final = {DeviceKind.INHALER_SLEEVE: "new_inhaler_sleeve", DeviceKind.BED_NODE: "new_bed_node"}
"""What is offered in Repairs when it is found: translation keys, and how the issues' ids begin"""


class OwnDevices:
    """Bluetooth is optional: without it there is nothing to hear, and everything else goes on."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any], diary: Diary, hands: Hands) -> None:
        """Know the devices; nothing is heard before `start`."""
        self._hass = hass
        self._entry = entry
        self._stops: list[CALLBACK_TYPE] = []
        self._stopped = True
        self.listening = False
        self.devices = {
            sub.subentry_id: OwnDevice(
                hass, entry, sub.title, _owner(hass, entry, sub), bytes.fromhex(sub.data[CONF_KEY]), diary, hands
            )
            for sub in entry.get_subentries_of_type(SUBENTRY_DEVICE)
        }

    @callback
    def start(self) -> CALLBACK_TYPE:
        """Listen as soon as Bluetooth is there; returns the way to stop."""
        self._stopped = False
        async_when_setup(self._hass, BLUETOOTH, self._async_bluetooth)
        self._stops.append(async_at_started(self._hass, self._started))
        return self._stop

    @callback
    def _stop(self) -> None:
        self._stopped = True
        self.listening = False
        while self._stops:
            self._stops.pop()()
        for device in self.devices.values():
            device.stop()

    @callback
    def _started(self, _hass: HomeAssistant) -> None:
        if self.devices and BLUETOOTH not in self._hass.config.components:
            self._miss_bluetooth()

    async def _async_bluetooth(self, hass: HomeAssistant, _component: str) -> None:
        """Listen: Bluetooth is there, and with it what the modules here import."""
        if self._stopped:
            return
        try:
            await async_import_module(hass, f"{__package__}.gatt")
            await async_import_module(hass, f"{__package__}.found_devices")
        except ImportError as err:
            LOGGER.error("Own devices cannot be used: %s", err)
            self._miss_bluetooth()
            return
        try:
            for device in self.devices.values():
                await device.async_load()
        except LedgerClosedError:
            # Home Assistant ended meanwhile.
            return
        except LedgerError as err:
            # Without the last counters replays could not be told from adverts.
            LOGGER.error("Own devices are not listened to: %s", err)
            return
        # It may have come up only after the household was unloaded.
        if not self._stopped and not self.listening:
            self._listen()

    @callback
    def _listen(self) -> None:
        from homeassistant.components import bluetooth  # noqa: PLC0415  it is set up by now

        from .found_devices import async_track_found_devices  # noqa: PLC0415

        ir.async_delete_issue(self._hass, DOMAIN, ISSUE_BLUETOOTH)
        self.listening = True
        for device in self.devices.values():
            # Every packet, unchanged ones too: Home Assistant's other callback leaves those out.
            self._stops.append(
                bluetooth.async_register_advertisement_callback(self._hass, device.heard, device.owner.address)
            )
        self._stops.append(async_track_found_devices(self._hass, self._entry))

    @callback
    def _miss_bluetooth(self) -> None:
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            ISSUE_BLUETOOTH,
            config_entry_id=self._entry.entry_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key=ISSUE_BLUETOOTH,
        )


def _owner(hass: HomeAssistant, entry: ConfigEntry[Any], subentry: ConfigSubentry) -> Owner:
    data = subentry.data
    kind, address = DeviceKind(data[CONF_KIND]), data[CONF_ADDRESS]
    area = ar.async_get(hass).async_get_area(data.get(CONF_ROOM, ""))
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        config_subentry_id=subentry.subentry_id,
        connections={(dr.CONNECTION_BLUETOOTH, address)},
        identifiers={(DOMAIN, address)},
        manufacturer="SmartLoop",
        model=MODELS[kind],
        name=subentry.title,
        suggested_area=None if area is None else area.name,
    )
    return Owner(
        address=address,
        kind=kind,
        source=device.id,
        person=data[CONF_PERSON],
        inhaler=data.get(CONF_INHALER),
        room=data.get(CONF_ROOM),
        former=tuple(
            Tenure(
                until=datetime.fromisoformat(each[CONF_UNTIL]),
                person=each[CONF_PERSON],
                inhaler=each.get(CONF_INHALER),
                room=each.get(CONF_ROOM),
            )
            for each in data.get(CONF_FORMER, ())
        ),
    )
