"""Text from elsewhere on a terminal: names of files, a service's words."""

from __future__ import annotations

import unicodedata

_SPELLING = frozenset("\u200c\u200d")
"""Invisible, but part of the spelling of some scripts and of many emoji."""


def printable(text: str) -> str:
    """`text` on one line, with nothing in it that a terminal would obey instead of showing it."""
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character.isprintable() or character in _SPELLING or unicodedata.category(character) == "Zs":
        return character
    return character.encode("unicode_escape").decode("ascii")
