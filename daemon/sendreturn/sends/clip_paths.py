"""Clip paths that come over a wire as text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from sendreturn.errors import ClipError

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_SHOWN = 200
"""The most of a path that a sentence repeats."""


def clip_path(text: str, sessions: Sequence[Path]) -> Path:
    """The full path that a text means; whether the file may be read is for the desk to say.

    Args:
        text: A full path, one that begins with `~`, a `file://` URL, or a path relative to a session.
        sessions: The session folders, for relative paths.

    Raises:
        ClipError: the text is no path that is taken, or a relative one that fits no session or several.
    """
    path = _local_text(text)
    if "\0" in path:
        raise ClipError("The path of the clip holds a NUL character.")
    if path.startswith(("\\\\", "//")):
        raise ClipError(
            "A network path (\\\\server\\share) is not taken.", "Connect the share as a drive and give the path there."
        )
    return _full(path, sessions)


def _local_text(text: str) -> str:
    if not text.lower().startswith("file:"):
        return text
    parts = urlsplit(text)
    if parts.netloc not in ("", "localhost"):
        raise ClipError(f"The address {text} leads to another machine.", "Give the path of a file on this machine.")
    path = unquote(parts.path, errors="surrogateescape")
    return path[1:] if re.match(r"/[A-Za-z]:[/\\]", path) else path


def _full(text: str, sessions: Sequence[Path]) -> Path:
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise ClipError(f"There is no home folder for {text}.", "Give the full path of the clip.") from None
    return path if path.is_absolute() else _in_a_session(path, sessions)


def _in_a_session(path: Path, sessions: Sequence[Path]) -> Path:
    if ".." in path.parts:
        raise ClipError(f"{path} leads out of the session.", "Give the path without `..`, or the full path.")
    found = [session / path for session in sessions if _is_file(session / path)]
    if not found:
        raise ClipError(f"No session holds {_short(str(path))}.", "Give the full path of the clip.")
    if len(found) > 1:
        raise ClipError(f"{len(found)} sessions hold {_short(str(path))}.", "Give the full path of the clip.")
    return found[0]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long, say: there is no such file, then
        return False
