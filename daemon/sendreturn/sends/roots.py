"""What a configured folder comes to: the folder that is watched, and the sessions in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sendreturn.errors import UsageError
from sendreturn.sends.layout import Folders, Rule, Session, make_session
from sendreturn.sends.walk import folders_in

LooksLikeSession = Callable[[Path], bool]


@dataclass(frozen=True)
class Entry:
    """One entry of `sessions` in the configuration.

    Attributes:
        each: The folder's folders are the sessions.
    """

    path: Path
    each: bool = False
    rules: tuple[Rule, ...] = ()


@dataclass
class Root:
    """One watched folder.

    A folder among `each: true` becomes a session, and gets its hot folders, as soon as it has a `Sends` folder or looks
    like a session; others are not touched.

    Attributes:
        events: Whether events come: unknown at first; false where the drive sends none, or not all.
        is_remote: Whether other computers write there too, of which no events come.
        poll_at_s: When to look next where no events come, on the clock.
    """

    entry: Entry
    folders: Folders
    looks_like_session: LooksLikeSession
    inode: tuple[int, int] | None = None
    events: bool | None = None
    is_remote: bool = False
    poll_at_s: float = 0.0
    problems: dict[str, str] = field(default_factory=dict)
    _sessions: dict[Path, Session] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The folder that is watched, with all below it: as little as what is configured needs."""
        return self.entry.path if self.entry.each or self.entry.rules else self.entry.path / self.folders.sends

    @property
    def sessions(self) -> tuple[Session, ...]:
        return tuple(self._sessions.values())

    def present(self) -> tuple[int, int] | None:
        """What tells this folder from another one of the same name; None where there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def find_sessions(self) -> Iterator[Session]:
        """Look which sessions are there, make their hot folders, and forget those that have gone."""
        candidates = folders_in(self.entry.path) if self.entry.each else [self.entry.path]
        candidates = [folder for folder in candidates if folder.is_dir()]
        self.problems.clear()
        for gone in set(self._sessions) - set(candidates):
            del self._sessions[gone]
        for candidate in candidates:
            session = self._known_or_made(candidate)
            if session is not None:
                yield session

    def session_of(self, path: Path) -> tuple[Session | None, bool]:
        """The session that a path lies in, and whether it was found only now."""
        if not path.is_relative_to(self.entry.path):
            return None, False
        folder = self.entry.path
        if self.entry.each:
            inside = path.relative_to(self.entry.path).parts
            if not inside:
                return None, False
            folder = folder / inside[0]
        known = folder in self._sessions
        return self._known_or_made(folder), not known

    def _known_or_made(self, folder: Path) -> Session | None:
        known = self._sessions.get(folder)
        if known is not None or not self._is_session(folder):
            return known
        session = Session(folder, self.folders, self.entry.rules)
        problem = session.loop() or _making_problem(folder, self.folders)
        if problem:
            self.problems[str(folder)] = problem
            return None
        self.problems.pop(str(folder), None)
        self._sessions[folder] = session
        return session

    def _is_session(self, folder: Path) -> bool:
        if not self.entry.each:
            return folder.is_dir()
        if folder.name.startswith(".") or folder.is_symlink() or not folder.is_dir():
            return False
        return (folder / self.folders.sends).is_dir() or self.looks_like_session(folder)


def _making_problem(folder: Path, folders: Folders) -> str | None:
    """A folder that cannot be written is watched all the same where its hot folders are there."""
    try:
        make_session(folder, folders)
    except UsageError as error:
        return None if os.path.isdir(folder / folders.sends) else error.sentence  # noqa: PTH112
    return None
