"""One thread that does all file work on one drive, so that a drive that hangs holds up no other.

The thread sleeps until watchdog has heard something, a file's settle time is over, or it is time to look at the roots.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sendreturn.sends.ignore import NameKind, kind_of
from sendreturn.sends.naming import shown
from sendreturn.sends.walk import files_under, folders_in, hot_files, rule_files
from sendreturn.sends.watching import PROBE_PREFIX, Watcher, probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sendreturn.sends.arrivals import Arrivals
    from sendreturn.sends.intake import Intake, Tell
    from sendreturn.sends.layout import Session
    from sendreturn.sends.roots import Root

POLL_S = 5.0
"""Where a drive sends no events, its hot folders are looked through this often (or seldomer, if looking takes long)."""
MOST_AT_FIRST_SIGHT = 25
"""So many clips in the hot folders of a session that was never watched before are sent; more are asked about."""
POLL_SHARE = 0.02
"""The most of a core that looking may take where no events come."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """How often the station looks for itself.

    Attributes:
        roots_s: Between looks whether the watched folders are still there.
        rescan_s: Between looks through all folders, whatever was heard; varied by a quarter.
        probe_s: How long a probe file's event may take.
    """

    roots_s: float = 10.0
    rescan_s: float = 300.0
    probe_s: float = 10.0


class Station:
    """Watches some roots of one drive and feeds an intake.

    Args:
        intake: Is told of files, in the station's thread only.
        is_remote: Whether other computers may write on the drive of a path.
        tell: Hears what the user should know; called in the station's thread.
        clock: Seconds that never jump.
    """

    def __init__(
        self,
        name: str,
        intake: Intake,
        arrivals: Arrivals,
        tell: Tell,
        clock: Callable[[], float],
        pace: Pace,
        is_remote: Callable[[Path], bool] = lambda _: False,
    ) -> None:
        self.name = name
        self._intake = intake
        self._arrivals = arrivals
        self._tell = tell
        self._clock = clock
        self._pace = pace
        self._is_remote = is_remote
        self._roots: dict[Path, Root] = {}
        self._heard: queue.SimpleQueue[Path | Callable[[], None] | None] = queue.SimpleQueue()
        self._watcher = Watcher(self._heard.put, lambda: self._heard.put(self._recover))
        self._probes: dict[Path, tuple[Root, float]] = {}
        self._roots_at_s = self._rescan_at_s = self._clock()
        self._busy_since_s: float | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=f"sends {name}", daemon=True)

    # From any thread

    @property
    def busy_for_s(self) -> float:
        """How long it has been at one thing: very long where its drive hangs."""
        since_s = self._busy_since_s
        return 0.0 if since_s is None else self._clock() - since_s

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; `join` waits for it."""
        self._heard.put(None)

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread; false where it hangs on its drive."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def rescan(self) -> Future[None]:
        """Look through everything; the result comes when that is done."""
        return self._ask(self._rescan)

    def set_roots(self, roots: Iterable[Root]) -> Future[None]:
        """Watch these roots and no others."""
        wanted = {root.path: root for root in roots}
        return self._ask(lambda: self._set_roots(wanted))

    def _ask(self, act: Callable[[], None]) -> Future[None]:
        done: Future[None] = Future()

        def run() -> None:
            try:
                act()
            except Exception as error:
                done.set_exception(error)
                raise
            done.set_result(None)

        self._heard.put(run)
        return done

    # In the station's thread

    def _run(self) -> None:
        try:
            while not self._stopped:
                self._step_safely()
        finally:
            self._watcher.stop()

    def _step_safely(self) -> None:
        try:
            self.step(self._pause_s())
        except Exception:
            # Without this thread no drop would ever be seen again. What was heard is found by the next rescan.
            log.exception("the watch of %s stumbled", self.name)
            self._tell(f"drive:{self.name}", f"Watching {self.name} stumbled; the log says more. It goes on.")
            self._rescan_at_s = self._clock() + self._pace.roots_s
            time.sleep(_REST_S)

    def step(self, timeout_s: float) -> None:
        """Wait for something to do, and do it."""
        heard = self._take_heard(timeout_s)
        self._busy_since_s = self._clock()
        try:
            self._handle(heard)
        finally:
            self._busy_since_s = None

    def _handle(self, heard: Sequence[Path | Callable[[], None] | None]) -> None:
        for item in heard:
            if item is None:
                self._stopped = True
                return
            if isinstance(item, Path):
                self._hear(item)
            else:
                item()
        self._look_at_roots()
        self._intake.run_due()

    def _take_heard(self, timeout_s: float) -> list[Path | Callable[[], None] | None]:
        """All that was heard, each path once."""
        try:
            heard = [self._heard.get(timeout=timeout_s)]
        except queue.Empty:
            return []
        while not self._heard.empty():
            heard.append(self._heard.get())
        return list(dict.fromkeys(heard))

    def _pause_s(self) -> float:
        due = [self._roots_at_s, self._intake.next_due_s, *(until_s for _, until_s in self._probes.values())]
        due += [root.poll_at_s for root in self._roots.values() if root.events is False and root.inode]
        return max(0.0, min(at_s for at_s in due if at_s is not None) - self._clock())

    def _hear(self, path: Path) -> None:
        if path.name.startswith(PROBE_PREFIX):
            self._hear_probe(path)
            return
        for root in self._roots.values():
            session, is_found_now = root.session_of(path)
            if session is None:
                continue
            if is_found_now:
                self._scan_session(session)
            elif path.is_dir() and not path.is_symlink():
                self._scan_folder(session, path)
            else:
                self._intake.notice(session, path)

    # Looking through folders

    def _recover(self) -> None:
        """Events were lost: what they told of is found by looking."""
        self._tell(f"drive:{self.name}", f"More happened on {self.name} than could be heard; it is looked through now.")
        self._rescan()

    def _rescan(self) -> None:
        quarter_s = self._pace.rescan_s / 4
        self._rescan_at_s = self._clock() + self._pace.rescan_s + random.uniform(-quarter_s, quarter_s)
        self._renew_watches()
        for root in self._roots.values():
            if not self._check(root) and root.inode is not None:
                self._scan(root)
                self._probe(root)
        self._tell(f"drive:{self.name}", None)

    def _renew_watches(self) -> None:
        """Where events do not come any more, begin anew: one of watchdog's threads may have died."""
        there = [root for root in self._roots.values() if root.inode is not None]
        if any(root.events is False and not root.is_remote for root in there):
            self._watcher.stop()
            for root in there:
                self._arm(root)

    def _scan(self, root: Root) -> None:
        began_s = self._clock()
        self._intake.forget_moved(root.path)
        for session in list(root.find_sessions()):
            self._scan_session(session)
        took_s = self._clock() - began_s
        root.poll_at_s = self._clock() + max(POLL_S, took_s / POLL_SHARE)
        self._tell(f"session:{root.entry.path}", " ".join(root.problems.values()) or None)

    def _scan_session(self, session: Session) -> None:
        files = list(hot_files(session))
        if not self._arrivals.know(_hot_scope(session)):
            self._see_first(session, files)
        for path in files:
            self._intake.notice(session, path)
        self._scan_rules(session)

    def _see_first(self, session: Session, files: Sequence[Path]) -> None:
        """A hot folder full of clips that this state folder has never seen was hardly filled to be sent at once."""
        clips = [path for path in files if kind_of(path.name) is NameKind.CLIP and self._arrivals.at(path) is None]
        there = clips if len(clips) > MOST_AT_FIRST_SIGHT else []
        rows = [row for path in there if (row := self._intake.baseline_hot(session, path)) is not None]
        self._arrivals.learn(_hot_scope(session), rows)
        if rows:
            self._tell(
                f"first:{session.path}",
                f"{len(rows)} clips lay in the hot folders of {shown(str(session.path))} before they were watched, and "
                "are not sent. Copy in anew what you want sent, or use `sendreturn send`.",
            )

    def _scan_rules(self, session: Session) -> None:
        for rule in session.rules:
            scope = f"{session.path}\0{rule.match}\0{rule.operation}"
            files = list(rule_files(session, rule))
            if self._arrivals.know(scope):
                for path in files:
                    self._intake.notice(session, path)
            else:
                there = (self._intake.baseline(session, path) for path in files)
                self._arrivals.learn(scope, [arrival for arrival in there if arrival is not None])

    def _scan_folder(self, session: Session, folder: Path) -> None:
        if folder == session.sends or folder.is_relative_to(session.sends):
            for path in files_under(folder):
                self._intake.notice(session, path)
        else:
            self._scan_rules(session)

    # Roots that come and go

    def _set_roots(self, wanted: dict[Path, Root]) -> None:
        for path in set(self._roots) - set(wanted):
            self._watcher.disarm(path)
            del self._roots[path]
        for path, root in wanted.items():
            if path not in self._roots or self._roots[path].entry != root.entry:
                self._watcher.disarm(path)
                self._roots[path] = root
        self._rescan()

    def _look_at_roots(self) -> None:
        now_s = self._clock()
        self._expire_probes(now_s)
        if now_s >= self._rescan_at_s:
            self._rescan()
        if now_s >= self._roots_at_s:
            self._roots_at_s = now_s + self._pace.roots_s
            for root in self._roots.values():
                self._check(root)
        for root in self._roots.values():
            if root.events is False and root.inode is not None and now_s >= root.poll_at_s:
                self._scan(root)

    def _check(self, root: Root) -> bool:
        """Arm and look through a root that is there and not watched, or not the one that was; true where it did."""
        if root.inode is None and not root.entry.each:
            list(root.find_sessions())  # The watched folder may be one that is yet to be made.
        present = root.present()
        if present == root.inode and present is not None:
            return False
        if present is None:
            self._watcher.disarm(root.path)
            root.inode = None
            self._tell(_topic(root), f"{shown(str(root.path))} is not there. It is watched as soon as it is.")
            return False
        root.inode = present
        if self._arm(root):
            self._tell(_topic(root), None)
        how = "looked through every few seconds, since it is on a network drive" if root.is_remote else "watched"
        log.info("%s is %s", shown(str(root.path)), how)
        self._scan(root)
        self._probe(root)
        return True

    def _arm(self, root: Root) -> bool:
        try:
            self._watcher.arm(root.path)
        except OSError as error:
            root.events = False
            self._tell(_topic(root), _no_events(root, error.strerror or str(error)))
            return False
        # On a network drive only what this computer does is heard of, at once; the rest is found by looking.
        root.is_remote = self._is_remote(root.path)
        root.events = not root.is_remote
        return True

    # Do events come?

    def _probe(self, root: Root) -> None:
        if root.is_remote:
            return
        for session in root.sessions[:1] if root.events is False else root.sessions[-_PROBED_SESSIONS:]:
            # In each folder, since watchdog does not tell which of them the system's limit has kept it from watching.
            for folder in (session.sends, *folders_in(session.sends)):
                with suppress(OSError):  # A folder that cannot be written tells nothing about events.
                    self._probes[probe(folder)] = (root, self._clock() + self._pace.probe_s)

    def _hear_probe(self, path: Path) -> None:
        root, _ = self._probes.pop(path, (None, 0.0))
        is_last = all(other is not root for other, _ in self._probes.values())
        if root is not None and root.events is False and is_last:
            root.events = True
            self._tell(_topic(root), None)

    def _expire_probes(self, now_s: float) -> None:
        for path, (root, until_s) in list(self._probes.items()):
            if now_s >= until_s and path in self._probes:
                self._probes = {other: row for other, row in self._probes.items() if row[0] is not root}
                if root.events is not False:
                    root.events = False
                    self._tell(_topic(root), _no_events(root, "no file events come from it"))


def _hot_scope(session: Session) -> str:
    return f"{session.path}\0hot folders"


def _topic(root: Root) -> str:
    return f"root:{root.path}"


_REST_S = 1.0
# Enough to notice that the system's limit of watched folders was reached on the way, without touching every folder.
_PROBED_SESSIONS = 3


def _no_events(root: Root, why: str) -> str:
    return f"{shown(str(root.path))} is looked through every few seconds instead of being watched: {why}."
