"""Hearing of files at once: watchdog, with what it does not tell made up for.

watchdog loses files when the kernel's queue overflows and says so only in its log; it does not notice that a root has
gone; and an exception in a handler ends its thread. So the handler only passes paths on, the log is listened to, and
whoever uses a `Watcher` looks at its roots from time to time and tries with a probe file whether events still come.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from sendreturn.words import TEMP_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog.observers.api import BaseObserver, ObservedWatch

PROBE_PREFIX = f"{TEMP_PREFIX}probe-"

# What tells of a finished file is its closing on Linux; the other systems report only changes. Without "modified" Linux
# sends nothing while a DAW records.
_EVENTS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileClosedEvent if sys.platform == "linux" else FileModifiedEvent,
]


class Watcher:
    """One observer with one recursive watch per root.

    Args:
        on_path: Called in a thread of watchdog with each path that something happened to; must not raise.
        on_overflow: Called in a thread of watchdog when events were lost.
    """

    def __init__(self, on_path: Callable[[Path], None], on_overflow: Callable[[], None]) -> None:
        self._handler = _Handler(on_path)
        self._overflow = _OverflowListener(on_overflow)
        self._observer: BaseObserver | None = None
        self._watches: dict[Path, ObservedWatch] = {}

    def arm(self, root: Path) -> None:
        """Watch a folder and all below it.

        Raises:
            OSError: the folder cannot be watched: it is gone, or the system's limit is reached.
        """
        self.disarm(root)
        observer = self._running()
        self._watches[root] = observer.schedule(self._handler, str(root), recursive=True, event_filter=_EVENTS)

    def disarm(self, root: Path) -> None:
        """Stop watching a folder; nothing happens where it is not watched."""
        watch = self._watches.pop(root, None)
        if watch is not None and self._observer is not None:
            self._observer.unschedule(watch)

    def stop(self) -> None:
        """End all threads and forget all roots; `arm` begins anew."""
        logging.getLogger("watchdog").removeHandler(self._overflow)
        self._watches.clear()
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None

    def _running(self) -> BaseObserver:
        if self._observer is None or not self._observer.is_alive():
            # watchdog 7.1 warns when a folder is made so fast that it meets it twice, and lists all its watches then.
            warnings.filterwarnings("ignore", message="Callback with id", category=RuntimeWarning)
            observer = Observer()
            observer.start()
            self._observer = observer
            logging.getLogger("watchdog").addHandler(self._overflow)
        return self._observer


def probe(folder: Path) -> Path:
    """Make and remove a file of which a working watcher must hear; what a killed process has left of one goes too.

    Raises:
        OSError: the folder cannot be written.
    """
    for left in folder.glob(f"{PROBE_PREFIX}*"):
        left.unlink(missing_ok=True)
    path = folder / f"{PROBE_PREFIX}{uuid4().hex}"
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    path.unlink(missing_ok=True)
    return path


class _Handler(FileSystemEventHandler):
    def __init__(self, on_path: Callable[[Path], None]) -> None:
        self._on_path = on_path

    def dispatch(self, event: FileSystemEvent) -> None:
        moved_to = event.dest_path if isinstance(event, FileMovedEvent | DirMovedEvent) else ""
        self._on_path(Path(os.fsdecode(moved_to or event.src_path)))


class _OverflowListener(logging.Handler):
    """watchdog 7.1 has no other way to tell ("Inotify queue overflowed; filesystem events were lost")."""

    def __init__(self, on_overflow: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._on_overflow = on_overflow

    def emit(self, record: logging.LogRecord) -> None:
        if "overflow" in str(record.msg).lower():
            self._on_overflow()
