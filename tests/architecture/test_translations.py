"""Translations: complete in both languages, clean, and used."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import INTEGRATION, load_yaml

LANGUAGES = sorted(path.stem for path in (INTEGRATION / "translations").glob("*.json"))
PLACEHOLDER = re.compile(r"\{(\w+)\}")
CODE = {path: path.read_text() for path in INTEGRATION.rglob("*.py")}


def flatten(node: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in node.items():
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(value, dict):
            yield from flatten(value, path)
        else:
            yield path, value


def load(language: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((INTEGRATION / "translations" / f"{language}.json").read_text())
    return data


def test_there_are_two_languages() -> None:
    assert "en" in LANGUAGES
    assert len(LANGUAGES) >= 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages_say_the_same_things(language: str) -> None:
    english, other = dict(flatten(load("en"))), dict(flatten(load(language)))

    assert set(other) == set(english)
    for key, text in english.items():
        assert set(PLACEHOLDER.findall(other[key])) == set(PLACEHOLDER.findall(text)), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_clean(language: str) -> None:
    for key, text in flatten(load(language)):
        assert isinstance(text, str), key
        assert text.strip() == text, key
        assert text, key
        assert not re.search(r"</?[a-z]+>|https?://|'\{\w+\}'|\[%key", text), key


def test_german_says_du() -> None:
    """As Home Assistant and SmartLoop's own messages do; within a sentence a capital "Sie" is a formal you."""
    for key, text in flatten(load("de")):
        assert not re.search(r"(?<![.:;!?] )(?<!^)\bSie\b|\bIhre?[mnrs]?\b|\bIhnen\b", text), key


def test_descriptions_belong_to_fields() -> None:
    found = 0
    stack: list[Any] = [load("en")]
    while stack:
        node = stack.pop()
        if not isinstance(node, dict):
            continue
        if "data_description" in node:
            found += 1
            assert set(node["data_description"]) <= set(node["data"])
        stack.extend(node.values())
    assert found


@pytest.mark.parametrize("section", ["services", "triggers", "conditions"])
def test_declared_and_translated_and_drawn(section: str) -> None:
    declared = {key: value for key, value in load_yaml(f"{section}.yaml").items() if not key.startswith(".")}
    translated = load("en")[section]
    icons = json.loads((INTEGRATION / "icons.json").read_text())[section]

    assert declared
    assert set(translated) == set(declared) == set(icons)
    for key, value in declared.items():
        assert translated[key]["name"]
        assert translated[key]["description"]
        fields = set((value or {}).get("fields", {}))
        assert set(translated[key].get("fields", {})) == fields, key


def test_every_exception_raised_is_translated_and_every_translation_raised() -> None:
    keys = set(load("en").get("exceptions", {}))
    raised = set()
    for text in CODE.values():
        raised |= set(re.findall(r"translation_key=\"(\w+)\"", text))
    code = "".join(CODE.values())

    assert keys
    assert {key for key in keys if f'"{key}"' not in code} == set()
    known = (
        keys
        | set(load("en").get("issues", {}))
        | {key for platform in load("en").get("entity", {}).values() for key in platform}
        | set(load("en").get("selector", {}))
    )
    assert raised <= known


def test_every_issue_is_raised() -> None:
    code = "".join(CODE.values())

    for key in load("en").get("issues", {}):
        assert f'"{key}"' in code or f'"{key}_' in code or re.search(rf'f"{key}', code), key


def test_every_entity_has_a_name_and_an_icon() -> None:
    translated = load("en")["entity"]
    icons = json.loads((INTEGRATION / "icons.json").read_text())["entity"]
    code = {
        platform: "".join(path.read_text() for path in INTEGRATION.glob(f"*{platform}.py")) for platform in translated
    }

    for platform, entries in translated.items():
        for key, entry in entries.items():
            assert entry["name"], key
            assert f'"{key}"' in code[platform], f"{platform}.{key} is translated but not used"
    for platform, entries in icons.items():
        assert set(entries) <= set(translated[platform])
