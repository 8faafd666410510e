"""The leak workshop: reading any homes, leaks put in as said, honest counts, a card beside what is measured."""

import gzip
import json
import math
import random
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from custom_components.smartloop.engine.features.water import HOUR, Draw
from custom_components.smartloop.engine.models.fixture import Fixture, Guess
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from onnx_models.leak_event import data, fixtures, score, simulate
from onnx_models.leak_event.card import write
from onnx_models.leak_event.data import DAY, Home
from onnx_models.leak_event.evaluate import BASELINES, evaluate, unseen
from onnx_models.leak_event.rules import RULES
from onnx_models.leak_event.train import train
from tests.models.command import evaluated

NAME = "leak_event"
DRAW = Draw(start=0.0, end=400.0, litres=40.0, peak=7.0, flowing_s=400.0, rough=0.1, readings=400)
T0 = datetime(2020, 1, 1, tzinfo=UTC).timestamp()


def home(days: int = 120, *, leak: tuple[float, float, float] = (0.0, 0.0, 0.0), seed: int = 1) -> Home:
    """Return a made-up home; `leak` is L/h from one day to another."""
    chance, used = random.Random(seed), 0.4
    at, total = [], []
    for hour in range(days * 24):
        awake = 7 <= hour % 24 <= 22
        used += chance.uniform(1.0, 60.0) if chance.random() < (0.7 if awake else 0.03) else 0.0
        used += leak[0] if leak[1] * 24 <= hour < leak[2] * 24 else 0.0
        at.append(T0 + hour * HOUR)
        total.append(float(math.floor(used)))
    return Home(name="made_up", at=np.array(at), total=np.array(total))


