"""The workshop of room use: any folder of those layouts, names of rooms, honest shuffling, the same bytes."""

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from custom_components.smartloop.engine.models.routine import apart
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from onnx_models.export import FOLDER
from onnx_models.presence_routine import evaluate as scoring
from onnx_models.presence_routine import habits
from onnx_models.presence_routine.air import rooms
from onnx_models.presence_routine.evaluate import NAME, evaluate, subjects
from onnx_models.presence_routine.homes import homes, room_of
from onnx_models.presence_routine.households import household
from onnx_models.presence_routine.score import auc
from onnx_models.presence_routine.train import train
from tests.engine.lived import life

ROUTINES = Path(__file__).resolve().parents[3] / "shared" / "data" / "routines"


def pack(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        file.write("\n".join([*lines, ""]))


def time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def town(folder: Path, days: int = 6) -> Path:
    """Write homes in each layout and rooms with people counted."""
    for seed, name in enumerate(("kasteren_X", "mit_9")):
        rows = [f'{time(now.at)},60,"{room.title()},Door"' for room, now in life(days, seed)]
        pack(
            folder / "routines/some_homes" / f"{name}_sensors.csv.gz",
            ["start_local,duration_s,name", *rows, "nonsense", ",,"],
        )
    rows = [f"{time(now.at)},{time(now.at + 60)},Door,Magnetic,{room.title()}" for room, now in life(days, 5)]
    pack(
        folder / "routines/other_adl_homes/home_Z_sensors.csv.gz", ["start_local,end_local,location,type,place", *rows]
    )
    rows = [f"{time(now.at)}Z,{place % 2},," for place, (_, now) in enumerate(life(days, 6))]
    pack(folder / "humidity/sgh_zigbee_homes/home_0000_motion.csv.gz", ["time,occupancy,illuminance_lx", *rows])
    people = [(minute // 120) % 2 for minute in range(900)]
    co2 = 450.0 + 3.0 * np.convolve(people, np.exp(-np.arange(200) / 60.0))[: len(people)]
    rows = [
        f"{time(1e9 + 60 * minute)},{21 + 0.002 * (gas - 450):.2f},{40 + 0.01 * (gas - 450):.2f},{gas:.0f},{there}"
        for minute, (there, gas) in enumerate(zip(people, co2.tolist(), strict=True))
    ]
    for name in ("dataone", "datatwo"):
        pack(folder / f"air/office_occupancy_co2/{name}.csv.gz", ["time_local,temp_c,rh_pct,co2_ppm,occupied", *rows])
    return folder


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate few households: what is tested is not the figures."""
    monkeypatch.setattr(habits, "SHUFFLES", 1)
    monkeypatch.setattr(habits, "households", lambda *_: [household(each, 45) for each in range(2)])


def test_households_judged_are_not_those_looked_at() -> None:
    seeds = {home.seed for home in habits.households()}

    assert len(seeds) == habits.HOUSEHOLDS
    assert min(seeds) >= 30, "0 to 29 were looked at while the evidence was settled"


@pytest.mark.usefixtures("quick")
def test_homes_never_seen_are_scored(tmp_path: Path) -> None:
    report = evaluate(NAME, town(tmp_path) / "routines", NumpyEngine())

    assert report["n_subjects"] == 6
    assert report["metrics"]["log_loss"] is not None
    assert report["metrics"]["co2_log_loss"] is not None
    assert report["metrics"]["climate_log_loss"] is not None
    assert all(set(column) == set(report["metrics"]) for column in (report["fallback"], *report["baselines"].values()))
    assert report["metrics"]["log_loss"] == pytest.approx(report["float_model"]["log_loss"], abs=0.005)
    assert not any("in sample" in note for note in report["notes"])


@pytest.mark.usefixtures("quick")
def test_any_part_of_it_will_do(tmp_path: Path) -> None:
    """A folder of rooms, one home, a broken file, nothing: what cannot be scored is null."""
    town(tmp_path, days=3)
    air = evaluate(NAME, tmp_path / "air", NumpyEngine())
    assert (air["n_subjects"], air["metrics"]["log_loss"]) == (2, None)
    assert air["metrics"]["co2_accuracy"] is not None
    alone = tmp_path / "alone/routines"
    pack(alone / "mit_3_sensors.csv.gz", [])
    (alone / "mit_4_sensors.csv.gz").write_bytes(b"no gzip")
    nothing = evaluate(NAME, alone, NumpyEngine())
    assert nothing["n_subjects"] == 0
    assert {key for key, value in nothing["metrics"].items() if value is not None} <= set(scoring.SIMULATED)
    source = tmp_path / "routines/some_homes/mit_9_sensors.csv.gz"
    (alone / "mit_9_sensors.csv.gz").write_bytes(source.read_bytes())
    one = evaluate(NAME, alone, NumpyEngine())
    assert one["n_subjects"] == 1
    assert one["metrics"]["log_loss"] is not None
    assert one["intervals"]["log_loss"] is not None
    assert set(one["metrics"]) == set(nothing["metrics"]) == set(air["metrics"])


def test_a_minute_without_a_time_or_a_count_is_left_out(tmp_path: Path) -> None:
    start = "2031-01-01T00:00:00Z"
    rows = [f"{start},1,{at},20,40,{there}" for at, there in (("0", "0"), ("nan", "1"), ("inf", "1"), ("60", "nan"))]
    pack(tmp_path / "location_B_10s.csv.gz", ["start_utc,node,bin_s,temp_c,rh_pct,occupants", *rows])

    assert [len(stream) for room in rooms([tmp_path]) for stream in room.streams] == [1]


def test_a_use_without_an_end_does_not_last_for_ever(tmp_path: Path) -> None:
    rows = ["start_local,duration_s,name", "2031-01-01 08:00:00,inf,door", "2031-01-01 09:00:00,60,door"]
    pack(tmp_path / "mit_5_sensors.csv.gz", rows)

    assert homes(tmp_path)[0].days < 1.0


@pytest.mark.parametrize(
    ("sensor", "place", "room"),
    [
        ("Kitchen,Drawer F", "", "kitchen"),
        ("Living room,Lamp", "", "living room"),
        ("Bed", "Bedroom", "bedroom"),
        ("Hall-Bathroom door", "", "bathroom"),
        ("Hall-Toilet door", "", "toilet"),
        ("bed mat left pressure mat", "", "bedroom"),
        ("matt couch living room", "", "living"),
        ("front door reed", "", "entrance"),
        ("Washing machine", "", "laundry"),
        ("cabinet plates", "", "kitchen"),
        ("4", "", "4"),
    ],
)
def test_rooms_by_name(sensor: str, place: str, room: str) -> None:
    assert room_of(sensor, place) == room


def test_shuffled_days_keep_their_uses_but_no_hour(tmp_path: Path) -> None:
    house = homes(town(tmp_path, days=12) / "routines")[0]
    uses = habits.of_house(house)
    mixed = habits.shuffled(uses, np.random.default_rng(1))

    assert sorted(room for room, _ in mixed) == sorted(room for room, _ in uses)
    breakfasts = [now.minute for room, now in mixed if room == "bathroom"]
    assert sum(apart(minute, 420.0) < 60.0 for minute in breakfasts) < len(breakfasts) / 3


def test_a_household_is_the_same_for_the_same_seed() -> None:
    one, two = (list(household(3, 45).uses()) for _ in range(2))

    assert one == two
    assert all(earlier[1].at <= later[1].at + 86400.0 for earlier, later in pairwise(one))


def test_area_under_the_curve() -> None:
    outcome = np.array([False, True, False, True])
    assert auc(np.array([0.1, 0.9, 0.2, 0.8]), outcome) == 1.0
    assert auc(np.array([0.1, 0.1, 0.5, 0.5]), outcome) == 0.5
    assert np.isnan(auc(np.ones(2), np.ones(2, bool)))


def test_training_gives_the_same_bytes(tmp_path: Path) -> None:
    data = town(tmp_path / "data", days=4) / "routines"
    made = [train(data, tmp_path / name, None)[0].read_bytes() for name in ("one", "two")]

    assert made[0] == made[1]
    metadata = Catalog.open(tmp_path / "one").entries[NAME].metadata
    assert "kasteren_X" in metadata["trained_on"]


@pytest.mark.skipif(not ROUTINES.is_dir(), reason="the reference data is not here: shared/data/routines is absent")
def test_the_shared_homes_give_the_shipped_file(tmp_path: Path) -> None:
    (path,) = train(ROUTINES, tmp_path, None)

    assert path.read_bytes() == (FOLDER / path.name).read_bytes()
    places, counted = subjects(ROUTINES)
    assert {each.name for each in places} >= {"kasteren_A", "mit_1"}
    assert counted
