"""How AceData is spoken to: names of fields that differ by account, versions of models, and lengths of texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sendreturn.errors import Refusal

FIELDS = {"lyric": "lyrics", "title": "title", "style": "style"}
"""AceData's field → our parameter, for the texts whose length depends on the model."""


@dataclass(frozen=True)
class Dialect:
    """What the manifest and the user's settings say.

    Attributes:
        model: The configured model; None where none is.
        default, default_producer: The models that are asked for otherwise.
        prompt_limit: Characters.
        negative_field: `style_negative`, which newer documents call `negative_tags`.
        texts: Lengths of lyrics, title and style, for "old" and "new" models.
        longest_vox_s, voice_s: Limits of what a voice is taken from.
        extension: What comes back of an extend: "tail" (only the new audio), "all" (with the clip), or "auto".
    """

    model: str | None = None
    default: str = "chirp-v4"
    default_producer: str = "FUZZ-2.0 Pro"
    prompt_limit: int = 200
    negative_field: str = "style_negative"
    texts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    longest_vox_s: float = 30.0
    voice_s: tuple[float, ...] = (10.0, 240.0)
    extension: str = "auto"


def version_of(model: str) -> float | None:
    """4.5 for chirp-v4-5-plus; None for names that tell no version."""
    found = re.fullmatch(r"chirp-v(\d+)(?:-(\d))?(?:-\w+)?", model)
    return float(f"{found[1]}.{found[2] or 0}") if found else None


def is_at_least(model: str, version: float) -> bool:
    """Whether a model has what came with `version`; names that tell no version count as new."""
    found = version_of(model)
    return found is None or found >= version


def joined(*parts: str | None) -> str:
    """Descriptions as one."""
    return ", ".join(part for part in parts if part)


def longest(ours: str, dialect: Dialect, model: str) -> int:
    """How many characters of lyrics, title or style a model takes."""
    return dialect.texts["new" if is_at_least(model, 4.5) else "old"][ours]


def check_texts(body: Mapping[str, Any], dialect: Dialect, model: str) -> None:
    """Refuse texts that the service would refuse. Raises Refusal."""
    for name, ours in FIELDS.items():
        most = longest(ours, dialect, model)
        if len(body.get(name) or "") > most:
            raise Refusal(
                f"The {ours} has {len(body[name])} characters; AceData takes at most {most} with the model {model}.",
                _shorter(ours, most, dialect),
            )
    check_prompt(body.get("prompt"), dialect)


def check_prompt(prompt: str | None, dialect: Dialect) -> None:
    if len(prompt or "") > dialect.prompt_limit:
        raise Refusal(
            f"The prompt has {len(prompt or '')} characters; AceData takes at most {dialect.prompt_limit}.",
            "Shorten it, or put more of it into style and lyrics.",
        )


def _shorter(ours: str, most: int, dialect: Dialect) -> str:
    newer = dialect.texts["new"][ours]
    return f"Shorten it, or choose a model from chirp-v4-5 on ({newer})." if newer > most else "Shorten it."
