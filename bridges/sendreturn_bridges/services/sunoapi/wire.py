"""Suno API on the wire: the answers that are no records of tasks. No I/O.

Requests are built in `songs` and `others`, records of tasks are read in `records`, errors in `faults`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urldefrag, urlencode

from sendreturn.contract import Accepted, Balance, JsonDict, Made, MadeTake, Report
from sendreturn.errors import Outcome, ServiceError
from sendreturn.lrc import lines_of, lrc
from sendreturn.net.answers import LOOK_FIRST
from sendreturn.net.word_rows import timed_rows, timed_words
from sendreturn.words import Kind

from sendreturn_bridges.services.sunoapi.reading import address, field, number, table, text
from sendreturn_bridges.services.sunoapi.records import MADE_BY, how_to_use


def accepted_task(answer: JsonDict) -> Accepted:
    """The task that a request has begun. Raises ServiceError with UNKNOWN: it was taken, but nobody knows as what."""
    task_id = text(field(table(answer.get("data")), "taskId")) or text(field(answer, "taskId"))
    if not task_id:
        raise ServiceError(
            "Suno API took the request, but named no task.", LOOK_FIRST, str(answer)[:300], Outcome.UNKNOWN
        )
    return Accepted(task_id)


def accepted_at_once(reader: str, answer: JsonDict, body: JsonDict) -> Accepted:
    """What a request that is answered at once has brought."""
    data = table(answer.get("data"))
    report = _READERS[reader](data)
    return Accepted(text(field(data, "taskId")) or str(body.get("taskId") or body.get("task_id") or reader), report)


def credits_of(answer: JsonDict) -> Balance | None:
    """What is left: a number, or a table with one; None where the answer has neither."""
    data = answer.get("data")
    left = number(data) if not isinstance(data, Mapping) else number(field(data, "credits", "credit", "balance"))
    return None if left is None else Balance(left)


def uploaded_at(answer: JsonDict, size_bytes: int | None = None) -> str:
    """Where an uploaded file of this size lies. Raises ServiceError, also where not all of it has arrived."""
    data = table(answer.get("data"))
    arrived = number(field(data, "fileSize"))
    if arrived and size_bytes is not None and arrived != size_bytes:
        detail = f"{arrived:g} of {size_bytes} bytes"
        raise ServiceError("Suno API says that the clip did not arrive whole.", "", detail, Outcome.RETRY)
    url = address(field(data, "downloadUrl", "fileUrl", "url"))
    if not url:
        raise ServiceError(
            "Suno API took the clip, but does not say where it lies.", "", str(answer)[:300], Outcome.RETRY
        )
    return url


# Answers that hold their result


def _timed_lyrics(data: JsonDict) -> Report:
    aligned = timed_rows(field(data, "alignedWords"))
    content = lrc(lines_of(timed_words(aligned)))
    if not content:
        return Report(done=True, failed="Suno API has no timed words for this song: it may be an instrumental.")
    return _one(Made(Kind.LYRICS, "timed.lrc", text=content, made_by=MADE_BY), {"aligned_words": aligned})


def _style(data: JsonDict) -> Report:
    result = text(data.get("result"))
    cost = number(field(data, "creditsConsumed"))
    if not result:
        own = text(field(data, "errorMessage"))
        return Report(done=True, failed=f"Suno API wrote no style{f': {own}' if own else '.'}", cost_credits=cost)
    made = _one(Made(Kind.LYRICS, "style.txt", text=f"{result}\n", made_by=MADE_BY), {"style": result})
    return Report(done=True, takes=made.takes, cost_credits=cost)


def _persona(data: JsonDict) -> Report:
    persona_id = text(field(data, "personaId"))
    if not persona_id:
        return Report(done=True, failed="Suno API made no persona of this song.")
    content = how_to_use(persona_id, "style_persona")
    told = {"personaId": persona_id, "personaModel": "style_persona"}
    return _one(Made(Kind.LYRICS, "persona.txt", text=content, made_by=MADE_BY), told)


def _voice_check(data: JsonDict) -> Report:
    told = "\n".join(f"{name}: {value}" for name, value in data.items() if isinstance(value, str | int | float))
    return _one(Made(Kind.LYRICS, "voice.txt", text=f"{told}\n", made_by=MADE_BY))


def _one(made: Made, told: JsonDict | None = None) -> Report:
    return Report(done=True, takes=(MadeTake((made,), told=told or {}),))


_READERS: Mapping[str, Callable[[JsonDict], Report]] = {
    "timed_lyrics": _timed_lyrics,
    "style": _style,
    "persona": _persona,
    "voice_check": _voice_check,
}


# Where a file came from


def with_origin(ref: str, **origin: Any) -> str:
    """An address that remembers the task that it came from, in its fragment, which no server is ever told."""
    return f"{urldefrag(ref).url}#{urlencode(origin)}"


def origin_of(ref: str) -> tuple[str, dict[str, str]]:
    """The bare address, and what `with_origin` has put behind it."""
    url, fragment = urldefrag(ref)
    return url, dict(parse_qsl(fragment))
