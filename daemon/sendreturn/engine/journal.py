"""The journal: every send, every finished stage and every paid request, written down before it matters.

One process writes it, under the state folder's lock; its calls are short transactions. What concerns money, the user's
word and the end of a send is on disk when the call returns. How far a send has come is on disk with the next of those:
a power cut can only lose the latest of it, which is then done again, and nothing of that costs anything.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, IntegrityError

from sendreturn.engine import tables as t
from sendreturn.engine.journal_file import READS, SOON, FileState, check, damaged, open_engine, settle, tell
from sendreturn.engine.journal_rows import Fate, Intent, NewSend, SendRow, intent_of, now, send_of
from sendreturn.engine.ledger import Ledger, Line
from sendreturn.engine.reserve import Reserve
from sendreturn.engine.stalls import stall_in, stalled_journal
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


class Journal:
    """The store of one daemon (or of a studio, on PostgreSQL). Safe to call from any thread."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._reading = engine.execution_options(**READS)
        self._soon = engine.execution_options(**SOON)
        self._path = Path(engine.url.database or "")
        self._reserve = Reserve(self._path)
        self._ledger = Ledger(self._path.parent) if self._path.is_absolute() else None
        self.state = FileState()
        self._lock = threading.RLock()

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

    def close(self) -> None:
        with self._lock:
            self._engine.dispose()

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

    # Requests that may be billed

    def bill(self, intent: Intent, credits: float) -> None:  # noqa: A002
        """Write down what a request has cost, in place of the estimate."""
        with self._write() as db:
            db.execute(sa.update(t.intents).where(t.intents.c.id == intent.id).values(credits=credits))

    def spent(self, send_id: SendId) -> float:
        """Credits of all requests of a send, of every attempt, that were or may have been billed."""
        query = sa.select(sa.func.coalesce(sa.func.sum(t.intents.c.credits), 0.0)).where(
            t.intents.c.send_id == send_id, t.intents.c.fate != Fate.REFUSED.value
        )
        with self._read() as db:
            return float(db.execute(query).scalar_one())

    def standing_of(self, send_id: SendId) -> Sequence[Intent]:
        """The requests of a send, in order; of each call the one that was made last."""
        query = sa.select(t.intents).where(t.intents.c.send_id == send_id).order_by(t.intents.c.id)
        with self._read() as db:
            rows = db.execute(query).mappings().all()
        return tuple({row["call"]: intent_of(row) for row in rows}.values())

    def standing(self, send_id: SendId, call: str) -> Intent | None:
        """The request of a call that was made last, in whatever attempt."""
        query = sa.select(t.intents).where(t.intents.c.send_id == send_id, t.intents.c.call == call)
        with self._read() as db:
            row = db.execute(query.order_by(t.intents.c.attempt.desc())).mappings().first()
        return intent_of(row) if row else None

    def plan(self, send: SendRow, call: str, fields: Mapping[str, Any], credits: float) -> Intent:  # noqa: A002
        """Set the price of a request aside, before anything of it goes out. Called once per send, call and attempt."""
        with self._write(soon=True) as db:
            db.execute(
                sa.insert(t.intents).values(
                    send_id=send.id,
                    call=call,
                    attempt=send.attempt,
                    service=send.service,
                    fields=dict(fields),
                    credits=credits,
                    made_at=now(),
                    fate=Fate.PLANNED.value,
                )
            )
        intent = self.intent(send.id, call, send.attempt)
        assert intent is not None
        return intent

    def intend(self, intent: Intent) -> None:
        """Write down that a request is about to go out. It must not, where this raises."""
        with self._write() as db:
            if self._ledger is not None and intent.credits > 0:
                row = db.execute(sa.select(t.sends).where(t.sends.c.id == intent.send_id)).mappings().one()
                asked = (intent.send_id, intent.call, intent.attempt, now(), intent.credits, dict(intent.fields))
                self._ledger.intend(Line(*asked, dict(row)))
            of_it = t.intents.c.id == intent.id
            db.execute(sa.update(t.intents).where(of_it).values(fate=Fate.INTENDED.value, made_at=now()))

    def plan_again(self, intent: Intent) -> None:
        """Set the price of a request aside once more, which was not taken or never went out."""
        with self._write(soon=True) as db:
            db.execute(sa.update(t.intents).where(t.intents.c.id == intent.id).values(fate=Fate.PLANNED.value))

    def give_back(self, intent: Intent | None = None) -> None:
        """A planned request will not go out now; without one, all that were planned when an earlier process ended."""
        planned = t.intents.c.fate == Fate.PLANNED.value
        of_it = planned if intent is None else planned & (t.intents.c.id == intent.id)
        with self._write(soon=True) as db:
            db.execute(sa.update(t.intents).where(of_it).values(fate=Fate.REFUSED.value))

    def intent(self, send_id: SendId, call: str, attempt: int) -> Intent | None:
        query = sa.select(t.intents).where(
            t.intents.c.send_id == send_id, t.intents.c.call == call, t.intents.c.attempt == attempt
        )
        with self._read() as db:
            row = db.execute(query).mappings().first()
        return intent_of(row) if row else None

    def answer(
        self, intent: Intent, fate: Fate, task_id: str | None = None, report: Mapping[str, Any] | None = None
    ) -> None:
        """Write down what became of a request, with the result where the answer held it already."""
        if self._ledger is not None and intent.credits > 0 and (intent.fate, intent.task_id) != (fate, task_id):
            with self._told():
                self._ledger.answer((intent.send_id, intent.call, intent.attempt), fate.value, task_id, report)
        with self._write() as db:
            db.execute(
                sa.update(t.intents)
                .where(t.intents.c.id == intent.id)
                .values(fate=fate.value, task_id=task_id, report=report, answered_at=now())
            )

    def holder(self, send: SendRow, task_id: str) -> SendId | None:
        """Another send that waits or has waited for this task of the service."""
        query = sa.select(t.intents.c.send_id).where(
            t.intents.c.task_id == task_id, t.intents.c.service == send.service, t.intents.c.send_id != send.id
        )
        with self._read() as db:
            found = db.execute(query).scalars().first()
        return SendId(found) if found is not None else None

    def was_alone(self, intent: Intent) -> bool:
        """Whether no other request to its service may have been billed since this one went out."""
        of_service = sa.select(t.intents.c.service).where(t.intents.c.id == intent.id).scalar_subquery()
        since = sa.or_(t.intents.c.made_at >= intent.made_at, t.intents.c.answered_at >= intent.made_at)
        query = sa.select(sa.func.count()).where(
            t.intents.c.service == of_service, t.intents.c.id != intent.id, t.intents.c.credits > 0, since
        )
        query = query.where(t.intents.c.fate != Fate.REFUSED.value)
        with self._read() as db:
            return int(db.execute(query).scalar_one()) == 0

    def credits_since(self, since: str, service: str | None = None) -> float:
        """Credits of the requests since `since` (UTC, ISO 8601) that were or may have been billed."""
        query = sa.select(sa.func.coalesce(sa.func.sum(t.intents.c.credits), 0.0)).where(
            t.intents.c.made_at >= since, t.intents.c.fate != Fate.REFUSED.value
        )
        if service is not None:
            query = query.where(t.intents.c.service == service)
        with self._read() as db:
            return float(db.execute(query).scalar_one())

    # What is done to it as a whole

    def ledger_lines(self) -> Sequence[Line]:
        """The requests on the list of what was paid for, which is kept beside the journal."""
        return tuple(self._ledger.read().values()) if self._ledger is not None else ()

    def settle(self) -> None:
        """Take the file for the one that belongs here, now that it knows all that can be known."""
        with self._write() as db:
            settle(db, self._path)
        self.state = FileState()

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
