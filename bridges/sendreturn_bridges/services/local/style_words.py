"""What a free text about style asks for: the style, the colour, and what should not be heard."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sendreturn.synth.patches import PATCHES

from sendreturn_bridges.services.local.arrangement import Role
from sendreturn_bridges.services.local.styles import STYLES, Style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendreturn.synth import Sound


@dataclass(frozen=True)
class Choice:
    """The style that was taken, and whether the text asked for it."""

    style: Style
    asked: bool
    words: tuple[str, ...]


@dataclass(frozen=True)
class Wish:
    """What the user asked for, read from free text.

    Attributes:
        text: The wanted part, plain.
        roles: That should not be heard.
        patches: Of the synthesizer, that should not be heard.
        refused: Names of styles that should not be taken.
    """

    text: str
    roles: frozenset[Role] = frozenset()
    patches: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()


_COLOURS: dict[str, tuple[float, float | None]] = {
    "dark": (1.0, 1800.0),
    "warm": (1.0, 4500.0),
    "muffled": (0.8, 1200.0),
    "distant": (2.5, 3000.0),
    "spacious": (2.0, None),
    "reverb": (2.0, None),
    "wet": (2.0, None),
    "dry": (0.15, None),
    "intimate": (0.5, None),
}
"""Word → (factor of the room, low-pass in Hz)."""

_ROLE_WORDS = {
    "drums": Role.DRUMS,
    "drum": Role.DRUMS,
    "percussion": Role.DRUMS,
    "beat": Role.DRUMS,
    "beats": Role.DRUMS,
    "bass": Role.BASS,
    "melody": Role.MELODY,
    "chords": Role.CHORDS,
    "pad": Role.PAD,
    "pads": Role.PAD,
}
_VOICES = frozenset({"vocal", "vocals", "voice", "voices", "singing", "singer", "choir", "ooh"})
_INSTRUMENT_WORDS = frozenset({*_ROLE_WORDS, *_VOICES, *(word for patch in PATCHES for word in patch.split("_"))})
_ALIASES = {"saxophone": "sax", "vibes": "vibraphone", "contrabass": "upright", "celesta": "glockenspiel"}
_FILLERS = frozenset(
    {"a", "an", "and", "the", "in", "of", "with", "style", "music", "like", "very", "as", "to", "cover"}
)
_NEGATED = re.compile(r"\b(?:no|without|minus|not)\s+(?:any\s+)?(\w+)")
_NEGATION = re.compile(r"\b(?:no|without|minus|not|any)\b")
_LESS = re.compile(r"\b(drum|beat|bass|vocal|voice)less\b")


def read_wish(style: str | Sequence[str], negative_style: str | Sequence[str] = "") -> Wish:
    """What the texts ask for; "no drums" or "drumless" in `style` itself also says what is unwanted."""
    plain = plain_text(style)
    negative = " ".join(
        (*_NEGATED.findall(plain), *_LESS.findall(plain), _NEGATION.sub("", plain_text(negative_style)))
    )
    unwanted = frozenset(negative.split())
    patches = {patch for word in unwanted for patch in _patches_named(word)}
    refused = {style.name for style in STYLES if set(_found(style, negative)) - _INSTRUMENT_WORDS}
    return Wish(
        " ".join(_LESS.sub(" ", _NEGATED.sub(" ", plain)).split()),
        frozenset(_ROLE_WORDS[word] for word in unwanted if word in _ROLE_WORDS),
        frozenset(patches),
        frozenset(refused),
    )


def choose_style(wish: Wish, *, seed: int = 0) -> Choice:
    """The style that most of the wish's words ask for; of two alike, the one named first.

    Where no word is known, the text and the seed choose one, always the same.
    """
    plain = wish.text
    styles = [style for style in STYLES if style.name not in wish.refused] or list(STYLES)
    found = {style.name: _found(style, plain) for style in styles}
    best = max(styles, key=lambda style: _rank(found[style.name], plain))
    if found[best.name]:
        return Choice(best, True, found[best.name])
    return Choice(styles[(zlib.crc32(plain.encode()) + seed) % len(styles)], False, ())


def passed_over(choice: Choice, wish: Wish) -> tuple[str, ...]:
    """Words of the wish that changed nothing."""
    used = {*" ".join(choice.words).split(), *_COLOURS, *_FILLERS}
    return tuple(dict.fromkeys(word for word in wish.text.split() if word not in used))


def plain_text(text: str | Sequence[str]) -> str:
    """Lower case, with everything but letters and digits as single spaces."""
    joined = text if isinstance(text, str) else ", ".join(text)
    return " ".join(re.findall(r"[^\W_]+", joined.lower()))


def colour(sound: Sound, plain: str) -> Sound:
    """The sound as words such as "dark" or "dry" want it."""
    for word in plain.split():
        room, lowpass_hz = _COLOURS.get(word, (1.0, None))
        cutoffs_hz = [hz for hz in (sound.lowpass_hz, lowpass_hz) if hz]
        sound = replace(sound, reverb=min(1.2, sound.reverb * room), lowpass_hz=min(cutoffs_hz, default=None))
    return sound


def style_names() -> tuple[str, ...]:
    return tuple(style.name for style in STYLES)


def _patches_named(word: str) -> frozenset[str]:
    """The patches that a word such as "guitar" means; none for a role, which is left out altogether."""
    if word in _VOICES:
        return frozenset({"ooh", "choir"})
    if word in _ROLE_WORDS:
        return frozenset()
    meant = {word, word.removesuffix("s"), _ALIASES.get(word.removesuffix("s"), word), _ALIASES.get(word, word)}
    return frozenset(patch for patch in PATCHES if not meant.isdisjoint(patch.split("_")))


def _found(style: Style, plain: str) -> tuple[str, ...]:
    """The style's words that stand in the text, without those that are only part of a longer one found."""
    known = dict.fromkeys((*style.words, plain_text(style.name)))
    found = [word for word in known if f" {word} " in f" {plain} "]
    return tuple(word for word in found if not any(f" {word} " in f" {other} " for other in found if other != word))


def _rank(found: Sequence[str], plain: str) -> tuple[int, int]:
    """More words first (a phrase counts each of its own), then the earlier."""
    if not found:
        return 0, 0
    return sum(len(word.split()) for word in found), -min(f" {plain} ".index(f" {word} ") for word in found)
