"""onnxruntime takes over only after a child process has survived it."""

import importlib.metadata
import importlib.util
import json
import os
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from custom_components.smartloop.inference import select
from custom_components.smartloop.inference.select import Choice, Probe, Reason, Survey, judge, probe

SITE = [path for path in sys.path if path.endswith("site-packages")]

CRASHES = {
    "segmentation fault": ("import ctypes; ctypes.string_at(0)", Reason.SELFTEST_CRASHED, "SIGSEGV"),
    "illegal instruction": (
        "import os, signal; os.kill(os.getpid(), signal.SIGILL)",
        Reason.SELFTEST_CRASHED,
        "SIGILL",
    ),
    "abort": ("import os; os.abort()", Reason.SELFTEST_CRASHED, "SIGABRT"),
    "import error": ("raise ImportError('libfoo.so is not there')", Reason.SELFTEST_IMPORT_ERROR, "libfoo.so"),
    "any error": ("raise RuntimeError('no such cpu')", Reason.SELFTEST_IMPORT_ERROR, "no such cpu"),
    "empty module": ("", Reason.SELFTEST_IMPORT_ERROR, "__version__"),
    "silent exit": ("import os; os._exit(3)", Reason.SELFTEST_FAILED, "exit status 3"),
    "strange answer": ("import os; print('[1]', flush=True); os._exit(0)", Reason.SELFTEST_FAILED, "exit status 0"),
}

FAKE = """
import numpy
__version__ = "1.28.0"
print("noise on standard output")
class SessionOptions:
    def add_session_config_entry(self, *_): pass
class GraphOptimizationLevel: ORT_ENABLE_BASIC = 1
class ExecutionMode: ORT_SEQUENTIAL = 0
class InferenceSession:
    def __init__(self, data, sess_options, providers): pass
    def disable_fallback(self): pass
    def run(self, names, inputs): return [numpy.full((1, 1), {value}, numpy.float32)]
"""


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    """Return a module search path whose onnxruntime is ours to write."""
    return [str(tmp_path), *SITE, *[path for path in sys.path if path not in SITE]]


def fake(tmp_path: Path, code: str) -> None:
    (tmp_path / "onnxruntime.py").write_text(code)


@pytest.mark.parametrize(("code", "reason", "detail"), CRASHES.values(), ids=CRASHES)
def test_a_child_that_fails_gives_its_reason(
    tmp_path: Path, paths: list[str], code: str, reason: Reason, detail: str
) -> None:
    fake(tmp_path, code)
    result = probe(paths)

    assert result.reason is reason
    assert detail in result.detail


def test_a_child_that_hangs_is_ended_with_all_it_started(tmp_path: Path, paths: list[str]) -> None:
    note = tmp_path / "pids"
    fake(
        tmp_path,
        "import os, subprocess, time; other = subprocess.Popen(['sleep', '60']); "
        f"open({str(note)!r}, 'w').write(f'{{os.getpid()}} {{other.pid}}'); time.sleep(60)",
    )

    assert probe(paths, limit=2) == Probe(reason=Reason.SELFTEST_TIMEOUT, detail="2 s")
    child, grandchild = (int(pid) for pid in note.read_text().split())
    assert not running(child)
    assert not running(grandchild)


def running(pid: int) -> bool:
    """Return whether a process still does something; what only waits to be reaped does not."""
    for _ in range(50):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return False
        except OSError:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize("value", ["0.123", "numpy.nan"])
def test_wrong_numbers_are_noticed(tmp_path: Path, paths: list[str], value: str) -> None:
    fake(tmp_path, FAKE.replace("{value}", value))

    assert probe(paths).reason is Reason.SELFTEST_MISMATCH


def test_a_file_onnxruntime_refuses_is_a_failure(tmp_path: Path, paths: list[str]) -> None:
    fake(tmp_path, FAKE.replace("sess_options, providers): pass", "sess_options, providers): raise ValueError('no')"))

    assert probe(paths).reason is Reason.SELFTEST_FAILED


def test_the_child_sees_little_and_leaves_nothing(
    tmp_path: Path, paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPERVISOR_TOKEN", "secret")
    report = tmp_path / "report.json"
    fake(
        tmp_path,
        f"import json, os; open('litter', 'w').close(); "
        f"open({str(report)!r}, 'w').write(json.dumps([dict(os.environ), os.getcwd()])); raise ImportError",
    )
    probe(paths)
    environment, folder = json.loads(report.read_text())

    assert environment["ORT_DISABLE_TELEMETRY"] == "1"
    assert "SUPERVISOR_TOKEN" not in environment
    assert set(environment) <= {
        *("HOME", "LANG", "LC_CTYPE", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "ORT_DISABLE_TELEMETRY", "PATH", "TMPDIR"),
    }
    assert environment["HOME"] == folder
    assert not Path(folder).exists()


@pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is None, reason="onnxruntime is not installed here")
def test_a_healthy_onnxruntime_is_healthy() -> None:
    assert probe() == Probe(reason=Reason.HEALTHY)


def test_a_signal_without_a_name_has_a_number() -> None:
    assert select._answer(-99, b"") == Probe(reason=Reason.SELFTEST_CRASHED, detail="signal 99")


def test_without_an_interpreter_there_is_no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    assert probe().reason is Reason.SELFTEST_FAILED
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert probe().reason is Reason.SELFTEST_FAILED


