"""The bridge to Suno API: what goes over the wire, and nothing else. Plans are made in `planning`."""

from __future__ import annotations

import base64
import hmac
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sendreturn.contract import Accepted, Ask, Balance, Call, Clip, JsonDict, Made, MadeTake, Plan, Report, Setup, Way
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.api import Api
from sendreturn.net.download import Gone, download
from sendreturn.net.hosts import hosts_for
from sendreturn.net.limiter import Limiter
from sendreturn.words import Kind

from sendreturn_bridges.services.sunoapi import wire
from sendreturn_bridges.services.sunoapi.doubts import LASTS_S, Doubts
from sendreturn_bridges.services.sunoapi.endpoints import CREDITS, ENDPOINTS, NO_CALLBACK, UPLOAD, UPLOAD_FOLDER
from sendreturn_bridges.services.sunoapi.faults import AlreadyThere, Doubtful, NoTask, classify
from sendreturn_bridges.services.sunoapi.planning import KEPT, Planner
from sendreturn_bridges.services.sunoapi.reading import number, table
from sendreturn_bridges.services.sunoapi.records import Reading, read
from sendreturn_bridges.services.sunoapi.request import Request
from sendreturn_bridges.services.sunoapi.terms import Terms
from sendreturn_bridges.services.sunoapi.tracks import USUAL_PLACE, kept_mix

BASE_URL = "https://api.sunoapi.org"
UPLOAD_URL = "https://sunoapiorg.redpandaai.co"
SIGNATURE, TIMESTAMP = "x-webhook-signature", "x-webhook-timestamp"
TOLERANCE_S = 300.0


def open_bridge(setup: Setup) -> SunoApiBridge:
    return SunoApiBridge(setup)


