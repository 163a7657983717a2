"""MusicAPI's note JSON as tracks, and its timed words as LRC."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sendreturn.audio.notes import Note, NoteTrack
from sendreturn.net.reading import number, rows, table, text

DRUM_WORDS = ("drum", "percussion", "kit")
PROGRAMS: tuple[tuple[str, int], ...] = (
    ("synth bass", 38),
    ("fretless", 35),
    ("bass (pick", 34),
    ("acoustic bass", 32),
    ("bass", 33),
    ("distort", 30),
    ("overdriv", 29),
    ("electric guitar", 27),
    ("guitar", 25),
    ("electric piano", 4),
    ("piano", 0),
    ("keyboard", 0),
    ("organ", 16),
    ("synth voice", 54),
    ("vocal", 54),
    ("voice", 53),
    ("choir", 52),
    ("string", 48),
    ("violin", 40),
    ("cello", 42),
    ("brass", 61),
    ("trumpet", 56),
    ("sax", 65),
    ("flute", 73),
    ("woodwind", 71),
    ("pad", 88),
    ("lead", 80),
    ("synth", 80),
)
"""Part of an instrument's name → General MIDI program, counted from 0; the first that fits is taken."""


def note_tracks(data: Any) -> tuple[NoteTrack, ...]:
    """The tracks in the `data` of /sonic/midi; empty where there are no notes."""
    instruments = [instrument for part in rows(data) for instrument in rows(part.get("instruments"))]
    tracks = (_track(instrument, number) for number, instrument in enumerate(instruments, start=1))
    return tuple(track for track in tracks if track.notes)


def _track(instrument: Mapping[str, Any], index: int) -> NoteTrack:
    name = text(instrument.get("name")) or f"Track {index}"
    folded = name.casefold()
    program = next((program for part, program in PROGRAMS if part in folded), 0)
    is_drums = any(word in folded for word in DRUM_WORDS)
    return NoteTrack(name, tuple(sorted(_notes(instrument))), 0 if is_drums else program, is_drums)


def _notes(instrument: Mapping[str, Any]) -> Iterator[Note]:
    for row in rows(instrument.get("notes")):
        pitch, start_s, end_s = number(row.get("pitch")), number(row.get("start")), number(row.get("end"))
        if pitch is None or start_s is None or end_s is None or not 0 <= pitch <= 127 or end_s <= max(start_s, 0.0):
            continue
        yield Note(max(start_s, 0.0), end_s, round(pitch), _velocity(number(row.get("velocity"))))


def _velocity(loudness: float | None) -> int:
    """As MIDI has it; the service's scale is not settled, and both 0 to 1 and 1 to 127 are taken."""
    if loudness is None:
        return 90
    return min(max(round(loudness * 127 if loudness <= 1 else loudness), 1), 127)


# Timed words

_TAG = re.compile(r"\[[^\]]{0,200}\]")


def aligned_words(data: Any) -> list[dict[str, Any]]:
    """The timed words in the `data` of /sonic/aligned-lyrics, as the sidecar keeps them: `word`, `start_s`, `end_s`."""
    kept = (
        {"word": row.get("word"), "start_s": number(row.get("start_s")), "end_s": number(row.get("end_s"))}
        for row in rows(table(data).get("alignment"))
    )
    return [word for word in kept if isinstance(word["word"], str) and word["start_s"] is not None]


def lrc(data: Any) -> str:
    """The timed words as an LRC file: one line per line of the song; empty where there are none.

    Section tags such as [Verse] are left out, for in LRC brackets hold times; a tag may be split over several words.
    """
    lines = [f"[{_clock(start_s)}]{line}" for start_s, line in _lines(data)]
    return "\n".join(lines) + "\n" if lines else ""


def _lines(data: Any) -> Iterator[tuple[float, str]]:
    """The lines of the song, each with the time at which its first word begins."""
    words = aligned_words(data)
    whole = "".join(_spaced(word["word"]) for word in words)
    starts = _starts(words)
    at = 0
    for line in _TAG.sub(lambda tag: "\0" * len(tag[0]), whole).split("\n"):
        said = line.replace("\0", " ").strip()
        if said:
            first = at + next(index for index, sign in enumerate(line) if sign not in "\0 \t\r")
            yield starts[first], " ".join(said.split())
        at += len(line) + 1


def _starts(words: list[dict[str, Any]]) -> list[float]:
    """For every character of all words, when its word begins."""
    return [word["start_s"] for word in words for _ in _spaced(word["word"])]


def _spaced(word: str) -> str:
    """A word with a space after it, unless white space is there already."""
    return word if word[-1:].isspace() else f"{word} "


def _clock(seconds: float) -> str:
    hundredths = round(max(seconds, 0.0) * 100)
    return f"{hundredths // 6000:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"
