"""Opening a clip without trusting what lies under its name."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from sendreturn.errors import ClipError

if TYPE_CHECKING:
    from pathlib import Path

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def shown(path: Path) -> str:
    """The file's name as it may stand in a message: quoted, with everything unprintable written out.

    Names come from outside and may hold line feeds, terminal escapes or bytes that are no UTF-8.
    """
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in path.name)
    return f"“{safe}”"


def open_regular(path: Path) -> BinaryIO:
    """The file, open for reading from its start.

    Opened without blocking and checked on the open descriptor, so that a pipe or a device that takes the name in
    between can neither hang us nor be read.

    Raises:
        ClipError: It is missing, not a regular file, or may not be read.
    """
    try:
        kind = path.stat().st_mode
        _refuse_odd_kinds(path, kind)
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(path, flags)
    except OSError as problem:
        raise _refused(path, problem) from problem
    except ValueError as problem:
        raise ClipError(f"{shown(path)} is not a possible file name.", "Rename the clip.", str(problem)) from problem
    file = os.fdopen(descriptor, "rb", buffering=1 << 16)
    try:
        _refuse_odd_kinds(path, os.fstat(descriptor).st_mode)
    except BaseException:
        file.close()
        raise
    return file


def _refuse_odd_kinds(path: Path, mode: int) -> None:
    for is_kind, words in _KINDS:
        if is_kind(mode):
            raise ClipError(f"{shown(path)} is {words}, not an audio file.", "Choose the audio file itself.")


def _refused(path: Path, problem: OSError) -> ClipError:
    detail = f"{type(problem).__name__}: {problem.strerror}"
    if isinstance(problem, FileNotFoundError):
        return ClipError(
            f"There is no file {shown(path)} in its folder.", "Check the name, or export it again.", detail
        )
    if isinstance(problem, PermissionError):
        what = f"{shown(path)} may not be read by this user."
        return ClipError(what, "Close other programs that hold it, or change its permissions.", detail)
    what = f"{shown(path)} could not be opened ({problem.strerror})."
    return ClipError(what, "Check that the file and its drive can be reached.", detail)
