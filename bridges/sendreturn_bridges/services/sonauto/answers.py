"""What comes from Sonauto: statuses, records, credits. No I/O.

A task is mandatory to have a status, and one that has succeeded to have a song; everything else may be missing or of
another kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sendreturn.contract import Balance, Made, MadeTake, Report
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.reading import number, text
from sendreturn.words import Kind

from sendreturn_bridges.services.sonauto import faults
from sendreturn_bridges.services.sonauto.timings import as_lrc, timings_in

SUCCESS, FAILURE = "SUCCESS", "FAILURE"
STREAMING_READY = "GENERATING_STREAMING_READY"
STAGES: Sequence[tuple[str, float, str]] = (
    ("RECEIVED", 0.02, "the request was received"),
    # Five statuses that begin so, in sends with a clip; their names are not published.
    ("TRANSCRIBE_", 0.06, "listening to the clip"),
    ("PROMPT", 0.1, "writing tags and lyrics"),
    ("TASK_SENT", 0.13, "waiting for a machine"),
    ("GENERATE_TASK_STARTED", 0.16, "a machine has begun"),
    ("LOADING_SOURCE", 0.2, "loading the clip"),
    ("BEGINNING_GENERATION", 0.25, "beginning"),
    (STREAMING_READY, 0.5, "making the song"),
    ("GENERATING", 0.35, "making the song"),
    ("DECOMPRESSING", 0.85, "decoding the song"),
    ("SAVING", 0.93, "saving the song"),
)
"""Beginnings of statuses, how much of the way each stands for, and what it means. Any other is running too."""
STREAMED = (STREAMING_READY, "DECOMPRESSING", "SAVING")
"""In these the stream can be listened to; it ends a few seconds after SUCCESS."""
ALIGNING_ENDED = (None, "", SUCCESS, FAILURE)
KEPT = timedelta(hours=167)
"""Songs lie at the CDN for 168 hours; the last of them is not relied on."""

_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")


@dataclass(frozen=True)
class Standing:
    """How a task stands. `aligning` is the status of the alignment of its lyrics, None where there is none."""

    status: str
    aligning: str | None = None

    @property
    def has_ended(self) -> bool:
        return self.status == FAILURE or (self.status == SUCCESS and self.aligning in ALIGNING_ENDED)


def task_id_in(body: Any) -> str:
    """The id of a task that was accepted.

    Raises:
        ServiceError: the answer names none, although the request was taken.
    """
    task_id = body.get("task_id") if isinstance(body, Mapping) else None
    if isinstance(task_id, str) and _SAFE_ID.fullmatch(task_id):
        return task_id
    raise ServiceError(
        "Sonauto took the request, but did not say under which name it makes the song.",
        "Look at your account there; `retry` makes the request anew, and may pay twice.",
        detail=f"{body!r}"[:300],
        outcome=Outcome.UNKNOWN,
    )


def standing_in(body: Any, plain: str) -> Standing:
    """A task's status, whether it comes as a JSON string, a bare word or an object."""
    if isinstance(body, Mapping):
        aligning = body.get("alignment_status")
        return Standing(_status(body.get("status")), str(aligning) if aligning is not None else None)
    return Standing(_status(body if body is not None else plain))


def running(standing: Standing, stream_url: str | None = None) -> Report:
    """The report of a task that has not ended. `stream_url` is where a song can be heard while it is made."""
    if standing.status == SUCCESS:
        return Report(progress=0.97, text="aligning the lyrics")
    progress, told = _stage(standing.status)
    if stream_url and standing.status in STREAMED:
        told = f"{told}; listen to it already at {stream_url}"
    return Report(progress=progress, text=told)


def ended(record: Any, task_id: str, covers: str, *, aligned: bool, sung: bool, notes: tuple[str, ...] = ()) -> Report:
    """The report of a task whose status says that it has ended, from its whole record.

    Args:
        covers: What the audio holds, as in `contract.Made`.
        aligned: Whether the lyrics were to be aligned.
        sung: Whether its lyrics are wanted.
        notes: Sentences for `checks`.
    """
    table = record if isinstance(record, Mapping) else {}
    status = _status(table.get("status"))
    if status == FAILURE:
        said = table.get("error_message")
        failed, is_final = faults.failure(said), faults.blames_request(said)
        return Report(done=True, failed=failed, is_final=is_final, cost_credits=0.0)
    songs = songs_in(table)
    if not songs and status == SUCCESS:
        return Report(done=True, failed="Sonauto says that the song is finished, but not where it is.")
    if not songs:
        return Report(progress=0.95, text="the songs are being put in place")
    words = timings_in(table) if aligned and sung else []
    lyrics, missing = _lyrics(table, words, aligned) if sung else ((), ())
    told = {**_told(table), **({"aligned_words": words} if words else {})}
    notes = (*notes, *missing)
    takes = tuple(_take(table, task_id, index, url, covers, lyrics, notes, told) for index, url in enumerate(songs))
    return Report(done=True, takes=takes, facts={"model": text(table.get("model_version"))})


