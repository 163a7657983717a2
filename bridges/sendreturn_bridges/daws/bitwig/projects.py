"""Which folder the open project is: Bitwig tells scripts its name and nothing more."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sendreturn.daws.small_files import replace
from sendreturn.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SUFFIX = ".bwproject"


@dataclass(frozen=True)
class Project:
    """The open project, as Bitwig tells it.

    Attributes:
        name: Without the suffix of its file.
        chosen: The folder that the user has written into the project; "" where there is none.
        track: The selected one.
    """

    name: str
    chosen: str = ""
    track: str = ""
    bpm: float | None = None
    time_signature: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from another project."""
        return self.name, self.chosen


def folder_of(project: Project, sessions: Sequence[Path], named: Callable[[str], str] = str) -> Path:
    """The project's folder: the one that the user has chosen, else the watched one in which a project of its name lies.

    Args:
        named: How a name looks that is told by Bitwig.

    Raises:
        UsageError: there is none, or there are several.
    """
    if project.chosen:
        return _chosen(project.chosen)
    found = [session for session in sessions if _holds(session, project.name, named)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(
            f"sendreturn does not know where “{project.name}” lies.",
            "Save it, and `sendreturn watch` its folder (or write the folder into Studio I/O > Project folder).",
        )
    raise UsageError(
        f"“{project.name}” lies in {len(found)} watched folders: {', '.join(map(str, found))}.",
        "Write the right one into Studio I/O > Project folder.",
    )


class FirstSeen:
    """When each project was first open while we were there: what was sent before is not placed unasked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._times = {str(folder): str(at) for folder, at in json.loads(path.read_text("utf-8")).items()}
        except (OSError, ValueError, AttributeError):
            self._times = {}

    def of(self, folder: str) -> str:
        """UTC, ISO 8601. Raises OSError where it cannot be written down."""
        if folder not in self._times:
            times = {**self._times, folder: datetime.now(UTC).isoformat(timespec="milliseconds")}
            replace(self._path, json.dumps(times))
            self._times = times
        return self._times[folder]


def _chosen(text: str) -> Path:
    path = Path(text.strip().strip('"')).expanduser()
    folder = path.parent if path.suffix == SUFFIX else path
    if not folder.is_absolute() or not folder.is_dir():
        raise UsageError(f"The folder {text} in Studio I/O > Project folder is not there.", "Correct it, or empty it.")
    return folder


def _holds(session: Path, name: str, named: Callable[[str], str]) -> bool:
    try:
        return any(entry.suffix == SUFFIX and named(entry.stem) == name for entry in session.iterdir())
    except OSError:
        return False
