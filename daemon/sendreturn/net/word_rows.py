"""Timed words as services write them in JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sendreturn.lrc import TimedWord
from sendreturn.net.reading import number, rows


def timed_rows(value: Any) -> list[dict[str, Any]]:
    """The words in `[{word, start_s, end_s}]`, or with the names `startS` and `endS`, as the sidecar keeps them.

    Rows without a word or a start are left out; `end_s` may be None.
    """
    kept = (
        {"word": row.get("word"), "start_s": _time(row, "start"), "end_s": _time(row, "end")} for row in rows(value)
    )
    return [row for row in kept if isinstance(row["word"], str) and row["start_s"] is not None]


def timed_words(kept: Iterable[Mapping[str, Any]]) -> list[TimedWord]:
    """The same for `lrc`."""
    return [TimedWord(row["word"], row["start_s"]) for row in kept]


def _time(row: Mapping[str, Any], name: str) -> float | None:
    found = number(row.get(f"{name}_s"))
    return number(row.get(f"{name}S")) if found is None else found
