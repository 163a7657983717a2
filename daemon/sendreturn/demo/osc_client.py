"""A small OSC client, as a DAW script or a phone would be one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Any

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from sendreturn.errors import SendReturnError

PATIENCE_S = 10.0


class OscClient:
    """Talks to the daemon's OSC port on this machine."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._answers: asyncio.Queue[OscMessage] = asyncio.Queue()

    async def __aenter__(self) -> OscClient:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Listener(self._answers), remote_addr=("127.0.0.1", self._port)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()

    async def ask(self, operation: str, clip: Path, params: dict[str, object]) -> str:
        """Send a clip and return the first answer as text.

        Raises:
            SendReturnError: the answer is an error, or none comes.
        """
        message = OscMessageBuilder(f"/sendreturn/{operation}")
        message.add_arg(str(clip))
        for name, value in params.items():
            message.add_arg(name)
            message.add_arg(osc_value(value))
        self._transport.sendto(message.build().dgram)
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = await self._answers.get()
        except TimeoutError as error:
            raise SendReturnError(
                "The daemon did not answer over OSC.", "See whether a firewall blocks UDP."
            ) from error
        text = " ".join(str(part) for part in (answer.address, *answer.params))
        if answer.address == "/sendreturn/error":
            raise SendReturnError(text)
        return text


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, answers: asyncio.Queue[OscMessage]) -> None:
        self._answers = answers

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._answers.put_nowait(OscMessage(data))


def osc_value(value: object) -> str | float | int:
    """A parameter's value as OSC carries it; a list becomes text with commas."""
    if isinstance(value, str | float | int):
        return value
    return ",".join(str(part) for part in value) if isinstance(value, list | tuple) else str(value)
