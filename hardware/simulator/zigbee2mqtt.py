"""Zigbee2MQTT in software: a bridge with sensors on a real MQTT broker, as Home Assistant meets it.

The topics, the fields of the discovery messages and the order of events were recorded from
Zigbee2MQTT 2.14.1; all names and descriptions are our own. What it does that one would not guess:

- every message of a device carries all it ever said, `null` where it has not said it yet;
- states are not retained; half a minute after Home Assistant says that it is there, and when the
  bridge itself starts, the remembered ones are sent again as if they were new ("cached");
- a device that leaves stays in Home Assistant, and stays "online";
- link quality and "last seen" are disabled in Home Assistant until somebody enables them;
- a device it does not know gets its alarms without a device class.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

BRIDGE: Final = "0x00124b00ffff0001"
VERSION: Final = "2.14.1"
LQI: Final = 200
CONNECT_S: Final = 10.0

type Value = float | bool | str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Exposed:
    """One property of a device that becomes an entity."""

    property: str
    component: str = "sensor"
    name: str | None = None
    """Left out where the device class says it."""
    device_class: str | None = None
    unit: str | None = None
    category: str | None = None
    enabled: bool | None = True
    """None for a binary sensor: it does not say so at all."""
    icon: str | None = None
    state_class: str | None = "measurement"
    value: str = '["{}"]'
    """How the property is picked from the message."""

    def message(self) -> dict[str, Any]:
        """Return the entity's own part of its discovery message."""
        fields: dict[str, Any] = {"value_template": f"{{{{ value_json{self.value.format(self.property)} }}}}"}
        if self.component == "binary_sensor":
            fields |= {"payload_on": True, "payload_off": False}
        else:
            fields |= {"enabled_by_default": self.enabled, "state_class": self.state_class}
        fields |= {
            "name": self.name,
            "device_class": self.device_class,
            "unit_of_measurement": self.unit,
            "entity_category": self.category,
            "icon": self.icon,
        }
        return {key: value for key, value in fields.items() if value is not None}


def _measured(name: str, unit: str, device_class: str | None = None) -> Exposed:
    return Exposed(property=name, device_class=device_class or name, unit=unit)


def _alarm(name: str, device_class: str | None = None, category: str | None = None) -> Exposed:
    text = None if device_class else name.replace("_", " ").capitalize()
    return Exposed(
        property=name, component="binary_sensor", name=text, device_class=device_class, category=category, enabled=None
    )


