"""A real Home Assistant process in a folder of its own."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from .client import Client, log_in

ROOT = Path(__file__).resolve().parent.parent
USER, PASSWORD = "demo", "demo-home-1"
ANCHOR = "2016-02-14T20:30:00"
"""Shortly before an evening of showers in the recording."""
EVENING_HOUR = 20

# `default_config:` would bring what needs radios, raw sockets or the internet.
CONFIGURATION = """\
homeassistant:
  name: Demo home
  latitude: 50.51
  longitude: 3.73
  elevation: 60
  unit_system: metric
  time_zone: {time_zone}
  currency: EUR
  country: BE
  internal_url: http://127.0.0.1:{port}
  external_url: http://127.0.0.1:{port}
frontend:
config:
history:
logbook:
mobile_app:
my:
person:
recorder:
  commit_interval: 1
system_health:
webhook:
automation: !include automations.yaml
input_boolean:
  bathroom_fan:
    name: Bathroom fan
    icon: mdi:fan
logger:
  default: warning
  logs:
    homeassistant.bootstrap: info
    homeassistant.core: info
    custom_components.smartloop: info
"""

RECORDED_HOME = """\
recorded_home:
  csv: {csv}
  anchor: "{anchor}"
"""
"""A home as somebody recorded it: its rooms, sensors and past."""

RADIOS = """\
bluetooth:
"""
"""`Lab(extra=RADIOS)`: Bluetooth without an adapter, for proxies; ZHA, MQTT and ESPHome come by their config flows."""


class LabError(Exception):
    """The demo cannot go on; says why."""


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def evening_zone(now: datetime) -> str:
    """Return a time zone in which it is evening now, as it was in the recording."""
    offset = (EVENING_HOUR - now.hour + 12) % 24 - 12
    # POSIX signs: Etc/GMT-3 is three hours ahead of UTC.
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"


@dataclass(kw_only=True)
class Lab:
    """One configuration folder and the process that runs on it."""

    folder: Path
    port: int = field(default_factory=free_port)
    integration: Path = ROOT / "custom_components" / "smartloop"
    extra: str = ""
    """More YAML for the configuration."""
    recorded: bool = True
    """Whether the home has the recorded rooms; else it is empty."""
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Return the address of the process."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """Return the process's log file."""
        return self.folder / "lab.log"

    def prepare(self) -> None:
        """Write the configuration; a folder that was used before goes on where it stopped."""
        storage = self.folder / ".storage"
        storage.mkdir(parents=True, exist_ok=True)
        components = self.folder / "custom_components"
        components.mkdir(exist_ok=True)
        for source in (self.integration, ROOT / "demo" / "recorded_home"):
            link = components / source.name
            if not link.exists():
                link.symlink_to(source, target_is_directory=True)
        automations = self.folder / "automations.yaml"
        if not automations.exists():
            automations.write_text("[]\n", encoding="utf-8")
        (self.folder / "configuration.yaml").write_text(
            (CONFIGURATION + (RECORDED_HOME if self.recorded else "")).format(
                port=self.port,
                csv=ROOT / "demo" / "data" / "house.csv.gz",
                anchor=ANCHOR,
                time_zone=evening_zone(datetime.now(UTC)),
            )
            + self.extra,
            encoding="utf-8",
        )
        self._store(
            "http",
            3,
            {
                # `http:` in YAML would be a trial that Home Assistant reverts after five minutes.
                "stable": {
                    "server_host": ["127.0.0.1"],
                    "server_port": self.port,
                    "cors_allowed_origins": [],
                    "login_attempts_threshold": -1,
                    "ip_ban_enabled": True,
                    "ssl_profile": "intermediate_v6",
                    "use_x_frame_options": True,
                    "created_at": "2026-01-01T00:00:00+00:00",
                    "error": None,
                    "error_message": None,
                },
                "pending": None,
                "yaml_migration_done": True,
            },
        )

    def _store(self, key: str, version: int, data: Mapping[str, object]) -> None:
        content = {"version": version, "minor_version": 1, "key": key, "data": data}
        (self.folder / ".storage" / key).write_text(json.dumps(content), encoding="utf-8")

    async def seed_owner(self) -> None:
        """Make the owner's account and mark the onboarding as done."""
        if (self.folder / ".storage" / "onboarding").exists():
            return
        done = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "homeassistant", "--script", "auth", "-c", str(self.folder), "add", USER, PASSWORD,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, cwd=self.folder,
        )  # fmt: skip
        _, err = await done.communicate()
        if done.returncode:
            msg = f"the owner's account could not be made: {err.decode()[-500:]}"
            raise LabError(msg)
        self._store("onboarding", 4, {"done": ["user", "core_config", "analytics", "integration"]})

    async def start(self, timeout: float = 240.0, *, lapse: bool = False) -> None:
        """Start the process and wait until Home Assistant is up; `lapse` lets `accelerate` work."""
        env = dict(os.environ)
        env.pop("PYTHONPATH", None)
        if lapse:
            self._speed("x1")
            env |= {
                "LD_PRELOAD": str(faketime()),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_TIMESTAMP_FILE": str(self.folder / "speed"),
            }
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, str(ROOT / "demo" / "hass.py"), "-c", str(self.folder), "--skip-pip",
                stdout=log, stderr=log, env=env, start_new_session=True, cwd=self.folder,
            )  # fmt: skip
        mark = self.log.stat().st_size
        async with asyncio.timeout(timeout):
            while b"Home Assistant initialized" not in self.log.read_bytes()[mark:]:
                if self.process.returncode is not None:
                    msg = f"Home Assistant ended with {self.process.returncode}: {self.tail()}"
                    raise LabError(msg)
                await asyncio.sleep(0.25)

    def accelerate(self, speed: int) -> None:
        """Let the process's time run faster from here on; started at once so fast, it would time itself out."""
        self._speed(f"x{speed}")

    def _speed(self, speed: str) -> None:
        (self.folder / "speed").write_text(f"+0 {speed}\n", encoding="ascii")

    async def stop(self, sig: int = signal.SIGTERM) -> None:
        """End the process; SIGKILL pulls the plug."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(sig)
        try:
            await asyncio.wait_for(self.process.wait(), 60)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    async def client(self, user: str = USER, password: str = PASSWORD) -> Client:
        """Return a logged-in client."""
        return await Client.connect(self.url, await log_in(self.url, user, password))

    def tail(self, lines: int = 30) -> str:
        """Return the end of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def errors(self) -> list[str]:
        """Return what SmartLoop or its neighbours logged as an error about SmartLoop."""
        text = self.log.read_text(errors="replace").splitlines()
        return [line for line in text if "ERROR" in line and "smartloop" in line]

    def remove(self) -> None:
        """Forget the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def faketime() -> Path:
    """Return the library that makes a process's time run faster."""
    found = list(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        msg = "time cannot be accelerated: the package `faketime` is not installed"
        raise LabError(msg)
    return found[0]
