"""What stands in the journal, as types: sends, and requests that may be billed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sendreturn.sends.wish import Origin
from sendreturn.words import SendId, State


class Fate(StrEnum):
    """What became of a request that may be billed."""

    PLANNED = "planned"
    """Not under way yet: its price is set aside while the way to the service is made."""
    INTENDED = "intended"
    """Under way, or about to be: without an answer nobody knows whether it has arrived."""
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    FAILED = "failed"
    """Accepted, and then the service could not do it."""
    LOST = "lost"
    """Accepted, done and billed, but the service no longer has the result."""


@dataclass(frozen=True)
class SendRow:
    """A send, as the journal has it. `clip` is where the clip is to lie, `found_at` where it lay when it was sent."""

    id: SendId
    created_at: str
    session: Path
    clip: Path | None
    found_at: Path | None
    operation: str
    service: str
    params: Mapping[str, Any]
    origin: Origin
    wish_key: str | None
    state: State
    text: str
    fingerprint: str | None
    approved: bool
    cancel_asked: bool
    attempt: int
    cost_credits: float | None


@dataclass(frozen=True)
class NewSend:
    """What `Journal.add` writes down."""

    id: SendId
    session: Path
    clip: Path | None
    found_at: Path | None
    operation: str
    service: str
    params: Mapping[str, Any]
    origin: Origin
    wish_key: str | None


@dataclass(frozen=True)
class Intent:
    """A request that was about to be made, and what became of it."""

    id: int
    send_id: SendId
    call: str
    attempt: int
    fields: Mapping[str, Any]
    credits: float
    made_at: str
    fate: Fate
    task_id: str | None
    report: Mapping[str, Any] | None


def now() -> str:
    """The time in UTC, as ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def send_of(row: sa.RowMapping) -> SendRow:
    return SendRow(
        id=SendId(row["id"]),
        created_at=row["created_at"],
        session=Path(row["session"]),
        clip=Path(row["clip"]) if row["clip"] else None,
        found_at=Path(row["found_at"]) if row["found_at"] else None,
        operation=row["operation"],
        service=row["service"],
        params=row["params"],
        origin=Origin(row["origin"]),
        wish_key=row["wish_key"],
        state=State(row["state"]),
        text=row["text"],
        fingerprint=row["fingerprint"],
        approved=row["approved"],
        cancel_asked=row["cancel_asked"],
        attempt=row["attempt"],
        cost_credits=row["cost_credits"],
    )


def intent_of(row: sa.RowMapping) -> Intent:
    return Intent(
        id=row["id"],
        send_id=SendId(row["send_id"]),
        call=row["call"],
        attempt=row["attempt"],
        fields=row["fields"],
        credits=row["credits"],
        made_at=row["made_at"],
        fate=Fate(row["fate"]),
        task_id=row["task_id"],
        report=row["report"],
    )
