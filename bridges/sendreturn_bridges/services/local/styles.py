"""The styles that a cover knows: their instruments, and the words by which a text asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendreturn.synth import Sound

from sendreturn_bridges.services.local.arrangement import Groove, Manner, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

_AS_PLAYED = Manner((0, 127))


@dataclass(frozen=True)
class Part:
    """One player of a style.

    Attributes:
        stem: Name of its stem, one of `words.STEMS`.
        sounds: What it may play; the seed chooses.
    """

    stem: str
    sounds: tuple[Sound, ...]
    manner: Manner = _AS_PLAYED


@dataclass(frozen=True)
class Style:
    """A way to play.

    Attributes:
        words: What asks for it, in lower case with single spaces.
        parts: Role → player. A role that is missing is left out.
        groove: Played where the clip has no drums; None adds nothing.
        pump: How far the kick drum pushes chords and pads down, 0–1.
    """

    name: str
    words: tuple[str, ...]
    parts: Mapping[Role, Part]
    groove: Groove | None = None
    pump: float = 0.0


_HIGH, _MIDDLE, _LOW = (60, 84), (50, 72), (30, 50)
M, X, C, P, B, D = Role.MELODY, Role.COUNTER, Role.CHORDS, Role.PAD, Role.BASS, Role.DRUMS


def _part(
    stem: str, *sounds: Sound, register: tuple[int, int] = (0, 127), hold: str = "played", step: float = 0.0
) -> Part:
    return Part(stem, sounds, Manner(register, hold, step))


_BRUSHED = Groove("first", 0, 51, 3, 62)
_STRAIGHT = Groove("strong", 38, 42, 2)
_FLOOR = Groove("every", 39, 42, 2, 60)
_SOFT = Groove("strong", 37, 42, 2, 50)
_SHAKEN = Groove("first", 0, 82, 2, 56)
_MACHINE = Groove("strong", 38, 42, 4, 58)

STYLES: tuple[Style, ...] = (
    Style(
        "jazz trio",
        ("jazz", "jazzy", "swing", "bebop", "trio", "smooth jazz", "lounge", "blues", "cool jazz", "big band"),
        {
            M: _part("woodwinds", Sound("sax", 0.5, 0.1, 0.16), Sound("vibraphone", 0.5, 0.15, 0.16), register=_HIGH),
            X: _part("brass", Sound("brass", -6, 0.4, 0.2), Sound("clarinet", -5, 0.4, 0.2), register=_MIDDLE),
            C: _part("keyboard", Sound("piano", -4, -0.25, 0.14), Sound("electric_piano", -5, -0.2, 0.14, chorus=0.3)),
            B: _part("bass", Sound("upright_bass", 0, 0, 0.06), register=_LOW),
            D: _part("drums", Sound("brushes", -1, 0, 0.12, 0.7)),
        },
        _BRUSHED,
    ),
    Style(
        "synthwave",
        (
            "synthwave",
            "retrowave",
            "outrun",
            "80s",
            "eighties",
            "vaporwave",
            "synth pop",
            "synthpop",
            "new wave",
            "retro",
        ),
        {
            M: _part(
                "synth", Sound("lead", 0, 0.1, 0.28, 1.6, 0.4), Sound("synth_brass", 0, 0.1, 0.28, 1.6), register=_HIGH
            ),
            X: _part("keyboard", Sound("bells", -6, 0.5, 0.3, 1.6), register=_HIGH),
            C: _part("other", Sound("chip_pulse", -2, -0.3, 0.25, 1.4, 0.5, lowpass_hz=3200.0), step=0.25),
            P: _part("strings", Sound("warm_pad", -8, 0, 0.3, 1.8, 0.6), register=_MIDDLE, hold="legato"),
            B: _part("bass", Sound("synth_bass", 0.5, 0, 0.03), register=_LOW),
            D: _part("drums", Sound("gated_kit", 0, 0, 0.2, 0.5)),
        },
        _MACHINE,
        pump=0.45,
    ),
    Style(
        "lo-fi",
        (
            "lo fi",
            "lofi",
            "chillhop",
            "chill",
            "study beats",
            "hip hop",
            "boom bap",
            "mellow",
            "r b",
            "neo soul",
            "tape",
        ),
        {
            M: _part(
                "synth",
                Sound("soft_lead", -1, 0.15, 0.2, 0.9, lowpass_hz=2600.0, wobble_s=0.001),
                Sound("vibraphone", 0, 0.15, 0.2, 0.9, lowpass_hz=3000.0, wobble_s=0.001),
                register=_HIGH,
            ),
            X: _part("guitar", Sound("nylon_guitar", -5, 0.4, 0.15, lowpass_hz=3200.0, wobble_s=0.001)),
            C: _part(
                "keyboard",
                Sound("electric_piano", -4, -0.15, 0.15, 0.8, 0.4, lowpass_hz=2400.0, wobble_s=0.001),
                Sound("felt_piano", -4, -0.15, 0.15, 0.8, lowpass_hz=2800.0, wobble_s=0.001),
            ),
            B: _part(
                "bass", Sound("sub_bass", 0, 0, 0.0), Sound("finger_bass", 0, 0, 0.0, lowpass_hz=900.0), register=_LOW
            ),
            D: _part("drums", Sound("lofi_kit", 0, 0, 0.08, 0.4, drive=2.0, lowpass_hz=5500.0)),
        },
        _SOFT,
        pump=0.25,
    ),
    Style(
        "orchestral",
        (
            "orchestral",
            "orchestra",
            "strings",
            "classical",
            "symphonic",
            "cinematic",
            "film score",
            "epic",
            "chamber",
            "baroque",
        ),
        {
            M: _part(
                "woodwinds", Sound("flute", 0, 0.2, 0.4, 2.2), Sound("clarinet", 0, 0.25, 0.4, 2.2), register=_HIGH
            ),
            X: _part("brass", Sound("brass", -5, 0.4, 0.45, 2.2), register=_MIDDLE),
            C: _part("strings", Sound("strings", -4, -0.15, 0.4, 2.2), hold="legato"),
            P: _part("other", Sound("pizzicato", -8, 0.3, 0.35, 2.2), Sound("harp", -8, 0.4, 0.4, 2.2), hold="short"),
            B: _part("bass", Sound("bowed_bass", 0, 0.25, 0.3, 2.0), register=_LOW),
            D: _part("drums", Sound("orchestral_kit", -4, 0, 0.4, 2.0)),
        },
    ),
    Style(
        "acoustic folk",
        (
            "acoustic",
            "folk",
            "unplugged",
            "country",
            "campfire",
            "singer songwriter",
            "americana",
            "bluegrass",
            "celtic",
        ),
        {
            M: _part("woodwinds", Sound("accordion", 0, 0.15, 0.2), Sound("flute", 0, 0.15, 0.2), register=_HIGH),
            X: _part("other", Sound("clarinet", -6, 0.4, 0.2), Sound("accordion", -6, 0.4, 0.2), register=_MIDDLE),
            C: _part("guitar", Sound("steel_guitar", -3, -0.25, 0.14), Sound("nylon_guitar", -3, -0.25, 0.14)),
            B: _part("bass", Sound("upright_bass", -0.5, 0.05, 0.08), register=_LOW),
            D: _part("drums", Sound("hand_kit", -1, 0, 0.12, 0.6)),
        },
        _SHAKEN,
    ),
    Style(
        "ambient",
        (
            "ambient",
            "drone",
            "ethereal",
            "meditation",
            "space",
            "atmospheric",
            "new age",
            "downtempo",
            "dreamy",
            "calm",
        ),
        {
            M: _part(
                "keyboard", Sound("bells", -2, 0.2, 0.8, 3.5), Sound("felt_piano", -1, 0.15, 0.7, 3.5), register=_HIGH
            ),
            X: _part("vocals", Sound("choir", -6, -0.3, 0.7, 3.5), register=_MIDDLE),
            C: _part(
                "synth", Sound("airy_pad", -3, 0, 0.6, 3.5, 0.3), Sound("warm_pad", -3, 0, 0.6, 3.5, 0.3), hold="legato"
            ),
            B: _part("bass", Sound("sub_bass", -2, 0, 0.2, 2.5), register=_LOW, hold="legato"),
            D: _part("drums", Sound("brushes", -8, 0, 0.6, 3.0, lowpass_hz=3500.0)),
        },
    ),
    Style(
        "chiptune",
        ("chiptune", "chip tune", "8 bit", "8bit", "16 bit", "game", "video game", "nes", "arcade", "pixel", "gameboy"),
        {
            M: _part("synth", Sound("chip_lead", 0, 0.0, 0.0), Sound("chip_pulse", 0, 0.0, 0.0), register=(64, 88)),
            X: _part("other", Sound("chip_pulse", -5, 0.35, 0.0), register=_HIGH),
            C: _part("keyboard", Sound("chip_pulse", -4, -0.3, 0.0), Sound("chip_lead", -6, -0.3, 0.0), step=0.125),
            B: _part("bass", Sound("chip_bass", 0, 0, 0.0), register=(33, 55)),
            D: _part("drums", Sound("chip_kit", -1, 0, 0.0)),
        },
        _MACHINE,
    ),
    Style(
        "house",
        (
            "house",
            "techno",
            "edm",
            "dance",
            "disco",
            "trance",
            "club",
            "electronic",
            "electro",
            "pop",
            "trap",
            "drum and bass",
        ),
        {
            M: _part(
                "synth", Sound("lead", 0, 0, 0.2, 1.2, 0.3), Sound("soft_lead", 0.5, 0, 0.2, 1.2, 0.3), register=_HIGH
            ),
            X: _part("other", Sound("bells", -6, 0.4, 0.25, 1.4), Sound("marimba", -5, 0.4, 0.25, 1.4), register=_HIGH),
            C: _part("keyboard", Sound("organ", -1, -0.1, 0.15), Sound("synth_brass", 0, -0.1, 0.15), hold="short"),
            P: _part("strings", Sound("strings", -9, 0, 0.3, 1.8), register=_MIDDLE, hold="legato"),
            B: _part("bass", Sound("synth_bass", 0.5, 0, 0.0), Sound("sub_bass", 0.5, 0, 0.0), register=_LOW),
            D: _part("drums", Sound("electronic_kit", 0.5, 0, 0.06, 0.4)),
        },
        _FLOOR,
        pump=0.6,
    ),
    Style(
        "bossa nova",
        ("bossa", "bossa nova", "latin", "samba", "salsa", "tropical", "reggae", "tango", "flamenco", "calypso"),
        {
            M: _part("woodwinds", Sound("flute", 0, 0.15, 0.18), Sound("sax", 0, 0.15, 0.18), register=_HIGH),
            X: _part("percussion", Sound("marimba", -5, 0.4, 0.18), Sound("vibraphone", -5, 0.4, 0.18), register=_HIGH),
            C: _part("guitar", Sound("nylon_guitar", -3, -0.2, 0.12), Sound("electric_piano", -5, -0.2, 0.12)),
            B: _part("bass", Sound("finger_bass", 0, 0, 0.05), Sound("upright_bass", 0, 0, 0.05), register=_LOW),
            D: _part("drums", Sound("acoustic_kit", -3, 0, 0.1, 0.6)),
        },
        Groove("strong", 37, 82, 2, 58),
    ),
    Style(
        "rock",
        ("rock", "metal", "punk", "grunge", "indie", "garage", "hard rock", "alternative", "guitar band", "surf"),
        {
            M: _part(
                "other",
                Sound("electric_guitar", 2, 0.15, 0.2, 0.8, drive=10.0, lowpass_hz=5000.0),
                Sound("organ", 0, 0.15, 0.2, 0.8, drive=4.0),
                register=_HIGH,
            ),
            X: _part("keyboard", Sound("organ", -6, 0.4, 0.15, drive=3.0)),
            C: _part("guitar", Sound("electric_guitar", 0, -0.3, 0.1, 0.6, drive=14.0, lowpass_hz=5200.0)),
            B: _part("bass", Sound("finger_bass", 1, 0, 0.0, drive=3.0), register=_LOW),
            D: _part("drums", Sound("acoustic_kit", 1, 0, 0.16, 0.7)),
        },
        _STRAIGHT,
    ),
    Style(
        "soul",
        ("soul", "funk", "funky", "motown", "gospel", "groove", "rhythm and blues", "acid jazz", "afrobeat"),
        {
            M: _part("brass", Sound("brass", 0, 0.1, 0.15), Sound("sax", 0, 0.1, 0.15), register=_HIGH),
            X: _part("strings", Sound("strings", -6, 0.3, 0.25, 1.2), register=_HIGH),
            C: _part("keyboard", Sound("electric_piano", -1, -0.2, 0.1, chorus=0.4), Sound("organ", -2, -0.2, 0.1)),
            B: _part("bass", Sound("finger_bass", 1, 0, 0.0, drive=1.5), register=_LOW),
            D: _part("drums", Sound("acoustic_kit", 0, 0, 0.06, 0.4)),
        },
        Groove("strong", 38, 42, 4, 62),
    ),
    Style(
        "choir",
        ("choir", "choral", "a cappella", "acapella", "vocal", "hymn", "sacred", "monastic"),
        {
            M: _part("vocals", Sound("ooh", 0, 0, 0.5, 2.8), Sound("choir", 0, 0, 0.5, 2.8), register=(58, 79)),
            X: _part("backing_vocals", Sound("choir", -5, 0.4, 0.5, 2.8), register=(50, 74)),
            C: _part("other", Sound("choir", -4, -0.1, 0.5, 2.8), register=(48, 70), hold="legato"),
            B: _part(
                "bass",
                Sound("choir", -1, 0, 0.5, 2.8),
                Sound("bowed_bass", -1, 0, 0.5, 2.8),
                register=(38, 54),
                hold="legato",
            ),
        },
    ),
    Style(
        "solo piano",
        ("piano", "solo piano", "ballad", "pianist", "minimal", "minimalist", "nocturne", "ragtime"),
        {
            M: _part("keyboard", Sound("piano", 0, 0.08, 0.2, 1.5), Sound("felt_piano", 0.5, 0.08, 0.25, 1.5)),
            X: _part("strings", Sound("strings", -9, 0.3, 0.4, 2.0)),
            C: _part("other", Sound("piano", -4, -0.05, 0.2, 1.5), Sound("felt_piano", -4, -0.05, 0.25, 1.5)),
            B: _part(
                "bass",
                Sound("piano", -1, -0.15, 0.2, 1.5),
                Sound("felt_piano", -1, -0.15, 0.25, 1.5),
                register=(30, 52),
            ),
        },
    ),
    Style(
        "music box",
        ("music box", "lullaby", "toy", "bells", "glockenspiel", "christmas", "fairy", "celesta", "children"),
        {
            M: _part(
                "keyboard",
                Sound("music_box", 0, 0.05, 0.3, 1.4),
                Sound("glockenspiel", -1, 0.05, 0.3, 1.4),
                register=(72, 96),
            ),
            X: _part("woodwinds", Sound("flute", -7, 0.3, 0.3, 1.4), register=_HIGH),
            C: _part("strings", Sound("harp", -4, -0.2, 0.3, 1.4), Sound("marimba", -4, -0.2, 0.3, 1.4)),
            B: _part(
                "bass", Sound("pizzicato", 0, 0.1, 0.25, 1.4), Sound("marimba", -1, 0.1, 0.25, 1.4), register=(36, 55)
            ),
            D: _part("percussion", Sound("orchestral_kit", -8, 0, 0.3, 1.4)),
        },
    ),
)
