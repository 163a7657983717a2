"""What is done while Pro Tools runs: clicks and presses become sends, and what is ready is placed."""

from __future__ import annotations

import queue
import threading
import time
import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sendreturn.errors import SendReturnError, Stalled

from sendreturn_bridges.daws.protools import capture, placing, session, wire
from sendreturn_bridges.daws.protools.host import Gone, Host
from sendreturn_bridges.daws.protools.jobs import (
    Deaf,
    Happened,
    Job,
    Jobs,
    Offered,
    Pauses,
    Pinged,
    Pressed,
    Stop,
    Told,
)
from sendreturn_bridges.daws.protools.ledger import Ledger
from sendreturn_bridges.daws.protools.listening import Listener, subscribe
from sendreturn_bridges.daws.protools.menu import Menu, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sendreturn.daws.contract import LinkSetup, Note, Placement

log = structlog.get_logger(__name__)

SHOWN = ("accepted", "done", "failed", "error")
SHOWN_STATES = ("waiting_approval", "uncertain")
"""The notes that are shown in the menu: how far a send is changes too often, but that it waits for the user matters."""


class Connected:
    """One connection, from its greeting until Pro Tools quits or the daemon stops."""

    def __init__(self, host: Host, setup: LinkSetup, jobs: Jobs, pauses: Pauses, ended: threading.Event) -> None:
        self._host = host
        self._setup = setup
        self._jobs = jobs
        self._pauses = pauses
        self._ended = ended
        self._presets: dict[str, str] = dict(setup.options.get("presets", {}))
        words = words_of(setup.options.get("operations", ()), self._presets)
        self._menu = Menu(host, words, setup.folder / "menu.json")
        self._ledger = Ledger(setup.folder / "placing")
        self._folder: Path | None = None
        self._pending: dict[str, Placement] = {}
        self._retry_s = 0.0
        self._looked_s = time.monotonic()
        self._hears = False
        self._must_look = False

    def serve(self, held: Iterable[Job]) -> None:
        """Do what comes, first what has waited for the connection.

        Raises:
            Gone: Pro Tools has quit.
        """
        self._hears = subscribe(self._host)
        listener = Listener(self._host, self._jobs, self._pauses.repoll_s) if self._hears else None
        try:
            if listener is not None:
                listener.start()
            self._begin(held)
            while not self._ended.is_set() and not isinstance(job := self._next(), Stop):
                self._do(job)
            self._menu.remove()
        finally:
            self._host.close()
            if listener is not None:
                listener.end()

    def _begin(self, held: Iterable[Job]) -> None:
        can_press = self._hears and self._guarded(self._menu.install)
        log.info("connected to Pro Tools", version=self._host.version, menu_items=self._menu.count)
        self._well()
        if not can_press:
            log.info("this Pro Tools has no menu for us; `sendreturn bridge press protools` and surfaces work")
        self._guarded(self._look)
        for job in held:
            self._do(job)

    def _next(self) -> Job | None:
        """The next job; None when it is time to look again, however many jobs there are."""
        waits = [self._retry_s] if self._pending or self._must_look else []
        waits += [] if self._hears else [self._pauses.look_s]
        left_s = self._looked_s + min(waits) - time.monotonic() if waits else None
        if left_s is not None and left_s <= 0:
            return None
        try:
            return self._jobs.get(timeout=left_s)
        except queue.Empty:
            return None

    def _do(self, job: Job | None) -> None:
        self._guarded(lambda: self._handle(job))

    def _guarded(self, act: Callable[[], object]) -> bool:
        """Do something; what Pro Tools does not do is told. Only that it has gone ends the connection."""
        try:
            return act() is not False
        except Gone:
            raise
        except SendReturnError as error:
            self._wrong(error.sentence)
            return False

    def _handle(self, job: Job | None) -> None:
        match job:
            case None:
                self._look_again()
            case Pressed():
                self._send(job)
            case Offered():
                self._offered(job.placement)
            case Told():
                self._tell(job.note)
            case Pinged():
                job.answer(self._answer())
            case Happened() if job.run == self._host.run:
                self._happened(job.event)
            case Deaf() if job.run == self._host.run:
                self._hears = False

    # Out

    def _happened(self, event: wire.Event | None) -> None:
        if event is None:
            raise Gone("Pro Tools has quit.", "What is ready is placed when it runs again.")
        if event.kind == wire.MENU_ITEM_SELECTED:
            word = self._menu.word_of(event.menu_item)
            if word is not None:
                self._send(Pressed(word, {}, uuid.uuid4().hex))
        elif event.kind == wire.SESSION_CLOSED:
            self._folder = None
            self._pending.clear()
        else:
            self._folder = None
            self._look()

    def _send(self, press: Pressed) -> None:
        kind = self._presets.get(press.operation, press.operation)
        try:
            selection = capture.capture(
                self._host, press.operation, kind, press.params, press.request, self._pauses.appears_s
            )
        except Gone as gone:
            refuse(self._setup, press, gone.sentence)
            raise
        except (SendReturnError, OSError) as error:
            refuse(self._setup, press, str(error))
            self._menu.tell(str(error))
            return
        except Exception as error:  # whoever has pressed hears of it before the bridge is marked
            refuse(self._setup, press, f"The bridge to Pro Tools has failed: {error!r}.")
            raise
        note = self._setup.desk.send(self._setup.manifest.name, selection)
        if note.kind == "error":
            capture.discard(selection)
            self._wrong(note.text)
            return
        self._well()
        self._tell(note)

    # In

    def _look_again(self) -> None:
        self._looked_s = time.monotonic()
        self._look()
        self._place_pending()

    def _look(self) -> None:
        """See which session is open, and have the daemon offer what is ready for it."""
        self._must_look = True
        self._retry_s = self._retry_s or self._pauses.retry_s
        folder = session.open_folder(self._host)
        self._must_look = False
        if folder == self._folder:
            return
        self._folder = folder
        self._pending.clear()
        if folder is not None:
            self._setup.desk.opened(self._setup.manifest.name, str(folder))

    def _offered(self, placement: Placement) -> None:
        """Returns of a session that is not open are offered again when it is."""
        if self._folder is None or placement.session != str(self._folder):
            return
        self._pending[placement.send_id] = placement
        self._retry_s, self._looked_s = self._pauses.retry_s, time.monotonic()
        self._place(placement)

    def _place_pending(self) -> None:
        self._retry_s = min(self._retry_s * 2, self._pauses.longest_retry_s)
        for placement in list(self._pending.values()):
            self._guarded(partial(self._place, placement))  # one that has to wait holds up no other

    def _place(self, placement: Placement) -> None:
        """Place it, unless that was done already: it may have been offered twice before the daemon heard of it."""
        if self._ledger.is_closed(placement.send_id):
            self._placed(placement)
            return
        try:
            placed = placing.place(self._host, placement, self._ledger, self._setup.folder / "cut")
            self._ledger.close(placement.send_id)
        except OSError as error:
            raise Stalled(f"What is ready cannot be placed: {error}.", "It is tried again.") from error
        log.info("placed in Pro Tools", send=placement.send_id, text=placed.sentence)
        self._placed(placement)
        self._menu.tell(f"{placement.title}: {placed.sentence}")

    def _placed(self, placement: Placement) -> None:
        self._pending.pop(placement.send_id, None)
        self._setup.desk.placed(self._setup.manifest.name, placement.send_id)
        self._well()

    # Telling

    def _answer(self) -> str:
        folder = session.open_folder(self._host)
        version = ".".join(map(str, self._host.version))
        where = f"session {folder.name}" if folder else "no session open"
        items = f"{self._menu.count} items in File > Export" if self._menu.count else "no menu in this version"
        return f"PTSL {version}, {where}, {items}"

    def _tell(self, note: Note) -> None:
        if note.kind in SHOWN or note.state in SHOWN_STATES:
            self._menu.tell(" ".join(filter(None, (note.send_id, note.state or note.kind, note.text))))

    def _wrong(self, sentence: str) -> None:
        log.warning(sentence, daw=self._setup.manifest.name)
        self._setup.tell(_topic(self._setup), sentence)
        try:
            self._menu.tell(sentence)
        except Stalled as stalled:
            log.info("Pro Tools cannot show it", text=stalled.what)
            if isinstance(stalled, Gone):
                raise

    def _well(self) -> None:
        self._setup.tell(_topic(self._setup), None)


def refuse(setup: LinkSetup, press: Pressed, sentence: str) -> None:
    """A press comes to nothing; whoever has pressed hears why."""
    log.warning(sentence, daw=setup.manifest.name)
    setup.tell(_topic(setup), sentence)
    setup.desk.refused(setup.manifest.name, press.request, sentence)


def _topic(setup: LinkSetup) -> str:
    return f"daw:{setup.manifest.name}"
