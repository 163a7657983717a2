"""The journal's requests that may be billed: planned, under way, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from sendreturn.engine import tables as t
from sendreturn.engine.journal_rows import Fate, Intent, SendRow, intent_of, now
from sendreturn.engine.journal_store import Store
from sendreturn.engine.ledger import Line
from sendreturn.words import SendId


class Requests(Store):
    """The part of the journal that is about money."""

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
