"""Answers that are alike at every service that fronts Suno's models: texts, timed words, styles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sendreturn.contract import JsonDict, Made, MadeTake, Report
from sendreturn.lrc import lines_of, lrc
from sendreturn.net.reading import text
from sendreturn.net.word_rows import timed_rows, timed_words
from sendreturn.words import Kind


def missing(title: str, what: str) -> Report:
    """The report of a service that has ended without what was asked for."""
    return Report(True, failed=f"{title} finished, but gave no {what}.")


def one(*files: Made, told: JsonDict | None = None, facts: JsonDict | None = None) -> Report:
    """The report of a single take."""
    return Report(takes=(MadeTake(files, told=told or {}),), facts=facts or {})


def text_file(title: str, written: str, name: str = "") -> Made:
    """A text that the service has written."""
    return Made(Kind.LYRICS, ref=name, made_by=title, text=written)


def lyrics(title: str, found: Iterable[JsonDict], field: str) -> Report:
    """Lyrics, a take for each; their words stand in `field`."""
    takes = []
    for row in found:
        words, name = text(row.get(field)), text(row.get("title"))
        if words:
            written = (f"{name}\n\n{words}" if name else words) + "\n"
            told = {key: row[key] for key in ("title", "tags") if row.get(key)}
            takes.append(MadeTake((text_file(title, written),), told=told))
    return Report(takes=tuple(takes)) if takes else missing(title, "lyrics")


def timing(title: str, rows: Any) -> Report:
    """The times of a song's words, as LRC."""
    aligned = timed_rows(rows)
    words = lrc(lines_of(timed_words(aligned)))
    if not words:
        return missing(title, "timed words; the song may have no vocals")
    return one(text_file(title, words, "words.lrc"), told={"aligned_words": aligned})


def style(title: str, found: Any) -> Report:
    """A style, written out."""
    tags = text(found)
    return one(text_file(title, f"{tags}\n"), told={"style": tags}) if tags else missing(title, "style")
