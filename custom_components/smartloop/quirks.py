"""Quirks: what ZHA has to be told of SmartLoop's own Zigbee boards.

ESPHome's Zigbee has standard clusters for temperature, humidity, PM2.5, CO2 and occupancy on
some chips and none at all on others; everything else arrives as bare numbers (Analog Inputs).
A quirk gives them their class, unit and name. The entities keep the ids that ZHA gave the bare
numbers, so their history goes on.

ZHA resolves quirks when it loads a device or a device joins. They are therefore registered as
early as Home Assistant lets us, and devices that were loaded before get them after a reload of
ZHA, which the owner is asked for. Where ZHA is not set up nothing of it is imported.
"""

import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED, ConfigEntry, ConfigEntryChange, ConfigEntryState
from homeassistant.const import PERCENTAGE, UnitOfDensity, UnitOfTemperature
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN, LOGGER

ISSUE_ZIGBEE_RELOAD: Final = "zigbee_reload"
ZHA: Final = "zha"

_MANUFACTURER: Final = "esphome"
"""What every board built with ESPHome says."""
_ANALOG_INPUT: Final = 0x000C
_UNIQUE_ID_SUFFIX: Final = "12-analog_input"
"""What ZHA itself puts behind device and endpoint for a bare number: cluster and kind."""
_BREATHS: Final = "br/min"
_UNDER_WAY: Final = (ConfigEntryState.SETUP_IN_PROGRESS, ConfigEntryState.LOADED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Number:
    """One bare number and what it means."""

    endpoint: int
    """As in the board's YAML."""
    name: str
    """ZHA shows it as it is; a quirk has no translations."""
    unit: str
    device_class: str | None = None
    """A name of ZHA's `SensorDeviceClass`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """One board with numbers that need a meaning."""

    model: str
    numbers: tuple[Number, ...]


BOARDS: Final = (
    Board(
        model="SmartLoop dust node",
        numbers=(
            Number(endpoint=2, name="PM1", unit=UnitOfDensity.MICROGRAMS_PER_CUBIC_METER, device_class="PM1"),
            Number(endpoint=3, name="PM10", unit=UnitOfDensity.MICROGRAMS_PER_CUBIC_METER, device_class="PM10"),
        ),
    ),
    Board(
        model="SmartLoop mold node battery",
        numbers=(
            Number(endpoint=1, name="Temperature", unit=UnitOfTemperature.CELSIUS, device_class="TEMPERATURE"),
            Number(endpoint=2, name="Humidity", unit=PERCENTAGE, device_class="HUMIDITY"),
            Number(endpoint=3, name="Surface temperature", unit=UnitOfTemperature.CELSIUS, device_class="TEMPERATURE"),
        ),
    ),
    Board(
        model="SmartLoop bed strip",
        numbers=(
            Number(endpoint=2, name="Bed load", unit=PERCENTAGE),
            Number(endpoint=3, name="Bed motion", unit=PERCENTAGE),
            Number(endpoint=4, name="Breathing rate", unit=_BREATHS),
        ),
    ),
)
"""Endpoints and models are those of the boards' YAML in hardware/."""


class Quirks:
    """Registers the quirks while SmartLoop and ZHA are both in use."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Register nothing yet."""
        self._hass = hass
        self._registry: Any = None
        self._entries: list[Any] = []
        self._importing = False
        self._owner: str | None = None
        """The household; with it the question goes."""

    def start(self, entry_id: str | None = None) -> CALLBACK_TYPE:
        """Register now or as soon as ZHA is set up; returns the way to take everything back."""
        self._owner = entry_id
        unsubscribe = async_dispatcher_connect(self._hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._entry_changed)
        self.prepare()
        self._look()

        @callback
        def stop() -> None:
            unsubscribe()
            self._remove()

        return stop

    @callback
    def prepare(self) -> None:
        """Register when ZHA is in use; early, for what it loads before that goes without."""
        if self._entries or self._importing or zha_entry(self._hass) is None:
            return
        self._importing = True
        self._hass.async_create_task(self._async_register(), "SmartLoop quirks", eager_start=True)

    async def _async_register(self) -> None:
        try:
            builder: Any = await self._hass.async_add_import_executor_job(importlib.import_module, "zhaquirks.builder")
            registry: Any = sys.modules["zha.quirks"].DEVICE_REGISTRY
            self._entries = [quirk_of(builder, board).add_to_registry() for board in BOARDS]
            self._registry = registry
        except Exception as err:  # noqa: BLE001  ZHA without our quirks is better than either of them broken
            LOGGER.warning("ZHA cannot be told what SmartLoop's own boards send: %r", err)
        finally:
            self._importing = False
        self._look()

    @callback
    def _remove(self) -> None:
        for each in self._entries:
            try:
                self._registry.remove(each)
            except Exception as err:  # noqa: BLE001  it is gone then
                LOGGER.debug("A quirk was gone before it was removed: %r", err)
        # The question stays: who chose to ignore it would be asked again after every reload of SmartLoop.
        self._entries = []

    @callback
    def _entry_changed(self, _change: ConfigEntryChange, entry: ConfigEntry[Any]) -> None:
        if entry.domain != ZHA:
            return
        if entry.state in _UNDER_WAY:
            self.prepare()
        self._look()

    @callback
    def _look(self) -> None:
        """Ask the owner for a reload when a board has been loaded without its quirk."""
        entry = zha_entry(self._hass)
        if entry is not None and (not self._entries or entry.state is not ConfigEntryState.LOADED):
            return
        bare = [] if entry is None else sorted(_bare(self._hass, entry))
        if not bare:
            ir.async_delete_issue(self._hass, DOMAIN, ISSUE_ZIGBEE_RELOAD)
            return
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            ISSUE_ZIGBEE_RELOAD,
            config_entry_id=self._owner,
            is_fixable=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key=ISSUE_ZIGBEE_RELOAD,
            translation_placeholders={"devices": ", ".join(bare)},
        )


