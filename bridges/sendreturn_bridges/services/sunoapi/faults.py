"""What Suno API says when something is wrong, as sentences, and what follows from it.

The HTTP status is 200 for most of them; the `code` in the body counts. Code 429 is "insufficient credits" in most of
the service's pages and "rate limited" in others: its message decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.answers import LOOK_FIRST, SET_KEY, Answer

from sendreturn_bridges.services.sunoapi.reading import field, number, table, text

GOOD = frozenset({200, 201})
"""201 is a recovery that is not ready."""
ALREADY = frozenset({400, 409})
CREDIT_WORDS = ("credit", "balance", "insufficient")
PACE_WORDS = ("rate", "frequen", "too many", "limit", "slow down")
WORK_WORDS = ("existing work", "copyright", "matches")
BUY = "Buy credits there, then `retry`."

_SENTENCES: Mapping[int, tuple[str, str, Outcome]] = {
    400: ("Suno API finds something wrong with the request.", "", Outcome.GIVE_UP),
    401: ("Suno API does not take the API key.", SET_KEY, Outcome.ASK),
    402: ("There are not enough credits at Suno API.", BUY, Outcome.ASK),
    403: ("Suno API does not allow this with the API key.", SET_KEY, Outcome.ASK),
    404: ("Suno API does not know this request or this task.", "", Outcome.GIVE_UP),
    409: ("Suno API has made this already.", "Look for it in your account there.", Outcome.GIVE_UP),
    413: ("A text is too long for Suno API.", "Shorten prompt, lyrics or style.", Outcome.GIVE_UP),
    422: ("Suno API finds a value in the request that it does not take.", "", Outcome.GIVE_UP),
    430: ("Suno API asks for fewer requests.", "", Outcome.RETRY),
    455: ("Suno API is under maintenance.", "", Outcome.RETRY),
}
_PACE = _SENTENCES[430]
_CREDITS = _SENTENCES[402]
_UNFETCHED = ("Suno API could not fetch the clip from its address.", "`retry` uploads it anew.", Outcome.GIVE_UP)
_RIGHTS = ("Suno API takes the clip for a known work.", "Send audio that you have the rights to.", Outcome.GIVE_UP)
_NO_TASK = ("Suno API does not know this task any more.", "Its results are kept for 14 days.", Outcome.GIVE_UP)

_WORDS: Mapping[str, str] = {
    "SENSITIVE_WORD_ERROR": "Suno API objects to words in the text: change prompt, lyrics, style or title.",
    "CREATE_TASK_FAILED": "Suno API could not begin the task: look at the model, the texts and the clip.",
    "GENERATE_AUDIO_FAILED": "Suno API could not make the audio.",
    "GENERATE_LYRICS_FAILED": "Suno API could not write the lyrics: put the prompt in other words.",
    "GENERATE_WAV_FAILED": "Suno API could not make the WAV.",
    "GENERATE_MP4_FAILED": "Suno API could not make the video.",
    "CALLBACK_EXCEPTION": "Suno API could not call back, and no result has appeared since.",
}
_CODES: Mapping[int, str] = {
    400: "Suno API could not use the request: look at the texts and the clip.",
    402: "There are not enough credits at Suno API.",
    408: "Suno API ran out of time.",
    413: "Suno API takes the clip for a known work: send audio that you have the rights to.",
    422: "Suno API could not use a value of the request.",
    451: "Suno API could not fetch the clip, or does not allow it.",
    531: "Suno API could not make it, and says that it has given the credits back.",
}


class AlreadyThere(ServiceError):  # noqa: N818 - a state of affairs, as its siblings in errors.py
    """What is asked for has been asked for before; `task_id` is the task that makes it."""

    def __init__(self, task_id: str) -> None:
        what, hint, outcome = _SENTENCES[409]
        super().__init__(what, hint, outcome=outcome)
        self.task_id = task_id


class Doubtful(ServiceError):  # noqa: N818
    """A failure that means something else where a request may be billed: then `paid` is raised in its place."""

    def __init__(self, what: str, detail: str, paid: ServiceError) -> None:
        super().__init__(what, "", detail, Outcome.RETRY)
        self.paid = paid


def classify(answer: Answer) -> ServiceError | None:
    """What is wrong with an answer; None where it is good, or where its status alone says what is wrong."""
    body = table(answer.body)
    said = number(body.get("code"))
    code = int(said) if said is not None else answer.status if answer.status >= 400 else 200
    refused = body.get("success") is False and code in GOOD
    if (code in GOOD and not refused) or (said is None and answer.status >= 500):
        return None
    msg = text(field(body, "msg", "message", "error"))
    task_id = text(field(table(body.get("data")), "taskId"))
    if code in ALREADY and task_id:
        return AlreadyThere(task_id)
    return _error(400 if refused else code, msg, f"code {code}: {msg}" if msg else f"code {code}")


def failure(word: str, code: Any, message: Any) -> str:
    """A failed task as one sentence, with the service's own words."""
    number_of_it = number(code)
    known = _CODES.get(int(number_of_it)) if number_of_it is not None else None
    what = _WORDS.get(word) if word in ("SENSITIVE_WORD_ERROR", "CALLBACK_EXCEPTION") else known or _WORDS.get(word)
    own = text(message)
    sentence = what or "Suno API could not do it."
    return f"{sentence} It says: {own.rstrip('.')}." if own else sentence


def _error(code: int, msg: str, detail: str) -> ServiceError:
    folded = msg.casefold()
    if code in (405, 429, 430):
        return _too_many(code, folded, detail)
    if code >= 500 and any(words in folded for words in ("not exist", "not found")):
        return _told(_NO_TASK, detail)
    if code >= 500 or code == 408:
        what = "Suno API ran out of time." if code == 408 else "Suno API broke down over the request."
        return Doubtful(what, detail, ServiceError(what, LOOK_FIRST, detail, Outcome.UNKNOWN))
    if code == 451 or "fetch failed" in folded:
        return _told(_UNFETCHED, detail)
    if any(word in folded for word in WORK_WORDS) and code in (400, 413):
        return _told(_RIGHTS, detail)
    what, hint, outcome = _SENTENCES.get(code, _SENTENCES[400])
    return ServiceError(_with_words(what, msg, code), hint, detail, outcome)


def _too_many(code: int, folded: str, detail: str) -> ServiceError:
    """Credits or pace; where the message says neither, a question may be asked again, a paid request may not."""
    if any(word in folded for word in CREDIT_WORDS):
        return _told(_CREDITS, detail)
    if code != 429 or any(word in folded for word in PACE_WORDS):
        return _told(_PACE, detail)
    what = "Suno API refused: there are not enough credits, or there were too many requests."
    return Doubtful(_PACE[0], detail, ServiceError(what, "Look at your credits there, then `retry`.", detail, _ASK))


_ASK = Outcome.ASK


def _told(sentence: tuple[str, str, Outcome], detail: str) -> ServiceError:
    what, hint, outcome = sentence
    return ServiceError(what, hint, detail, outcome)


def _with_words(what: str, msg: str, code: int) -> str:
    """The service's own words belong into the sentence where only they say what is wrong."""
    return f"{what} It says: {msg.rstrip('.')}." if msg and code in (400, 404, 422) else what
