"""The thread that waits for events of Pro Tools."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog
from sendreturn.errors import SendReturnError

from sendreturn_bridges.daws.protools.host import Host, Refused
from sendreturn_bridges.daws.protools.jobs import Deaf, Happened

if TYPE_CHECKING:
    from sendreturn_bridges.daws.protools.jobs import Jobs

log = structlog.get_logger(__name__)

WANTED = ("EId_SessionOpened", "EId_SessionCreated", "EId_SessionClosed", "EId_MenuItemSelected")


def subscribe(host: Host) -> bool:
    """Ask to be told; False where this version of Pro Tools tells nothing of what is wanted."""
    told = [_subscribed(host, event) for event in WANTED]
    return any(told)


class Listener(threading.Thread):
    """Puts what happens into the jobs. It ends when the connection is closed."""

    def __init__(self, host: Host, jobs: Jobs, repoll_s: float) -> None:
        super().__init__(name="protools events", daemon=True)
        self._host = host
        self._jobs = jobs
        self._repoll_s = repoll_s
        self._ended = threading.Event()

    def run(self) -> None:
        try:
            while not self._ended.is_set():
                for event in self._host.events():
                    self._jobs.put(Happened(event, self._host.run))
                self._ended.wait(self._repoll_s)
        except Refused as refused:
            log.info("Pro Tools tells no events", text=refused.what)
            self._jobs.put(Deaf(self._host.run))
        except SendReturnError:
            self._jobs.put(Happened(None, self._host.run))

    def end(self) -> None:
        """Call it when the connection is closed."""
        self._ended.set()
        self.join()


def _subscribed(host: Host, event: str) -> bool:
    try:
        host.call("SubscribeToEvents", {"events": [{"event_id": event}]})
    except Refused as refused:
        log.info("Pro Tools does not tell an event", kind=event, text=refused.what)
        return False
    return True
