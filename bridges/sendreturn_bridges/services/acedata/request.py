"""A request to AceData, and what it is made from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sendreturn.contract import JsonDict, OperationSpec
from sendreturn.errors import Refusal
from sendreturn.params import Params

from sendreturn_bridges.services.acedata.texts import Dialect, is_at_least

SYNCHRONOUS = frozenset(
    {"/suno/upload", "/suno/timing", "/suno/persona", "/suno/voices", "/suno/lyrics", "/suno/style"}
)
"""Paths that answer at once and have no `async`."""


@dataclass(frozen=True)
class Request:
    """One request. `reads` names the reader of its answer, `context` is what that wants to know.

    Attributes:
        clip_field: The field that takes the clip's address; None where the body is complete.
    """

    path: str
    body: JsonDict
    reads: str
    context: JsonDict = field(default_factory=dict)
    clip_field: str | None = None

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

    def complete(self, clip_url: str | None, callback_url: str | None) -> dict[str, Any]:
        """The body as it is sent."""
        body = dict(self.body)
        if self.clip_field is not None:
            body[self.clip_field] = clip_url
        if self.path not in SYNCHRONOUS:
            body["async"] = True
            if callback_url is not None:
                body["callback_url"] = callback_url
        return body


@dataclass(frozen=True)
class Source:
    """A song that AceData knows.

    Attributes:
        is_upload: Whether it is a clip of the user's; these have actions of their own.
        duration_s, lyric: As AceData heard them.
    """

    audio_id: str
    is_upload: bool = False
    duration_s: float | None = None
    lyric: str = ""


@dataclass(frozen=True)
class Wanted:
    """What is asked, with everything that a request is made from.

    Attributes:
        clip_s: Length of the clip; None without one.
        source: What the request works on; None for operations that start from text.
        vox: The answer of a vox request that was made for a persona.
        wav: Whether the songs are bought as WAV too, which then takes the place of the MP3.
    """

    operation: str
    params: Params
    dialect: Dialect
    spec: OperationSpec
    clip_s: float | None = None
    clip_name: str = ""
    source: Source | None = None
    vox: JsonDict | None = None
    wav: bool = False

    @property
    def options(self) -> Mapping[str, Any]:
        return self.params.service_options or {}

    @property
    def audio_id(self) -> str:
        """The id of the song that the request works on; empty while it is only being checked."""
        return self.source.audio_id if self.source is not None else ""

    @property
    def model(self) -> str:
        """The model of the send, else the configured one where it can do this, else the operation's or the service's
        default."""
        options, configured = self.spec.options, self.dialect.model
        if configured and not is_at_least(configured, float(options.get("from_version", 0))):
            configured = None
        return str(self.params.model or configured or options.get("default_model", self.dialect.default))


def point(wanted: Wanted) -> float:
    """Where the continuation starts: never after the end, as AceData has measured the song."""
    length_s = min(known_s for known_s in (wanted.clip_s, _source_s(wanted), math.inf) if known_s is not None)
    from_s = wanted.params.from_s
    if from_s is not None and wanted.clip_s is not None and from_s > wanted.clip_s + 0.001:
        raise Refusal(
            f"from_s is {from_s:g} s, but the clip is {wanted.clip_s:.3f} s long.", "Choose a point inside it."
        )
    if from_s is not None and from_s <= 0:
        raise Refusal("AceData continues a clip from a point after its start.", "Set from_s to more than 0.")
    point = length_s if from_s is None else min(from_s, length_s)
    if math.isinf(point):
        raise Refusal("AceData has to know where to continue the song.", "Set from_s.")
    return math.floor(point * 1000) / 1000


def _source_s(wanted: Wanted) -> float | None:
    """The length as AceData has measured it; a length of nothing is none."""
    return (wanted.source.duration_s or None) if wanted.source is not None else None


def section(wanted: Wanted) -> tuple[float, float]:
    section_s = wanted.params.section_s
    assert section_s is not None, "the engine has made sure of the demands"
    if wanted.clip_s is not None and section_s[1] > wanted.clip_s + 0.001:
        raise Refusal(
            f"section_s is {section_s[0]:g} to {section_s[1]:g} s, but the clip is {wanted.clip_s:.3f} s long.",
            "Choose a section inside it.",
        )
    return section_s
