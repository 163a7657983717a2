"""The way in through folders: hot folders in every session, and rules for files elsewhere in it.

All work on files is done by one `Station` (a thread) for each drive; wishes are handed to the desk on the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from typing import TYPE_CHECKING

from sendreturn.sends.arrivals import Arrivals, StoredArrivals
from sendreturn.sends.drives import is_remote, mounts
from sendreturn.sends.fitness import Completeness, Judge
from sendreturn.sends.intake import Intake, Tell
from sendreturn.sends.roots import Entry, LooksLikeSession, Root
from sendreturn.sends.station import Pace, Station
from sendreturn.sends.walk import looks_like_session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sendreturn.sends.layout import Folders
    from sendreturn.sends.wish import Desk, Receipt, Wish

ACCEPT_TIMEOUT_S = 60.0
FOLLOW_S = 5.0
"""Between looks at the list of sessions, which `sendreturn watch` changes while the daemon runs."""
HANGS_AFTER_S = 30.0
"""A drive that takes longer than this for one thing is told of: it hangs, or very much lies there."""
STOP_TIMEOUT_S = 5.0
ARRIVALS_NAME = "arrivals.sqlite3"

log = logging.getLogger(__name__)


class FolderWays:
    """Watches all sessions and hands in what is dropped there.

    Args:
        entries: The configured and added sessions; asked again every few seconds.
        folders: The names of the folders in a session.
        desk: Takes the wishes, on the event loop.
        arrivals: The memory of what arrived; not closed here.
        tell: Told, on the event loop, what is wrong and what is well again, each once.
        completeness: Whether an audio file is whole.
        settle_s: How long a file must have been quiet.
        moves: Whether taken clips are moved to `sent/`.
        drive_of: Names the drive of a path without touching it.
        is_remote: Whether other computers may write on the drive of a path; does not touch it either.
    """

    def __init__(
        self,
        entries: Callable[[], Sequence[Entry]],
        folders: Folders,
        desk: Desk,
        arrivals: Arrivals,
        tell: Tell,
        completeness: Completeness,
        *,
        settle_s: float = 2.0,
        moves: bool = True,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
        session_test: LooksLikeSession = looks_like_session,
        drive_of: Callable[[Path], str] | None = None,
        is_remote: Callable[[Path], bool] = is_remote,
    ) -> None:
        self._entries = entries
        self._folders = folders
        self._desk = desk
        self._arrivals = arrivals
        self._told = tell
        self._judge = Judge(completeness, settle_s)
        self._moves = moves
        self._pace = pace or Pace()
        self._clock = clock
        self._session_test = session_test
        self._drive_of = drive_of or drive_of_mounts()
        self._is_remote = is_remote
        self._stations: dict[str, Station] = {}
        self._watched: tuple[Entry, ...] = ()
        self._follower: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.problems: dict[str, str] = {}
        """What is wrong now, by topic."""

    async def start(self) -> None:
        """Begin to watch. Does not wait for any drive; `rescan` does."""
        self._loop = asyncio.get_running_loop()
        self._follow_entries()
        self._follower = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """End all threads, except those that hang on a drive: those end with the process."""
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.gather(self._follower, return_exceptions=True)
        stations = list(self._stations.values())
        self._stations.clear()
        for station in stations:
            station.stop()
        for station in stations:
            if not await asyncio.to_thread(station.join, STOP_TIMEOUT_S):
                log.warning("the watch of %s hangs and is left behind", station.name)

    async def rescan(self) -> None:
        """Look through all sessions now; returns when every drive has been looked through."""
        self._follow_entries()
        asked = [asyncio.wrap_future(station.rescan()) for station in self._stations.values()]
        await asyncio.gather(*asked)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(FOLLOW_S)
            self._follow_entries()
            self._tell_of_hanging_drives()

    def _tell_of_hanging_drives(self) -> None:
        for name, station in self._stations.items():
            hangs = station.busy_for_s > HANGS_AFTER_S
            sentence = f"{name} does not answer, or takes very long to look through; what is dropped there has to wait."
            self._tell_once(f"hangs:{name}", sentence if hangs else None)

    def _follow_entries(self) -> None:
        entries = tuple(self._entries())
        if entries == self._watched and self._stations:
            return
        self._watched = entries
        by_drive: dict[str, list[Root]] = {name: [] for name in self._stations}
        for entry in entries:
            root = Root(entry, self._folders, self._session_test)
            by_drive.setdefault(self._drive_of(entry.path), []).append(root)
        for drive, roots in by_drive.items():
            self._station(drive).set_roots(roots)

    def _station(self, drive: str) -> Station:
        if drive not in self._stations:
            intake = Intake(self._accept, self._arrivals, self._judge, self._tell, self._clock, self._moves)
            station = Station(drive, intake, self._arrivals, self._tell, self._clock, self._pace, self._is_remote)
            self._stations[drive] = station
            station.start()
        return self._stations[drive]

    # Called in a station's thread

    def _accept(self, wish: Wish) -> Receipt:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(self._accept_here(wish), self._loop).result(ACCEPT_TIMEOUT_S)

    def _tell(self, topic: str, sentence: str | None) -> None:
        assert self._loop is not None
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell_once, topic, sentence)

    # Called on the event loop

    async def _accept_here(self, wish: Wish) -> Receipt:
        return self._desk.accept(wish)

    def _tell_once(self, topic: str, sentence: str | None) -> None:
        if self.problems.get(topic) == sentence:
            return
        if sentence is None:
            del self.problems[topic]
        else:
            self.problems[topic] = sentence
        self._told(topic, sentence)


def drive_of_mounts() -> Callable[[Path], str]:
    """Names the drive that a path is on from the list of mounts, which never waits for a drive."""
    known = mounts()

    def drive_of(path: Path) -> str:
        return next((str(mount.point) for mount in known if path.is_relative_to(mount.point)), path.anchor)

    return drive_of


def open_arrivals(state_folder: Path, tell: Tell) -> StoredArrivals:
    """The memory in the state folder. A damaged one is set aside: the desk still knows what was sent.

    Raises:
        sqlite3.OperationalError: the state folder cannot be written.
    """
    file = state_folder / ARRIVALS_NAME
    try:
        return StoredArrivals(file)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        aside = file.with_name(f"{ARRIVALS_NAME}.damaged-{time.time_ns()}")
        file.rename(aside)
        for rest in (f"{ARRIVALS_NAME}-wal", f"{ARRIVALS_NAME}-shm"):
            file.with_name(rest).unlink(missing_ok=True)
        tell("arrivals", f"The memory of dropped files was damaged; it is kept as {aside}, and a new one is made.")
        return StoredArrivals(file)
