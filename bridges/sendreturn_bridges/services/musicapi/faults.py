"""What MusicAPI objects to, as sentences, and what it means for the send.

Its envelope is `{"type", "error"}`; the text is also found as `message` or `detail`, and that of a clip that it could
not take in `steps.upload`. A 403 is about credits, the subscription or the words, hardly ever about the key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.answers import Answer

from sendreturn_bridges.suno.doubts import broke_down
from sendreturn_bridges.suno.words import quoted

WHERE = "your credits there"
"""Where the user sees whether a request was billed."""
NOT_BILLED = (500, 502, 503, 504)
"""Statuses whose bodies may say that the clip could not be taken, so that nothing was begun."""


class TaskError(ServiceError):
    """A task has failed, which MusicAPI tells with an error status."""


class NoTaskError(ServiceError):
    """MusicAPI knows no such task."""


class Objection(NamedTuple):
    kind: str
    message: str
    is_about_upload: bool = False
    is_passing: bool = False


class _Meaning(NamedTuple):
    what: str
    hint: str
    outcome: Outcome


def classify(answer: Answer) -> ServiceError | None:
    """What is wrong with an answer; None for a good one, and for one that MusicAPI itself did not write."""
    objection = objection_in(answer.body)
    if answer.status < 400 and (objection is None or not _says_no(answer)):
        return None
    if objection is None or not (objection.message or objection.kind):
        return None
    if (fate := _fate_of_task(objection)) is not None:
        return fate
    if answer.status >= 500 and objection.is_about_upload:
        return _of_upload(answer, objection)
    meaning = _meaning(answer.status, objection)
    return None if meaning is None else _error(meaning, answer, objection)


def classify_look(answer: Answer) -> ServiceError | None:
    """As `classify`, for questions how a task stands: a 404 is about the task."""
    if answer.status == 404:
        return NoTaskError("MusicAPI knows no such task.", "", answer.text[:300])
    return classify(answer)


def classify_request(answer: Answer) -> ServiceError | None:
    """As `classify`, for requests that may be billed: a breakdown that MusicAPI does not explain leaves it open whether
    it was."""
    error = classify(answer)
    if error is not None or answer.status < 500:
        return error
    return broke_down("MusicAPI", WHERE, answer)


def objection_in(body: Any) -> Objection | None:
    """Kind and message of an error, wherever they stand; None where the body tells of none."""
    if not isinstance(body, Mapping):
        return None
    steps = body.get("steps")
    step = steps.get("upload") if isinstance(steps, Mapping) else None
    kind = str(body.get("type") or "")
    if isinstance(step, Mapping) and step.get("error"):
        said = [_said(step.get(name)) for name in ("message", "error")]
        return Objection(kind, ": ".join(part for part in said if part), is_about_upload=True)
    message = next((_said(body.get(name)) for name in ("error", "detail", "message") if _said(body.get(name))), "")
    is_passing = body.get("retriable") is True
    return Objection(kind, message, is_passing=is_passing) if kind or message else None


def sentence(said: str) -> str:
    """Why a clip or a task has failed, for the user."""
    meaning = _by_message(said) or _FAILED
    return f"{meaning.what}{quoted(said)} {meaning.hint}".strip()


def blames_request(said: str) -> bool:
    """Whether a task that has failed with this message would fail again."""
    meaning = _by_message(said)
    return meaning is not None and meaning not in _OF_ACCOUNT


def _says_no(answer: Answer) -> bool:
    """A good status may come with an error: a `code` that is one, or the name of an error's kind."""
    body = answer.body
    code = body.get("code")
    is_bad_code = isinstance(code, int) and code >= 400
    return is_bad_code or str(body.get("type") or "") in _KINDS


def _said(value: Any) -> str:
    """A text, or the text inside a table or a list, as validators write them."""
    if isinstance(value, list):
        value = next(iter(value), "")
    if isinstance(value, Mapping):
        value = value.get("message") or value.get("msg") or value.get("error") or ""
    return value.strip() if isinstance(value, str) else ""


def _fate_of_task(objection: Objection) -> ServiceError | None:
    folded = objection.message.casefold()
    if "task not found" in folded:
        return NoTaskError("MusicAPI knows no such task.", "", objection.message)
    if "task failed" in folded or "previously refunded" in folded:
        return TaskError(sentence(objection.message), "", objection.message)
    return None


def _of_upload(answer: Answer, objection: Objection) -> ServiceError:
    """The clip could not be taken, so nothing was begun: the whole may be asked for again."""
    meaning = _by_message(objection.message) or _Meaning("MusicAPI could not take the clip.", "", Outcome.RETRY)
    return _error(meaning, answer, objection)


def _meaning(status: int, objection: Objection) -> _Meaning | None:
    if status == 429 or objection.kind == "rate_limit":
        return _TOO_MANY
    by_message = _by_message(objection.message)
    if by_message is not None:
        return by_message
    if objection.is_passing and status < 500:
        return _PASSING
    by_kind = _KINDS.get(objection.kind)
    if by_kind is not None and (status < 500 or by_kind.outcome is not Outcome.GIVE_UP):
        return by_kind
    return _STATUSES.get(status, _REFUSED) if status < 500 else None


