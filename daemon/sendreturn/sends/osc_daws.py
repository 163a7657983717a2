"""What OSC messages say to DAWs' bridges: a selection lies ready, or is to be made. It takes time, so tasks do it."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sendreturn.daws.contract import Press, press_request
from sendreturn.errors import SendReturnError, UsageError
from sendreturn.sends import osc_messages

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from sendreturn.daws.contract import Note
    from sendreturn.sends.osc_listeners import Address
    from sendreturn.sends.osc_messages import Asked, Message, Out, Value
    from sendreturn.sends.osc_repeats import Repeats
    from sendreturn.sends.wish import Desk

    Answer = Callable[[Address, Out, Asked | None], None]
    Listen = Callable[[Address, str, Asked], None]
    TakeSelection = Callable[[Path], Awaitable[Note]]
    Work = Callable[[], Awaitable[Note]]
    PressDaw = Callable[[str, Press], Awaitable[Note]]

DAW = "daw"
MOST_AT_ONCE = 64
"""More are told to come again: a flood costs messages and nothing else."""


class DawMessages:
    """Handles `selection` and `selected`.

    Attributes:
        take: Takes a selection that lies in a DAW's mailbox.
        press: Has a DAW send what is selected in it.
        tasks: What is under way.
    """

    def __init__(self, desk: Desk, repeats: Repeats, answer: Answer, listen: Listen) -> None:
        self._desk = desk
        self._repeats = repeats
        self._answer = answer
        self._listen = listen
        self.take: TakeSelection = _no_bridge
        self.press: PressDaw = _no_bridge
        self.tasks: set[asyncio.Task[None]] = set()

    def selection(self, message: Message, sender: Address) -> None:
        """A DAW's bridge has put what is selected into its mailbox."""
        asked = osc_messages.take_req(message.args, 1)
        if len(asked.args) != 1 or not isinstance(asked.args[0], str):
            raise UsageError("selection needs the path of a document in the mailbox of a DAW's bridge.")
        self._begin(partial(self.take, Path(asked.args[0])), asked, sender)

    def selected(self, message: Message, sender: Address, kept: Mapping[str, Value]) -> None:
        """What is selected in a DAW is to be sent: an operation or a preset, then keys and values."""
        asked = osc_messages.take_req(message.args, 1)
        word, *pairs = asked.args or ("",)
        if not isinstance(word, str) or not word:
            raise UsageError("selected needs an operation or a preset.", "For example: /sendreturn/selected cover")
        params = {**kept, **osc_messages.params_of(tuple(pairs))}
        daw = str(params.pop(DAW, None) or "").casefold()
        key = self._repeats.key(sender[0], ("selected", word, daw, params), asked.req)
        press = Press(word, params, press_request("osc", key))
        self._begin(partial(self.press, daw, press), asked, sender)

    def _begin(self, work: Work, asked: Asked, sender: Address) -> None:
        if len(self.tasks) >= MOST_AT_ONCE:
            raise UsageError("Too many selections are on their way.", "Wait a moment, and try again.")
        task = asyncio.create_task(self._do(work, asked, sender))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _do(self, work: Work, asked: Asked, sender: Address) -> None:
        try:
            note = await work()
            if note.kind != "accepted":
                raise UsageError(note.text)
            send = self._desk.get(note.send_id)
        except (SendReturnError, ValueError, OSError) as error:  # a path may hold what no path can
            self._answer(sender, osc_messages.error(str(error)), asked)
            return
        self._answer(sender, osc_messages.accepted(send), asked)
        self._listen(sender, send.id, asked)
        self._answer(sender, osc_messages.state_of(self._desk.get(send.id)), asked)  # what was told meanwhile


async def _no_bridge(*_: object) -> Note:
    raise UsageError("No DAW's bridge is installed.", "Run `sendreturn bridge install` for your DAW.")
