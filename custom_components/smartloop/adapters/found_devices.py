"""Own devices that are heard but not in use: found, offered, never taken."""

from dataclasses import dataclass
from typing import Any, Final

from homeassistant.components import bluetooth
from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntry
from homeassistant.const import CONF_ADDRESS
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN, SUBENTRY_DEVICE
from ..protocol import SERVICE_UUID, DeviceKind, peek
from .own_devices import OFFERS

MOST_OFFERS: Final = 8
"""At a time: who makes up addresses shall not fill the owner's Repairs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A device in range that nobody uses yet."""

    address: str
    kind: DeviceKind
    rssi: int
    """dBm"""

    @property
    def issue_id(self) -> str:
        """Return the repair issue's id."""
        return f"{OFFERS[self.kind]}_{self.address}"


def found_device(info: bluetooth.BluetoothServiceInfoBleak) -> Found | None:
    """Return what an advert says it is; None when it is none of ours."""
    payload = info.service_data.get(SERVICE_UUID)
    peeked = None if payload is None else peek(payload)
    return None if peeked is None else Found(address=info.address, kind=peeked.kind, rssi=info.rssi)


@callback
def found_devices(hass: HomeAssistant, entry: ConfigEntry[Any]) -> dict[str, Found]:
    """Return what could be added now, the nearest first."""
    known = addresses_of(entry)
    heard = (found_device(info) for info in bluetooth.async_discovered_service_info(hass, connectable=False))
    free = [each for each in heard if each is not None and each.address not in known]
    return {each.address: each for each in sorted(free, key=lambda each: -each.rssi)}


@callback
def latest_payload(hass: HomeAssistant, address: str) -> bytes | None:
    """Return what a device in range advertised last."""
    info = bluetooth.async_last_service_info(hass, address, connectable=False)
    return None if info is None else info.service_data.get(SERVICE_UUID)


def addresses_of(entry: ConfigEntry[Any]) -> set[str]:
    """Return the addresses of the devices in use."""
    return {sub.data[CONF_ADDRESS] for sub in entry.get_subentries_of_type(SUBENTRY_DEVICE)}


@callback
def async_track_found_devices(hass: HomeAssistant, entry: ConfigEntry[Any]) -> CALLBACK_TYPE:
    """Offer every device of ours that is heard and not in use.

    Home Assistant itself offers them only while there is no household: a second entry is impossible.
    """
    ignored = {other.unique_id for other in hass.config_entries.async_entries(DOMAIN) if other.source == SOURCE_IGNORE}
    known = addresses_of(entry)
    _withdraw(hass, known)

    @callback
    def heard(info: bluetooth.BluetoothServiceInfoBleak, _change: bluetooth.BluetoothChange) -> None:
        found = found_device(info)
        if found is not None and found.address not in known | ignored:
            _offer(hass, entry, found)

    return bluetooth.async_register_callback(
        hass,
        heard,
        bluetooth.BluetoothCallbackMatcher(service_data_uuid=SERVICE_UUID, connectable=False),
        bluetooth.BluetoothScanningMode.PASSIVE,
    )


@callback
def _offer(hass: HomeAssistant, entry: ConfigEntry[Any], found: Found) -> None:
    standing = _offers(hass)
    if found.issue_id not in standing and sum(map(_undecided, standing.values())) >= MOST_OFFERS:
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        found.issue_id,
        config_entry_id=entry.entry_id,
        data={CONF_ADDRESS: found.address},
        is_fixable=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key=OFFERS[found.kind],
        translation_placeholders={"device": short_address(found.address)},
    )


@callback
def _withdraw(hass: HomeAssistant, known: set[str]) -> None:
    """Take back the offers of what is in use by now."""
    for issue_id in _offers(hass):
        if issue_id.rpartition("_")[2] in known:
            ir.async_delete_issue(hass, DOMAIN, issue_id)


def _offers(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    prefixes = tuple(f"{key}_" for key in OFFERS.values())
    return {
        issue_id: issue
        for (domain, issue_id), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN and issue.active and issue_id.startswith(prefixes)
    }


def _undecided(issue: ir.IssueEntry) -> bool:
    """Return whether the owner still sees it; what was declined stays only to be remembered."""
    return issue.dismissed_version is None


def short_address(address: str) -> str:
    """Return the end of an address, as it is printed on the label."""
    return address[-5:]
