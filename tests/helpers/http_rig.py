"""The HTTP interface on a desk of the test, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
from sendreturn.sends.http import HttpDoor
from sendreturn.services import load_manifests
from ways_in_fakes import FakeDesk

TOKEN = "the-local-token"
ADDRESS = "http://127.0.0.1:7374"


class HttpRig:
    """`door` with a client that has the token (`http`) and one that has none (`stranger`)."""

    def __init__(self, session: Path | None = None) -> None:
        self.desk = FakeDesk()
        self.health: dict[str, Any] = {"status": "ok", "problems": []}
        self.rescans = 0
        self.session = session or Path("/session")
        self.only_session: Path | None = None
        door = self.desk, TOKEN, lambda: self.health, load_manifests, "Sends", self._rescan
        self.door = HttpDoor(*door, only_session=lambda: self.only_session)
        self.http = self.client(f"Bearer {TOKEN}")
        self.stranger = self.client()

    def client(self, authorization: str = "", *, address: str = ADDRESS, peer: str = "127.0.0.1") -> httpx.AsyncClient:
        headers = {"Authorization": authorization} if authorization else {}
        transport = httpx.ASGITransport(self.door.app, raise_app_exceptions=False, client=(peer, 50_000))
        return httpx.AsyncClient(transport=transport, base_url=address, headers=headers)

    def _rescan(self) -> None:
        self.rescans += 1
