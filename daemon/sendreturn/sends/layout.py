"""A session's hot folders: where they are, what they mean, and how they are made."""

from __future__ import annotations

import json
import os
import re
import tempfile
import unicodedata
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from sendreturn.errors import UsageError
from sendreturn.returns.files import share
from sendreturn.sends.ignore import is_passed_over
from sendreturn.sends.wish import Origin
from sendreturn.words import HOT_OPERATIONS, OPERATION_ALIASES, OPERATIONS, TEMP_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SENT = "sent"
REJECTED = "rejected"


@dataclass(frozen=True)
class Rule:
    """Files elsewhere in a session that are sent when they appear.

    Attributes:
        match: A pattern relative to the session, with `*`, `?`, `[…]` inside a name and `**` for any number of folders;
            upper and lower case are the same.
        operation: The operation or preset that they are sent with.
        params: Parameters that a clip's own `.yaml` overrules.
    """

    match: str
    operation: str
    params: Mapping[str, object] = field(default_factory=dict, hash=False)

    @cached_property
    def pattern(self) -> tuple[str, ...]:
        """The pattern's parts, folded for comparing."""
        return tuple(part for part in _folded(self.match.replace("\\", "/")).split("/") if part not in ("", "."))

    def matches(self, relative: Path) -> bool:
        return _matches([_folded(part) for part in relative.parts], self.pattern)


@dataclass(frozen=True)
class Place:
    """What a file is by where it lies: which operation it is meant for, and with what.

    Attributes:
        top: The hot folder whose defaults apply; for a rule the folder that the file lies in.
        params: The rule's parameters.
    """

    operation: str
    origin: Origin
    top: Path
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Folders:
    """The names of the folders in a session, as configured."""

    sends: str = "Sends"
    returns: str = "Returns"
    presets: tuple[str, ...] = ()

    @cached_property
    def hot_names(self) -> tuple[str, ...]:
        """The hot folders that every session gets: one per hot operation, one per preset that can name a folder."""
        usable = [name for name in self.presets if _can_be_a_folder(name)]
        return tuple(dict.fromkeys((*HOT_OPERATIONS, *usable)))

    def operation_of(self, folder_name: str) -> str | None:
        """What a folder inside `Sends` stands for. Any operation's name works, not only those that are made."""
        known = (*self.hot_names, *OPERATIONS, *OPERATION_ALIASES)
        if folder_name in known:
            return folder_name
        return next((name for name in known if _folded(name) == _folded(folder_name)), None)


@dataclass(frozen=True)
class Session:
    """One session folder with what is watched in it."""

    path: Path
    folders: Folders = field(default_factory=Folders)
    rules: tuple[Rule, ...] = ()

    @cached_property
    def sends(self) -> Path:
        return self.path / self.folders.sends

    @cached_property
    def returns(self) -> Path:
        return self.path / self.folders.returns

    @property
    def sent(self) -> Path:
        return self.sends / SENT

    @property
    def rejected(self) -> Path:
        return self.sends / REJECTED

    def place_of(self, path: Path) -> Place | None:
        """What the file at `path` is meant for; None where it is nobody's business."""
        if not path.is_relative_to(self.path) or path.is_relative_to(self.returns):
            return None
        if any(is_passed_over(part) for part in path.relative_to(self.path).parts):
            return None
        return self._hot_place(path) if path.is_relative_to(self.sends) else self._rule_place(path)

    def loop(self) -> str | None:
        """A sentence where returns would land in a hot folder (perhaps through a link) and be sent again."""
        returns, sends = Path(os.path.realpath(self.returns)), Path(os.path.realpath(self.sends))
        if returns != sends and not returns.is_relative_to(sends):
            return None
        return f"The returns of {self.path} would land in its own hot folders, so it is not watched."

    def _hot_place(self, path: Path) -> Place | None:
        inside = path.relative_to(self.sends).parts
        if len(inside) < 2 or inside[0] in (SENT, REJECTED):
            return None
        operation = self.folders.operation_of(inside[0])
        return Place(operation, Origin.FOLDER, self.sends / inside[0]) if operation else None

    def _rule_place(self, path: Path) -> Place | None:
        relative = path.relative_to(self.path)
        rule = next((rule for rule in self.rules if rule.matches(relative)), None)
        return Place(rule.operation, Origin.RULE, path.parent, rule.params) if rule else None


def make_session(session: Path, folders: Folders) -> Session:
    """Make the hot folders and the returns folder of a session; what is there stays as it is.

    Raises:
        UsageError: the session is no folder, or cannot be written.
    """
    if not session.is_dir():
        raise UsageError(f"{session} is not a folder.", "Give the folder that holds the session.")
    made = Session(session, folders)
    try:
        for folder in (*(made.sends / name for name in folders.hot_names), made.returns):
            _make_folders(folder, session)
    except OSError as error:
        raise UsageError(
            f"The hot folders in {session} could not be made: {error.strerror}.",
            "Check that the folder can be written.",
        ) from error
    return made


def _make_folders(folder: Path, session: Path) -> None:
    for part in (*reversed(folder.relative_to(session).parents), folder.relative_to(session)):
        if not (session / part).is_dir():
            (session / part).mkdir()
            share(session / part)


class WatchedList:
    """The sessions that `sendreturn watch` has added, kept in `watched.json` of the state folder."""

    def __init__(self, state_folder: Path) -> None:
        self._file = state_folder / "watched.json"
        self._lock = FileLock(state_folder / "watched.json.lock")

    def all(self) -> tuple[Path, ...]:
        """The sessions in the order in which they were added.

        Raises:
            UsageError: the list cannot be read.
        """
        try:
            listed = json.loads(self._file.read_text(encoding="utf-8"))["sessions"]
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"The list of watched sessions, {self._file}, cannot be read.",
                "Remove it and run `sendreturn watch` again.",
            ) from error
        return tuple(Path(entry) for entry in listed if isinstance(entry, str))

    def add(self, session: Path) -> bool:
        """Add a session; False where it was there already."""
        return self._change(lambda listed: listed if session in listed else (*listed, session))

    def remove(self, session: Path) -> bool:
        """Take a session off the list; False where it was not on it."""
        return self._change(lambda listed: tuple(entry for entry in listed if entry != session))

    def _change(self, change: Callable[[tuple[Path, ...]], Sequence[Path]]) -> bool:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._lock:
            before = self.all()
            after = change(before)
            if after == before:
                return False
            _write_atomically(self._file, json.dumps({"sessions": [str(path) for path in after]}, indent=2) + "\n")
            return True


def _write_atomically(file: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=TEMP_PREFIX, dir=file.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _can_be_a_folder(name: str) -> bool:
    return bool(name) and name not in (SENT, REJECTED) and _NO_FOLDER.search(name) is None


_NO_FOLDER = re.compile(r'^\.|[/\\:*?"<>|\x00-\x1f]')


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[skipped:], pattern[1:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])
