"""AceData's timed words as LRC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sendreturn.net.reading import number, rows


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
