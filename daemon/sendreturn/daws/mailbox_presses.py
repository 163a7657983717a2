"""Presses through a mailbox: `in/press.json`, one at a time, which the DAW's script renames to take it.

    in/press.json    {"operation", "params", "request", "until_s"}; the script renames it to `press.taken`, reads that

One that is not taken in time is withdrawn, by a rename too: whichever of the two renames comes first holds, so that a
press is done at most once. `until_s` (seconds since 1970) is for the case that the daemon dies meanwhile: a script does
nothing for a press that is older. One that cannot send what is selected writes `{"kind": "refused", "request", "text"}`
into `out`, which whoever has pressed hears.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from sendreturn.daws.small_files import replace
from sendreturn.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from sendreturn.daws.contract import LinkSetup, Press

PATIENCE_S = 5.0
"""Scripts look for it ten times a second, unless their DAW is busy."""
LOOK_S = 0.05
MOST_WAITING = 16
TRIES = 20


class MailboxPresses:
    """The presses that wait for one DAW.

    Args:
        setup: The link's.
        folder: `in` of the mailbox.
    """

    def __init__(self, setup: LinkSetup, folder: Path) -> None:
        self._setup = setup
        self._path = folder / "press.json"
        self._waiting: asyncio.Queue[Press] = asyncio.Queue(MOST_WAITING)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; what an earlier daemon has left there is nobody's wish any more."""
        with suppress(OSError):
            self._withdraw()
        self._task = asyncio.create_task(self._run(), name=f"presses {self._setup.manifest.name}")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            with suppress(OSError):
                self._withdraw()

    def put(self, press: Press) -> None:
        """Have it wait for its turn. Raises UsageError where too many wait already."""
        try:
            self._waiting.put_nowait(press)
        except asyncio.QueueFull:
            title = self._setup.manifest.title
            raise UsageError(
                f"{title} has not answered the last presses yet.", "Wait a moment, and try again."
            ) from None

    async def _run(self) -> None:
        while True:
            press = await self._waiting.get()
            sentence = await self._why_not_taken(press)
            if sentence:
                self._setup.desk.refused(self._setup.manifest.name, press.request, sentence)

    async def _why_not_taken(self, press: Press) -> str:
        """Lay it ready until it is taken; "", or why nobody has taken it."""
        title = self._setup.manifest.title
        try:
            self._lay(press)
            if await self._is_taken():
                return ""
        except OSError as error:
            return f"{title} cannot be told, as its mailbox cannot be written ({error.strerror})."
        return f"{title} does not answer. Start it, open a session in it, and try again."

    def _lay(self, press: Press) -> None:
        until_s = time.time() + PATIENCE_S
        told = {
            "operation": press.operation,
            "params": dict(press.params),
            "request": press.request,
            "until_s": until_s,
        }
        replace(self._path, json.dumps(told))

    async def _is_taken(self) -> bool:
        until_s = time.monotonic() + PATIENCE_S
        while self._path.exists() and time.monotonic() < until_s:  # noqa: ASYNC110 - a script tells by a rename alone
            await asyncio.sleep(LOOK_S)
        for _ in range(TRIES):
            with suppress(PermissionError):  # on Windows, while the script is looking whether it is there
                return not self._withdraw()
            await asyncio.sleep(LOOK_S)
        return not self._withdraw()

    def _withdraw(self) -> bool:
        """Take back what lies there; False where nothing does, as the DAW was quicker."""
        withdrawn = self._path.with_suffix(".withdrawn")
        try:
            self._path.replace(withdrawn)
        except FileNotFoundError:
            return False
        with suppress(OSError):
            withdrawn.unlink()
        return True
