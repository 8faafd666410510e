"""Config flows over REST, as the frontend drives them."""

import asyncio
from collections.abc import Mapping
from typing import Any

from .client import Client
from .lab import LabError

FLOW = "/api/config/config_entries/flow"
SUBENTRY_FLOW = "/api/config/config_entries/subentries/flow"
REPAIR_FLOW = "/api/repairs/issues/fix"

type Answers = Mapping[str, Mapping[str, Any]]
"""What is entered, by the step that asks; what is not said is taken as proposed."""


def proposals(step: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form suggests, as somebody would answer who only presses Submit."""
    answers = {}
    for field in step["data_schema"]:
        description = field.get("description") or {}
        if "suggested_value" in description:
            answers[field["name"]] = description["suggested_value"]
        elif "default" in field:
            answers[field["name"]] = field["default"]
    return answers


async def walk(owner: Client, handler: str, answers: Answers, *, first: Mapping[str, Any] | None = None) -> Any:
    """Add an integration; `first` answers its first step whatever it is called."""
    step = await owner.rest("POST", FLOW, {"handler": handler})
    if first is not None:
        step = await owner.rest("POST", f"{FLOW}/{step['flow_id']}", first)
    return await go_on(owner, FLOW, step, answers)


async def walk_found(owner: Client, flow_id: str, answers: Answers) -> Any:
    """Add what was discovered."""
    return await go_on(owner, FLOW, await owner.rest("GET", f"{FLOW}/{flow_id}"), answers)


async def walk_subentry(
    owner: Client, entry_id: str, kind: str, answers: Answers, *, subentry_id: str | None = None
) -> Any:
    """Add a room, a member or a device to an entry, or change one."""
    start = {"handler": [entry_id, kind]} | ({} if subentry_id is None else {"subentry_id": subentry_id})
    return await go_on(owner, SUBENTRY_FLOW, await owner.rest("POST", SUBENTRY_FLOW, start), answers)


async def walk_repair(owner: Client, issue_id: str, answers: Answers) -> Any:
    """Mend an issue of SmartLoop."""
    start = {"handler": "smartloop", "issue_id": issue_id}
    return await go_on(owner, REPAIR_FLOW, await owner.rest("POST", REPAIR_FLOW, start), answers)


async def go_on(owner: Client, path: str, step: Any, answers: Answers) -> Any:
    """Answer step after step; returns the last one, raises LabError when one is refused."""
    while step["type"] in ("form", "menu", "progress", "progress_done"):
        if step["type"].startswith("progress"):
            await asyncio.sleep(0.5)
            step = await owner.rest("GET", f"{path}/{step['flow_id']}")
            continue
        name = step["step_id"]
        given = dict(answers.get(name, {})) if step["type"] == "menu" else proposals(step) | dict(answers.get(name, {}))
        step = await owner.rest("POST", f"{path}/{step['flow_id']}", given)
        if step.get("errors"):
            msg = f"{name} was refused: {step['errors']}"
            raise LabError(msg)
    if step["type"] not in ("create_entry", "abort"):
        msg = f"ended with {step['type']}"
        raise LabError(msg)
    if step["type"] == "abort" and not step.get("next_flow") and not step["reason"].endswith("successful"):
        msg = f"ended with {step['reason']}"
        raise LabError(msg)
    return step
