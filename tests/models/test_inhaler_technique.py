"""The technique workshop: made-up people, the firmware's own figures, recordings where there are any."""

import csv
import gzip
import json
import math
import subprocess
from pathlib import Path

import numpy as np
import pytest

from custom_components.smartloop.engine.features import technique
from custom_components.smartloop.engine.models.technique import TechniqueJudge
from custom_components.smartloop.engine.models.technique_rules import Step
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from hardware.simulator.esphome.firmware import HARDWARE
from onnx_models.export import FOLDER
from onnx_models.inhaler_technique import evaluate as workshop
from onnx_models.inhaler_technique import logs, sleeve
from onnx_models.inhaler_technique.maneuver import PRESS_S, maneuver
from onnx_models.inhaler_technique.people import FAMILIES, ORIGIN, person
from onnx_models.inhaler_technique.recordings import recordings
from onnx_models.inhaler_technique.samples import cases, done, group, seen
from onnx_models.inhaler_technique.score import Engine, figures, tallies
from onnx_models.inhaler_technique.sensor import BOARD_HERTZ, FAULTS, board, record, sensors
from onnx_models.inhaler_technique.train import train
from tests.hardware.conftest import compiled  # noqa: F401  its fixture
from tests.hardware.toolchain import Compile


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make do with few people, for time."""
    monkeypatch.setattr(workshop, "FAR_PEOPLE", range(1000, 1003))
    monkeypatch.setattr(workshop, "FAULT_PEOPLE", range(2000, 2001))
    monkeypatch.setattr(workshop, "FAULT_PUFFS", 1)
    monkeypatch.setattr(workshop, "FAULT_IDLE", 0)
    monkeypatch.setattr(workshop, "PLAIN_PEOPLE", range(3000, 3001))


def put(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def rig(folder: Path, people: int, puffs: int) -> None:
    """Write made-up recordings as a rig would."""
    labels: list[dict[str, object]] = []
    for number in range(people):
        somebody = person("plain", 700 + number, 5)
        rows: list[dict[str, object]] = []
        for puff in range(puffs):
            made = maneuver(somebody, puff, 5)
            trace = record(made, sensors(made), 5, puff)
            assert trace.acceleration is not None
            assert trace.flow is not None
            for at, (x, y, z), flow in zip(trace.at, trace.acceleration, trace.flow, strict=True):
                rows.append(
                    {
                        "maneuver": puff,
                        "t_s": f"{at + 1000:.3f}",
                        "ax_g": f"{x:.3f}",
                        "ay_g": f"{y:.3f}",
                        "az_g": f"{z:.3f}",
                        "flow_lpm": "" if math.isnan(flow) else f"{flow:.1f}",
                    }
                )
            labels.append(
                {
                    "person": f"p{number}",
                    "maneuver": puff,
                    "pressed": 1,
                    "press_s": PRESS_S + 1000,
                    "shake_s": made.truth.shake_s,
                    "tilt_deg": made.truth.tilt_deg,
                    "offset_s": made.truth.offset_s,
                    "peak_lpm": made.truth.peak_lpm,
                    "hold_s": "",
                }
            )
        put(folder / "recordings" / f"p{number}.csv.gz", rows)
    put(folder / "recordings" / "labels.csv.gz", labels)


def test_people_and_puffs_are_the_same_each_time_and_differ_otherwise() -> None:
    one, again = (maneuver(person("far", 3, 1), 2, 1) for _ in range(2))
    assert one.truth == again.truth
    assert np.array_equal(one.acceleration, again.acceleration)
    assert maneuver(person("far", 3, 1), 3, 1).truth != one.truth
    assert person("far", 3, 2) != person("far", 3, 1)


def test_every_range_says_where_it_is_from_and_shifts_reach_beyond() -> None:
    for family in FAMILIES.values():
        assert set(family) == set(ORIGIN)
        assert all(low <= high for low, high in family.values())
    beyond = [
        name
        for name, (low, high) in FAMILIES["far"].items()
        if low < FAMILIES["plain"][name][0] or high > FAMILIES["plain"][name][1]
    ]
    assert len(beyond) > 15


def test_the_firmware_says_the_same(compiled: Compile) -> None:  # noqa: F811  the fixture
    """The sleeve of the workshop against the sleeve's own C++."""
    program = compiled("puffs", HARDWARE / "components" / "smartloop_sleeve")
    wholes = done(group("plain", range(4), 3), 3, 0, 3)
    boards = [board(whole, sensors(whole), 3, number) for number, whole in wholes]
    found = sleeve.sensed([each for each, _ in boards], [flow for _, flow in boards])
    for (acceleration, flow), ours in zip(boards, found, strict=True):
        lines = [
            (1000.0 * k / BOARD_HERTZ, f"m {1000.0 * k / BOARD_HERTZ:.0f} {x:.5f} {y:.5f} {z:.5f}")
            for k, (x, y, z) in enumerate(acceleration)
        ]
        lines += [(1000.0 * PRESS_S + 0.5, f"p {1000.0 * PRESS_S:.0f}")]
        lines += [(40.0 * k + 1.0, f"f {max(40.0 * k, 0):.0f} {value:.3f}") for k, value in enumerate(flow)]
        text = "\n".join(["has switch", "c 0 1", *(line for _, line in sorted(lines))]) + "\n"
        said = subprocess.run(program, input=text, capture_output=True, text=True, check=True).stdout
        theirs = json.loads(said.splitlines()[0])
        assert ours.shake_s == pytest.approx(theirs["shake_s"], abs=0.25)
        assert ours.tilt_deg == pytest.approx(theirs["tilt_deg"], abs=2.5)
        assert ours.peak_flow_lpm == pytest.approx(theirs["peak"], abs=2.5)


