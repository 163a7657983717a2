"""Timed words as LRC, the text format of lyrics that run along with a song.

A line is `[mm:ss.xx]words`; in enhanced LRC every word has its own `<mm:ss.xx>`. Brackets hold times there, so section
tags such as [Verse 1] are left out, also where a service splits them over several words.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_TAG = re.compile(r"\[[^\[\]\n]{0,200}\]")


@dataclass(frozen=True)
class TimedWord:
    """A word as a service tells it, with white space, line ends and tags, and when it begins."""

    word: str
    start_s: float


Lines = Sequence[Sequence[TimedWord]]


def lines_of(words: Iterable[TimedWord], *, pause_s: float = math.inf, most_words: int | None = None) -> Lines:
    """The words that are sung, line by line, without tags, line ends and white space around them.

    Args:
        pause_s: Words that begin further apart than this stand on lines of their own.
        most_words: In one line; None for any number.
    """
    lines: list[list[TimedWord]] = [[]]
    for timed in _pieces(list(words)):
        line = lines[-1]
        pauses = bool(line) and timed.start_s - line[-1].start_s > pause_s
        if timed.word == "\n" or pauses or len(line) == most_words:
            lines.append([])
        if timed.word != "\n":
            lines[-1].append(timed)
    return [line for line in lines if line]


def lrc(lines: Lines, *, each_word: bool = False) -> str:
    """The lines as an LRC file, each with the time of its first word; empty where there are none.

    Args:
        each_word: Enhanced LRC, with the times of all words.
    """
    return "".join(f"[{_clock(line[0].start_s)}]{_text(line, each_word=each_word)}\n" for line in lines)


def _text(line: Sequence[TimedWord], *, each_word: bool) -> str:
    return " ".join(f"<{_clock(timed.start_s)}>{timed.word}" if each_word else timed.word for timed in line)


def _pieces(words: Sequence[TimedWord]) -> Iterator[TimedWord]:
    """What is sung of each word, and a "\\n" for each line end in it."""
    spaced = [timed.word if timed.word[-1:].isspace() else f"{timed.word} " for timed in words]
    sung = _TAG.sub(lambda tag: " " * len(tag[0]), "".join(spaced))
    ends = itertools.accumulate(map(len, spaced))
    for timed, part, end in zip(words, spaced, ends, strict=True):
        for piece in re.split(r"(\n)", sung[end - len(part) : end]):
            if piece == "\n" or piece.strip():
                yield TimedWord(" ".join(piece.split()) or "\n", timed.start_s)


def _clock(seconds: float) -> str:
    hundredths = round(max(seconds, 0.0) * 100)
    return f"{hundredths // 6000:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"
