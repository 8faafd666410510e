"""`script/models evaluate`, as the command line answers it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
KEYS = ["model", "version", "engine", "n_subjects", "n_rows", "metrics", "fallback", "baselines", "intervals"]


def evaluated(name: str, data: Path) -> dict[str, Any]:
    """Return the one object it prints; its first keys are the same for every model, and so are a model's metrics for all it is compared with."""
    command = [sys.executable, "-m", "onnx_models", "evaluate", name, "--data", str(data), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert list(report)[: len(KEYS)] == KEYS
    twin = [report["float_model"]] if "float_model" in report else []
    assert all(
        set(each) == set(report["metrics"]) for each in (report["fallback"], *twin, *report["baselines"].values())
    )
    return report
