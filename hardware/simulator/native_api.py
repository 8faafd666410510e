"""The ESPHome native API in plain text, server side: frames of 0x00, varint length, varint type, protobuf."""

import asyncio
from typing import Any

from aioesphomeapi.core import MESSAGE_TYPE_TO_PROTO

NUMBERS = {cls: number for number, cls in MESSAGE_TYPE_TO_PROTO.items()}
MAX_FRAME = 65536


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


class Client:
    """One API connection, Home Assistant's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take both ends of the stream."""
        self._reader, self._writer = reader, writer
        self.listening = False

    def send(self, message: Any) -> None:
        """Send a message."""
        raw = message.SerializeToString()
        if not self._writer.is_closing():
            self._writer.write(b"\0" + _varint(len(raw)) + _varint(NUMBERS[type(message)]) + raw)

    async def _number(self) -> int:
        number = shift = 0
        while shift < 35:
            byte = (await self._reader.readexactly(1))[0]
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7
        raise ConnectionError

    async def receive(self) -> Any:
        """Return the next message; None for one that this version of the API does not know."""
        if await self._reader.readexactly(1) != b"\0":
            # 0x01: the client wants encryption, which this proxy was not given a key for.
            raise ConnectionError
        size, kind = await self._number(), await self._number()
        if size > MAX_FRAME:
            raise ConnectionError
        raw = await self._reader.readexactly(size)
        cls = MESSAGE_TYPE_TO_PROTO.get(kind)
        return None if cls is None else cls.FromString(raw)

    async def drain(self) -> None:
        """Wait until what was sent is on its way."""
        await self._writer.drain()

    def close(self) -> None:
        """Hang up."""
        self._writer.close()
