"""Our own check list: all rules of the scale, each with an honest state."""

import json
from pathlib import Path

from homeassistant import components

from .conftest import load_yaml

# The platinum integrations of the installed Home Assistant name every rule.
RULES = {
    line.strip().removesuffix(":").split(":")[0]
    for path in Path(components.__file__).parent.glob("*/quality_scale.yaml")
    for line in path.read_text().splitlines()
    if line.startswith("  ") and not line.startswith("   ") and not line.strip().startswith(("#", "-"))
}


def test_all_rules_are_listed() -> None:
    rules = load_yaml("quality_scale.yaml")["rules"]

    assert len(RULES) == 54
    assert set(rules) == RULES


def test_states_are_honest() -> None:
    for rule, value in load_yaml("quality_scale.yaml")["rules"].items():
        if value == "done":
            continue
        assert value["status"] in {"done", "exempt", "todo"}, rule
        if value["status"] != "done":
            assert len(value["comment"]) > 10, rule


def test_no_tier_is_claimed_while_a_rule_is_to_do(integration: Path) -> None:
    rules = load_yaml("quality_scale.yaml")["rules"]
    to_do = [rule for rule, value in rules.items() if value != "done" and value["status"] == "todo"]

    assert not to_do or "quality_scale" not in json.loads((integration / "manifest.json").read_text()), to_do
