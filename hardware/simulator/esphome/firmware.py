"""ESPHome, run as a maker would run it: configuration in, program out."""

import asyncio
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

HARDWARE: Final = Path(__file__).resolve().parents[2]
ESPHOME: Final = HARDWARE / ".venv" / "bin" / "esphome"
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "smartloop" / "firmware"


class FirmwareError(Exception):
    """A program could not be built; says why."""


def missing() -> str | None:
    """Return what is missing to build programs, None when nothing is."""
    if not ESPHOME.exists():
        return "ESPHome is not here (script/setup hardware installs it)"
    if shutil.which("g++") is None:
        return "there is no C++ compiler here (g++)"
    return None


def _sources() -> Iterator[Path]:
    """Yield all that a host program is made of."""
    yield HARDWARE / "uv.lock"
    for pattern in ("common/*.yaml", "*_node/*.yaml", "*_node/packages/*.yaml"):
        yield from sorted(path for path in HARDWARE.glob(pattern) if path.name != "secrets.yaml")


def _digest() -> str:
    digest = hashlib.sha256()
    for path in _sources():
        digest.update(f"{path.relative_to(HARDWARE)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


async def build(configuration: str) -> Path:
    """Return the program of a host configuration (`dust_node/dust-node-host.yaml`), built once per content.

    The first time takes half a CPU minute.
    """
    if (why := missing()) is not None:
        raise FirmwareError(why)
    name = Path(configuration).stem
    folder = CACHE / _digest()
    program = folder / name
    if program.exists():
        return program
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        if not program.exists():
            await _compile(configuration, folder / f"{name}.build", program)
    return program


async def _compile(configuration: str, data: Path, program: Path) -> None:
    tree = data / "tree"
    shutil.rmtree(data, ignore_errors=True)
    # A copy, so that no build folder and no secrets file of the owner's is touched.
    for path in _sources():
        if path.suffix == ".yaml":
            copy = tree / path.relative_to(HARDWARE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    process = await asyncio.create_subprocess_exec(
        ESPHOME, "compile", tree / configuration,
        env=os.environ | {"ESPHOME_DATA_DIR": str(data / "esphome")},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    built = next((data / "esphome").glob("build/*/.pioenvs/*/program"), None)
    if process.returncode or built is None:
        msg = f"{configuration} did not build: {said.decode(errors='replace')[-2000:]}"
        raise FirmwareError(msg)
    shutil.copy(built, program.with_suffix(".new"))
    program.with_suffix(".new").rename(program)
    shutil.rmtree(data, ignore_errors=True)