def songs_in(record: Any) -> tuple[str, ...]:
    """The addresses of a record's songs, in order."""
    paths = record.get("song_paths") if isinstance(record, Mapping) else None
    listed = paths if isinstance(paths, list) else [paths]
    return tuple(path for path in listed if isinstance(path, str) and path.startswith(("https://", "http://")))


def kept_song(record: Any, index: int, now: datetime) -> str | None:
    """Where a song of an earlier task still lies; None where it is unknown or too old."""
    songs = songs_in(record)
    if index >= len(songs) or _status(record.get("status")) != SUCCESS:
        return None
    made_at = _moment(record.get("created_at"))
    return songs[index] if made_at is None or now - made_at < KEPT else None


def song_id(task_id: str, index: int) -> str:
    """Our name of a song: Sonauto gives songs no ids."""
    return f"{task_id}/{index}"


def song_of(name: str) -> tuple[str, int] | None:
    """The task and the index that `song_id` was made from; None for another service's name."""
    task_id, _, index = name.rpartition("/")
    return (task_id, int(index)) if _SAFE_ID.fullmatch(task_id) and re.fullmatch(r"\d{1,2}", index) else None


def with_song(url: str, task_id: str, index: int) -> str:
    """The address of a song that says whose it is, so that it can be asked for anew; a fragment is never sent."""
    return f"{url.partition('#')[0]}#{song_id(task_id, index)}"


def balance_in(body: Any) -> Balance:
    """Credits, in their two pots."""
    table = body if isinstance(body, Mapping) else {}
    pots = {"subscription": number(table.get("num_credits")), "pay as you go": number(table.get("num_credits_payg"))}
    known = {name: left for name, left in pots.items() if left is not None}
    if not known:
        raise ServiceError("Sonauto did not say how many credits are left.", detail=f"{body!r}"[:300])
    return Balance(sum(known.values()), known)


# Single values


def _take(
    record: Mapping[str, Any],
    task_id: str,
    index: int,
    url: str,
    covers: str,
    lyrics: tuple[Made, ...],
    notes: tuple[str, ...],
    told: Mapping[str, Any],
) -> MadeTake:
    model = text(record.get("model_version"))
    made_by = f"Sonauto {model}".strip()
    song = Made(Kind.MIX, with_song(url, task_id, index), covers=covers, made_by=made_by)
    v2 = record.get("v2_params")
    bpm = number(v2.get("bpm")) if isinstance(v2, Mapping) else None
    named = {"model": model} if model else {}
    return MadeTake((song, *lyrics), song_id(task_id, index), bpm, notes, named, told)


def _told(record: Mapping[str, Any]) -> dict[str, Any]:
    """What Sonauto has made the song from, in its own names: it writes tags itself, and chooses a seed."""
    v2 = record.get("v2_params")
    chosen = {**(v2 if isinstance(v2, Mapping) else {}), "tags": record.get("tags")}
    return {name: chosen[name] for name in ("tags", "seed", "bpm", "balance_strength") if chosen.get(name) is not None}


def _lyrics(
    record: Mapping[str, Any], words: Sequence[dict[str, Any]], aligned: bool
) -> tuple[tuple[Made, ...], tuple[str, ...]]:
    """The lyrics, with their times where there are any. Where Sonauto puts those is not documented."""
    if timed := as_lrc(words):
        return (Made(Kind.LYRICS, "lyrics.lrc", text=timed, made_by="Sonauto"),), ()
    sung = text(record.get("lyrics"))
    plain = (Made(Kind.LYRICS, "lyrics.txt", text=f"{sung}\n", made_by="Sonauto"),) if sung else ()
    return plain, ("Sonauto was asked to align the lyrics, but gave no times along.",) if aligned else ()


def _stage(status: str) -> tuple[float | None, str]:
    for beginning, progress, told in STAGES:
        if status.startswith(beginning):
            return progress, told
    return None, f"working ({status})" if status else "working"


def _status(value: Any) -> str:
    return re.sub(r"[^A-Z0-9_]+", "_", text(value).strip("\"'").upper())[:40]


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
