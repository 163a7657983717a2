"""Room kept back for the journal: a file that is given up when the disk is full.

What a service has answered has to be written down even then, since it says where the thing is that was paid for.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

RESERVE_BYTES = 1 << 20
NAME = "reserve"


class Reserve:
    """The reserve of the journal at `journal`; all of it does nothing where it cannot."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._file = journal.with_name(f"{journal.name}-{NAME}")
        self._is_given_up = False

    def keep(self) -> None:
        """Take the room, unless it is taken or the disk has little."""
        with suppress(OSError):
            if not self._journal.is_file() or (self._file.exists() and self._file.stat().st_size == RESERVE_BYTES):
                return
            if shutil.disk_usage(self._file.parent).free < 2 * RESERVE_BYTES:
                return
            with self._file.open("wb") as file:
                # Written rather than allocated: some file systems only promise what is allocated.
                file.write(b"\0" * RESERVE_BYTES)
                file.flush()
                os.fsync(file.fileno())
            self._is_given_up = False

    def give_up(self) -> None:
        """Give the room back, for what has to be written now."""
        self._is_given_up = True
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def renew(self) -> None:
        """Take the room again where it was given up and the disk has some."""
        if self._is_given_up:
            self.keep()
