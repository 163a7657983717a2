"""The journal's one connection: transactions, what holds them up, and the list of what was paid for beside them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from sendreturn.engine.journal_file import READS, SOON, FileState
from sendreturn.engine.ledger import Ledger
from sendreturn.engine.reserve import Reserve
from sendreturn.engine.stalls import stall_in, stalled_journal


class Store:
    """Safe to use from any thread."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._reading = engine.execution_options(**READS)
        self._soon = engine.execution_options(**SOON)
        self._path = Path(engine.url.database or "")
        self._reserve = Reserve(self._path)
        self._ledger = Ledger(self._path.parent) if self._path.is_absolute() else None
        self.state = FileState()
        self._lock = threading.RLock()

    def close(self) -> None:
        with self._lock:
            self._engine.dispose()

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """One transaction, for what the calls above do not cover."""
        return self._write()

    # Inside

    @contextmanager
    def _write(self, *, soon: bool = False) -> Iterator[sa.Connection]:
        """A transaction that is on disk when it ends, with all that came before; or `soon`, with the next such one."""
        with self._told(), self._lock, (self._soon if soon else self._engine).begin() as db:
            yield db

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        """Reads share the one connection, so that SQLite never has two of ours, but wait for no other program."""
        with self._told(), self._lock, self._reading.begin() as db:
            yield db

    def _wait_at_most(self, seconds: float) -> None:
        with self._lock, self._reading.begin() as db:
            db.exec_driver_sql(f"PRAGMA busy_timeout = {round(seconds * 1000)}")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what holds the journal up as Stalled."""
        try:
            yield
        except DatabaseError as error:
            stall = stalled_journal(self._path, error.orig) if error.orig is not None else None
            if stall is None:
                raise
            if stall.folder:
                self._reserve.give_up()
            raise stall from error
        except OSError as error:
            stall = stall_in(error)
            if stall is None:
                raise
            if stall.folder:
                self._reserve.give_up()
            raise stall from error
        self._reserve.renew()
