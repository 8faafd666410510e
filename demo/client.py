"""REST and websocket access to one Home Assistant, as an app would use it."""

import asyncio
import contextlib
from typing import Any, Self

import aiohttp

REPLY_S = 60.0


class ClientError(Exception):
    """Home Assistant said no; says what."""


def session() -> aiohttp.ClientSession:
    """Return a session without kept-alive connections: in accelerated time they close within a second."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))


async def log_in(url: str, user: str, password: str) -> str:
    """Log in as the login page does; return an access token that lasts."""
    me = f"{url}/"
    async with session() as web:
        async with web.post(
            f"{url}/auth/login_flow",
            json={"client_id": me, "handler": ["homeassistant", None], "redirect_uri": f"{me}?auth_callback=1"},
        ) as reply:
            flow = (await reply.json())["flow_id"]
        async with web.post(
            f"{url}/auth/login_flow/{flow}", json={"client_id": me, "username": user, "password": password}
        ) as reply:
            code = (await reply.json())["result"]
        async with web.post(
            f"{url}/auth/token", data={"grant_type": "authorization_code", "code": code, "client_id": me}
        ) as reply:
            short: str = (await reply.json())["access_token"]
    client = await Client.connect(url, short)
    try:
        token: str = await client.command("auth/long_lived_access_token", client_name=f"demo-{id(client)}", lifespan=30)
    finally:
        await client.close()
    return token


class Client:
    """One connection."""

    def __init__(self, url: str, token: str, web: aiohttp.ClientSession) -> None:
        """Keep the parts; use `connect`."""
        self.url = url
        self.token = token
        self.web = web
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._last = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._events: dict[int, asyncio.Queue[Any]] = {}

    @classmethod
    async def connect(cls, url: str, token: str) -> Self:
        """Return a client whose websocket is open."""
        client = cls(url, token, session())
        client._socket = await client.web.ws_connect(
            url.replace("http", "ws", 1) + "/api/websocket", max_msg_size=0, autoping=True
        )
        await client._socket.receive_json()
        await client._socket.send_json({"type": "auth", "access_token": token})
        if (reply := await client._socket.receive_json())["type"] != "auth_ok":
            await client.close()
            raise ClientError(str(reply))
        client._reader = asyncio.create_task(client._read())
        return client

    async def close(self) -> None:
        """Hang up."""
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
        if self._socket is not None:
            await self._socket.close()
        await self.web.close()

    async def _read(self) -> None:
        assert self._socket is not None
        async for message in self._socket:
            content = message.json()
            for each in content if isinstance(content, list) else [content]:
                if each["type"] == "event" and each["id"] in self._events:
                    self._events[each["id"]].put_nowait(each["event"])
                elif (waiting := self._waiting.pop(each["id"], None)) and not waiting.done():
                    waiting.set_result(each)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ClientError("the connection was lost"))

    async def command(self, kind: str, **fields: Any) -> Any:
        """Send a websocket command; return its result."""
        assert self._socket is not None
        self._last += 1
        number = self._last
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._events[number] = asyncio.Queue()
        await self._socket.send_json({"id": number, "type": kind, **fields})
        reply = await asyncio.wait_for(waiting, REPLY_S)
        if not reply.get("success"):
            msg = f"{kind}: {reply.get('error')}"
            raise ClientError(msg)
        return reply["result"]

    async def subscribe(self, kind: str, **fields: Any) -> asyncio.Queue[Any]:
        """Subscribe; return the queue its events come in."""
        await self.command(kind, **fields)
        return self._events[self._last]

    async def rest(self, method: str, path: str, data: Any = None) -> Any:
        """Call the REST API."""
        async with self.web.request(
            method, self.url + path, json=data, headers={"Authorization": f"Bearer {self.token}"}
        ) as reply:
            if reply.status not in (200, 201):
                msg = f"{method} {path}: {reply.status} {(await reply.text())[:500]}"
                raise ClientError(msg)
            return await reply.json() if reply.content_type == "application/json" else await reply.text()

    async def call(
        self, domain: str, service: str, data: dict[str, Any] | None = None, *, response: bool = False
    ) -> Any:
        """Call a service action; return its response when asked for."""
        result = await self.command(
            "call_service", domain=domain, service=service, service_data=data or {}, return_response=response
        )
        return result.get("response")

    async def states(self) -> dict[str, dict[str, Any]]:
        """Return all states by entity id."""
        return {state["entity_id"]: state for state in await self.command("get_states")}

    async def wait_loaded(self, entry_id: str, timeout: float = 120.0) -> None:
        """Wait until a config entry is set up."""
        async with asyncio.timeout(timeout):
            while True:
                entries = await self.command("config_entries/get")
                if any(each["entry_id"] == entry_id and each["state"] == "loaded" for each in entries):
                    return
                await asyncio.sleep(0.5)
