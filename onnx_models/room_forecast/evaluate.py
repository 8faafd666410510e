"""Score the shipped int8 file through the shipped engine, features and Forecaster on any homes.

    script/models evaluate room_forecast_weather --data ../shared/data/humidity --json

Metrics end in `_t_24h` (temperature, K), `_e_24h` (vapour pressure, hPa), `_rh_24h` (relative humidity, %).
For the weather model the weather as it came stands in for the forecast; `..._noisy` is a forecast with
errors that grow with the lead, `..._yesterday` no forecast but the last day again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.models.forecast import HISTORY_MODEL, WEATHER_MODEL, Forecaster
from custom_components.smartloop.engine.models.model import Runner

from . import ridge
from .data import homes
from .replay import Outcome, Scene, replay, scene, simple
from .samples import Outlook
from .score import HomeSums, Metrics, intervals, metrics, sums

SEED: Final = 20261122
SUFFIXES: Final[Mapping[str, Outlook]] = {"noisy": Outlook.NOISY, "yesterday": Outlook.YESTERDAY}
BASELINES: Final = ("persistence", "same_hour_yesterday", "blend", "ridge")


def _point(value: NDArray[np.float64]) -> Outcome:
    """Return a forecast without a band."""
    return Outcome(value=value, lo=value, hi=value)


def _home(place: Scene, runners: Mapping[str, Runner], *, weather: bool) -> HomeSums | None:
    """Return one home's sums, None where nothing could be scored."""
    history = runners[HISTORY_MODEL]

    def forecaster() -> Forecaster:
        return Forecaster(history, runners[WEATHER_MODEL]) if weather else Forecaster(history)

    forecasts = {name: _point(value) for name, value in simple(place).items()}
    forecasts["model"] = replay(place, forecaster())
    forecasts["fallback"] = replay(place, Forecaster())
    forecasts["ridge"] = ridge.outcome(place, weather=weather)
    could = np.stack([given.ready for given in place.given], axis=1)[..., None] & np.isfinite(place.truth[..., 0])
    if weather:
        could = could & np.stack([given.weather_ready[..., 0] for given in place.given], axis=1)
        for suffix, outlook in SUFFIXES.items():
            forecasts[suffix] = replay(scene(place.home, outlook, SEED), forecaster())
    rows = could & np.isfinite(forecasts["model"].value[..., 0])
    return sums(forecasts, place.truth, rows, could) if rows.any() else None


def _figures(found: list[HomeSums], name: str, *, weather: bool) -> Metrics:
    """Return a forecast's figures under every suffix; only the model depends on the outlook."""
    banded = name in {"model", "fallback"}
    out = metrics(found, name, banded=banded)
    for suffix in SUFFIXES if weather else ():
        out |= metrics(found, suffix if name == "model" else name, f"_{suffix}", banded=banded)
    share = float(np.mean([home.answered for home in found])) if name == "model" else 1.0
    return out | {"answered": round(share, 4)}


class Evaluation(TypedDict):
    """What `script/models evaluate --json` prints (DESIGN 4.7)."""

    model: str
    version: str
    engine: str
    n_subjects: int
    n_rows: int
    metrics: Metrics
    fallback: Metrics
    baselines: dict[str, Metrics]
    intervals: dict[str, list[float] | None]


def evaluate(name: str, data: Path, runners: Mapping[str, Runner], engine: str) -> Evaluation:
    """Return the figures of one model on all homes below a folder."""
    weather = name == WEATHER_MODEL
    places = [scene(home, Outlook.OBSERVED if weather else Outlook.NONE) for home in homes(data)]
    found = [home for place in places if (home := _home(place, runners, weather=weather)) is not None]
    out = Evaluation(
        model=name,
        version=runners[name].version,
        engine=engine,
        n_subjects=len(found),
        n_rows=sum(home.rows for home in found),
        metrics={},
        fallback={},
        baselines={key: {} for key in BASELINES},
        intervals={},
    )
    if found:
        out["metrics"] = _figures(found, "model", weather=weather)
        out["fallback"] = _figures(found, "fallback", weather=weather)
        out["baselines"] = {key: _figures(found, key, weather=weather) for key in BASELINES}
        out["intervals"] = intervals(found, "model", seed=SEED)
        for suffix in SUFFIXES if weather else ():
            out["intervals"] |= intervals(found, suffix, f"_{suffix}", seed=SEED)
    return out
