"""The workshop of what is learned per person: estimators against known truth, any folder, cards beside figures."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from onnx_models.card import Card
from onnx_models.personal import community, context_head, effects, trigger_finder, value
from onnx_models.personal.card import finder_card, head_card
from onnx_models.personal.contexts import aligned
from onnx_models.personal.days import simulated
from onnx_models.personal.forecasts import auc
from onnx_models.personal.heartsteps import CONTEXT, SENT_CHANCE, Person, evenings, people
from onnx_models.personal.tables import number
from onnx_models.personal.train import train
from onnx_models.registry import MODELS
from onnx_models.report import bootstrap

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
    always, never = np.ones(3000), np.zeros(3000)
    sums = [
        {
            name: value.sums(person, chance, model)
            for name, chance in {"model": acts, "always": always, "never": never, "contextless": always}.items()
        }
        for person, acts, model in zip(people_, best, models, strict=True)
    ]
    found = value.figures(sums, "model")
    # E[max(0, 0.5 + z)] of a standard normal: 0.5 Phi(0.5) + phi(0.5).
    true = 0.5 * 0.6915 + 0.3521
    for key in value.ESTIMATORS:
        assert found[f"value_{key}"] == pytest.approx(true, abs=0.06)
    assert found["gain_over_always"] == pytest.approx(true - 0.5, abs=0.06)
    assert found["gain_over_never"] == pytest.approx(true, abs=0.06)
    share = 0.6915
    assert found["gain_over_as_often"] == pytest.approx(true - 0.5 * share, abs=0.06)
    span = bootstrap(sums, lambda some: value.figures(some, "model"), seed=3)["value_dr"]
    assert span is not None
    assert span[0] < (found["value_dr"] or 0.0) < span[1]


def test_figures_of_forecasts_have_reference_values() -> None:
    outcome = np.array([0.0, 0.0, 1.0, 1.0])
    assert auc(np.array([0.1, 0.4, 0.35, 0.8]), outcome) == pytest.approx(0.75)
    assert auc(outcome, np.ones(4)) is None


def test_moments_find_their_places_by_runs_of_the_same_steps_and_acts() -> None:
    def row(steps: float, sent: float) -> dict[str, str]:
        return {"jbsteps30pre.log": str(steps), "send": str(sent)}

    moments = [row(1, 1), row(2, 0), row(3, 1), row(9, 0), row(4, 1), row(5, 1), row(6, 0), row(7, 1)]
    contexts = [row(1, 1), row(2, 0), row(3, 1.0), row(4, 1), row(5, 1), row(6, 0), row(8, 0), row(7, 1)]
    found = aligned(moments, contexts)

    assert {place: contexts.index(each) for place, each in found.items()} == {0: 0, 1: 1, 2: 2, 4: 3, 5: 4, 6: 5}
    assert aligned(moments, []) == {}


def heartsteps_like(count: int, rows_each: int, work: float) -> list[Person]:
    """Return people on whom sending does 0.3, and `work` more at work."""
    rng = np.random.default_rng(5)
    found = []
    for name in range(count):
        x = rng.normal(size=(rows_each, len(CONTEXT)))
        x[:, 0] = 1.0
        x[:, CONTEXT.index("at_work")] = (rng.random(rows_each) < 0.2) - 0.2
        sent = rng.random(rows_each) < SENT_CHANCE
        effect = 0.3 + work * x[:, CONTEXT.index("at_work")]
        reward = 4.0 + rng.normal() + x[:, 1] + sent * effect + rng.normal(size=rows_each)
        found.append(Person(str(name), x, sent, reward, reward > 4.0))
    return found


def test_the_effect_of_sending_is_found_and_what_moves_it_chosen() -> None:
    told = heartsteps_like(8, 500, -1.5)
    found = effects.fit(told, "place")

    assert found.weight[0] == pytest.approx(0.3, abs=0.1)
    assert found.weight[CONTEXT.index("at_work")] == pytest.approx(-1.5, abs=0.3)
    assert "place" in effects.choose(told)
    assert np.count_nonzero(effects.fit(told, "nothing").weight) == 1
    assert not effects.fit([], "place").weight.any()
    assert effects.choose(told[:2]) == "nothing"


def test_what_newcomers_start_from_is_kept_byte_for_byte(tmp_path: Path) -> None:
    first, second = (train(trial(tmp_path / "data"), tmp_path / name, None) for name in ("one", "two"))
    kept, trained_on = community.read(tmp_path / "one")

    assert [each.read_bytes() for each in first] == [each.read_bytes() for each in second]
    assert json.loads(trained_on) == ["new0", "new1", "new2", "new3"]
    assert kept.effect.prior.mean[0] == kept.effect.weight[0]


def test_the_kept_prior_is_what_the_shared_people_tell(tmp_path: Path, feedback: Path) -> None:
    (path,) = train(feedback, tmp_path, None)

    assert path.read_bytes() == (community.FOLDER / path.name).read_bytes()


def test_any_folder_in_that_layout_is_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onnx_models.personal.homes.HOMES", 4)
    monkeypatch.setattr(context_head, "_REDRAWN", 20)
    found = context_head.evaluate(trial(tmp_path))

    assert found["n_subjects"] == 4
    for column in (found["fallback"], *found["baselines"].values()):
        assert list(column) == list(found["metrics"])
    assert found["metrics"]["share_sent"] is not None
    assert json.loads(json.dumps(found)) == found
    assert "notes" not in found
    card = head_card(context_head.held_out(tmp_path), community.read()[0])
    assert isinstance(card, Card)
    assert {claim.metric for claim in card.claims} <= set(found["metrics"])


@pytest.mark.parametrize("users", [1, 2])
def test_one_person_is_scored_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, users: int) -> None:
    monkeypatch.setattr("onnx_models.personal.homes.HOMES", 3)
    found = context_head.evaluate(trial(tmp_path, users=users))

    assert found["metrics"]["value_dr"] is not None
    assert (found["intervals"]["value_dr"] is None) == (users == 1)


def test_an_empty_folder_leaves_only_what_is_simulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onnx_models.personal.homes.HOMES", 3)
    found = context_head.evaluate(tmp_path)

    assert found["n_subjects"] == 0
    assert {name for name, each in found["metrics"].items() if each is not None} == {
        name for name in found["metrics"] if name.startswith("simulated")
    }
    assert found["metrics"]["gain_over_always"] is None


def test_simulated_days_have_as_many_bad_ones_as_asked_for() -> None:
    rng = np.random.default_rng(4)
    found = [simulated(365, 36, rng) for _ in range(30)]

    assert np.mean([each.bad.sum() for each in found]) == pytest.approx(36, abs=3)
    assert all(set(np.unique(each.exposed)) <= {0.0, 1.0} for each in found)


def test_the_table_of_false_claims_has_its_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trigger_finder, "RUNS", 12)
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
    assert ours["worst_false_discovery"] is not None
    assert any("fits you" in line for section in finder_card(found).sections for line in section.lines)


@pytest.mark.parametrize("name", ["context_head", "trigger_finder"])
def test_the_card_is_there_and_says_what_was_missed(name: str) -> None:
    card = (MODELS[name].folder / "MODEL_CARD.md").read_text("utf-8")

    assert f"script/models train {name}" in card
    assert "simulated" in card
    assert "met" in card


@pytest.mark.parametrize("text", ["inf", "-inf", "nan", "many", "", None])
def test_what_is_no_finite_number_is_not_known(text: str | None) -> None:
    assert np.isnan(number({"steps": text} if text is not None else None, "steps"))
