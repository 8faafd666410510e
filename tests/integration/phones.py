"""Made-up phones: the companion app's entries and notify actions, on line, off line or gone."""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import slugify
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockModule, mock_integration

from .house import add_phone, registry_id

CLEAR = "clear_notification"


@dataclass
class FakePhone:
    """One phone; what it raises stands for how it fails."""

    hass: HomeAssistant
    name: str
    raises: Exception | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)

    @property
    def service(self) -> str:
        return f"mobile_app_{slugify(self.name)}"

    def register(self) -> None:
        self.hass.services.async_register("notify", self.service, self._notify)

    def unregister(self) -> None:
        self.hass.services.async_remove("notify", self.service)

    async def _notify(self, call: ServiceCall) -> None:
        if self.raises is not None:
            raise self.raises
        self.calls.append(dict(call.data))

    def go_offline(self) -> None:
        """Fail as the companion app does once Home Assistant dropped its connection."""
        self.raises = HomeAssistantError("Device(s) with webhook id(s) x not connected to local push notifications")

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Return what a person saw."""
        return [call for call in self.calls if call["message"] != CLEAR]

    @property
    def cleared(self) -> list[str]:
        """Return the tags that were taken away."""
        return [call["data"]["tag"] for call in self.calls if call["message"] == CLEAR]

    def action(self, prefix: str) -> str:
        """Return the id of a button of the last message."""
        actions = self.messages[-1]["data"]["actions"]
        return next(str(each["action"]) for each in actions if each["action"].startswith(prefix))


def load_phone(hass: HomeAssistant, user_id: str, name: str, *, local_only: bool = False) -> FakePhone:
    """Return a phone of a user, registered and on line; one that is known already is taken up."""
    entry = hass.config_entries.async_get_entry(f"phone_{slugify(name)}") or add_phone(hass, user_id, name)
    assert isinstance(entry, MockConfigEntry)
    app_data = {"push_websocket_channel": True} | ({} if local_only else {"push_url": "somewhere"})
    hass.config_entries.async_update_entry(entry, data={**entry.data, "app_data": app_data})
    # The app's real package is heavy, and nothing here needs it.
    mock_integration(hass, MockModule("mobile_app"))
    entry.mock_state(hass, ConfigEntryState.LOADED)
    phone = FakePhone(hass, name)
    phone.register()
    return phone


def add_member(hass: HomeAssistant, entry: MockConfigEntry, name: str, user_id: str, **data: Any) -> str:
    """Make a person a member of the household; returns the person's id."""
    person = registry_id(hass, f"person.{name.lower()}")
    hass.config_entries.async_add_subentry(
        entry,
        ConfigSubentry(
            data=MappingProxyType({"person": person, "user_id": user_id} | data),
            subentry_id=f"member_{name.lower()}",
            subentry_type="member",
            title=name,
            unique_id=person,
        ),
    )
    return person
