"""The requests that make songs, as Suno API wants them. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sendreturn.contract import Ask
from sendreturn.errors import Refusal

from sendreturn_bridges.services.sunoapi import section
from sendreturn_bridges.services.sunoapi.asked import earlier_song, options_of, passed_on
from sendreturn_bridges.services.sunoapi.request import Request
from sendreturn_bridges.services.sunoapi.terms import Terms
from sendreturn_bridges.services.sunoapi.wording import (
    DEFAULT_STYLE,
    continuation,
    description,
    guessed,
    joined,
    title_of,
    weights,
)

INSIDE_S = 0.1
"""The service wants a point inside the clip to go on from."""
NO_WORDS = "[Instrumental]"
KEY = re.compile(r"Any|[A-G][#b]?m?")
"""Of a sound; how the service spells the black keys is not documented."""
NOTHING = "none"
"""For a mandatory text on what to avoid, where there is nothing."""


def build_song(ask: Ask, terms: Terms) -> Request:
    """The request for an operation that makes songs. Raises Refusal."""
    request = _BUILDERS[ask.operation](ask, terms)
    _check_singer(request.body, terms)
    return request


# One function for each operation


def _generate(ask: Ask, terms: Terms) -> Request:
    model, told = terms.model(ask)
    if not any((ask.params.prompt, ask.params.lyrics, ask.params.style_text)):
        raise Refusal("generate needs a description of the song.", "Set prompt, style or lyrics.")
    body, unmet = description(ask, terms, model)
    return Request("generate", {**body, **passed_on(ask)}, context=_context(ask, body), unmet=told + unmet)


def _cover(ask: Ask, terms: Terms) -> Request:
    model, told = terms.model(ask)
    terms.check_upload(ask, model)
    body, unmet = description(ask, terms, model)
    body |= passed_on(ask)
    return Request("upload_cover", body, "uploadUrl", _context(ask, body), told + unmet)


def _mashup(ask: Ask, terms: Terms) -> Request:
    model, told = terms.model(ask)
    terms.check_upload(ask, model)
    body, unmet = description(ask, terms, model)
    body |= {"uploadUrlList": _second_song(ask), **passed_on(ask)}
    return Request("mashup", body, "uploadUrlList", _context(ask, body), told + unmet)


def _extend(ask: Ask, terms: Terms) -> Request:
    if ask.params.side == "left":
        raise Refusal(
            "Suno API continues a clip only to its right.", "Leave side out, or choose a service that can: local."
        )
    model, told = terms.model(ask)
    song = earlier_song(ask)
    if song is not None and ask.earlier is not None and ask.earlier.model:
        model, told = terms.model_of(ask.earlier.model, model)
    terms.check_upload(ask, model)
    from_s = _continue_at(ask)
    body, unmet = continuation(ask, terms, model)
    body |= {"continueAt": from_s, **weights(ask), **passed_on(ask)}
    context = {**_context(ask, body), "from_s": from_s}
    if song is not None:
        return Request("extend", {"audioId": song["audioId"], **body}, "", context, told + unmet)
    return Request("upload_extend", body, "uploadUrl", context, told + unmet)


def _inpaint(ask: Ask, terms: Terms) -> Request:
    assert ask.clip is not None
    section_s = ask.params.section_s
    assert section_s is not None
    model, told = terms.model(ask)
    section.check(section_s, ask.clip.duration_s, terms.limits)
    terms.check_upload(ask, model)
    params, style = ask.params, joined(ask.params.style_text, ask.params.prompt)
    lyrics = "" if params.instrumental else (params.lyrics or "")
    body: dict[str, Any] = {
        "prompt": terms.text("prompt", lyrics or params.prompt or style or NO_WORDS, model),
        "tags": terms.text("style", style or DEFAULT_STYLE, model),
        "title": title_of(ask, terms, model),
        "infillStartS": round(section_s[0], 2),
        "infillEndS": round(section_s[1], 2),
        "fullLyrics": terms.text("lyrics", lyrics or NO_WORDS, model, field="prompt"),
    }
    if params.negative_style_text:
        body["negativeTags"] = terms.text("negative_style", params.negative_style_text, model, field="style")
    body |= passed_on(ask)
    context = {"section_s": list(section_s), "clip_s": ask.clip.duration_s}
    unmet = told + (() if style else (guessed(f"“{DEFAULT_STYLE}”"),))
    song = earlier_song(ask)
    if song is not None:
        return Request("replace_section", {**song, **body}, "", context, unmet)
    return Request("replace_section", {"model": model, **body}, "uploadUrl", context, unmet)


def _add_vocals(ask: Ask, terms: Terms) -> Request:
    model, told = terms.model(ask)
    terms.check_upload(ask, model)
    words = ask.params.lyrics or ask.params.prompt
    if not words:
        raise Refusal("add_vocals needs the words, or a description of the voice.", "Set lyrics or prompt.")
    style = joined(ask.params.style_text, ask.params.prompt if ask.params.lyrics else None)
    body = {
        "prompt": terms.text("lyrics" if ask.params.lyrics else "prompt", words, model, field="prompt"),
        "style": terms.text("style", style or DEFAULT_STYLE, model),
        **_added(ask, terms, model),
    }
    unmet = told + (() if style else (guessed(f"“{DEFAULT_STYLE}”"),))
    return Request("add_vocals", {**body, **passed_on(ask)}, "uploadUrl", {"sings": True}, unmet)


def _add_instrumental(ask: Ask, terms: Terms) -> Request:
    model, told = terms.model(ask)
    terms.check_upload(ask, model)
    style = joined(ask.params.style_text, ask.params.prompt)
    if not style:
        raise Refusal("add_instrumental needs the style of the backing.", "Set style or prompt.")
    body = {"tags": terms.text("style", style, model), **_added(ask, terms, model)}
    return Request("add_instrumental", {**body, **passed_on(ask)}, "uploadUrl", {}, told)


def _sample(ask: Ask, terms: Terms) -> Request:
    model, told = terms.model(ask)
    sound = joined(ask.params.prompt, ask.params.style_text)
    if not sound:
        raise Refusal("sample needs a description of the sound.", "Set prompt.")
    _check_key(ask)
    body: dict[str, Any] = {"prompt": terms.fitted("prompt", sound, terms.limits["sounds_prompt"]), "model": model}
    low, high = terms.limits["sounds_bpm"]
    if ask.params.bpm is not None and low <= ask.params.bpm <= high:
        body["soundTempo"] = round(ask.params.bpm)
    elif ask.params.bpm is not None:
        told += (f"Suno API makes sounds at {low:g} to {high:g} bpm; bpm was left out.",)
    return Request("sounds", {**body, **passed_on(ask)}, unmet=told)


_BUILDERS: Mapping[str, Callable[[Ask, Terms], Request]] = {
    "generate": _generate,
    "extend": _extend,
    "cover": _cover,
    "inpaint": _inpaint,
    "add_vocals": _add_vocals,
    "add_instrumental": _add_instrumental,
    "mashup": _mashup,
    "sample": _sample,
}
SONGS = frozenset(_BUILDERS)
"""Operations that make songs, of which stems, WAV and notes can be bought."""


# What they have in common


def _check_singer(body: Mapping[str, Any], terms: Terms) -> None:
    """A cloned voice sings with some models only. Raises Refusal."""
    able, model = terms.limits["voice_models"], body.get("model")
    if body.get("personaModel") == "voice_persona" and model is not None and model not in able:
        raise Refusal(
            f"A voice of your own does not sing with {model}.", f"Set model to {', '.join(able[:-1])} or {able[-1]}."
        )


def _check_key(ask: Ask) -> None:
    key = passed_on(ask).get("soundKey")
    if key is not None and not KEY.fullmatch(str(key)):
        raise Refusal(f"Suno API makes no sound in the key {key!r} (soundKey).", "Write it as C, F#m or Any.")


def _continue_at(ask: Ask) -> float:
    """Where in the clip the continuation begins. Raises Refusal."""
    assert ask.clip is not None
    length_s, from_s = ask.clip.duration_s, ask.params.from_s
    if from_s is not None and not 0 < from_s <= length_s + 0.001:
        raise Refusal(
            f"from_s is {from_s:g} s; the clip is {length_s:.3f} s long, and Suno API goes on from a point inside it.",
            f"Choose from_s between 0.1 and {length_s - INSIDE_S:.1f}, or leave it out for the end.",
        )
    inside_s = max(length_s - INSIDE_S, 0.01)
    return round(min(length_s if from_s is None else from_s, inside_s), 2)


def _added(ask: Ask, terms: Terms, model: str) -> dict[str, Any]:
    """What adding vocals and adding a backing have in common."""
    gender = {"vocalGender": ask.params.vocal_gender} if ask.params.vocal_gender else {}
    avoid = terms.fitted("negative_style", ask.params.negative_style_text or NOTHING, 200)
    return {
        "title": title_of(ask, terms, model),
        "negativeTags": avoid,
        "model": model,
        **gender,
        **weights(ask),
    }


def _second_song(ask: Ask) -> list[str]:
    urls = options_of(ask).get("upload_urls")
    named = [urls] if isinstance(urls, str) else urls if isinstance(urls, list) else []
    if len(named) != 1 or not str(named[0]).startswith("https://"):
        raise Refusal(
            "mashup joins the clip with exactly one other song, which Suno API takes from its address.",
            "Set service_options: {upload_urls: [https://…]}.",
        )
    return [str(named[0])]


def _context(ask: Ask, body: Mapping[str, Any]) -> dict[str, Any]:
    return {"sings": not body["instrumental"]}
