"""The boards' own C++ is compiled with the machine's compiler and fed from here."""

import shutil
import subprocess
from pathlib import Path

import pytest

from hardware.simulator.esphome.firmware import HARDWARE
from tests.hardware.toolchain import Compile

HERE = Path(__file__).parent
ESPHOME_SOURCES = HARDWARE / ".venv" / "lib"


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Return a function that compiles one program of tests/hardware/firmware."""
    if shutil.which("g++") is None:
        pytest.skip("there is no C++ compiler here (g++)")
    folder = tmp_path_factory.mktemp("firmware")

    def build(name: str, *include: Path, extra: tuple[Path, ...] = ()) -> Path:
        program = folder / name
        if not program.exists():
            command: list[str | Path] = [
                *("g++", "-std=c++20", "-O1", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined"),
                *(f"-I{path}" for path in include),
                "-o",
                program,
                HERE / "firmware" / f"{name}.cpp",
                *extra,
            ]
            subprocess.run(command, check=True)
        return program

    return build
