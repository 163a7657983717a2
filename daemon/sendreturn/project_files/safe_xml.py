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
    """Keeps the elements at wanted paths while a document goes by; what lies off those paths is only counted."""

    def __init__(self, wanted: frozenset[Path]) -> None:
        self.found: dict[Path, ET.Element] = {}
        self._wanted = wanted
        self._ways = {path[:length] for path in wanted for length in range(1, len(path))}
        self._path: Path = ()
        self._open: list[ET.Element] = []
        self._passed = 0
        self._kept = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self._passed:
            self._pass_by()
        elif self._open:
            self._keep(ET.SubElement(self._open[-1], tag, attributes))
        else:
            self._go_on((*self._path, tag), attributes)

    def end(self, _tag: str) -> None:
        if self._passed:
            self._passed -= 1
        elif len(self._open) > 1:
            self._open.pop()
        else:
            self._open.clear()
            self._path = self._path[:-1]

    def _go_on(self, path: Path, attributes: dict[str, str]) -> None:
        if path in self._wanted and path not in self.found:
            self._path = path
            self.found[path] = ET.Element(path[-1], attributes)
            self._keep(self.found[path])
        elif path in self._ways or len(path) == 1:
            self._path = path
            if len(path) == 1:
                self.found[path] = ET.Element(path[0], attributes)
        else:
            self._pass_by()

    def _pass_by(self) -> None:
        self._passed += 1
        if self._passed > MAX_DEPTH:
            raise Unreadable(f"is nested more than {MAX_DEPTH} deep")

    def _keep(self, element: ET.Element) -> None:
        self._open.append(element)
        self._kept += 1
        if self._kept > MAX_KEPT:
            raise Unreadable("holds absurdly many tempo changes")
        if len(self._open) > MAX_DEPTH:
            raise Unreadable(f"is nested more than {MAX_DEPTH} deep")
