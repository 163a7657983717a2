"""The four services' simulators in a process of their own, which outlives every daemon that is killed beside it.

Run as a program it says in a line of JSON where they are, and then answers every line that it reads with the bills that
have come so far. It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from sendreturn.testing.catalogue import simulator_of
from sendreturn.testing.simulator import Simulator
from starlette.requests import Request

KEY = "canary-0ddba11-of-the-crash-sweep"
NAMES = ("acedata", "musicapi", "sonauto", "sunoapi")
SWITCHES: Mapping[str, Mapping[str, object]] = {
    "acedata": {"song_s": 3.0, "extend_s": 2.0},
    "musicapi": {"extend_s": 2.0},
    "sonauto": {"song_s": 3.0, "v3_extend_s": 2.0},
    "sunoapi": {"song_s": 3.0, "extend_s": 2.0},
}
CALL_BACK = re.compile(r"/webhooks/\w+/([0-9a-f]{8})/")


@dataclass(frozen=True)
class Bill:
    """A request that was billed. Two of the same service and digest have asked for the very same thing.

    Attributes:
        send_id: Of the address that it may call back at; empty where it named none.
    """

    service: str
    call: str
    credits: float
    digest: str
    send_id: str


class SimulatedServices:
    """The process, from the outside. `settings` is what a configuration says of each service."""

    settings: dict[str, dict[str, Any]]

    def __enter__(self) -> SimulatedServices:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.settings = self._read()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=60)

    def bills(self) -> list[Bill]:
        """All since the beginning, in order."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return [Bill(**bill) for bill in self._read()]

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def _attach(simulator: Simulator, bills: list[dict[str, object]]) -> None:
    """Have a simulator write down what it bills, and for what."""
    bill = simulator.billed

    def billed(request: Request, call: str, credits: float) -> None:  # noqa: A002
        bill(request, call, credits)
        asked = _asked(request)
        digest = hashlib.sha256(f"{request.url.path} {asked}".encode()).hexdigest()
        address = CALL_BACK.search(asked)
        send_id = address.group(1) if address else ""
        bills.append(
            {"service": simulator.name, "call": call, "credits": credits, "digest": digest, "send_id": send_id}
        )

    simulator.billed = billed  # type: ignore[method-assign]


def _asked(request: Request) -> str:
    """What the handler has read by now: a body of JSON, or the fields of a form."""
    if hasattr(request, "_body"):
        return str(request._body.decode("utf-8", "replace"))
    form = getattr(request, "_form", None) or {}
    return json.dumps({name: value for name, value in form.items() if isinstance(value, str)}, sort_keys=True)


async def _serve() -> None:
    loop, bills = asyncio.get_running_loop(), list[dict[str, object]]()
    simulators = [simulator_of(name)({"looks": 1, **SWITCHES[name]}, key=KEY, credits=1e9) for name in NAMES]
    async with AsyncExitStack() as running:
        for simulator in simulators:
            _attach(simulator, bills)
            simulator.switches["answer_slowly"] = 0.02  # so that a life may well end between the bill and the answer
            await running.enter_async_context(simulator.running())
        print(json.dumps({simulator.name: simulator.settings for simulator in simulators}), flush=True)
        while await loop.run_in_executor(None, sys.stdin.readline):
            print(json.dumps(bills), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())
