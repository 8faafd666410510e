"""The house rules that a newcomer should not have to be told twice."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import INTEGRATION, ROOT

MODULES = sorted(INTEGRATION.rglob("*.py"))
PURE = [path for path in MODULES if path.relative_to(INTEGRATION).parts[0] in {"engine", "inference", "protocol"}]
MAX_LINES = 400


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(INTEGRATION)))
def test_modules_stay_small_and_named_by_a_noun(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_LINES
    assert path.stem not in {"utils", "helpers", "common", "manager", "misc"}
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(INTEGRATION)))
def test_the_pure_part_imports_only_numpy_and_the_standard_library(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        for name in names:
            top = name.split(".")[0]
            allowed = top in sys.stdlib_module_names or top in {"numpy", "packaging"}
            allowed |= top == "onnxruntime" and path.name == "ort_engine.py"
            allowed |= top == "cryptography" and path.relative_to(INTEGRATION).parts == ("protocol", path.name)
            assert allowed, name


def test_the_engine_asks_no_clock_and_touches_no_file() -> None:
    forbidden = re.compile(r"\b(utcnow|datetime\.now|time\.time|monotonic|perf_counter|open\(|asyncio|socket)\b")
    engine = [path for path in PURE if {"engine", "protocol"} & set(path.relative_to(INTEGRATION).parts)]

    assert engine
    for path in engine:
        assert not forbidden.search(path.read_text()), path


def test_import_contracts_hold() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_no_glue_imports_voluptuous() -> None:
    for path in MODULES:
        assert not re.search(r"^(import|from) voluptuous", path.read_text(), re.MULTILINE), path
