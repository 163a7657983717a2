"""A request to MusicAPI, and what it is made from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sendreturn.contract import JsonDict, OperationSpec
from sendreturn.errors import Refusal
from sendreturn.params import Params

from sendreturn_bridges.services.musicapi.texts import Dialect, is_at_least

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


@dataclass(frozen=True)
class Request:
    """One request. `reads` names the reader of its answer, `context` is what that wants to know.

    Attributes:
        path: Below /api/v1.
        clip_field: The field that takes the clip's address; None where the body is complete.
    """

    path: str
    body: JsonDict
    reads: str
    context: JsonDict = field(default_factory=dict)
    clip_field: str | None = None

    @property
    def answers_at_once(self) -> bool:
        return self.path in AT_ONCE

    def to_fields(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "body": dict(self.body),
            "reads": self.reads,
            "context": dict(self.context),
            "clip_field": self.clip_field,
        }

    @classmethod
    def from_fields(cls, fields: JsonDict) -> Request:
        return cls(fields["path"], fields["body"], fields["reads"], fields["context"], fields["clip_field"])

    def complete(self, clip_url: str | None, hook: str | None, secret: str | None) -> dict[str, Any]:
        """The body as it is sent."""
        body = dict(self.body)
        if self.clip_field is not None:
            body[self.clip_field] = clip_url
        if hook is not None and len(hook) <= LONGEST_HOOK and self.path not in NOT_CALLING_BACK:
            body["webhook_url"] = hook
            if secret:
                body["webhook_secret"] = secret
        return body

    def task_path(self, task_id: str) -> str:
        """Where to ask for the task that it has begun; `task_id` is quoted already."""
        return f"{API}/{self.path.split('/')[1]}/task/{task_id}"


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
    def is_for_producer(self) -> bool:
        return self.options.get("api") == "producer"

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


def point(wanted: Wanted) -> float:
    """Where the continuation starts, in milliseconds' steps and never after the clip's end."""
    clip_s, from_s = wanted.clip_s, wanted.params.from_s
    if from_s is not None and clip_s is not None and from_s > clip_s + 0.001:
        raise Refusal(f"from_s is {from_s:g} s, but the clip is {clip_s:.3f} s long.", "Choose a point inside it.")
    if from_s is not None and from_s <= 0:
        raise Refusal("MusicAPI continues a clip from a point after its start.", "Set from_s to more than 0.")
    known = [known_s for known_s in (clip_s, from_s) if known_s is not None]
    if not known:
        raise Refusal("MusicAPI has to know where to continue the song.", "Set from_s.")
    return math.floor(min(known) * 1000) / 1000


def section(wanted: Wanted) -> tuple[float, float]:
    """The user's section. Raises Refusal where it does not lie in the clip."""
    section_s = wanted.params.section_s
    assert section_s is not None, "the engine has made sure of the demands"
    if wanted.clip_s is not None and section_s[1] > wanted.clip_s + 0.001:
        raise Refusal(
            f"section_s is {section_s[0]:g} to {section_s[1]:g} s, but the clip is {wanted.clip_s:.3f} s long.",
            "Choose a section inside it.",
        )
    return section_s


def window(wanted: Wanted) -> tuple[float, float] | None:
    """The user's section, else the whole clip; None where neither is known."""
    if wanted.params.section_s is not None:
        return section(wanted)
    return None if wanted.clip_s is None else (0.0, math.floor(wanted.clip_s * 100) / 100)
