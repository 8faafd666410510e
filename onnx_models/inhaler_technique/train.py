"""Learn from made-up people, decide on others between network and rule, ship, and write the card from yet others.

`plain` people teach the networks. Of the `shifted` ones, those of odd number settle weight decay, temperature, each
rule's bias and error, and both thresholds of abstention; those of even number decide, part by part, whether the network
ships: its log loss must be 5 % below the rule's, and it may be right at most 1 % less often. `far` people only give figures.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from custom_components.smartloop.engine.models.classifier import standardize
from custom_components.smartloop.engine.models.model import Runner
from custom_components.smartloop.engine.models.technique_rules import RULERS, Ruler
from custom_components.smartloop.inference.numpy_engine import NumpyEngine

from .. import export
from ..export import ship_twins
from .card import write
from .draft import VERSION, Draft
from .evaluate import HERE, NAME, evaluate
from .fit import Layers, Part, bar, network, rule, settled, table
from .samples import FEATURES, Case, cases, examples, group
from .sensor import FAULTS

SEED: Final = 20261123
TEACH, TEACH_PUFFS, TEACH_IDLE = range(120), 12, 4
DECIDE, DECIDE_PUFFS, DECIDE_IDLE = range(120), 8, 2
ASKEW: Final = range(200, 216)
"""Who teach with a sleeve mounted on its side"""
LIMITS: Final = (30.0, 60.0, 90.0)
"""L/min"""
BETTER: Final = 0.95
"""Of the rule's log loss"""
SLACK: Final = 0.01
"""Share right: less than the chance of so many rows"""

GOLDEN: Final = 6

type Decisions = dict[str, dict[str, float]]


def learn(teach: Sequence[Case], shifted: Sequence[Case]) -> tuple[Draft, Decisions, dict[str, Any]]:
    """Return what shall ship, what decided it, and how usual each class was."""
    odd = [each for each in shifted if int(each.person[-3:]) % 2]
    even = [each for each in shifted if not int(each.person[-3:]) % 2]
    parts: list[Part] = []
    rules: dict[str, Ruler] = {}
    decisions: Decisions = {}
    usual: dict[str, Any] = {}
    press_bar = 0.5
    for key in RULERS:
        if key == "gap":
            continue
        tuning, deciding = (examples(key, some) for some in (odd, even))
        _, classes = examples(key, teach)
        rules[key] = rule(key, *tuning)
        counts = np.bincount(classes, minlength=len(RULERS[key].classes)) / len(classes)
        usual[key] = {
            _word(key, name): round(float(share), 4) for name, share in zip(RULERS[key].classes, counts, strict=True)
        }
        if key not in FEATURES:
            continue
        # Powder inhalers ask for 30 to 60 L/min: the network learns all limits, and is judged at a spray's.
        part = network(key, *examples(key, teach, LIMITS), tuning)
        found = dict(settled(part, rules[key], deciding))
        wins = (
            found["network_log_loss"] < BETTER * found["rule_log_loss"]
            and found["network_right"] >= found["rule_right"] - SLACK
        )
        decisions[key] = found | {"ships": float(wins)}
        if wins:
            parts.append(part)
        if wins and key == "trace_press":
            press_bar = bar(part, *tuning)
    return Draft(parts=parts, rules=rules, press_bar=press_bar), decisions, usual


def _word(key: str, name: str) -> str:
    return {"under": "ok", "over": "fast"}[name] if key.endswith("_flow") else name


def golden(draft: Draft, found: Sequence[Case]) -> list[dict[str, Any]]:
    """Return a few inputs as they come in use."""
    tables = []
    for part in draft.parts:
        rows, _ = examples(part.key, found)
        scores, _ = standardize(table(part.key, rows[:GOLDEN]), part.mean, part.std)
        tables.append(scores)
    return [{"features": np.concatenate(row)[None].round(3).astype(np.float32)} for row in zip(*tables, strict=True)]


def metadata(draft: Draft, usual: Mapping[str, Any], decisions: Decisions) -> dict[str, Any]:
    """Return all that the file says of itself."""
    return {
        "description": "Steps of an inhaler puff from a sleeve's motion and flow; learned from simulated people",
        "licence": "Apache-2.0",
        "training_data": "SIMULATED people and sensors, seeded (onnx_models/inhaler_technique); nobody was recorded",
        "trained_on": [],
        "simulated": "yes",
        "usual": dict(usual),
        "decisions": decisions,
        **draft.settings(),
    }


def drafted(runner: Runner) -> Draft | None:
    """Return which parts and rules the shipped file has, to learn them anew from recordings; without weights."""
    nothing = Layers(weights=(), biases=())
    parts = [
        Part(key=key, layers=nothing, mean=np.zeros(0), std=np.ones(0), temperature=1.0, tau=0.5, reach=1.0)
        for key in json.loads(runner.metadata["heads"])
    ]
    rules = {
        key: Ruler(cuts=RULERS[key].cuts, classes=RULERS[key].classes, **settings)
        for key, settings in json.loads(runner.metadata["rules"]).items()
    }
    return Draft(parts=parts, rules=rules, press_bar=float(runner.metadata["press_bar"]))


def train(
    data: Path,
    folder: Path = export.FOLDER,
    card: Path | None = HERE,
    *,
    teach: range = TEACH,
    askew: range = ASKEW,
    decide: range = DECIDE,
) -> list[Path]:
    """Learn, ship into a folder and write the card; `data` only feeds the card. Smaller ranges are for tests."""
    taught = cases(group("plain", teach, SEED), TEACH_PUFFS, TEACH_IDLE, SEED, label="plain")
    side = FAULTS["mounted_on_its_side"][0]
    turned = cases(group("plain", askew, SEED), TEACH_PUFFS, TEACH_IDLE, SEED, side, label="askew")
    shifted = cases(group("shifted", decide, SEED), DECIDE_PUFFS, DECIDE_IDLE, SEED, label="shifted")
    draft, decisions, usual = learn(taught + turned, shifted)
    made = ship_twins(
        NAME,
        draft.grow,
        version=VERSION,
        metadata=metadata(draft, usual, decisions),
        golden=golden(draft, shifted),
        seed=SEED,
        folder=folder,
        twin_folder=HERE if folder == export.FOLDER else folder,
    )
    if card is None:
        return [made]
    return [made, write(evaluate(NAME, data, NumpyEngine()), decisions, card)]
