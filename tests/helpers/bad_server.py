"""A server on raw sockets that misbehaves as it is told: cuts, resets, drips, lies and redirects. It counts requests.

async with BadServer() as server:
    server.plays(whole(b"..."), path="/a.wav")      # each script is a list of what to do with the connection
    server.plays([Send(b"HTTP/1.1 200 OK\\r\\n"), Reset()], [Send(ok(b"{}"))])   # the first request, then the others
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Send:
    data: bytes


@dataclass(frozen=True)
class Drip:
    """Sends `data` again and again, for as long as anyone listens."""

    data: bytes
    pause_s: float = 0.0


@dataclass(frozen=True)
class Hang:
    """Says nothing more, until the other side goes away."""


@dataclass(frozen=True)
class Reset:
    """Ends the connection with a reset; without it a script ends with an orderly close."""


@dataclass(frozen=True)
class Keep:
    """Waits for the next request on this connection."""


Step = Send | Drip | Hang | Reset | Keep


@dataclass(frozen=True)
class Seen:
    """A request that arrived. `connection` counts the connections, from 1."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int
    at_s: float = 0.0

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class BadServer:
    """Listens on a free port of the loopback. The last script of a path is played for all further requests.

    Attributes:
        scraps: What came over connections that ended before their request was whole.
    """

    seen: list[Seen] = field(default_factory=list)
    scraps: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        self._scripts: dict[str, list[Sequence[Step]]] = defaultdict(list)
        self._connections = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> BadServer:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def plays(self, *scripts: Sequence[Step], path: str = "") -> None:
        """What to do with the requests for `path` ("" stands for all others), one script each."""
        self._scripts[path] = list(scripts)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._connections += 1
        try:
            await self._serve(reader, writer, self._connections)
        except asyncio.IncompleteReadError as cut:
            self.scraps.put_nowait(cut.partial)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        while True:
            request = await _read_request(reader, connection)
            self.seen.append(request)
            scripts = self._scripts.get(request.path.partition("?")[0]) or self._scripts[""]
            script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
            for step in script:
                await _play(step, reader, writer)
            if not any(isinstance(step, Keep) for step in script):
                return


async def _play(step: Step, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    match step:
        case Send(data):
            writer.write(data)
            await writer.drain()
        case Drip(data, pause_s):
            while True:
                writer.write(data)
                await writer.drain()
                await asyncio.sleep(pause_s)
        case Hang():
            await reader.read()
        case Reset():
            opened = writer.get_extra_info("socket")
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        case Keep():
            pass


async def _read_request(reader: asyncio.StreamReader, connection: int) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await _read_body(reader, headers)
    return Seen(method, path, headers, body, connection, asyncio.get_running_loop().time())


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


def head(status: int = 200, headers: Mapping[str, object] | None = None) -> bytes:
    """The head of an answer."""
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def answer(status: int = 200, body: bytes = b"", headers: Mapping[str, object] | None = None) -> list[Step]:
    """A whole, honest answer, after which the connection is closed."""
    return [Send(head(status, {"Content-Length": len(body), **(headers or {})}) + body)]


def as_json(value: object, status: int = 200, headers: Mapping[str, object] | None = None) -> list[Step]:
    """A JSON answer."""
    return answer(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})


def page(status: int, headers: Mapping[str, object] | None = None) -> list[Step]:
    """What a gateway says."""
    body = b"<html><body><h1>Bad Gateway</h1></body></html>"
    return answer(status, body, {"Content-Type": "text/html", **(headers or {})})


def moved(location: str, status: int = 302) -> list[Step]:
    return answer(status, b"", {"Location": location})
