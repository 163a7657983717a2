"""How long texts for MusicAPI may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sendreturn.contract import Manifest

from sendreturn_bridges.suno import words

SAMPLES_ONLY = "sonic-v4-5-all"
FIELDS = {"prompt": "lyrics", "infill_lyrics": "lyrics", "title": "title", "tags": "style"}
"""MusicAPI's field → our parameter, for the texts whose length depends on the model."""


@dataclass(frozen=True)
class Dialect:
    """What the manifest and the user's settings say.

    Attributes:
        model: The configured model; None where none is.
        default, default_producer: The models that are asked for otherwise.
        models: Those of Suno that are known.
        texts: Lengths of lyrics, title and style, for "old" and "new" models.
        description, lyrics_description, name, persona_description: Lengths of other texts.
        wav_from: "wav" or "download".
    """

    model: str | None = None
    default: str = "sonic-v5"
    models: tuple[str, ...] = ()
    default_producer: str = "FUZZ-2.0"
    texts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    description: int = 400
    lyrics_description: int = 120
    name: int = 80
    persona_description: int = 200
    longest_vox_s: float = 30.0
    shortest_voice_s: float = 10.0
    wav_from: str = "wav"


def dialect_of(manifest: Manifest, options: Mapping[str, Any]) -> Dialect:
    limits = manifest.limits
    return Dialect(
        model=options.get("model") or None,
        default=str(limits["default_model"]),
        default_producer=str(limits["default_producer_model"]),
        models=tuple(limits["models"]),
        texts=limits["texts"],
        description=int(limits["description"]),
        lyrics_description=int(options.get("lyrics_prompt_limit") or limits["lyrics_description"]),
        name=int(limits["name"]),
        persona_description=int(limits["persona_description"]),
        longest_vox_s=float(limits["longest_vox_s"]),
        shortest_voice_s=float(limits["shortest_voice_s"]),
        wav_from=str(options.get("wav_from") or "wav"),
    )


def check_texts(body: Mapping[str, Any], dialect: Dialect, model: str) -> None:
    """Refuse texts that the service would refuse. Raises Refusal."""
    words.check_texts("MusicAPI", body, FIELDS, dialect.texts, model)
    hint = "Shorten it, or put more of it into style and lyrics."
    check_length("prompt", body.get("gpt_description_prompt"), dialect.description, hint)


def check_length(ours: str, value: str | None, most: int, hint: str = "Shorten it.") -> None:
    """Refuse a text that is longer than `most` characters."""
    words.check_length("MusicAPI", ours, value, most, hint)
