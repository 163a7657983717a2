"""A service as its published documents write it down: fixed answers by path, and nothing of our simulators."""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import soundfile

RATE_HZ = 24_000
KEY = "paper-key-4711"


@dataclass(frozen=True)
class Said:
    """One request that came in."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


Reply = Any
"""JSON, or bytes for a file, or (status, either of these)."""
Route = Callable[[Said], Reply]


@dataclass
class Paper:
    """The service: routes ("POST /v1/make" as a pattern) in the order in which they are looked through."""

    routes: Mapping[str, Route]
    heard: list[Said] = field(default_factory=list)
    address: str = ""

    def answer(self, said: Said) -> tuple[int, bytes, str]:
        self.heard.append(said)
        for pattern, route in self.routes.items():
            if re.fullmatch(pattern, f"{said.method} {said.path}"):
                reply = route(said)
                status, content = reply if isinstance(reply, tuple) else (200, reply)
                if isinstance(content, bytes):
                    return status, content, "application/octet-stream"
                return status, json.dumps(content).encode(), "application/json"
        return 404, b'{"detail":"Not Found"}', "application/json"

    def bodies(self, path: str) -> list[dict[str, Any]]:
        """What was posted to a path."""
        return [said.json for said in self.heard if (said.method, said.path) == ("POST", path)]

    @contextmanager
    def open(self) -> Iterator[str]:
        """Serve on loopback, in a thread, until the block ends."""

        class Handler(_Handler):
            paper = self

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self.address
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    paper: Paper

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, content, kind = self.paper.answer(Said(self.command, path, query, headers, body))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _serve  # noqa: N815 - the names that http.server looks for

    def log_message(self, *_: object) -> None: ...


def in_turn(*replies: Reply) -> Route:
    """One reply after the other; the last one from then on."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def music(seconds: float, seed: int) -> np.ndarray:
    """Chords of a quarter of a second each, that another seed does not have."""
    rng, step = np.random.default_rng(seed), RATE_HZ // 4
    times = np.arange(step)[:, None] / RATE_HZ
    chords = [
        (np.sin(2 * np.pi * rng.uniform(110, 1760, 4) * times + rng.uniform(0, 6.28, 4)) * np.exp(-4 * times)).sum(1)
        for _ in range(round(seconds * 4))
    ]
    return (np.concatenate(chords)[:, None] * 0.1).astype(np.float32)


def as_file(samples: np.ndarray, kind: str = "WAV") -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, RATE_HZ, format=kind, subtype={"MP3": "MPEG_LAYER_III"}.get(kind, "PCM_16"))
    return out.getvalue()
