"""The parameters of a send: one vocabulary for YAML, OSC, HTTP and the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from sendreturn.errors import UsageError
from sendreturn.fields import (
    Fraction,
    JsonObject,
    Line,
    ServiceName,
    Span,
    Stems,
    Text,
    Texts,
    TimeSignature,
    YesNo,
    choice,
    number,
    refuse,
    whole,
)
from sendreturn.pasted_keys import take_out_keys
from sendreturn.problems import Problem, problems_of
from sendreturn.yaml_lines import Document, read_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MAX_FILE_BYTES = 64 * 1024
"""Of a `<clip>.yaml` or `defaults.yaml`."""
_MOST = 2**63 - 1
"""What a signed 64-bit field of a database holds."""

Seconds = Annotated[float, number(low=0)]
Count = Annotated[int, whole(0, _MOST)]

SYNONYMS = {
    "tags": "style",
    "genre": "style",
    "negative_tags": "negative_style",
    "negative_prompt": "negative_style",
    "gender": "vocal_gender",
    "duration": "extend_s",
    "length": "extend_s",
    "continue_at": "from_s",
    "direction": "side",
    "section": "section_s",
    "range": "range_s",
    "tempo": "bpm",
    "variations": "takes",
    "meter": "time_signature",
    "options": "service_options",
}
"""Words that other programs use for these parameters; only for suggestions."""


class ParamsError(UsageError):
    """Parameters that cannot be used; `problems` holds one sentence for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        first = problems[0]
        more = f" (and {len(problems) - 1} more: {' '.join(problems[1:])})" if len(problems) > 1 else ""
        super().__init__(first + more, detail="\n".join(problems))
        self.problems = tuple(problems)


class Params(BaseModel):
    """What a send asks for. None everywhere means "not asked"; times are seconds.

    Attributes:
        style, negative_style: Single descriptions; `style_text` joins them again.
        vocal_gender: "m" or "f".
        from_s: extend: where in the clip the continuation starts; its end where None.
        extend_s: extend: how much new audio is wanted.
        side: extend: "right" (after the clip) or "left" (before it).
        section_s: inpaint: start and end of what is made anew.
        range_s: Start and end of the part of the file that is the clip.
        stems: 0 (asked for none), 2, 4 or 12.
        position_s, position_samples: Where the clip starts on the session's timeline; at most one of them.
        time_signature: Such as "3/4".
        service_options: Passed to the service untouched.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: Text | None = None
    lyrics: Text | None = None
    style: Texts | None = None
    negative_style: Texts | None = None
    title: Line | None = None
    instrumental: YesNo | None = None
    vocal_gender: Annotated[str, choice(("m", "f"), {"male": "m", "female": "f"})] | None = None
    model: Line | None = None
    seed: Count | None = None
    bpm: Annotated[float, number(20, 400)] | None = None
    weirdness: Fraction | None = None
    style_strength: Fraction | None = None
    audio_strength: Fraction | None = None
    from_s: Seconds | None = None
    extend_s: Annotated[float, number(above=0)] | None = None
    side: Annotated[str, choice(("right", "left"))] | None = None
    section_s: Span | None = None
    range_s: Span | None = None
    takes: Annotated[int, whole(1, 16)] | None = None
    stems: Stems | None = None
    midi: YesNo | None = None
    wav: YesNo | None = None
    position_s: Seconds | None = None
    position_samples: Count | None = None
    time_signature: TimeSignature | None = None
    track: Line | None = None
    service: ServiceName | None = None
    service_options: JsonObject | None = None

    @model_validator(mode="after")
    def _check_one_position(self) -> Params:
        if self.position_s is not None and self.position_samples is not None:
            refuse("position_s or position_samples", found="both")
        return self

    @property
    def style_text(self) -> str:
        """The style as one text, its parts joined with commas; empty where none is asked."""
        return ", ".join(self.style or ())

    @property
    def negative_style_text(self) -> str:
        """What the style should not be, as one text; empty where nothing is asked."""
        return ", ".join(self.negative_style or ())

    def given(self) -> dict[str, Any]:
        """Only what was set, as JSON types in the words that users write; `parse_params` takes it back."""
        values = self.model_dump(mode="json", exclude_none=True, include=set(PARAMETERS))
        return {**values, "stems": "none"} if values.get("stems") == 0 else values

    def canonical_json(self) -> str:
        """What was set, as the same text for the same parameters, for fingerprints."""
        return json.dumps(self.given(), sort_keys=True, separators=(",", ":"), allow_nan=False)


PARAMETERS = tuple(Params.model_fields)
"""The names of all parameters, in the order in which the reference lists them."""


def parse_params(values: Mapping[str, object], where: str = "") -> Params:
    """Parameters from any way in; a value of None counts as not given.

    Args:
        where: What the sentences begin with, such as the name of a file.

    Raises:
        ParamsError: with a sentence for each value that cannot be used.
    """
    params, problems = check_params(values)
    if params is None:
        raise ParamsError([f"{where}: {problem.sentence}" if where else problem.sentence for problem in problems])
    return params


def check_params(values: Mapping[str, object]) -> tuple[Params | None, list[Problem]]:
    """The parameters, or None and everything that is wrong with them."""
    plain, keys = take_out_keys({str(key): value for key, value in values.items()})
    problems = [Problem(path, _NO_KEY) for path in keys]
    try:
        params = Params.model_validate(plain)
    except ValidationError as error:
        return None, problems + problems_of(error, Params, SYNONYMS)
    _, inside_text = take_out_keys(params.given())  # such as in service_options that came as JSON text
    problems += [Problem(path, _NO_KEY) for path in inside_text]
    return (None if problems else params), problems


_NO_KEY = (
    "expected no API key here, found one: parameters are written into the sidecar."
    " Set the environment variable of the service, or run `sendreturn key set SERVICE`."
)


def merge_params(*layers: Params | Mapping[str, object]) -> Params:
    """One set of parameters from several; what stands in a later one wins.

    A later position replaces an earlier one, whichever of the two kinds they are.

    Raises:
        ParamsError: a layer that is not yet `Params` cannot be used.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        params = layer if isinstance(layer, Params) else parse_params(layer)
        given = params.given()
        if not _POSITIONS.isdisjoint(given):
            merged = {key: value for key, value in merged.items() if key not in _POSITIONS}
        merged |= given
    return parse_params(merged)


_POSITIONS = frozenset({"position_s", "position_samples"})


def read_params_file(path: Path) -> dict[str, Any]:
    """The parameters in a `<clip>.yaml` or `defaults.yaml`, checked; empty where the file is not there.

    Raises:
        ParamsError: with a sentence (`file:line: key: …`) for each thing that is wrong.
    """
    document = read_document(path, MAX_FILE_BYTES)
    named = Document(path.name, document.data, document.lines, document.problems)
    params, problems = check_params(document.data)
    problems = [*document.problems, *problems]
    if params is None or problems:
        raise ParamsError([named.sentence(problem) for problem in problems])
    return params.given()
