"""Which engine runs the models here, and why.

Nothing in this file installs, stores or decides when; the runtime does. It only looks, tries in
a child process, and gives reasons.
"""

import importlib
import importlib.metadata
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from packaging.specifiers import SpecifierSet
from packaging.tags import platform_tags
from packaging.version import InvalidVersion, Version

from .ort_engine import STARTED_ELSEWHERE, SWITCH, OrtEngine

REQUIREMENT: Final = "onnxruntime==1.28.0"
"""The newest with a wheel for CPython 3.14 and no telemetry in it."""
ACCEPTED: Final = SpecifierSet(">=1.28.0,!=1.29.0,<2")
FIRST_WITH_TELEMETRY: Final = Version("1.29.0")
TIME_LIMIT: Final = 60.0
"""s for the child's self-test; half a second is usual."""

type Record = dict[str, str]

# Named, because 3.14 lets the formatter drop the brackets that 3.13 needs.
_MALFORMED = (KeyError, TypeError, ValueError)


class Choice(StrEnum):
    """What the owner picked."""

    AUTOMATIC = "automatic"
    BUILTIN = "builtin"
    ONNXRUNTIME = "onnxruntime"


class Reason(StrEnum):
    """Why the engine in use is in use."""

    PENDING = "pending"
    HEALTHY = "healthy"
    USER_CHOICE = "user_choice"
    MUSL_PLATFORM = "musl_platform"
    NOT_INSTALLED = "not_installed"
    VERSION_UNSUPPORTED = "version_unsupported"
    TELEMETRY_ELSEWHERE = "telemetry_elsewhere"
    INSTALL_FAILED = "install_failed"
    INSTALL_SKIPPED = "install_skipped"
    SELFTEST_CRASHED = "selftest_crashed"
    SELFTEST_TIMEOUT = "selftest_timeout"
    SELFTEST_MISMATCH = "selftest_mismatch"
    SELFTEST_IMPORT_ERROR = "selftest_import_error"
    SELFTEST_FAILED = "selftest_failed"
    PROBING_INTERRUPTED = "probing_interrupted"
    IMPORT_FAILED = "import_failed"
    LOAD_FAILED = "load_failed"
    GOLDEN_MISMATCH = "golden_mismatch"
    ENGINE_BROKEN = "engine_broken"


UNHEALTHY: Final = frozenset(
    {
        Reason.SELFTEST_CRASHED,
        Reason.SELFTEST_TIMEOUT,
        Reason.SELFTEST_MISMATCH,
        Reason.SELFTEST_IMPORT_ERROR,
        Reason.SELFTEST_FAILED,
        Reason.PROBING_INTERRUPTED,
        Reason.IMPORT_FAILED,
        Reason.LOAD_FAILED,
        Reason.GOLDEN_MISMATCH,
    }
)
"""onnxruntime is there, but must not be used."""

UNAVAILABLE: Final = frozenset({Reason.INSTALL_FAILED, Reason.INSTALL_SKIPPED, Reason.VERSION_UNSUPPORTED})
"""onnxruntime was asked for, but is not to be had."""

_LASTING: Final = frozenset({Reason.HEALTHY, Reason.SELFTEST_CRASHED, Reason.SELFTEST_MISMATCH})
"""Results that only a new version, machine, kernel or model changes; a busy hour can cause the others."""

_RESULTS: Final[Mapping[str, Reason]] = {
    "ok": Reason.HEALTHY,
    "import_error": Reason.SELFTEST_IMPORT_ERROR,
    "mismatch": Reason.SELFTEST_MISMATCH,
}

_CHILD: Final = """
import json, sys, types
folder, sys.path[:] = sys.argv[1], json.loads(sys.argv[2])
package = types.ModuleType("smartloop_inference")
package.__path__ = [folder]
sys.modules["smartloop_inference"] = package
from smartloop_inference.selftest import main
main()
"""
"""Gives the inference a parent of its own: the integration's would import Home Assistant."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """What is here, found without importing onnxruntime."""

    musl: bool
    version: str | None
    """The installed or already imported onnxruntime."""
    telemetry: str
    """`none` (not in this version, or not installed), `disabled`, or `not_under_our_control`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """How onnxruntime did in the child process."""

    reason: Reason
    detail: str = ""
    """The signal or the error, for people."""


def survey() -> Survey:
    """Look around; reads files, so not for the event loop."""
    importlib.invalidate_caches()
    musl = any("musllinux" in tag for tag in platform_tags())
    version = None if musl else _version()
    return Survey(musl=musl, version=version, telemetry=_telemetry(version))


def _version() -> str | None:
    """Return the version in memory, else the one on disk."""
    loaded = getattr(sys.modules.get("onnxruntime"), "__version__", None)
    if isinstance(loaded, str):
        return loaded
    try:
        return importlib.metadata.version("onnxruntime")
    except importlib.metadata.PackageNotFoundError:
        return None


