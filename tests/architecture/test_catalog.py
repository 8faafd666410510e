"""Every shipped model file is what the catalog says."""

import hashlib
import json
from pathlib import Path


def test_catalog_matches_files(integration: Path) -> None:
    models = json.loads((integration / "onnx" / "catalog.json").read_text())["models"]
    files = {path.name: path for path in (integration / "onnx").glob("*.onnx")}
    rows = models.values() if isinstance(models, dict) else models

    assert files
    assert {row["file"] for row in rows} == set(files)
    for row in rows:
        data = files[row["file"]].read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
        assert len(data) == row["size"] <= 256 * 1024
