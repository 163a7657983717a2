"""Who has paid for what, kept by the services of the test: nobody may pay twice for one request."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

from sendreturn.contract import Call, Way


@dataclass(frozen=True, order=True)
class Request:
    """One request of a send. The user's `retry` of one that was lost makes another attempt of it."""

    send_id: str
    call: str
    attempt: int


def request_of(way: Way) -> Request:
    """Which request is being made, by the name of its staging folder."""
    call, _, attempt = way.folder.name.rpartition("-")
    return Request(way.folder.parent.name, call, int(attempt))


@dataclass
class PaidLedger:
    """What has come in at the services.

    Attributes:
        posts: How often each request came, billed or not.
        billed: How often each was billed.
        earlier: How often before a `retry` that counts anew.
        sins: Sentences on requests that should never have been made.
    """

    posts: Counter[Request] = field(default_factory=Counter)
    billed: Counter[Request] = field(default_factory=Counter)
    earlier: Counter[Request] = field(default_factory=Counter)
    sins: list[str] = field(default_factory=list)
    _doubtful: set[Request] = field(default_factory=set)
    _had: set[tuple[str, str, str]] = field(default_factory=set)

    def has(self, send_id: str, call: Call) -> None:
        """The result of a call is there: it is never asked for again, not even where the rest is."""
        self._had.add((send_id, *_asked(call)))

    def loses(self, send_id: str, call: Call) -> None:
        self._had.discard((send_id, *_asked(call)))

    def is_asked(self, request: Request, call: Call) -> None:
        """A bridge is about to make this request."""
        if (request.send_id, *_asked(call)) in self._had:
            self.sins.append(f"{request} was made again, though its result was there")

    def comes(self, request: Request) -> None:
        """A request comes in."""
        if request in self._doubtful:
            self.sins.append(f"{request} was made again, though what became of it is not known")
        if self.billed[request]:
            self.sins.append(f"{request} was made again after it had been billed")
        self.posts[request] += 1

    def bill(self, request: Request) -> None:
        self.billed[request] += 1

    def doubt(self, request: Request) -> None:
        """No answer, or none that can be understood, will get through."""
        self._doubtful.add(request)

    def forgive(self, send_id: str) -> None:
        """The user has said `retry`: from here on the send's requests count anew."""
        for request in [one for one in self.billed if one.send_id == send_id]:
            self.earlier[request] += self.billed.pop(request)
        self._doubtful -= {request for request in self._doubtful if request.send_id == send_id}

    def check_attempts(self, send_id: str, retries: int) -> None:
        """Only the user's word makes another attempt."""
        attempts = {request.attempt for request in self.posts if request.send_id == send_id}
        if len(attempts) > retries + 1:
            self.sins.append(f"{send_id} was attempted {len(attempts)} times, with {retries} retries")


def _asked(call: Call) -> tuple[str, str]:
    return call.name, json.dumps(dict(call.fields), sort_keys=True)
