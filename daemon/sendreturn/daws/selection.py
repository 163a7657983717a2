"""What a DAW says of a selection, read and checked.

One JSON document for every DAW. Positions and lengths are counted in samples: on the timeline at the session's rate,
inside a file at the file's own.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from sendreturn.errors import UsageError
from sendreturn.problems import problems_of

SCHEMA = "sendreturn/selection/1"
MOST_BYTES = 1 << 20
MOST_PIECES = 1000


def _whole(value: object) -> object:
    """Lua and JSON know no difference between 3 and 3.0; samples are whole."""
    return round(value) if isinstance(value, float) and abs(value) < 2**53 else value


Samples = Annotated[int, BeforeValidator(_whole), Field(ge=-(2**53), le=2**53)]
Length = Annotated[int, BeforeValidator(_whole), Field(gt=0, le=2**53)]


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class SourceFile(_Read):
    """One file of an item; `channel` counts from 0, None means all of its channels."""

    path: str = Field(min_length=1)
    channel: Annotated[int, BeforeValidator(_whole), Field(ge=0, le=255)] | None = None


class Piece(_Read):
    """One item (region, clip) of the selection.

    Attributes:
        files: One file, or one per channel in the order of the channels.
        start: First sample of the files that is heard.
        length: How many of their samples are heard.
        position: Where that lies on the timeline.
        gain: Linear; told back with the placement, never applied to the audio.
        why_render: Why a cut would not be what is heard ("reversed", "stretch markers"); empty where it is.
    """

    files: tuple[SourceFile, ...] = Field(min_length=1, max_length=64)
    start: Annotated[Samples, Field(ge=0)] = 0
    length: Length
    position: Samples
    play_rate: float = 1.0
    gain: float = Field(default=1.0, ge=0, le=100)
    fade_in: Samples = 0
    fade_out: Samples = 0
    why_render: str = ""


class TempoPoint(_Read):
    """The tempo from a place of the timeline on."""

    position: Samples
    bpm: float = Field(ge=20, le=999)
    time_signature: str | None = None


class Selection(_Read):
    """One request from inside a DAW.

    Attributes:
        request: Unique in the DAW; the same request is the same send.
        session: The session's folder or project file; "" where it is not saved.
        operation: An operation or a preset.
        params: Contract 2's names.
        range: First sample and length of what the user chose on the timeline; None for the whole of the pieces. What
            the pieces hold beyond it is context.
        rendered: A file that the DAW has rendered itself in place of the pieces; it starts at `position`.
        gain: What the DAW plays that file with, linear.
    """

    request: str = Field(min_length=1, max_length=200)
    session: str = ""
    operation: str = Field(min_length=1)
    params: dict[str, Any] = Field(default_factory=dict)
    track: str = ""
    rate_hz: Annotated[int, BeforeValidator(_whole), Field(ge=8000, le=768_000)]
    pieces: tuple[Piece, ...] = Field(default=(), max_length=MOST_PIECES)
    range: tuple[Samples, Length] | None = None
    rendered: str = ""
    position: Samples = 0
    gain: float = Field(default=1.0, ge=0, le=100)
    tempo: tuple[TempoPoint, ...] = Field(default=(), max_length=10_000)

    @model_validator(mode="before")
    @classmethod
    def _empty_lists(cls, data: Any) -> Any:
        """A Lua table without entries may be written as a list or as a mapping."""
        if not isinstance(data, dict):
            return data
        params = data.get("params")
        fixed = {**data, "params": {}} if params == [] else dict(data)
        return {**fixed, **{key: () for key in ("pieces", "tempo") if fixed.get(key) == {}}}


def read_selection(document: object) -> Selection:
    """A parsed JSON document as a selection.

    Raises:
        UsageError: with a sentence for what is wrong first.
    """
    try:
        return Selection.model_validate(document)
    except ValidationError as error:
        sentences = [problem.sentence for problem in problems_of(error, Selection)]
        raise UsageError(
            f"The DAW's side sent something that cannot be used: {sentences[0]}",
            "Run `sendreturn bridge install` for this DAW again; its script may be of another version.",
            "\n".join(sentences),
        ) from error


def read_json(text: str) -> dict[str, Any]:
    """The text as a JSON object.

    Raises:
        UsageError: it is none.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError("The DAW's side sent a message that is no JSON.", detail=str(error)) from error
    if not isinstance(found, dict):
        raise UsageError("The DAW's side sent a message that is no JSON object.")
    return found
