"""Steps of a puff: judged where they were measured, "not measured" where not, and never a dose."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from custom_components.smartloop.engine.errors import ModelError
from custom_components.smartloop.engine.features.technique import Trace
from custom_components.smartloop.engine.models.deposition import BANDS, band
from custom_components.smartloop.engine.models.model import Tensor
from custom_components.smartloop.engine.models.technique import Sensed, Sleeve, TechniqueJudge
from custom_components.smartloop.engine.models.technique_rules import POWDER, RULERS, SPRAY, Step, Verdict, gap
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from tests.engine.puff import PRESS_S, trace

FOLDER = Path(__file__).resolve().parents[3] / "custom_components" / "smartloop" / "onnx"
SLOW = tuple(30.0 * math.sin(math.pi * min((k + 0.5) * 0.15 / 3.0, 1.0)) for k in range(32))
GOOD = Sensed(shake_s=7.0, tilt_deg=8.0, peak_flow_lpm=30.0, envelope=SLOW)


@pytest.fixture(scope="module")
def shipped() -> TechniqueJudge:
    return TechniqueJudge(Catalog.open(FOLDER).load("inhaler_technique", NumpyEngine()))


@pytest.fixture(params=["shipped", "rules"])
def judge(request: pytest.FixtureRequest, shipped: TechniqueJudge) -> TechniqueJudge:
    return shipped if request.param == "shipped" else TechniqueJudge()


def whole(**given: float) -> Trace:
    """Return a trace with a slow breath that begins with the press."""
    made = trace(**given)
    flow = 30.0 * np.sin(np.pi * np.clip((made.at - PRESS_S + 0.1) / 4.0, 0.0, 1.0))
    return replace(made, flow=flow)


def test_a_puff_done_well(judge: TechniqueJudge) -> None:
    said = judge.judge(GOOD).steps
    assert {step: said[step].label for step in (Step.SHAKE, Step.ORIENTATION, Step.FLOW)} == {
        Step.SHAKE: "ok",
        Step.ORIENTATION: "ok",
        Step.FLOW: "ok",
    }
    assert said[Step.COORDINATION].label in {"ok", None}
    assert not said[Step.HOLD].measured
    assert not said[Step.GAP].measured
    for verdict in said.values():
        if verdict.measured:
            assert sum(verdict.probabilities.values()) == pytest.approx(1.0)
            assert verdict.confidence == max(verdict.probabilities.values())
            assert verdict.why or verdict.source == "network"


def test_a_puff_done_badly(judge: TechniqueJudge) -> None:
    said = judge.judge(
        Sensed(
            shake_s=1.5,
            tilt_deg=80.0,
            peak_flow_lpm=140.0,
            envelope=[*[0.0] * 12, 60.0, 120.0, 140.0, 140.0, 138.0, 130.0, 60.0, 0.0],
            gap_s=9.0,
        )
    ).steps
    assert said[Step.SHAKE].label == "short"
    assert said[Step.ORIENTATION].label == "warn"
    assert said[Step.FLOW].label == "fast"
    assert said[Step.COORDINATION].label == "early"
    assert said[Step.GAP].label == "short"


@pytest.mark.parametrize(
    ("missing", "steps"),
    [
        ({"shake_s": None}, {Step.SHAKE}),
        ({"tilt_deg": None}, {Step.ORIENTATION}),
        ({"envelope": None}, {Step.COORDINATION}),
        ({"envelope": None, "peak_flow_lpm": None}, {Step.COORDINATION, Step.FLOW}),
        ({"shake_s": math.nan, "tilt_deg": 400.0}, {Step.SHAKE, Step.ORIENTATION}),
        ({"envelope": [0.0] * 32, "peak_flow_lpm": 0.0}, {Step.COORDINATION, Step.FLOW}),
        ({"envelope": [None] * 32, "peak_flow_lpm": math.inf}, {Step.COORDINATION, Step.FLOW}),
        ({"envelope_step_s": 0.0, "peak_flow_lpm": None}, {Step.COORDINATION, Step.FLOW}),
    ],
)
def test_a_step_without_its_channel_is_not_measured(
    judge: TechniqueJudge, missing: Mapping[str, Any], steps: set[Step]
) -> None:
    said = judge.judge(replace(GOOD, **missing)).steps
    silent = {step for step, verdict in said.items() if not verdict.measured}
    assert silent == steps | {Step.HOLD, Step.GAP}
    for step in silent:
        assert said[step].label is None
        assert said[step].confidence == 0.0
        assert said[step].why
    assert band(said).label is None or not steps & {Step.SHAKE, Step.COORDINATION, Step.FLOW}


def test_a_test_spray_is_not_judged(judge: TechniqueJudge) -> None:
    assert not any(verdict.measured for verdict in judge.judge(replace(GOOD, test=True)).steps.values())


def test_the_leaflet_wins(judge: TechniqueJudge) -> None:
    said = judge.judge(replace(GOOD, shake_s=7.0), leaflet=replace(SPRAY, shake_s=10.0)).steps[Step.SHAKE]
    assert (said.label, said.source) == ("short", "rule")
    powder = judge.judge(GOOD, leaflet=POWDER).steps
    assert powder[Step.FLOW].label == "slow"
    assert powder[Step.SHAKE].why == ("not_asked",)
    assert judge.judge(GOOD, leaflet=replace(POWDER, least_lpm=15.0)).steps[Step.FLOW].label == "ok"
    assert band(powder).label is None


def test_a_sensor_that_ends_too_early_is_not_believed(judge: TechniqueJudge) -> None:
    flat = Sensed(envelope=[40.0, 60.0] + [66.0] * 15 + [30.0, 0.0], peak_flow_lpm=66.0)
    said = judge.judge(flat, sleeve=Sleeve(ceiling_lpm=67.0)).steps[Step.FLOW]
    assert (said.measured, said.why) == (False, ("saturated",))
    slow = judge.judge(GOOD, sleeve=Sleeve(ceiling_lpm=67.0)).steps[Step.FLOW]
    assert slow.label == "ok"


def test_a_whole_trace(judge: TechniqueJudge) -> None:
    said = judge.judge_trace(whole(shake_s=8.0))
    assert said.press_s == pytest.approx(PRESS_S, abs=0.05)
    assert said.steps[Step.PRESS].label == "press"
    assert said.steps[Step.SHAKE].label == "ok"
    assert said.steps[Step.ORIENTATION].label == "ok"
    assert said.steps[Step.COORDINATION].label == "ok"
    assert said.steps[Step.FLOW].label == "ok"
    assert len(judge.presses(whole(shake_s=8.0))) == 1


def test_a_trace_without_flow_or_without_movement(judge: TechniqueJudge) -> None:
    quiet = judge.judge_trace(replace(whole(), flow=None), press_s=PRESS_S).steps
    assert {step for step, each in quiet.items() if each.measured} == {Step.SHAKE, Step.ORIENTATION}
    still = judge.judge_trace(replace(whole(), acceleration=None), press_s=PRESS_S).steps
    assert {step for step, each in still.items() if each.measured} == {Step.COORDINATION, Step.FLOW}
    nothing = judge.judge_trace(Trace(at=np.array([])))
    assert (nothing.press_s, any(each.measured for each in nothing.steps.values())) == (None, False)
    outside = judge.judge_trace(whole(), press_s=900.0).steps
    assert not any(each.measured for each in outside.values())
    assert judge.presses(Trace(at=np.array([]))) == []


def test_shaking_alone_is_no_press(judge: TechniqueJudge) -> None:
    made = trace(shake_s=8.0)
    assert made.acceleration is not None
    made.acceleration[int(PRESS_S * 100)] = made.acceleration[int(PRESS_S * 100) - 1]
    assert judge.presses(made) == []
    assert judge.judge_trace(made).press_s is None


def test_networks_explain_and_keep_to_their_range(shipped: TechniqueJudge) -> None:
    assert shipped.heads, "no network ships"
    said = shipped.judge_trace(whole(shake_s=8.0))
    learned = [each for each in said.steps.values() if each.source == "network" and each.step is not Step.PRESS]
    assert any(each.why for each in learned)
    strange = dict.fromkeys(shipped.heads["trace_shake"].features, 10000.0)
    found = shipped.step("trace", Step.SHAKE, strange)
    assert found.label is None
    assert found.abstained
    assert "out_of_range" in found.why


@pytest.mark.parametrize("key", [key for key in RULERS if key not in {"gap", "trace_press"}])
def test_rules_are_a_tosss_chance_on_the_line(key: str) -> None:
    ruler = RULERS[key]
    chances = ruler.probabilities(ruler.cuts[0])
    assert chances[ruler.classes[0]] == pytest.approx(0.5)
    assert sum(chances.values()) == pytest.approx(1.0)
    assert ruler.judge(Step.SHAKE, ruler.cuts[0], "x").label is None
    far = ruler.judge(Step.SHAKE, ruler.cuts[-1] + 9.0 * ruler.sigma, "x")
    assert (far.label, round(far.confidence, 3)) == (ruler.classes[-1], 1.0)


@pytest.mark.parametrize(
    ("seconds", "vague", "label", "why"),
    [
        (60.0, None, "ok", "gap_s"),
        (10.0, 1.0, "short", "gap_s"),
        (30.0, 0.5, None, "uncertain"),
        (20.0, 1800.0, None, "time_uncertain"),
        (None, None, None, "single_puff"),
        (math.nan, None, None, "single_puff"),
        (4000.0, None, None, "single_puff"),
        (-5.0, None, None, "single_puff"),
    ],
)
def test_the_pause_between_two_puffs(seconds: float | None, vague: float | None, label: str | None, why: str) -> None:
    said = gap(seconds, vague)
    assert said.label == label
    assert said.why[0] == why


def sure(step: Step, label: str, names: tuple[str, ...]) -> Verdict:
    return Verdict(
        step=step,
        label=label,
        measured=True,
        probabilities={name: float(name == label) for name in names},
        confidence=1.0,
        abstained=False,
        why=(),
    )


@pytest.mark.parametrize(
    ("shake", "timing", "flow", "label"),
    [
        ("ok", "ok", "ok", "good"),
        ("short", "ok", "ok", "reduced"),
        ("ok", "ok", "fast", "reduced"),
        ("ok", "early", "ok", "poor"),
        ("short", "early", "fast", "poor"),
    ],
)
def test_the_band_is_wide_and_names_no_amount(shake: str, timing: str, flow: str, label: str) -> None:
    found = band(
        {
            Step.SHAKE: sure(Step.SHAKE, shake, ("short", "ok")),
            Step.COORDINATION: sure(Step.COORDINATION, timing, ("early", "ok", "late")),
            Step.FLOW: sure(Step.FLOW, flow, ("ok", "fast")),
        }
    )
    assert found.label == label
    assert label in found.possible
    assert set(found.possible) <= set(BANDS)
    assert not any(character.isdigit() or character == "%" for character in f"{found}")


class Made:
    """A file with the given metadata."""

    version = "0"

    def __init__(self, **metadata: str) -> None:
        self.metadata = metadata

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {"logits_trace_shake": np.zeros((1, 2), np.float32)}


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"heads": "{}", "rules": '{"sleeve_shake": {"sigma": 0, "bias": 0, "tau": 0}}'},
        {"heads": "{}", "rules": '{"other": {"sigma": 1, "bias": 0, "tau": 0}}'},
        {"heads": '{"trace_shake": {}}', "rules": "{}", "features": "[]", "mean": "[]", "std": "[]"},
        {"heads": '{"nose": {}}', "rules": "{}"},
        {"heads": "[1]", "rules": "{}"},
    ],
)
def test_unusable_files_are_refused(metadata: dict[str, str]) -> None:
    with pytest.raises(ModelError):
        TechniqueJudge(Made(**metadata))


def test_a_part_sees_its_own_features_only() -> None:
    names = [f"trace_shake.{name}" for name in ("shake_s", "walk_s")]
    made = Made(
        heads='{"trace_shake": {"tau": 0.1}}',
        rules="{}",
        features=json.dumps(["trace_flow.peak", *names]),
        mean="[9, 0, 0]",
        std="[9, 1, 1]",
    )
    judge = TechniqueJudge(made)
    assert judge.heads["trace_shake"].features == ("shake_s", "walk_s")
    assert judge.step("trace", Step.SHAKE, {"shake_s": 3.0, "walk_s": math.nan}).probabilities == {
        "short": 0.5,
        "ok": 0.5,
    }


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(40))
def test_rubbish_is_survived_and_no_number_is_made_up(shipped: TechniqueJudge, seed: int) -> None:
    chance = np.random.default_rng(seed)
    count = int(chance.integers(0, 2600))
    at = np.cumsum(chance.exponential(0.01, count)) * chance.choice([1.0, 0.1, 10.0])
    if seed % 5 == 0:
        chance.shuffle(at)
    if seed % 3 == 0:
        at[count // 2 :] += chance.choice([-50.0, 50.0, 1e9])
    size = float(chance.choice([0.0, 0.01, 1.0, 50.0]))
    moves = chance.normal(0, size, (count, 3)) + np.array([0.0, 0.0, 1.0])
    moves[chance.random(count) < 0.2] = chance.choice([np.nan, np.inf, 0.0])
    given = Trace(
        at=at,
        acceleration=moves,
        turning=chance.normal(0, chance.choice([1.0, 500.0]), (count, 3)) if seed % 2 else None,
        flow=chance.normal(0, chance.choice([1.0, 40.0, 900.0]), count) if seed % 4 else None,
    )
    press = None if seed % 2 else float(chance.uniform(-5, 40))
    sent = Sensed(
        shake_s=float(chance.choice([np.nan, -1.0, 3.0, 1e9])),
        tilt_deg=float(chance.choice([np.inf, 3.0, -4.0])),
        peak_flow_lpm=float(chance.choice([np.nan, 0.0, 50.0, 1e6])),
        envelope=chance.normal(0, 300, int(chance.integers(0, 40))).tolist(),
        envelope_step_s=float(chance.choice([0.0, 0.15, 5.0, np.nan])),
        gap_s=float(chance.normal(0, 100)),
        gap_uncertainty_s=float(chance.choice([np.nan, 0.0, -3.0, 1.0])),
    )
    for said in (shipped.judge_trace(given, press_s=press), shipped.judge(sent)):
        for verdict in said.steps.values():
            assert all(math.isfinite(chance) for chance in verdict.probabilities.values())
            assert verdict.measured or (verdict.label is None and verdict.why)
        band(said.steps)
