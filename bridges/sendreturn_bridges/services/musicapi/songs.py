"""The clips in MusicAPI's answers: songs, continuations and replaced sections. No I/O.

Each clip has a state of its own. With `auto_concat` an entry is a pair: the new audio as `extended` or `replaced`, and
`full`, which is joined with the source and null while that is being done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sendreturn.contract import JsonDict, Made, MadeTake, Report
from sendreturn.net.reading import number, rows, table, text
from sendreturn.words import Kind

from sendreturn_bridges.services.musicapi import faults
from sendreturn_bridges.suno.coverage import of_extension, of_section
from sendreturn_bridges.suno.requests import song_facts
from sendreturn_bridges.suno.words import sung

MADE_BY = "MusicAPI"
SUCCEEDED = frozenset({"succeeded", "success", "complete", "completed"})
FAILED = frozenset({"failed", "failure", "error", "cancelled"})
PROGRESS = {"": 0.1, "pending": 0.1, "queued": 0.1, "running": 0.5}
PARTS = ("extended", "replaced")
UNJOINED = "MusicAPI could not join the new audio with its source; the new audio alone was taken."


@dataclass(frozen=True)
class Entry:
    """One deliverable: a clip, whether it is joined with its source (None where the entry does not say), and notes."""

    clip: Mapping[str, Any]
    is_whole: bool | None = None
    notes: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        return state_of(self.clip)

    @property
    def ended(self) -> bool:
        return self.state in SUCCEEDED | FAILED


def state_of(clip: Mapping[str, Any]) -> str:
    """The state in small letters; Producer calls it `status`."""
    return (text(clip.get("state")) or text(clip.get("status"))).casefold()


def entries(data: Any, *, joins: bool = False) -> list[Entry]:
    """What is in `data`, each pair as the one of its two that is to be had.

    Args:
        joins: Whether joined songs were asked for, so that one that is not there yet is waited for.
    """
    return [_of_pair(row, joins=joins) if _is_pair(row) else Entry(row) for row in rows(data)]


def progress(found: list[Entry]) -> float | None:
    """How far the clips are, from 0 to 1; None before there are any."""
    shares = [PROGRESS.get(entry.state, 1.0) for entry in found]
    return sum(shares) / len(shares) * 0.95 if shares else None


def read_songs(context: JsonDict, body: JsonDict) -> Report:
    """One take per song. A song that failed while another was made is left out, and told."""
    found = entries(body.get("data"), joins=bool(context.get("joins")))
    good = [entry for entry in found if entry.state in SUCCEEDED and text(entry.clip.get("audio_url"))]
    if not good:
        said = _said(found)
        return Report(True, failed=faults.sentence(said), is_final=faults.blames_request(said), cost_credits=0.0)
    lost = [entry for entry in found if entry not in good]
    notes = (f"{len(lost)} of the {len(found)} takes failed. {_why(lost)}",) if lost else ()
    return Report(takes=tuple(_take(context, entry, notes) for entry in good))


# Pairs


def _is_pair(row: Mapping[str, Any]) -> bool:
    return any(name in row for name in (*PARTS, "full")) and "audio_url" not in row


def _of_pair(row: Mapping[str, Any], *, joins: bool) -> Entry:
    part = next((table(row[name]) for name in PARTS if table(row.get(name))), {})
    full = table(row.get("full"))
    if state_of(full) in FAILED and state_of(part) in SUCCEEDED:
        return Entry(part, False, (UNJOINED,))
    if full:
        return Entry(full, True)
    is_waited_for = joins and state_of(part) not in FAILED
    return Entry({**part, "state": "running"} if is_waited_for else part, False)


# Takes


def _why(found: list[Entry]) -> str:
    return faults.sentence(_said(found))


def _said(found: list[Entry]) -> str:
    return next((text(entry.clip.get("error_message")) for entry in found if entry.clip.get("error_message")), "")


def _take(context: JsonDict, entry: Entry, notes: tuple[str, ...]) -> MadeTake:
    clip = entry.clip
    duration_s, url = number(clip.get("duration")), text(clip.get("audio_url"))
    covers = _covers(context, entry, duration_s)
    kind = Kind.TAIL if covers == "tail" else Kind.MIX
    mix = Made(kind, url, duration_s=duration_s, covers=covers, made_by=MADE_BY)
    files = [] if context.get("wav") else [mix]  # its WAV is on the way
    lyrics = text(clip.get("lyrics")) or text(clip.get("lyric"))
    if context.get("sings") and sung(lyrics):
        files.append(Made(Kind.LYRICS, text=lyrics + "\n", made_by=MADE_BY))
    if image := text(clip.get("image_url")):
        files.append(Made(Kind.IMAGE, image, made_by=MADE_BY))
    facts = {"model": context.get("model") or clip.get("mv"), **song_facts(kind, covers, duration_s, url)}
    told = {name: clip[name] for name in ("title", "tags", "mv", "gpt_description_prompt") if clip.get(name)}
    clip_id = text(clip.get("clip_id")) or text(clip.get("id")) or None
    return MadeTake(tuple(files), clip_id, notes=(*notes, *entry.notes), facts=facts, told=told)


def _covers(context: JsonDict, entry: Entry, duration_s: float | None) -> str:
    """What a song holds of the clip. Without a pair that tells, it is the new audio alone as the service's guide has
    it, or all of it as Suno itself has come to give it."""
    place = str(context.get("place", "all"))
    if entry.is_whole or place == "all":
        return "all"
    if entry.is_whole is not None:
        return place
    return of_section(context, duration_s) if place == "section" else of_extension(context, duration_s)
