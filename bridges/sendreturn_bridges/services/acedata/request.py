"""What a request to AceData is made from, and what is added to it on the way out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sendreturn.contract import JsonDict, OperationSpec
from sendreturn.errors import Refusal
from sendreturn.params import Params

from sendreturn_bridges.services.acedata.texts import Dialect
from sendreturn_bridges.suno import places
from sendreturn_bridges.suno.models import is_at_least
from sendreturn_bridges.suno.requests import Request

SYNCHRONOUS = frozenset(
    {
        "/suno/upload",
        "/suno/timing",
        "/suno/persona",
        "/suno/voices",
        "/suno/lyrics",
        "/suno/mashup-lyrics",
        "/suno/style",
    }
)
"""Paths that answer at once and have no `async`."""
PRODUCER, VOICES = "producer", "voices"


def complete(request: Request, clip_url: str | None, callback_url: str | None) -> dict[str, Any]:
    """The body as it is sent."""
    body = request.with_clip(clip_url)
    if request.path in SYNCHRONOUS:
        return body
    return {**body, "async": True} | ({} if callback_url is None else {"callback_url": callback_url})


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
    def api(self) -> str:
        """Which of AceData's services is wanted: "producer", "voices", or "" for Suno's models."""
        return api_of(self.options)

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


def api_of(options: Mapping[str, Any]) -> str:
    """`service_options: {api: …}`. Raises Refusal for what AceData has not."""
    named = str(options.get("api") or "")
    if named in ("", "suno"):
        return ""
    if named == PRODUCER:
        return PRODUCER
    if named in (VOICES, "voice"):
        return VOICES
    raise Refusal(
        f"AceData has no api {named!r}.",
        "It has producer and voices (for persona); leave api out of service_options for Suno's models.",
    )


def point(wanted: Wanted) -> float:
    """Where the continuation starts: never after the end, as AceData has measured the song."""
    # A length of nothing is none.
    known_s = (wanted.source.duration_s or None) if wanted.source is not None else None
    return places.point_s("AceData", wanted.params, wanted.clip_s, known_s)


def section(wanted: Wanted) -> tuple[float, float]:
    """The user's section. Raises Refusal where it does not lie in the clip."""
    return places.section_s(wanted.params, wanted.clip_s)
