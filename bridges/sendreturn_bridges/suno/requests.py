"""A request to a service that fronts Suno's models, from its plan to its journal entry; and the MP3 that is kept where
a WAV could not be had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sendreturn.contract import Call, JsonDict, Made, MadeTake, Report
from sendreturn.words import Kind

SONGS = frozenset(
    {
        "extend",
        "cover",
        "inpaint",
        "generate",
        "concat",
        "remaster",
        "mashup",
        "add_vocals",
        "add_instrumental",
        "sample",
    }
)
"""Operations that make songs, for which stems, WAV and the like can be bought."""
FROM_TEXT = frozenset({"lyrics", "tags"})


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
        """As JSON, for a Call; `from_fields` takes it back."""
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

    def with_clip(self, clip_url: str | None) -> dict[str, Any]:
        """The body with the clip's address in it."""
        return dict(self.body) if self.clip_field is None else {**self.body, self.clip_field: clip_url}


# The MP3 in place of its WAV


def song_facts(kind: Kind, covers: str, duration_s: float | None, url: str) -> dict[str, Any]:
    """What a take's facts say of its MP3."""
    return {"mp3_url": url, "duration_s": duration_s, "covers": covers, "kind": str(kind)}


def of_wav(take: MadeTake) -> dict[str, Any]:
    """What the WAV of a take is, for it has the same audio as its MP3."""
    return {name: take.facts[name] for name in ("kind", "covers", "duration_s") if take.facts.get(name) is not None}


def kept_mp3(number: int, take: MadeTake) -> Call:
    """A call that asks for nothing: it only adds the MP3 of a take whose WAV could not be had."""
    kept = {name: take.facts[name] for name in ("kind", "mp3_url", "duration_s", "covers")}
    return Call(f"mp3-{number}", "wav", {"kept": kept}, take=number, essential=False, needs_clip=False)


def kept_report(fields: Mapping[str, Any], made_by: str) -> Report | None:
    """What comes of such a call; None for any other."""
    kept = fields.get("kept")
    if kept is None:
        return None
    where = {"duration_s": kept["duration_s"], "covers": kept["covers"], "made_by": made_by}
    return Report(True, takes=(MadeTake((Made(Kind(kept["kind"]), kept["mp3_url"], **where),)),), cost_credits=0.0)
