"""AceData: requests out, answers in. What they mean stands in `wire`, `answers` and `planning`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sendreturn.contract import Accepted, Ask, Balance, Call, Clip, Made, Plan, Report, Setup, Way
from sendreturn.errors import Outcome, Refusal, ServiceError
from sendreturn.net.api import Api
from sendreturn.net.download import download
from sendreturn.net.hosts import hosts_for
from sendreturn.net.limiter import Limiter
from sendreturn.net.reading import number, table, text

from sendreturn_bridges.services.acedata import answers, faults
from sendreturn_bridges.services.acedata.planning import Planner
from sendreturn_bridges.services.acedata.request import complete
from sendreturn_bridges.services.acedata.task_board import TaskBoard
from sendreturn_bridges.suno.requests import Request, kept_report

BASE_URL = "https://api.acedata.cloud"
PLATFORM_URL = "https://platform.acedata.cloud"
FILES = "/api/v1/files/"
PLATFORM_KEY_ENV = "ACEDATA_PLATFORM_KEY"
PATIENCE_S = 300.0
"""For requests that are answered only when the work is done (the vendor's own clients wait as long)."""


def open_bridge(setup: Setup) -> AceData:
    return AceData(setup)


class AceData:
    """AceData's Suno and Producer services, and its platform for files and what is left on the account."""

    def __init__(self, setup: Setup) -> None:
        options = setup.options
        self.manifest = replace(setup.manifest, tells_credits=bool(options.get("application_id")))
        self._options = options
        self._planner = Planner(setup.manifest, options)
        title, limiter = setup.manifest.title, Limiter(setup.manifest.requests, setup.manifest.per_s)
        base_url, platform_url = _url(options, "base_url", BASE_URL), _url(options, "platform_url", PLATFORM_URL)
        self._api = Api(
            base_url=base_url,
            title=title,
            key=setup.key,
            key_hint=setup.key_hint,
            limiter=limiter,
            classify=faults.classify_request,
        )
        self._platform = Api(
            base_url=platform_url,
            title=f"{title}'s platform",
            key=lambda: _platform_key(options) or setup.key(),
            key_hint=setup.key_hint,
            limiter=limiter,
            classify=faults.classify_platform,
        )
        poll_s = number(options.get("poll_s")) or setup.manifest.poll_s
        self._boards = {api: TaskBoard(self._api, f"/{api}/tasks", poll_s / 5) for api in ("suno", "producer")}
        self._hosts = hosts_for(setup.manifest.media_hosts, options)

    def plan(self, ask: Ask) -> Plan:
        return self._planner.plan(ask)

    def follow(self, ask: Ask, done: Mapping[str, Report]) -> tuple[Call, ...]:
        return self._planner.follow(ask, done)

    async def submit(self, call: Call, way: Way) -> Accepted:
        kept = kept_report(call.fields, answers.MADE_BY)
        if kept is not None:
            return Accepted("", kept)
        request = Request.from_fields(call.fields)
        if request.clip_field is not None and way.clip_url is None:
            raise ServiceError(
                "AceData takes clips only from an address, and there is none.",
                "Leave `hosting` at auto, or set public_url.",
                outcome=Outcome.ASK,
            )
        body = complete(request, way.clip_url, way.callback_url)
        answer = await self._api.post(
            request.path,
            body,
            timeout_s=PATIENCE_S,
            unbilled=faults.NEVER_BILLED,
            about_to_send=way.about_to_send,
        )
        # A task that was answered at once is kept on the board as others are; a bare trace is not.
        return replace(answers.accepted(request, answer.body), can_look=bool(text(table(answer.body).get("task_id"))))

    async def look(self, call: Call, task_id: str, folder: Path) -> Report:
        request = Request.from_fields(call.fields)
        board = self._boards["producer" if request.path.startswith("/producer/") else "suno"]
        return answers.standing(request, await board.ask(task_id))

    async def fetch(self, made: Made, target: Path, folder: Path) -> None:
        if made.text is not None:
            target.write_text(made.text, "utf-8")
            return
        await download(made.ref, target, hosts=self._hosts)

    async def cancel(self, call: Call, task_id: str, folder: Path) -> None:
        """AceData has no way to stop a task."""

    async def upload(self, clip: Clip, folder: Path) -> str:
        """The address of the clip at AceData's own file host.

        Raises:
            Refusal: it is larger than AceData takes; nothing was sent.
        """
        most, size = int(self.manifest.limits["upload_bytes"]), clip.path.stat().st_size
        if size > most:
            raise Refusal(
                f"The clip has {size / 2**20:.0f} MiB, and AceData's file host takes at most {most / 2**20:.0f}.",
                "Send a part of it with range_s, or as FLAC or MP3 by another way (hosting: serve or s3).",
            )
        name = f"{clip.sha256[:16] or 'clip'}{clip.path.suffix.lower()}"
        answer = await self._platform.upload(FILES, file=clip.path, field="file", name=name, fields={})
        found = {**table(table(answer.body).get("data")), **table(answer.body)}
        url = text(found.get("file_url"))
        if not url:
            raise ServiceError(
                "AceData's file host took the clip, but gave no address for it.", "", answer.text[:300], Outcome.RETRY
            )
        return url

    async def balance(self) -> Balance:
        """What is left of the application's quota, which only the platform tells, and only by the application's id."""
        application = text(self._options.get("application_id"))
        if not application:
            raise ServiceError(
                "AceData tells what is left only for an application.",
                "Set services.acedata.options.application_id to its id, as AceData's console shows it.",
                outcome=Outcome.ASK,
            )
        answer = await self._platform.get(f"/api/v1/applications/{quote(application, safe='')}/")
        left = number({**table(table(answer.body).get("data")), **table(answer.body)}.get("remaining_amount"))
        if left is None:
            raise ServiceError("AceData did not say what is left.", "See its console.", answer.text[:300])
        return Balance(left)

    def is_genuine(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
        """AceData signs nothing; what comes is only a hint to look."""
        return True

    async def close(self) -> None:
        for board in self._boards.values():
            await board.close()
        await self._api.close()
        await self._platform.close()


def _url(options: Mapping[str, Any], name: str, default: str) -> str:
    return str(options.get(name) or default)


def _platform_key(options: Mapping[str, Any]) -> str | None:
    """The platform has tokens of its own (`platform-…`); it is not settled whether it takes others too."""
    return os.environ.get(str(options.get("platform_key_env") or PLATFORM_KEY_ENV)) or None
