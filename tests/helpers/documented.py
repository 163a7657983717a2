"""What a service's documentation says of its answers, as rows for the contract suite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sendreturn.testing.suite import Trouble
from sendreturn.words import State


class Row(NamedTuple):
    """An answer that says no.

    Attributes:
        status: Of HTTP, or the code in the body where the service has one.
        kind: The service's own name of it; empty where it has none.
        message: Its words.
        words: What the user's sentence has to hold.
        state: How the send ends; DONE where the request is certainly not billed and is made again.
    """

    status: int
    kind: str
    message: str
    words: tuple[str, ...]
    state: State = State.FAILED


class Body(NamedTuple):
    """How a service writes a row down: the status of HTTP, and the JSON."""

    status: int
    json: Mapping[str, Any]


def troubles(rows: Iterable[tuple[Row, Body]], **more: Any) -> tuple[Trouble, ...]:
    """A paid request is answered so, and nothing is billed."""
    return tuple(_trouble(row, body, "fail_next", **more) for row, body in rows)


def look_troubles(rows: Iterable[tuple[Row, Body]], **more: Any) -> tuple[Trouble, ...]:
    """A question how a task stands is answered so; what was billed before stays so."""
    return tuple(_trouble(row, body, "fail_next_look", billed=None, **more) for row, body in rows)


def upload_troubles(rows: Iterable[tuple[Row, Body]], **more: Any) -> tuple[Trouble, ...]:
    """A free request on the clip's way is answered so, and nothing is asked for."""
    return tuple(_trouble(row, body, "fail_next_free", **more) for row, body in rows)


def failed_tasks(fates: Mapping[str, tuple[str, ...]], operation: str) -> tuple[Trouble, ...]:
    """A task that was accepted ends so, in the service's own words, and what it cost is given back."""
    return tuple(
        Trouble(f"{operation} that ends with {fate}", {"fail_task": fate}, words, operation=operation)
        for fate, words in fates.items()
    )


def _trouble(row: Row, body: Body, switch: str, **more: Any) -> Trouble:
    where = switch.removeprefix("fail_next").strip("_") or "request"
    name = " ".join(str(part) for part in (where, row.status, row.kind, row.message) if part)
    planned = {"status": body.status, "body": body.json}
    more = {"billed": None, **more} if row.state is State.DONE else more
    switches = {**more.pop("switches", {}), switch: planned}
    return Trouble(name, switches, row.words, row.state, said=row.message, **more)
