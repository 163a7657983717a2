"""Bringing a result from a host of media to this machine: whole, within limits, and without anything that is ours.

The transport alone cannot tell whether a file is whole (an early end of a chunked body looks like its end), so what
comes is decoded and measured afterwards, by the engine.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sendreturn import __version__
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.answers import Answer, pause_s
from sendreturn.net.guarded import NOT_CONNECTED, TROUBLES, Resolve, Stream, open_stream, resolve
from sendreturn.net.hosts import Hosts
from sendreturn.words import TEMP_PREFIX

MOST_REDIRECTS = 5
WRITE_BYTES = 1024 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})
GONE = frozenset({401, 403, 404, 410})
"""How stores of objects answer for an address that has expired, or for a file that is no longer kept."""
HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "User-Agent": f"Mozilla/5.0 (compatible; sendreturn/{__version__})",
}
"""Some hosts of media turn unknown programs away."""

_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15}|\*)")


class Gone(ServiceError):  # noqa: N818 - a state of affairs, as its siblings in errors.py
    """The result is no longer at this address; the service may know a new one."""


@dataclass(frozen=True)
class Patience:
    """What is still called progress.

    Attributes:
        silence_s: Without any byte.
        least_bytes_per_s: On average over `over_s`.
        pauses_s: Before each try after one that brought nothing; more than these in a row are not made.
    """

    silence_s: float = 30.0
    least_bytes_per_s: float = 1024.0
    over_s: float = 60.0
    pauses_s: tuple[float, ...] = (0.5, 2.0, 5.0, 15.0)


async def download(
    url: str,
    target: Path,
    *,
    hosts: Hosts,
    most_bytes: int = 2 * 1024**3,
    timeout_s: float = 3600.0,
    patience: Patience = Patience(),
    resolve: Resolve = resolve,
) -> int:
    """Fetch what lies at `url` into the new file `target`, and return its length in bytes.

    A transfer that breaks is gone on with where it broke, as long as the host says that the file is still the same.
    `target` appears only when it is whole; nothing stays behind otherwise.

    Raises:
        Gone: it is not there any more.
        ServiceError: with Outcome.GIVE_UP where it may not be taken from there or is too large, else Outcome.RETRY.
    """
    prefix = "" if target.name.startswith(TEMP_PREFIX) else TEMP_PREFIX
    part = target.with_name(f"{prefix}{target.name}.part")
    host = hosts.check(url).host
    try:
        async with asyncio.timeout(timeout_s):
            with part.open("wb") as file:
                size = await _Transfer(url, file, hosts, most_bytes, patience, resolve).run()
        part.replace(target)
    except TimeoutError as error:
        raise _passing(f"The result at {host} did not arrive within {timeout_s / 60:.0f} minutes.") from error
    except OSError as error:
        raise _passing(f"The result could not be kept: {error.strerror or error}.", str(target)) from error
    finally:
        part.unlink(missing_ok=True)
    return size


class _Trouble(Exception):  # noqa: N818
    """This try came to nothing, but another may not."""

    def __init__(
        self, what: str, detail: str = "", wanted_pause_s: float | None = None, *, is_offline: bool = False
    ) -> None:
        super().__init__(what)
        self.is_offline = is_offline
        self.what = what
        self.detail = detail
        self.wanted_pause_s = wanted_pause_s


class _Transfer:
    """One file on its way."""

    def __init__(
        self, url: str, file: IO[bytes], hosts: Hosts, most_bytes: int, patience: Patience, resolve: Resolve
    ) -> None:
        self._url = url
        self._file = file
        self._hosts = hosts
        self._most_bytes = most_bytes
        self._patience = patience
        self._resolve = resolve
        self._size = 0
        self._version = ""
        """What the host calls this version of the file; empty where it cannot be gone on with."""

    async def run(self) -> int:
        furthest = tries = 0
        while True:
            try:
                await self._pull()
                await asyncio.to_thread(_sync, self._file)
                return self._size
            except _Trouble as trouble:
                tries = 1 if self._size > furthest else tries + 1
                furthest = max(furthest, self._size)
                if tries > len(self._patience.pauses_s):
                    raise _passing(trouble.what, trouble.detail, is_offline=trouble.is_offline) from trouble
                wanted_s = trouble.wanted_pause_s
                await asyncio.sleep(self._patience.pauses_s[tries - 1] if wanted_s is None else wanted_s)

    async def _pull(self) -> None:
        """One try, through all redirects. Each address on the way is checked anew."""
        address = self._hosts.check(self._url)
        for _ in range(MOST_REDIRECTS + 1):
            try:
                async with open_stream(
                    address,
                    self._headers(),
                    self._hosts,
                    silence_s=self._patience.silence_s,
                    resolve=self._resolve,
                ) as stream:
                    if stream.status not in REDIRECTS:
                        return await self._take(stream, address.host)
                    address = self._hosts.check(stream.headers.get("location", ""), address)
            except TROUBLES as error:
                what = f"The connection to {address.host} broke."
                raise _Trouble(
                    what, f"{type(error).__name__}: {error}", is_offline=isinstance(error, NOT_CONNECTED)
                ) from error
        raise ServiceError(f"The result at {address.host} is only ever said to be elsewhere; it was given up.")

    def _headers(self) -> dict[str, str]:
        if not (self._size and self._version):
            return HEADERS
        return {**HEADERS, "Range": f"bytes={self._size}-", "If-Range": self._version}

    async def _take(self, stream: Stream, host: str) -> None:
        self._check_status(stream, host)
        self._check_kind(stream, host)
        if stream.status == 206:
            total = self._check_place(stream, host)
        else:
            self._start_anew()
            self._version = _version(stream.headers)
            total = _number(stream.headers.get("content-length"))
        if total is not None and total > self._most_bytes:
            raise _too_large(host, self._most_bytes)
        await self._write_all(stream, host)
        if total is not None and self._size != total:
            raise _Trouble(f"The result at {host} ended early.", f"{self._size} of {total} bytes")

    def _check_status(self, stream: Stream, host: str) -> None:
        status = stream.status
        if status in GONE:
            raise Gone(f"The result is not at {host} any more (HTTP {status}).", detail=f"HTTP {status}")
        if status == 416:
            self._start_anew()
        if status in (408, 416, 425, 429) or status >= 500:
            wanted_s = pause_s(Answer(status, stream.headers))
            raise _Trouble(f"{host} does not give the result out at the moment (HTTP {status}).", "", wanted_s)
        if status not in (200, 206):
            raise ServiceError(f"{host} does not give the result out (HTTP {status}).", outcome=Outcome.GIVE_UP)

    def _check_kind(self, stream: Stream, host: str) -> None:
        if stream.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise _Trouble(f"{host} packed the result, although it was asked not to.")
        if stream.headers.get("content-type", "").startswith("text/html"):
            raise _Trouble(f"{host} gave a web page in place of the result.")

    def _check_place(self, stream: Stream, host: str) -> int | None:
        """The length of the whole file, of which the rest comes now. Raises _Trouble where it is not this rest."""
        found = _RANGE.fullmatch(stream.headers.get("content-range", ""))
        version = _version(stream.headers)
        if not self._version or found is None or int(found[1]) != self._size or version not in ("", self._version):
            self._start_anew()
            raise _Trouble(f"{host} did not go on where the result had broken off.", f"{found and found[0]}")
        return _number(found[3])

    async def _write_all(self, stream: Stream, host: str) -> None:
        pace = Pace(self._patience.least_bytes_per_s, self._patience.over_s)
        waiting = bytearray()
        try:
            async for piece in stream.pieces:
                if self._size + len(piece) > self._most_bytes:
                    raise _too_large(host, self._most_bytes)
                waiting += piece
                self._size += len(piece)
                if pace.is_too_slow(len(piece)):
                    raise _Trouble(f"{host} gives the result out too slowly.")
                if len(waiting) >= WRITE_BYTES:
                    await asyncio.to_thread(self._file.write, bytes(waiting))
                    waiting.clear()
        finally:
            self._file.write(waiting)

    def _start_anew(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._size = 0
        self._version = ""


class Pace:
    """Whether bytes come fast enough: at least `least_bytes_per_s` on average over each `over_s`."""

    def __init__(self, least_bytes_per_s: float, over_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._least = least_bytes_per_s * over_s
        self._over_s = over_s
        self._clock = clock
        self._since_s = clock()
        self._count = 0

    def is_too_slow(self, more_bytes: int) -> bool:
        """Note what has come."""
        self._count += more_bytes
        if self._clock() - self._since_s < self._over_s:
            return False
        is_slow = self._count < self._least
        self._since_s, self._count = self._clock(), 0
        return is_slow


def _version(headers: Mapping[str, str]) -> str:
    """What can stand in If-Range: a strong ETag, else the time of the last change (RFC 9110 13.1.5)."""
    etag = headers.get("etag", "").strip()
    if etag.startswith('"'):
        return etag
    return "" if etag else headers.get("last-modified", "").strip()


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"\d{1,15}", text.strip()) else None


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _too_large(host: str, most_bytes: int) -> ServiceError:
    what = f"The result at {host} is larger than {most_bytes / 1024**2:.0f} MB; it was not fetched."
    return ServiceError(what, outcome=Outcome.GIVE_UP)


def _passing(what: str, detail: str = "", *, is_offline: bool = False) -> ServiceError:
    return ServiceError(what, "It is tried again later.", detail, Outcome.RETRY, is_offline=is_offline)
