"""Event entities: what was decided of a room, and puffs, for automations and the history."""

from typing import override

from homeassistant.components.event import DOMAIN, EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import SmartLoopConfigEntry
from .device_entity import OwnDeviceEntity
from .diary import StoredActuation
from .engine import Decision, DecisionKey, DecisionState
from .entity import RoomEntity
from .protocol import DeviceKind

PARALLEL_UPDATES = 0

_TOLD = (DecisionState.RAISED, DecisionState.CLEARED)


def event_type(key: DecisionKey, state: DecisionState) -> str:
    """Return the event's type, such as `mold_ventilate_raised`."""
    return f"{key.value.replace('.', '_')}_{state.value}"


DECISION = EventEntityDescription(
    key="decision", event_types=[event_type(key, state) for key in DecisionKey for state in _TOLD]
)


# Who uses an inhaler when is nobody else's business: the owner switches this on, or nobody sees it.
PUFF = EventEntityDescription(
    key="puff", event_types=["puff"], entity_registry_enabled_default=False, translation_key="puff"
)


async def async_setup_entry(
    hass: HomeAssistant, entry: SmartLoopConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add one event entity per room, and one per inhaler sleeve."""
    coordinator = entry.runtime_data
    for room_id, subentry_id in coordinator.rooms.items():
        async_add_entities([RoomDecisions(coordinator, DECISION, room_id)], config_subentry_id=subentry_id)
    for subentry_id, device in coordinator.own_devices.devices.items():
        if device.owner.kind is DeviceKind.INHALER_SLEEVE:
            async_add_entities([SleevePuffs(device, PUFF)], config_subentry_id=subentry_id)


class SleevePuffs(OwnDeviceEntity, EventEntity):
    """The puffs of one inhaler; nothing of how they were taken."""

    entity_description: EventEntityDescription

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to puffs."""
        await super().async_added_to_hass()
        self.async_on_remove(self.device.async_add_puff_listener(self._taken))

    @callback
    @override
    def async_entity_id_changed(self, old_entity_id: str) -> None:
        """Stay as it is: the listener does not hang on the entity's id."""
        super().async_entity_id_changed(old_entity_id)

    @callback
    def _taken(self, puff: StoredActuation) -> None:
        # Fetched on return it may be hours old.
        self._trigger_event("puff", {"at": puff.at.isoformat(timespec="seconds")})
        self.async_write_ha_state()


class RoomDecisions(RoomEntity, EventEntity):
    """The decisions about one room."""

    domain = DOMAIN
    entity_description: EventEntityDescription

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to decisions."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_add_decision_listener(self._decided))

    @callback
    @override
    def async_entity_id_changed(self, old_entity_id: str) -> None:
        """Stay as it is: the listener does not hang on the entity's id."""
        super().async_entity_id_changed(old_entity_id)

    @callback
    def _decided(self, decision: Decision) -> None:
        # What concerns a person alone is no matter of the room's history.
        if decision.room != self.room_id or decision.person is not None or decision.state not in _TOLD:
            return
        attributes = {"decision_id": decision.id, "severity": decision.severity.value}
        if decision.proposed is not None:
            attributes["act"] = decision.proposed.kind.value
        self._trigger_event(event_type(decision.key, decision.state), attributes)
        self.async_write_ha_state()
