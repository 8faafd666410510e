"""Recorded and made-up households through `script/replay`: what people would be told."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SCRIPT = ROOT / "script" / "_replay.py"
TRACES = sorted(path.stem for path in (HERE / "traces").glob("*.jsonl"))
FIELDS = ["t", "key", "severity", "room", "person", "source", "state", "evidence", "text"]


def replay(trace: Path, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(trace), *options],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | env,
    )


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def decisions(name: str) -> list[dict[str, Any]]:
    done = replay(HERE / "traces" / f"{name}.jsonl", "--json")
    assert done.returncode == 0, done.stderr
    return records(done.stdout)


def told(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["key"], each["state"]) for each in found]


def test_there_are_traces_with_a_golden_each() -> None:
    assert TRACES
    assert sorted(path.stem for path in (HERE / "golden").glob("*.jsonl")) == TRACES


@pytest.mark.parametrize("name", TRACES)
def test_what_is_said_is_what_was_said(name: str) -> None:
    """To make the goldens anew: .venv/bin/python tests/replay/make_traces.py --golden."""
    done = replay(HERE / "traces" / f"{name}.jsonl", "--json")
    golden = records((HERE / "golden" / f"{name}.jsonl").read_text("utf-8"))
    found = records(done.stdout)

    assert done.returncode == 0
    assert done.stderr == (HERE / "golden" / f"{name}.err").read_text("utf-8")
    assert [list(each) for each in found] == [FIELDS] * len(golden)
    for each, wanted in zip(found, golden, strict=True):
        # Another processor may round the last digits of a number otherwise.
        numbers, others = each.pop("evidence"), wanted.pop("evidence")
        assert each == wanted
        assert [item["name"] for item in numbers] == [item["name"] for item in others]
        for number, other in zip(numbers, others, strict=True):
            assert number == {k: v if isinstance(v, str) or v is None else pytest.approx(v) for k, v in other.items()}


# What must hold whatever the goldens say.


def test_a_damp_bathroom_is_to_be_aired_after_every_shower() -> None:
    found = decisions("damp_bathroom_winter")

    assert {each["key"] for each in found} == {"mold.ventilate"}
    raised = [each["t"] for each in found if each["state"] == "raised"]
    assert [(at[8:10], at[11:13]) for at in raised] == [("12", "07"), ("12", "22"), ("13", "07")]
    # Somebody opened the window at 7:45 on the second day.
    assert found[-1]["state"] == "cleared"
    assert found[-1]["t"].startswith("2026-01-13T07:4")


def test_a_dry_home_is_left_alone() -> None:
    assert decisions("dry_home") == []


def test_wetter_air_is_never_let_in() -> None:
    keys = {each["key"] for each in decisions("wetter_outside")}

    assert keys
    assert keys <= {"mold.heat", "mold.dehumidify", "mold.growth"}


def test_wrong_raises_the_bar_for_the_same_air() -> None:
    assert told(decisions("wrong_raises_the_bar")) == [
        ("mold.ventilate", "raised"),
        ("mold.ventilate", "cleared"),
        ("mold.ventilate", "shadow"),
    ]


def test_a_dead_sensor_raises_nothing_and_lets_what_stands_expire() -> None:
    found = decisions("sensor_gap")
    gap = [each for each in found if "T07" <= each["t"][10:13] < "T20"]

    assert [each["state"] for each in gap] == ["cleared"]
    assert found[-1]["state"] == "raised"
    assert found[-1]["t"] > "2026-01-12T20"


def test_every_decision_about_a_real_bathroom_is_in_order_and_in_words() -> None:
    found = decisions("recorded_bathroom")

    assert found
    assert [each["t"] for each in found] == sorted(each["t"] for each in found)
    for each in found:
        assert each["room"] == "bath"
        assert each["text"]
        assert "{" not in each["text"]
        assert each["evidence"]
    standing: set[str] = set()
    for each in found:
        assert (each["key"] in standing) == (each["state"] == "cleared")
        standing ^= {each["key"]}


# The command.


def test_the_same_trace_gives_the_same_output() -> None:
    trace = HERE / "traces" / "damp_bathroom_winter.jsonl"
    first, second = (replay(trace, "--json", PYTHONHASHSEED=seed) for seed in ("1", "2"))

    assert first.stdout == second.stdout


def test_it_needs_no_home_assistant(tmp_path: Path) -> None:
    for name in ("homeassistant", "probatio", "voluptuous", "aiohttp"):
        (tmp_path / f"{name}.py").write_text(f"raise ImportError({name!r})\n")

    done = replay(HERE / "traces" / "bad_lines.jsonl", "--json", PYTHONPATH=str(tmp_path))

    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_without_json_it_is_readable() -> None:
    done = replay(HERE / "traces" / "bad_lines.jsonl")

    (line,) = done.stdout.splitlines()
    assert line.startswith("2026-01-12 00:20 raised   advice   mold.ventilate")
    assert done.stdout == done.stdout.replace("{", "")


HEADER = b'{"trace": 1, "household": {"timezone": "UTC", "rooms": [{"id": "bath"}]}}\n'


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "line 1: the trace is empty"),
        (b'{"trace": 7, "household": {"timezone": "UTC"}}\n', "line 1: "),
        (b'{"trace": 1, "household": {"timezone": "Mars/Olympus"}}\n', "line 1: "),
        (b"{\n", "line 1: not JSON"),
        (HEADER + b'\n{"t": \n', "line 3: not JSON"),
        (HEADER + b"\xff\xfe\n", "line 2: not JSON"),
    ],
)
def test_a_broken_trace_ends_with_status_2(tmp_path: Path, content: bytes, complaint: str) -> None:
    trace = tmp_path / "trace.jsonl"
    trace.write_bytes(content)

    done = replay(trace, "--json")

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"replay: {complaint}")
    assert "Traceback" not in done.stderr


def test_a_refused_value_does_not_end_it(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    trace.write_bytes(
        HEADER + b'{"t": "2026-01-10T08:00:00Z", "measurand": "co2", "value": -4, "unit": "ppm", "room": "bath"}\n'
    )

    done = replay(trace)

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "replay: line 2: co2 of -4 ppm is outside 200 to 40000\n"


def test_a_missing_trace_or_argument_ends_with_status_2(tmp_path: Path) -> None:
    missing = replay(tmp_path / "none.jsonl")
    nothing = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False)

    assert missing.returncode == nothing.returncode == 2
    assert "none.jsonl" in missing.stderr
    assert "Traceback" not in missing.stderr + nothing.stderr


def test_decades_between_two_lines_pass_quickly(tmp_path: Path) -> None:
    damp = (HERE / "traces" / "bad_lines.jsonl").read_text("utf-8")
    trace = tmp_path / "trace.jsonl"
    trace.write_text(damp + damp.splitlines()[-1].replace("2026-", "2086-") + "\n", "utf-8")

    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(trace), "--json"], capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == 0
    assert told(records(done.stdout))[:2] == [("mold.ventilate", "raised"), ("mold.ventilate", "cleared")]


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_the_script_is_run_from_anywhere(tmp_path: Path) -> None:
    trace = tmp_path / "my trace.jsonl"
    shutil.copy(HERE / "traces" / "bad_lines.jsonl", trace)

    done = subprocess.run(
        [str(ROOT / "script" / "replay"), "my trace.jsonl", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert len(records(done.stdout)) == 1


def test_ailing_devices_are_told_of_once_each_and_again_when_they_are_well() -> None:
    found = decisions("ailing_devices")

    assert told(found) == [
        ("device.silent", "raised"),
        ("device.silent", "cleared"),
        ("device.battery", "raised"),
        ("device.battery", "cleared"),
    ]
    silent, _, battery, _ = found
    assert silent["source"] == "zigbee:leak"
    # It was last heard at 22:42 and speaks every two hours: three of them, not the 25 h of a timer.
    assert silent["t"] == "2026-02-01T05:03:00+01:00"
    assert silent["severity"] == "warning"
    assert battery["source"] == "zigbee:climate"
    left = next(item for item in battery["evidence"] if item["name"] == "battery_days_left")
    # 62 % on 12 January, 1.4 % a day: at 3 % on 23 February.
    assert left["lo"] < 11.0 < left["hi"]
