"""One send on its way: its steps, its staging folder, and how it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import structlog
from pydantic import TypeAdapter

from sendreturn.contract import ServiceBridge
from sendreturn.engine.callbacks import Callbacks
from sendreturn.engine.gates import Gates
from sendreturn.engine.hosting import ClipHost
from sendreturn.engine.journal import Journal, SendRow
from sendreturn.engine.pace import Pace
from sendreturn.engine.stalls import LOOK_AGAIN_S, TRY_AGAIN_AFTER_LOOKS, is_over
from sendreturn.errors import SendReturnError, Stalled
from sendreturn.params import Params, parse_params
from sendreturn.returns.files import sync_tree
from sendreturn.sends.wish import Returned
from sendreturn.services import Services
from sendreturn.settings import Settings
from sendreturn.words import State

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Cancelled(Exception):  # noqa: N818 - an event, not an error
    """The user has cancelled this send."""


class Stopping(Exception):  # noqa: N818 - an event, not an error
    """The daemon is stopping; the send goes on at the next start."""


SPAN = {
    State.QUEUED: (0.0, 0.0),
    State.PREPARING: (0.0, 0.05),
    State.WAITING_APPROVAL: (0.05, 0.05),
    State.SUBMITTING: (0.05, 0.08),
    State.GENERATING: (0.08, 0.7),
    State.FETCHING: (0.7, 0.75),
    State.FINISHING: (0.75, 0.97),
    State.DELIVERING: (0.97, 1.0),
    State.DONE: (1.0, 1.0),
}
"""Which part of a send's whole progress each state covers."""


MAY_BREAK_US = frozenset({"prepare", "plan", "fetch", "finish", "deliver"})
"""Steps in which this process reads what others have made."""
WRITES = frozenset({"prepare", "finish"})
"""Steps whose files the journal vouches for: they are on disk before it does, or a power cut would make it a liar."""
MOST_TRIES = 5
ONE_BY_ONE_S = 60.0
"""So long a step waits for others that may have killed this process. One of them may be offline for hours."""

_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def _adapter(output: type[T]) -> TypeAdapter[T]:
    """Building one takes milliseconds, in which the daemon does nothing else; so each is kept."""
    if output not in _ADAPTERS:
        _ADAPTERS[output] = TypeAdapter(output)
    return _ADAPTERS[output]


@dataclass(frozen=True)
class Means:
    """What every run may use. `callbacks` is None where services cannot reach this machine."""

    journal: Journal
    services: Services
    settings: Settings
    staging: Path
    slots: Callable[[str], asyncio.Semaphore]
    hosting: ClipHost
    callbacks: Callbacks | None
    announce: Callable[[SendRow, float, Returned | None], None]
    pace: Pace = field(default_factory=Pace)
    stalls: dict[str, Stalled] = field(default_factory=dict)
    """What holds sends up at the moment, by the send's id."""
    gates: Gates = field(default_factory=Gates)
    crowd: dict[str, float] = field(default_factory=dict)
    """What each send would cost that waits because it came with very many, by its id."""
    suspects: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """The one place for steps over which this process may have died."""


