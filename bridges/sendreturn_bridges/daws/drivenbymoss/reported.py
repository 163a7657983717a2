"""What DrivenByMoss has reported last, by address."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendreturn.sends.osc_messages import Message

UMLAUTS = {"Ä": "Ae", "ä": "ae", "Ö": "Oe", "ö": "oe", "Ü": "Ue", "ü": "ue", "ß": "ss"}
TRACK = "/track/selected/"


def ascii_of(name: str) -> str:
    """How DrivenByMoss writes a name, as far as it can be compared: umlauts in two letters, and nothing else that is no
    ASCII."""
    spelled = "".join(UMLAUTS.get(letter, letter) for letter in name)
    return re.sub(r"[^\x20-\x7e]|\?", "", spelled)


class Reported:
    """The latest value of each address; whoever waits for something is woken by each message."""

    def __init__(self) -> None:
        self.count = 0
        self._values: dict[str, Any] = {}
        self._news = asyncio.Event()

    def hear(self, message: Message) -> None:
        self.count += 1
        if message.args:
            self._values[message.address] = message.args[0]
            self._news.set()

    def text(self, address: str) -> str:
        return str(self._values.get(address, ""))

    def number(self, address: str) -> float | None:
        value = self._values.get(address)
        return float(value) if isinstance(value, int | float) else None

    @property
    def track(self) -> tuple[str, float | None, str]:
        """The selected track: its type, its position and its name."""
        return self.text(TRACK + "type"), self.number(TRACK + "position"), self.text(TRACK + "name")

    @property
    def has_clip(self) -> bool:
        """Whether something lies in the first slot of the selected track."""
        return bool(self.number(TRACK + "clip/1/hasContent"))

    async def until(self, is_so: Callable[[], bool], timeout_s: float) -> bool:
        """Whether it has become so in time."""
        try:
            async with asyncio.timeout(timeout_s):
                while not is_so():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True