def test_made_up_truth_is_what_the_features_see() -> None:
    """A sanity check of simulator and features against each other, on people like those who teach."""
    found = cases(group("plain", range(400, 406), 1), 5, 0, 1)
    tilts, offsets = [], []
    for each in found:
        rows = each.rows(each.place)
        tilt, timing = rows[Step.ORIENTATION], rows[Step.COORDINATION]
        assert not isinstance(tilt, str)
        tilts.append(abs(tilt["tilt_deg"] - each.truth.tilt_deg))
        if not isinstance(timing, str):
            offsets.append(abs(timing["offset_s"] - each.truth.offset_s))
    assert np.mean(tilts) < 4.0
    assert np.median(offsets) < 0.1


def test_rows_of_the_workshop_are_those_of_the_engine() -> None:
    """What is scored by rows is what `judge_trace` says."""
    judge = TechniqueJudge(Catalog.open(FOLDER).load("inhaler_technique", NumpyEngine()))
    number, whole = done(group("far", range(9, 10), 1), 1, 0, 1)[0]
    (each,) = seen([(number, whole)], 1)
    said = judge.judge_trace(record(whole, sensors(whole), 1, number), explain=False)
    (place, *_) = Engine(judge).presses(each)
    assert said.press_s is not None
    assert each.motion is not None
    assert said.press_s == pytest.approx(each.motion.at[0] + place / technique.RATE)
    for step, verdict in Engine(judge).said("trace", each.rows(place), each.known).items():
        assert said.steps[step] == verdict


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_never_break_it_and_missing_channels_are_never_ok(fault: str) -> None:
    change, known = FAULTS[fault]
    judge = Engine(TechniqueJudge(Catalog.open(FOLDER).load("inhaler_technique", NumpyEngine())))
    found = seen(done(group("far", range(2), 4), 1, 1, 4), 4, change, calibrated=known)
    figures(tallies(found, judge))
    for each in found:
        said = judge.said("trace", each.rows(each.place), each.known)
        if fault == "no_flow":
            assert not any(said[step].measured for step in (Step.COORDINATION, Step.FLOW, Step.HOLD))
        if fault == "no_acceleration":
            assert not any(said[step].measured for step in (Step.SHAKE, Step.ORIENTATION, Step.HOLD))
            assert judge.presses(each) == []


@pytest.mark.usefixtures("small")
def test_evaluate_needs_no_data_and_says_it_is_simulated(tmp_path: Path) -> None:
    found = workshop.evaluate("inhaler_technique", tmp_path, NumpyEngine())
    assert found["n_subjects"] == 3
    assert found["metrics"]["sim_people"] == 3.0
    assert found["metrics"]["sim_trace_tilt_error_deg"] is not None
    assert found["metrics"]["log_people"] is None
    assert found["metrics"]["rig_people"] is None
    assert "SIMULATED" in found["notes"][0]
    columns = [found["metrics"], found["fallback"], found["float_model"], *found["baselines"].values()]
    assert all(list(each) == list(found["metrics"]) for each in columns)
    assert set(found["intervals"]) == set(found["metrics"])
    json.dumps(found, allow_nan=False)


@pytest.mark.usefixtures("small")
def test_recordings_are_scored_and_learned_without_each_person(tmp_path: Path) -> None:
    rig(tmp_path, people=4, puffs=12)
    put(tmp_path / "recordings" / "broken.csv.gz", [{"what": "no columns"}])
    (tmp_path / "recordings" / "torn.csv.gz").write_bytes(b"\x1f\x8b\x08")
    put(tmp_path / "aamos00" / "smartinhaler.csv.gz", [{"user_key": 1, "date": 2, "hour": 3, "name": "x"}] * 3)
    assert len(recordings(tmp_path)) == 48

    found = workshop.evaluate("inhaler_technique", tmp_path, NumpyEngine())
    assert found["metrics"]["rig_people"] == 4.0
    assert found["metrics"]["rig_puffs"] == 48.0
    assert found["metrics"]["rig_trace_hold_right"] is None
    assert (found["metrics"]["rig_trace_tilt_error_deg"] or 99.0) < 7.0
    assert (found["metrics"]["rig_press_f1"] or 0.0) > 0.8
    again = found["subgroups"]["recordings, learned without that person"]
    assert again["people"] == 4.0
    assert (found["metrics"]["log_puffs"], found["metrics"]["log_pauses_within_an_hour"]) == (3.0, 2.0)
    json.dumps(found, allow_nan=False)


def test_logs_by_the_hour_tell_no_pause(asthma: Path, tmp_path: Path) -> None:
    found = logs.figures(asthma)
    assert (found["log_puffs"] or 0.0) > 1000.0
    assert found["log_pauses_judged"] == 0.0
    assert found["log_second_puff_gap_s"] is None
    torn: dict[str, object] = {"user_key": "a", "date": "", "hour": "x", "name": ""}
    put(tmp_path / "smartinhaler.csv.gz", [torn])
    assert logs.figures(tmp_path)["log_people"] is None
    put(tmp_path / "smartinhaler.csv.gz", [torn, torn | {"date": 1, "hour": 2}])
    assert logs.figures(tmp_path)["log_puffs"] == 1.0


def test_training_gives_the_same_bytes(tmp_path: Path) -> None:
    files = []
    for name in ("one", "two"):
        folder = tmp_path / name
        (made,) = train(tmp_path, folder, None, teach=range(5), askew=range(200, 201), decide=range(4))
        files.append([made.read_bytes(), (folder / "inhaler_technique.float.onnx").read_bytes()])
    assert files[0] == files[1]
