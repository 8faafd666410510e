"""What a household must install: it resolves on Home Assistant's own Alpine image, and on 3.13 for tests."""

import ast
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from custom_components.smartloop import inference

FOLDER = Path(inference.__path__[0])
MANIFEST = json.loads((FOLDER.parent / "manifest.json").read_text())
PLATFORMS = ("x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl")
"""uv's names for musllinux_1_2."""


def resolve(requirement: str, platform: str) -> subprocess.CompletedProcess[str]:
    """Ask for a wheel of the platform for Home Assistant's Python."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "compile", "-", "--no-header", "--no-annotate", "--quiet"),
            *("--only-binary", ":all:", "--python-version", "3.14", "--python-platform", platform),
        ],
        input=requirement,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def index() -> None:
    """Skip when nothing can be asked."""
    if importlib.util.find_spec("uv") is None:
        pytest.skip("uv is not installed here (it comes with Home Assistant)")
    if resolve("packaging", PLATFORMS[0]).returncode:
        pytest.skip("no package index is reachable from here")


def test_onnxruntime_is_no_requirement() -> None:
    assert MANIFEST["requirements"] == ["numpy>=2.3.2,<3"]


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("requirement", [*MANIFEST["requirements"], "numpy==2.3.2"])
def test_every_requirement_has_a_musl_wheel(requirement: str, platform: str) -> None:
    done = resolve(requirement, platform)

    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("index")
def test_onnxruntime_has_none() -> None:
    # Should this fail one day: the built-in engine is no longer the only one there.
    assert resolve("onnxruntime==1.28.0", PLATFORMS[0]).returncode != 0


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_the_inference_is_valid_on_313(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 13))
    defined: set[str] = set()

    # 3.13 evaluates annotations where they stand: a class must come before its first mention in one.
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in tree.body:
        for inner in ast.walk(node):
            notes: list[ast.expr | None] = []
            if isinstance(inner, ast.FunctionDef):
                notes = [inner.returns, *(argument.annotation for argument in inner.args.args + inner.args.kwonlyargs)]
            elif isinstance(inner, ast.AnnAssign) and not isinstance(node, ast.FunctionDef):
                notes = [inner.annotation]
            names = {n.id for note in notes if note for n in ast.walk(note) if isinstance(n, ast.Name)}
            assert not (names & classes) - defined, getattr(inner, "lineno", 0)
        if isinstance(node, ast.ClassDef):
            defined.add(node.name)
