"""What goes to AceData: one Request per operation, made from our parameters. No I/O.

The modules beside it: `request` (what a request is and is made from), `others` (all that makes no song), `producer`
(AceData's second music service), `texts` (lengths of texts), `answers` and `songs` (what comes back), `faults`
(errors), `task_board` (questions for tasks), `planning` (which requests in which order).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from sendreturn.contract import JsonDict, Manifest
from sendreturn.errors import Refusal

from sendreturn_bridges.services.acedata import producer
from sendreturn_bridges.services.acedata.others import AUDIOS, OTHERS
from sendreturn_bridges.services.acedata.request import PRODUCER, Wanted, point, section
from sendreturn_bridges.services.acedata.texts import Dialect, check_texts
from sendreturn_bridges.suno.models import check_model, is_at_least
from sendreturn_bridges.suno.places import check_side
from sendreturn_bridges.suno.requests import Request
from sendreturn_bridges.suno.words import joined, longest

MOST_REFERENCES = 4
ENHANCED, FOR_ENHANCED = "enhanced", frozenset({"cover", "mashup", "sample"})
EDGE_S = 0.1
"""The ends of windows in a clip must lie before its end."""
OWN_OPTIONS = frozenset({"api", "timed_lyrics", "video", "mashup_audio_ids", "upload_mode"})
"""What the bridge itself reads of `service_options`; the rest goes into the main request as it is."""


def build(wanted: Wanted) -> Request:
    """The main request of an operation.

    Raises:
        Refusal: AceData cannot do what is asked.
    """
    upload_mode(wanted)
    build_one = producer.build if wanted.api == PRODUCER else OTHERS.get(wanted.operation, _song)
    request = build_one(wanted)
    own = {name: value for name, value in wanted.options.items() if name not in OWN_OPTIONS}
    body = {name: value for name, value in {**request.body, **own}.items() if value is not None}
    return Request(request.path, body, request.reads, request.context, request.clip_field)


def upload(wanted: Wanted) -> Request:
    """Make a hosted clip known as a song. `upload_mode: enhanced` takes minutes, and wants a name."""
    if wanted.api == PRODUCER:
        return Request("/producer/upload", {}, "upload", clip_field="audio_url")
    body = {"name": wanted.clip_name} if wanted.clip_name else {}
    if mode := upload_mode(wanted):
        body = {"name": "clip", **body, "mode": mode}
    return Request("/suno/upload", body, "upload", clip_field="audio_url")


def upload_mode(wanted: Wanted) -> str:
    """The mode of uploads that the send names; empty for the usual one. Raises Refusal."""
    mode = str(wanted.options.get("upload_mode") or "")
    if mode not in ("", "standard", ENHANCED):
        raise Refusal(f"AceData has no upload_mode {mode!r}.", f"It has standard and {ENHANCED}.")
    if mode == ENHANCED and wanted.operation not in FOR_ENHANCED:
        raise Refusal(
            f"What AceData has uploaded as {ENHANCED} is not good for {wanted.operation}.",
            f"Leave upload_mode out; it is for {', '.join(sorted(FOR_ENHANCED))}.",
        )
    return mode


def dialect(manifest: Manifest, options: Mapping[str, Any]) -> Dialect:
    """How AceData is spoken to, from the manifest and the service's settings."""
    limits = manifest.limits
    return Dialect(
        model=options.get("model") or None,
        default=str(limits["default_model"]),
        default_producer=str(limits["default_producer_model"]),
        models=tuple(limits["models"]),
        prompt_limit=int(options.get("prompt_limit") or limits["prompt"]),
        negative_field=str(options.get("negative_field") or "style_negative"),
        texts=limits["texts"],
        longest_vox_s=float(limits["longest_vox_s"]),
        voice_s=tuple(limits["voice_s"]),
        extension=str(options.get("extend_returns") or "auto"),
    )


# Songs


def _song(wanted: Wanted) -> Request:
    """Every action of /suno/audios that makes songs: what is common, and what its operation adds."""
    check_model("AceData", wanted.model, wanted.dialect.models)
    common = _words(wanted)
    body = {"action": _action(wanted), "model": wanted.model, **common, **_EXTRAS.get(wanted.operation, _none)(wanted)}
    if wanted.source is not None and wanted.operation != "mashup":
        body["audio_id"] = wanted.source.audio_id
    check_texts(body, wanted.dialect, wanted.model)
    return Request(AUDIOS, body, wanted.spec.options.get("reads", "songs"), _song_context(wanted, body))


