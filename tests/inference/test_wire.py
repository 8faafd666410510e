"""The wire format: what protobuf allows and two readers could see differently is refused."""

import pytest

from custom_components.smartloop.inference.errors import ModelFileError
from custom_components.smartloop.inference.wire import Kind, Message, Schema

SCHEMA: Schema = {
    1: ("count", Kind.INTEGER),
    2: ("name", Kind.TEXT),
    3: ("sizes", Kind.INTEGERS),
    4: ("values", Kind.FLOATS),
    5: ("share", Kind.FLOAT),
    6: ("note", Kind.IGNORED),
    7: ("parts", Kind.CHUNKS),
}


def read(data: bytes) -> Message:
    return Message(data, SCHEMA, "test")


def test_fields_are_read_whatever_their_order() -> None:
    message = read(b"\x12\x02hi" + b"\x08\x96\x01" + b"\x2d\x00\x00\x80\x3f" + b"\x3a\x01a\x3a\x01b")

    assert message.integer("count") == 150
    assert message.text("name") == "hi"
    assert message.number("share") == 1.0
    assert message.chunks("parts") == (b"a", b"b")
    assert "count" in message
    assert "values" not in message
    assert message.integer("absent", 7) == 7


def test_negative_numbers_are_two_s_complement() -> None:
    assert read(b"\x08" + b"\xff" * 9 + b"\x01").integer("count") == -1


@pytest.mark.parametrize("data", [b"\x1a\x03\x01\x02\x03", b"\x18\x01\x18\x02\x18\x03", b"\x1a\x02\x01\x02\x18\x03"])
def test_lists_may_be_packed_or_not(data: bytes) -> None:
    assert read(data).integers("sizes") == (1, 2, 3)


def test_lists_of_floats_may_be_packed_or_not() -> None:
    one = b"\x00\x00\x80\x3f"

    assert read(b"\x22\x08" + one + one).numbers("values") == (1.0, 1.0)
    assert read(b"\x25" + one + b"\x25" + one).numbers("values") == (1.0, 1.0)


@pytest.mark.parametrize("data", [b"\x30\x05", b"\x32\x02xy", b"\x35abcd", b"\x31abcdefgh", b"\x30\x05\x30\x05"])
def test_what_is_ignored_may_be_anything(data: bytes) -> None:
    assert "note" not in read(data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x08\x01\x08\x02", "twice"),
        (b"\x12\x01a\x12\x01b", "twice"),
        (b"\x40\x01", "field 8"),
        (b"\x00\x01", "field 0"),
        (b"\x0a\x01a", "wire type 2"),
        (b"\x10\x01", "wire type 0"),
        (b"\x0b", "wire type 3"),
        (b"\x08", "cut off"),
        (b"\x08\x80", "cut off"),
        (b"\x08" + b"\x80" * 10 + b"\x01", "too long"),
        (b"\x08" + b"\xff" * 9 + b"\x7f", "64 bits"),
        (b"\x12\x05hi", "beyond the end"),
        (b"\x2d\x00", "beyond the end"),
        (b"\x22\x03\0\0\0", "cut off"),
        (b"\x1a\x01\x80", "cut off"),
    ],
)
def test_the_rest_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ModelFileError, match=why):
        read(data)


def test_text_must_be_utf_8() -> None:
    with pytest.raises(ModelFileError, match="UTF-8"):
        read(b"\x12\x01\xff").text("name")
