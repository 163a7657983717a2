"""File names as they are shown and as they are chosen: never over another file, never too long."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

NAME_MAX_BYTES = 255


def shown(name: str) -> str:
    """A name for a sentence: on one line, without control or direction characters, and valid text."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def folded(name: str) -> str:
    """Equal for names that some file system takes for the same one (other case, other Unicode form)."""
    return unicodedata.normalize("NFC", name).casefold()


def free_name(name: str, is_free: Callable[[str], bool]) -> str:
    """`name`, or `name (2)` and so on before its suffix: the first that is free."""
    stem, suffix = split_suffix(name)
    for number in count(1):
        candidate = fitted(stem, suffix if number == 1 else f" ({number}){suffix}")
        if is_free(candidate):
            return candidate
    raise AssertionError("count() never ends")


def fitted(stem: str, ending: str, limit: int = NAME_MAX_BYTES) -> str:
    """`stem + ending`, or where that is too long for a file name, a shorter stem with a piece of its hash."""
    if len(os.fsencode(stem + ending)) <= limit:
        return stem + ending
    mark = "~" + hashlib.sha256(os.fsencode(stem)).hexdigest()[:8]
    room = limit - len(os.fsencode(mark + ending))
    while len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return stem + mark + ending


def split_suffix(name: str) -> tuple[str, str]:
    """`riff.wav` as `riff` and `.wav`; a name without a short suffix has none."""
    dot = name.rfind(".")
    return (name[:dot], name[dot:]) if dot > 0 and len(os.fsencode(name[dot:])) <= 16 else (name, "")
