"""The workshop of what is learned per person: estimators against known truth, any folder, cards beside figures."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from onnx_models.personal import context_head, trigger_finder, value
from onnx_models.personal.card import FOLDER, finder_card, head_card
from onnx_models.personal.days import simulated
from onnx_models.personal.forecasts import auc, calibration_error
from onnx_models.personal.heartsteps import CONTEXT, Person, evenings, people

HEADER = "user,decision.index.nogap,study.day.nogap,jbsteps30pre,jbsteps30,avail,send,sugg.select.slot,jbsteps30pre.log,jbsteps30.log"


def put(path: Path, header: str, rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        file.write("\n".join([header, *rows, ""]))


def trial(folder: Path, users: int = 4, count: int = 60) -> Path:
    rng = np.random.default_rng(1)
    rows = []
    for user in range(users):
        for index in range(count):
            steps = float(rng.integers(0, 900))
            available = int(rng.random() < 0.8)
            sent = int(available and rng.random() < 0.6)
            reward = "" if index == 5 else f"{np.log(steps + 0.5):.4f}"
            rows.append(f"new{user},{index},{index // 5},10,{steps},{available},{sent},{1 + index % 5},2.35,{reward}")
    put(folder / "heartsteps_v1" / "decisions.csv.gz", HEADER, rows)
    put(
        folder / "heartsteps_v1" / "evening_prompts.csv.gz",
        "user,ema.index,study.day,notify,respond,interaction.count",
        [f"new{user},{i},{i},{i % 7 != 0},{i % 3 != 0},{i % 4}" for user in range(users) for i in range(40)],
    )
    return folder


def test_only_moments_that_could_be_randomised_are_read(tmp_path: Path) -> None:
    found = people(trial(tmp_path))

    assert len(found) == 4
    for person in found:
        assert person.x.shape == (len(person.reward), len(CONTEXT))
        assert 30 < len(person.reward) < 60
        assert np.isfinite(person.reward).all()
    assert all(len(each.answered) == 34 for each in evenings(tmp_path))


def test_the_estimators_find_the_value_of_a_policy_never_run() -> None:
    rng = np.random.default_rng(2)
    people_ = []
    for name in range(6):
        x = np.concatenate([np.ones((3000, 1)), rng.normal(size=(3000, 5))], axis=1)
        sent = rng.random(3000) < 0.6
        reward = x[:, 1] + sent * (0.5 + x[:, 2]) + rng.normal(size=3000)
        people_.append(Person(str(name), x, sent, reward, reward > 0.0))
    best = [(each.x[:, 2] > -0.5).astype(np.float64) for each in people_]
    models = [value.reward_model(people_[:i] + people_[i + 1 :]) for i in range(6)]
    sums = {
        name: [value.sums(*each) for each in zip(people_, chance, models, strict=True)]
        for name, chance in {
            "model": best,
            "always": [np.ones(3000)] * 6,
            "never": [np.zeros(3000)] * 6,
            "contextless": [np.ones(3000)] * 6,
        }.items()
    }
    found = value.figures(sums, "model")
    # E[max(0, 0.5 + z)] of a standard normal: 0.5 Phi(0.5) + phi(0.5).
    true = 0.5 * 0.6915 + 0.3521
    for key in value.ESTIMATORS:
        assert found[f"value_{key}"] == pytest.approx(true, abs=0.06)
    assert found["gain_over_always"] == pytest.approx(true - 0.5, abs=0.06)
    assert found["gain_over_never"] == pytest.approx(true, abs=0.06)
    assert value.intervals(sums, "model", 3)["value_dr"][0] < found["value_dr"]


def test_figures_of_forecasts_have_reference_values() -> None:
    outcome = np.array([0.0, 0.0, 1.0, 1.0])
    assert auc(np.array([0.1, 0.4, 0.35, 0.8]), outcome) == pytest.approx(0.75)
    assert auc(outcome, np.ones(4)) is None
    assert (
        calibration_error(np.full(100, 0.3), np.repeat([1.0, 0.0], 50)[np.random.default_rng(0).permutation(100)])
        >= 0.19
    )


def test_any_folder_in_that_layout_is_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onnx_models.personal.homes.HOMES", 4)
    monkeypatch.setattr("onnx_models.personal.value.RESAMPLES", 20)
    monkeypatch.setattr("onnx_models.personal.forecasts.RESAMPLES", 20)
    found = context_head.evaluate(trial(tmp_path))

    assert found["n_subjects"] == 4
    for column in (found["fallback"], *found["baselines"].values()):
        assert list(column) == list(found["metrics"])
    assert found["metrics"]["share_sent"] is not None
    assert json.loads(json.dumps(found)) == found
    assert "**missed**" in head_card(found) or "met" in head_card(found)
    assert "nothing" not in found["model"]


def test_an_empty_folder_leaves_only_what_is_simulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onnx_models.personal.homes.HOMES", 3)
    found = context_head.evaluate(tmp_path)

    assert found["n_subjects"] == 0
    assert all(name.startswith("simulated") for name in found["metrics"])


def test_simulated_days_have_as_many_bad_ones_as_asked_for() -> None:
    rng = np.random.default_rng(4)
    found = [simulated(365, 36, rng) for _ in range(30)]

    assert np.mean([each.bad.sum() for each in found]) == pytest.approx(36, abs=3)
    assert all(set(np.unique(each.exposed)) <= {0.0, 1.0} for each in found)


def test_the_table_of_false_claims_has_its_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trigger_finder, "RUNS", 12)
    monkeypatch.setattr(trigger_finder, "RESAMPLES", 20)
    found = trigger_finder.evaluate(tmp_path)
    ours, naive = found["metrics"], found["baselines"]["naive_2x2"]

    assert found["n_subjects"] == 0
    assert ours["real_false_per_person"] is None
    for events, days in trigger_finder.SETTINGS:
        end = f"{events}_in_{days}"
        assert (ours[f"false_per_person_{end}"] or 0.0) <= (naive[f"false_per_person_{end}"] or 0.0)
    assert (ours["power_or4_91_in_365"] or 0.0) >= 0.8
    assert (naive["false_per_person_91_in_365"] or 0.0) > 0.4
    assert ours["power_or4_9_in_90"] == 0.0
    assert "fits you" in finder_card(found)


@pytest.mark.parametrize("name", ["context_head", "trigger_finder"])
def test_the_card_is_there_and_says_what_was_missed(name: str) -> None:
    card = (FOLDER / name / "MODEL_CARD.md").read_text("utf-8")

    assert f"script/models train {name}" in card
    assert "simulated" in card
    assert "**missed**" in card or ", met (" in card
