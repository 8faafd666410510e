"""Train, judge and ship the two forecast models; write their card from what the run measured.

    script/models train room_forecast --data ../shared/data/humidity

Everything is seeded: the same data gives the same bytes. Homes are never split. Every figure in the card
comes from homes that had no part in the fit nor in tabulating the bands.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.forecast import Tensor
from custom_components.smartloop.engine.models.forecast_bands import FALLBACK_QUANTILES
from custom_components.smartloop.engine.models.forecast_network import CLIP
from onnx_models.export import FOLDER, GraphBuilder, ship_twins

from . import story
from .data import LICENCES, READERS, homes
from .judge import FALLBACK_MARGIN, MARGIN, hold_out, judged, tables
from .learn import SEED, Learned, Material, Size, gather, learn

type Array = NDArray[np.float64]

VERSION: Final = "2.0.0"
PACKAGE: Final = Path(__file__).parent
_GOLDEN = 8


def _ship(learned: Learned, bands: Array, material: Material, folder: Path, twins: Path) -> Path:
    """Write the file, its twin and its catalog entry."""
    columns, parts = learned.matrix.shape

    def grow(graph: GraphBuilder) -> None:
        value = graph.input("features", (1, columns))
        graph.output(graph.dense(value, learned.matrix, learned.bias), "parts", (1, parts))

    sources = sorted({place.home.source for place in material.places.values()})
    return ship_twins(
        learned.name,
        grow,
        version=VERSION,
        metadata={
            **learned.metadata(bands),
            "description": "Parts of the coming room temperature (K) and vapour pressure (hPa) beyond the blend of simple"
            " forecasts: horizons 6, 12, 24, 48 h x temperature, vapour pressure"
            + (" x habit, weather trend, weather turn, and how rooms differ." if learned.weather else "."),
            "licence": "Apache-2.0",
            "trained_on": sorted(material.places),
            "training_data": "; ".join(LICENCES[s] for s in sources) + "; seeded simulation",
            "units": {"t": "K", "e": "hPa", "to": "K", "eo": "hPa", "ht": "hPa", "hto": "hPa"},
        },
        golden=_golden(material, learned),
        seed=SEED,
        folder=folder,
        twin_folder=twins,
    )


def _golden(material: Material, learned: Learned) -> list[dict[str, Tensor]]:
    """Return inputs of simulated rooms, as the Forecaster would scale them."""
    out = []
    for rows in material.simulated[:_GOLDEN]:
        table = rows.given.weather if learned.weather else rows.given.history
        row = np.clip((table[-1].astype(np.float64) - learned.mean) / learned.std, -CLIP, CLIP)
        out.append({"features": row.round(4).astype(np.float32)[None, :]})
    return out


def train(data: Path, folder: Path = FOLDER, card: Path | None = PACKAGE, size: Size | None = None) -> list[Path]:
    """Do it all; return the files written.

    The bands are made of held-out errors, so homes are held out even if no card is wanted.
    """
    size = size or Size()
    found = homes(data)
    if not found:
        msg = f"no home in {data}: expected one of the folders {', '.join(READERS)}"
        raise FileNotFoundError(msg)
    material = gather(found, size)
    held = {name: hold_out(material, name) for name in material.places}
    twins = PACKAGE if folder == FOLDER else folder
    files = [
        _ship(learn(material, list(held), weather=weather), MARGIN * tables(held, name), material, folder, twins)
        for weather, name in ((False, "history"), (True, "weather"))
    ]
    if card is not None:
        story.tell(card, material, judged(material, held), size, VERSION)
        fallback = FALLBACK_MARGIN * tables(held, "fallback")
        if not np.allclose(fallback, FALLBACK_QUANTILES, atol=0.006):
            print("FALLBACK_QUANTILES has to be")
            print(np.array2string(fallback, precision=2, floatmode="fixed", separator=", "))
    return files
