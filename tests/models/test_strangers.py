"""Every model is judged on homes and persons it never saw, whatever they are called and whatever is missing."""

import gzip
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from onnx_models.registry import MODELS
from tests.models.command import KEYS, ROOT
from tests.models.strangers import DATA, lay_out


def judged(data: Path) -> list[dict[str, Any]]:
    """Return what `evaluate --all` prints."""
    command = [sys.executable, "-m", "onnx_models", "evaluate", "--all", "--data", str(data), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def figures(report: dict[str, Any]) -> list[dict[str, float | None]]:
    """Return every column of a report."""
    twin = [report["float_model"]] if "float_model" in report else []
    return [report["metrics"], report["fallback"], *twin, *report["baselines"].values()]


@pytest.mark.timeout(900)
@pytest.mark.skipif(not DATA.exists(), reason="../shared is not here: there is no real data to lay out anew")
def test_strangers_are_judged_by_every_model(tmp_path: Path) -> None:
    found = judged(lay_out(tmp_path))

    assert [report["model"] for report in found] == list(MODELS)
    for report in found:
        name = report["model"]
        assert list(report)[: len(KEYS)] == KEYS, name
        assert report["n_subjects"] > 0, name
        assert report["n_rows"] > 0, name
        for column in figures(report):
            assert set(column) == set(report["metrics"]), name
            assert all(value is None or math.isfinite(value) for value in column.values()), name
        assert any(value is not None for value in report["metrics"].values()), f"{name} could score nothing"
        assert not any("in sample" in note for note in report.get("notes", ())), (
            f"{name} takes strangers for its teachers"
        )


@pytest.mark.timeout(600)
def test_where_there_is_nothing_nothing_is_claimed(tmp_path: Path) -> None:
    """Simulated figures need no data; whatever is measured on homes is null without any, and nothing breaks."""
    for report in judged(tmp_path):
        assert report["n_subjects"] == 0 or "simulated" in json.dumps(report), report["model"]
        assert all(value is None or math.isfinite(value) for column in figures(report) for value in column.values())


def test_a_file_cut_short_spoils_its_model_only(tmp_path: Path) -> None:
    """A download that broke off is named, and ends in an exit code, not in a traceback."""
    whole = gzip.compress(b"record,beat_s\n" + b"".join(b"z1,%d\n" % n for n in range(5000)))
    folder = tmp_path / "bed" / "wrist_psg_features"
    folder.mkdir(parents=True)
    (folder / "epochs_30s.csv.gz").write_bytes(whole[: len(whole) // 2])
    command = [sys.executable, "-m", "onnx_models", "evaluate", "bed_stage", "--data", str(folder.parent), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "bed_stage" in done.stderr
    assert "cannot be used" in done.stderr
    assert "Traceback" not in done.stderr
