"""What Suno API says when something is wrong, as sentences, and what follows from it.

The HTTP status is 200 for most of them; the `code` in the body counts. Code 429 is "insufficient credits" in most of
the service's pages and "rate limited" in others: its message decides.
"""

from __future__ import annotations

import re
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
IN_SENTENCE = frozenset({400, 404, 413, 422})
"""Codes that say too little without the service's own words."""
BUY = "Buy credits there, then `retry`."

_SENTENCES: Mapping[int, tuple[str, str, Outcome]] = {
    400: ("Suno API finds something wrong with the request.", "Change what it objects to.", Outcome.GIVE_UP),
    401: ("Suno API does not take the API key.", SET_KEY, Outcome.ASK),
    402: ("There are not enough credits at Suno API.", BUY, Outcome.ASK),
    403: ("Suno API does not allow this with the API key.", SET_KEY, Outcome.ASK),
    404: (
        "Suno API does not know this request or this task.",
        "It keeps results for 14 days; if this is younger, look at base_url in the configuration.",
        Outcome.GIVE_UP,
    ),
    409: ("Suno API has made this already.", "Look for it in your account there.", Outcome.GIVE_UP),
    413: ("A text is too long for Suno API.", "Shorten prompt, lyrics or style.", Outcome.GIVE_UP),
    422: (
        "Suno API finds a value in the request that it does not take.",
        "Change what it objects to.",
        Outcome.GIVE_UP,
    ),
    430: ("Suno API asks for fewer requests.", "", Outcome.RETRY),
    455: ("Suno API is under maintenance.", "", Outcome.RETRY),
}
_PACE = _SENTENCES[430]
_CREDITS = _SENTENCES[402]
_OF_ACCOUNT = (_SENTENCES[401], _SENTENCES[402], _SENTENCES[403])
_UNFETCHED = ("Suno API could not fetch the clip from its address.", "`retry` uploads it anew.", Outcome.GIVE_UP)
_RIGHTS = ("Suno API takes the clip for a known work.", "Send audio that you have the rights to.", Outcome.GIVE_UP)
_NO_TASK = ("Suno API does not know this task any more.", "Its results are kept for 14 days.", Outcome.GIVE_UP)
_MODERATED = (
    "Suno API objects to words in the text.",
    "Change prompt, lyrics, style or title, then send it again.",
    Outcome.ASK,
)
_PATTERNS: tuple[tuple[re.Pattern[str], tuple[str, str, Outcome]], ...] = tuple(
    (re.compile(words, re.IGNORECASE), meaning)
    for words, meaning in (
        (r"sensitive|moderat|inappropriate|prohibited|violat|content polic", _MODERATED),
        (
            r"\bartist",
            (
                "Suno API takes no names of artists.",
                "Describe the sound without them in prompt, style and lyrics, then send it again.",
                Outcome.ASK,
            ),
        ),
        (
            r"\b(audio|song|music|task)\b.{0,20}(not exist|not found|expired|deleted)",
            (
                "Suno API does not know this song any more.",
                "It keeps songs for 14 days. A copy of the file in another folder is sent as a clip of your own.",
                Outcome.ASK,
            ),
        ),
        (
            r"\b(audio|file|clip)\b.{0,40}(too long|longer than|exceed|at most|maximum)",
            ("The clip is too long for Suno API.", "Send a part of it with range_s.", Outcome.ASK),
        ),
        (
            r"\b(audio|file|clip)\b.{0,40}(too short|shorter than|at least|minimum)",
            ("The clip is too short for Suno API.", "Send a longer one.", Outcome.ASK),
        ),
        (
            r"\b(audio|file|clip)\b.{0,40}(too large|\d ?MB)",
            ("The clip is too large for Suno API.", "Send an MP3 of it, or a part with range_s.", Outcome.ASK),
        ),
        (
            r"(unsupported|invalid|corrupt|decode).{0,30}(audio|format|file)|(audio|file).{0,30}(decode|corrupt|format)",
            ("Suno API cannot read the clip.", "Send it as MP3 or as a plain 16-bit WAV.", Outcome.ASK),
        ),
    )
)
"""Parts of messages; the first that fits is taken."""

