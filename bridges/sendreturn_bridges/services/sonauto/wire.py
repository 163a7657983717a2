"""What goes to Sonauto: one Request per send, made from our parameters. No I/O.

The modules beside it: `asked` (which model), `words` (prompt, tags, lyrics), `answers` (what comes back), `faults`
(errors), `parcel` (how a clip travels).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sendreturn.contract import JsonDict
from sendreturn.errors import Refusal

from sendreturn_bridges.services.sonauto.asked import ONLY, Asked, Model, choose, left_out
from sendreturn_bridges.services.sonauto.words import words_of, words_of_section

OUTPUT_FORMATS = ("ogg", "mp3", "flac", "wav", "m4a")
BIT_RATES = (128, 192, 256, 320)
WITH_BIT_RATE = ("mp3", "m4a")
STREAM_FORMATS = ("ogg", "mp3")
CONTEXT_S = (1, 284)
MOST_SONGS = 2
LENGTH_STEP_S, SHORTEST_RANGE_S, LONGEST_S = 30, 30, 300
"""v3's `length_range`: multiples of 30, the upper end from 30 to 300 s."""
TOLERANCE_S = 0.001
RESERVED = frozenset({"audio_url", "audio_base64", "webhook_url"})
"""Fields that only the bridge itself may fill."""


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        path: Below the base address.
        body: As it is sent, but for the clip and the address for call backs.
        covers: What the answer's audio holds, as in `contract.Made`.
        credits: What it costs.
        notes: Sentences for `checks`.
    """

    path: str
    body: JsonDict
    covers: str = "all"
    credits: float = 0.0
    notes: tuple[str, ...] = ()


def build(asked: Asked) -> Request:
    """The request for what is asked.

    Raises:
        Refusal: Sonauto cannot do it.
    """
    choice = choose(asked)
    own, left = _own(asked, choice.model)
    path, body, notes = _BUILDERS[asked.operation](asked, choice.model)
    body = {"output_format": "wav", **body, **own}
    alignable, misaligned = _aligned(body)
    _check_format(body, asked.options)
    _check_stream(body)
    covers = "section" if body.get("selection_crop") is True else "all"
    return Request(path, alignable, covers, _price(asked, body), (*choice.notes, *left, *notes, *misaligned))


# The operations

_Built = tuple[str, dict[str, Any], tuple[str, ...]]


def _generate(asked: Asked, model: Model) -> _Built:
    words = words_of(asked, model)
    if not any(fields.get(name) for fields in (words.fields, asked.options) for name in ("prompt", "tags", "lyrics")):
        raise Refusal("Sonauto needs to know what the song is to be.", "Set prompt, style or lyrics.")
    if model == "v2":
        v2, notes = _v2_fields(asked)
        return "generations/v2", {**words.fields, **v2}, (*words.notes, *notes)
    streaming = {"enable_streaming": True} if asked.settings.get("streaming", True) else {}
    length, notes = _length_range(asked.params.extend_s)
    return "generations/v3", {**words.fields, **_negative(asked), **length, **streaming}, (*words.notes, *notes)


def _extend(asked: Asked, model: Model) -> _Built:
    words, crop = words_of(asked, model), {"crop_duration": _crop_s(asked)}
    if model == "v3":
        return "generations/v3/extend", {**words.fields, **_negative(asked), **crop}, words.notes
    v2, notes = _v2_fields(asked)
    extend_s, cut = _extend_s(asked)
    where = {"side": asked.params.side or "right", "extend_duration": extend_s}
    return "generations/v2/extend", {**words.fields, **v2, **where, **crop}, (*words.notes, *notes, *cut)


def _inpaint(asked: Asked, _model: Model) -> _Built:
    assert asked.params.section_s is not None
    start_s, end_s = asked.params.section_s
    if asked.clip_s is not None and end_s > asked.clip_s + TOLERANCE_S:
        raise Refusal(
            f"section_s is {start_s:g} to {end_s:g} s, but the clip is {asked.clip_s:.3f} s long.",
            "Choose a section inside it.",
        )
    end_s = end_s if asked.clip_s is None else min(end_s, asked.clip_s)
    words = words_of_section(asked)
    # One song, because Sonauto's inpaint is known to work with that.
    return "generations/v2/inpaint", {**words.fields, "sections": [[start_s, end_s]], "num_songs": 1}, words.notes


_BUILDERS: Mapping[str, Callable[[Asked, Model], _Built]] = {
    "generate": _generate,
    "extend": _extend,
    "inpaint": _inpaint,
}


# Parts of a request


def _v2_fields(asked: Asked) -> tuple[dict[str, Any], tuple[str, ...]]:
    params, notes = asked.params, []
    fields: dict[str, Any] = {} if params.seed is None else {"seed": params.seed}
    if params.bpm is not None:
        fields["bpm"] = round(params.bpm)
        if fields["bpm"] != params.bpm:
            notes.append(f"Sonauto takes whole beats per minute: {fields['bpm']} stands for {params.bpm:g}.")
    if params.takes is not None and params.takes > 1:
        fields["num_songs"] = MOST_SONGS
        if params.takes > MOST_SONGS:
            notes.append(f"Sonauto makes at most {MOST_SONGS} takes of a send, not {params.takes}.")
    return fields, tuple(notes)


def _negative(asked: Asked) -> dict[str, Any]:
    negative = [tag.strip() for tag in asked.params.negative_style or ()]
    return {"negative_tags": negative} if negative else {}


def _length_range(wanted_s: float | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The step of 30 s in which the wished length lies."""
    if wanted_s is None:
        return {}, ()
    upper_s = min(max(math.ceil(wanted_s / LENGTH_STEP_S) * LENGTH_STEP_S, SHORTEST_RANGE_S), LONGEST_S)
    notes = (f"Sonauto makes songs of at most {LONGEST_S} s, not {wanted_s:g} s.",) if wanted_s > LONGEST_S else ()
    return {"length_range": [upper_s - LENGTH_STEP_S, upper_s]}, notes


