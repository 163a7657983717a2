"""A look at a datagram before python-osc parses it.

python-osc 1.10.2 adds the signed size of a bundle's element to its index, so that 20 bytes with the size -4 keep it
busy for ever; it also copies the rest of the datagram for each argument. What passes here is well formed (OSC 1.0) and
small enough to be parsed in about a millisecond.
"""

from __future__ import annotations

import struct

MAX_BYTES = 16 * 1024
"""More than any message of ours needs; some systems send no datagram above 9 kB."""
MAX_DEPTH = 8
"""Of bundles in bundles, and of arrays in arrays."""
MAX_MESSAGES = 64
MAX_ARGUMENTS = 256

_BUNDLE = b"#bundle\0"
_FIXED_BYTES = {"i": 4, "f": 4, "r": 4, "m": 4, "h": 8, "d": 8, "t": 8, "T": 0, "F": 0, "N": 0}


def check(data: bytes, max_messages: int = MAX_MESSAGES) -> str | None:
    """None for a packet that may be parsed, else what is wrong with it."""
    if len(data) > MAX_BYTES:
        return f"it has more than {MAX_BYTES} bytes"
    try:
        if _check_packet(data, 0) > max_messages:
            return f"it holds more than {max_messages} messages"
    except _MalformedError as problem:
        return str(problem)
    return None


def type_tags(message: bytes) -> str:
    """The type tags of a message that was checked, without the comma."""
    start = _padded(message.index(0) + 1)
    return message[start + 1 : message.index(0, start)].decode("ascii") if start < len(message) else ""


class _MalformedError(Exception):
    pass


def _check_packet(data: bytes, depth: int) -> int:
    """The number of messages in a packet."""
    if data.startswith(_BUNDLE):
        return _check_bundle(data, depth)
    if not data.startswith(b"/"):
        raise _MalformedError("it is neither a message nor a bundle")
    _check_message(data)
    return 1


def _check_bundle(data: bytes, depth: int) -> int:
    if depth >= MAX_DEPTH:
        raise _MalformedError(f"its bundles are nested more than {MAX_DEPTH} deep")
    index, messages = len(_BUNDLE) + 8, 0  # The time tag is passed over: everything is done at once.
    if len(data) < index:
        raise _MalformedError("a bundle ends in its time tag")
    while index < len(data):
        size = _int32(data, index)
        index += 4
        if size <= 0 or size % 4 or size > len(data) - index:
            raise _MalformedError(f"a bundle's element claims {size} bytes of {len(data) - index}")
        messages += _check_packet(data[index : index + size], depth + 1)
        index += size
    return messages


def _check_message(data: bytes) -> None:
    _, index = _string(data, 0)
    if index == len(data):
        return  # Old senders leave out the type tags where there are no arguments.
    tags, index = _string(data, index)
    if not tags.startswith(","):
        raise _MalformedError("its type tags do not begin with a comma")
    if len(tags) > MAX_ARGUMENTS:
        raise _MalformedError(f"it has more than {MAX_ARGUMENTS} arguments")
    _check_brackets(tags)
    for tag in tags[1:]:
        index = _after(data, index, tag)
    if index != len(data):
        raise _MalformedError("it is longer than its type tags say")


def _check_brackets(tags: str) -> None:
    depth = 0
    for tag in tags:
        depth += (tag == "[") - (tag == "]")
        if not 0 <= depth <= MAX_DEPTH:
            break
    if depth:
        raise _MalformedError("its arrays are not closed, or nested too deep")


def _after(data: bytes, index: int, tag: str) -> int:
    """Where the argument at `index` ends."""
    if tag in "[]":
        return index
    if tag == "s":
        return _string(data, index)[1]
    if tag == "b":
        size = _int32(data, index)
        if size < 0:
            raise _MalformedError(f"a blob claims {size} bytes")
        end = index + 4 + _padded(size)
    elif tag in _FIXED_BYTES:
        end = index + _FIXED_BYTES[tag]
    else:
        raise _MalformedError(f"it has an argument of the unknown type {tag!r}")
    if end > len(data):
        raise _MalformedError("it is shorter than its type tags say")
    return end


def _string(data: bytes, index: int) -> tuple[str, int]:
    end = data.find(0, index)
    after = _padded(end + 1)
    if end < 0 or after > len(data):
        raise _MalformedError("a text does not end within it")
    try:
        return data[index:end].decode("utf-8"), after
    except UnicodeDecodeError:
        raise _MalformedError("a text is not valid UTF-8") from None


def _int32(data: bytes, index: int) -> int:
    if index + 4 > len(data):
        raise _MalformedError("a size is cut off")
    (value,) = struct.unpack_from(">i", data, index)
    return int(value)


def _padded(length: int) -> int:
    return length + -length % 4
