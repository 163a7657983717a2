"""The journal: every send, every finished stage and every paid request, written down before it matters.

One process writes it, under the state folder's lock; its calls are short transactions. What concerns money, the user's
word and the end of a send is on disk when the call returns. How far a send has come is on disk with the next of those:
a power cut can only lose the latest of it, which is then done again, and nothing of that costs anything.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, IntegrityError

from sendreturn.engine import tables as t
from sendreturn.engine.journal_file import FileState, check, damaged, open_engine, settle, tell
from sendreturn.engine.journal_requests import Requests
from sendreturn.engine.journal_rows import Fate, Intent, NewSend, SendRow, now, send_of
from sendreturn.engine.ledger import Line
from sendreturn.errors import SendReturnError, UnknownSend
from sendreturn.sends.wish import HistoryEntry
from sendreturn.unsigned import unsigned
from sendreturn.words import ENDED, SendId, State

__all__ = ["ANEW", "BUSY_TIMEOUT_S", "Fate", "Intent", "Journal", "NewSend", "SendRow", "now"]

BUSY_TIMEOUT_S = 0.5
"""How long one write waits for another program (a backup) before it says so; whoever writes tries again."""
ALL_APPROVED = "all approved"
"""The fact under which it stands when the user last let all sends go that waited."""
ANEW = "anew"
"""The stage under which it stands which calls the user wants to have made anew."""


class Journal(Requests):
    """The store of one daemon (or of a studio, on PostgreSQL). Safe to call from any thread."""

    @classmethod
    def open(cls, path: Path) -> Journal:
        """Open or create the SQLite journal at `path`.

        Raises:
            SendReturnError: the file is damaged, or was written by a newer sendreturn.
        """
        engine = open_engine(path)
        journal = cls(engine)
        try:
            with journal._told():
                journal.state = check(engine, path)
            journal._reserve.keep()
            journal._wait_at_most(BUSY_TIMEOUT_S)
        except DatabaseError as error:
            engine.dispose()
            raise damaged(path, str(error.orig)) from error
        except SendReturnError:
            engine.dispose()
            raise
        return journal

    # Sends

    def add(self, send: NewSend) -> tuple[SendRow, bool]:
        """Write a send down; returns it with True, or the earlier one with the same key with False."""
        values = {
            "id": send.id,
            "created_at": now(),
            "session": str(send.session),
            "clip": str(send.clip) if send.clip else None,
            "found_at": str(send.found_at) if send.found_at else None,
            "operation": send.operation,
            "service": send.service,
            "params": dict(send.params),
            "origin": send.origin.value,
            "wish_key": send.wish_key,
            "state": State.QUEUED.value,
            "text": "",
        }
        try:
            with self._write() as db:
                db.execute(sa.insert(t.sends).values(values))
                self._tell(db, send.id, State.QUEUED, f"came by {send.origin.value}")
        except IntegrityError:
            earlier = self.by_key(send.wish_key) if send.wish_key else None
            if earlier is None:
                raise
            return earlier, False
        return self.get(send.id), True

    def get(self, send_id: str) -> SendRow:
        with self._read() as db:
            row = db.execute(sa.select(t.sends).where(t.sends.c.id == send_id)).mappings().first()
        if row is None:
            raise UnknownSend(send_id)
        return send_of(row)

    def find(self, send_id: str) -> SendRow | None:
        """The same, or None where there is none."""
        try:
            return self.get(send_id)
        except UnknownSend:
            return None

    def by_key(self, key: str) -> SendRow | None:
        with self._read() as db:
            row = db.execute(sa.select(t.sends).where(t.sends.c.wish_key == key)).mappings().first()
        return send_of(row) if row else None

    def list(self, state: State | None = None, limit: int = 1000) -> Sequence[SendRow]:
        """The newest sends first."""
        query = sa.select(t.sends).order_by(t.sends.c.created_at.desc(), t.sends.c.id).limit(limit)
        if state is not None:
            query = query.where(t.sends.c.state == state.value)
        with self._read() as db:
            return [send_of(row) for row in db.execute(query).mappings()]

    def unfinished(self) -> Sequence[SendRow]:
        """Sends that have not ended, oldest first: what a start has to go on with."""
        query = sa.select(t.sends).where(t.sends.c.state.not_in([state.value for state in ENDED]))
        with self._read() as db:
            return [send_of(row) for row in db.execute(query.order_by(t.sends.c.created_at)).mappings()]

    def move(self, send_id: SendId, state: State, note: str = "", detail: str = "") -> SendRow:
        """Bring a send into a state, and write its history on; `detail`, a service's own words, stands only there."""
        with self._write(soon=state not in ENDED) as db:
            db.execute(sa.update(t.sends).where(t.sends.c.id == send_id).values(state=state.value, text=note))
            self._tell(db, send_id, state, f"{note} [{detail}]" if detail else note)
            if state is State.DONE:
                _unsign(db, send_id)
            return send_of(db.execute(sa.select(t.sends).where(t.sends.c.id == send_id)).mappings().one())

    def note(self, send_id: SendId, **values: object) -> None:
        """Set single facts of a send (fingerprint, clip, approved, cost_credits)."""
        with self._write() as db:
            db.execute(sa.update(t.sends).where(t.sends.c.id == send_id).values(**values))

    def say_to_waiting(self, session: Path | None, **values: object) -> Sequence[SendRow]:
        """Set single facts of every send that waits for approval, or of those of one session; returns them."""
        waiting = t.sends.c.state == State.WAITING_APPROVAL.value
        if session is not None:
            waiting &= t.sends.c.session == str(session)
        with self._write() as db:
            if values.get("approved"):
                tell(db, ALL_APPROVED, now())
            db.execute(sa.update(t.sends).where(waiting).values(**values))
            return [send_of(row) for row in db.execute(sa.select(t.sends).where(waiting)).mappings()]

    def created_around(
        self, send: SendRow, origins: Collection[str], services: Iterable[str], most: int
    ) -> tuple[Sequence[str], Sequence[str]]:
        """When other sends of these origins and services were created, before this one and after it, nearest first.

        Not those from before the user last let all go that waited. At most so many.
        """
        at, same_time = t.sends.c.created_at, t.sends.c.created_at == send.created_at
        wanted = t.sends.c.origin.in_(origins) & t.sends.c.service.in_(list(services)) & (t.sends.c.id != send.id)
        since = sa.select(t.about.c.value).where(t.about.c.name == ALL_APPROVED).scalar_subquery()
        wanted &= at > sa.func.coalesce(since, "")
        before = sa.or_(at < send.created_at, sa.and_(same_time, t.sends.c.id < send.id))
        query = sa.select(at).where(wanted).limit(most)
        with self._read() as db:
            earlier = db.execute(query.where(at <= send.created_at, before).order_by(at.desc())).scalars().all()
            later = db.execute(query.where(at >= send.created_at, ~before).order_by(at)).scalars().all()
        return earlier, later

    def again(
        self, send_id: SendId, note: str, *, anew: Sequence[str] = (), forget: Sequence[str] | None = ()
    ) -> SendRow:
        """Queue a send once more, from where it was.

        Args:
            anew: Calls that are to be made anew, in another attempt.
            forget: Stages that are to run once more; None for all of them.
        """
        of_send = t.stages.c.send_id == send_id
        attempt = t.sends.c.attempt + (1 if anew else 0)
        with self._write() as db:
            db.execute(sa.delete(t.stages).where(of_send if forget is None else of_send & t.stages.c.stage.in_(forget)))
            if anew:
                db.execute(sa.delete(t.stages).where(of_send, t.stages.c.stage == ANEW))
                db.execute(self._stage(send_id, ANEW, {"calls": list(anew)}))
            db.execute(
                sa.update(t.sends)
                .where(t.sends.c.id == send_id)
                .values(state=State.QUEUED.value, text=note, attempt=attempt, cancel_asked=False)
            )
            self._tell(db, send_id, State.QUEUED, note)
        return self.get(send_id)

    def anew(self, send_id: SendId) -> frozenset[str]:
        """The calls that the present attempt was begun for; empty in the first."""
        told = self.stage(send_id, ANEW)
        return frozenset(told["calls"]) if told else frozenset()

    def twin(self, send: SendRow, fingerprint: str) -> SendRow | None:
        """The latest other send of the session with this fingerprint, unless it ended and cost nothing.

        It came earlier; or it came later and went first, because its clip was read sooner.
        """
        at, same_time = t.sends.c.created_at, t.sends.c.created_at == send.created_at
        went_first = t.sends.c.id.in_(sa.select(t.stages.c.send_id).where(t.stages.c.stage == "approve"))
        query = (
            sa.select(t.sends)
            .where(t.sends.c.fingerprint == fingerprint, t.sends.c.session == str(send.session))
            .where(t.sends.c.id != send.id)
            .where(sa.or_(at < send.created_at, sa.and_(same_time, t.sends.c.id < send.id), went_first))
            .order_by(t.sends.c.created_at.desc())
        )
        with self._read() as db:
            earlier = [send_of(row) for row in db.execute(query).mappings()]
        came_to_nothing = (State.FAILED, State.CANCELLED)
        return next((one for one in earlier if one.state not in came_to_nothing or self.spent(one.id) > 0), None)

    def rested_since(self, before: str, states: Collection[State]) -> Sequence[SendId]:
        """Sends in one of these states to which nothing has happened since `before` (UTC, ISO 8601)."""
        latest = sa.select(sa.func.max(t.history.c.at)).where(t.history.c.send_id == t.sends.c.id).scalar_subquery()
        wanted = [state.value for state in states]
        query = sa.select(t.sends.c.id).where(t.sends.c.state.in_(wanted), latest < before)
        with self._read() as db:
            return [SendId(row) for row in db.execute(query).scalars()]

    def history(self, send_id: SendId) -> tuple[HistoryEntry, ...]:
        query = sa.select(t.history).where(t.history.c.send_id == send_id).order_by(t.history.c.number)
        with self._read() as db:
            rows = db.execute(query).mappings().all()
        return tuple(HistoryEntry(row["at"], State(row["state"]), row["note"]) for row in rows)

    # Stages

    def stage(self, send_id: SendId, stage: str) -> Mapping[str, Any] | None:
        """The recorded output of a finished stage, or None where it has yet to run."""
        query = sa.select(t.stages.c.output).where(t.stages.c.send_id == send_id, t.stages.c.stage == stage)
        with self._read() as db:
            row = db.execute(query).first()
        return row[0] if row else None

    def record(self, send_id: SendId, stage: str, output: Mapping[str, Any]) -> None:
        """Write down that a stage has finished, with what it made; a repeat replaces it."""
        with self._write(soon=True) as db:
            db.execute(sa.delete(t.stages).where(t.stages.c.send_id == send_id, t.stages.c.stage == stage))
            db.execute(self._stage(send_id, stage, output))

    def open_tries(self, send_id: SendId, stage: str) -> int:
        """How often a stage was begun without having come to an end."""
        of_stage = (t.tries.c.send_id == send_id) & (t.tries.c.stage == stage)
        with self._read() as db:
            return int(db.execute(sa.select(t.tries.c.count).where(of_stage)).scalar() or 0)

    def begin_try(self, send_id: SendId, stage: str) -> int:
        """Write down that a stage is about to be tried; how often it was without having come to an end, with this."""
        of_stage = (t.tries.c.send_id == send_id) & (t.tries.c.stage == stage)
        with self._write(soon=True) as db:
            count = (db.execute(sa.select(t.tries.c.count).where(of_stage)).scalar() or 0) + 1
            db.execute(sa.delete(t.tries).where(of_stage))
            db.execute(sa.insert(t.tries).values(send_id=send_id, stage=stage, count=count))
        return count

    def end_try(self, send_id: SendId, stage: str) -> None:
        with self._write(soon=True) as db:
            db.execute(sa.delete(t.tries).where(t.tries.c.send_id == send_id, t.tries.c.stage == stage))

    def forget(self, send_id: SendId, stages: Sequence[str] | None) -> None:
        """Have stages run once more; None: all of them."""
        of_send = t.stages.c.send_id == send_id
        with self._write() as db:
            db.execute(sa.delete(t.stages).where(of_send if stages is None else of_send & t.stages.c.stage.in_(stages)))

    # What is done to it as a whole

    def ledger_lines(self) -> Sequence[Line]:
        """The requests on the list of what was paid for, which is kept beside the journal."""
        return tuple(self._ledger.read().values()) if self._ledger is not None else ()

    def settle(self) -> None:
        """Take the file for the one that belongs here, now that it knows all that can be known."""
        with self._write() as db:
            settle(db, self._path)
        self.state = FileState()

    # Inside

    def _stage(self, send_id: SendId, stage: str, output: Mapping[str, Any]) -> sa.Insert:
        values = {"send_id": send_id, "stage": stage, "output": dict(output), "finished_at": now()}
        return sa.insert(t.stages).values(values)

    def _tell(self, db: sa.Connection, send_id: SendId, state: State, note: str) -> None:
        db.execute(sa.insert(t.history).values(send_id=send_id, at=now(), state=state.value, note=note))


def _unsign(db: sa.Connection, send_id: SendId) -> None:
    """Take out of a finished send's stages what opens addresses: nobody will ask for its files any more."""
    of_send = t.stages.c.send_id == send_id
    query = sa.select(t.stages.c.stage, t.stages.c.output).where(of_send, t.stages.c.stage != "deliver")
    for stage, output in db.execute(query).all():
        bare = json.loads(unsigned(json.dumps(output)))
        if bare != output:
            db.execute(sa.update(t.stages).where(of_send, t.stages.c.stage == stage).values(output=bare))