def _telemetry(version: str | None) -> str:
    """Return whether onnxruntime may talk to its maker from this process."""
    try:
        silent = version is None or Version(version) < FIRST_WITH_TELEMETRY
    except InvalidVersion:
        silent = False
    if silent:
        return "none"
    return "not_under_our_control" if STARTED_ELSEWHERE else "disabled"


def judge(choice: Choice, found: Survey) -> Reason | None:
    """Return why the built-in engine stays; None when onnxruntime deserves a try."""
    if choice is Choice.BUILTIN:
        return Reason.USER_CHOICE
    if found.musl:
        return Reason.MUSL_PLATFORM
    if found.version is None:
        return Reason.NOT_INSTALLED
    if not _accepted(found.version):
        return Reason.VERSION_UNSUPPORTED
    if choice is Choice.AUTOMATIC and found.telemetry == "not_under_our_control":
        return Reason.TELEMETRY_ELSEWHERE
    return None


def _accepted(version: str) -> bool:
    """Return whether a version is in range."""
    try:
        return ACCEPTED.contains(Version(version))
    except InvalidVersion:
        return False


def probe(paths: Sequence[str] | None = None, limit: float = TIME_LIMIT) -> Probe:
    """Try onnxruntime on the packaged model in a child process; blocks until it has answered.

    `paths` is the child's module search path, this process's own by default.
    """
    if not sys.executable:
        return Probe(reason=Reason.SELFTEST_FAILED, detail="this process does not know its interpreter")
    search = [str(Path(path).absolute()) for path in (sys.path if paths is None else paths)]
    folder = str(Path(__file__).resolve().parent)
    with tempfile.TemporaryDirectory(prefix="smartloop-") as home:
        command = [sys.executable, "-I", "-c", _CHILD, folder, json.dumps(search)]
        try:
            child = subprocess.Popen(  # noqa: S603  our own interpreter and our own text
                command,
                cwd=home,
                env=_environment(home),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as err:
            return Probe(reason=Reason.SELFTEST_FAILED, detail=str(err))
        with child:
            try:
                output, _ = child.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                # The whole group: a grandchild would keep the pipe open.
                os.killpg(child.pid, signal.SIGKILL)
                return Probe(reason=Reason.SELFTEST_TIMEOUT, detail=f"{limit:g} s")
    return _answer(child.returncode, output)


def _environment(home: str) -> dict[str, str]:
    """Return what the child gets to see: nothing of ours, and a home it may litter."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "PATH") if name in os.environ}
    return {**kept, "HOME": home, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "TMPDIR": home, SWITCH: "1"}


def _answer(status: int, output: bytes) -> Probe:
    """Return what exit status and last line mean."""
    if status < 0:
        return Probe(reason=Reason.SELFTEST_CRASHED, detail=_signal(-status))
    try:
        answer = json.loads(output.decode().strip().rsplit("\n", 1)[-1])
        result, detail = str(answer["result"]), str(answer["detail"])
    except _MALFORMED:
        return Probe(reason=Reason.SELFTEST_FAILED, detail=f"exit status {status} without an answer")
    return Probe(reason=_RESULTS.get(result, Reason.SELFTEST_FAILED), detail=detail)


def _signal(number: int) -> str:
    """Return a signal's name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


# What the runtime keeps between starts. It writes `probing(key)` before the child and the import
# in this process, and `settled(key, result)` or nothing after: a start that finds "probing" knows
# that the last one did not survive.


def record_key(version: str, sha256: str) -> str:
    """Return what a result holds for: onnxruntime, machine, kernel and self-test model."""
    return f"{version}|{platform.machine()}|{platform.release()}|{sha256}"


def probing(key: str) -> Record:
    """Return the record to write before a try."""
    return {"key": key, "state": "probing"}


def settled(key: str, result: Probe) -> Record:
    """Return the record to write after a try; empty when the result may be another one next time."""
    if result.reason not in _LASTING:
        return {}
    return {"key": key, "state": "settled", "reason": result.reason.value, "detail": result.detail}


def recall(record: Mapping[str, object] | None, key: str) -> Probe | None:
    """Return the remembered result for the key; None when there is none to rely on."""
    if not record or record.get("key") != key:
        return None
    if record.get("state") == "probing":
        return Probe(reason=Reason.PROBING_INTERRUPTED)
    reason = record.get("reason")
    if reason not in [lasting.value for lasting in _LASTING]:
        return None
    return Probe(reason=Reason(str(reason)), detail=str(record.get("detail", "")))


def open_onnxruntime() -> OrtEngine:
    """Import onnxruntime into this process; only after a healthy probe."""
    return OrtEngine()
