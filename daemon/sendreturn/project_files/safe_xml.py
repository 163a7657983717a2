"""XML out of files that nobody vouches for, read as a stream.

A document type is refused, and with it every entity: neither a file nor an address outside is ever opened, and no text
multiplies. Only the parts that were asked for are kept, so a session of hundreds of megabytes takes no memory.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Collection
from typing import IO
from xml.parsers import expat

from sendreturn.project_files.project_file import Unreadable

MAX_DEPTH = 200
MAX_KEPT = 200_000
_BLOCK = 1 << 16

Path = tuple[str, ...]


def read_parts(file: IO[bytes], wanted: Collection[Path], most_bytes: int) -> dict[Path, ET.Element]:
    """The first element at each path of tag names in `wanted`, with everything inside; the root without its inside.

    Raises:
        Unreadable: the document is damaged, cut short, holds a document type, or is absurdly large or deep.
        OSError: the file cannot be read.
    """
    keeper = _Keeper(frozenset(wanted))
    parser = expat.ParserCreate("UTF-8")  # as every session is; another encoding reads as damage
    parser.buffer_text = True
    parser.StartElementHandler = keeper.start
    parser.EndElementHandler = keeper.end
    parser.StartDoctypeDeclHandler = _refuse_doctype
    total = 0
    try:
        while block := file.read(_BLOCK):
            total += len(block)
            if total > most_bytes:
                raise Unreadable(f"is larger than {most_bytes // 2**20} MB")
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Unreadable("is damaged or not yet completely written", detail=str(error)) from error
    return keeper.found


def _refuse_doctype(*_: object) -> None:
    raise Unreadable("holds a document type, which no session has")


class _Keeper:
    """Keeps the elements at wanted paths while a document goes by."""

    def __init__(self, wanted: frozenset[Path]) -> None:
        self.found: dict[Path, ET.Element] = {}
        self._wanted = wanted
        self._path: list[str] = []
        self._open: list[ET.Element] = []
        self._kept = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._path.append(tag)
        if len(self._path) > MAX_DEPTH:
            raise Unreadable(f"is nested more than {MAX_DEPTH} deep")
        path = tuple(self._path)
        if self._open:
            self._open.append(ET.SubElement(self._open[-1], tag, attributes))
            self._count()
        elif len(path) == 1:
            self.found[path] = ET.Element(tag, attributes)
        elif path in self._wanted and path not in self.found:
            self.found[path] = ET.Element(tag, attributes)
            self._open.append(self.found[path])

    def end(self, _tag: str) -> None:
        self._path.pop()
        if self._open:
            self._open.pop()

    def _count(self) -> None:
        self._kept += 1
        if self._kept > MAX_KEPT:
            raise Unreadable("holds absurdly many tempo changes")
