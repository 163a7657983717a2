"""What is remembered of the files that arrived: the memory that makes one drop one send.

A drop gets a random key, and its row is on disk before the wish is handed in; the row goes away when the file has been
moved to `sent/`. So, whatever moment the process dies in:

* before the row is written: nothing has happened, the file is found at the next start;
* between the row and the move: the file is found where the row says, looks as the row says, and is handed in under the
  row's key, which the desk knows or does not know; then it is moved;
* between the move and the end of the row: the file has left and lies where the row says, and the row is forgotten.

A later drop of the same file, even of the same inode brought back from `sent/`, finds no row and gets a new key: the
user's wish for another take. Files that stay where they are (`after: leave`, rules, folders that cannot be written)
keep their row, with a digest of the content, so that a touched file is not sent again and a changed one is.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from sendreturn.places import keep_private
from sendreturn.sends.settle import Sighting

if TYPE_CHECKING:
    from collections.abc import Sequence


class Standing(StrEnum):
    """What has become of a file that arrived."""

    TAKING = "taking"
    """Its key may have been handed in, and it is to be moved."""
    STAYS = "stays"
    """It has been handed in and lies where it was."""
    REFUSED = "refused"
    """It cannot be used and could not be moved away."""
    BASELINE = "baseline"
    """It was there before its rule was, and is not sent."""


@dataclass(frozen=True)
class Arrival:
    """One file that arrived. `content` is a digest (see `digest.py`), empty where none was taken."""

    path: Path
    key: str
    operation: str
    sighting: Sighting
    standing: Standing
    target: Path | None = None
    content: str = ""


class Arrivals(Protocol):
    """The memory of arrivals; every change is durable when the call returns."""

    def at(self, path: Path) -> Arrival | None: ...

    def put(self, arrival: Arrival) -> None:
        """Remember, in place of what was remembered of the path."""
        ...

    def forget(self, path: Path) -> None: ...

    def with_content(self, content: str, operation: str) -> Sequence[Arrival]: ...

    def taking(self) -> Sequence[Arrival]:
        """The arrivals whose files are on their way to `sent/`."""
        ...

    def know(self, scope: str) -> bool:
        """Whether `learn` has been called for this rule of this session."""
        ...

    def learn(self, scope: str, baseline: Sequence[Arrival]) -> None:
        """Remember a rule's first sight of a session and all files that lay there, at once."""
        ...


def new_key() -> str:
    return f"file:{uuid4().hex}"


class MemoryArrivals:
    """Forgets everything at the end of the process: for tests."""

    def __init__(self) -> None:
        self._rows: dict[Path, Arrival] = {}
        self._scopes: set[str] = set()

    def at(self, path: Path) -> Arrival | None:
        return self._rows.get(path)

    def put(self, arrival: Arrival) -> None:
        self._rows[arrival.path] = arrival

    def forget(self, path: Path) -> None:
        self._rows.pop(path, None)

    def with_content(self, content: str, operation: str) -> Sequence[Arrival]:
        return [row for row in self._rows.values() if (row.content, row.operation) == (content, operation)]

    def taking(self) -> Sequence[Arrival]:
        return [row for row in self._rows.values() if row.standing is Standing.TAKING]

    def know(self, scope: str) -> bool:
        return scope in self._scopes

    def learn(self, scope: str, baseline: Sequence[Arrival]) -> None:
        for arrival in baseline:
            self._rows.setdefault(arrival.path, arrival)
        self._scopes.add(scope)


class StoredArrivals:
    """The memory in an SQLite file of its own.

    One connection, used by one thread at a time. Paths are stored as bytes, because a path need not be valid text.

    Raises:
        sqlite3.DatabaseError: the file is no usable database.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        keep_private(file)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=10)
        try:
            self._prepare()
        except sqlite3.DatabaseError:
            self._db.close()
            raise

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def at(self, path: Path) -> Arrival | None:
        return next(iter(self._select("path = ?", os.fsencode(path))), None)

    def put(self, arrival: Arrival) -> None:
        with self._lock:
            self._db.execute(_INSERT.format(conflict="REPLACE"), _row(arrival))

    def forget(self, path: Path) -> None:
        with self._lock:
            self._db.execute("DELETE FROM arrivals WHERE path = ?", (os.fsencode(path),))

    def with_content(self, content: str, operation: str) -> Sequence[Arrival]:
        return self._select("content = ? AND operation = ?", content, operation)

    def taking(self) -> Sequence[Arrival]:
        return self._select("standing = ?", Standing.TAKING.value)

    def know(self, scope: str) -> bool:
        with self._lock:
            return self._db.execute("SELECT 1 FROM scopes WHERE scope = ?", (_blob(scope),)).fetchone() is not None

    def learn(self, scope: str, baseline: Sequence[Arrival]) -> None:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany(_INSERT.format(conflict="IGNORE"), map(_row, baseline))
                self._db.execute("INSERT OR IGNORE INTO scopes VALUES (?)", (_blob(scope),))
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        if self._db.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("quick_check failed")
        for statement in _SCHEMA:
            self._db.execute(statement)

    def _select(self, where: str, *values: object) -> list[Arrival]:
        with self._lock:
            return [_arrival(row) for row in self._db.execute(f"SELECT * FROM arrivals WHERE {where}", values)]  # noqa: S608


_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS arrivals (
        path BLOB PRIMARY KEY, key TEXT NOT NULL, operation TEXT NOT NULL,
        size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode TEXT NOT NULL,
        standing TEXT NOT NULL, target BLOB, content TEXT NOT NULL) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS arrivals_by_content ON arrivals (content)",
    "CREATE TABLE IF NOT EXISTS scopes (scope BLOB PRIMARY KEY) WITHOUT ROWID",
)
_INSERT = "INSERT OR {conflict} INTO arrivals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


def _row(arrival: Arrival) -> tuple[object, ...]:
    seen, target = arrival.sighting, arrival.target
    # An inode may be a 128-bit number on Windows (ReFS), more than SQLite's integers hold.
    return (
        os.fsencode(arrival.path),
        arrival.key,
        arrival.operation,
        seen.size,
        seen.mtime_ns,
        str(seen.inode),
        arrival.standing.value,
        None if target is None else os.fsencode(target),
        arrival.content,
    )


def _arrival(row: tuple[bytes, str, str, int, int, str, str, bytes | None, str]) -> Arrival:
    path, key, operation, size, mtime_ns, inode, standing, target, content = row
    return Arrival(
        Path(os.fsdecode(path)),
        key,
        operation,
        Sighting(size, mtime_ns, int(inode)),
        Standing(standing),
        None if target is None else Path(os.fsdecode(target)),
        content,
    )


def _blob(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
