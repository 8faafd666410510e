"""Score the shipped int8 file through the shipped engine, features and Forecaster on any homes.

    script/models evaluate room_forecast_weather --data ../shared/data/humidity --json

Metrics end in `_t_24h` (temperature, K), `_e_24h` (vapour pressure, hPa), `_rh_24h` (relative humidity, %).
For the weather model the weather as it came stands in for the forecast; `..._noisy` is a forecast with
errors that grow with the lead, `..._yesterday` no forecast but the last day again. `room_forecast` tells of both: what it
foretells without any weather, and, as `..._with_weather`, what a home with a weather service gets.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, cast

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
    # An engine is hashed by what it is; its protocol does not say so.
    once = cast("Any", engine)
    found = _evaluated(name, data, once)
    return _joined(found, _evaluated(WEATHER_MODEL, data, once)) if name == HISTORY_MODEL else found


@lru_cache(maxsize=2)
def _evaluated(name: str, data: Path, engine: Engine) -> Evaluation:
    """Return the figures of one file; both names ask for those with weather."""
    runners, exact = _runners(name, engine)
    return scored(name, data, runners, exact, engine.name)


def _joined(history: Evaluation, weather: Evaluation) -> Evaluation:
    """Return the figures without weather, and those with the weather as it came under names of their own."""
    keys = [key for key in weather["metrics"] if not key.endswith(tuple(f"_{each}" for each in OUTLOOKS))]

    def both[T](own: Mapping[str, T], other: Mapping[str, T]) -> dict[str, T]:
        return {**own, **{f"{key}_with_weather": other[key] for key in keys if key in other}}

    out = history.copy()
    out["metrics"] = both(history["metrics"], weather["metrics"])
    out["fallback"] = both(history["fallback"], weather["fallback"])
    out["baselines"] = {key: both(own, weather["baselines"][key]) for key, own in history["baselines"].items()}
    out["intervals"] = both(history["intervals"], weather["intervals"])
    if "float_model" in history and "float_model" in weather:
        out["float_model"] = both(history["float_model"], weather["float_model"])
    return out


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
