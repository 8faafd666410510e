"""The owner's guide names everything an owner can meet, and its examples are what Home Assistant takes."""

import json
import re
from pathlib import Path

import pytest
import yaml

from .conftest import INTEGRATION, load_yaml

WORDS = json.loads((INTEGRATION / "translations" / "en.json").read_text())


@pytest.fixture(scope="module")
def guide() -> str:
    return (Path(__file__).resolve().parents[2] / "docs" / "guide.md").read_text()


def test_every_entity_is_in_the_guide(guide: str) -> None:
    names = [entry["name"] for platform in WORDS["entity"].values() for entry in platform.values()]

    assert names
    assert [name for name in names if name not in guide] == []


@pytest.mark.parametrize("section", ["services", "triggers", "conditions"])
def test_every_automation_piece_is_in_the_guide(guide: str, section: str) -> None:
    keys = [key for key in load_yaml(f"{section}.yaml") if not key.startswith(".")]

    assert keys
    assert [key for key in keys if f"`smartloop.{key}`" not in guide] == []


def test_every_field_is_in_the_guide(guide: str) -> None:
    room = WORDS["config_subentries"]["room"]["step"]["details"]
    forms = [
        *(WORDS["config"]["step"][step] for step in ("user", "rooms", "people", "bed")),
        room,
        *room["sections"].values(),
        *WORDS["options"]["step"].values(),
    ]
    labels = {label for form in forms for label in form.get("data", {}).values()}

    assert labels
    assert sorted(label for label in labels if label not in guide) == []


def test_the_examples_use_what_there_is(guide: str) -> None:
    examples = [yaml.safe_load(each) for each in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)]
    triggers, conditions = load_yaml("triggers.yaml"), load_yaml("conditions.yaml")

    assert len(examples) == 2
    for example in examples:
        for trigger in example["triggers"]:
            if (kind := trigger["trigger"].removeprefix("smartloop.")) != trigger["trigger"]:
                assert set(trigger["options"]) <= set(triggers[kind]["fields"])
        for condition in example.get("conditions", []):
            kind = condition["condition"].removeprefix("smartloop.")
            assert set(condition["options"]) <= set(conditions[kind]["fields"])
