"""Checks that every form, menu, error and ending of a flow has its words."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import probatio as vol
from homeassistant.config_entries import ConfigSubentryFlowManager, OptionsFlowManager
from homeassistant.data_entry_flow import FlowManager, FlowResultType, section
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.json import json_bytes

WORDS: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[2] / "custom_components/smartloop/translations/en.json").read_text()
)


def _words_of(manager: Any, handler: Any, issue: str | None) -> Mapping[str, Any]:
    if isinstance(manager, ConfigSubentryFlowManager):
        found: Mapping[str, Any] = WORDS["config_subentries"][handler[1]]
        return found
    if issue is not None:
        # An issue's id is its translation key, followed by what it is about.
        return next(words["fix_flow"] for key, words in WORDS["issues"].items() if issue.startswith(key))
    return WORDS["options" if isinstance(manager, OptionsFlowManager) else "config"]  # type: ignore[no-any-return]


def check(manager: FlowManager[Any, Any, Any], flow: Any, result: Any) -> None:
    """Fail when a result of a flow would be shown without words."""
    words = _words_of(manager, flow.handler, flow.context.get("issue_id"))
    if result["type"] is FlowResultType.ABORT:
        if result.get("translation_domain") is None:
            assert result["reason"] in words["abort"], result["reason"]
        return
    if result["type"] not in (FlowResultType.FORM, FlowResultType.MENU):
        return
    step = words["step"][result["step_id"]]
    assert step["title"]
    if result["type"] is FlowResultType.MENU:
        assert set(result["menu_options"]) <= set(step["menu_options"])
        return
    # What cannot be put into JSON cannot be shown in a browser.
    assert json_bytes(vol.to_field_list(result["data_schema"], custom_serializer=cv.custom_serializer))
    for words_of_part, schema in _parts(step, result["data_schema"].schema):
        _check_fields(words_of_part, schema, result["step_id"])
    for error in (result["errors"] or {}).values():
        assert error in words["error"], error
    texts = (step["title"], step.get("description", ""))
    for name in _placeholders(texts):
        assert name in (result["description_placeholders"] or {}), name


def _parts(step: Mapping[str, Any], schema: Mapping[Any, Any]) -> Iterator[tuple[Mapping[str, Any], dict[Any, Any]]]:
    """Yield the form itself and each of its sections, with their words."""
    yield step, {field: each for field, each in schema.items() if not isinstance(each, section)}
    for field, each in schema.items():
        if isinstance(each, section):
            words = step["sections"][str(field)]
            assert words["name"]
            assert words["description"]
            yield words, each.schema.schema


def _check_fields(words: Mapping[str, Any], schema: Mapping[Any, Any], step_id: str) -> None:
    fields = {str(field) for field in schema}
    assert fields <= set(words.get("data", {})), step_id
    assert fields <= set(words.get("data_description", {})), step_id
    for selector in schema.values():
        config = getattr(selector, "config", {})
        if key := config.get("translation_key"):
            assert set(config["options"]) <= set(WORDS["selector"][key]["options"]), key


def _placeholders(texts: tuple[str, ...]) -> set[str]:
    return {part.partition("}")[0] for text in texts for part in text.split("{")[1:]}


@contextmanager
def every_flow_has_words() -> Iterator[None]:
    """Check every result of every flow of SmartLoop."""
    handle = FlowManager._async_handle_step

    async def checked(self: FlowManager[Any, Any, Any], flow: Any, *args: Any) -> Any:
        result = await handle(self, flow, *args)
        if type(flow).__module__.startswith("custom_components.smartloop"):
            check(self, flow, result)
        return result

    with patch.object(FlowManager, "_async_handle_step", checked):
        yield
