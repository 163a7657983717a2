"""The file server of a simulator, and how a simulator takes a clip from an address that it is given."""

from __future__ import annotations

import asyncio
import http.client
import ipaddress
import mimetypes
import secrets
import shutil
import socket
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from sendreturn.testing.hearing import hang_up
from sendreturn.testing.switches import Switches

FETCH_TIMEOUT_S = 30
TYPES = {".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".wav": "audio/wav", ".flac": "audio/flac", ".m4a": "audio/mp4"}
BLOCK = 1 << 16


class Unfetchable(Exception):  # noqa: N818 - an answer to the service's user, not an error of ours
    """A clip could not be taken from the address; the reason is the text."""


@dataclass(frozen=True)
class MediaFile:
    """A file that the simulator gives out or was given."""

    id: str
    path: Path
    name: str
    content_type: str
    duration_s: float | None = None


class Media:
    """Gives files out under addresses that nobody can guess, with the troubles that its switches make.

    Args:
        folder: Where the files lie.

    Attributes:
        given_out: How often each file was asked for in full or in part, by its id.
    """

    def __init__(self, folder: Path, switches: Switches) -> None:
        self.base = ""
        self._folder = folder
        self._switches = switches
        self.given_out: Counter[str] = Counter()
        self._current: dict[str, str] = {}
        self._given: dict[str, MediaFile] = {}
        routes = [Route("/{token}/{name}", self._serve, methods=["GET", "HEAD"])]
        self.app = Starlette(routes=routes)

    def keep(self, data: bytes | Path, name: str, duration_s: float | None = None) -> MediaFile:
        """Take a file in: its bytes, or a path that is copied. `name` ends in what it is (".mp3")."""
        file_id = secrets.token_hex(16)
        suffix = Path(name).suffix.lower()
        path = self._folder / f"{file_id}{suffix}"
        if isinstance(data, bytes):
            path.write_bytes(data)
        else:
            shutil.copyfile(data, path)
        kind = TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        return MediaFile(file_id, path, name.replace("/", "-"), kind, duration_s)

    def address(self, file: MediaFile) -> str:
        """Where the file can be fetched now. It stays the same until it expires."""
        token = self._current.get(file.id)
        if token is None:
            token = self._current[file.id] = secrets.token_urlsafe(18)
            self._given[token] = file
        return f"{self.base}/{token}/{quote(file.name)}"

    def at(self, address: str) -> MediaFile | None:
        """The file behind an address of ours that is still good."""
        token = urlsplit(address).path.strip("/").partition("/")[0]
        return self._given.get(token) if address.startswith(f"{self.base}/") else None

    def expire(self, file: MediaFile) -> None:
        """Let the file's address be good no more; the next `address` is another one."""
        token = self._current.pop(file.id, None)
        if token is not None:
            del self._given[token]

    async def _serve(self, request: Request) -> Response:
        file = self._given.get(request.path_params["token"])
        if file is not None and self._switches.count_down("expire_media"):
            self.expire(file)
            file = None
        if file is None:
            return JSONResponse({"error": "This address has expired."}, 403)
        if request.method == "GET" and self._switches.count_down("wrong_type_media"):
            return HTMLResponse("<!doctype html><title>Please log in</title><p>Please log in.")
        if (aside := self._aside(request)) is not None:
            return RedirectResponse(aside, 302)
        if request.method == "GET" and self._switches.count_down("truncate_media"):
            return _cut_short(request, file)
        if request.method == "GET":
            self.given_out[file.id] += 1
        return FileResponse(file.path, media_type=file.content_type)

    def _aside(self, request: Request) -> str | None:
        where, base = self._switches["redirect_media"], urlsplit(self.base)
        if not where or "moved" in request.query_params:
            return None
        # The same server under a name that nobody has allowed: whoever follows is heard.
        host = f"localhost:{base.port}" if where == "elsewhere" else base.netloc
        return f"http://{host}{quote(request.url.path)}?moved=1"


def _cut_short(request: Request, file: MediaFile) -> Response:
    """All of the headers, half of the body, and an end."""
    size = file.path.stat().st_size

    async def half() -> AsyncIterator[bytes]:
        with file.path.open("rb") as source:
            left = size // 2
            while left > 0 and (block := source.read(min(BLOCK, left))):
                left -= len(block)
                yield block
        await hang_up(request)

    # The same ETag as the whole file has, so that what is missing can be asked for.
    headers = {**FileResponse(file.path, stat_result=file.path.stat()).headers, "content-length": str(size)}
    return StreamingResponse(half(), media_type=file.content_type, headers=headers)


# Taking a clip from an address


async def fetch_clip(address: str, target: Path, *, probe_with_head: bool) -> None:
    """Bring what lies at a loopback address to `target`, as services do: a HEAD first where they probe, then a GET.

    Raises:
        Unfetchable: it is no loopback address, or there is no file behind it.
    """
    await asyncio.to_thread(_fetch, urlsplit(address), target, probe_with_head)


def _fetch(address: SplitResult, target: Path, probe_with_head: bool) -> None:
    if address.scheme != "http" or not _is_loopback(address.hostname or ""):
        raise Unfetchable("A simulator takes clips only from this machine.")
    path = (address.path or "/") + (f"?{address.query}" if address.query else "")
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=FETCH_TIMEOUT_S)
    try:
        for method in ("HEAD", "GET") if probe_with_head else ("GET",):
            connection.request(method, path, headers={"Accept": "audio/*, */*"})
            answer = connection.getresponse()
            if answer.status != 200:
                raise Unfetchable(f"{method} was answered with {answer.status}.")
            if method == "HEAD":
                answer.read()
        with target.open("wb") as file:
            shutil.copyfileobj(answer, file)
        _check_whole(answer, target)
    except (OSError, http.client.HTTPException) as problem:
        raise Unfetchable(f"{type(problem).__name__} while it was fetched.") from problem
    finally:
        connection.close()


def _check_whole(answer: http.client.HTTPResponse, target: Path) -> None:
    promised = answer.getheader("Content-Length")
    if promised is not None and int(promised) != target.stat().st_size:
        raise Unfetchable("The file ended early.")


def _is_loopback(host: str) -> bool:
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return all(ipaddress.ip_address(entry[4][0]).is_loopback for entry in found)
