"""What listeners and services leave in their notes, cleaned away."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sendreturn.audio.notes import Note, NoteTrack

GHOST_S = 0.03
GHOST_VELOCITY = 12
DOUBLE_S = 0.025
STUTTER_GAP_S = 0.03
STUTTER_S = 0.06
STUCK_S = 8.0
STUCK_TIMES = 8
"""A stuck note is so many times longer than the track's usual note, and so many others begin while it sounds."""
END_S = 0.05

_TOLD = (
    ("outside", "outside the clip left out"),
    ("cut", "cut at the edge of the clip"),
    ("ghost", "too short and too soft to be heard left out"),
    ("double", "played twice at once joined"),
    ("stutter", "broken in two joined"),
    ("overlap", "cut short where the same pitch is struck again"),
    ("stuck", "stuck and shortened"),
)


@dataclass(frozen=True)
class Cleaned:
    """Notes that a DAW can use.

    Attributes:
        tracks: Sorted notes; tracks left empty are gone.
        checks: What was changed, as sentences; empty where nothing was.
    """

    tracks: tuple[NoteTrack, ...]
    checks: tuple[str, ...]


def clean(
    tracks: Iterable[NoteTrack], duration_s: float | None = None, *, heard: bool = False, stuck: int = 0
) -> Cleaned:
    """The tracks without what no player has meant.

    - Notes outside the clip (before its start; with `duration_s` also after its end) are left out or cut there.
    - A ghost, both very short and very soft, is left out; drums may be that.
    - One pitch struck twice within 25 ms is one note, the louder; on drums this is the rebound of a stick.
    - A note that still sounds when its pitch is struck again ends there.
    - A stuck note, one that rings to the end of the clip many times longer than the track's other notes while these go
      on, gets their usual length.
    - With `heard`, for notes that a transcriber has heard: a note that it has broken in two is joined, when the gap is
      at most 30 ms and a piece shorter than 60 ms. Played notes may be that short, so files are spared this.

    Args:
        stuck: How many stuck notes a reader has released already, to be told with the others.
    """
    counts = Counter({"stuck": stuck})
    cleaned = (replace(track, notes=_cleaned(track, duration_s, heard, counts)) for track in tracks)
    kept = tuple(track for track in cleaned if track.notes)
    return Cleaned(kept, tuple(_sentences(counts)))


def shifted(tracks: Iterable[NoteTrack], by_s: float) -> tuple[NoteTrack, ...]:
    """The tracks later by `by_s` (earlier where it is negative), as the audio that they belong to was moved.

    What comes to lie before the clip keeps its negative time; `clean` deals with it.
    """
    return tuple(
        replace(
            track,
            notes=tuple(replace(note, start_s=note.start_s + by_s, end_s=note.end_s + by_s) for note in track.notes),
        )
        for track in tracks
    )


def _cleaned(track: NoteTrack, duration_s: float | None, heard: bool, counts: Counter[str]) -> tuple[Note, ...]:
    inside = _inside(track, duration_s, counts)
    audible = [note for note in inside if track.is_drums or not _is_ghost(note)]
    counts["ghost"] += len(inside) - len(audible)
    single = _single(audible, heard and not track.is_drums, counts)
    if duration_s is not None and not track.is_drums:
        single = _released(single, duration_s, counts)
    return tuple(sorted(single))


def _inside(track: NoteTrack, duration_s: float | None, counts: Counter[str]) -> list[Note]:
    end_s = math.inf if duration_s is None else duration_s
    kept = []
    for note in track.notes:
        start, end = max(note.start_s, 0.0), min(note.end_s, end_s)
        is_number = math.isfinite(note.start_s) and not math.isnan(note.end_s) and math.isfinite(end)
        if not is_number or start >= end_s or (end <= start and note.start_s < 0):
            counts["outside"] += 1
        elif (start, end) == (note.start_s, note.end_s):
            kept.append(note)
        else:
            # A note that rings a hair beyond the end is not worth a word.
            counts["cut"] += int(start - note.start_s > END_S or note.end_s - end > END_S)
            kept.append(replace(note, start_s=start, end_s=end))
    return kept


def _is_ghost(note: Note) -> bool:
    length_s = note.end_s - note.start_s
    return length_s <= 0 or (length_s < GHOST_S and note.velocity < GHOST_VELOCITY)


def _single(notes: Iterable[Note], heard: bool, counts: Counter[str]) -> list[Note]:
    """At most one note at a time of each pitch."""
    kept: list[Note] = []
    for note in sorted(notes, key=lambda note: (note.pitch, note.start_s)):
        last = kept[-1] if kept and kept[-1].pitch == note.pitch else None
        what = _relation(last, note, heard) if last else ""
        counts[what] += 1
        if last and what in ("double", "stutter"):
            kept[-1] = _joined(last, note)
            continue
        if last and what == "overlap":
            kept[-1] = replace(last, end_s=note.start_s)
        kept.append(note)
    return kept


def _relation(first: Note, second: Note, heard: bool) -> str:
    """What the second note of a pitch is to the first."""
    shortest_s = min(first.end_s - first.start_s, second.end_s - second.start_s)
    if second.start_s - first.start_s < DOUBLE_S:
        return "double"
    if heard and second.start_s - first.end_s <= STUTTER_GAP_S and shortest_s < STUTTER_S:
        return "stutter"
    return "overlap" if first.end_s > second.start_s else ""


def _joined(first: Note, second: Note) -> Note:
    velocity = max(first.velocity, second.velocity)
    return replace(first, end_s=max(first.end_s, second.end_s), velocity=velocity)


def _released(notes: Sequence[Note], duration_s: float, counts: Counter[str]) -> list[Note]:
    if len(notes) <= STUCK_TIMES:
        return list(notes)
    usual_s = median(note.end_s - note.start_s for note in notes)
    starts = sorted(note.start_s for note in notes)
    released = []
    for note in notes:
        others = len(starts) - bisect_right(starts, note.start_s)
        rings_on = note.end_s >= duration_s - END_S and others >= STUCK_TIMES
        if rings_on and note.end_s - note.start_s > max(STUCK_S, STUCK_TIMES * usual_s):
            counts["stuck"] += 1
            note = replace(note, end_s=note.start_s + usual_s)
        released.append(note)
    return released


def _sentences(counts: Counter[str]) -> Iterator[str]:
    told = [f"{counts[name]} {words}" for name, words in _TOLD if counts[name]]
    if told:
        yield f"The notes were cleaned: {'; '.join(told)}."
