"""What hassfest and the Marketplace would say of the manifest, without a network."""

import json
import re
import struct
from pathlib import Path

from packaging.requirements import Requirement

REQUIRED = {"domain", "name", "codeowners", "documentation", "version", "iot_class", "issue_tracker"}
OPTIONAL = {
    "after_dependencies",
    "bluetooth",
    "config_flow",
    "dependencies",
    "dhcp",
    "import_executor",
    "integration_type",
    "loggers",
    "mqtt",
    "preview_features",
    "quality_scale",
    "requirements",
    "single_config_entry",
    "usb",
    "zeroconf",
}
HACS_KEYS = {
    "content_in_root",
    "country",
    "filename",
    "hacs",
    "hide_default_branch",
    "homeassistant",
    "name",
    "persistent_directory",
    "render_readme",
    "zip_release",
}


def test_manifest_keys_are_known_and_complete(integration: Path) -> None:
    manifest = json.loads((integration / "manifest.json").read_text())

    assert set(manifest) >= REQUIRED
    assert set(manifest) <= REQUIRED | OPTIONAL


def test_manifest_keys_are_in_order(integration: Path) -> None:
    keys = list(json.loads((integration / "manifest.json").read_text()))

    assert keys == ["domain", "name", *sorted(set(keys) - {"domain", "name"})]


def test_manifest_values(integration: Path) -> None:
    manifest = json.loads((integration / "manifest.json").read_text())

    assert manifest["domain"] == integration.name
    assert manifest["documentation"].startswith("https://")
    assert "home-assistant.io/integrations" not in manifest["documentation"]
    assert manifest["iot_class"] in {"calculated", "local_push", "local_polling"}
    assert all(re.fullmatch(r"@[\w-]+", owner) for owner in manifest["codeowners"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])


def test_only_numpy_is_required_and_as_a_range(integration: Path) -> None:
    requirements = json.loads((integration / "manifest.json").read_text())["requirements"]

    assert requirements == ["numpy>=2.3.2,<3"]
    assert all(" " not in each for each in requirements)
    assert Requirement(requirements[0]).specifier.contains("2.3.2")


def test_hacs_json(root: Path) -> None:
    hacs = json.loads((root / "hacs.json").read_text())

    assert set(hacs) <= HACS_KEYS
    assert hacs["name"]
    assert hacs["homeassistant"] == "2026.11.0"
    assert hacs["zip_release"] is True
    assert hacs["filename"] == "smartloop.zip"


def test_brand_icons_have_the_sizes_home_assistant_wants(integration: Path) -> None:
    for name, side in (("icon.png", 256), ("icon@2x.png", 512)):
        data = (integration / "brand" / name).read_bytes()
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">II", data[16:24]) == (side, side)


def test_licence_is_open(root: Path) -> None:
    text = (root / "LICENSE").read_text()

    assert "Apache License" in text
    assert "Version 2.0" in text
    assert 'license = "Apache-2.0"' in (root / "pyproject.toml").read_text()


def test_the_papers_a_user_looks_for_are_there(root: Path) -> None:
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs/ARCHITECTURE.md"):
        assert len((root / name).read_text()) > 400, name
    assert len(list((root / "docs" / "adr").glob("[0-9][0-9][0-9]-*.md"))) >= 5
