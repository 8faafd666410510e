"""The hourly forecast of a real weather entity, and the many ways there may be none."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, cast, override

import pytest
from homeassistant.components.weather import (
    DOMAIN,
    SERVICE_GET_FORECASTS,
    Forecast,
    WeatherEntity,
    WeatherEntityFeature,
)
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import AddEntitiesCallback
from homeassistant.setup import async_setup_component
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM
from pytest_homeassistant_custom_component.common import MockModule, MockPlatform, mock_integration, mock_platform

from custom_components.smartloop.adapters.weather import async_get_forecast
from custom_components.smartloop.engine import WeatherPoint, relative_humidity_of_dew_point

HOME = "weather.home"
SEVEN = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)

type Fetch = Callable[[], Coroutine[Any, Any, list[Forecast] | None]]


class Home(WeatherEntity):
    """A provider whose forecast is what the test says."""

    entity_id = HOME
    _attr_name = "Home"
    _attr_native_temperature_unit = "°C"
    _attr_native_temperature = 4.0
    _attr_humidity = 88.0
    _attr_condition = "cloudy"

    def __init__(self, features: WeatherEntityFeature, fetch: Fetch) -> None:
        self._attr_supported_features = features
        self._fetch = fetch

    @override
    async def async_forecast_hourly(self) -> list[Forecast] | None:
        return await self._fetch()

    @override
    async def async_forecast_daily(self) -> list[Forecast] | None:
        return [Forecast(datetime=SEVEN.isoformat(), native_temperature=9.0)]


async def add_home(
    hass: HomeAssistant, fetch: Fetch, features: WeatherEntityFeature = WeatherEntityFeature.FORECAST_HOURLY
) -> None:
    async def add(hass: HomeAssistant, config: Any, add_entities: AddEntitiesCallback, info: Any = None) -> None:
        add_entities([Home(features, fetch)])

    mock_integration(hass, MockModule("sky"))
    mock_platform(hass, "sky.weather", MockPlatform(async_setup_platform=add))
    assert await async_setup_component(hass, DOMAIN, {DOMAIN: {"platform": "sky"}})
    await hass.async_block_till_done()


def hourly(*rows: dict[str, Any]) -> Fetch:
    async def fetch() -> list[Forecast]:
        return [cast(Forecast, row) for row in rows]

    return fetch


def row(hour: int, temperature: float, **more: Any) -> dict[str, Any]:
    return {"datetime": (SEVEN + timedelta(hours=hour)).isoformat(), "native_temperature": temperature} | more


def point(hour: int, temperature: float, humidity: float | None) -> WeatherPoint:
    return WeatherPoint(at=SEVEN + timedelta(hours=hour), temperature=temperature, relative_humidity=humidity)


async def test_the_hourly_forecast_in_time_order(hass: HomeAssistant) -> None:
    await add_home(hass, hourly(row(1, 5.0, humidity=80), row(0, 4.0, humidity=85)))

    assert await async_get_forecast(hass, HOME) == (point(0, 4.0, 85.0), point(1, 5.0, 80.0))


async def test_a_house_that_thinks_in_fahrenheit(hass: HomeAssistant) -> None:
    hass.config.units = US_CUSTOMARY_SYSTEM
    await add_home(hass, hourly(row(0, 5.0, native_dew_point=2.0)))

    assert hass.states.get(HOME).attributes["temperature_unit"] == "°F"  # type: ignore[union-attr]
    (only,) = await async_get_forecast(hass, HOME)
    assert only.temperature == pytest.approx(5.0, abs=0.3)
    assert only.relative_humidity == pytest.approx(81.0, abs=3.0)


async def test_a_dew_point_says_the_humidity(hass: HomeAssistant) -> None:
    await add_home(hass, hourly(row(0, 5.0, native_dew_point=2.0), row(1, 5.0, native_dew_point=2.0, humidity=70)))

    by_dew_point, by_humidity = await async_get_forecast(hass, HOME)
    # The entity rounds to its precision of 0.1 °C.
    assert by_dew_point.relative_humidity == pytest.approx(relative_humidity_of_dew_point(5.0, 2.0))
    assert by_humidity.relative_humidity == 70.0


async def test_a_provider_without_humidity(hass: HomeAssistant) -> None:
    await add_home(hass, hourly(row(0, 5.0)))

    assert await async_get_forecast(hass, HOME) == (point(0, 5.0, None),)


async def test_a_provider_without_hours(hass: HomeAssistant) -> None:
    await add_home(hass, hourly(row(0, 5.0)), WeatherEntityFeature.FORECAST_DAILY)

    assert await async_get_forecast(hass, HOME) == ()


async def test_a_provider_that_has_nothing_now(hass: HomeAssistant) -> None:
    async def fetch() -> None:
        return None

    await add_home(hass, fetch)

    assert await async_get_forecast(hass, HOME) == ()


async def test_no_weather_at_all(hass: HomeAssistant) -> None:
    assert await async_get_forecast(hass, HOME) == ()


async def test_an_entity_that_is_gone(hass: HomeAssistant) -> None:
    await add_home(hass, hourly(row(0, 5.0)))

    assert await async_get_forecast(hass, "weather.gone") == ()


@pytest.mark.parametrize(
    "error",
    [
        HomeAssistantError("down"),
        TimeoutError(),
        ConnectionError("refused"),
        KeyError("temperature"),
        ValueError("bad"),
    ],
)
async def test_a_provider_that_fails(hass: HomeAssistant, error: Exception) -> None:
    """Other integrations raise what they like; a forecast less is no reason to stop."""

    async def fetch() -> list[Forecast]:
        raise error

    await add_home(hass, fetch)

    assert await async_get_forecast(hass, HOME) == ()


async def test_a_provider_that_hangs(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fetch() -> list[Forecast]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr("custom_components.smartloop.adapters.weather.PATIENCE_S", 0.05)
    await add_home(hass, fetch)

    async with asyncio.timeout(5):
        assert await async_get_forecast(hass, HOME) == ()


GOOD: dict[str, Any] = {"datetime": SEVEN.isoformat(), "temperature": 5.0, "humidity": 80}


@pytest.mark.parametrize(
    "bad",
    [
        {**GOOD, "datetime": "tomorrow"},
        {**GOOD, "datetime": None},
        {"temperature": 5.0},
        {**GOOD, "temperature": None},
        {**GOOD, "temperature": "5"},
        {**GOOD, "temperature": True},
        {**GOOD, "temperature": float("nan")},
        {**GOOD, "temperature": float("inf")},
        {**GOOD, "temperature": 900.0},
        {**GOOD, "humidity": 180},
        {**GOOD, "humidity": float("nan")},
        {"datetime": SEVEN.isoformat(), "temperature": 5.0, "dew_point": float("nan")},
        {"datetime": SEVEN.isoformat(), "temperature": 5.0, "dew_point": -300.0},
        {"datetime": SEVEN.isoformat(), "temperature": 5.0, "dew_point": 9.0},
        "rain",
        None,
        [],
    ],
)
async def test_garbage_among_the_hours_is_left_out(hass: HomeAssistant, bad: object) -> None:
    forecast = [bad, GOOD | {"datetime": (SEVEN + timedelta(hours=1)).isoformat()}]

    assert await answer(hass, {HOME: {"forecast": forecast}}) == (point(1, 5.0, 80.0),)


@pytest.mark.parametrize("response", [{}, {HOME: {}}, {HOME: {"forecast": None}}, {HOME: {"forecast": "rain"}}])
async def test_an_answer_that_is_no_forecast(hass: HomeAssistant, response: dict[str, Any]) -> None:
    assert await answer(hass, response) == ()


async def test_a_dew_point_above_the_temperature_is_saturated_air(hass: HomeAssistant) -> None:
    """Rounding puts it there on foggy days: that is 100 %, not nonsense."""
    foggy = {"datetime": SEVEN.isoformat(), "temperature": 5.0, "dew_point": 5.1}

    assert await answer(hass, {HOME: {"forecast": [foggy]}}) == (point(0, 5.0, 100.0),)


async def test_a_time_without_zone_is_utc(hass: HomeAssistant) -> None:
    naive = {"datetime": "2026-11-22T07:00:00", "temperature": 5.0, "humidity": 80}

    assert await answer(hass, {HOME: {"forecast": [naive]}}) == (point(0, 5.0, 80.0),)


async def answer(hass: HomeAssistant, response: dict[str, Any]) -> tuple[WeatherPoint, ...]:
    """Return the forecast when the service answers like this."""

    async def respond(_call: ServiceCall) -> ServiceResponse:
        return response

    hass.services.async_register(DOMAIN, SERVICE_GET_FORECASTS, respond, supports_response=SupportsResponse.ONLY)
    hass.states.async_set(HOME, "cloudy", {"temperature_unit": "°C"})
    return await async_get_forecast(hass, HOME)
