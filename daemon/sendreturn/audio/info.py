"""Texts in RIFF chunks: the body of a LIST/INFO chunk, and how its letters are written."""

from __future__ import annotations

import struct


def encoded(text: str) -> bytes:
    """RIFF names no encoding: most readers take it for Latin-1, so only what does not fit that is UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def decoded(data: bytes) -> str:
    """A text up to its final zero, in whichever of the two encodings it is."""
    data = data.split(b"\0")[0]
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def text_chunk(name: bytes, head: bytes, text: str) -> bytes:
    """A chunk that ends with a text: `head`, the letters and a zero, filled up to an even length."""
    data = head + encoded(text.replace("\0", " ")) + b"\0"
    return struct.pack("<4sI", name, len(data)) + data + b"\0" * (len(data) % 2)


def pack(info: dict[str, str]) -> bytes:
    """The body of a LIST/INFO chunk, by four-letter names; empty when there is nothing to say."""
    texts = (text_chunk(name.encode("ascii", "replace")[:4].ljust(4), b"", text) for name, text in info.items())
    return b"INFO" + b"".join(texts) if info else b""


def unpack(body: bytes) -> dict[str, str]:
    """The texts that stand in the body of a LIST/INFO chunk, behind its first four letters."""
    return {name.decode("latin-1"): decoded(data) for name, data in parts(body)}


def parts(body: bytes) -> list[tuple[bytes, bytes]]:
    """Name and data of each chunk within a LIST; what is cut off at the end is left out."""
    found = []
    at = 0
    while at + 8 <= len(body):
        name, size = struct.unpack_from("<4sI", body, at)
        found.append((name, body[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    return found
