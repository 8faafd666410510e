"""The shipped models: checked against the catalog, loaded, tried on their golden vectors."""

import hashlib
import json
import math
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Any, Final, Self

import numpy as np

from .errors import CatalogError, GoldenError, InferenceError, InputError, OutputError
from .graph import MAX_BYTES, Engine, Graph, Session, Tensor, TensorInfo
from .operators import OPERATORS
from .reader import read

GOLDEN_COUNT: Final = 16
"""Rows a file must prove itself on"""
GOLDEN_LEAST: Final = 2
STORED_MOST: Final = 512
"""Values of an input the catalog spells out; a longer one is `noise` of a number"""
MAX_TOLERANCE: Final = 2 / 256
"""What int8 activations may cost; int8 weights alone stay below 1e-5."""
KEPT_RUNS: Final = 256
SELFTEST: Final = "selftest"
"""The packaged model that decides nothing: an engine must reproduce it before it is trusted."""

_FILE = re.compile(r"[a-z0-9_]+\.onnx")
_MALFORMED = (AttributeError, KeyError, TypeError, ValueError)


@dataclass(frozen=True, kw_only=True, slots=True)
class Golden:
    """Inputs with the outputs the reference gave."""

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What the catalog says of one file."""

    name: str
    file: str
    version: str
    sha256: str
    size: int
    """bytes"""
    opset: int
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    ops: frozenset[str]
    tolerance: float
    """Largest absolute difference to a golden output."""
    metadata: Mapping[str, str]
    golden: tuple[Golden, ...]

    def __post_init__(self) -> None:
        """Refuse entries no file can satisfy."""
        if not _FILE.fullmatch(self.file) or not 0 < self.size <= MAX_BYTES or len(self.sha256) != 64:
            msg = f"{self.name}: file, size or sha256 is not usable"
            raise CatalogError(msg)
        if not self.ops <= OPERATORS.keys():
            msg = f"{self.name}: operators {sorted(self.ops - OPERATORS.keys())} are not on the list"
            raise CatalogError(msg)
        if len(self.golden) != golden_count(self.inputs) or not 0 < self.tolerance <= MAX_TOLERANCE:
            msg = f"{self.name}: {len(self.golden)} golden vectors at tolerance {self.tolerance} prove nothing"
            raise CatalogError(msg)


def golden_count(inputs: tuple[TensorInfo, ...]) -> int:
    """Return how many golden vectors a file needs: a sequence (batch, channels, time) proves many rows at once."""
    steps = max((info.shape[-1] for info in inputs if len(info.shape) > 2), default=1)
    return max(GOLDEN_COUNT // steps, GOLDEN_LEAST)


def noise(number: int, shape: tuple[int, ...]) -> Tensor:
    """Return float32 in -4..4, the same on every machine: a counter through splitmix64 (Steele et al. 2014)."""
    mixed = (np.arange(1, math.prod(shape) + 1, dtype=np.uint64) + np.uint64(number << 32)) * np.uint64(
        0x9E3779B97F4A7C15
    )
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return ((mixed >> np.uint64(40)).astype(np.float32) / np.float32(2**21) - np.float32(4)).reshape(shape)


class RunTimes:
    """The last run times of one model."""

    def __init__(self) -> None:
        """Start without any."""
        self.count = 0
        self._kept: deque[float] = deque(maxlen=KEPT_RUNS)

    def update(self, microseconds: float) -> None:
        """Take one run time."""
        self.count += 1
        self._kept.append(microseconds)

    def get(self) -> tuple[float, float] | None:
        """Return median and 99th percentile in µs; None before the first run."""
        kept = sorted(self._kept)
        return (median(kept), kept[math.ceil(0.99 * len(kept)) - 1]) if kept else None


class LoadedModel:
    """One model on one engine: the engine's `Runner`."""

    def __init__(self, entry: Entry, graph: Graph, session: Session, engine: str) -> None:
        """Keep what a run needs."""
        self.name = entry.name
        self.version = entry.version
        self.metadata: Mapping[str, str] = graph.metadata
        self.sha8 = entry.sha256[:8]
        self.engine = engine
        self.times = RunTimes()
        self.last_error: str | None = None
        self._shapes = {info.name: info.shape for info in graph.inputs}
        self._session = session

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return the outputs by name; InferenceError when inputs or outputs are unusable."""
        try:
            self._check(inputs)
            began = perf_counter_ns()
            outputs = self._session.run(inputs)
            self.times.update((perf_counter_ns() - began) / 1000)
            if not all(np.isfinite(values).all() for values in outputs.values()):
                msg = f"{self.name} gave an output that is not finite"
                raise OutputError(msg)
        except InferenceError as err:
            self.last_error = str(err)
            raise
        return outputs

    def _check(self, inputs: Mapping[str, Tensor]) -> None:
        """Refuse inputs the model was not made for; no value is converted or filled in."""
        if inputs.keys() != self._shapes.keys():
            msg = f"{self.name} takes {sorted(self._shapes)}, not {sorted(inputs)}"
            raise InputError(msg)
        for name, shape in self._shapes.items():
            values = inputs[name]
            if not isinstance(values, np.ndarray) or values.dtype != np.float32 or values.shape != shape:
                msg = f"{self.name} takes float32 {shape} as {name!r}"
                raise InputError(msg)
            if not np.isfinite(values).all():
                msg = f"{self.name} takes no NaN or infinity in {name!r}"
                raise InputError(msg)


class Catalog:
    """The folder of shipped files and what each must be."""

    def __init__(self, folder: Path, entries: Mapping[str, Entry]) -> None:
        """Keep folder and entries."""
        self._folder = folder
        self.entries = entries

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read `catalog.json`."""
        try:
            document = json.loads((folder / "catalog.json").read_text("utf-8"))
            if document["catalog"] != 1:
                msg = f"catalog format {document['catalog']} is unknown"
                raise CatalogError(msg)
            return cls(folder, {name: _entry(name, row) for name, row in document["models"].items()})
        except (OSError, *_MALFORMED) as err:
            msg = f"the catalog cannot be read: {err!r}"
            raise CatalogError(msg) from err

    def load(self, name: str, engine: Engine) -> LoadedModel:
        """Return the model on the engine, or the InferenceError that tells why not."""
        entry = self.entries.get(name)
        if entry is None:
            msg = f"there is no model {name!r}"
            raise CatalogError(msg)
        data = self._bytes(entry)
        graph = read(data)
        same = (
            graph.ops == entry.ops
            and graph.opset == entry.opset
            and graph.inputs == entry.inputs
            and graph.outputs == entry.outputs
            and dict(graph.metadata) == dict(entry.metadata)
        )
        if not same:
            msg = f"{name}: the file is not what the catalog describes"
            raise CatalogError(msg)
        model = LoadedModel(entry, graph, engine.load(data, graph), engine.name)
        _prove(model, entry)
        model.times = RunTimes()
        return model

    def _bytes(self, entry: Entry) -> bytes:
        """Return the file's bytes once size and hash are right; nothing is parsed before."""
        try:
            with (self._folder / entry.file).open("rb") as file:
                data = file.read(entry.size + 1)
        except OSError as err:
            msg = f"{entry.file} cannot be read: {err}"
            raise CatalogError(msg) from err
        if len(data) != entry.size:
            msg = f"{entry.file} has not the {entry.size} bytes it should have"
            raise CatalogError(msg)
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            msg = f"{entry.file} has been changed: its sha256 is another one"
            raise CatalogError(msg)
        return data


