"""What the registries know of the boxes that measure: where they are, what feeds them, what they are called."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_ADDRESS, EntityCategory
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.debounce import Debouncer

from ..const import CONF_BATTERIES, CONF_COUNT, CONF_KIND, CONF_ROOM, CONF_TYPE, DOMAIN, LOGGER, SUBENTRY_DEVICE
from ..engine import HOUSE, DeviceFacts, Measurand
from ..protocol import DeviceKind
from .batteries import Batteries, batteries_of
from .bindings import Binding
from .radio import tells_when_heard

SETTLE_S: Final = 2.0
"""A device that joins, or is renamed, changes several entries at once."""

_BATTERY: Final = "battery"
_VOLTAGE: Final = "voltage"
_MATTERS: Final = frozenset({"area_id", "disabled_by", "model", "model_id", "name", "name_by_user"})

_OWN: Final = {
    DeviceKind.INHALER_SLEEVE: frozenset({Measurand.BATTERY}),
    DeviceKind.BED_NODE: frozenset(
        {Measurand.BED_OCCUPANCY, Measurand.HEART_RATE, Measurand.RESPIRATORY_RATE, Measurand.BED_MOTION}
    ),
}


@callback
def device_facts(hass: HomeAssistant, entry: ConfigEntry[Any], bindings: Iterable[Binding]) -> dict[str, DeviceFacts]:
    """Return the facts of every box that measures something here, by source."""
    boxes: dict[str, list[Binding]] = {}
    for each in bindings:
        boxes.setdefault(each.source, []).append(each)
    said = entry.options.get(CONF_BATTERIES, {})
    found = {source: _facts(hass, source, measured, said.get(source)) for source, measured in boxes.items()}
    return found | _own_devices(hass, entry)


def _own_devices(hass: HomeAssistant, entry: ConfigEntry[Any]) -> dict[str, DeviceFacts]:
    """Return the facts of SmartLoop's own devices; a sleeve is charged and taken along, a bed node has a plug."""
    found = {}
    for sub in entry.get_subentries_of_type(SUBENTRY_DEVICE):
        kind, address = DeviceKind(sub.data[CONF_KIND]), sub.data[CONF_ADDRESS]
        device = dr.async_get(hass).async_get_device_by_identifier((DOMAIN, address), entry.entry_id)
        if device is not None:
            found[device.id] = DeviceFacts(
                source=device.id,
                place=sub.data.get(CONF_ROOM) or HOUSE,
                measurands=_OWN[kind],
                mains=kind is DeviceKind.BED_NODE,
                model=device.model,
                portable=kind is DeviceKind.INHALER_SLEEVE,
            )
    return found


def _facts(hass: HomeAssistant, source: str, measured: list[Binding], said: Mapping[str, Any] | None) -> DeviceFacts:
    device = dr.async_get(hass).async_get(source)
    places = sorted({each.place for each in measured})
    models = (device.model_id, device.model) if isinstance(device, dr.DeviceEntry) else ()
    known = Batteries(said[CONF_TYPE], said[CONF_COUNT]) if said else batteries_of(*models)
    kinds = _kinds(hass, source) if device is not None else frozenset()
    fed = _BATTERY in kinds or known is not None
    return DeviceFacts(
        source=source,
        place=places[0] if len(places) == 1 else HOUSE,
        measurands=frozenset(each.measurand for each in measured),
        battery_type=known.type if known else None,
        battery_count=known.cells if known else None,
        # Of an entity without a device nobody knows what feeds it.
        mains=not fed if device is not None else None,
        model=next((model for model in models if model), None),
        voltage_mv=_VOLTAGE in kinds,
        via=_via(device),
        # A link quality moves with every frame.
        heartbeat=any(each.measurand is Measurand.LINK_QUALITY for each in measured)
        or (device is not None and tells_when_heard(hass, device)),
    )


def _via(device: dr.BaseDeviceEntry | None) -> str | None:
    """Return what brings the reports: the device it hangs on, else the integration's entry."""
    if device is None:
        return None
    return (device.via_device_id if isinstance(device, dr.DeviceEntry) else None) or device.config_entry_id


def _kinds(hass: HomeAssistant, device_id: str) -> frozenset[str]:
    """Return the device classes that tell of what feeds a device; a mains meter's voltage is no diagnosis."""
    entries = er.async_entries_for_device(er.async_get(hass), device_id, include_disabled_entities=True)
    found = {each.device_class or each.original_device_class: each for each in entries if each.platform != DOMAIN}
    kinds = {_BATTERY} & found.keys()
    voltage = found.get(_VOLTAGE)
    if voltage is not None and voltage.entity_category is EntityCategory.DIAGNOSTIC and not voltage.disabled:
        kinds.add(_VOLTAGE)
    return frozenset(kind for kind in kinds if kind is not None)


@callback
def async_track_device_facts(
    hass: HomeAssistant, is_ours: Callable[[str], bool], on_change: Callable[[], None]
) -> CALLBACK_TYPE:
    """Call back when the registries have settled after a change of one of our boxes."""
    debouncer = Debouncer(hass, LOGGER, cooldown=SETTLE_S, immediate=False, function=on_change)

    @callback
    def device_matters(data: Mapping[str, Any]) -> bool:
        if data["action"] == "update" and not _MATTERS & data["changes"].keys():
            return False
        return is_ours(data["device_id"])

    @callback
    def entity_matters(data: Mapping[str, Any]) -> bool:
        if data["action"] == "update" and not {"device_id", "disabled_by", "device_class"} & data["changes"].keys():
            return False
        known = er.async_get(hass).async_get(data["entity_id"])
        if known is None:
            # Which box it was of is not known any more.
            return True
        return known.platform != DOMAIN and is_ours(known.device_id or known.id)

    @callback
    def changed(_event: Event[Any]) -> None:
        debouncer.async_schedule_call()

    stops = (
        hass.bus.async_listen(dr.EVENT_DEVICE_REGISTRY_UPDATED, changed, event_filter=device_matters),
        hass.bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, changed, event_filter=entity_matters),
    )

    @callback
    def stop() -> None:
        debouncer.async_shutdown()
        for each in stops:
            each()

    return stop
