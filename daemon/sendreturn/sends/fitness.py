"""Whether a quiet file can be used yet: is anybody still writing it, can it be read, is it whole?"""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sendreturn.errors import UsageError
from sendreturn.sends.ignore import NameKind, kind_of
from sendreturn.sends.naming import shown
from sendreturn.sends.settle import (
    UNATTENDED_AFTER_SETTLES,
    UNFINISHED_AFTER_S,
    USELESS_AFTER_SETTLES,
    WRITER_PATIENCE_S,
    Unready,
)

if sys.platform == "linux":
    import fcntl

Completeness = Callable[[Path], str | None]
"""None where an audio file is whole, else the reason why not; raises UsageError where it is no usable audio."""

TAKEN_TYPES = "WAV, AIFF, FLAC, MP3, OGG and M4A are taken."


@dataclass(frozen=True)
class Judge:
    """What is asked of a file before it is taken.

    Attributes:
        completeness: Whether the header agrees with the length.
        settle_s: The configured settle time; patience with useless files is counted in it.
    """

    completeness: Completeness
    settle_s: float

    def refuse_at_sight(self, path: Path, session: Path) -> str | None:
        """A sentence where nothing that may still happen to the file could make it usable; never opens it."""
        name = shown(path.name)
        if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(session)):
            return f"{name} is a link that leads out of the session, and such links are not followed."
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            return f"{name} is not a file but a {_NATURES.get(stat.S_IFMT(mode), 'special file')}."
        if not _is_unicode(path.name):
            return f"The name {name} is not valid text (UTF-8): rename the file and drop it again."
        if kind_of(path.name) is not NameKind.CLIP:
            return f"{name} is not audio: {TAKEN_TYPES}"
        return None

    def unready(self, path: Path, quiet_s: float) -> Unready | None:
        """Why the file cannot be taken now, or None."""
        name = shown(path.name)
        useless_s = max(self.settle_s, 0.1) * USELESS_AFTER_SETTLES
        try:
            if path.stat().st_size == 0:
                return Unready(f"{name} is empty.", useless_s)
            if quiet_s < max(WRITER_PATIENCE_S, useless_s) and has_writer(path):
                return Unready(f"{name} is still held open by another program.", UNFINISHED_AFTER_S)
            reason = self.completeness(path)
        except UsageError as error:
            return Unready(error.sentence, useless_s)
        except OSError as error:
            # On Windows this is how a file looks that another program holds open.
            is_forbidden = isinstance(error, PermissionError) and os.name != "nt"
            patience_s = useless_s if is_forbidden else UNFINISHED_AFTER_S
            return Unready(f"{name} could not be read: {error.strerror or error}.", patience_s)
        if reason is None:
            return None
        # Nobody is writing it any more, so waiting long would only keep the user from learning of it.
        unattended_s = max(self.settle_s, 0.1) * UNATTENDED_AFTER_SETTLES
        patience_s = unattended_s if has_writer(path) is False else UNFINISHED_AFTER_S
        return Unready(f"{name} looks unfinished: {reason}", patience_s)


def has_writer(path: Path) -> bool | None:
    """Whether some program holds the file open for writing; None where the system cannot tell.

    Linux grants a read lease only on a file that nobody has open for writing (fcntl(2), "Leases"). While the lease is
    held, for microseconds, a program that opens the file is told to wait and we are sent a signal: SIGURG, which is
    ignored by default, instead of SIGIO, which would end the process.
    """
    if sys.platform != "linux":
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return None  # No leases here: another user's file, or a file system without them.
    finally:
        os.close(descriptor)
    return False


_NATURES = {
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "device",
    stat.S_IFDIR: "folder",
}


def _is_unicode(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
