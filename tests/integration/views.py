"""Made-up views of a room, and a household that shows them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.smartloop.coordinator import Coordinator
from custom_components.smartloop.engine import (
    Act,
    ActKind,
    Decision,
    DecisionKey,
    DecisionState,
    Evidence,
    Prediction,
    Reason,
    RoomView,
    Severity,
)
from custom_components.smartloop.engine.features.surface import SurfaceKind
from custom_components.smartloop.engine.models.forecast import HorizonForecast
from custom_components.smartloop.engine.view import SurfaceView

from .house import make_entry

AT = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)

AIRING = Act(
    kind=ActKind.VENTILATE, minutes=12.0, amount=None, surface_humidity_before=86.0, surface_humidity_after=70.0
)


def one_room(hass: HomeAssistant) -> MockConfigEntry:
    """Return the household's entry with the bathroom alone, added but not set up."""
    whole = make_entry(hass)
    bathroom = next(each for each in whole.subentries.values() if each.unique_id == "bathroom")
    entry = MockConfigEntry(
        domain=whole.domain,
        title=whole.title,
        entry_id=whole.entry_id,
        options=dict(whole.options),
        subentries_data=[
            {
                "data": dict(bathroom.data),
                "subentry_id": bathroom.subentry_id,
                "subentry_type": "room",
                "title": bathroom.title,
                "unique_id": bathroom.unique_id,
            }
        ],
    )
    entry.add_to_hass(hass)
    return entry


def predicted(value: float | None, band: float = 0.0) -> Prediction:
    """Return a prediction with an even band, or one that abstains."""
    known = value is not None
    return Prediction(
        value=value,
        lo=value - band if value is not None else None,
        hi=value + band if value is not None else None,
        confidence=0.9 if known else 0.0,
        abstained=not known,
        why=(),
        data_age_s=0.0,
        model_version="1",
    )


def horizon(hours: int, temperature: float | None, humidity: float | None) -> HorizonForecast:
    """Return one horizon of a forecast."""
    return HorizonForecast(
        hours=hours,
        temperature=predicted(temperature, 1.0),
        vapour_pressure=predicted(None if humidity is None else humidity / 5.0, 1.0),
        relative_humidity=predicted(humidity, 4.0),
    )


def surface(kind: SurfaceKind, f_rsi: float, humidity: float) -> SurfaceView:
    """Return one surface."""
    return SurfaceView(
        kind=kind,
        f_rsi=f_rsi,
        f_rsi_sd=0.04,
        temperature=14.0,
        humidity=humidity,
        condensation=False,
        mold_index=0.42,
        mold_index_lo=0.3,
        mold_index_hi=0.6,
    )


def decision(key: DecisionKey = DecisionKey.MOLD_VENTILATE, **more: Any) -> Decision:
    """Return a decision about the bathroom."""
    given: dict[str, Any] = {
        "id": "0123",
        "key": key,
        "severity": Severity.ADVICE,
        "state": DecisionState.RAISED,
        "room": "bathroom",
        "person": None,
        "evidence": (),
        "proposed": AIRING,
        "at": AT,
        "expires_at": AT + timedelta(hours=6),
        "score": 1.2,
    }
    return Decision(**given | more)


def growth(severity: Severity = Severity.ADVICE) -> Decision:
    """Return the decision that mold may be growing."""
    index = Evidence(name="mold_index", value=1.3, unit="1", lo=0.8, hi=1.9)
    return decision(DecisionKey.MOLD_GROWTH, severity=severity, evidence=(index,), proposed=None)


DAMP = RoomView(
    room="bathroom",
    at=AT,
    temperature=21.5,
    relative_humidity=64.0,
    vapour_pressure=1641.0,
    dew_point=14.4,
    outdoor_temperature=5.0,
    outdoor_vapour_pressure=741.0,
    data_age_s=95.0,
    window_open=False,
    surface_temperature=14.2,
    surface_humidity=86.3,
    critical_humidity=80.4,
    condensation=False,
    surfaces=(
        surface(SurfaceKind.WINDOW_REVEAL, 0.72, 78.0),
        surface(SurfaceKind.OUTER_CORNER, 0.62, 82.0),
        surface(SurfaceKind.BEHIND_FURNITURE, 0.52, 86.3),
    ),
    f_rsi_hours=12.4,
    mold_index=0.424,
    mold_index_lo=0.31,
    mold_index_hi=0.62,
    mold_hours=812.5,
    held_hours=3.0,
    days_to_mold=37.2,
    hours_above_critical=22.0,
    best_act=AIRING,
    forecast=(horizon(6, 21.0, 66.0), horizon(12, 20.5, 68.0), horizon(24, 21.4, 70.3), horizon(48, None, None)),
    forecast_surface_humidity=88.6,
    air_change_rate=6.2,
    airings=3,
)
"""A bathroom that should be aired."""

SILENT = RoomView(
    room="bathroom",
    at=AT,
    mold_index=0.424,
    mold_index_lo=0.31,
    mold_index_hi=0.62,
    mold_hours=812.5,
    no_act_reason=Reason.NO_READINGS,
)
"""The same one, with its sensor gone."""


class Household:
    """A household that is set up and shows what it is told to."""

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry) -> None:
        self.hass = hass
        self.entry = entry
        self.views = {"bathroom": DAMP}
        self.patch = patch.object(Coordinator, "view", lambda _self, room: self.views[room])

    @property
    def coordinator(self) -> Coordinator:
        coordinator: Coordinator = self.entry.runtime_data
        return coordinator

    async def set_up(self, platforms: Iterable[Platform] | None = None) -> None:
        """Set the entry up, with these platforms only."""
        if platforms is not None:
            with patch("custom_components.smartloop.PLATFORMS", list(platforms)):
                assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        else:
            assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def show(self, view: RoomView | None = None, **changes: Any) -> None:
        """Let the bathroom be like this; without a view, like before but for the changes."""
        self.views["bathroom"] = replace(view or self.views["bathroom"], **changes)
        self.coordinator._notify("bathroom")
        await self.hass.async_block_till_done()

    async def decide(self, what: Decision) -> None:
        """Let the engine have decided this."""
        self.coordinator._decide(what)
        await self.hass.async_block_till_done(wait_background_tasks=True)
