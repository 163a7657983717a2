"""Bridges to the example service that each break the contract in one way."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog
from example_service import PRICES, ExampleBridge
from sendreturn.contract import Accepted, Ask, Balance, Call, Made, MadeTake, Plan, Report, Way
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.download import Gone

log = structlog.get_logger(__name__)


class PostsTwice(ExampleBridge):
    """Tries again whatever happened."""

    async def submit(self, call: Call, way: Way) -> Accepted:
        try:
            return await super().submit(call, way)
        except ServiceError as error:
            raise ServiceError(error.what, outcome=Outcome.RETRY) from error


class TakesItLightly(ExampleBridge):
    """Calls a request that was lost refused."""

    async def submit(self, call: Call, way: Way) -> Accepted:
        try:
            return await super().submit(call, way)
        except ServiceError as error:
            raise ServiceError(error.what, error.hint, outcome=Outcome.GIVE_UP) from error


class SendsInSilence(ExampleBridge):
    """Promises to say when a request leaves, and does not."""

    async def submit(self, call: Call, way: Way) -> Accepted:
        return await super().submit(call, replace(way, about_to_send=lambda: None))


class ForgetsTheOtherTake(ExampleBridge):
    def takes(self, call: Call, songs: Sequence[Mapping[str, Any]]) -> tuple[MadeTake, ...]:
        return super().takes(call, songs)[:1]


class ForgetsAStem(ExampleBridge):
    def takes(self, call: Call, songs: Sequence[Mapping[str, Any]]) -> tuple[MadeTake, ...]:
        return super().takes(call, songs[:1] if call.operation == "stems" else songs)


class CountsWrongly(ExampleBridge):
    def plan(self, ask: Ask) -> Plan:
        (call,) = super().plan(ask).calls
        return Plan((Call(call.name, call.operation, call.fields, PRICES[call.operation] / 2),))


class NamesNoIds(ExampleBridge):
    async def submit(self, call: Call, way: Way) -> Accepted:
        task = await super().submit(call, way)
        reports = [await self.look(call, task.task_id, way.folder) for _ in range(3)]
        return Accepted("", reports[-1])


class RefusesNothing(ExampleBridge):
    def plan(self, ask: Ask) -> Plan:
        fields = {"kind": ask.operation, "prompt": ask.params.prompt, "seconds": ask.params.extend_s}
        return Plan((Call("main", ask.operation, fields, PRICES[ask.operation]),))


class GivesUpAtOnce(ExampleBridge):
    async def look(self, call: Call, task_id: str, folder: Path) -> Report:
        try:
            return await super().look(call, task_id, folder)
        except ServiceError as error:
            raise ServiceError(error.what, outcome=Outcome.GIVE_UP) from error


class SendsTheKeyAlong(ExampleBridge):
    """Fetches files with its credentials."""

    async def fetch(self, made: Made, target: Path, folder: Path) -> None:
        request = urllib.request.Request(made.ref, headers={"Authorization": f"Bearer {self.setup.key()}"})
        target.write_bytes(await asyncio.to_thread(_read, request))


class FollowsAnybody(ExampleBridge):
    """Fetches files from wherever it is led."""

    async def fetch(self, made: Made, target: Path, folder: Path) -> None:
        target.write_bytes(await asyncio.to_thread(_read, urllib.request.Request(made.ref)))


class AsksWithTheKeyInTheAddress(ExampleBridge):
    async def balance(self) -> Balance:
        answer = await self.api.get("credits", {"key": self.setup.key()})
        return Balance(float(answer.body["left"]))


class LogsTheKey(ExampleBridge):
    async def submit(self, call: Call, way: Way) -> Accepted:
        log.info("submitting", key=self.setup.key())
        return await super().submit(call, way)


class KeepsTheKey(ExampleBridge):
    async def upload(self, clip: Any, folder: Path) -> str:
        (folder.parent.parent / "notes.txt").write_text(str(self.setup.key()))
        return await super().upload(clip, folder)


class ShoutsTheKey(ExampleBridge):
    async def submit(self, call: Call, way: Way) -> Accepted:
        try:
            return await super().submit(call, way)
        except ServiceError as error:
            raise ServiceError(error.what, detail=f"asked with {self.setup.key()}", outcome=error.outcome) from None


class MumblesOverRefusals(ExampleBridge):
    async def submit(self, call: Call, way: Way) -> Accepted:
        try:
            return await super().submit(call, way)
        except ServiceError as error:
            raise ServiceError("error 422", outcome=error.outcome) from error


class NeverAsksAnew(ExampleBridge):
    """Takes an address that has expired for a file that is lost."""

    async def fetch(self, made: Made, target: Path, folder: Path) -> None:
        try:
            await super().fetch(made, target, folder)
        except Gone as error:
            raise ServiceError(error.what) from error


class DeliversAnything(ExampleBridge):
    """Takes half a file for a whole one."""

    async def fetch(self, made: Made, target: Path, folder: Path) -> None:
        target.write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt ")


class HasNoBalance(ExampleBridge):
    balance = None  # type: ignore[assignment]


def _read(request: urllib.request.Request) -> bytes:
    with urllib.request.urlopen(request) as answer:
        data: bytes = answer.read()
    return data
