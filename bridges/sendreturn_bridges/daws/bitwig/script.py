"""Bitwig through our own controller script.

Messages to the script (`place`, `note`, `ping`) and from it (`hello`, `placed`, `send`, `pong`) begin with the secret;
their arguments stand in `sendreturn.control.js`. UDP may lose any of them: a file's turn is repeated until it is
answered, and the script knows by the project what it has placed.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING, cast, get_args

import structlog

from sendreturn_bridges.daws.bitwig.osc import OscPort
from sendreturn_bridges.daws.bitwig.placing import Gone, Outcome, Result
from sendreturn_bridges.daws.bitwig.projects import Project

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sendreturn.daws.contract import PlacedFile, Placement
    from sendreturn.sends.osc_messages import Message

    from sendreturn_bridges.daws.bitwig.door import Door

log = structlog.get_logger(__name__)

ADDRESS = "/sendreturn/bitwig/"
REPEAT_S = 1.0
SILENT_S = 8.0
"""After so long without a hello, Bitwig is not there; the script says hello every two seconds."""


class ScriptSide:
    """The script's counterpart (placing.Side).

    Args:
        send: Called with operation and request where the user wants the last bounce sent.
        clock: Seconds that never jump.
    """

    def __init__(
        self,
        door: Door,
        tell: Callable[[str | None], None],
        send: Callable[[str, str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secret = door.secret
        self._osc = OscPort(door.port, self._hear, tell)
        self._send = send
        self._clock = clock
        self._script_port = 0
        self._version = ""
        self._project: Project | None = None
        self._heard_at = 0.0
        self._opened: Callable[[Project | None], None] = lambda _: None
        self._answers: dict[tuple[str, int], asyncio.Future[Outcome]] = {}
        self._pongs: dict[str, asyncio.Future[None]] = {}
        self._watching: asyncio.Task[None] | None = None
        self._words: dict[str, Callable[..., None]] = {
            "hello": self._hello,
            "placed": self._placed,
            "send": self._wished,
            "pong": self._pong,
        }

    @property
    def project(self) -> Project | None:
        return self._project

    async def start(self, opened: Callable[[Project | None], None]) -> None:
        self._opened = opened
        await self._osc.start()
        self._watching = asyncio.create_task(self._notice_silence())

    async def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
        await self._osc.stop()

    async def place(self, placement: Placement, index: int) -> Outcome:
        project, key = self._project, (placement.send_id, index)
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._answers[key] = answer
        try:
            while True:
                if project is None or self._project is None or self._project.key != project.key:
                    raise Gone
                self._say("place", project.name, placement.send_id, index, *_described(placement.files[index]))
                with suppress(TimeoutError):
                    async with asyncio.timeout(REPEAT_S):
                        return await asyncio.shield(answer)
        finally:
            del self._answers[key]

    def say(self, text: str, request: str = "") -> None:
        self._say("note", request, text)

    async def ping(self, timeout_s: float) -> str | None:
        nonce = secrets.token_hex(8)
        self._pongs[nonce] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    self._say("ping", nonce)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(REPEAT_S):
                            await asyncio.shield(self._pongs[nonce])
                            return self._version
        except TimeoutError:
            return None
        finally:
            del self._pongs[nonce]

    def _say(self, word: str, *args: str | float) -> None:
        if self._script_port:
            self._osc.say(self._script_port, ADDRESS + word, self._secret, *args)

    # What the script says

    def _hear(self, message: Message) -> None:
        word = message.address.removeprefix(ADDRESS)
        if word not in self._words or not message.args or not self._knows(message.args[0]):
            return
        try:
            self._words[word](*message.args[1:])
        except (TypeError, ValueError) as error:
            log.warning("a message of Bitwig's script cannot be used", word=word, text=str(error))

    def _knows(self, secret: object) -> bool:
        return isinstance(secret, str) and secrets.compare_digest(secret.encode(), self._secret.encode())

    def _hello(self, port: Any, script: str, host: str, *project: str) -> None:
        name, chosen, track, bpm, signature = project
        if int(port) != self._script_port:  # Bitwig was started anew
            self._opened(None)
        self._script_port = int(port)
        self._version = f"Bitwig Studio {host}, script {script}"
        self._heard_at = self._clock()
        self._project = Project(name, chosen, track, _bpm(bpm), _signature(signature))
        self._opened(self._project)

    def _placed(self, send_id: str, index: Any, result: str, text: str) -> None:
        answer = self._answers.get((send_id, int(index)))
        if answer is not None and not answer.done() and result in get_args(Result):
            answer.set_result(Outcome(cast("Result", result), text))

    def _wished(self, request: str, operation: str) -> None:
        self._send(operation, request)

    def _pong(self, nonce: str) -> None:
        waiting = self._pongs.get(nonce)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def _notice_silence(self) -> None:
        while True:
            await asyncio.sleep(REPEAT_S)
            if self._project is not None and self._clock() - self._heard_at > SILENT_S:
                self._project = None
                self._opened(None)


def _described(file: PlacedFile) -> tuple[str, str, str, str]:
    kind = "midi" if file.kind == "midi" else "audio"
    return kind, file.name, file.color, str(file.path)


def _bpm(text: str) -> float | None:
    try:
        bpm = float(text)
    except ValueError:
        return None
    return bpm if 20 <= bpm <= 999 else None


def _signature(text: str) -> str | None:
    return text if re.fullmatch(r"[1-9]\d?/[1-9]\d?", text) else None