class SunoApiBridge:
    """Options of its own: `grace_s` (how long a task may be unknown at first), `webhook_key_env` (the environment
    variable with the key of signed call backs), and those of `Terms`."""

    def __init__(self, setup: Setup) -> None:
        self.manifest = setup.manifest
        options = setup.options
        self._planner = Planner(Terms(setup.manifest, options))
        limiter = Limiter(setup.manifest.requests, setup.manifest.per_s)
        self._api = self._open(str(options.get("base_url") or BASE_URL), setup, limiter)
        self._host = self._open(str(options.get("upload_url") or UPLOAD_URL), setup, limiter)
        self._hosts = hosts_for(setup.manifest.media_hosts, options)
        grace_s = number(options.get("grace_s"))
        self._doubts = Doubts(LASTS_S if grace_s is None else {name: min(s, grace_s) for name, s in LASTS_S.items()})
        self._webhook_key = os.environ.get(str(options.get("webhook_key_env") or ""), "")

    def plan(self, ask: Ask) -> Plan:
        return self._planner.plan(ask)

    def follow(self, ask: Ask, done: Mapping[str, Report]) -> tuple[Call, ...]:
        return self._planner.follow(ask, done)

    async def submit(self, call: Call, way: Way) -> Accepted:
        request = Request.from_fields(call.fields)
        if request.endpoint == KEPT:
            return Accepted("", Report(done=True, takes=(MadeTake((kept_mix(request.context),)),)))
        if request.clip_field and not way.clip_url:
            raise ServiceError(
                "The clip has no address that Suno API could fetch it from.",
                "Leave `hosting` at auto, or set public_url.",
                outcome=Outcome.ASK,
            )
        endpoint = ENDPOINTS[request.endpoint]
        body = request.addressed(way.clip_url, endpoint.callback_field, way.callback_url or NO_CALLBACK)
        try:
            answer = table((await self._api.post(endpoint.path, body, about_to_send=way.about_to_send)).body)
        except Doubtful as doubt:
            raise doubt.paid from doubt
        except AlreadyThere as there:
            return Accepted(there.task_id)
        if endpoint.record:
            return wire.accepted_task(answer)
        accepted = wire.accepted_at_once(endpoint.reader, answer, body)
        if accepted.report is not None and accepted.report.failed is not None:
            raise ServiceError(accepted.report.failed, detail=str(answer)[:300])
        return accepted

    async def look(self, call: Call, task_id: str, folder: Path) -> Report:
        request = Request.from_fields(call.fields)
        endpoint = ENDPOINTS[request.endpoint]
        try:
            answer = table((await self._api.get(endpoint.record, {endpoint.task_field: task_id})).body)
        except NoTask:
            unknown = self._doubts.settle(task_id, Reading(Report(done=True), "absent"))
            if unknown.done:
                raise
            return unknown
        report = self._doubts.settle(task_id, read(endpoint.reader, answer, request.context, task_id))
        return _with_origins(report, request.endpoint, task_id)

    async def fetch(self, made: Made, target: Path, folder: Path) -> None:
        """Bring a file; one that has gone from its address is asked for anew."""
        url, origin = wire.origin_of(made.ref)
        try:
            await download(url, target, hosts=self._hosts)
        except Gone:
            for other in await self._other_addresses(made, origin):
                if other != url:
                    await download(other, target, hosts=self._hosts)
                    return
            raise

    async def upload(self, clip: Clip, folder: Path) -> str:
        """A name is never used twice: the host's caches may go on showing what was there before."""
        name = f"{clip.sha256[:16] or 'clip'}-{secrets.token_hex(8)}{clip.path.suffix.lower()}"
        fields = {"uploadPath": UPLOAD_FOLDER, "fileName": name}
        answer = await self._host.upload(UPLOAD, file=clip.path, field="file", name=name, fields=fields)
        return wire.uploaded_at(table(answer.body), clip.path.stat().st_size)

    async def balance(self) -> Balance:
        first, second = CREDITS
        try:
            found = wire.credits_of(table((await self._api.get(first)).body))
        except ServiceError as error:
            if error.outcome is Outcome.ASK:
                raise
            found = None
        found = found or wire.credits_of(table((await self._api.get(second)).body))
        if found is None:
            raise ServiceError("Suno API does not say how many credits are left.", outcome=Outcome.RETRY)
        return found

    def is_genuine(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
        """The service itself does not sign; a twin of it does, with a key that the user has set there and here."""
        given = {name.lower(): value for name, value in headers.items()}
        if not self._webhook_key or SIGNATURE not in given:
            return not self._webhook_key
        return _is_signed(given, body, self._webhook_key)

    async def cancel(self, call: Call, task_id: str, folder: Path) -> None:
        """The service has no way to stop a task."""

    async def close(self) -> None:
        await self._api.close()
        await self._host.close()

    def _open(self, base_url: str, setup: Setup, limiter: Limiter) -> Api:
        return Api(
            base_url=base_url,
            title=setup.manifest.title,
            key=setup.key,
            key_hint=setup.key_hint,
            limiter=limiter,
            classify=classify,
        )

    async def _other_addresses(self, made: Made, origin: Mapping[str, str]) -> list[str]:
        """Where a file may lie now: where the service says, then where songs usually lie."""
        endpoint = ENDPOINTS.get(origin.get("of", ""))
        if endpoint is None:
            return []
        answer = table((await self._api.get(endpoint.record, {endpoint.task_field: origin["task"]})).body)
        takes = read(endpoint.reader, answer, {}, origin["task"]).report.takes
        places = [
            file.ref
            for index, take in enumerate(takes)
            for file in take.files
            if (take.clip_id or str(index)) == origin["song"] and (file.kind, file.stem) == (made.kind, made.stem)
        ]
        usual = endpoint.reader == "music" and made.kind is Kind.MIX
        return [*places, *([USUAL_PLACE.format(origin["song"])] if usual else [])]


def _with_origins(report: Report, endpoint: str, task_id: str) -> Report:
    """The report with addresses that remember where they came from."""

    def placed(ref: str, song: str) -> str:
        is_web = ref.startswith(("https://", "http://"))
        return wire.with_origin(ref, of=endpoint, task=task_id, song=song) if is_web else ref

    takes = []
    for index, take in enumerate(report.takes):
        song = take.clip_id or str(index)
        files = tuple(replace(file, ref=placed(file.ref, song)) for file in take.files)
        facts: dict[str, Any] = dict(take.facts)
        if facts.get("kept"):
            facts["kept"] = {**facts["kept"], "ref": placed(facts["kept"]["ref"], song)}
        takes.append(replace(take, files=files, facts=facts))
    return replace(report, takes=tuple(takes))


def _is_signed(headers: JsonDict, body: bytes, key: str) -> bool:
    """base64(HMAC-SHA256(key, task id + "." + timestamp)); docs.kie.ai/common-api/webhook-verification."""
    from sendreturn.net.json_body import NotJsonError, read_json

    try:
        told = table(read_json(body.decode("utf-8")))
    except (NotJsonError, UnicodeDecodeError):
        return False
    stamp = str(headers.get(TIMESTAMP, ""))
    if not _is_fresh(stamp):
        return False
    data = table(told.get("data"))
    task_id = told.get("task_id") or data.get("task_id") or data.get("taskId") or told.get("taskId") or ""
    message = f"{task_id}.{stamp}".encode()
    wanted = base64.b64encode(hmac.digest(key.encode(), message, "sha256")).decode()
    return hmac.compare_digest(wanted.encode(), str(headers[SIGNATURE]).encode("utf-8", "replace"))


def _is_fresh(stamp: str) -> bool:
    """Whether a time in seconds is of the last or the next minutes: an old call back may be a replayed one."""
    is_number = stamp.isascii() and stamp.isdigit() and len(stamp) <= 12
    return is_number and abs(time.time() - int(stamp)) <= TOLERANCE_S
