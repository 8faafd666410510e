"""The maintenance list: what the house's sensors need next, one line per errand.

It is generated: items come and go with what is known, and are ticked off, never written.
"""

from typing import Final, override

from homeassistant.components.todo import (
    DOMAIN,
    TodoItem,
    TodoItemStatus,
    TodoListEntity,
    TodoListEntityFeature,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util
from homeassistant.util.ulid import ulid_now

from .adapters.feedback import person_of
from .care import REMEMBERED
from .const import DOMAIN as SMARTLOOP
from .coordinator import SmartLoopConfigEntry
from .engine import DecisionKey, Feedback, Verdict
from .entity import HouseEntity
from .maintenance import Item, Maintenance, Task
from .outputs.sentences import templates

PARALLEL_UPDATES = 0

MAINTENANCE: Final = EntityDescription(key="maintenance")
_ANSWERED: Final = {Task.SILENT: DecisionKey.DEVICE_SILENT, Task.DRIFT: DecisionKey.DEVICE_DRIFT}


async def async_setup_entry(
    hass: HomeAssistant, entry: SmartLoopConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the household's list."""
    async_add_entities([MaintenanceList(entry.runtime_data, MAINTENANCE)])


class MaintenanceList(HouseEntity, TodoListEntity):
    """What the sensors need."""

    domain = DOMAIN
    _attr_supported_features = TodoListEntityFeature.UPDATE_TODO_ITEM
    _made_of: object = None

    @override
    async def async_added_to_hass(self) -> None:
        """Show the list and follow it."""
        await super().async_added_to_hass()
        self._refresh()
        self.async_on_remove(self.coordinator.async_add_listener(None, self._changed))

    @callback
    @override
    def async_entity_id_changed(self, old_entity_id: str) -> None:
        """Stay as it is: the listener does not hang on the entity's id."""
        super().async_entity_id_changed(old_entity_id)

    @override
    async def async_update_todo_item(self, item: TodoItem) -> None:
        """Tick an item off, or take that back; its words are not the owner's to change."""
        known = next((each for each in self._items() if each.uid == item.uid), None)
        if known is None:
            raise _refused(key="item_gone")
        if item.summary not in (None, self._shown(known).summary):
            raise _refused(key="item_generated")
        done = item.status == TodoItemStatus.COMPLETED
        if done and known.done_at is None:
            await self._do(known)
        elif not done and known.done_at is not None:
            await self._undo(known)
        self._changed()

    async def _do(self, item: Item) -> None:
        care, now = self.coordinator.care, dt_util.utcnow()
        if item.task is Task.BATTERY:
            await care.async_battery_replaced(item.sources, now)
        elif item.task is Task.LEAK_TEST:
            # A tick proves nothing: it must have been heard.
            wet_at = care.tests.last_wet(item.sources[0])
            if wet_at is None or now - wet_at > REMEMBERED:
                raise _refused(key="leak_not_heard", sensor=care.name(item.sources[0]))
            await care.async_record_leak_test(item.sources[0], wet_at)
        elif (key := _ANSWERED.get(item.task)) is not None:
            await self._answer(key, item.sources[0])
        else:
            raise _refused(key="item_ends_itself")

    async def _answer(self, key: DecisionKey, source: str) -> None:
        """Let "done" here be what it is on a phone."""
        view = self.coordinator.care.views.get(source)
        standing = () if view is None else (*view.active, *view.shadows)
        decision_id = next((each.id for each in standing if each.key is key), None)
        user_id = None if self._context is None else self._context.user_id
        feedback = Feedback(
            id=ulid_now(),
            key=key,
            verdict=Verdict.HELPFUL,
            at=dt_util.utcnow(),
            person=person_of(self.coordinator.entry, user_id),
            decision_id=decision_id,
            source=source,
        )
        await self.coordinator.async_feedback(feedback)

    async def _undo(self, item: Item) -> None:
        care = self.coordinator.care
        answer = care.answered.get((_ANSWERED.get(item.task, ""), item.sources[0]))
        if item.task is Task.BATTERY:
            if item.by_itself or not await care.async_battery_kept(item.sources):
                raise _refused(key="battery_is_new")
        elif answer is not None:
            await self.coordinator.async_undo(answer.id)
            care.forget_answer(answer.id)
        else:
            raise _refused(key="test_was_heard")

    @callback
    def _changed(self) -> None:
        if self._refresh():
            self.async_write_ha_state()

    def _refresh(self) -> bool:
        """Make the list anew when there is reason to; return whether it changed."""
        care = self.coordinator.care
        made_of = care.revision, care.lessons()
        if made_of == self._made_of:
            return False
        self._made_of = made_of
        items = [self._shown(each) for each in self._items()]
        if items == self._attr_todo_items:
            return False
        self._attr_todo_items = items
        return True

    def _items(self) -> list[Item]:
        return Maintenance(self.coordinator.care, templates(self.hass), dt_util.utcnow()).items()

    def _shown(self, item: Item) -> TodoItem:
        return TodoItem(
            uid=item.uid,
            summary=item.summary,
            status=TodoItemStatus.NEEDS_ACTION if item.done_at is None else TodoItemStatus.COMPLETED,
            due=item.due,
            description=item.description,
            completed=item.done_at,
        )


def _refused(key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=SMARTLOOP, translation_key=key, translation_placeholders=placeholders
    )
