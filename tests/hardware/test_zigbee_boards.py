"""A board's bare numbers are on the same endpoints in its firmware, the ZHA quirk and the Zigbee2MQTT converter."""

import re

import pytest

from custom_components.smartloop.quirks import BOARDS, Board
from hardware.configuration import HARDWARE

CONVERTER = HARDWARE / "zigbee2mqtt" / "smartloop.mjs"
FIRMWARE = {
    "SmartLoop dust node": "dust_node/dust-node-zigbee.yaml",
    "SmartLoop mold node": "mold_node/mold-node-zigbee.yaml",
    "SmartLoop mold node battery": "mold_node/mold-node-zigbee-battery.yaml",
    "SmartLoop bed strip": "bed_node/bed-node-strip-zigbee.yaml",
}


def converter_boards() -> dict[str, dict[int, tuple[str, str]]]:
    boards = {}
    for part in CONVERTER.read_text(encoding="utf-8").split("model: '")[1:]:
        numbers = re.findall(r"endpoint: (\d+), property: '\w+', label: '([^']+)', unit: '([^']+)'", part)
        boards[part.partition("'")[0]] = {int(endpoint): (label, unit) for endpoint, label, unit in numbers}
    return boards


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.model)
def test_quirk_and_converter_agree(board: Board) -> None:
    # The micro sign and the Greek letter look alike.
    said = {number.endpoint: (number.name, number.unit.replace("\u03bc", "\u00b5")) for number in board.numbers}
    assert converter_boards()[board.model] == said


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.model)
def test_the_firmware_calls_itself_so_and_uses_those_endpoints(board: Board) -> None:
    text = (HARDWARE / FIRMWARE[board.model]).read_text(encoding="utf-8")
    assert re.search(rf"^\s*(?:zigbee_)?model: {board.model}$", text, re.MULTILINE)
    generic = {int(number) for number in re.findall(r"cluster: generic\n\s+endpoint: (\d+)", text)}
    if generic:
        assert generic == {number.endpoint for number in board.numbers}
    else:
        # On nRF52 ESPHome numbers the entities in their order.
        assert len(re.findall(r"^\s+name: \w+_\w+$|^\s+name: (?:air|surface)_\w+$", text, re.MULTILINE)) == len(
            board.numbers
        )


def test_no_zigbee_firmware_is_unknown_to_the_converter() -> None:
    assert set(converter_boards()) == set(FIRMWARE)