_OUR_NAMES: Mapping[str, str] = {
    "prompt": "prompt or lyrics",
    "fullLyrics": "lyrics",
    "lyrics": "lyrics",
    "tags": "style",
    "style": "style",
    "title": "title",
    "negativeTags": "negative_style",
    "vocalGender": "vocal_gender",
    "model": "model",
    "duration": "extend_s",
    "continueAt": "from_s",
    "infillStartS": "section_s",
    "infillEndS": "section_s",
    "section": "section_s",
    "styleWeight": "style_strength",
    "weirdnessConstraint": "weirdness",
    "audioWeight": "audio_strength",
    "soundTempo": "bpm",
    "soundKey": "soundKey in service_options",
    "stemName": "stemName in service_options",
    "personaId": "personaId in service_options",
    "personaModel": "personaModel in service_options",
    "uploadUrlList": "upload_urls in service_options",
    "audioId": "audio_id in service_options",
    "taskId": "task_id in service_options",
}
"""What the user calls Suno API's fields."""
_FIELD = re.compile(rf"\b({'|'.join(_OUR_NAMES)})\b", re.IGNORECASE)
_FOLDED = {name.casefold(): ours for name, ours in _OUR_NAMES.items()}

_WORDS: Mapping[str, str] = {
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


class NoTask(ServiceError):  # noqa: N818
    """Suno API knows no such task, or not yet."""


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
    own = text(message)
    sentence = _why(word, number(code), own)
    return f"{sentence} It says: {own.rstrip('.')}." if own else sentence


def blames_request(word: str, code: Any, message: Any) -> bool:
    """Whether a task that has failed like this would fail again: with the same words, or the same clip."""
    return word == "SENSITIVE_WORD_ERROR" or number(code) == 413 or _meant(text(message)) is not None


def _why(word: str, code: float | None, own: str) -> str:
    meaning = _MODERATED if word == "SENSITIVE_WORD_ERROR" else _meant(own)
    if meaning is not None:
        return f"{meaning[0]} {meaning[1]}"
    known = _CODES.get(int(code)) if code is not None and word != "CALLBACK_EXCEPTION" else None
    return known or _WORDS.get(word) or "Suno API could not do it."


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
    meaning = (_meant(msg) if code in IN_SENTENCE else None) or _SENTENCES.get(code, _SENTENCES[400])
    what, hint, outcome = meaning
    kind, of_account = _kind(meaning), meaning in _OF_ACCOUNT
    return kind(_with_words(what, msg, code), _hint(hint, msg, code), detail, outcome, of_account=of_account)


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
    return _kind(sentence)(what, hint, detail, outcome, of_account=sentence in _OF_ACCOUNT)


def _kind(sentence: tuple[str, str, Outcome]) -> type[ServiceError]:
    return NoTask if sentence in (_NO_TASK, _SENTENCES[404]) else ServiceError


def _with_words(what: str, msg: str, code: int) -> str:
    """The service's own words belong into the sentence where only they say what is wrong."""
    return f"{what} It says: {msg.rstrip('.')}." if msg and code in IN_SENTENCE else what


def _meant(msg: str) -> tuple[str, str, Outcome] | None:
    """What a message means whose code says too little."""
    return next((meaning for pattern, meaning in _PATTERNS if pattern.search(msg)), None)


def _hint(usual: str, msg: str, code: int) -> str:
    """What to change, in the user's words, where the message names a field and nothing else says it better."""
    field_named = _FIELD.search(msg)
    if field_named is None or code not in (400, 413, 422) or _meant(msg) is not None:
        return usual
    ours = _FOLDED[field_named[1].casefold()]
    return f"{'Shorten' if code == 413 else 'Change'} {ours}, then send it again."