def _extend_s(asked: Asked) -> tuple[float, tuple[str, ...]]:
    options, wanted_s = asked.spec.options, asked.params.extend_s
    longest_s = float(options["longest_extend_s"])
    if wanted_s is None:
        return float(options["default_extend_s"]), ()
    if wanted_s <= longest_s:
        return wanted_s, ()
    more = f"Sonauto makes at most {longest_s:g} s at once, not {wanted_s:g} s; send the returned mix again for more."
    return longest_s, (more,)


def _crop_s(asked: Asked) -> float:
    """What is taken off the clip first, at the side that is continued."""
    from_s, clip_s = asked.params.from_s, asked.clip_s
    if from_s is None or clip_s is None:
        return 0.0
    if from_s > clip_s + TOLERANCE_S:
        raise Refusal(f"from_s is {from_s:g} s, but the clip is {clip_s:.3f} s long.", "Choose a point inside it.")
    crop_s = from_s if asked.params.side == "left" else max(clip_s - from_s, 0.0)
    if crop_s >= clip_s:
        raise Refusal(f"With from_s at {from_s:g} s nothing of the clip would be left to continue.", "Change from_s.")
    return round(crop_s, 6)


def _own(asked: Asked, model: Model) -> tuple[dict[str, Any], tuple[str, ...]]:
    """`service_options`, as they are, without fields that the model refuses."""
    taken = RESERVED & set(asked.options)
    if taken:
        name = min(taken)
        raise Refusal(f"service_options cannot hold {name}: sendreturn fills that itself.", f"Take {name} out.")
    other: Model = "v3" if model == "v2" else "v2"
    refused = (ONLY[other] | ({"prompt"} if asked.operation == "inpaint" else set())) & set(asked.options)
    own = {name: value for name, value in asked.options.items() if name not in refused}
    return own, left_out(model, refused) if refused else ()


def _check_format(body: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    chosen, bit_rate = body["output_format"], options.get("output_bit_rate")
    if chosen not in OUTPUT_FORMATS:
        raise Refusal(f"Sonauto has no output_format {chosen!r}.", f"It has {', '.join(OUTPUT_FORMATS)}.")
    if bit_rate is None:
        return
    if chosen not in WITH_BIT_RATE:
        raise Refusal("Only mp3 and m4a have an output_bit_rate.", "Leave it out, or set output_format to mp3.")
    if bit_rate not in BIT_RATES:
        rates = ", ".join(map(str, BIT_RATES))
        raise Refusal(f"Sonauto has no output_bit_rate of {bit_rate!r} kbit/s.", f"It has {rates}.")


def _check_stream(body: Mapping[str, Any]) -> None:
    """The two fields of v3 whose values are known, where they are named in `service_options`."""
    stream, context_s = body.get("stream_format", "ogg"), body.get("context_seconds", CONTEXT_S[0])
    if stream not in STREAM_FORMATS:
        raise Refusal(f"Sonauto has no stream_format {stream!r}.", f"It has {' and '.join(STREAM_FORMATS)}.")
    if not isinstance(context_s, int | float) or not CONTEXT_S[0] <= context_s <= CONTEXT_S[1]:
        low, high = CONTEXT_S
        raise Refusal(
            f"Sonauto listens to {low} to {high} s of a clip, not to {context_s} s (context_seconds).",
            "Choose a length in between.",
        )


def _aligned(body: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body, without align_lyrics where that cannot be done: it needs vocals, and a single song."""
    if not body.get("align_lyrics") or (not body.get("instrumental") and body.get("num_songs", 1) == 1):
        return body, ()
    without = {name: value for name, value in body.items() if name != "align_lyrics"}
    return without, ("Sonauto aligns the lyrics of a single song with vocals only; align_lyrics was left out.",)


def _price(asked: Asked, body: Mapping[str, Any]) -> float:
    prices = asked.settings.get("prices") or {}
    one = float(prices.get(asked.operation, asked.spec.credits))
    return one * (1 + asked.limits["second_song"]) if body.get("num_songs") == MOST_SONGS else one