_QUIRKS: Final[HassKey[Quirks]] = HassKey("smartloop_quirks")


@callback
def async_get_quirks(hass: HomeAssistant) -> Quirks:
    """Return the one keeper of the quirks: ZHA's registry is one for the whole process."""
    if _QUIRKS not in hass.data:
        hass.data[_QUIRKS] = Quirks(hass)
    return hass.data[_QUIRKS]


@callback
def zha_entry(hass: HomeAssistant) -> ConfigEntry[Any] | None:
    """Return ZHA's entry if it is in use."""
    entries = hass.config_entries.async_entries(ZHA, include_ignore=False, include_disabled=False)
    return entries[0] if entries else None


def quirk_of(builder: Any, board: Board) -> Any:  # noqa: ANN401  zha has no types
    """Return the quirk of a board, made with the builder of zha-quirks."""
    quirk = builder.QuirkBuilder(_MANUFACTURER, board.model)
    for each in board.numbers:
        quirk = quirk.prevent_default_entity_creation(endpoint_id=each.endpoint, function=_is_bare).sensor(
            "present_value",
            _ANALOG_INPUT,
            endpoint_id=each.endpoint,
            device_class=builder.SensorDeviceClass[each.device_class] if each.device_class else None,
            state_class=builder.SensorStateClass.MEASUREMENT,
            unit=each.unit,
            reporting_config=builder.ReportingConfig(min_interval=10, max_interval=900, reportable_change=0.1),
            unique_id_suffix=_UNIQUE_ID_SUFFIX,
            translation_key=each.name.lower().replace(" ", "_"),
            fallback_name=each.name,
        )
    return quirk


def _is_bare(entity: object) -> bool:
    """Return whether an entity is what ZHA makes of an Analog Input; the one that takes its place is not."""
    return type(entity).__name__ == "AnalogInputSensor"


def _bare(hass: HomeAssistant, entry: ConfigEntry[Any]) -> Iterator[str]:
    """Return the names of boards that ZHA has without their quirk."""
    ours = {(_MANUFACTURER, board.model) for board in BOARDS}
    helpers: Any = sys.modules.get("homeassistant.components.zha.helpers")
    for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id):
        if not isinstance(device, dr.DeviceEntry) or (device.manufacturer, device.model) not in ours:
            continue
        try:
            applied = helpers.async_get_zha_device_proxy(hass, device.id).device.quirk_applied
        except Exception as err:  # noqa: BLE001  a look inside another integration; whatever it does, no harm is done
            LOGGER.debug("ZHA does not say whether %s has its quirk: %r", device.name, err)
            continue
        if not applied:
            yield device.name_by_user or device.name or device.id
