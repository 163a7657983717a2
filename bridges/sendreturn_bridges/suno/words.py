"""Texts for Suno's models: how long they may be, and what of a lyric is sung."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sendreturn.errors import Refusal

from sendreturn_bridges.suno.models import is_at_least

Lengths = Mapping[str, Mapping[str, int]]
"""Characters of lyrics, title and style, for "old" models and "new" ones (from 4.5 on)."""
NEW = 4.5
LONGEST_QUOTE = 240


def joined(*parts: str | None) -> str:
    """Descriptions as one."""
    return ", ".join(part for part in parts if part)


def sung(lyric: str) -> str:
    """A lyric's words without its section tags; empty for an instrumental's "[Instrumental]"."""
    return re.sub(r"\[[^\]]*\]", "", lyric).strip()


def quoted(said: str) -> str:
    """What a service has said itself, to be put after a sentence; empty where it said nothing."""
    plain = " ".join(said.split()).rstrip(". ")
    return f" Its own words: {plain[:LONGEST_QUOTE]}." if plain else ""


def longest(ours: str, lengths: Lengths, model: str) -> int:
    """How many characters of lyrics, title or style a model takes."""
    return lengths["new" if is_at_least(model, NEW) else "old"][ours]


def check_texts(title: str, body: Mapping[str, Any], fields: Mapping[str, str], lengths: Lengths, model: str) -> None:
    """Refuse texts that the service would refuse.

    Args:
        title: The service's name.
        fields: The service's field → our parameter.
    """
    for name, ours in fields.items():
        most, found = longest(ours, lengths, model), len(body.get(name) or "")
        if found > most:
            newer = lengths["new"][ours]
            other = f", or choose a model from v4.5 on, which takes {newer}" if found <= newer else ""
            raise Refusal(
                f"The {ours} {_has(ours)} {found} characters; {title} takes at most {most} with the model {model}.",
                f"Shorten {_it(ours)}{other}.",
            )


def check_length(title: str, ours: str, value: str | None, most: int, hint: str = "Shorten it.") -> None:
    """Refuse a text that is longer than `most` characters."""
    if len(value or "") > most:
        raise Refusal(
            f"The {ours} {_has(ours)} {len(value or '')} characters; {title} takes at most {most} here.", hint
        )


def _has(ours: str) -> str:
    return "have" if ours == "lyrics" else "has"


def _it(ours: str) -> str:
    return "them" if ours == "lyrics" else "it"
