"""How much memory a clip takes on its way to a service, by each way.

Run as a program: `python large_clips.py WAY MEGABYTES` prints the peak above what was there before, in megabytes.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import sendreturn.engine.prepare as preparing
import soundfile
from peak_memory import peak_mib
from sendreturn.contract import Clip, Manifest, OperationSpec
from sendreturn.engine.hosting import Serving
from sendreturn.engine.run import Run
from sendreturn.net.api import Api
from sendreturn.net.enclosed import Enclosed
from sendreturn.net.limiter import Limiter
from sendreturn.params import parse_params
from sendreturn.sends.http_public import PublicSide
from sendreturn.sends.http_server import HttpServer
from sendreturn.sends.wish import Origin
from sendreturn_bridges.services.sonauto import parcel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

RATE_HZ = 96_000
BYTES_PER_FRAME = 6


def write_clip(path: Path, megabytes: int) -> Clip:
    """Stereo in 24 bit, of noise, written in pieces."""
    frames = megabytes * 1_000_000 // BYTES_PER_FRAME
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (RATE_HZ, 2)).astype(np.float32)
    with soundfile.SoundFile(path, "w", RATE_HZ, 2, "PCM_24") as file:
        for start in range(0, frames, RATE_HZ):
            file.write(noise[: min(RATE_HZ, frames - start)])
    return Clip(path, RATE_HZ, 2, frames, "0" * 64)


async def prepare(clip: Clip, folder: Path) -> None:
    """Copied, probed, listened to for silence, hashed."""
    manifest = Manifest("studio", "Studio", "", {"cover": OperationSpec("cover")})
    services = SimpleNamespace(manifest=lambda _: manifest)
    asked = {"id": "0123abcd", "service": "studio", "operation": "cover", "origin": Origin.FOLDER}
    send = SimpleNamespace(clip=clip.path, found_at=None, session=clip.path.parent, **asked)
    run = SimpleNamespace(
        send=send, folder=folder, params=parse_params({"bpm": 120}), means=SimpleNamespace(services=services)
    )
    await asyncio.to_thread(preparing._stage, cast(Run, run), None)


async def convert(clip: Clip, folder: Path) -> None:
    """Made into a FLAC, which a service that takes no WAV gets."""
    from sendreturn.audio.convert import convert

    await asyncio.to_thread(convert, clip.path, folder / "clip.flac", bit_depth=24, fmt="FLAC")


async def upload(clip: Clip, folder: Path) -> None:
    """As a form, to the service's own host."""
    async with _service() as (api, heard):
        await api.upload("x", file=clip.path, field="file", name="clip.wav", fields={})
    assert heard[0] > clip.path.stat().st_size


async def base64(clip: Clip, folder: Path) -> None:
    """Inside the JSON of a request."""
    async with _service() as (api, heard):
        await api.post("x", {"prompt": "a"}, enclosed=Enclosed(clip.path, "audio_base64"))
    assert heard[0] > clip.path.stat().st_size * 4 / 3


async def base64_refused(clip: Clip, folder: Path) -> None:
    """Too large for the service even as FLAC, which has to be tried."""
    way = SimpleNamespace(folder=folder, clip_url=None)
    refused = await asyncio.gather(
        asyncio.to_thread(parcel.pack, clip, cast(Any, way), 1_000_000), return_exceptions=True
    )
    assert "Sonauto takes clips of at most" in str(refused[0]), refused


async def url(clip: Clip, folder: Path) -> None:
    """Given out by this daemon, to a service that reads it in pieces."""
    serving = Serving("http://127.0.0.1", "secret")
    side = PublicSide(Response(status_code=404), "http://127.0.0.1", serving.find, lambda *_: False, lambda *_: False)
    server = HttpServer(side, "127.0.0.1", 0)
    await server.start()
    address = serving.url_for("0123abcd", clip.path).replace("http://127.0.0.1", f"http://127.0.0.1:{server.port}")
    assert await asyncio.to_thread(_read, address) == clip.path.stat().st_size
    await server.stop()


WAYS: dict[str, Callable[[Clip, Path], Awaitable[None]]] = {
    way.__name__: way for way in (prepare, convert, upload, base64, base64_refused, url)
}


@asynccontextmanager
async def _service() -> AsyncIterator[tuple[Api, list[int]]]:
    """An API that counts what it hears, and keeps nothing of it."""
    heard: list[int] = []

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        heard.append(0)
        async for piece in Request(scope, receive).stream():
            heard[-1] += len(piece)
        await JSONResponse({})(scope, receive, send)

    server = HttpServer(answer, "127.0.0.1", 0)
    await server.start()
    address = f"http://127.0.0.1:{server.port}/v1"
    api = Api(
        base_url=address, title="Studio", key=lambda: "key-0123456789", limiter=Limiter(0, 0), classify=lambda _: None
    )
    yield api, heard
    await api.close()
    await server.stop()


def _read(address: str) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    count = 0
    with opener.open(address) as answer:
        while piece := answer.read(1 << 16):
            count += len(piece)
    return count


async def measure(way: str, megabytes: int, folder: Path) -> float:
    """First a small clip goes, so that everything is imported; then the large one."""
    for size in (2, megabytes):
        inside = folder / str(size)
        inside.mkdir()
        clip = write_clip(inside / "riff.wav", size)
        before = peak_mib()
        await WAYS[way](clip, inside)
    return peak_mib() - before


def main() -> None:
    way, megabytes = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        print(round(asyncio.run(measure(way, megabytes, Path(folder))), 1))


if __name__ == "__main__":
    main()
