"""General MIDI: which program an instrument's name stands for, and what a program is called."""

from __future__ import annotations

FAMILIES = (
    "piano",
    "mallets",
    "organ",
    "guitar",
    "bass",
    "strings",
    "ensemble",
    "brass",
    "reeds",
    "pipes",
    "synth lead",
    "synth pad",
    "synth effects",
    "folk",
    "percussion",
    "sound effects",
)
"""Eight programs each (General MIDI 1, table 2)."""

DRUM_WORDS = ("drum", "percussion", "kit", "cymbal", "snare", "kick")
PITCHED_DRUMS = ("steel drum", "melodic", "timpani")
PROGRAMS: tuple[tuple[str, int], ...] = (
    ("synth bass", 38),
    ("fretless", 35),
    ("bass (pick", 34),
    ("acoustic bass", 32),
    ("double bass", 32),
    ("upright", 32),
    ("bassoon", 70),
    ("bass", 33),
    ("distort", 30),
    ("overdriv", 29),
    ("electric guitar", 27),
    ("guitar", 25),
    ("electric piano", 4),
    ("piano", 0),
    ("keyboard", 0),
    ("organ", 16),
    ("synth voice", 54),
    ("vocal", 54),
    ("voice", 53),
    ("choir", 52),
    ("string", 48),
    ("violin", 40),
    ("cello", 42),
    ("brass", 61),
    ("trumpet", 56),
    ("sax", 65),
    ("flute", 73),
    ("woodwind", 71),
    ("steel drum", 114),
    ("timpani", 47),
    ("pad", 88),
    ("lead", 80),
    ("synth", 80),
)
"""Part of an instrument's name → General MIDI program, counted from 0; the first that fits is taken."""


def program_of(name: str) -> int:
    """The program that fits an instrument's name best; 0, a piano, where nothing does."""
    folded = name.casefold()
    return next((program for part, program in PROGRAMS if part in folded), 0)


def is_drum_kit(name: str) -> bool:
    """Whether a track of this name plays drums, whose keys are strokes and not pitches."""
    folded = name.casefold()
    return any(word in folded for word in DRUM_WORDS) and not any(word in folded for word in PITCHED_DRUMS)


def family_of(program: int) -> str:
    """What a track with this program is called that has no name of its own."""
    return FAMILIES[min(max(program, 0), 127) // 8]
