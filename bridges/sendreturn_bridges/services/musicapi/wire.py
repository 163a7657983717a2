"""What goes to MusicAPI: one Request per operation, made from our parameters. No I/O.

The modules beside it: `request` (what a request is and is made from), `others` (all that makes no song), `producer`
(MusicAPI's second music service), `texts` (lengths of texts), `answers`, `songs` and `stems` (what comes back),
`faults` (errors), `webhooks` (their signatures), `planning` (which requests in which order).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sendreturn.errors import Refusal

from sendreturn_bridges.services.musicapi import producer
from sendreturn_bridges.services.musicapi.others import OTHERS
from sendreturn_bridges.services.musicapi.request import Wanted, point, section, window
from sendreturn_bridges.services.musicapi.texts import SAMPLES_ONLY, check_texts
from sendreturn_bridges.suno.models import check_model, is_at_least
from sendreturn_bridges.suno.places import check_side
from sendreturn_bridges.suno.requests import Request
from sendreturn_bridges.suno.words import joined

CREATE = "/sonic/create"
OWN_OPTIONS = frozenset({"api", "clip_id", "timed_lyrics", "mashup_clip_ids"})
"""What the bridge itself reads of `service_options`; the rest goes into the main request as it is."""
NO_WORDS = "[Instrumental]"
"""What MusicAPI itself writes for the lyrics of an instrumental."""


def build(wanted: Wanted) -> Request:
    """The main request of an operation.

    Raises:
        Refusal: MusicAPI cannot do what is asked.
    """
    build_one = producer.build if wanted.is_for_producer else OTHERS.get(wanted.operation, _song)
    request = build_one(wanted)
    own = {name: value for name, value in wanted.options.items() if name not in OWN_OPTIONS}
    body = {name: value for name, value in {**request.body, **own}.items() if value not in (None, "")}
    return Request(request.path, body, request.reads, request.context, request.clip_field)


def keeps_no_words(wanted: Wanted) -> bool:
    """Whether a cover or continuation will be without voices because nobody has said what to sing."""
    told = wanted.params.instrumental is not None or wanted.params.lyrics
    return wanted.operation == "cover" and not told and not wanted.is_for_producer


# Songs


def _song(wanted: Wanted) -> Request:
    """Every request that makes songs: what is common, and what its operation adds."""
    _check_model(wanted)
    body = {**_kind(wanted), "mv": wanted.model, **_words(wanted), **_EXTRAS[wanted.operation](wanted)}
    check_texts(body, wanted.dialect, wanted.model)
    return Request(_path(wanted), body, "songs", _context(wanted), _clip_field(wanted))


def _check_model(wanted: Wanted) -> None:
    model, least = wanted.model, float(wanted.spec.options.get("from_version", 0))
    check_model("MusicAPI", model, (*wanted.dialect.models, SAMPLES_ONLY))
    if wanted.has_upload and not is_at_least(model, least):
        raise Refusal(
            f"MusicAPI does not finish a cover of an uploaded clip with the model {model}.",
            f"Choose a model from v{least:g} on, or leave model out.",
        )
    if model == SAMPLES_ONLY and wanted.operation not in ("sample", "mashup"):
        raise Refusal(f"MusicAPI has the model {model} only for sample and mashup.", "Leave model out.")


def _kind(wanted: Wanted) -> dict[str, Any]:
    """`task_type`, which only /sonic/create has."""
    if _path(wanted) != CREATE:
        return {}
    sings_like = wanted.operation == "generate" and wanted.options.get("persona_id")
    return {"task_type": "persona_music" if sings_like else wanted.spec.options["task_type"]}


def _path(wanted: Wanted) -> str:
    options = wanted.spec.options
    if wanted.has_upload and "upload_path" in options:
        return str(options["upload_path"])
    return str(options.get("path", CREATE))


def _clip_field(wanted: Wanted) -> str | None:
    takes_address = "upload_path" in wanted.spec.options or wanted.operation == "sample"
    return "url" if wanted.has_upload and takes_address else None


def _context(wanted: Wanted) -> dict[str, Any]:
    place = {"extend": "tail", "inpaint": "section"}.get(wanted.operation, "all")
    context: dict[str, Any] = {"place": place, "sings": wanted.operation in _SINGING, "wav": wanted.wav}
    context["model"] = wanted.model
    if wanted.operation == "extend":
        context["from_s"] = point(wanted)
    if wanted.operation == "inpaint":
        context |= {"section_s": list(section(wanted)), "clip_s": wanted.clip_s}
    if wanted.options.get("auto_concat"):
        context["joins"] = True
    return context


# Words


def _words(wanted: Wanted) -> dict[str, Any]:
    """Texts and wishes. In its custom mode MusicAPI sings `prompt`, otherwise it makes up words from a description."""
    if wanted.operation in _WITHOUT_WORDS:
        return {"use_suno_cdn": False}
    if wanted.operation == "inpaint":
        return {**_infill(wanted), **_wishes(wanted)}
    return {"use_suno_cdn": False, **_song_words(wanted), **_wishes(wanted)}


def _song_words(wanted: Wanted) -> dict[str, Any]:
    params = wanted.params
    style = params.style_text
    if params.lyrics and not params.instrumental:
        sung: dict[str, Any] = {"prompt": params.lyrics, "make_instrumental": False}
        return {"custom_mode": True, **sung, "tags": joined(style, params.prompt), "title": params.title}
    if not _makes_up_words(wanted):
        played = {"make_instrumental": True, "tags": joined(style, params.prompt)}
        return {"custom_mode": True, **played, "title": params.title}
    description = params.prompt or style
    if not description:
        raise Refusal(
            "MusicAPI has nothing from which to make up words to sing.",
            "Set lyrics, prompt or style, or leave instrumental out.",
        )
    tags = style if params.prompt else None
    if wanted.operation == "generate" and _has_weights(wanted):
        # Only its custom mode heeds the weights; there `auto_lyrics` has it write the words for a brief.
        brief = {"custom_mode": True, "auto_lyrics": True, "prompt": description}
        return {**brief, "make_instrumental": False, "tags": style, "title": params.title}
    described = {"custom_mode": False, "gpt_description_prompt": description}
    return {**described, "make_instrumental": False, "tags": tags, "title": params.title}


def _makes_up_words(wanted: Wanted) -> bool:
    """Whether MusicAPI is to write the words: where voices are asked for, or a new song is described and nothing else
    is said. What continues or covers a clip stays without voices otherwise."""
    asked = wanted.params.instrumental
    if asked is not None:
        return not asked
    return bool(wanted.params.prompt) and wanted.operation in _DESCRIBED


def _has_weights(wanted: Wanted) -> bool:
    return wanted.params.weirdness is not None or wanted.params.style_strength is not None


def _infill(wanted: Wanted) -> dict[str, Any]:
    params = wanted.params
    if params.instrumental is False and not params.lyrics:
        raise Refusal(
            "MusicAPI sings in a section only where it is given the words.", "Set lyrics, or leave instrumental out."
        )
    words = NO_WORDS if params.instrumental or not params.lyrics else params.lyrics
    tags = joined(params.style_text, params.prompt)
    return {"prompt": words, "infill_lyrics": words, "title": params.title, "tags": tags}


def _wishes(wanted: Wanted) -> dict[str, Any]:
    params = wanted.params
    return {
        "negative_tags": params.negative_style_text,
        "vocal_gender": params.vocal_gender if is_at_least(wanted.model, 4.5) else None,
        "style_weight": params.style_strength,
        "weirdness_constraint": params.weirdness,
        "audio_weight": params.audio_strength if "audio_strength" in wanted.spec.honours else None,
    }


_SINGING = frozenset({"extend", "cover", "generate", "mashup", "add_vocals", "sample"})
_DESCRIBED = frozenset({"generate", "mashup", "sample"})
_WITHOUT_WORDS = frozenset({"concat", "remaster"})


# What single operations add


def _extend(wanted: Wanted) -> dict[str, Any]:
    check_side("MusicAPI", wanted.params)
    return {"continue_clip_id": wanted.clip_id, "continue_at": point(wanted)}


def _on_song(wanted: Wanted) -> dict[str, Any]:
    return {"continue_clip_id": wanted.clip_id}


def _inpaint(wanted: Wanted) -> dict[str, Any]:
    start_s, end_s = section(wanted)
    return {"clip_id": wanted.clip_id, "infill_start_s": start_s, "infill_end_s": end_s}


def _generate(wanted: Wanted) -> dict[str, Any]:
    params = wanted.params
    if not (params.prompt or params.lyrics or params.style):
        raise Refusal("MusicAPI needs words to start from.", "Set prompt, lyrics or style.")
    return {}


def _remaster(wanted: Wanted) -> dict[str, Any]:
    return {**_on_song(wanted), "variation_category": "normal" if is_at_least(wanted.model, 5) else None}


def _painted(wanted: Wanted) -> dict[str, Any]:
    """`overpainting_*` stands for both: added vocals and added accompaniment."""
    start_s, end_s = window(wanted) or (None, None)
    return {**_on_song(wanted), "overpainting_start_s": start_s, "overpainting_end_s": end_s}


def _add_vocals(wanted: Wanted) -> dict[str, Any]:
    if not wanted.params.lyrics:
        raise Refusal("MusicAPI adds vocals only where it is given the words.", "Set lyrics.")
    return _painted(wanted)


def _add_instrumental(wanted: Wanted) -> dict[str, Any]:
    if not wanted.params.style and not wanted.params.prompt:
        raise Refusal("MusicAPI adds an accompaniment only where it knows which.", "Set style.")
    return _painted(wanted)


def _sample(wanted: Wanted) -> dict[str, Any]:
    start_s, end_s = window(wanted) or (None, None)
    own = None if wanted.has_upload else wanted.clip_id
    return {"sample_clip_id": own, "chop_sample_start_s": start_s, "chop_sample_end_s": end_s}


def _mashup(wanted: Wanted) -> dict[str, Any]:
    given = wanted.options.get("mashup_clip_ids") or []
    ids = [str(one) for one in given] if isinstance(given, list) else [str(given)]
    if wanted.source is not None:
        ids = [wanted.clip_id, *ids]
    if len(ids) != 2:
        raise Refusal(
            f"MusicAPI mixes exactly two songs, and here are {len(ids)}.",
            "Send a clip and name the other song in service_options: {mashup_clip_ids: [its id]}.",
        )
    return {"mashup_clip_ids": ids}


_EXTRAS: Mapping[str, Callable[[Wanted], dict[str, Any]]] = {
    "extend": _extend,
    "cover": _on_song,
    "inpaint": _inpaint,
    "generate": _generate,
    "concat": _on_song,
    "remaster": _remaster,
    "mashup": _mashup,
    "add_vocals": _add_vocals,
    "add_instrumental": _add_instrumental,
    "sample": _sample,
}
