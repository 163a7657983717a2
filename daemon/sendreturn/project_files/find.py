"""The project file of a session folder: which one it is, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sendreturn.project_files.ardour import read_ardour
from sendreturn.project_files.dawproject import read_dawproject
from sendreturn.project_files.live import read_live
from sendreturn.project_files.project_file import Project, Unreadable
from sendreturn.project_files.reaper import read_reaper

READERS: dict[str, Callable[[Path], Project]] = {
    ".rpp": read_reaper,
    ".ardour": read_ardour,
    ".als": read_live,
    ".dawproject": read_dawproject,
}
"""By the name's end. Backups end otherwise (`.rpp-bak`, `.ardour.bak`, `.pending`) or lie in a folder of their own."""


@dataclass(frozen=True)
class Found:
    """The project file of a session, and what it says; where it could not be read, `note` tells why."""

    path: Path
    project: Project | None
    note: str = ""


def read_session(session: Path) -> Found | None:
    """What the session's newest project file says; None where there is none. Never raises for what is in the file."""
    path = find_project_file(session)
    if path is None:
        return None
    try:
        state = path.stat()
        return Found(path, _read(path, state.st_mtime_ns, state.st_size))
    except Unreadable as error:
        return Found(path, None, f"The session's project file {path.name} {error.what}; its tempo was not taken.")
    except OSError as error:
        why = error.strerror or type(error).__name__
        return Found(path, None, f"The session's project file {path.name} cannot be read ({why}).")


def find_project_file(session: Path) -> Path | None:
    """The newest project file that lies in the session folder itself, or None."""
    newest: tuple[float, str, Path] | None = None
    try:
        entries = list(session.iterdir())
    except OSError:
        return None
    for path in entries:
        if path.suffix.lower() in READERS and not path.name.startswith(".") and path.is_file():
            found = (_modified_at(path), path.name, path)
            newest = found if newest is None else max(newest, found)
    return newest[2] if newest else None


@lru_cache(maxsize=16)
def _read(path: Path, _modified_ns: int, _size: int) -> Project:
    """What a file says, read once as long as it stays as it is: many sends come from one session."""
    return READERS[path.suffix.lower()](path)


def _modified_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # it went away while the folder was listed
        return 0.0
