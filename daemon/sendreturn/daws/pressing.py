"""Presses on their way: which DAW is meant, and what came of it, for whoever has pressed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from sendreturn.daws.contract import Note
from sendreturn.errors import NotNow, SendReturnError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sendreturn.daws.contract import Link, Press

log = structlog.get_logger(__name__)

ANSWER_S = 330.0
"""Where a cut would not be what is heard, the DAW renders before it sends: a long bounce takes minutes."""
PING_S = 3.0


class Presses:
    """The presses that were not answered yet, of all DAWs."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], asyncio.Future[Note]] = {}
        self._heard_last = ""

    async def make(self, daw: str, link: Link, press: Press) -> Note:
        """Press, and wait for the answer; the same request is one press, however many wait for it.

        Raises:
            UsageError: the DAW cannot be pressed now.
            NotNow: it has taken the press and sent nothing.
        """
        key = (daw, press.request)
        answer = self._waiting.get(key) or self._begun(key, link, press)
        try:
            async with asyncio.timeout(ANSWER_S):
                return await asyncio.shield(answer)
        except TimeoutError:
            self._waiting.pop(key, None)
            what = f"The press was taken in {daw}, which has sent nothing for {ANSWER_S:.0f} seconds."
            raise NotNow(what, "Look there: it may show why.") from None

    def settle(self, daw: str, note: Note) -> None:
        """What came of a press, if it was one. May be called from any thread."""
        future = self._waiting.get((daw, note.request))
        if future is not None:
            future.get_loop().call_soon_threadsafe(_answer, future, note)
        elif note.kind == "error":
            log.info("a selection cannot be sent", daw=daw, text=note.text)

    def heard(self, daw: str) -> None:
        """A DAW has said something, so that it is the one that is being worked in."""
        self._heard_last = daw

    async def latest(self, links: Mapping[str, Link]) -> str:
        """The DAW that is meant where none is named.

        Raises:
            UsageError: there is none, or one of several has to be named.
        """
        if not links:
            raise UsageError("No DAW's bridge is installed.", "Run `sendreturn bridge install` for your DAW.")
        if self._heard_last in links:
            return self._heard_last
        return next(iter(links)) if len(links) == 1 else await _the_one_that_answers(links)

    def end(self) -> None:
        """Nobody waits any longer."""
        for future in list(self._waiting.values()):
            _answer(future, Note("error", "", text="The daemon stops. Press again once it runs."))

    def _begun(self, key: tuple[str, str], link: Link, press: Press) -> asyncio.Future[Note]:
        answer: asyncio.Future[Note] = asyncio.get_running_loop().create_future()
        self._waiting[key] = answer
        answer.add_done_callback(lambda _: self._waiting.pop(key, None))
        try:
            link.press(press)
        except SendReturnError:
            answer.cancel()
            raise
        except Exception as error:
            answer.cancel()
            log.exception("a bridge cannot be pressed", daw=key[0])
            raise UsageError(f"The bridge for {key[0]} cannot be pressed; the log says more.") from error
        return answer


async def _the_one_that_answers(links: Mapping[str, Link]) -> str:
    answers = await asyncio.gather(*(link.ping(PING_S) for link in links.values()))
    found = [daw for daw, answer in zip(links, answers, strict=True) if answer is not None]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{' and '.join(found)} are open.", "Name the one that is meant: daw, and its name.")
    raise UsageError(f"None of {', '.join(links)} answers.", "Start one of them, open a session, and try again.")


def _answer(future: asyncio.Future[Note], note: Note) -> None:
    if not future.done():
        future.set_result(note)
