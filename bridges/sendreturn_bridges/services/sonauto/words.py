"""What Sonauto is told of the music: prompt, tags and lyrics, and how strictly it keeps to them.

`prompt` always goes along, empty where there is none: tags or lyrics without it are not supported. At most two of the
three are not empty on v3, where one client of Sonauto's saw a 422 for all three.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sendreturn_bridges.services.sonauto.asked import Asked, Model

GENDERS = {"m": "male vocalist", "f": "female vocalist"}
"""Tags of Sonauto's vocabulary; "male vocals" is none."""


@dataclass(frozen=True)
class Words:
    """Fields of a request, and sentences on what was done to them."""

    fields: dict[str, Any]
    notes: tuple[str, ...] = ()


def words_of(asked: Asked, model: Model) -> Words:
    """The words for a song or for a continuation."""
    params, notes = asked.params, []
    prompt, tags = (params.prompt or "").strip(), tags_of(asked)
    lyrics, unsung = _lyrics(asked)
    notes += unsung
    if not (prompt or tags or lyrics) and asked.spec.options.get("prompt"):
        prompt = asked.spec.options["prompt"]
        notes.append(f"You said nothing of the music; Sonauto was asked to “{prompt}”")
    if model == "v3" and prompt and tags and lyrics:
        prompt, tags = f"{prompt.rstrip('.')}. Style: {', '.join(tags)}.", []
        notes.append("Sonauto's v3 takes no style beside prompt and lyrics; the style was put into the prompt.")
    fields = {"prompt": prompt, "tags": tags, "lyrics": lyrics, "instrumental": params.instrumental}
    kept = {name: value for name, value in fields.items() if name == "prompt" or value not in (None, "", [])}
    return Words(kept | _strength(asked, model), tuple(notes))


def words_of_section(asked: Asked) -> Words:
    """The words for a section: tags and lyrics must be there, and a prompt must not (seen in September 2026)."""
    tags, (lyrics, notes) = tags_of(asked), _lyrics(asked)
    if not tags:
        tags = [asked.spec.options["tag"]]
        notes = [*notes, f"You named no style, without which Sonauto makes no section; it got the tag “{tags[0]}”."]
    sung = {} if asked.params.instrumental else {"lyrics": lyrics}
    return Words({"tags": tags, "instrumental": bool(asked.params.instrumental), **sung}, tuple(notes))


def tags_of(asked: Asked) -> list[str]:
    """The style, one tag each, with the singer's voice; each of them once."""
    params = asked.params
    voice = GENDERS.get(params.vocal_gender or "") if not params.instrumental else None
    return list(dict.fromkeys([*(tag.strip() for tag in params.style or ()), *([voice] if voice else [])]))


def _lyrics(asked: Asked) -> tuple[str, list[str]]:
    lyrics = (asked.params.lyrics or "").strip()
    if lyrics and asked.params.instrumental:
        return "", ["Sonauto takes no lyrics for an instrumental; they were left out."]
    return lyrics, []


def _strength(asked: Asked, model: Model) -> dict[str, float]:
    share = asked.params.style_strength
    return {} if share is None else {"prompt_strength": round(share * asked.limits["prompt_strength"][model], 3)}
