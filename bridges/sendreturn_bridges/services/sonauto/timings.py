"""The times of sung words, wherever a record holds them.

Sonauto aligns lyrics, but does not document where its answers say so: any list of words with times is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sendreturn.lrc import lines_of, lrc
from sendreturn.net.reading import number
from sendreturn.net.word_rows import timed_words

TEXTS = ("word", "text", "token")
STARTS = ("start", "start_s", "start_time", "begin", "time")
ENDS = ("end", "end_s", "end_time", "stop")
DEEPEST = 4
PAUSE_S = 1.0
"""Words further apart stand on lines of their own, and so do those after a line break."""
MOST_IN_A_LINE = 10

Row = dict[str, Any]


def timings_in(value: Any, depth: int = 0) -> list[Row]:
    """The first list of words with times inside `value`, in the order of time; empty where there is none.

    Returns:
        Tables with `word`, `start_s` and `end_s`, which may be None, as the sidecar keeps them.
    """
    if depth > DEEPEST:
        return []
    inner: Iterable[Any] = ()
    if isinstance(value, Mapping):
        inner = value.values()
    elif isinstance(value, list):
        words = [timed for timed in map(_timed, value) if timed is not None]
        if words and len(words) == len(value):
            return sorted(words, key=lambda timed: float(timed["start_s"]))
        inner = value
    return next((found for found in (timings_in(part, depth + 1) for part in inner) if found), [])


def as_lrc(words: Iterable[Row]) -> str:
    """The words as LRC, each with its own time. Sonauto may leave out line ends, so pauses make lines too."""
    return lrc(lines_of(timed_words(words), pause_s=PAUSE_S, most_words=MOST_IN_A_LINE), each_word=True)


def _timed(entry: Any) -> Row | None:
    if not isinstance(entry, Mapping):
        return None
    word = next((entry[name] for name in TEXTS if isinstance(entry.get(name), str)), None)
    start_s, end_s = _first(entry, STARTS), _first(entry, ENDS)
    if word is None or start_s is None or not word.strip():
        return None
    return {"word": word, "start_s": start_s, "end_s": end_s}


def _first(entry: Mapping[str, Any], names: Iterable[str]) -> float | None:
    found = (number(entry.get(name)) for name in names)
    return next((seconds for seconds in found if seconds is not None), None)