@dataclass
class Run:
    """One send on its way. `send` is always as the journal has it."""

    send: SendRow
    means: Means
    params: Params = field(init=False)
    _cancel: asyncio.Event = field(default_factory=asyncio.Event)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _approved: asyncio.Event = field(default_factory=asyncio.Event)
    _hinted: asyncio.Event = field(default_factory=asyncio.Event)
    _furthest: float = 0.0

    def __post_init__(self) -> None:
        self.params = parse_params(self.send.params)
        if self.send.approved:
            self._approved.set()
        if self.send.cancel_asked:
            self._cancel.set()

    @property
    def folder(self) -> Path:
        """The staging folder of this attempt; returns that were paid for stay in it until they are delivered."""
        return self.means.staging / self.send.id

    @property
    def bridge(self) -> ServiceBridge:
        return self.means.services.bridge(self.send.service)

    async def step(self, name: str, state: State, output: type[T], work: Callable[[], Awaitable[T]]) -> T:
        """Do `work` once: its output is written down, and a later run takes it from there."""
        adapter = _adapter(output)
        recorded = self.means.journal.stage(self.send.id, name)
        if recorded is not None:
            return adapter.validate_python(recorded)
        self.checkpoint()
        self.enter(state)
        result = await (self._try(name, work) if name in MAY_BREAK_US else work())
        if name in WRITES:
            await asyncio.to_thread(sync_tree, self.folder)
        self.means.journal.record(self.send.id, name, adapter.dump_python(result, mode="json"))
        return result

    async def _try(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """Do `work`, unless the process has died over it again and again: counted before it is begun.

        Whichever steps were under way at a death are tried one by one, or one send would take others with it.
        """
        suspected = self.means.journal.open_tries(self.send.id, name) > 0
        place = await self._place_among_suspects() if suspected else None
        try:
            return await self._counted(name, work)
        finally:
            if place is not None:
                place.release()

    async def _counted(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        tries = self.means.journal.begin_try(self.send.id, name)
        if tries > MOST_TRIES:
            self.means.journal.end_try(self.send.id, name)
            raise SendReturnError(
                f"sendreturn has died {MOST_TRIES} times over this send ({name}), so it is left alone.",
                f"Look at its clip; `sendreturn retry {self.send.id}` tries it again.",
            )
        try:
            return await work()
        finally:
            # Whatever comes here is no death: an error is told, and a stop goes on at the next start.
            self.means.journal.end_try(self.send.id, name)

    def enter(self, state: State, note: str = "", detail: str = "") -> None:
        """Bring the send into `state`, unless it is there."""
        if self.send.state is not state or note:
            self.send = self.means.journal.move(self.send.id, state, note, detail)
            self.tell(0.0, note)

    def tell(self, fraction: float, text: str = "", returned: Returned | None = None) -> None:
        """Let listeners know how far the present state has come (0–1); a further request does not set a send back."""
        start, end = SPAN.get(self.send.state, (1.0, 1.0))
        shown = replace(self.send, text=text) if text else self.send
        self._furthest = max(self._furthest, start + (end - start) * min(max(fraction, 0.0), 1.0))
        self.means.announce(shown, self._furthest, returned)

    async def until_it_passes(self, stall: Stalled) -> None:
        """Wait until what holds the send up may be over, or the daemon stops."""
        if self.send.id not in self.means.stalls:
            log.warning("send is held up", send=self.send.id, why=stall.what, detail=stall.detail)
        self.means.stalls[self.send.id] = stall
        for _ in range(TRY_AGAIN_AFTER_LOOKS):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), LOOK_AGAIN_S)
            if self._stop.is_set() or is_over(stall):
                return

    async def write_down(self, write: Callable[[], None]) -> None:
        """Write to the journal what must not be lost, however long it is held up."""
        while True:
            try:
                write()
            except Stalled as stall:
                if self._stop.is_set():
                    raise
                await self.until_it_passes(stall)
            else:
                self.means.stalls.pop(self.send.id, None)
                return

    def note(self, **values: Any) -> None:
        """Write single facts of the send down."""
        self.means.journal.note(self.send.id, **values)
        self.send = self.means.journal.get(self.send.id)

    # Stopping

    def cancel(self) -> None:
        self._cancel.set()

    def stop(self) -> None:
        self._stop.set()

    def approve(self) -> None:
        self._approved.set()

    def ask_anew(self) -> None:
        """Have the user's word count no longer, since there is something else to be asked."""
        if self.is_approved:
            self.note(approved=False)
            self._approved.clear()

    def hint(self) -> None:
        """The service has called back: it is worth looking now."""
        self._hinted.set()

    @property
    def cancelled(self) -> bool:
        return self._cancel.is_set()

    def checkpoint(self) -> None:
        """A place where a send may be left off. Raises Cancelled or Stopping where it is."""
        if self._cancel.is_set():
            raise Cancelled
        if self._stop.is_set():
            raise Stopping

    async def pause(self, seconds: float) -> None:
        """Wait, but leave off at once when cancelled or stopped."""
        await self._first_of(seconds)
        self.checkpoint()

    async def until_hint(self, most_s: float) -> None:
        """Wait until the service calls back, and at most `most_s`."""
        await self._first_of(most_s, self._hinted)
        self._hinted.clear()
        self.checkpoint()

    async def until(self, event: asyncio.Event, most_s: float) -> None:
        """Wait until something has happened, and at most `most_s`."""
        await self._first_of(most_s, event)
        self.checkpoint()

    @property
    def is_approved(self) -> bool:
        return self._approved.is_set()

    async def until_approved(self, most_s: float | None = None) -> None:
        """Wait for the user's word, and at most `most_s`."""
        await self._first_of(most_s, self._approved)
        self.checkpoint()

    async def slot(self, service: str) -> asyncio.Semaphore:
        """A place among the service's parallel sends, acquired; the caller releases it."""
        return await self._place(self.means.slots(service))

    async def _place_among_suspects(self) -> asyncio.Semaphore | None:
        """The one place, acquired; None where it has not become free in time: a death comes soon, or not at all."""
        self.tell(0.0, "under way when sendreturn died: such sends are tried one by one")
        try:
            async with asyncio.timeout(ONE_BY_ONE_S):
                return await self._place(self.means.suspects)
        except TimeoutError:
            return None

    async def _place(self, slots: asyncio.Semaphore) -> asyncio.Semaphore:
        acquiring = asyncio.create_task(slots.acquire())
        try:
            await self._first_of(None, acquiring)
            self.checkpoint()
        except BaseException:
            if not acquiring.cancel() and not acquiring.cancelled() and acquiring.done():
                slots.release()
            raise
        return slots

    async def _first_of(self, timeout_s: float | None, *others: asyncio.Event | asyncio.Task[Any]) -> None:
        waits = {
            asyncio.create_task(e.wait()) for e in (self._cancel, self._stop, *others) if isinstance(e, asyncio.Event)
        }
        tasks = {task for task in others if isinstance(task, asyncio.Task)}
        try:
            await asyncio.wait(waits | tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
