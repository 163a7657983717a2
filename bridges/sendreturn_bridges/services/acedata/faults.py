"""What AceData objects to, as sentences, and what it means for the send.

There are two envelopes: the gateway's `{"error": {"code", "message"}, "trace_id"}` and the workers'
`{"success": false, "error": …, "task_id"?}`, in which `error` may also be a text, a list or null, and which also comes
with the status 200. A 403 is about credits or the content, hardly ever about the key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.answers import Answer

from sendreturn_bridges.suno.doubts import broke_down
from sendreturn_bridges.suno.words import quoted

WHERE = "the history in AceData's console"
"""Where the user sees whether a request was billed."""
NEVER_BILLED = (500, 503)
"""Statuses whose messages may say that nothing was begun (`_DOWN`); AceData does not bill failed requests. What else
comes with them is for `classify_request` to judge."""


class Objection(NamedTuple):
    code: str
    message: str


class _Meaning(NamedTuple):
    what: str
    hint: str
    outcome: Outcome


def classify(answer: Answer) -> ServiceError | None:
    """What is wrong with an answer; None for a good one, and for one that AceData itself did not write."""
    failed = isinstance(answer.body, Mapping) and answer.body.get("success") is False
    if answer.status < 400 and not failed:
        return None
    if answer.status == 413:
        return _error(_TOO_LARGE, answer, objection_in(answer.body))
    if answer.status == 402:
        return _error(_KEY, answer, Objection("x402", "Payment Required"))
    objection = objection_in(answer.body)
    meaning = _meaning(answer.status, objection) if objection is not None else None
    if meaning is None and failed and answer.status < 500:
        meaning = _REFUSED
    return _error(meaning, answer, objection) if meaning is not None else None


def classify_request(answer: Answer) -> ServiceError | None:
    """As `classify`, for requests that may be billed: a breakdown that AceData does not explain leaves it open whether
    it was."""
    error = classify(answer)
    if error is not None or answer.status < 500:
        return error
    return broke_down("AceData", WHERE, answer)


def classify_platform(answer: Answer) -> ServiceError | None:
    """As `classify`, for the platform, whose tokens may have to be of another kind."""
    objection = objection_in(answer.body)
    about_key = answer.status in (401, 402, 403) or (objection is not None and objection.code in _KEY_CODES)
    return _error(_PLATFORM_KEY, answer, objection) if about_key else classify(answer)


def objection_in(body: Any) -> Objection | None:
    """Code and message of an error, whichever shape it has; None where the body tells of none."""
    if not isinstance(body, Mapping) or ("error" not in body and body.get("success") is not False):
        return None
    error = body.get("error")
    if isinstance(error, list):
        error = next((one for one in error if one), None)
    if isinstance(error, Mapping):
        return Objection(str(error.get("code") or ""), str(error.get("message") or ""))
    return Objection(str(body.get("code") or ""), str(error or body.get("message") or ""))


def sentence(objection: Objection) -> str:
    """Why a task has failed, for the user."""
    meaning = _meaning(0, objection)
    what = _FAILED if meaning is None or meaning is _REFUSED else meaning
    return f"{what.what}{quoted(objection.message or objection.code)} {what.hint}".strip()


def blames_request(objection: Objection) -> bool:
    """Whether a task that has failed with this objection would fail again."""
    meaning = _meaning(0, objection)
    return meaning is not None and meaning.outcome is Outcome.ASK and meaning not in _OF_ACCOUNT


def _meaning(status: int, objection: Objection) -> _Meaning | None:
    folded = objection.message.casefold()
    if not folded and not objection.code:
        return _SILENT if status < 500 else None
    by_message = next((meaning for part, meaning in _MESSAGES if part in folded), None)
    if by_message is not None:
        return by_message
    if objection.code in _CODES:
        return _CODES[objection.code]
    return _REFUSED if status < 500 else None


def _error(meaning: _Meaning, answer: Answer, objection: Objection | None) -> ServiceError:
    trace = answer.body.get("trace_id") if isinstance(answer.body, Mapping) else None
    said = ": ".join(part for part in objection or () if part)
    detail = f"HTTP {answer.status}: {said}" + (f" (trace {trace})" if trace else "")
    what = meaning.what + quoted(objection.message if objection is not None else "")
    return ServiceError(what, meaning.hint, detail[:600], meaning.outcome, of_account=meaning in _OF_ACCOUNT)


_SET_KEY = "Copy the key again from AceData's console; `sendreturn key set acedata` keeps it."
_KEY = _Meaning("AceData does not take the API key.", _SET_KEY, Outcome.ASK)
_KEY_CODES = frozenset({"no_token", "invalid_token", "token_expired", "token_mismatched"})
_PLATFORM_KEY = _Meaning(
    "AceData's platform, which takes the clips, does not take the API key.",
    "Set ACEDATA_PLATFORM_KEY to a platform token from its console, or hosting.kind to serve or s3.",
    Outcome.ASK,
)
_TOO_LARGE = _Meaning("AceData says that the clip is too large.", "Send a part of it with range_s.", Outcome.GIVE_UP)
_OTHER_KEY = _Meaning(
    "The API key belongs to another of AceData's services.",
    "Take a global key, or one for Suno, from AceData's console; `sendreturn key set acedata` keeps it.",
    Outcome.ASK,
)
_NO_CREDITS = _Meaning("AceData's balance is used up.", "Top it up in AceData's console, then `retry`.", Outcome.ASK)
_REFUSED = _Meaning("AceData refused the request.", "Change what it objects to, then send it again.", Outcome.GIVE_UP)
_SILENT = _Meaning("AceData failed without saying why.", "", Outcome.GIVE_UP)
_FAILED = _Meaning("AceData could not make it.", "", Outcome.GIVE_UP)
_MODERATED = _Meaning(
    "AceData's moderation objects to the words.", "Change prompt, lyrics or style, then send it again.", Outcome.ASK
)
_DOWN = _Meaning("AceData has nobody free to work on this at the moment.", "", Outcome.RETRY)


def _ask(what: str, hint: str) -> _Meaning:
    return _Meaning(what, hint, Outcome.ASK)


def _too_long(what: str) -> _Meaning:
    return _ask(f"AceData says that the {what} is too long.", f"Shorten {what}, or choose a newer model.")


_EXPIRED = _Meaning("The API key for AceData has expired.", _SET_KEY, Outcome.ASK)
_DISABLED = _Meaning("AceData has disabled this key or its application.", "See its console.", Outcome.ASK)
_OF_ACCOUNT = (_KEY, _PLATFORM_KEY, _OTHER_KEY, _NO_CREDITS, _EXPIRED, _DISABLED)

_CODES: Mapping[str, _Meaning] = {
    "no_token": _KEY,
    "invalid_token": _KEY,
    "token_expired": _EXPIRED,
    "token_mismatched": _OTHER_KEY,
    "disabled": _DISABLED,
    "used_up": _NO_CREDITS,
    "forbidden": _MODERATED,
    "content_rejected": _MODERATED,
    "bad_request": _REFUSED,
    "api_not_implemented": _Meaning("AceData does not offer this operation.", "", Outcome.GIVE_UP),
    "no_api": _Meaning("AceData does not know this address.", "Look at base_url in the config.", Outcome.GIVE_UP),
    "too_many_requests": _Meaning("AceData gets too many requests from you.", "", Outcome.RETRY),
    "voices_sound_different": _ask(
        "AceData could not confirm the voice.", "Send a cleaner part of one voice, or try once more."
    ),
}

_ARTIST = _ask("AceData found an artist's name in the words.", "Describe the sound without naming artists.")

_MESSAGES: Iterable[tuple[str, _Meaning]] = (
    (
        "does not exist or has been taken offline",
        _ask("AceData no longer has the song.", "A copy of the file in another folder is sent as a clip of your own."),
    ),
    # Of Suno's models, the lyrics are the prompt; what is described is the topic.
    ("prompt too long", _ask("AceData says that the prompt is too long.", "Shorten lyrics and prompt.")),
    ("tags too long", _too_long("style")),
    ("style must be less than or equal", _too_long("style")),
    ("title too long", _too_long("title")),
    ("topic too long", _too_long("prompt")),
    (
        "matches existing work of art",
        _Meaning(
            "AceData recognised the clip as a published recording, and takes only your own material.",
            "Send another clip, or use local.",
            Outcome.GIVE_UP,
        ),
    ),
    ("lyric is required", _ask("AceData wants lyrics for this.", "Set lyrics, or instrumental: true.")),
    ("prompt is required", _ask("AceData wants a prompt for this.", "Set prompt.")),
    ("continue_at", _ask("AceData cannot continue from that point.", "Set from_s to a point inside the clip.")),
    ("model is invalid", _ask("AceData does not know the model.", "Leave model out, or name one that it has.")),
    ("style_weight must be", _ask("AceData wants style_strength between 0 and 1.", "Set it in between.")),
    ("weirdness_constraint must be", _ask("AceData wants weirdness between 0 and 1.", "Set it in between.")),
    ("contained artist name", _ARTIST),
    ("contained producer tag", _ask("AceData found a producer tag in the words.", "Take it out.")),
    (
        "copyrighted",
        _ask("AceData takes the words for somebody else's lyrics.", "Write other lyrics, then send it again."),
    ),
    ("malformed", _ask("AceData cannot make sense of the words.", "Write them plainly, then send it again.")),
    ("inappropriate", _MODERATED),
    ("moderation", _MODERATED),
    ("generic openai error", _MODERATED),
    (
        "unable to generate lyrics",
        _ask("AceData could not write lyrics for this prompt.", "Set lyrics, or another prompt."),
    ),
    ("no available worker", _DOWN),
    ("under maintenance", _DOWN),
    ("sound different", _CODES["voices_sound_different"]),
)
"""Parts of AceData's messages, in lower case; the first that fits is taken."""
