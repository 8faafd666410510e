"""Add a member of the household, or change what is known of one."""

from typing import Any

import probatio as vol
from homeassistant.config_entries import SOURCE_RECONFIGURE, SubentryFlowResult

from ..adapters.people import ProposedMember, people, phones
from ..const import CONF_PERSON, CONF_PHONES, CONF_QUIET_HOURS, CONF_USER, SUBENTRY_MEMBER
from .fields import QUIET_END, QUIET_START, options_selector, quiet_hours, shown_quiet_hours, time_selector
from .inhaler import InhalerSteps


def new_member(member: ProposedMember) -> dict[str, Any]:
    """Return the data of a member as proposed."""
    data: dict[str, Any] = {CONF_PERSON: member.id, CONF_USER: member.user_id}
    # Without the key whatever phone the user has later is used; an empty list means none on purpose.
    if member.phones:
        data[CONF_PHONES] = [phone.id for phone in member.phones]
    return data


class MemberFlow(InhalerSteps):
    """Add or change one member."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask who it is."""
        members = self._members()
        free = {person.id: person for person in people(self.hass) if person.id not in members}
        if not free:
            return self.async_abort(reason="no_free_person")
        if user_input is not None and (person := free.get(user_input[CONF_PERSON])) is not None:
            self._title = person.name
            self._data = new_member(person)
            return await self.async_step_details()
        schema = vol.Schema(
            {vol.Required(CONF_PERSON): options_selector({each.id: each.name for each in free.values()})}
        )
        return self.async_show_form(step_id="user", data_schema=schema)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what to change of a member."""
        subentry = self._get_reconfigure_subentry()
        self._title = subentry.title
        self._data = dict(subentry.data)
        # The person may have got another login since.
        for person in people(self.hass):
            if person.id == self._data[CONF_PERSON]:
                self._title = person.name
                self._data[CONF_USER] = person.user_id
        return self.async_show_menu(
            step_id="reconfigure",
            menu_options=["details", *self._menu()],
            description_placeholders={"member": self._title},
        )

    async def async_step_details(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask how to reach the member, and when not to."""
        known = {phone.id: phone.name for phone in phones(self.hass)}
        errors: dict[str, str] = {}
        if user_input is not None:
            quiet, errors = quiet_hours(user_input)
            if not errors:
                if known and (CONF_PHONES in self._data or user_input.get(CONF_PHONES)):
                    self._data[CONF_PHONES] = user_input.get(CONF_PHONES, [])
                self._data.pop(CONF_QUIET_HOURS, None)
                if quiet is not None:
                    self._data[CONF_QUIET_HOURS] = quiet
                return self._finish()
        schema: dict[vol.Marker, Any] = {vol.Optional(QUIET_START): time_selector()}
        schema[vol.Optional(QUIET_END)] = time_selector()
        if known:
            schema = {vol.Optional(CONF_PHONES): options_selector(known, multiple=True), **schema}
        shown = {
            CONF_PHONES: [phone for phone in self._data.get(CONF_PHONES, ()) if phone in known],
            **shown_quiet_hours(self._data),
        }
        return self.async_show_form(
            step_id="details",
            data_schema=self.add_suggested_values_to_schema(vol.Schema(schema), user_input or shown),
            errors=errors,
            description_placeholders={"member": self._title},
        )

    def _finish(self) -> SubentryFlowResult:
        if self.source == SOURCE_RECONFIGURE:
            return self._save()
        # Somebody else may have been quicker.
        if self._data[CONF_PERSON] in self._members():
            return self.async_abort(reason="already_configured")
        return self.async_create_entry(title=self._title, data=self._data, unique_id=self._data[CONF_PERSON])

    def _members(self) -> set[str]:
        return {member.data[CONF_PERSON] for member in self._get_entry().get_subentries_of_type(SUBENTRY_MEMBER)}
