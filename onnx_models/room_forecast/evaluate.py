"""Score the shipped int8 file through the shipped engine, features and Forecaster on any homes.

    script/models evaluate room_forecast_weather --data ../shared/data/humidity --json

Metrics end in `_t_24h` (temperature, K), `_e_24h` (vapour pressure, hPa), `_rh_24h` (relative humidity, %).
For the weather model the weather as it came stands in for the forecast; `..._noisy` is a forecast with
errors that grow with the lead, `..._yesterday` no forecast but the last day again.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from custom_components.smartloop.engine.models.forecast import Forecaster
from custom_components.smartloop.engine.models.forecast_voices import HISTORY_MODEL, WEATHER_MODEL
from custom_components.smartloop.engine.models.model import Runner
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.graph import Engine
from onnx_models.export import FOLDER
from onnx_models.report import Evaluation, twin, warn_if_trained_on

from . import ridge
from .data import homes
from .judge import scorable
from .learn import SEED
from .replay import Outcome, Scene, replay, scene, simple
from .samples import OUTLOOKS, Outlook
from .score import HomeSums, evaluation, sums

PACKAGE: Final = Path(__file__).parent


def _scored(places: Sequence[Scene], forecasts: dict[str, list[Outcome]], *, weather: bool) -> dict[str, HomeSums]:
    """Return each home's sums; homes where nothing could be scored are left out."""
    out = {}
    for index, place in enumerate(places):
        rows, could = scorable(place, forecasts["model"][index], weather=weather)
        if rows.any():
            found = {name: outcomes[index] for name, outcomes in forecasts.items()}
            found |= {"ridge": ridge.outcome(place, weather=weather), **simple(place)}
            out[place.home.name] = sums(found, place.truth, rows, could)
    return out


def _runners(name: str, engine: Engine) -> tuple[list[Runner], list[Runner]]:
    """Return the shipped models the forecast needs, and their float twins as far as they are kept."""
    catalog = Catalog.open(FOLDER)
    names = [HISTORY_MODEL, WEATHER_MODEL] if name == WEATHER_MODEL else [HISTORY_MODEL]
    exact = [found for each in names if (found := twin(each, PACKAGE, engine)) is not None]
    return [catalog.load(each, engine) for each in names], exact if len(exact) == len(names) else []


def evaluate(name: str, data: Path, engine: Engine) -> Evaluation:
    """Return the figures of one model on all homes below a folder."""
    runners, exact = _runners(name, engine)
    return scored(name, data, runners, exact, engine.name)


def scored(name: str, data: Path, runners: Sequence[Runner], exact: Sequence[Runner], engine: str) -> Evaluation:
    """Return the figures of the last of some models, with those it falls back on."""
    weather = name == WEATHER_MODEL
    found = homes(data)
    places = [scene(home, Outlook.OBSERVED if weather else Outlook.NONE) for home in found]
    others = {key: [scene(home, each, SEED) for home in found] for key, each in OUTLOOKS.items()} if weather else {}
    lived = replay([*places, *(place for each in others.values() for place in each)], Forecaster(*runners))
    count = len(places)
    forecasts = {key: lived[count * i : count * (i + 1)] for i, key in enumerate(["model", *others])}
    forecasts["fallback"] = replay(places, Forecaster())
    if exact:
        forecasts["float"] = replay(places, Forecaster(*exact))
    out = evaluation(name, runners[-1].version, engine, _scored(places, forecasts, weather=weather))
    out["notes"] = warn_if_trained_on(runners[-1].metadata, [home.name for home in found])
    return out
