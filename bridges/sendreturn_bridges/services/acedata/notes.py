"""AceData's note JSON as tracks, and its timed words as LRC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sendreturn.audio.notes import Note, NoteTrack
from sendreturn.net.reading import number, rows, text

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
    """The tracks in the `data` of /suno/midi; empty where there are no notes."""
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
        if pitch is None or start_s is None or end_s is None or not 0 <= pitch <= 127 or end_s <= start_s:
            continue
        loudness = number(row.get("velocity"))
        velocity = 90 if loudness is None else round(loudness * 127)
        yield Note(max(start_s, 0.0), end_s, round(pitch), min(max(velocity, 1), 127))


# Timed words


def lrc(data: Any) -> str:
    """The words of /suno/timing as an LRC file: one line per line of the song; empty where there are none.

    Section tags such as [Verse] are left out: in LRC brackets hold times.
    """
    lines = [f"[{_clock(start_s)}]{words}" for start_s, words in _lines(aligned_words(data))]
    return "\n".join(lines) + "\n" if lines else ""


def aligned_words(data: Any) -> list[dict[str, Any]]:
    """The timed words, as the sidecar keeps them: `word`, `start_s`, `end_s`."""
    part = data[0] if isinstance(data, list) and data else data
    words = rows(part.get("aligned_words")) if isinstance(part, Mapping) else []
    kept = (
        {"word": w.get("word"), "start_s": number(w.get("start_s")), "end_s": number(w.get("end_s"))} for w in words
    )
    return [word for word in kept if isinstance(word["word"], str) and word["start_s"] is not None]


def _lines(words: Iterable[Mapping[str, Any]]) -> Iterator[tuple[float, str]]:
    """Lines with the time of their first word. A word may hold line ends, and a tag before or after itself."""
    start_s, line = None, ""
    for word in words:
        first, *others = word["word"].split("\n")
        for is_new, piece in [(False, first), *((True, other) for other in others)]:
            if is_new:
                if start_s is not None:
                    yield start_s, line.strip()
                start_s, line = None, ""
            if piece.strip() and not _is_tag(piece):
                start_s, line = word["start_s"] if start_s is None else start_s, line + piece
    if start_s is not None:
        yield start_s, line.strip()


def _is_tag(piece: str) -> bool:
    stripped = piece.strip()
    return stripped.startswith("[") and stripped.endswith("]")


def _clock(seconds: float) -> str:
    hundredths = round(seconds * 100)
    return f"{hundredths // 6000:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"
