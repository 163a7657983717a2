"""The journal's file: how it is opened, whether it is sound, which version it has, and whether it is the one it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from sendreturn.engine import tables as t
from sendreturn.errors import SendReturnError
from sendreturn.places import keep_private
from sendreturn.sends.drives import is_remote

OPENING_TIMEOUT_S = 30.0
"""So long a backup may hold the journal when the daemon starts."""
READS = {"reads_only": True}
SOON = {"on_disk_soon": True}
MIGRATIONS: dict[int, tuple[str, ...]] = {1: ()}
"""What leads from each earlier version to the next; tables that are new are made by themselves."""


def open_engine(path: Path) -> sa.Engine:
    """One connection that all threads share."""
    if path.is_absolute():  # one in memory has no file
        keep_private(path)  # SQLite gives its logs the rights of the file
    engine = sa.create_engine(
        f"sqlite:///{path}",
        poolclass=sa.pool.StaticPool,
        connect_args={"check_same_thread": False, "timeout": OPENING_TIMEOUT_S},
    )
    # A write-ahead log needs memory that processes share, which network drives have not (sqlite.org/wal.html).
    sa.event.listen(engine, "connect", _pragmas("TRUNCATE" if is_remote(path) else "WAL"))
    sa.event.listen(engine, "begin", _begin_at_once)
    return engine


class FileState(NamedTuple):
    """What an opened journal is, until it has been settled.

    Attributes:
        is_new: It was made just now.
        is_copy: It lies elsewhere on the disk than the one that was used here: put back from a backup, or moved.
    """

    is_new: bool = False
    is_copy: bool = False


def check(engine: sa.Engine, path: Path) -> FileState:
    """Refuse what cannot be used, and bring an earlier version up to date.

    Raises:
        SendReturnError: the file is damaged, or was written by a newer sendreturn.
        sqlalchemy.exc.DatabaseError: it is no database, or cannot be read now.
    """
    with engine.execution_options(**READS).begin() as db:
        verdict = db.execute(sa.text("PRAGMA quick_check")).scalar_one()
        if verdict != "ok":
            raise damaged(path, str(verdict))
        version = _version(db)
    if version is not None and version > t.SCHEMA_VERSION:
        raise SendReturnError(
            f"The journal {path} was written by a newer sendreturn (schema {version}).",
            "Install that version again, or name another state folder with SENDRETURN_HOME.",
        )
    if version is not None and version < t.SCHEMA_VERSION:
        _keep_copy(path, version)
    with engine.begin() as db:
        t.metadata.create_all(db)
        t.sends_by_time.create(db, checkfirst=True)  # on tables that were there already
        for step in range(version or t.SCHEMA_VERSION, t.SCHEMA_VERSION):
            for statement in MIGRATIONS[step]:
                db.execute(sa.text(statement))
        tell(db, "schema", str(t.SCHEMA_VERSION))
        return _state(db, path)


def damaged(path: Path, detail: str) -> SendReturnError:
    return SendReturnError(
        f"The journal {path} is damaged and was left untouched.",
        "Put back a copy of it, or move it away: its history is then read from the sidecars in your sessions and from "
        "the list of what was paid for, nothing is sent again by itself, and delivered returns are not affected.",
        detail,
    )


def _version(db: sa.Connection) -> int | None:
    if not sa.inspect(db).has_table(t.about.name):
        return None
    found = db.execute(sa.select(t.about.c.value).where(t.about.c.name == "schema")).scalar()
    return int(found) if found is not None else None


def _keep_copy(path: Path, version: int) -> None:
    """The journal as it was, beside the one that is brought up to date."""
    copy = path.with_name(f"{path.name}.schema-{version}")
    with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(copy)) as new:
        old.backup(new)


def settle(db: sa.Connection, path: Path) -> None:
    """Note where the file lies on the disk, once all that it lacked has been added."""
    if path.is_file():
        tell(db, "inode", str(path.stat().st_ino))


def _state(db: sa.Connection, path: Path) -> FileState:
    if not path.is_file():
        return FileState()
    before = db.execute(sa.select(t.about.c.value).where(t.about.c.name == "inode")).scalar()
    return FileState(is_new=before is None, is_copy=before not in (None, str(path.stat().st_ino)))


def tell(db: sa.Connection, name: str, value: str) -> None:
    """Write down a fact about the journal itself, in place of what it was before."""
    db.execute(sa.delete(t.about).where(t.about.c.name == name))
    db.execute(sa.insert(t.about).values(name=name, value=value))


def _pragmas(journal_mode: str) -> Callable[[Any, object], None]:
    def set_them(connection: Any, _record: object) -> None:
        # We begin transactions ourselves: the driver would begin them late, and let a read turn into a write half-way.
        connection.isolation_level = None
        for pragma in (f"journal_mode={journal_mode}", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return set_them


def _begin_at_once(connection: sa.Connection) -> None:
    # A read that could turn into a write half-way would fail where it should have waited.
    options = connection.get_execution_options()
    if options.get("reads_only", False):
        connection.exec_driver_sql("BEGIN")
        return
    # FULL: a commit is on disk when it returns, and so are all before it. An intent that could vanish in a power cut
    # would be worthless.
    is_soon = options.get("on_disk_soon", False)
    connection.exec_driver_sql(f"PRAGMA synchronous={'NORMAL' if is_soon else 'FULL'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")