def _action(wanted: Wanted) -> str:
    options = wanted.spec.options
    is_upload = wanted.source is not None and wanted.source.is_upload
    return str(options["upload_action"] if is_upload and "upload_action" in options else options["action"])


def _song_context(wanted: Wanted, body: JsonDict) -> dict[str, Any]:
    sings = wanted.operation in (*_PROMPT_IS_TOPIC, "cover")
    context: dict[str, Any] = {"sings": sings, "wav": wanted.wav, "model": wanted.model}
    if wanted.operation == "extend":
        context |= {"from_s": body["continue_at"], "extension": wanted.dialect.extension}
    if wanted.operation == "inpaint":
        context |= {"section_s": list(wanted.params.section_s or ()), "clip_s": wanted.clip_s}
    return context


def _words(wanted: Wanted) -> dict[str, Any]:
    """Texts and wishes. AceData reads `prompt` in its simple mode, and everything else in its custom mode."""
    if wanted.operation in _WITHOUT_WORDS:
        return {}
    params, lyric = wanted.params, _lyric(wanted)
    if not _is_custom(wanted, lyric):
        simple = {"prompt": params.prompt, "instrumental": params.instrumental, "title": params.title}
        return {**simple, **_wishes(wanted, custom=False)}
    words: dict[str, Any] = {"custom": True, "title": params.title, **_wishes(wanted, custom=True)}
    words["instrumental"] = _is_instrumental(wanted, lyric)
    if lyric and not words["instrumental"]:
        words["lyric"] = lyric
    return {**words, **_prompt_and_style(wanted, lyric, words["instrumental"])}


def _prompt_and_style(wanted: Wanted, lyric: str, instrumental: bool | None) -> dict[str, Any]:
    """In custom mode the prompt says what the lyrics are about where there are none, else it is part of the style."""
    params = wanted.params
    if params.prompt and not lyric and not instrumental and wanted.operation in _PROMPT_IS_TOPIC:
        return {"lyric_prompt": params.prompt, "style": params.style_text or None}
    return {"style": joined(params.style_text, params.prompt) or None}


def _wishes(wanted: Wanted, *, custom: bool) -> dict[str, Any]:
    params = wanted.params
    wishes: dict[str, Any] = {wanted.dialect.negative_field: params.negative_style_text or None}
    if is_at_least(wanted.model, 4.5):
        wishes["vocal_gender"] = params.vocal_gender
    if custom:
        wishes |= {"weirdness": params.weirdness, "style_influence": params.style_strength}
    return wishes


def _lyric(wanted: Wanted) -> str:
    """The words to sing: the user's, else for what keeps the clip's words those that AceData has heard in it.

    These are never refused for their length: the clip has been uploaded, and paid for, by then.
    """
    if wanted.params.lyrics:
        return wanted.params.lyrics
    keeps = wanted.operation in _KEEPS_LYRICS and not wanted.params.instrumental
    heard = wanted.source.lyric if keeps and wanted.source is not None else ""
    return heard if len(heard) <= longest("lyrics", wanted.dialect.texts, wanted.model) else ""


def _is_custom(wanted: Wanted, lyric: str) -> bool:
    params = wanted.params
    asks = (params.style, params.weirdness, params.style_strength, lyric)
    return wanted.operation in _ALWAYS_CUSTOM or any(value not in (None, "", ()) for value in asks)


def _is_instrumental(wanted: Wanted, lyric: str) -> bool | None:
    """Where nothing was said: with words it is sung, and without words nothing is made up. A cover is left as it is."""
    if wanted.params.instrumental is not None or wanted.operation == "cover":
        return wanted.params.instrumental
    return not lyric and not (wanted.params.prompt and wanted.operation in _PROMPT_IS_TOPIC)


_ALWAYS_CUSTOM = frozenset({"extend", "inpaint", "add_vocals", "add_instrumental", "sample"})
_KEEPS_LYRICS = frozenset({"cover", "inpaint"})
_PROMPT_IS_TOPIC = frozenset({"generate", "mashup", "add_vocals", "sample"})
_WITHOUT_WORDS = frozenset({"concat", "remaster"})


# What single operations add


def _none(_wanted: Wanted) -> dict[str, Any]:
    return {}