def _prove(model: LoadedModel, entry: Entry) -> None:
    """Run the golden vectors."""
    for golden in entry.golden:
        try:
            outputs = model.run(golden.inputs)
        except OutputError as err:
            raise GoldenError(str(err)) from err
        for info in entry.outputs:
            got, wanted = outputs[info.name], golden.outputs[info.name]
            if got.shape != wanted.shape or not np.abs(got - wanted).max() <= entry.tolerance:
                msg = f"{entry.name} on {model.engine} is off its golden vectors by more than {entry.tolerance}"
                raise GoldenError(msg)


def _entry(name: str, row: Mapping[str, Any]) -> Entry:
    """Return one entry of the catalog."""
    inputs, outputs = _infos(row["inputs"]), _infos(row["outputs"])
    return Entry(
        name=name,
        file=row["file"],
        version=row["version"],
        sha256=row["sha256"],
        size=row["size"],
        opset=row["opset"],
        inputs=inputs,
        outputs=outputs,
        ops=frozenset(row["ops"]),
        tolerance=row["tolerance"],
        metadata=row["metadata"],
        golden=tuple(
            Golden(inputs=_tensors(vector["inputs"], inputs), outputs=_tensors(vector["outputs"], outputs))
            for vector in row["golden"]
        ),
    )


def _infos(rows: list[Mapping[str, Any]]) -> tuple[TensorInfo, ...]:
    """Return names and shapes; the type is float32."""
    if any(row["dtype"] != "float32" for row in rows):
        msg = "inputs and outputs are float32"
        raise ValueError(msg)
    return tuple(TensorInfo(name=row["name"], shape=tuple(row["shape"])) for row in rows)


def _tensors(flat: Mapping[str, list[float] | int], infos: tuple[TensorInfo, ...]) -> dict[str, Tensor]:
    """Return the values of a golden vector in shape; a bare number stands for noise."""
    out = {}
    for info in infos:
        given = flat[info.name]
        out[info.name] = (
            noise(given, info.shape)
            if isinstance(given, int)
            else np.array(given, dtype=np.float32).reshape(info.shape)
        )
    return out
