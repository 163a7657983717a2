"""DAWproject: one file per send that opens in Bitwig, Cubase, Studio One and others, with everything in its place.

A ZIP with `project.xml` and `metadata.xml` after the published schema 1.0 (bitwig/dawproject, MIT), and the audio.

The audio is packed into the file, though that stores it a second time. The format also knows references to files
outside (`external="true"`), but of the DAWs that read it none is known to resolve them reliably; one that does not
would open an empty project. What the DAWs themselves write always holds its audio, and such a file can be moved and
mailed. It is not compressed: audio hardly shrinks, and a reader may then play it from where it lies. Whoever has no use
for it sets `returns: { dawproject: false }`.
"""

from __future__ import annotations

import shutil
import stat
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO
from xml.etree import ElementTree
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from sendreturn.errors import DeliveryError
from sendreturn.returns.arrangement import Sound
from sendreturn.returns.dawproject_xml import metadata_xml, project_xml
from sendreturn.returns.files import CHUNK_BYTES, write_with
from sendreturn.returns.naming import numbered

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sendreturn.returns.arrangement import Arrangement

SUFFIX = ".dawproject"
_MADE_AT = (1980, 1, 1, 0, 0, 0)
"""The earliest time that ZIP knows; the same arrangement makes the same file whenever it is written."""
_OVERHEAD_BYTES = 1 << 16
_ROOM_BYTES = 1 << 30
"""Left free on the session's disk: a second copy of the audio is not worth a recording that stops."""


def write_dawproject(arrangement: Arrangement, folder: Path, name: str) -> Path:
    """Write the project into `folder` under `name` (with its suffix), or find it there from an earlier try.

    Nothing is overwritten: where something else has the name, the next free one is taken.

    Raises:
        ClipError: A file of the arrangement is gone or cannot be read.
        DeliveryError: The disk is full, or would nearly be.
        OSError: It cannot be written.
    """
    members = member_names(arrangement)
    project = _pretty(project_xml(arrangement, members))
    metadata = _pretty(metadata_xml(arrangement))
    sizes = {member.as_posix(): path.stat().st_size for path, member in members.items()}

    wanted_bytes = sum(sizes.values()) + _OVERHEAD_BYTES

    def write(stream: BinaryIO) -> None:
        with ZipFile(stream, "w") as archive:
            archive.writestr(_entry("project.xml", ZIP_DEFLATED), project)
            archive.writestr(_entry("metadata.xml", ZIP_DEFLATED), metadata)
            for path, member in members.items():
                _pack(archive, path, member.as_posix(), sizes[member.as_posix()])

    for candidate in numbered(name):
        final = folder / candidate
        if _is_the_same(final, project, sizes):
            return final
        _refuse_to_fill(folder, wanted_bytes)
        try:
            write_with(final, write, wanted_bytes)
        except FileExistsError:
            continue
        return final
    raise AssertionError("names do not run out")


def member_names(arrangement: Arrangement) -> Mapping[Path, PurePosixPath]:
    """Where each audio file of the arrangement lies in the ZIP; no two names differ only in their case."""
    taken: set[str] = set()
    names: dict[Path, PurePosixPath] = {}
    for lane in arrangement.lanes:
        if isinstance(lane.content, Sound) and lane.content.path not in names:
            name = next(name for name in numbered(lane.content.file_name) if name.casefold() not in taken)
            taken.add(name.casefold())
            names[lane.content.path] = PurePosixPath("audio") / name
    return names


def _refuse_to_fill(folder: Path, wanted_bytes: int) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < wanted_bytes + _ROOM_BYTES:
        raise DeliveryError(f"It needs {wanted_bytes / 1e6:.1f} MB, and {free_bytes / 1e6:.1f} MB are free.")


def _pretty(root: ElementTree.Element) -> bytes:
    ElementTree.indent(root)
    body: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return body + b"\n"


def _entry(name: str, compression: int) -> ZipInfo:
    entry = ZipInfo(name, _MADE_AT)
    entry.compress_type = compression
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    return entry


def _pack(archive: ZipFile, path: Path, member: str, size: int) -> None:
    entry = _entry(member, ZIP_STORED)
    entry.file_size = size  # a file beyond 2 GB gets the longer fields of ZIP64
    with path.open("rb") as source, archive.open(entry, "w") as target:
        shutil.copyfileobj(source, target, CHUNK_BYTES)


def _is_the_same(path: Path, project: bytes, sizes: Mapping[str, int]) -> bool:
    """Whether an earlier try, before a crash, has left this very project."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        with ZipFile(path) as archive:
            held = {entry.filename: entry.file_size for entry in archive.infolist()}
            return sizes.items() <= held.items() and archive.read("project.xml") == project
    except (BadZipFile, KeyError, NotImplementedError, RuntimeError):
        return False
