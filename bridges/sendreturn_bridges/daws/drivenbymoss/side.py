"""Placing files over DrivenByMoss's addresses (bitwig.placing.Side)."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from sendreturn_bridges.daws.bitwig.osc import OscPort
from sendreturn_bridges.daws.bitwig.placing import Gone, Outcome
from sendreturn_bridges.daws.bitwig.projects import Project
from sendreturn_bridges.daws.drivenbymoss.reported import TRACK, Reported, ascii_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendreturn.daws.contract import PlacedFile, Placement
    from sendreturn.sends.osc_messages import Message

    from sendreturn_bridges.daws.drivenbymoss.begun import Begun

MAX_MESSAGES = 128
"""DrivenByMoss packs about a hundred into a bundle."""
ASK_S = 4.0
"""Between two questions what is so; the answer also shows that Bitwig is there."""
SILENT_S = 10.0
STEP_S = 5.0
FILE_S = 20.0


class MossSide:
    """DrivenByMoss's counterpart."""

    def __init__(
        self,
        receives: int,
        sends: int,
        begun: Begun,
        tell: Callable[[str | None], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._to = receives
        self._osc = OscPort(sends, self._hear, tell, MAX_MESSAGES)
        self._begun = begun
        self._clock = clock
        self._reported = Reported()
        self._heard_at: float | None = None
        self._opened: Callable[[Project | None], None] = lambda _: None
        self._asking: asyncio.Task[None] | None = None

    @property
    def project(self) -> Project | None:
        name = self._reported.text("/project/name")
        if self._heard_at is None or not name:
            return None
        signature = self._reported.text("/time/signature").replace(" ", "")
        return Project(
            ascii_of(name),
            track=self._reported.track[2],
            bpm=_bpm(self._reported.number("/tempo/raw")),
            time_signature=signature or None,
        )

    async def start(self, opened: Callable[[Project | None], None]) -> None:
        self._opened = opened
        await self._osc.start()
        self._asking = asyncio.create_task(self._ask())

    async def stop(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            with suppress(asyncio.CancelledError):
                await self._asking
        await self._osc.stop()

    async def place(self, placement: Placement, index: int) -> Outcome:
        state = self._begun.state(placement.send_id, index)
        if state is not None:
            left_off = Outcome("unsure", "It was left off in the middle, and may lie there.")
            return Outcome("already") if state else left_off
        project = self.project
        if project is None:
            raise Gone
        self._begun.begin(placement.send_id, index)
        outcome = await self._placed(placement.files[index])
        if self.project is None or self.project.key != project.key:
            raise Gone  # where it lies now is not known; it stays begun
        if outcome.result == "placed":
            self._begun.done(placement.send_id, index)
        else:
            self._begun.refused(placement.send_id, index)
        return outcome

    def say(self, text: str, request: str = "") -> None:
        """DrivenByMoss shows no texts; the log has it."""

    async def ping(self, timeout_s: float) -> str | None:
        before = self._reported.count
        self._osc.say(self._to, "/refresh")
        is_there = await self._reported.until(lambda: self._reported.count > before, timeout_s)
        return "DrivenByMoss" if is_there else None

    async def _placed(self, file: PlacedFile) -> Outcome:
        kind, name = "instrument" if file.kind == "midi" else "audio", ascii_of(file.name)
        reported, before = self._reported, self._reported.track

        def is_new() -> bool:
            return reported.track[:2] != before[:2] and reported.track[0] == kind and not reported.has_clip

        def is_named() -> bool:
            return ascii_of(reported.track[2]) == name

        self._osc.say(self._to, f"/track/add/{kind}", 1)
        if not await reported.until(is_new, STEP_S):
            return Outcome("stuck", "DrivenByMoss reported no new, empty, selected track.")
        self._osc.say(self._to, TRACK + "name", file.name)
        if not await reported.until(is_named, STEP_S) or reported.has_clip:
            return Outcome("refused", "Another track was selected meanwhile.")
        self._osc.say(self._to, TRACK + "clip/1/insertFile", str(file.path))
        if not await reported.until(lambda: is_named() and reported.has_clip, FILE_S):
            return Outcome("refused", "Bitwig did not take the file.")
        # Last, as DrivenByMoss gives a new track a colour of its own a moment after it was made.
        self._osc.say(self._to, TRACK + "color", _color(file.color))
        return Outcome("placed")

    def _hear(self, message: Message) -> None:
        self._heard_at = self._clock()
        self._reported.hear(message)
        if message.address == "/project/name":
            self._opened(self.project)

    async def _ask(self) -> None:
        while True:
            self._osc.say(self._to, "/refresh")
            await asyncio.sleep(ASK_S)
            if self._heard_at is not None and self._clock() - self._heard_at > SILENT_S:
                self._heard_at = None
                self._opened(None)


def _color(text: str) -> str:
    red, green, blue = (int(text[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgb({red},{green},{blue})"


def _bpm(tempo: float | None) -> float | None:
    return tempo if tempo is not None and 20 <= tempo <= 999 else None
