"""The thread of the bridge: it waits for Pro Tools, and does one thing after the other while that runs."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING

import structlog
from sendreturn.errors import SendReturnError

from sendreturn_bridges.daws.protools.connected import Connected, refuse
from sendreturn_bridges.daws.protools.host import Gone, Host
from sendreturn_bridges.daws.protools.jobs import Job, Jobs, Pauses, Pinged, Pressed, Stop

if TYPE_CHECKING:
    from sendreturn.daws.contract import LinkSetup

log = structlog.get_logger(__name__)

GRACE_S = 1.0
"""To take the menu items away again; a call that goes on for longer is cut off."""


class Work(threading.Thread):
    """Ask it by `put`, from any thread; `end` it once.

    What is offered while Pro Tools does not run is not kept here: the daemon offers it when the session is opened.
    """

    def __init__(self, setup: LinkSetup, address: str, pauses: Pauses) -> None:
        super().__init__(name="protools", daemon=True)
        self._setup = setup
        self._address = address
        self._pauses = pauses
        self._jobs: Jobs = queue.SimpleQueue()
        self._held: list[Pressed | Pinged] = []
        self._host: Host | None = None
        self._ended = threading.Event()

    def put(self, job: Job) -> None:
        self._jobs.put(job)

    def end(self) -> None:
        """Stop, also in the middle of a call; what it was about is looked for the next time."""
        self._ended.set()
        self._jobs.put(Stop())
        self.join(GRACE_S)
        host = self._host
        if host is not None:
            host.close()
        self.join()

    def run(self) -> None:
        pause_s = self._pauses.again_s
        while not self._ended.is_set():
            was_there = self._one_connection()
            pause_s = self._pauses.again_s if was_there else min(pause_s * 2, self._pauses.longest_s)
            self._wait(pause_s)
        self._let_go("The daemon stops.")

    def _one_connection(self) -> bool:
        """Connect, and serve until that ends; whether Pro Tools was there."""
        host = None
        try:
            host = self._host = Host(self._address)
            host.greet()
            held, self._held = self._held, []
            Connected(host, self._setup, self._jobs, self._pauses, self._ended).serve(held)
        except Gone as gone:
            self._let_go(gone.sentence)
            return self._was_greeted(host)
        except SendReturnError as error:
            self._let_go(error.sentence)
            self._setup.tell(f"daw:{self._setup.manifest.name}", error.sentence)
        except Exception as error:  # the guard around the bridge: it is marked, and the daemon goes on
            log.exception("the bridge to Pro Tools has failed")
            self._setup.tell(f"daw:{self._setup.manifest.name}", f"The bridge to Pro Tools has failed: {error!r}.")
        finally:
            self._host = None
            if host is not None:
                host.close()
        return self._was_greeted(host)

    @staticmethod
    def _was_greeted(host: Host | None) -> bool:
        return host is not None and bool(host.run)

    def _wait(self, pause_s: float) -> None:
        """Until Pro Tools is looked for again; a press or a ping has it looked for at once."""
        until_s = time.monotonic() + pause_s
        while not self._ended.is_set() and (left_s := until_s - time.monotonic()) > 0:
            try:
                job = self._jobs.get(timeout=left_s)
            except queue.Empty:
                return
            if isinstance(job, Pressed | Pinged):
                self._held.append(job)
                return

    def _let_go(self, sentence: str) -> None:
        """Answer what has waited for Pro Tools."""
        for job in self._held:
            if isinstance(job, Pinged):
                job.answer(None)
            else:
                refuse(self._setup, job, sentence)
        self._held = []
