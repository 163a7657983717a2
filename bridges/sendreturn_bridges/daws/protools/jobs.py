"""What the thread of the bridge is asked to do, and how long it waits for what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sendreturn.daws.contract import Note, Placement

    from sendreturn_bridges.daws.protools.wire import Event


@dataclass(frozen=True)
class Pressed:
    """Send what is selected. `request` is the presser's; a click on the menu has one of its own."""

    operation: str
    params: Mapping[str, object]
    request: str


@dataclass(frozen=True)
class Offered:
    placement: Placement


@dataclass(frozen=True)
class Told:
    note: Note


@dataclass(frozen=True)
class Pinged:
    """`answer` may be called from any thread."""

    answer: Callable[[str | None], None]


@dataclass(frozen=True)
class Happened:
    """Something has happened in Pro Tools; None: it tells nothing any more, as it has quit.

    Attributes:
        run: The connection that has told it (`Host.run`); what an earlier one has left over is of no interest.
    """

    event: Event | None
    run: str


@dataclass(frozen=True)
class Deaf:
    """This version of Pro Tools tells no events: it is looked at from time to time."""

    run: str


@dataclass(frozen=True)
class Stop:
    """The daemon stops."""


Job = Pressed | Offered | Told | Pinged | Happened | Deaf | Stop
Jobs = SimpleQueue[Job]


@dataclass(frozen=True)
class Pauses:
    """In seconds.

    Attributes:
        again_s, longest_s: Between two looks whether Pro Tools runs, at first and at most.
        look_s: Between two looks at the session, where Pro Tools tells no events.
        retry_s, longest_retry_s: Until what could not be placed is tried again, at first and at most.
        repoll_s: Until events are asked for again, after Pro Tools has ended the answer.
        appears_s: How long an exported file is waited for.
    """

    again_s: float = 1.0
    longest_s: float = 5.0
    look_s: float = 5.0
    retry_s: float = 2.0
    longest_retry_s: float = 30.0
    repoll_s: float = 0.5
    appears_s: float = 5.0


def pauses_of(options: Mapping[str, Any]) -> Pauses:
    """Those of the bridge's settings."""
    return Pauses(**{field.name: options[field.name] for field in fields(Pauses) if field.name in options})