_BATTERY: Final = Exposed(property="battery", device_class="battery", unit="%", category="diagnostic")
_BATTERY_LOW: Final = _alarm("battery_low", "battery", "diagnostic")
_RADIO: Final = (
    Exposed(
        property="linkquality", name="Linkquality", unit="lqi", category="diagnostic", enabled=False, icon="mdi:signal"
    ),
    Exposed(
        property="last_seen", name="Last seen", device_class="timestamp", category="diagnostic", enabled=False,
        icon="mdi:clock", state_class=None, value=".{}",
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A product as the bridge knows it."""

    manufacturer: str
    model: str
    """A description; the code on the product is the model's id."""
    model_id: str
    exposes: tuple[Exposed, ...]


_UNKNOWN: Final = "Made up from what the device says of itself"
KINDS: Final[Mapping[str, Kind]] = {
    "climate": Kind(
        manufacturer="SONOFF",
        model="Thermometer and hygrometer with a display",
        model_id="SNZB-02D",
        exposes=(_BATTERY, _measured("temperature", "°C"), _measured("humidity", "%")),
    ),
    "leak": Kind(
        manufacturer="SONOFF",
        model="Probe that notices water",
        model_id="SNZB-05P",
        exposes=(_BATTERY, _alarm("water_leak", "moisture"), _BATTERY_LOW),
    ),
    "unknown_leak": Kind(
        manufacturer="SmartLoop-Test",
        model=_UNKNOWN,
        model_id="LEAK-1",
        exposes=(
            _BATTERY, _alarm("alarm_1"), _alarm("alarm_2"), _alarm("tamper", "tamper", "diagnostic"), _BATTERY_LOW,
        ),
    ),
    "unknown_alarm": Kind(
        manufacturer="Nobody",
        model=_UNKNOWN,
        model_id="ZA-9",
        exposes=(_alarm("alarm_1"), _alarm("alarm_2"), _alarm("tamper", "tamper", "diagnostic"), _BATTERY_LOW),
    ),
    "dust": Kind(
        manufacturer="SmartLoop-Test",
        model=_UNKNOWN,
        model_id="PM-1",
        exposes=(
            _measured("temperature", "°C"), _measured("humidity", "%"), _measured("pm25", "µg/m³"),
            _measured("co2", "ppm", "carbon_dioxide"),
            Exposed(property="voc_index", name="VOC index"),
        ),
    ),
}  # fmt: skip
"""The products there are; values of a trace name their properties."""


@dataclass(slots=True)
class Device:
    """One device of the bridge's network."""

    ieee: str
    kind: Kind
    name: str
    state: dict[str, Value] = field(default_factory=dict)
    present: bool = True
    """It has not left."""


class Zigbee2Mqtt:
    """The bridge; `async with Zigbee2Mqtt(port) as bridge:` is on line with it."""

    def __init__(
        self,
        port: int,
        host: str = "127.0.0.1",
        *,
        base: str = "zigbee2mqtt",
        discovery: str = "homeassistant",
        retain: bool = False,
        cached_after: float = 30.0,
    ) -> None:
        """Prepare; `retain` is an owner's choice per device, `cached_after` the bridge's patience in seconds."""
        self._address = (host, port)
        self._base = base
        self._discovery = discovery
        self._retain = retain
        self._cached_after = cached_after
        self.devices: dict[str, Device] = {}
        """By friendly name."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: mqtt.Client | None = None
        self._online = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Connect, and say that the bridge is on line."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Go off line in an orderly way."""
        await self.stop()

    async def start(self) -> None:
        """Connect, and say that the bridge is on line."""
        self._loop = asyncio.get_running_loop()
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.will_set(f"{self._base}/bridge/state", json.dumps({"state": "offline"}), qos=1, retain=True)
        client.on_connect = self._connected
        client.on_message = self._message
        self._client = client
        client.connect_async(*self._address)
        client.loop_start()
        async with asyncio.timeout(CONNECT_S):
            await self._online.wait()
        await self._publish("bridge/state", {"state": "online"}, retain=True)
        await self._publish_devices()
        for device in self.devices.values():
            # What was known before is sent again, as if it were new.
            await self.publish_cached(device.name)

    async def stop(self) -> None:
        """Go off line in an orderly way, if that was not done yet."""
        for task in tuple(self._tasks):
            task.cancel()
        if (client := self._client) is None:
            return
        if client.is_connected():
            await self._publish("bridge/state", {"state": "offline"}, retain=True)
            client.disconnect()
        await asyncio.to_thread(client.loop_stop)
        self._client = None
        self._online.clear()

    async def crash(self) -> None:
        """Fall off the broker without a word: the broker says the last one."""
        client = self._client
        assert client is not None
        connection = client.socket()
        await asyncio.to_thread(client.loop_stop)
        if connection is not None:
            connection.close()
        self._client = None
        self._online.clear()

    # The network.

    async def join(self, name: str, kind: str, ieee: str) -> Device:
        """Let a device join for the first time or again: interviewed, announced, without a value."""
        known = next((each for each in self.devices.values() if each.ieee == ieee), None)
        if known is not None:
            known.present = True
            await self._announce(known)
            return known
        device = Device(ieee=ieee, kind=KINDS[kind], name=name)
        self.devices[name] = device
        await self._announce(device)
        return device

    async def leave(self, name: str) -> None:
        """Let a device leave; for Home Assistant nothing changes."""
        device = self.devices[name]
        device.present = False
        await self._event("device_leave", device)
        await self._publish_devices()

    async def remove(self, name: str) -> None:
        """Remove a device, as its owner does in the bridge's own pages: its entities go."""
        device = self.devices.pop(name)
        await self._publish(f"{name}/availability", None, retain=True)
        await self._publish(name, None, retain=True)
        for exposed in self._exposed(device):
            await self._send(self._topic(device, exposed), "", retain=True)
        await self._publish_devices()

    async def replace(self, name: str, ieee: str) -> Device:
        """Put another box of the same kind in a device's place, under its name: another address."""
        kind = next(key for key, each in KINDS.items() if each is self.devices[name].kind)
        await self.remove(name)
        return await self.join(name, kind, ieee)

    async def rename(self, name: str, new: str) -> None:
        """Rename a device: its topics move, its entities are announced anew under the same ids."""
        device = self.devices.pop(name)
        await self._publish(name, None, retain=True)
        await self._publish(f"{name}/availability", None, retain=True)
        self.devices[new] = device
        device.name = new
        await self._publish_devices()
        await self._publish(new, self._merged(device), retain=self._retain)
        await self._publish(f"{new}/availability", {"state": "online"}, retain=True)
        for exposed in self._exposed(device):
            await self._send(self._topic(device, exposed), "", retain=True)
            await self._send(self._topic(device, exposed), json.dumps(self._config(device, exposed)), retain=True)

    async def availability(self, name: str, *, online: bool) -> None:
        """Say that a device can be reached, or cannot."""
        await self._publish(f"{name}/availability", {"state": "online" if online else "offline"}, retain=True)

    async def report(self, name: str, **values: Value) -> None:
        """Let a device speak."""
        await self._send(f"{self._base}/{name}", self._spoken(name, values), retain=self._retain)

    async def report_all(self, reports: list[tuple[str, dict[str, Value]]]) -> None:
        """Let devices speak as fast as the broker takes it."""
        client = self._client
        assert client is not None
        for name, values in reports:
            client.publish(f"{self._base}/{name}", self._spoken(name, values), retain=self._retain)
        await self._publish("bridge/info", {"version": VERSION}, retain=True)

    async def publish_cached(self, name: str) -> None:
        """Say again what is remembered of a device, its "last seen" included."""
        device = self.devices[name]
        if device.state:
            await self._publish(name, self._merged(device), retain=self._retain)

    # A trace.

    async def play(self, trace: Path, *, speed: float = 1.0) -> None:
        """Act a trace out: JSON lines of `t` (seconds), `device` and `state`, or `event` with what it needs."""
        began = asyncio.get_running_loop().time()
        async for line in _timed(read_trace(trace), began, speed):
            await self.act(line)

    async def act(self, line: Mapping[str, Any]) -> None:
        """Act one line of a trace out."""
        name, event = line["device"], line.get("event", "report")
        if event == "report":
            await self.report(name, **line["state"])
        elif event == "join":
            await self.join(name, line["kind"], line["ieee"])
        elif event == "rename":
            await self.rename(name, line["to"])
        elif event == "replace":
            await self.replace(name, line["ieee"])
        elif event in ("online", "offline"):
            await self.availability(name, online=event == "online")
        elif event in ("leave", "remove"):
            await (self.leave if event == "leave" else self.remove)(name)
        else:
            msg = f"unknown event {event!r} in the trace"
            raise ValueError(msg)

    # What is said.

    async def _announce(self, device: Device) -> None:
        await self.availability(device.name, online=True)
        await self._event("device_joined", device)
        await self._event("device_interview", device, status="started")
        for exposed in self._exposed(device):
            await self._send(self._topic(device, exposed), json.dumps(self._config(device, exposed)), retain=True)
        await self._event("device_interview", device, status="successful", supported=device.kind.model != _UNKNOWN)
        await self._publish_devices()
        await self._send(f"{self._base}/{device.name}", self._spoken(device.name, {}), retain=self._retain)

    def _exposed(self, device: Device) -> tuple[Exposed, ...]:
        return (*device.kind.exposes, *_RADIO)

    def _topic(self, device: Device, exposed: Exposed) -> str:
        return f"{self._discovery}/{exposed.component}/{device.ieee}/{exposed.property}/config"

    def _config(self, device: Device, exposed: Exposed) -> dict[str, Any]:
        object_id = f"{device.name.lower().replace(' ', '_')}_{exposed.property}"
        online = "{{ value_json.state }}"
        return exposed.message() | {
            "availability": [
                {"topic": f"{self._base}/bridge/state", "value_template": online},
                {"topic": f"{self._base}/{device.name}/availability", "value_template": online},
            ],
            "availability_mode": "all",
            "default_entity_id": f"{exposed.component}.{object_id}",
            "device": {
                "identifiers": [f"zigbee2mqtt_{device.ieee}"],
                "manufacturer": device.kind.manufacturer,
                "model": device.kind.model,
                "model_id": device.kind.model_id,
                "name": device.name,
                "sw_version": "1.0.0",
                "via_device": f"zigbee2mqtt_bridge_{BRIDGE}",
            },
            "object_id": object_id,
            "origin": {"name": "Zigbee2MQTT", "sw": VERSION, "url": "https://www.zigbee2mqtt.io"},
            "state_topic": f"{self._base}/{device.name}",
            "unique_id": f"{device.ieee}_{exposed.property}_zigbee2mqtt",
        }

    def _spoken(self, name: str, values: Mapping[str, Value]) -> str:
        device = self.devices[name]
        device.state |= values
        device.state |= {"linkquality": values.get("linkquality", LQI), "last_seen": _now()}
        return json.dumps(self._merged(device))

    def _merged(self, device: Device) -> dict[str, Value]:
        return dict(sorted(({each.property: None for each in device.kind.exposes} | device.state).items()))

    async def _event(self, kind: str, device: Device, **more: object) -> None:
        data = {"friendly_name": device.name, "ieee_address": device.ieee, **more}
        await self._publish("bridge/event", {"type": kind, "data": data})

    async def _publish_devices(self) -> None:
        listed = [
            {"friendly_name": each.name, "ieee_address": each.ieee, "model_id": each.kind.model_id, "type": "EndDevice"}
            for each in self.devices.values()
            if each.present
        ]
        coordinator = {"friendly_name": "Coordinator", "ieee_address": BRIDGE, "type": "Coordinator"}
        await self._publish("bridge/devices", [coordinator, *listed], retain=True)

    async def _publish(self, topic: str, content: object, *, retain: bool = False) -> None:
        await self._send(f"{self._base}/{topic}", "" if content is None else json.dumps(content), retain=retain)

    async def _send(self, topic: str, payload: str, *, retain: bool = False) -> None:
        client = self._client
        assert client is not None
        sent = client.publish(topic, payload, qos=1, retain=retain)
        await asyncio.to_thread(sent.wait_for_publish, CONNECT_S)

    # What is heard.

    def _connected(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe([(f"{self._base}/bridge/request/#", 1), (f"{self._discovery}/status", 1)])
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._online.set)

    def _message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._heard, message.topic, bytes(message.payload))

    def _heard(self, topic: str, payload: bytes) -> None:
        if topic == f"{self._discovery}/status":
            if payload == b"online":
                self._work(self._greet())
            return
        request = topic.removeprefix(f"{self._base}/bridge/request/")
        try:
            content = json.loads(payload or b"{}")
        except ValueError:
            return
        self._work(self._answer(request, content))

    def _work(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _greet(self) -> None:
        await asyncio.sleep(self._cached_after)
        await self._publish("bridge/state", {"state": "online"}, retain=True)
        for name in tuple(self.devices):
            await self.publish_cached(name)

    async def _answer(self, request: str, content: Mapping[str, Any]) -> None:
        answer: dict[str, Any] = {"data": dict(content), "status": "ok"}
        known = content.get("from") or content.get("id")
        if request == "permit_join":
            pass
        elif known not in self.devices:
            answer = {"data": {}, "status": "error", "error": f"Device '{known}' does not exist"}
        elif request == "device/rename":
            await self.rename(known, content["to"])
        elif request == "device/remove":
            await self.remove(known)
        await self._publish(f"bridge/response/{request}", answer)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_trace(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a trace, empty ones left out."""
    for text in path.read_text(encoding="utf-8").splitlines():
        if text.strip():
            yield json.loads(text)


async def _timed(lines: Iterator[dict[str, Any]], began: float, speed: float) -> AsyncIterator[dict[str, Any]]:
    for line in lines:
        wait = began + line["t"] / speed - asyncio.get_running_loop().time()
        if wait > 0:
            await asyncio.sleep(wait)
        yield line
