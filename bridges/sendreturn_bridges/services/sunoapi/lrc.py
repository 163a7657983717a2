"""Suno API's timed words as an LRC file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sendreturn_bridges.services.sunoapi.reading import number, rows

_TAG = re.compile(r"\[[^\]\n]*\]")


def lrc(aligned_words: Any) -> str:
    """One line for each line of the song, with the time of its first word; empty where there are no words.

    Section tags such as [Verse] are left out: in LRC brackets hold times.
    """
    lines = [f"[{_clock(start_s)}]{line}" for start_s, line in _lines(aligned_words)]
    return "\n".join(lines) + "\n" if lines else ""


def _lines(aligned_words: Any) -> Iterator[tuple[float, str]]:
    """A word may hold line ends, and a tag before or after itself."""
    start_s: float | None = None
    line = ""
    for at_s, piece in _pieces(aligned_words):
        if piece == "\n":
            if start_s is not None and line.strip():
                yield start_s, " ".join(line.split())
            start_s, line = None, ""
        elif piece.strip():
            start_s, line = at_s if start_s is None else start_s, f"{line} {piece}"
    if start_s is not None and line.strip():
        yield start_s, " ".join(line.split())


def _pieces(aligned_words: Any) -> Iterator[tuple[float, str]]:
    for row in rows(aligned_words):
        at_s, word = number(row.get("startS", row.get("start_s"))), row.get("word")
        if at_s is not None and isinstance(word, str):
            yield from ((at_s, piece) for piece in re.split(r"(\n)", _TAG.sub("", word)) if piece)


def _clock(seconds: float) -> str:
    hundredths = round(max(seconds, 0.0) * 100)
    return f"{hundredths // 6000:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"
