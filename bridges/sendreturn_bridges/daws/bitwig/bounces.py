"""The file that Bitwig has bounced last.

Scripts learn no clip's file, but Bitwig writes what is bounced into `bounce` in the project's folder (user guide,
"Working with Projects and Exporting": samples, plugin-states, recordings, bounce). Who bounces and then presses means
the newest file there. Where it could be another one, nothing is sent.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sendreturn.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "bounce"
SUFFIXES = frozenset({".wav", ".wave", ".aif", ".aiff", ".flac"})
LATEST_S = 15 * 60
"""How long ago the bounce may have been."""
QUIET_S = 1.0
"""How long nothing may have been written to it."""
TOGETHER_S = 3.0
"""Files that were written within this time were bounced together."""

HOW = (
    "Select the clip, choose Bounce (right click), and press again; or drag the file into one of the folders in Sends."
)


def last_bounce(project: Path, now_s: float | None = None) -> Path:
    """The newest bounced file of a project.

    Raises:
        UsageError: there is none, it is not whole yet, or several were bounced together.
    """
    now = time.time() if now_s is None else now_s
    files = sorted(_audio_in(project / FOLDER), reverse=True)
    if not files or now - files[0][0] > LATEST_S:
        raise UsageError(f"Nothing was bounced in this project in the last {LATEST_S // 60} minutes.", HOW)
    written_at, newest = files[0]
    if abs(now - written_at) < QUIET_S:
        raise UsageError(f"“{newest.name}” is still being written.", "Press again in a moment.")
    together = [path.name for at, path in files if written_at - at < TOGETHER_S]
    if len(together) > 1:
        listed = ", ".join(f"“{name}”" for name in sorted(together))
        raise UsageError(
            f"{listed} were bounced together.", "Drag those that you mean into one of the folders in Sends."
        )
    return newest


def _audio_in(folder: Path) -> list[tuple[float, Path]]:
    """The audio files of a folder, with when each was written."""
    try:
        return [
            (path.stat().st_mtime, path)
            for path in folder.iterdir()
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
        ]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}.", "Make it readable.") from error
