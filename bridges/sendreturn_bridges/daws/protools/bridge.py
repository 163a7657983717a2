"""The daemon's side of Pro Tools: all that is asked goes to a thread of its own, as calls to Pro Tools wait."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from sendreturn.errors import UsageError
from sendreturn.words import HOT_OPERATIONS

from sendreturn_bridges.daws.protools.host import NEEDED, NEEDED_HINT, address_of, is_possible
from sendreturn_bridges.daws.protools.jobs import Job, Offered, Pinged, Pressed, Told, pauses_of
from sendreturn_bridges.daws.protools.work import Work

if TYPE_CHECKING:
    from sendreturn.daws.contract import LinkSetup, Note, Placement, Press


def open_link(setup: LinkSetup) -> ProToolsLink:
    """The link to the Pro Tools of this machine."""
    return ProToolsLink(setup)


class ProToolsLink:
    """A link whose Pro Tools may come and go."""

    def __init__(self, setup: LinkSetup) -> None:
        self._setup = setup
        self._work: Work | None = None

    async def start(self) -> None:
        if not is_possible():
            self._setup.tell(f"daw:{self._setup.manifest.name}", f"{NEEDED} {NEEDED_HINT}")
            return
        self._setup.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Only what takes a clip is in the menu; all else can be had by a preset.
        options = {**self._setup.options, "operations": HOT_OPERATIONS}
        self._work = Work(replace(self._setup, options=options), address_of(options), pauses_of(options))
        self._work.start()

    async def stop(self) -> None:
        if self._work is not None:
            await asyncio.to_thread(self._work.end)
            self._work = None

    def tell(self, note: Note) -> None:
        self._put(Told(note))

    def offer(self, placement: Placement) -> None:
        self._put(Offered(placement))

    def press(self, press: Press) -> None:
        """Have what is selected sent, at most once.

        Raises:
            UsageError: the package that it needs is not installed.
        """
        if self._work is None:
            raise UsageError(NEEDED, NEEDED_HINT)
        self._put(Pressed(press.operation, press.params, press.request))

    async def ping(self, timeout_s: float) -> str | None:
        if self._work is None:
            return None
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str | None] = loop.create_future()

        def settle(text: str | None) -> None:
            if not answer.done():
                answer.set_result(text)

        def answered(text: str | None) -> None:
            with suppress(RuntimeError):  # the loop has just been closed
                loop.call_soon_threadsafe(settle, text)

        self._put(Pinged(answered))
        try:
            return await asyncio.wait_for(answer, timeout_s)
        except TimeoutError:
            return None

    def _put(self, job: Job) -> None:
        if self._work is not None:
            self._work.put(job)
