"""Questions to AbletonOSC, and its answers.

It listens on UDP port 11000 and answers to port 11001 of whoever asked, whatever port that came from; getters repeat
the track's and the clip's number before the value, so that answers are told apart by both. It looks about ten times a
second and then handles everything that has come, so that questions asked together are answered together. What goes
wrong is told as `/live/error` with a text and nothing of the question. [ideoforms/AbletonOSC@0ca6821]

Port 11001 can be one program's only. It is held for as long as a conversation lasts, and free otherwise.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.osc_message_builder import OscMessageBuilder
from sendreturn.errors import NotNow, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

HOST = "127.0.0.1"
PATIENCE_S = 1.5
Question = tuple[Any, ...]
"""An address and its arguments."""


class LiveError(UsageError):
    """Live could not do what was asked."""


@dataclass(frozen=True)
class Ports:
    """Where AbletonOSC listens, and where it answers to."""

    listen: int = 11000
    answer: int = 11001


@dataclass
class _Waiting:
    """A question on its way; `ids` are the numbers that its answer begins with."""

    address: str
    ids: tuple[int, ...]
    answer: asyncio.Future[tuple[Any, ...]] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def hears(self, address: str, params: Sequence[Any]) -> bool:
        return not self.answer.done() and address == self.address and tuple(params[: len(self.ids)]) == self.ids


class Conversation(asyncio.DatagramProtocol):
    """One conversation with Live."""

    def __init__(self, listen: int) -> None:
        self._listen = listen
        self._waiting: list[_Waiting] = []
        self._transport: asyncio.DatagramTransport | None = None
        self._ended = asyncio.Event()

    async def end(self) -> None:
        """The port is free again when this returns."""
        assert self._transport is not None
        self._transport.close()
        await self._ended.wait()

    def say(self, address: str, *arguments: Any) -> None:
        """Something that is not answered."""
        message = OscMessageBuilder(address)
        for argument in arguments:
            message.add_arg(argument)
        assert self._transport is not None
        self._transport.sendto(message.build().dgram, (HOST, self._listen))

    async def ask(self, *question: Any) -> tuple[Any, ...]:
        """One question; what follows the numbers in its answer.

        Raises:
            LiveError: Live has told an error.
            NotNow: nothing answers.
        """
        return (await self.ask_all(question))[0]

    async def ask_all(self, *questions: Question) -> list[tuple[Any, ...]]:
        """Several questions at once. Raises as `ask` does."""
        waiting = [_Waiting(str(address), tuple(ids)) for address, *ids in questions]
        self._waiting += waiting
        for question in questions:
            self.say(*question)
        try:
            async with asyncio.timeout(PATIENCE_S):
                found = await asyncio.gather(*(one.answer for one in waiting))
        except TimeoutError:
            raise NotNow("AbletonOSC does not answer.", "Open Live, and choose AbletonOSC in its settings.") from None
        finally:
            self._waiting = [one for one in self._waiting if one not in waiting]
        return [answer[len(one.ids) :] for one, answer in zip(waiting, found, strict=True)]

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended.set()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        try:
            message = OscMessage(data)
        except ParseError:
            return
        if message.address == "/live/error":
            self._fail(str(next(iter(message.params), "")))
        for one in self._waiting:
            if one.hears(message.address, message.params):
                one.answer.set_result(tuple(message.params))
                return

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there; the question runs out of time."""

    def _fail(self, text: str) -> None:
        for one in self._waiting:
            if not one.answer.done():
                one.answer.set_exception(LiveError("Live could not do that.", detail=text))


@asynccontextmanager
async def conversation(ports: Ports) -> AsyncIterator[Conversation]:
    """Talk with Live for as long as the block lasts.

    Raises:
        UsageError: another program holds the port that AbletonOSC answers to.
    """
    try:
        _, talk = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Conversation(ports.listen), local_addr=(HOST, ports.answer)
        )
    except OSError as error:
        what = f"UDP port {ports.answer}, which AbletonOSC answers to, is taken by another program."
        hint = "Close what else talks to AbletonOSC, or use sendreturn's own script: `sendreturn bridge install live`."
        raise UsageError(what, hint, str(error)) from error
    try:
        yield talk
    finally:
        await talk.end()
