"""The times of sung words, wherever a record holds them, as an LRC file.

Sonauto aligns lyrics, but does not document where its answers say so: any list of words with times is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TEXTS = ("word", "text", "token")
STARTS = ("start", "start_s", "start_time", "begin", "time")
DEEPEST = 4
PAUSE_S = 1.0
"""Words further apart stand on lines of their own, and so do those after a line break."""
MOST_IN_A_LINE = 10


@dataclass(frozen=True)
class Timed:
    """A word and when it begins, in seconds. `breaks` where a line ends with it."""

    word: str
    start_s: float
    breaks: bool = False


def timings_in(value: Any, depth: int = 0) -> tuple[Timed, ...]:
    """The first list of words with times inside `value`, in the order of time; empty where there is none."""
    if depth > DEEPEST:
        return ()
    inner: Sequence[Any] = ()
    if isinstance(value, Mapping):
        inner = list(value.values())
    elif isinstance(value, list):
        words = [timed for timed in map(_timed, value) if timed is not None]
        if words and len(words) == len(value):
            return tuple(sorted(words, key=lambda timed: timed.start_s))
        inner = value
    return next((found for found in (timings_in(part, depth + 1) for part in inner) if found), ())


def lrc(words: Sequence[Timed]) -> str:
    """The words as LRC, each with its own time (enhanced LRC)."""
    lines: list[list[Timed]] = []
    for before, word in zip((None, *words[:-1]), words, strict=True):
        is_new = before is None or before.breaks or word.start_s - before.start_s > PAUSE_S
        if is_new or len(lines[-1]) >= MOST_IN_A_LINE:
            lines.append([])
        lines[-1].append(word)
    return "".join(_line(line) for line in lines)


def _line(words: Sequence[Timed]) -> str:
    sung = " ".join(f"<{_stamp(word.start_s)}>{word.word}" for word in words)
    return f"[{_stamp(words[0].start_s)}]{sung}\n"


def _stamp(seconds: float) -> str:
    hundredths = round(max(seconds, 0.0) * 100)
    return f"{hundredths // 6000:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"


def _timed(entry: Any) -> Timed | None:
    if not isinstance(entry, Mapping):
        return None
    word = next((entry[name] for name in TEXTS if isinstance(entry.get(name), str)), None)
    start = next((entry[name] for name in STARTS if isinstance(entry.get(name), int | float)), None)
    if word is None or start is None or not word.strip():
        return None
    return Timed(" ".join(word.split()), float(start), word.rstrip(" ").endswith("\n"))
