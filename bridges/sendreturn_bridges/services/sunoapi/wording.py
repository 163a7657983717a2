"""How Suno API is told what to make. No I/O.

The service has two ways to be told. The simple one is a description of at most 500 characters; it writes the words
itself. The other one ("custom") takes the exact words, a style and a title, all of them mandatory.
"""

from __future__ import annotations

from typing import Any

from sendreturn.contract import Ask

from sendreturn_bridges.services.sunoapi.terms import Terms

WEIGHTS = {"weirdness": "weirdnessConstraint", "style_strength": "styleWeight", "audio_strength": "audioWeight"}
DEFAULT_DESCRIPTION = {"cover": "A fresh version of this song", "mashup": "Both songs together"}
DEFAULT_STYLE = "same style as the clip"
NO_VOICE = "An instrumental has no voice; vocal_gender was left out."


def title_of(ask: Ask, terms: Terms, model: str) -> str:
    """A title is mandatory in most requests; it is seen in the account only."""
    return terms.text("title", ask.params.title or f"{ask.operation} {ask.send_id}", model)


def description(ask: Ask, terms: Terms, model: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What to make, in the simple way or as "custom", and what of it could not be said."""
    params = ask.params
    style, lyrics = joined(params.style_text, params.prompt), params.lyrics or ""
    unmet: list[str] = []
    if params.instrumental and lyrics:
        unmet.append("An instrumental has no words; lyrics were left out.")
        lyrics = ""
    if not lyrics and not (params.instrumental and style):
        body, more = _simple(ask, terms, model)
        return body, (*unmet, *more)
    if not style:
        unmet.append(guessed(f"“{DEFAULT_STYLE}”" if ask.clip else "“in the style of the words”"))
        style = DEFAULT_STYLE if ask.clip else "in the style of the words"
    body = {
        "customMode": True,
        "instrumental": bool(params.instrumental),
        "model": model,
        "style": terms.text("style", style, model),
        "title": title_of(ask, terms, model),
        **weights(ask),
        **negative(ask, terms, model),
    }
    if lyrics:
        body["prompt"] = terms.text("lyrics", lyrics, model, field="prompt")
        body |= {"vocalGender": params.vocal_gender} if params.vocal_gender else {}
    elif params.vocal_gender:
        unmet.append(NO_VOICE)
    duration, more = _duration(ask, terms, model)
    return {**body, **duration}, (*unmet, *more)


def _simple(ask: Ask, terms: Terms, model: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    params = ask.params
    wanted = joined(params.prompt, params.style_text)
    unmet: tuple[str, ...] = () if wanted else (guessed(f"“{DEFAULT_DESCRIPTION[ask.operation]}”"),)
    hint = "Shorten it, or set lyrics or instrumental: with these Suno API takes a longer style."
    body: dict[str, Any] = {
        "customMode": False,
        "instrumental": bool(params.instrumental),
        "model": model,
        "prompt": terms.fitted(
            "The description", wanted or DEFAULT_DESCRIPTION[ask.operation], terms.limits["simple_prompt"], hint=hint
        ),
        **weights(ask),
        **negative(ask, terms, model),
    }
    for name in ("vocal_gender", "extend_s"):
        if getattr(params, name) is not None:
            unmet += (f"Suno API takes {name} only with lyrics, or with instrumental and a style; it was left out.",)
    return body, unmet


def continuation(ask: Ask, terms: Terms, model: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """How a clip goes on. Only with a style of its own does the service regard the point to go on from."""
    params, prompt, style = ask.params, ask.params.prompt or "", ask.params.style_text
    unmet: tuple[str, ...] = ()
    lyrics = "" if params.instrumental else (params.lyrics or "")
    said = (style, lyrics, params.instrumental, params.negative_style_text, params.vocal_gender)
    if params.from_s is None and not any(said):
        text = {"prompt": terms.text("prompt", prompt, model)} if prompt else {}
        return {"defaultParamFlag": False, "instrumental": False, "model": model, **text}, unmet
    words = "" if params.instrumental else (lyrics or prompt)
    if lyrics or params.instrumental or not style:
        style = joined(style, prompt)  # nothing else would say it
    if not style:
        style, unmet = DEFAULT_STYLE, (guessed(f"“{DEFAULT_STYLE}”"),)
    if not words and params.instrumental is None:
        unmet += ("Without lyrics or a prompt nothing is sung: the continuation was asked for as an instrumental.",)
    body: dict[str, Any] = {
        "defaultParamFlag": True,
        "instrumental": not words and params.instrumental is not False,
        "model": model,
        "style": terms.text("style", style, model),
        "title": title_of(ask, terms, model),
        **negative(ask, terms, model),
    }
    if words:
        body["prompt"] = terms.text("lyrics" if lyrics else "prompt", words, model, field="prompt")
    if params.vocal_gender and not body["instrumental"]:
        body["vocalGender"] = params.vocal_gender
    elif params.vocal_gender:
        unmet += (NO_VOICE,)
    return body, unmet


def _duration(ask: Ask, terms: Terms, model: str) -> tuple[dict[str, float], tuple[str, ...]]:
    wanted_s = ask.params.extend_s
    if wanted_s is None:
        return {}, ()
    if not terms.takes_duration(model):
        return {}, (f"{model} chooses the length itself; extend_s was left out (V5_5 takes it).",)
    low, high = terms.limits["duration_s"]
    given_s = min(max(wanted_s, low), high)
    told = (f"Suno API makes {low:g} to {high:g} s; {given_s:g} s were asked for.",) if given_s != wanted_s else ()
    return {"duration": round(given_s, 2)}, told


def weights(ask: Ask) -> dict[str, float]:
    given = ((field, getattr(ask.params, name)) for name, field in WEIGHTS.items())
    return {field: round(value, 2) for field, value in given if value is not None}


def negative(ask: Ask, terms: Terms, model: str) -> dict[str, str]:
    avoid = ask.params.negative_style_text
    return {"negativeTags": terms.text("negative_style", avoid, model, field="style")} if avoid else {}


def guessed(what: str) -> str:
    return f"The send says nothing of style or content, which Suno API wants to know; it was told {what}."


def joined(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)
