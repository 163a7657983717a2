"""What holds the work up and passes without us: a full disk, no free file handles, a journal that another one holds.

A send that meets one of these has not failed. It stays in the state it is in, says why, and goes on with the same step
when it is over. What is repeated then is only what was not written down yet, and never a paid request.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sendreturn.errors import Stalled

LOOK_AGAIN_S = 2.0
TRY_AGAIN_AFTER_LOOKS = 15
"""A quota shows room where there is none to be had, or none where there is, so a try is made now and then."""
LEAST_ROOM_BYTES = 1 << 20

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_SHORT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_JOURNAL = {
    "SQLITE_FULL": "the disk is full",
    "SQLITE_BUSY": "another program holds it",
    "SQLITE_LOCKED": "another program holds it",
    "SQLITE_READONLY": "it cannot be written",
    "SQLITE_IOERR_WRITE": "the disk reported an error",
    "SQLITE_CANTOPEN": "it cannot be opened",
}


def stall_in(error: BaseException) -> Stalled | None:
    """What holds the work up, where this error or one that has led to it says so; else None."""
    for cause in _causes(error):
        if isinstance(cause, Stalled):
            return cause
        if isinstance(cause, OSError):
            found = _of_system(cause)
            if found is not None:
                return found
    return None


def stalled_journal(path: Path, error: BaseException) -> Stalled | None:
    """The same for an error of SQLite."""
    name = getattr(error, "sqlite_errorname", "") if isinstance(error, sqlite3.Error) else ""
    reason = next((text for start, text in _JOURNAL.items() if name.startswith(start)), None)
    if reason is None:
        return None
    folder = str(path.parent) if name == "SQLITE_FULL" else ""
    return Stalled(
        f"The journal {path} cannot be written: {reason}.",
        "Put that right; everything goes on by itself then, and nothing is sent or paid for meanwhile.",
        f"{name}: {error}",
        folder,
        LEAST_ROOM_BYTES,
    )


def is_over(stall: Stalled) -> bool:
    """Whether there is room again; always true of what cannot be looked at, which is found out by trying."""
    if not stall.folder:
        return True
    try:
        return shutil.disk_usage(stall.folder).free >= max(stall.wanted_bytes, LEAST_ROOM_BYTES)
    except OSError:
        return True


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def _of_system(error: OSError) -> Stalled | None:
    if error.errno in _FULL:
        place = _folder_of(error)
        where = f"The disk of {place}" if place else "A disk"
        hint = "Make room; it goes on by itself then."
        return Stalled(f"{where} is full.", hint, str(error), place, LEAST_ROOM_BYTES)
    if error.errno in _SHORT:
        what = f"The system is short of something that sendreturn needs ({os.strerror(error.errno or 0)})."
        return Stalled(what, "Close other programs, or raise the limit; it goes on by itself then.", str(error))
    return None


def _folder_of(error: OSError) -> str:
    name = error.filename2 or error.filename
    if not isinstance(name, str | bytes | os.PathLike):
        return ""
    folder = Path(os.fsdecode(name)).parent
    return str(folder) if folder.is_absolute() else ""
