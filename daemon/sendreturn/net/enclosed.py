"""A file inside a JSON object, in base64, for services that take clips in no other way; encoded as it goes out."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

BLOCK = 3 * 256 * 1024
"""A multiple of 3, so that the pieces of base64 join without padding in between."""


@dataclass(frozen=True)
class Enclosed:
    """A file that becomes the value of `field`."""

    file: Path
    field: str


def encoded_bytes(size: int) -> int:
    """How long `size` bytes are in base64 (RFC 4648 section 4)."""
    return -(-size // 3) * 4


class EnclosedBody:
    """The body of a request: a JSON object with a file in it. `length` is in bytes.

    Args:
        body: The object without the file, as JSON.
        file: Open for reading; what it holds now is what goes out.
    """

    def __init__(self, body: bytes, field: str, file: IO[bytes]) -> None:
        opened = body.rstrip().removesuffix(b"}")
        comma = b", " if opened.strip() != b"{" else b""
        self._head = opened + comma + json.dumps(field).encode("ascii") + b': "'
        self._tail = b'"}'
        self._file = file
        self._size = file.seek(0, 2)
        self.length = len(self._head) + encoded_bytes(self._size) + len(self._tail)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The whole body, piece by piece. Raises OSError where the file has become shorter meanwhile."""
        yield self._head
        left = self._size
        await asyncio.to_thread(self._file.seek, 0)
        while left > 0:
            piece = await asyncio.to_thread(self._file.read, min(BLOCK, left))
            if len(piece) < min(BLOCK, left):
                raise OSError("The file became shorter while it was sent.")
            left -= len(piece)
            yield base64.b64encode(piece)
        yield self._tail
