"""How AceData is spoken to: names of fields that differ by account, and lengths of texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sendreturn_bridges.suno import words

FIELDS = {"lyric": "lyrics", "title": "title", "style": "style"}
"""AceData's field → our parameter, for the texts whose length depends on the model."""


@dataclass(frozen=True)
class Dialect:
    """What the manifest and the user's settings say.

    Attributes:
        model: The configured model; None where none is.
        default, default_producer: The models that are asked for otherwise.
        models: Those of Suno that are known.
        prompt_limit: Characters.
        negative_field: `style_negative`, which newer documents call `negative_tags`.
        texts: Lengths of lyrics, title and style, for "old" and "new" models.
        longest_vox_s, voice_s: Limits of what a voice is taken from.
        extension: What comes back of an extend: "tail" (only the new audio), "all" (with the clip), or "auto".
    """

    model: str | None = None
    default: str = "chirp-v4"
    models: tuple[str, ...] = ()
    default_producer: str = "FUZZ-2.0 Pro"
    prompt_limit: int = 200
    negative_field: str = "style_negative"
    texts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    longest_vox_s: float = 30.0
    voice_s: tuple[float, ...] = (10.0, 240.0)
    extension: str = "auto"


def check_texts(body: Mapping[str, Any], dialect: Dialect, model: str) -> None:
    """Refuse texts that the service would refuse. Raises Refusal."""
    words.check_texts("AceData", body, FIELDS, dialect.texts, model)
    check_prompt(body.get("prompt"), dialect)


def check_prompt(prompt: str | None, dialect: Dialect) -> None:
    hint = "Shorten it, or put more of it into style and lyrics."
    words.check_length("AceData", "prompt", prompt, dialect.prompt_limit, hint)
