"""A companion-app phone: registers with the real mobile_app, gets pushes, taps buttons."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

from .client import Client


@dataclass(kw_only=True)
class Phone:
    """One phone of the user whose token the client carries."""

    client: Client
    name: str
    system: str = "Android"
    online: bool = True
    """Off line: pushes come, but nobody confirms them, and Home Assistant gives the channel up."""
    inbox: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    received: list[dict[str, Any]] = field(default_factory=list)
    webhook: str = ""
    _task: asyncio.Task[None] | None = None

    async def register(self) -> None:
        """Register as the app does after its log-in."""
        reply = await self.client.rest(
            "POST",
            "/api/mobile_app/registrations",
            {
                "device_id": f"demo-{self.name.lower().replace(' ', '-')}",
                "app_id": "io.robbie.HomeAssistant",
                "app_name": "Home Assistant",
                "app_version": "2026.11",
                "device_name": self.name,
                "manufacturer": "Apple" if self.system == "iOS" else "Google",
                "model": "simulated",
                "os_name": self.system,
                "os_version": "17",
                "supports_encryption": False,
                "app_data": {"push_websocket_channel": True},
            },
        )
        self.webhook = reply["webhook_id"]

    async def listen(self) -> None:
        """Open the local push channel."""
        pushes = await self.client.subscribe(
            "mobile_app/push_notification_channel", webhook_id=self.webhook, support_confirm=True
        )

        async def pump() -> None:
            while True:
                push = await pushes.get()
                if not self.online:
                    continue
                if "hass_confirm_id" in push:
                    await self.client.command(
                        "mobile_app/push_notification_confirm",
                        webhook_id=self.webhook,
                        confirm_id=push["hass_confirm_id"],
                    )
                self.received.append(push)
                self.inbox.put_nowait(push)

        self._task = asyncio.create_task(pump())

    async def close(self) -> None:
        """Switch it off."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def next_message(self, timeout: float) -> dict[str, Any]:
        """Wait for a push that a person would see."""
        async with asyncio.timeout(timeout):
            while True:
                push = await self.inbox.get()
                if push.get("message") != "clear_notification":
                    return push

    async def tap(self, push: dict[str, Any], title: str) -> None:
        """Tap the button with this title.

        Android's event is the notification's own data, flat; iOS sends the action and the
        action data it was given.
        """
        data = push.get("data") or {}
        action = next(each["action"] for each in data["actions"] if each["title"] == title)
        event: dict[str, Any]
        if self.system == "iOS":
            event = {"action": action, "action_data": data.get("action_data"), "sourceDeviceName": self.name}
        else:
            event = {
                "message": push.get("message"),
                "title": push.get("title"),
                "tag": data.get("tag"),
                "action": action,
            }
            for number, each in enumerate(data["actions"], 1):
                event |= {f"action_{number}_key": each["action"], f"action_{number}_title": each["title"]}
        async with self.client.web.post(
            f"{self.client.url}/api/webhook/{self.webhook}",
            json={
                "type": "fire_event",
                "data": {"event_type": "mobile_app_notification_action", "event_data": event},
            },
        ) as reply:
            reply.raise_for_status()