def _by_message(message: str) -> _Meaning | None:
    folded = message.casefold()
    return next((meaning for part, meaning in _MESSAGES if part in folded), None)


def _error(meaning: _Meaning, answer: Answer, objection: Objection) -> ServiceError:
    said = ": ".join(part for part in objection[:2] if part)
    what = meaning.what + quoted(objection.message)
    of_account = meaning in _OF_ACCOUNT
    return ServiceError(
        what, meaning.hint, f"HTTP {answer.status}: {said}"[:600], meaning.outcome, of_account=of_account
    )


def _ask(what: str, hint: str) -> _Meaning:
    return _Meaning(what, hint, Outcome.ASK)


def _too_long(what: str) -> _Meaning:
    are = "are" if what == "lyrics" else "is"
    return _ask(f"MusicAPI says that the {what} {are} too long.", f"Shorten {what}, or choose a newer model.")


_KEY = _ask(
    "MusicAPI does not take the API key.",
    "Copy the key again from MusicAPI's dashboard; `sendreturn key set musicapi` keeps it.",
)
_NO_CREDITS = _ask("MusicAPI's credits are used up.", "Buy credits or renew the subscription there, then `retry`.")
_REFUSED = _Meaning("MusicAPI refused the request.", "Change what it objects to, then send it again.", Outcome.GIVE_UP)
_FORBIDDEN = _ask("MusicAPI does not allow this.", "Look at credits and subscription there, and at your words.")
_FAILED = _Meaning("MusicAPI could not make it.", "", Outcome.GIVE_UP)
_PASSING = _Meaning("MusicAPI cannot do this at the moment.", "", Outcome.RETRY)
_TOO_MANY = _Meaning("MusicAPI gets too many requests from you.", "", Outcome.RETRY)
_GONE = _ask("MusicAPI no longer has the song.", "A copy of the file in another folder is sent as a clip of your own.")
_RETIRED = _Meaning("MusicAPI no longer offers this.", "", Outcome.GIVE_UP)
_MODERATED = _ask("MusicAPI's moderation objects to the words.", "Change prompt, lyrics or style, then send it again.")

_INACTIVE = _ask("Your subscription at MusicAPI is not active.", "Renew it there, then `retry`.")
_OF_ACCOUNT = (_KEY, _NO_CREDITS, _INACTIVE)

_KINDS: Mapping[str, _Meaning] = {
    "validation_error": _REFUSED,
    "unauthorized": _KEY,
    "insufficient_credits": _NO_CREDITS,
    "forbidden": _FORBIDDEN,
    "not_found": _GONE,
    "endpoint_retired": _RETIRED,
    "rate_limit": _TOO_MANY,
}
_STATUSES = {401: _KEY, 402: _NO_CREDITS, 403: _FORBIDDEN, 404: _GONE, 410: _RETIRED, 429: _TOO_MANY}

_MESSAGES: Iterable[tuple[str, _Meaning]] = (
    ("authorization", _KEY),
    ("remaining credits", _NO_CREDITS),
    ("not enough credits", _NO_CREDITS),
    ("active subscription", _INACTIVE),
    (
        "copyrighted content",
        _ask("MusicAPI takes the words for somebody else's lyrics.", "Write other lyrics, then send it again."),
    ),
    ("lyrics format", _ask("MusicAPI cannot make sense of the lyrics.", "Write them plainly, then send it again.")),
    ("inappropriate", _MODERATED),
    ("moderation", _MODERATED),
    (
        "artist name",
        _ask("MusicAPI found an artist's name in the words.", "Describe the sound without naming artists."),
    ),
    ("producer tag", _ask("MusicAPI found a producer tag in the words.", "Take it out.")),
    (
        "existing recording",
        _Meaning(
            "MusicAPI recognised the clip as a published recording, and takes only your own material.",
            "Send another clip, or use local.",
            Outcome.GIVE_UP,
        ),
    ),
    (
        "not accessible",
        _ask(
            "MusicAPI could not fetch the clip from its address.",
            "Look whether public_url reaches this machine from outside, then `retry`.",
        ),
    ),
    ("invalid audio", _ask("MusicAPI cannot read the clip.", "Send it as WAV or MP3, and at most 8 minutes of it.")),
    ("'mv' field", _ask("MusicAPI does not know the model.", "Leave model out, or name one that it has.")),
    ("'persona_id' field", _ask("MusicAPI wants to know the persona.", "Set service_options: {persona_id: its id}.")),
    ("gpt_description_prompt' character", _too_long("prompt")),
    ("prompt character length", _too_long("lyrics")),
    ("tags character length", _too_long("style")),
    ("title character length", _too_long("title")),
    ("name character length", _too_long("title")),
    ("description character length", _too_long("prompt")),
    ("no lyrics", _ask("MusicAPI finds no words in the song.", "Ask for timed words of a song that is sung.")),
)
"""Parts of MusicAPI's messages, in lower case; the first that fits is taken."""
