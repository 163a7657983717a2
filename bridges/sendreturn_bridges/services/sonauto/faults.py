"""What Sonauto objects to, as sentences, and what it means for the send.

Errors are `{"detail": "text"}` or, where a field is wrong, `{"detail": [{"loc": [...], "msg": ..., "type": ...}]}`.
There is no code in the body. A refused request costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.answers import Answer


class NoTaskError(ServiceError):
    """Sonauto knows no such task."""


class Objection(NamedTuple):
    """What Sonauto says; `field` is its own name of what is wrong, empty where it names none."""

    field: str
    message: str


class _Meaning(NamedTuple):
    what: str
    hint: str
    outcome: Outcome = Outcome.ASK


def classify(answer: Answer) -> ServiceError | None:
    """What is wrong with an answer; None for a good one, and for one of a server that broke down."""
    if answer.status < 400 or answer.status >= 500 or answer.status in _LEFT_TO_OTHERS:
        return None
    objections = objections_in(answer.body)
    said = "; ".join(f"{o.field}: {o.message}" if o.field else o.message for o in objections) or answer.text[:300]
    meaning = _by_status(answer.status, objections) or _by_words(objections)
    detail = f"HTTP {answer.status}: {said}"[:600]
    of_account = meaning in (_NO_CREDITS, _STATUSES[401], _STATUSES[403])
    kind = NoTaskError if answer.status == 404 else ServiceError
    return kind(meaning.what, meaning.hint, detail, meaning.outcome, of_account=of_account)


def objections_in(body: Any) -> tuple[Objection, ...]:
    """Everything that an answer objects to, in either shape."""
    detail = body.get("detail") if isinstance(body, Mapping) else body
    if isinstance(detail, str):
        return (Objection("", detail.strip()),) if detail.strip() else ()
    if isinstance(detail, Mapping):
        detail = [detail]
    if not isinstance(detail, Sequence):
        return ()
    return tuple(_objection(entry) for entry in detail if isinstance(entry, Mapping | str) and entry)


def failure(message: Any) -> str:
    """Why a task that was accepted has failed, for the user."""
    said = message.strip() if isinstance(message, str) else ""
    known = _known(said)
    if known is not None:
        return f"{known.what} {known.hint} Sonauto's own words: {_ended(said)} Nothing was billed."
    return f"Sonauto could not make it{f': {_ended(said)}' if said else ', and does not say why.'} Nothing was billed."


def blames_request(message: Any) -> bool:
    """Whether a task that has failed with this message would fail again."""
    known = _known(message.strip()) if isinstance(message, str) else None
    return known is not None and known.outcome is not Outcome.RETRY


def _known(said: str) -> _Meaning | None:
    return next((meaning for pattern, meaning in _PATTERNS if pattern.search(said)), None)


def _objection(entry: Mapping[str, Any] | str) -> Objection:
    if isinstance(entry, str):
        return Objection("", entry)
    message = entry.get("msg") or entry.get("message") or entry.get("detail") or ""
    loc = entry.get("loc")
    places = [str(part) for part in loc if part not in ("body", "query", "path")] if isinstance(loc, list) else []
    return Objection(".".join(places), str(message).strip())


def _by_status(status: int, objections: Sequence[Objection]) -> _Meaning | None:
    talk = " ".join(objection.message for objection in objections)
    if status == 402 or (status in (400, 403, 422, 429) and _CREDITS.search(talk)):
        return _NO_CREDITS
    return _STATUSES.get(status)


def _by_words(objections: Sequence[Objection]) -> _Meaning:
    if not objections:
        return _Meaning("Sonauto refused the request without saying why.", "", Outcome.GIVE_UP)
    field, message = objections[0]
    name, _, place = field.partition(".")
    if name == "tags" or (not name and _TAG.search(message)):
        return _unknown_tag(message, place)
    known = next((meaning for pattern, meaning in _PATTERNS if pattern.search(message)), None)
    if known is not None:
        return known
    ours = _OUR_NAMES.get(name, f"{name} in service_options" if name.isidentifier() else "")
    if ours:
        return _Meaning(f"Sonauto objects to {ours}: {_ended(message)}", f"Change {ours}, then send it again.")
    return _Meaning(f"Sonauto refused the request: {_ended(message)}", "Change what it objects to, then send it again.")


def _unknown_tag(message: str, place: str) -> _Meaning:
    quoted = _QUOTED.search(message)
    number = f" (number {int(place) + 1} of those in style)" if place.isascii() and place.isdigit() else ""
    which = f"the style “{next(filter(None, quoted.groups()))}”" if quoted else f"a style{number}: {_ended(message)}"
    hint = "Change style: it takes only tags of its Tag Explorer, say “male vocalist” in place of “male vocals”."
    return _Meaning(f"Sonauto does not take {which}" + ("." if quoted else ""), hint)


def _ended(sentence: str) -> str:
    text = " ".join(sentence.split())[:300]
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(words, re.IGNORECASE)


_TAG = _pattern(r"\btags?\b")
_CREDITS = _pattern(r"credit|balance|insufficient fund|payment")
_QUOTED = re.compile(r"'([^']{1,80})'|\"([^\"]{1,80})\"|“([^”]{1,80})”|`([^`]{1,80})`")

_LEFT_TO_OTHERS = (408, 425)
"""What these mean depends on whether the request may be billed, which `net` knows."""
_NO_CREDITS = _Meaning("Sonauto says that there are not enough credits.", "Buy credits there, then `retry`.")
_STATUSES: Mapping[int, _Meaning] = {
    401: _Meaning(
        "Sonauto does not take the API key.",
        "Copy it again from sonauto.ai/developers/account; `sendreturn key set sonauto` keeps it.",
    ),
    403: _Meaning(
        "Sonauto does not allow this with the API key.",
        "Its credits may be used up, or the account blocked: look at sonauto.ai/developers/account.",
    ),
    404: _Meaning(
        "Sonauto does not know this task or address.",
        "It keeps songs for a week. If it is younger, look at base_url in the configuration.",
        Outcome.GIVE_UP,
    ),
    413: _Meaning(
        "Sonauto says that the clip is too large.", "Send less of it, with range_s, or as FLAC.", Outcome.GIVE_UP
    ),
    429: _Meaning("Sonauto gets too many requests from you at the moment.", "", Outcome.RETRY),
}
_PATTERNS: Sequence[tuple[re.Pattern[str], _Meaning]] = (
    (
        _pattern(r"moderat|inappropriate|explicit|nsfw|prohibited|content polic"),
        _Meaning("Sonauto's moderation objects to the words.", "Change prompt, lyrics or style, then send it again."),
    ),
    (
        _pattern(r"copyright|existing (song|recording|work)|lyrics? filter"),
        _Meaning("Sonauto takes this for somebody else's work.", "Send other words, or a clip of your own."),
    ),
    (
        _pattern(r"duplicate|already (been )?uploaded"),
        _Meaning("Sonauto says that it has this clip already.", "Send another part of it, with range_s."),
    ),
    (
        _pattern(r"not ready for streaming"),
        _Meaning("Sonauto has nothing to listen to yet.", "", Outcome.RETRY),
    ),
    (
        _pattern(r"url.{0,40}(accessible|reach|fetch|download)|(fetch|download).{0,40}(url|audio)"),
        _Meaning(
            "Sonauto cannot fetch the clip from its address.",
            "Send a copy of it from another folder: then the audio itself goes along.",
        ),
    ),
    (
        _pattern(r"(decode|unsupported|invalid|corrupt).{0,30}(audio|format|file)|(audio|file).{0,30}(decode|corrupt)"),
        _Meaning("Sonauto cannot read the clip.", "Send it as FLAC or as a plain 16- or 24-bit WAV."),
    ),
)
"""Parts of messages; the first that fits is taken."""
_OUR_NAMES: Mapping[str, str] = {
    "prompt": "prompt",
    "lyrics": "lyrics",
    "negative_tags": "negative_style",
    "prompt_strength": "style_strength",
    "length_range": "extend_s",
    "extend_duration": "extend_s",
    "crop_duration": "from_s",
    "side": "side",
    "sections": "section_s",
    "seed": "seed",
    "bpm": "bpm",
    "num_songs": "takes",
    "instrumental": "instrumental",
    "audio_base64": "the clip",
    "audio_url": "the clip",
}
"""What the user calls Sonauto's fields."""