def _extend(wanted: Wanted) -> dict[str, Any]:
    check_side("AceData", wanted.params)
    if wanted.params.instrumental is False and not wanted.params.lyrics:
        raise Refusal(
            "AceData continues with vocals only where it is given the words.",
            "Set lyrics, or leave instrumental out.",
        )
    return {"continue_at": point(wanted)}


def _cover(wanted: Wanted) -> dict[str, Any]:
    return {"audio_weight": wanted.params.audio_strength}


def _inpaint(wanted: Wanted) -> dict[str, Any]:
    """`prompt` are the new lines here, which also stand in `lyric`; lines that are too long for it stand only there."""
    start_s, end_s = section(wanted)
    lines = None if wanted.params.instrumental else wanted.params.lyrics
    fits = lines is not None and len(lines) <= wanted.dialect.prompt_limit
    window = {"replace_section_start": start_s, "replace_section_end": end_s}
    return {**window, "prompt": lines if fits else None}


def _window(wanted: Wanted) -> dict[str, Any]:
    """`<name>_start` and `<name>_end`: the user's section, else nearly the whole clip, since the end must lie before
    the song's."""
    name = wanted.spec.options["window"]
    start_s, end_s = section(wanted) if wanted.params.section_s else (0.0, math.inf)
    if wanted.clip_s is not None:
        end_s = min(end_s, round(wanted.clip_s - EDGE_S, 2))
    if end_s <= start_s:
        raise Refusal("The clip is too short for that.", "Send one of at least a second, or another section_s.")
    window = {f"{name}_start": start_s}
    return window if math.isinf(end_s) else {**window, f"{name}_end": end_s}


def _add_vocals(wanted: Wanted) -> dict[str, Any]:
    if not wanted.params.lyrics and not wanted.params.prompt:
        raise Refusal("AceData adds vocals only where it knows what to sing.", "Set lyrics, or a prompt for them.")
    return {**_window(wanted), "instrumental": None}


def _add_instrumental(wanted: Wanted) -> dict[str, Any]:
    if not wanted.params.style and not wanted.params.prompt:
        raise Refusal("AceData adds an accompaniment only where it knows which.", "Set style.")
    return {**_window(wanted), "instrumental": None}


def _generate(wanted: Wanted) -> dict[str, Any]:
    params = wanted.params
    if not (params.prompt or params.lyrics or params.style):
        raise Refusal("AceData needs words to start from.", "Set prompt, lyrics or style.")
    options = wanted.options
    if "audio_urls" in options:
        _check_references(options["audio_urls"])
        return {"action": "inspo"}
    # A persona that was made from a song wants that song's id too; one from /suno/voices goes without.
    sings_like = bool(options.get("persona_id") and options.get("audio_id"))
    return {"action": "artist_consistency", "prompt": params.prompt} if sings_like else {}


def _check_references(urls: object) -> None:
    count = len(urls) if isinstance(urls, list) else 0
    if not 1 <= count <= MOST_REFERENCES:
        raise Refusal(
            f"AceData takes 1 to {MOST_REFERENCES} songs to be inspired by, and here are {count}.",
            "Set service_options: {audio_urls: [their addresses]}.",
        )


def _remaster(wanted: Wanted) -> dict[str, Any]:
    if not is_at_least(wanted.model, float(wanted.spec.options["from_version"])):
        raise Refusal(f"AceData remasters only with models from v4.5 on, not with {wanted.model}.", "Leave model out.")
    return {"variation_category": "normal" if is_at_least(wanted.model, 5) else None}


def _mashup(wanted: Wanted) -> dict[str, Any]:
    given = wanted.options.get("mashup_audio_ids") or []
    ids = [str(one) for one in given] if isinstance(given, list) else [str(given)]
    if wanted.source is not None:
        ids = [wanted.source.audio_id, *ids]
    if len(ids) != 2:
        raise Refusal(
            f"AceData mixes exactly two songs, and here are {len(ids)}.",
            "Send a clip and name the other song in service_options: {mashup_audio_ids: [its id]}.",
        )
    return {"mashup_audio_ids": ids}


_EXTRAS: Mapping[str, Callable[[Wanted], dict[str, Any]]] = {
    "extend": _extend,
    "cover": _cover,
    "inpaint": _inpaint,
    "generate": _generate,
    "remaster": _remaster,
    "mashup": _mashup,
    "add_vocals": _add_vocals,
    "add_instrumental": _add_instrumental,
    "sample": _window,
}
