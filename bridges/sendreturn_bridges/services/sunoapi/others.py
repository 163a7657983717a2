"""The requests that make something else than songs, as Suno API wants them: texts, stems, notes, files. No I/O."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from sendreturn.audio.stem_names import stem_of
from sendreturn.contract import Ask
from sendreturn.errors import Refusal

from sendreturn_bridges.services.sunoapi import section
from sendreturn_bridges.services.sunoapi.asked import earlier_song, is_draft, options_of, passed_on
from sendreturn_bridges.services.sunoapi.request import Request
from sendreturn_bridges.services.sunoapi.stem_names import ADVANCED, KINDS, NAMED
from sendreturn_bridges.services.sunoapi.terms import Terms

OWN_SONGS_ONLY = (
    "Send a file that came back from Suno API as it is, or name its song in service_options: task_id, audio_id."
)


def build_other(ask: Ask, terms: Terms) -> Request:
    """The request for an operation that makes no songs. Raises Refusal."""
    return _BUILDERS[ask.operation](ask, terms)


def recovery(ask: Ask) -> Request:
    """The songs of an earlier task, once more."""
    return Request("recovery", {"sunoTaskId": str(options_of(ask)["recover_task"])}, price="recovery")


# What is asked of a finished song


def separation(song: Mapping[str, str], count: int, *, keep: bool) -> Request:
    """Stems of a song; without `keep` only as a step towards its notes."""
    body = {**song, "type": KINDS[count]}
    return Request("separation", body, context={"keep": keep, "kind": KINDS[count]}, price=_price(KINDS[count]))


def notes(separation_task: str, *, last: bool) -> Request:
    """The notes of a separated song. Where it is the `last` way to have them, finding none is a failure."""
    return Request("notes", {"taskId": separation_task}, context={"last": last}, price="notes")


def of_song(name: str, song: Mapping[str, str], context: Mapping[str, Any] | None = None) -> Request:
    """A WAV, a video or the timed words of a song; `context` says what a WAV has in common with the MP3."""
    return Request(name, dict(song), context=context or {})


# One function for each operation


def _lyrics(ask: Ask, terms: Terms) -> Request:
    wanted = terms.fitted("prompt", ask.params.prompt or "", terms.limits["lyrics_prompt"])
    return Request("lyrics", {"prompt": wanted, **passed_on(ask)})


def _tags(ask: Ask, terms: Terms) -> Request:
    content = ", ".join(part for part in (ask.params.style_text, ask.params.prompt) if part)
    if not content:
        raise Refusal("tags needs something to write out.", "Set style or prompt.")
    return Request("style", {"content": content})


def _stems(ask: Ask, terms: Terms) -> Request:
    options = options_of(ask)
    if options.get("type") == ADVANCED or options.get("stemName"):
        return _advanced(ask, terms, str(options.get("stemName") or ""))
    return _separated(ask, terms, _count(ask), keep=True)


def _midi(ask: Ask, terms: Terms) -> Request:
    """Notes are made of a separated song, so the separation comes first; its stems are given out unless unwanted."""
    return _separated(ask, terms, _count(ask), keep=ask.params.stems != 0)


def _count(ask: Ask) -> int:
    count = ask.params.stems or 2
    if count not in KINDS:
        raise Refusal(
            f"Suno API separates a song into 2 or 12 stems, not into {count}.",
            "Set stems to 2 or 12, or use the service local for 4.",
        )
    return count


def _separated(ask: Ask, terms: Terms, count: int, *, keep: bool) -> Request:
    song = earlier_song(ask)
    if song is not None:
        return separation(song, count, keep=keep)
    return _from_clip(ask, terms, separation({}, count, keep=keep))


def _from_clip(ask: Ask, terms: Terms, request: Request) -> Request:
    assert ask.clip is not None
    terms.check_upload(ask, None)
    if not is_draft(ask):
        terms.check_size(ask.clip)
    return Request(request.endpoint, request.body, "audioUrl", request.context, price=request.price)


def _advanced(ask: Ask, terms: Terms, name: str) -> Request:
    known = {stem.casefold(): stem for stem in NAMED}
    if name.casefold() not in known:
        near = difflib.get_close_matches(name, NAMED, 3)
        hint = f"Did you mean {' or '.join(near)}?" if near else "Its reference lists them: Lead Vocal, Bass …"
        raise Refusal(f"Suno API knows no stem {name!r} (stemName).", hint)
    body = {"type": ADVANCED, "stemName": known[name.casefold()]}
    context = {"keep": True, "kind": ADVANCED, "stem": stem_of(name)}
    song = earlier_song(ask)
    request = Request("separation", {**(song or {}), **body}, context=context, price=_price(ADVANCED))
    return request if song is not None else _from_clip(ask, terms, request)


def _own_song(ask: Ask, what: str) -> dict[str, str]:
    song = earlier_song(ask)
    if song is None:
        raise Refusal(f"Suno API makes {what} only of songs that it has made itself.", OWN_SONGS_ONLY)
    return song


def _wav(ask: Ask, terms: Terms) -> Request:
    return of_song("wav", _own_song(ask, "a WAV"))


def _timed_lyrics(ask: Ask, terms: Terms) -> Request:
    return of_song("timed_lyrics", _own_song(ask, "timed lyrics"))


def _video(ask: Ask, terms: Terms) -> Request:
    names = {
        name: terms.fitted(name, str(options_of(ask)[name]), terms.limits["name"])
        for name in ("author", "domainName")
        if options_of(ask).get(name)
    }
    return Request("video", {**_own_song(ask, "a video"), **names})


def _cover_art(ask: Ask, terms: Terms) -> Request:
    return Request("cover_art", {"taskId": _own_song(ask, "cover art")["taskId"]})


def _persona(ask: Ask, terms: Terms) -> Request:
    if options_of(ask).get("voice"):
        return _voice(ask, terms)
    song = _own_song(ask, "a persona")
    about = ask.params.prompt or ask.params.style_text
    if not about:
        raise Refusal("A persona needs a description.", "Set prompt to what its voice and style are like.")
    assert ask.clip is not None
    start_s, end_s = _heard_s(ask.params.section_s, ask.clip.duration_s, terms)
    body: dict[str, Any] = {
        **song,
        "name": ask.params.title or f"persona {ask.send_id}",
        "description": about,
        "vocalStart": round(start_s, 2),
        "vocalEnd": round(end_s, 2),
    }
    style = {"style": ask.params.style_text} if ask.params.style else {}
    return Request("persona", {**body, **style, **passed_on(ask)})


def _heard_s(section_s: tuple[float, float] | None, clip_s: float, terms: Terms) -> tuple[float, float]:
    """The part of a song in which a persona is heard. Raises Refusal."""
    low, high = terms.limits["persona_s"]
    start_s, end_s = section_s or (0.0, min(high, clip_s))
    what = f"A persona is heard in {low:g} to {high:g} s of a song, not in {end_s - start_s:.1f} s."
    if clip_s < low:
        raise Refusal(what, f"Send a song of at least {low:g} s.")
    if end_s > clip_s + section.TOLERANCE_S:
        raise Refusal(
            f"section_s is {start_s:g} to {end_s:g} s, but the clip is {clip_s:.3f} s long.",
            "Choose a section inside it.",
        )
    if not low <= end_s - start_s <= high:
        first_s = min(start_s, clip_s - low)
        raise Refusal(what, f"Set section_s, say [{first_s:g}, {min(first_s + high, clip_s):g}].")
    return start_s, end_s


# A voice of one's own: validate gives a phrase, a recording of the phrase gives the voice


def _voice(ask: Ask, terms: Terms) -> Request:
    step = str(options_of(ask)["voice"])
    if step not in _VOICE_STEPS:
        raise Refusal(f"Suno API has no voice step {step!r}.", f"Its steps are {', '.join(_VOICE_STEPS)}.")
    if step != "validate" and not options_of(ask).get("task_id"):
        raise Refusal(
            f"The voice step {step} needs the task that the step validate has begun.",
            "Set service_options: {task_id: …}; it stands in the text that validate has returned.",
        )
    return _VOICE_STEPS[step](ask)


def _validate(ask: Ask) -> Request:
    assert ask.clip is not None
    start_s, end_s = ask.params.section_s or (0.0, ask.clip.duration_s)
    body = {"vocalStartS": int(start_s), "vocalEndS": int(end_s), "language": "en", **passed_on(ask)}
    return Request("voice_validate", body, "voiceUrl", price="voice")


def _voice_generate(ask: Ask) -> Request:
    named = {"voiceName": ask.params.title, "description": ask.params.prompt, "style": ask.params.style_text}
    given = {name: value for name, value in named.items() if value}
    body = {"taskId": str(options_of(ask)["task_id"]), **given, **passed_on(ask)}
    return Request("voice_generate", body, "verifyUrl", price="voice")


def _voice_regenerate(ask: Ask) -> Request:
    return Request("voice_regenerate", {"taskId": str(options_of(ask)["task_id"])}, price="voice")


def _voice_check(ask: Ask) -> Request:
    return Request("voice_check", {"task_id": str(options_of(ask)["task_id"])}, price="voice")


_VOICE_STEPS: Mapping[str, Callable[[Ask], Request]] = {
    "validate": _validate,
    "generate": _voice_generate,
    "regenerate": _voice_regenerate,
    "check": _voice_check,
}
_BUILDERS: Mapping[str, Callable[[Ask, Terms], Request]] = {
    "lyrics": _lyrics,
    "tags": _tags,
    "stems": _stems,
    "midi": _midi,
    "wav": _wav,
    "timed_lyrics": _timed_lyrics,
    "video": _video,
    "cover_art": _cover_art,
    "persona": _persona,
}


def _price(kind: str) -> str:
    return {"split_stem": "stems_12", ADVANCED: "stems_advanced"}.get(kind, "stems")
