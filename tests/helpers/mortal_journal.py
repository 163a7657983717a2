"""A journal whose machine loses its power at one of the next writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sendreturn.engine.journal import Journal


class PowerCut(BaseException):
    """The machine is off: nothing that would handle an error runs any more."""


class MortalJournal(Journal):
    """Everything that was committed before the power went stays; nothing is read or written until it is back.

    Attributes:
        is_dead: Whether the power has gone.
    """

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine)
        self.is_dead = False
        self._left: int | None = None
        self._keeps = False

    def doom(self, writes: int, *, keeps: bool) -> None:
        """Let the power go after so many more writes, just before the next one or (`keeps`) just after it."""
        self._left, self._keeps = writes, keeps

    def die(self) -> None:
        """Let the power go now."""
        self.is_dead = True

    def revive(self) -> None:
        self.is_dead = False
        self._left = None

    @contextmanager
    def _write(self, *, soon: bool = False) -> Iterator[sa.Connection]:
        self._expect_power()
        is_last = self._left == 0
        if self._left is not None:
            self._left -= 1
        if is_last and not self._keeps:
            self.die()
            raise PowerCut
        with super()._write(soon=soon) as db:
            yield db
        if is_last:
            self.die()
            raise PowerCut

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        self._expect_power()
        with super()._read() as db:
            yield db

    def _expect_power(self) -> None:
        if self.is_dead:
            raise PowerCut
