"""The simulated bridge on a real broker, held against what Zigbee2MQTT itself published.

data/zigbee2mqtt_discovery.json has the structure recorded from Zigbee2MQTT 2.14.1: fields, classes,
units, ids and topics. Its texts are not there.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
import pytest_socket
from paho.mqtt.enums import CallbackAPIVersion

from hardware.simulator.broker import Broker, available
from hardware.simulator.zigbee2mqtt import KINDS, Zigbee2Mqtt

RECORDED: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "zigbee2mqtt_discovery.json").read_text()
)
IEEE = "0x00124b0000000001"

pytestmark = pytest.mark.skipif(not available(), reason="mosquitto is not installed")


class Listener:
    """Hears everything the broker has."""

    def __init__(self, port: int) -> None:
        self.messages: list[tuple[str, Any, bool]] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self._client.on_message = self._heard
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _heard(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        text = message.payload.decode()
        content = (json.loads(text) if text.startswith(("{", "[")) else text) if text else None
        self.messages.append((message.topic, content, message.retain))

    async def wait(self, topic: str, count: int = 1) -> list[Any]:
        async with asyncio.timeout(10):
            while len(self.said(topic)) < count:  # noqa: ASYNC110  another thread hears it
                await asyncio.sleep(0.01)
        return self.said(topic)

    def said(self, topic: str) -> list[Any]:
        return [content for each, content, _ in self.messages if each == topic]

    def publish(self, topic: str, content: Any) -> None:
        self._client.publish(topic, content if isinstance(content, str) else json.dumps(content), 1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
async def broker(socket_enabled: None) -> AsyncIterator[Broker]:
    pytest_socket.socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)
    async with Broker() as broker:
        yield broker


@pytest.fixture
async def listener(broker: Broker) -> AsyncIterator[Listener]:
    listener = Listener(broker.port)
    yield listener
    listener.close()


def topic_of(entity: str) -> str:
    component, _, name = entity.partition(".")
    return f"homeassistant/{component}/{IEEE}/{name}/config"


@pytest.mark.parametrize("kind", RECORDED)
async def test_entities_are_announced_as_recorded(broker: Broker, listener: Listener, kind: str) -> None:
    async with Zigbee2Mqtt(broker.port) as bridge:
        await bridge.join("box", kind, IEEE)
        said = {entity: (await listener.wait(topic_of(entity)))[0] for entity in RECORDED[kind]}

    for entity, recorded in RECORDED[kind].items():
        hold_against(said[entity], recorded)


def hold_against(said: dict[str, Any], recorded: dict[str, Any]) -> None:
    assert sorted(said) == recorded["keys"]
    assert sorted(said["device"]) == recorded["device_keys"]
    assert said["unique_id"] == recorded["unique_id"].replace("IEEE", IEEE)
    assert said["device"]["identifiers"] == [each.replace("IEEE", IEEE) for each in recorded["identifiers"]]
    assert said["device"]["via_device"].split("_0x")[0] == recorded["via"]
    assert [each["topic"] for each in said["availability"]] == [
        each.replace("NAME", "box") for each in recorded["availability"]
    ]
    for key in ("state_topic", "object_id", "default_entity_id"):
        assert said[key] == recorded[key].replace("NAME", "box")
    same = set(recorded) - {
        "keys", "device_keys", "unique_id", "identifiers", "via", "availability", "state_topic", "object_id",
        "default_entity_id",
    }  # fmt: skip
    assert {key: said[key] for key in same} == {key: recorded[key] for key in same}


async def test_a_message_carries_all_that_was_ever_said(broker: Broker, listener: Listener) -> None:
    async with Zigbee2Mqtt(broker.port) as bridge:
        await bridge.join("cellar", "leak", IEEE)
        await bridge.report("cellar", battery=91.0)
        await bridge.report("cellar", water_leak=True)
        first, second, third = await listener.wait("zigbee2mqtt/cellar", 3)

    assert (first["battery"], first["water_leak"]) == (None, None)
    assert (second["battery"], second["water_leak"]) == (91.0, None)
    assert (third["battery"], third["water_leak"]) == (91.0, True)
    assert third["last_seen"] >= second["last_seen"]
    assert not any(retained for topic, _, retained in listener.messages if topic == "zigbee2mqtt/cellar")


async def test_old_values_are_sent_again_when_home_assistant_greets(broker: Broker, listener: Listener) -> None:
    async with Zigbee2Mqtt(broker.port, cached_after=0.05) as bridge:
        await bridge.join("cellar", "leak", IEEE)
        await bridge.report("cellar", water_leak=True)
        spoken = (await listener.wait("zigbee2mqtt/cellar", 2))[-1]
        listener.publish("homeassistant/status", "online")
        cached = (await listener.wait("zigbee2mqtt/cellar", 3))[-1]

    assert cached == spoken


async def test_the_broker_says_the_last_word_of_a_bridge_that_fell_off(broker: Broker, listener: Listener) -> None:
    bridge = Zigbee2Mqtt(broker.port)
    await bridge.start()
    await listener.wait("zigbee2mqtt/bridge/state")
    await bridge.crash()

    assert (await listener.wait("zigbee2mqtt/bridge/state", 2))[-1] == {"state": "offline"}


async def test_a_device_that_leaves_is_removed_by_nobody(broker: Broker, listener: Listener) -> None:
    async with Zigbee2Mqtt(broker.port) as bridge:
        await bridge.join("cellar", "leak", IEEE)
        await bridge.leave("cellar")
        event = (await listener.wait("zigbee2mqtt/bridge/event", 4))[-1]

        assert event["type"] == "device_leave"
        assert None not in listener.said(topic_of("binary_sensor.water_leak"))

        await bridge.remove("cellar")
        assert (await listener.wait(topic_of("binary_sensor.water_leak"), 2))[-1] is None


async def test_it_is_renamed_and_removed_over_its_own_topics(broker: Broker, listener: Listener) -> None:
    async with Zigbee2Mqtt(broker.port) as bridge:
        await bridge.join("a", "leak", IEEE)
        listener.publish("zigbee2mqtt/bridge/request/device/rename", {"from": "a", "to": "b"})
        await listener.wait("zigbee2mqtt/bridge/response/device/rename")
        listener.publish("zigbee2mqtt/bridge/request/device/remove", {"id": "a"})
        listener.publish("zigbee2mqtt/bridge/request/device/remove", {"id": "b"})
        answers = await listener.wait("zigbee2mqtt/bridge/response/device/remove", 2)

        assert [each["status"] for each in answers] == ["error", "ok"]
        assert bridge.devices == {}
        announced = [each for each in listener.said(topic_of("binary_sensor.water_leak")) if each]
        assert [each["state_topic"] for each in announced] == ["zigbee2mqtt/a", "zigbee2mqtt/b"]
        assert len({each["unique_id"] for each in announced}) == 1


async def test_a_trace_drives_it(broker: Broker, listener: Listener, tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [
        {"t": 0, "device": "sink", "event": "join", "kind": "unknown_leak", "ieee": IEEE},
        {"t": 1, "device": "sink", "state": {"alarm_1": True}},
        {"t": 2, "device": "sink", "event": "offline"},
        {"t": 3, "device": "sink", "event": "replace", "ieee": "0x00124b0000000002"},
        {"t": 4, "device": "sink", "event": "rename", "to": "bath"},
    ]
    trace = tmp_path / "trace.jsonl"
    trace.write_text("\n".join(json.dumps(line) for line in lines) + "\n\n")
    async with Zigbee2Mqtt(broker.port) as bridge:
        await bridge.play(trace, speed=100.0)

        assert {name: each.ieee for name, each in bridge.devices.items()} == {"bath": "0x00124b0000000002"}
        assert listener.said("zigbee2mqtt/sink")[1]["alarm_1"] is True
        assert {"state": "offline"} in listener.said("zigbee2mqtt/sink/availability")
        with pytest.raises(ValueError, match="unknown event"):
            await bridge.act({"t": 0, "device": "bath", "event": "explode"})


def test_every_kind_has_a_battery_or_mains_and_speaks() -> None:
    assert {"climate", "leak", "unknown_leak", "dust"} <= set(KINDS)
    assert all(kind.exposes for kind in KINDS.values())