def found(version: str | None = "1.28.0", *, musl: bool = False, telemetry: str = "none") -> Survey:
    return Survey(musl=musl, version=version, telemetry=telemetry)


FOREIGN = "not_under_our_control"


@pytest.mark.parametrize(
    ("choice", "survey", "reason"),
    [
        (Choice.AUTOMATIC, found(musl=True, version=None), Reason.MUSL_PLATFORM),
        (Choice.ONNXRUNTIME, found(musl=True, version=None), Reason.MUSL_PLATFORM),
        (Choice.BUILTIN, found(), Reason.USER_CHOICE),
        (Choice.BUILTIN, found(musl=True), Reason.USER_CHOICE),
        (Choice.AUTOMATIC, found(None), Reason.NOT_INSTALLED),
        (Choice.ONNXRUNTIME, found(None), Reason.NOT_INSTALLED),
        (Choice.AUTOMATIC, found("1.27.2"), Reason.VERSION_UNSUPPORTED),
        (Choice.AUTOMATIC, found("1.29.0"), Reason.VERSION_UNSUPPORTED),
        (Choice.ONNXRUNTIME, found("2.0.0"), Reason.VERSION_UNSUPPORTED),
        (Choice.AUTOMATIC, found("of my own"), Reason.VERSION_UNSUPPORTED),
        (Choice.AUTOMATIC, found("1.28.0"), None),
        (Choice.AUTOMATIC, found("1.31.1", telemetry="disabled"), None),
        (Choice.ONNXRUNTIME, found("1.31.1"), None),
        (Choice.AUTOMATIC, found("1.31.1", telemetry=FOREIGN), Reason.TELEMETRY_ELSEWHERE),
        (Choice.ONNXRUNTIME, found("1.31.1", telemetry=FOREIGN), None),
    ],
)
def test_the_table_of_choices(choice: Choice, survey: Survey, reason: Reason | None) -> None:
    assert judge(choice, survey) is reason


def test_musl_is_noticed_without_asking_for_onnxruntime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(select, "platform_tags", lambda: iter(["musllinux_1_2_x86_64", "linux_x86_64"]))
    monkeypatch.setattr(select, "_version", lambda: pytest.fail("asked"))

    assert select.survey() == Survey(musl=True, version=None, telemetry="none")


@pytest.mark.parametrize(
    ("version", "elsewhere", "telemetry"),
    [
        (None, False, "none"),
        ("1.28.0", True, "none"),
        ("1.29.0", False, "disabled"),
        ("1.31.1", True, "not_under_our_control"),
        ("of my own", True, "not_under_our_control"),
    ],
)
def test_telemetry_is_told_as_it_is(
    monkeypatch: pytest.MonkeyPatch, version: str | None, *, elsewhere: bool, telemetry: str
) -> None:
    monkeypatch.setattr(select, "platform_tags", lambda: iter(["manylinux_2_28_x86_64"]))
    monkeypatch.setattr(select, "_version", lambda: version)
    monkeypatch.setattr(select, "STARTED_ELSEWHERE", elsewhere)

    assert select.survey() == Survey(musl=False, version=version, telemetry=telemetry)


def test_what_is_in_memory_counts_more_than_what_is_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = ModuleType("onnxruntime")
    loaded.__version__ = "1.30.7"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "onnxruntime", loaded)

    assert select.survey().version == "1.30.7"


def test_what_is_not_installed_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    monkeypatch.setattr(importlib.metadata, "version", absent)

    assert select.survey().version is None


KEY = select.record_key("1.28.0", "a" * 64)


@pytest.mark.parametrize("reason", [Reason.HEALTHY, Reason.SELFTEST_CRASHED, Reason.SELFTEST_MISMATCH])
def test_lasting_results_are_remembered(reason: Reason) -> None:
    result = Probe(reason=reason, detail="SIGILL")
    record = json.loads(json.dumps(select.settled(KEY, result)))

    assert select.recall(record, KEY) == result


@pytest.mark.parametrize("reason", [Reason.SELFTEST_TIMEOUT, Reason.SELFTEST_IMPORT_ERROR, Reason.IMPORT_FAILED])
def test_passing_results_are_not_remembered(reason: Reason) -> None:
    assert select.recall(select.settled(KEY, Probe(reason=reason)), KEY) is None


def test_a_start_that_was_interrupted_is_remembered() -> None:
    assert select.recall(select.probing(KEY), KEY) == Probe(reason=Reason.PROBING_INTERRUPTED)


@pytest.mark.parametrize(
    "record",
    [
        None,
        {},
        {"key": KEY},
        {"key": KEY, "state": "settled", "reason": "unheard_of"},
        {"key": KEY, "state": "settled", "reason": "install_failed"},
        {"key": KEY, "state": "settled", "reason": ["healthy"]},
        select.settled(select.record_key("1.31.1", "a" * 64), Probe(reason=Reason.HEALTHY)),
        select.probing(select.record_key("1.28.0", "b" * 64)),
    ],
)
def test_other_records_say_nothing(record: dict[str, object] | None) -> None:
    assert select.recall(record, KEY) is None


def test_the_key_names_version_machine_kernel_and_model() -> None:
    assert KEY.split("|") == ["1.28.0", os.uname().machine, os.uname().release, "a" * 64]
