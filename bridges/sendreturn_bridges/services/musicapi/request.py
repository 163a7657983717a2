"""What a request to MusicAPI is made from, what is added to it on the way out, and how its answer comes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sendreturn.contract import JsonDict, OperationSpec
from sendreturn.errors import Refusal
from sendreturn.params import Params

from sendreturn_bridges.services.musicapi.texts import Dialect
from sendreturn_bridges.suno import places
from sendreturn_bridges.suno.models import is_at_least
from sendreturn_bridges.suno.requests import Request

API = "/api/v1"
AT_ONCE = frozenset(
    {
        "/sonic/upload",
        "/sonic/wav",
        "/sonic/download",
        "/sonic/midi",
        "/sonic/aligned-lyrics",
        "/sonic/bpm",
        "/sonic/vox",
        "/sonic/upsample-tags",
        "/sonic/persona",
        "/sonic/lyrics",
        "/producer/upload",
    }
)
"""Paths that are answered with the result; all others begin a task, and can call back."""
NOT_CALLING_BACK = AT_ONCE | {"/sonic/stems/basic", "/sonic/stems/full"}
LONGEST_HOOK = 1024
PRODUCER, VOICE = "producer", "voice"


def answers_at_once(request: Request) -> bool:
    return request.path in AT_ONCE


def complete(request: Request, clip_url: str | None, hook: str | None, secret: str | None) -> dict[str, Any]:
    """The body as it is sent."""
    body = request.with_clip(clip_url)
    if hook is not None and len(hook) <= LONGEST_HOOK and request.path not in NOT_CALLING_BACK:
        body["webhook_url"] = hook
        if secret:
            body["webhook_secret"] = secret
    return body


def task_path(request: Request, task_id: str) -> str:
    """Where to ask for the task that it has begun; `task_id` is quoted already."""
    return f"{API}/{request.path.split('/')[1]}/task/{task_id}"


@dataclass(frozen=True)
class Source:
    """What a request works on: a song that MusicAPI knows by an id, or the clip at its address."""

    clip_id: str = ""
    is_upload: bool = False


@dataclass(frozen=True)
class Wanted:
    """What is asked, with everything that a request is made from.

    Attributes:
        clip_s: Length of the clip; None without one.
        source: What the request works on; None for operations that start from text.
        vox: What came of a vox request that was made for a persona.
        wav: Whether the songs are bought as WAV too, which then takes the place of the MP3.
    """

    operation: str
    params: Params
    dialect: Dialect
    spec: OperationSpec
    clip_s: float | None = None
    source: Source | None = None
    vox: JsonDict | None = None
    wav: bool = False

    @property
    def options(self) -> Mapping[str, Any]:
        return self.params.service_options or {}

    @property
    def api(self) -> str:
        """Which of MusicAPI's services is wanted: "producer", "voice", or "" for Suno's models."""
        return api_of(self.options)

    @property
    def is_for_producer(self) -> bool:
        return self.api == PRODUCER

    @property
    def clip_id(self) -> str:
        """The id of the song that the request works on; empty while it is only being checked."""
        return self.source.clip_id if self.source is not None else ""

    @property
    def has_upload(self) -> bool:
        return self.source is not None and self.source.is_upload

    @property
    def model(self) -> str:
        """The model of the send, else the configured one where it can do this, else the default."""
        configured = self.dialect.model
        if configured and not is_at_least(configured, float(self.spec.options.get("from_version", 0))):
            configured = None
        return str(self.params.model or configured or self.dialect.default)


def api_of(options: Mapping[str, Any]) -> str:
    """`service_options: {api: …}`. Raises Refusal for what MusicAPI has not."""
    named = str(options.get("api") or "")
    if named in ("", "sonic"):
        return ""
    if named == PRODUCER:
        return PRODUCER
    if named in (VOICE, "voices"):
        return VOICE
    raise Refusal(
        f"MusicAPI has no api {named!r}.",
        "It has producer and voice (for persona); leave api out of service_options for Suno's models.",
    )


def point(wanted: Wanted) -> float:
    """Where the continuation starts. Raises Refusal."""
    return places.point_s("MusicAPI", wanted.params, wanted.clip_s)


def section(wanted: Wanted) -> tuple[float, float]:
    """The user's section. Raises Refusal where it does not lie in the clip."""
    return places.section_s(wanted.params, wanted.clip_s)


def window(wanted: Wanted) -> tuple[float, float] | None:
    """The user's section, else the whole clip; None where neither is known."""
    if wanted.params.section_s is not None:
        return section(wanted)
    return None if wanted.clip_s is None else (0.0, math.floor(wanted.clip_s * 100) / 100)
