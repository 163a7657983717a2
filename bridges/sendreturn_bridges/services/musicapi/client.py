"""MusicAPI: requests out, answers in. What they mean stands in `wire`, `answers` and `planning`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import quote

from sendreturn.contract import Accepted, Ask, Balance, Call, Made, Plan, Report, Setup, Way
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.api import Api
from sendreturn.net.download import download
from sendreturn.net.hosts import hosts_for
from sendreturn.net.limiter import Limiter
from sendreturn.net.reading import number, table

from sendreturn_bridges.services.musicapi import answers, faults, webhooks
from sendreturn_bridges.services.musicapi.planning import Planner
from sendreturn_bridges.services.musicapi.request import API, complete, task_path
from sendreturn_bridges.suno.requests import Request, kept_report

BASE_URL = "https://api.musicapi.ai"
PATIENCE_S = 180.0
"""Uploads that begin a task are answered after 30 to 60 s."""
STRANGE_LOOKS = 5
"""So many looks in a row may find a task unknown before it is given up: it may only be too new."""


def open_bridge(setup: Setup) -> MusicApi:
    return MusicApi(setup)


class MusicApi:
    """MusicAPI's Sonic and Producer services."""

    def __init__(self, setup: Setup) -> None:
        options = setup.options
        self.manifest = setup.manifest
        self._planner = Planner(setup.manifest, options)
        self._base_url = str(options.get("base_url") or BASE_URL)
        api = partial(
            Api,
            base_url=self._base_url,
            title=setup.manifest.title,
            key=setup.key,
            key_hint=setup.key_hint,
            limiter=_limiter(setup),
        )
        self._paid, self._free = api(classify=faults.classify_request), api(classify=faults.classify_look)
        self._hosts = hosts_for(setup.manifest.media_hosts, options)
        self._strange: Counter[str] = Counter()

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
                "MusicAPI takes clips only from an address, and there is none.",
                "Set `hosting` to serve (with public_url) or to s3.",
                outcome=Outcome.ASK,
            )
        body = complete(request, way.clip_url, self._hook(way.callback_url), way.callback_secret)
        answer = await self._paid.post(
            f"{API}{request.path}",
            body,
            timeout_s=PATIENCE_S,
            unbilled=faults.NOT_BILLED,
            about_to_send=way.about_to_send,
        )
        return answers.accepted(request, answer.status, answer.body)

    async def look(self, call: Call, task_id: str, folder: Path) -> Report:
        request = Request.from_fields(call.fields)
        try:
            answer = await self._free.get(task_path(request, quote(task_id, safe="")))
        except faults.TaskError as error:
            is_final = faults.blames_request(error.detail)
            return Report(True, failed=error.what, is_final=is_final, cost_credits=0.0)
        except faults.NoTaskError as error:
            return self._unknown(task_id, error)
        self._strange.pop(task_id, None)
        return answers.standing(request, answer.status, answer.body)

    async def fetch(self, made: Made, target: Path, folder: Path) -> None:
        if made.text is not None:
            target.write_text(made.text, "utf-8")
            return
        await download(made.ref, target, hosts=self._hosts)

    async def cancel(self, call: Call, task_id: str, folder: Path) -> None:
        """MusicAPI has no way to stop a task."""

    async def balance(self) -> Balance:
        """Two pots: those of the subscription, which start anew each month, and extra ones, which are used first."""
        answer = await self._free.get(f"{API}/get-credits")
        told = {**table(answer.body), **table(table(answer.body).get("data"))}
        parts = {ours: number(told.get(name)) for ours, name in (("monthly", "credits"), ("extra", "extra_credits"))}
        known = {name: left for name, left in parts.items() if left is not None}
        if not known:
            raise ServiceError("MusicAPI did not say what is left.", "See its dashboard.", answer.text[:300])
        return Balance(sum(known.values()), known)

    def is_genuine(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
        return webhooks.is_genuine(headers, body, secret)

    async def close(self) -> None:
        await self._paid.close()
        await self._free.close()

    def _hook(self, url: str | None) -> str | None:
        """MusicAPI calls back over HTTPS only; a simulator on this machine is not as strict."""
        is_fitting = url is not None and (url.startswith("https://") or self._base_url.startswith("http://"))
        return url if is_fitting else None

    def _unknown(self, task_id: str, error: faults.NoTaskError) -> Report:
        self._strange[task_id] += 1
        if self._strange[task_id] < STRANGE_LOOKS:
            return Report(text="MusicAPI does not know the task yet")
        del self._strange[task_id]
        raise ServiceError(
            "MusicAPI does not know the task that it has begun.", "Look at your account there.", error.detail
        )


def _limiter(setup: Setup) -> Limiter:
    """The account's rate limit; accounts of companies have others than the standard one."""
    requests, per_s = number(setup.options.get("requests")), number(setup.options.get("per_s"))
    manifest = setup.manifest
    return Limiter(manifest.requests if requests is None else int(requests), manifest.per_s if per_s is None else per_s)
