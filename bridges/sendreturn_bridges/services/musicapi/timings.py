"""MusicAPI's timed words as LRC."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sendreturn.net.reading import number, rows, table

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
