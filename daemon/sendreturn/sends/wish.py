"""What a way in hands over, and what it may ask of the engine.

A folder, an OSC message, an HTTP request and a command line all become a `Wish`; the engine answers with a `Receipt`.
The ways in know nothing of the engine but the `Desk`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from sendreturn.words import Kind, SendId, State


class Origin(StrEnum):
    """Which way in a wish came by."""

    FOLDER = "folder"
    RULE = "rule"
    OSC = "osc"
    HTTP = "http"
    CLI = "cli"
    DAW = "daw"


@dataclass(frozen=True)
class Wish:
    """One request of the user.

    Attributes:
        operation: An operation, one of its aliases, or the name of a preset.
        clip: The audio file; None only for operations that need none.
        session: The session folder; None asks for the configured session that holds the clip.
        service: None means the preset's, else the configured default.
        params: Contract 2 names with values as they came in (text allowed); checked by the desk.
        key: The same key is the same wish: it is accepted once, however often it is handed in.
        confined: Only files inside configured sessions may be read (true for ways in without a proof of identity).
        clip_after: Where the clip will lie once the way in has put it away (a hot folder's `sent/`); None: it stays.
    """

    operation: str
    clip: Path | None
    session: Path | None = None
    service: str | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    origin: Origin = Origin.CLI
    key: str | None = None
    confined: bool = False
    clip_after: Path | None = None


@dataclass(frozen=True)
class HistoryEntry:
    """One step of a send: when (UTC, ISO 8601), to which state, and why."""

    at: str
    state: State
    note: str


@dataclass(frozen=True)
class SendView:
    """A send as everyone outside the engine sees it."""

    id: SendId
    operation: str
    service: str
    state: State
    progress: float
    text: str
    clip: Path | None
    session: Path
    created_at: str
    params: Mapping[str, Any]
    cost_credits: float | None
    origin: Origin
    returns: tuple[Path, ...] = ()
    folder: Path | None = None
    history: tuple[HistoryEntry, ...] = ()


@dataclass(frozen=True)
class Receipt:
    """The answer to a wish. `is_new` is false where the same wish had been handed in before."""

    send: SendView
    is_new: bool


@dataclass(frozen=True)
class Returned:
    """One file that has come back, as told to OSC and HTTP listeners."""

    take: int
    kind: Kind
    name: str
    path: Path
    position_samples: int
    sample_rate_hz: int


@dataclass(frozen=True)
class Event:
    """Something that happened to a send; `returned` is set when a file came back."""

    send: SendView
    returned: Returned | None = None


Listener = Callable[[Event], None]


class Desk(Protocol):
    """What a way in may ask of the engine. Every call is quick and durable: when it returns, it is written down.

    Raises:
        UsageError: the wish cannot be; the sentence says why.
        UnknownSend: no send has this id.
        NotNow: the send's state does not allow this.
    """

    def accept(self, wish: Wish) -> Receipt: ...

    def cancel(self, send_id: str) -> SendView: ...

    def retry(self, send_id: str) -> SendView: ...

    def approve(self, send_id: str) -> SendView: ...

    def approve_all(self, session: Path | None = None) -> Sequence[SendView]:
        """Let all sends go that wait for approval, or those of one session; returns them."""
        ...

    def cancel_waiting(self, session: Path | None = None) -> Sequence[SendView]:
        """Cancel all of them."""
        ...

    def get(self, send_id: str) -> SendView: ...

    def list(self, state: State | None = None) -> Sequence[SendView]: ...

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` called, on the event loop, for every event; the result ends the subscription."""
        ...
