"""Connections to own devices, through local adapters and ESPHome proxies alike: few, short, and always closed."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bleak.exc import BleakCharacteristicNotFoundError, BleakError
from bleak_retry_connector import (
    BleakClientWithServiceCache,
    BleakNotFoundError,
    BleakOutOfConnectionSlotsError,
    establish_connection,
)
from homeassistant.components import bluetooth
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..protocol import DATA_UUID, Conversation, Write
from .reach import GattError, Trouble

MOST_AT_ONCE: Final = 2
"""A proxy has three slots or so, and SmartLoop is not alone."""
ANSWER_S: Final = 15.0
"""A device that is silent for longer is gone; the longest supervision time-out of Bluetooth is 32 s."""
EXCHANGE_S: Final = 60.0
"""For a question and its whole answer: drivers that never return and answers that never end keep no slot from others."""
GOODBYE_S: Final = 10.0
ATTEMPTS: Final = 2
"""Of one try; whoever asked tries again later."""


@dataclass(frozen=True, slots=True)
class _Lines:
    """What all connections of one Home Assistant share."""

    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))
    locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))


_LINES: HassKey[_Lines] = HassKey(f"{DOMAIN}_gatt")


def busy(hass: HomeAssistant, address: str) -> bool:
    """Return whether somebody of ours is talking to the device."""
    return hass.data.setdefault(_LINES, _Lines()).locks[address].locked()


async def async_converse[C: Conversation](
    hass: HomeAssistant,
    address: str,
    script: Callable[[int], C],
    commit: Callable[[C], Awaitable[None]] | None = None,
) -> C:
    """Connect, have the conversation, disconnect.

    `script` gets the link's MTU. `commit` is called after every answer, before the next question: what it
    has put away is acknowledged by that question. Raises GattError and ProtocolError.
    """
    lines = hass.data.setdefault(_LINES, _Lines())
    async with lines.locks[address], lines.slots, _connected(hass, address) as line:
        talk = script(line.client.mtu_size)
        try:
            async with asyncio.timeout(EXCHANGE_S):
                await line.client.start_notify(DATA_UUID, line.notified)
            writes = talk.start(dt_util.utcnow())
            while not talk.done:
                async with asyncio.timeout(EXCHANGE_S):
                    writes = await line.async_exchange(talk, writes)
                if commit is not None:
                    await commit(talk)
        except BleakCharacteristicNotFoundError as err:
            # What is remembered of its services is not, or no longer, what it has.
            await line.client.clear_cache()
            raise GattError(Trouble.CONNECTION_FAILED, str(err)) from err
        except (BleakError, TimeoutError, EOFError) as err:
            raise GattError(Trouble.CONNECTION_FAILED, str(err) or type(err).__name__) from err
        return talk


class _Line:
    """One connection and what was heard over it."""

    def __init__(self) -> None:
        self.client: BleakClientWithServiceCache
        self._heard: asyncio.Queue[tuple[bytes, datetime] | None] = asyncio.Queue()

    def notified(self, _characteristic: object, data: bytearray) -> None:
        self._heard.put_nowait((bytes(data), dt_util.utcnow()))

    def dropped(self, _client: object) -> None:
        self._heard.put_nowait(None)

    async def async_exchange(self, talk: Conversation, writes: list[Write]) -> list[Write]:
        """Ask, and hear the answer out; return the next question, none at the end."""
        for write in writes:
            await self.client.write_gatt_char(write.characteristic, write.data, response=True)
        writes = []
        while not writes and not talk.done:
            data, at = await self.async_answer()
            writes = talk.feed(DATA_UUID, data, at)
        return writes

    async def async_answer(self) -> tuple[bytes, datetime]:
        """Wait for the next notification."""
        async with asyncio.timeout(ANSWER_S):
            answer = await self._heard.get()
        if answer is None:
            msg = "the device hung up"
            raise EOFError(msg)
        return answer


@asynccontextmanager
async def _connected(hass: HomeAssistant, address: str) -> AsyncGenerator[_Line]:
    device = bluetooth.async_ble_device_from_address(hass, address, connectable=True)
    if device is None:
        raise GattError(Trouble.NO_PATH)
    line = _Line()
    try:
        line.client = await establish_connection(
            BleakClientWithServiceCache,
            device,
            address,
            disconnected_callback=line.dropped,
            max_attempts=ATTEMPTS,
            # Another proxy may hear it better by the second attempt.
            ble_device_callback=lambda: (
                bluetooth.async_ble_device_from_address(hass, address, connectable=True) or device
            ),
        )
    except BleakOutOfConnectionSlotsError as err:
        raise GattError(Trouble.SLOTS_TAKEN, str(err)) from err
    except BleakNotFoundError as err:
        raise GattError(Trouble.NO_PATH, str(err)) from err
    except (BleakError, TimeoutError) as err:
        raise GattError(Trouble.CONNECTION_FAILED, str(err)) from err
    try:
        yield line
    finally:
        with suppress(BleakError, TimeoutError, EOFError):
            async with asyncio.timeout(GOODBYE_S):
                await line.client.disconnect()
