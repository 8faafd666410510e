"""The workshop of reliever days: how a day is labelled, any folder of that layout, and the same bytes every time."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from custom_components.smartloop.engine.features.reliever import FEATURES, RATES
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from onnx_models.export import FOLDER
from onnx_models.reliever_day import fit
from onnx_models.reliever_day.diaries import people
from onnx_models.reliever_day.evaluate import HERE, evaluate
from onnx_models.reliever_day.train import train
from tests.models.command import evaluated

ASKED = "user_key,date,daily_night_symp,daily_day_symp,daily_limit_activity,daily_prev_inhaler,daily_relief_inhaler,daily_triggers"
AIR = "user_key,date,temperature,pm2_5,grass_pollen,tree_pollen,weed_pollen"


def put(folder: Path, table: str, header: str, rows: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.open(folder / f"{table}.csv.gz", "wt", encoding="utf-8", newline="") as file:
        file.write("\n".join([header, *rows, ""]))


def study(folder: Path, count: int = 4, length: int = 60) -> Path:
    """Write people who use their reliever in spells, some often, some hardly, with gaps in their diaries."""
    rng = np.random.default_rng(7)
    asked, sleeves, air, flows = [], [], [], []
    for person in range(count):
        name, used = f"new{person}", False
        for day in range(length):
            often = (person + 1) / (count + 1)
            used = used if rng.random() < 0.5 else bool(rng.random() < often)
            if rng.random() < 0.8:
                code = int(rng.choice([1, 3, 5])) if used else 0
                asked.append(f"{name},{day},{rng.random() < 0.1},{used},False,2,{code},1")
            if used and person % 2:
                sleeves.append(f"{name},{day},8,VENTOLIN")
            air.append(f"{name},{day},{rng.normal(10, 3):.1f},{rng.gamma(2, 4):.1f},Low,High,Low")
            flows.append(f"{name},{day},7,{rng.normal(400, 20):.0f},,True")
    put(folder / "other", "dailyquestionnaire", ASKED, asked)
    put(folder / "other", "smartinhaler", "user_key,date,hour,name", sleeves)
    put(folder / "other", "environment", AIR, air)
    put(folder / "other", "peakflow", "user_key,date,hour,pef_max,pefs,morning", flows)
    return folder


def test_a_silent_sleeve_proves_nothing_and_a_puff_proves_a_use(tmp_path: Path) -> None:
    put(
        tmp_path,
        "dailyquestionnaire",
        ASKED,
        ["7,1,True,,False,2,0,1", "7,2,,,,,3,", "7,4,,,,,0,", "7,5,,,,,,", "8,x,,,,,0,"],
    )
    put(tmp_path, "smartinhaler", "user_key,date,hour,name", ["7,3,9,Salamol", "7,4,9,VENTOLIN", "7,1,9,Fostair"])
    (person,) = people(tmp_path)
    days = {each.day: each for each in person.days}

    assert person.scored == (1, 2, 4)
    assert [days[day].used for day in (1, 2, 3, 4, 5)] == [False, True, True, True, None]
    assert [days[day].puffs for day in (1, 2, 3, 4, 5)] == [0.0, 3.5, 1.0, 1.0, None]
    assert (days[1].night, days[1].symptoms, days[1].limited) == (True, None, False)


def test_people_never_seen_are_scored(tmp_path: Path) -> None:
    report = evaluate("reliever_day", study(tmp_path), NumpyEngine())

    assert report["n_subjects"] == 4
    assert report["metrics"]["log_loss"] is not None
    assert "notes" not in report
    assert report["metrics"] == pytest.approx(report["float_model"], abs=0.01)
    assert json.loads(json.dumps(report)) == report


@pytest.mark.parametrize("kept", [(), ("dailyquestionnaire",), ("smartinhaler", "environment"), ("peakflow",)])
def test_what_cannot_be_scored_is_null(tmp_path: Path, kept: tuple[str, ...]) -> None:
    study(tmp_path, count=1)
    for path in tmp_path.rglob("*.csv.gz"):
        if path.name.removesuffix(".csv.gz") not in kept:
            path.unlink() if len(kept) < 2 else path.write_bytes(b"")
    report = evaluate("reliever_day", tmp_path, NumpyEngine())

    assert report["n_subjects"] == ("dailyquestionnaire" in kept)
    assert set(report["metrics"]) == set(report["fallback"])
    assert (report["metrics"]["log_loss"] is None) == ("dailyquestionnaire" not in kept)
    assert report["intervals"]["log_loss"] is None


def test_training_again_gives_the_same_bytes(tmp_path: Path) -> None:
    data = study(tmp_path / "data")
    first, second = (train(data, tmp_path / name, None) for name in ("one", "two"))

    assert first[0].read_bytes() == second[0].read_bytes()
    assert (tmp_path / "one" / "catalog.json").read_text() == (tmp_path / "two" / "catalog.json").read_text()


def test_the_card_is_of_people_left_out(tmp_path: Path) -> None:
    _, card = train(study(tmp_path / "data"), tmp_path / "out", tmp_path / "card")
    results = json.loads((tmp_path / "card" / "results.json").read_text())

    assert "leave one person out" in card.read_text().lower()
    assert results["evaluation"]["n_subjects"] == 4
    assert {each["metric"] for each in results["claims"]} == {"gain_over_week_rate", "auc", "ece"}
    assert results["evaluation"]["metrics"]["share_answered"] < 1.0


def test_two_people_are_too_few_to_choose_anything(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="three are needed"):
        train(study(tmp_path / "data", count=2), tmp_path / "out", None)


def test_the_fit_finds_what_is_there() -> None:
    rng = np.random.default_rng(2)
    x = np.full((4000, len(FEATURES)), np.nan)
    x[:, :2] = rng.normal(2.0, 3.0, (4000, 2))
    used = (rng.random(4000) < 1.0 / (1.0 + np.exp(-(x[:, 0] - 0.5 * x[:, 1] - 1.0)))).astype(np.float64)
    found = fit.fit([fit.Rows("a", x, used, np.zeros((4000, 2)))], RATES, 1e-3)

    slope = found.weight / found.std
    assert slope == pytest.approx([1.0, -0.5], abs=0.1)
    assert found.bias - float(slope @ found.mean) == pytest.approx(-1.0, abs=0.2)
    assert found.chance(x).mean() == pytest.approx(used.mean(), abs=1e-3)


def test_the_shipped_file_is_what_the_shared_diaries_teach(tmp_path: Path, asthma: Path) -> None:
    (path,) = train(asthma, tmp_path, None)

    assert path.read_bytes() == (FOLDER / path.name).read_bytes()
    assert Catalog.open(FOLDER).entries["reliever_day"].size < 64 * 1024


def test_the_command_line_scores_the_shared_diaries(asthma: Path) -> None:
    report = evaluated("reliever_day", asthma)

    assert report["n_subjects"] == 11
    assert report["notes"]
    # In sample; held out it is the card's to say, and the card's must win as well.
    assert report["metrics"]["log_loss"] < 0.95 * report["fallback"]["log_loss"]
    held_out = json.loads((HERE / "results.json").read_text())["evaluation"]["metrics"]
    assert held_out["gain_over_week_rate"] >= 0.05
    assert held_out["auc"] >= 0.8
    assert held_out["ece"] <= 0.05
