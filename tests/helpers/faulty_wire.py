"""The real bridges on their simulators, without sockets, over a wire that breaks, lies and falls silent."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from unittest import mock

import httpx
from faulty_lives import FaultyLives
from paid_ledger import Request, request_of
from sendreturn.contract import Accepted, Call, Manifest, ServiceBridge, Setup, Way
from sendreturn.net.http import HttpClient
from sendreturn.services import PACKAGE, load_manifests
from sendreturn.testing.catalogue import simulator_of

ADDRESS, MEDIA = "http://127.0.0.1:8", "http://127.0.0.1:9"
SERVICES = ("sonauto", "sunoapi", "acedata", "musicapi")
SHORT: Mapping[str, Mapping[str, object]] = {name: {"song_s": 1.0} for name in ("sonauto", "sunoapi", "acedata")}
EXTRAS: Mapping[str, object] = {"wav": True, "midi": True, "stems": 2}
OPTIONS = {"grace_s": 0, "application_id": "app"}
BEFORE = {"refused": 0.05, "reset": 0.04, "slow": 0.03, "power": 0.03, "turned away": 0.05, "broke": 0.04, "no": 0.03}
"""Troubles with a request that the service does not hear of, or turns away."""
AFTER = {"reset": 0.04, "slow": 0.04, "power": 0.04, "broke": 0.04, "nonsense": 0.04, "half": 0.03, "empty": 0.03}
"""Troubles with the answer to one that it has billed."""
LOOKS = {"reset": 0.03, "broke": 0.05, "turned away": 0.03, "nonsense": 0.03}
STATUSES = {"turned away": (429,), "broke": (500, 502, 503, 504), "no": (400, 401, 403, 404, 413, 422)}
FAULTS: Mapping[str, type[httpx.TransportError]] = {
    "refused": httpx.ConnectError,
    "reset": httpx.ReadError,
    "slow": httpx.ReadTimeout,
    "half": httpx.RemoteProtocolError,
}


class FaultyWire(httpx.AsyncBaseTransport):
    """Brings requests to a simulator, or not, and answers back, or not."""

    def __init__(self, api: httpx.ASGITransport, billed: Callable[[], int]) -> None:
        self.world: FaultyLives
        self.paying: Request | None = None
        self._api = api
        self._billed = billed

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        paying = self.paying if request.method == "POST" else None
        plight = self.world.plight
        trouble = plight.meet(BEFORE if paying else LOOKS)
        if trouble == "refused":
            raise FAULTS[trouble](trouble)
        await _leave(request)
        if trouble:
            return self._fail(request, paying, trouble)
        plight.at_any_time()
        return await self._bring(request, paying)

    async def _bring(self, request: httpx.Request, paying: Request | None) -> httpx.Response:
        if paying is None:
            return await self._api.handle_async_request(request)
        before = self._billed()
        self.world.ledger.comes(paying)
        answer = await self._api.handle_async_request(request)
        for _ in range(self._billed() - before):
            self.world.ledger.bill(paying)
        trouble = self.world.plight.meet(AFTER) if self._billed() > before else ""
        return self._fail(request, paying, trouble) if trouble else answer

    def _fail(self, request: httpx.Request, paying: Request | None, trouble: str) -> httpx.Response:
        ledger, plight = self.world.ledger, self.world.plight
        if paying and (trouble not in ("no", "turned away") or ledger.billed[paying]):
            ledger.doubt(paying)
        if trouble == "power":
            plight.power_cut()
        if trouble in FAULTS:
            raise FAULTS[trouble](trouble, request=request)
        if trouble in STATUSES:
            status = plight.random.choice(STATUSES[trouble])
            return httpx.Response(status, text=plight.random.choice(("", "Sorry.", "<html>Sorry</html>")))
        return httpx.Response(200, text="<html>Please sign in</html>" if trouble == "nonsense" else "")


class WiredBridge:
    """One life's bridge, which tells the wire what it is paying for."""

    def __init__(self, bridge: ServiceBridge, wire: FaultyWire) -> None:
        self._bridge, self._wire = bridge, wire

    def __getattr__(self, name: str) -> object:
        return getattr(self._bridge, name)

    async def submit(self, call: Call, way: Way) -> Accepted:
        self._wire.paying = request_of(way)
        self._wire.world.ledger.is_asked(self._wire.paying, call)
        try:
            return await self._bridge.submit(call, way)
        finally:
            self._wire.paying = None


@contextmanager
def wired(folder: Path, service: str) -> Iterator[FaultyLives]:
    """Sends to a service's simulator over a faulty wire."""
    simulator = simulator_of(service)({"looks": 0, **SHORT.get(service, {})}, credits=1e9)
    with simulator.in_memory() as (api, _):
        simulator.address, simulator.media.base = ADDRESS, MEDIA
        wire = FaultyWire(httpx.ASGITransport(api), lambda: sum(line.credits >= 0 for line in simulator.ledger))
        own = _hasty(load_manifests()[service])
        setup = Setup(own, {**simulator.settings, **OPTIONS}, folder, lambda: simulator.key)
        module = importlib.import_module(f"{PACKAGE}.{service}.client")
        world = wire.world = FaultyLives(
            folder,
            own,
            partial(_asked, service),
            lambda _: WiredBridge(module.open_bridge(setup), wire),
            forgives=True,
        )
        client = httpx.AsyncClient(transport=wire)
        with mock.patch.object(HttpClient, "_client", return_value=client):
            yield world


def _asked(service: str, random: Random) -> tuple[str, Mapping[str, object]]:
    """A song from words, at times with further requests for what belongs to it; or words alone."""
    prompt = {"prompt": f"song {random.random()}"}
    if service != "sonauto" and random.random() < 0.3:
        return "lyrics", prompt
    wanted = {name: value for name, value in EXTRAS.items() if service != "sonauto" and random.random() < 0.4}
    return "generate", {**prompt, **wanted}


async def _leave(request: httpx.Request) -> None:
    """Tell of the request's way as a connection would."""
    trace = request.extensions["trace"]
    for event in ("started", "complete"):
        await trace(f"http11.send_request_headers.{event}", {"request": request})


def _hasty(manifest: Manifest) -> Manifest:
    return replace(manifest, requests=0, per_s=0.0, poll_s=0.0)