def put(path: Path, header: str, rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        file.write("\n".join([header, *rows, ""]))


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder laid out like the reference data, with households under names never seen."""
    folder = tmp_path_factory.mktemp("water")
    rows = []
    for number in (1, 2):
        place = home(seed=number)
        rows += [
            f"X{number},{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S},{total:.1f},0"
            for at, total in zip(place.at, place.total, strict=True)
        ]
    put(folder / "daiad_hourly_meters" / "meters_2031.csv.gz", "household,time_local,reading_l,use_l", rows)
    put(
        folder / "daiad_showers" / "showers.csv.gz",
        "household,trial,device,session.id,time_local,volume_l,temp_c,energy_wh,flow_l_min,duration_s",
        ["X1,A,D1,1,2031-01-01 08:00:00,40,38,1000,7,350", "X1,A,D1,2,2031-01-02 08:00:00,2,38,100,4,30"],
    )
    seconds = []
    for day in range(60):
        at = T0 + day * DAY
        for fixture, offset, took, flow in (("washbasin", 0, 20, 60), ("shower", 3600, 300, 120)):
            seconds += [
                f"{datetime.fromtimestamp(at + offset + s, UTC):%Y-%m-%dT%H:%M:%SZ},{fixture},{flow}"
                for s in range(took)
            ]
    put(folder / "weusedto_fixtures" / "flow_1s_nonzero.csv.gz", "time_utc,fixture,flow_ml_s", seconds)
    return folder


def test_what_is_missing_is_null(tmp_path: Path, made_up: Path) -> None:
    nothing = evaluate(NAME, tmp_path, NumpyEngine())
    assert {value for value in nothing["metrics"].values() if value} == set()
    assert set(nothing["metrics"]) == set(evaluate(NAME, made_up, NumpyEngine())["metrics"])
    (tmp_path / "daiad_showers").symlink_to(made_up / "daiad_showers")
    put(
        tmp_path / "daiad_hourly_meters" / "meters_cut.csv.gz",
        "household,time_local,reading_l,use_l",
        ["X9,,,", "X9,2031-01-01T00:00:00,x,", "X9,once,5,"],
    )
    (tmp_path / "daiad_hourly_meters" / "meters_empty.csv.gz").write_bytes(b"")
    report = evaluate(NAME, tmp_path, NumpyEngine())
    assert set(report["metrics"]) == set(evaluate(NAME, made_up, NumpyEngine())["metrics"])
    assert report["metrics"]["found_1lph_48h"] is None
    assert report["metrics"]["burst_home_years"] is None
    assert report["metrics"]["showers_named"] == 0.5


def test_a_leak_adds_what_it_says_and_nothing_before() -> None:
    place = home()
    leak = simulate.Leak(start=T0 + 50 * DAY, rate=1.0, phase=0.3)
    shown = simulate.with_leak(leak, place.at, place.total, 1.0)
    before = place.at <= leak.start
    assert np.array_equal(shown[before], place.total[before])
    assert shown[-1] - place.total[-1] == pytest.approx((place.at[-1] - leak.start) / HOUR, abs=1.0)
    assert np.all(shown == np.floor(shown))
    cycle = simulate.Leak(start=leak.start, rate=2.0, shape=simulate.Shape.CYCLE)
    assert set(np.diff(simulate.leaked(cycle, place.at))) == {0.0, simulate.REFILL}


def test_leaks_are_the_same_each_time() -> None:
    assert simulate.leaks(home(), 7) == simulate.leaks(home(), 7)
    assert simulate.leaks(home(), 7) != simulate.leaks(home(), 8)


def test_clean_homes_and_nonstop_days_are_told_apart() -> None:
    assert data.clean(home())
    assert not data.nonstop(home())
    leaking = home(leak=(3.0, 60.0, 70.0))
    (run,) = data.nonstop(leaking)
    assert (run[0] - T0) / DAY == pytest.approx(60.0, abs=0.8)
    assert (run[1] - T0) / DAY == pytest.approx(70.0, abs=0.8)
    assert not data.clean(leaking)


def test_an_alarm_in_a_clean_home_counts_as_false_and_injected_leaks_as_found() -> None:
    found = score.block(home(), "model", 1)
    assert (found.clean, found.spotless, found.alarms) == (True, True, 0)
    metrics = score.figures([found])
    assert metrics["found_1lph_48h"] is not None
    assert metrics["found_1lph_48h"] >= 0.6
    assert metrics["found_1lph_14d"] == 1.0
    assert metrics["found_0.5lph_14d"] == 1.0
    assert metrics["false_per_clean_year"] == 0.0
    real = score.block(home(leak=(3.0, 50.0, 52.1)), "model", 1)
    assert (real.clean, real.spotless) == (True, False)
    assert (real.alarms, real.level) == (1, 1)
    rate = score.figures([real])["false_per_clean_year"]
    assert rate == pytest.approx(1.0 / real.years)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_finds_a_big_leak_and_forgets_nothing_when_copied(rule: str) -> None:
    place = home(leak=(30.0, 60.0, 80.0))
    one = RULES[rule]()
    for at, total in zip(place.at, place.total, strict=True):
        if at == place.at[61 * 24]:
            one = one.copy()
        one.observe(float(at), float(total))
        if one.alarm is not None and at - T0 > 60.5 * DAY:
            assert (at - T0) / DAY < 64.0
            return
    pytest.fail("not found")


def test_homes_looked_at_are_left_out_but_not_their_namesakes() -> None:
    name, first = next(iter(sorted(data.TUNED))).split(":")
    at = np.array([T0, T0 + HOUR])
    looked_at = Home(name=name, at=at, total=np.array([float(first), float(first)]))
    namesake = Home(name=name, at=at, total=np.array([float(first) + 500.0] * 2))
    assert unseen([looked_at, namesake]) == [namesake]
    assert unseen([looked_at]) == [looked_at]
    assert all(data.tuning_half(each.split(":")[0]) for each in data.TUNED)


def test_the_flat_is_cut_into_labelled_draws(made_up: Path) -> None:
    place = data.flat(made_up)
    assert place is not None
    found = data.draws(place)
    assert {each.fixture for each in found} == {"tap", "shower"}
    shower = next(each.draw for each in found if each.fixture == "shower")
    assert shower.litres == pytest.approx(36.0)
    assert shower.seconds == pytest.approx(300.0)


def test_abstaining_from_a_name_counts_as_missed() -> None:
    shower = data.Labelled(draw=DRAW, fixture="shower")
    said = [Guess(fixture=Fixture.SHOWER, why=())] * 3 + [Guess(fixture=None, why=())] * 3
    found = fixtures.figures(list(zip([shower] * 6, said, strict=True)))
    assert found["fixture_accuracy"] == 0.5
    assert found["fixture_right_when_named"] == 1.0
    assert found["fixture_f1_shower"] == pytest.approx(2 / 3)


def test_a_draw_of_another_home_keeps_its_nature() -> None:
    chance = np.random.default_rng(1)
    for _ in range(50):
        shower, machine = (simulate.retuned(DRAW, kind, chance) for kind in ("shower", "machine"))
        assert shower.seconds == pytest.approx(DRAW.seconds)
        assert machine.litres == pytest.approx(DRAW.litres)
        assert shower.peak / shower.flow == pytest.approx(DRAW.peak / DRAW.flow)


def test_evaluate_prints_the_same_names_for_all(made_up: Path) -> None:
    report = evaluated(NAME, made_up)

    assert report["n_subjects"] == 2
    assert set(report["baselines"]) == set(BASELINES)
    assert report["metrics"]["found_1lph_14d"] == 1.0
    assert report["metrics"]["burst_25lpm_5min"] == 1.0
    assert report["metrics"]["fixture_f1_shower"] == 1.0
    assert report["metrics"]["showers_named"] == 0.5
    assert report == json.loads(json.dumps(evaluate(NAME, made_up, NumpyEngine())))


def test_fitting_gives_the_same_network_twice_and_training_ships_none(made_up: Path, tmp_path: Path) -> None:
    place = data.flat(made_up)
    assert place is not None
    found = fixtures.useful(data.draws(place))
    one, two = fixtures.fit(found, 1), fixtures.fit(found, 1)
    assert np.array_equal(one.weight, two.weight)
    assert one.metadata == two.metadata
    assert train(made_up, tmp_path, None) == []


def test_the_card_says_what_was_missed(made_up: Path, tmp_path: Path) -> None:
    report = evaluate(NAME, made_up, NumpyEngine())
    report["metrics"]["false_1lph_per_clean_year"] = 7.0
    text = write(report, None, tmp_path).read_text("utf-8")
    assert "| alarms of 1 L/h and more a clean home-year | 7 |" in text
    assert "**missed**" in text
    assert "injected" in text


def test_on_real_unseen_homes_the_watch_beats_its_fallback(water: Path) -> None:
    """Figures of the card, with room; on five of the homes, for time."""
    places = [each for each in unseen(data.homes(water)) if data.clean(each)][:5]
    assert len(places) == 5
    model = score.figures([score.block(each, "model", 1) for each in places])
    fallback = score.figures([score.block(each, "fallback", 1) for each in places])
    for key, least in (("found_1lph_48h", 0.8), ("found_0.5lph_14d", 0.9)):
        found, other = model[key], fallback[key]
        assert found is not None
        assert other is not None
        assert found >= least
        assert found > other
    assert model["false_per_clean_year"] is not None
    assert model["false_per_clean_year"] <= 1.0
