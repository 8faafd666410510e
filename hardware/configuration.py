"""Every ESPHome configuration of the boards, validated by ESPHome itself."""

import base64
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

HARDWARE: Final = Path(__file__).resolve().parent
ESPHOME: Final = HARDWARE / ".venv" / "bin" / "esphome"
BOARDS: Final = ("mold_node", "dust_node", "leak_node", "bed_node", "inhaler_sleeve", "hub")
_AT_ONCE: Final = 2


def configurations() -> tuple[str, ...]:
    """Return what ESPHome can build, relative to this folder; files are named after their board."""
    return tuple(
        str(path.relative_to(HARDWARE))
        for board in BOARDS
        for path in sorted((HARDWARE / board).glob(f"{board.replace('_', '-')}*.yaml"))
    )


def example_secrets() -> str:
    """Return the secrets example, filled in with keys nobody knows."""
    values = {
        "wifi_ssid": "example",
        "wifi_password": secrets.token_urlsafe(12),
        "api_key": base64.b64encode(secrets.token_bytes(32)).decode(),
        "bthome_key": secrets.token_hex(16),
        "smartloop_key": secrets.token_hex(16),
    }
    lines = (HARDWARE / "secrets.example.yaml").read_text(encoding="utf-8").splitlines()
    return "\n".join(_filled(line, values) for line in lines) + "\n"


def _filled(line: str, values: Mapping[str, str]) -> str:
    name, colon, empty = line.partition(":")
    return f'{name}: "{values[name]}"' if colon and empty.strip() == '""' else line


def check(names: Iterable[str], instead: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what ESPHome has against each configuration: errors and warnings, nothing when it has none.

    `instead` are contents to try in place of (or beside) the files that are there.
    """
    with tempfile.TemporaryDirectory(prefix="smartloop-hardware-") as folder:
        # A copy, so that nobody's secrets are read and no build folder appears beside the sources.
        tree = Path(folder)
        for each in (*BOARDS, "common", "components"):
            shutil.copytree(HARDWARE / each, tree / each, ignore=shutil.ignore_patterns(".esphome", "*.png", "*.svg"))
        for name, content in (dict(instead or {}) | {"secrets.yaml": example_secrets()}).items():
            (tree / name).write_text(content, encoding="utf-8")
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return dict(pool.map(lambda name: (name, _complaint(tree / name)), names))


def _complaint(path: Path) -> str:
    done = subprocess.run([ESPHOME, "config", path], capture_output=True, text=True, check=False)
    warnings = "\n".join(line for line in done.stderr.splitlines() if "WARNING" in line or "ERROR" in line)
    return warnings if done.returncode == 0 else f"{done.stdout[-2000:]}\n{warnings}"
