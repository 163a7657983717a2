"""The drum kits, by name: General MIDI drum key → how it sounds, how loud, and where it stands.

Keys are those of the General MIDI 1 percussion map (35 Acoustic Bass Drum … 81 Open Triangle). A kit need not have
every key; `Kit.piece` finds the nearest relative for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

from sendreturn.synth.drums import Hit, block, burst, kick, metal, ride, snare, tom

KICK, RIM, SNARE, CLAP, CLOSED_HAT, PEDAL_HAT, OPEN_HAT = 36, 37, 38, 39, 42, 44, 46
LOW_TOM, MID_TOM, HIGH_TOM, CRASH, RIDE, TAMBOURINE, SHAKER = 45, 47, 50, 49, 51, 54, 82

_RELATIVES = {
    35: KICK, 40: SNARE, 41: LOW_TOM, 43: LOW_TOM, 48: HIGH_TOM, 52: CRASH, 53: RIDE, 55: CRASH, 57: CRASH, 59: RIDE,
    60: 62, 61: 64, 63: 62, 65: 62, 66: 64, 67: 56, 68: 56, 69: SHAKER, 70: SHAKER, 71: 80, 72: 80, 73: RIM, 74: RIM,
    76: 75, 77: 75, 78: 62, 79: 64, 81: 80, PEDAL_HAT: CLOSED_HAT,
}  # fmt: skip
_STRANGER = 75
"""What a key outside the map sounds like: a wood block."""


@dataclass(frozen=True)
class Piece:
    """One drum of a kit. `pan` is −1 left … 1 right, as the audience sees it."""

    hit: Hit
    level: float = 1.0
    pan: float = 0.0


@dataclass(frozen=True)
class Kit:
    """Drums by General MIDI key."""

    pieces: dict[int, Piece]
    level: float = 1.0

    def piece(self, key: int) -> Piece:
        """The drum of `key`, or its nearest relative in this kit, or a wood block."""
        known = {**_PERCUSSION, **self.pieces}
        return known.get(key) or known[_RELATIVES.get(key, _STRANGER)]


_PERCUSSION: dict[int, Piece] = {
    RIM: Piece(block((1700.0, 2350.0), 0.018, 0.5), 0.5, 0.1),
    CLAP: Piece(burst((900, 5000), 0.07, (0.0, 0.011, 0.022)), 0.7, -0.05),
    TAMBOURINE: Piece(burst((5500, 14000), 0.05, (0.0, 0.014)), 0.45, 0.3),
    56: Piece(block((560.0, 845.0), 0.09), 0.45, 0.25),
    62: Piece(tom(330.0, 0.06, 0.35), 0.6, 0.3),
    64: Piece(tom(210.0, 0.13, 0.25), 0.65, 0.35),
    _STRANGER: Piece(block((1150.0, 1870.0), 0.03), 0.5, -0.25),
    80: Piece(block((4200.0, 5930.0, 8710.0), 0.25), 0.25, 0.4),
    SHAKER: Piece(burst((4500, 13000), 0.03, attack_s=0.008), 0.35, -0.35),
}

_ACOUSTIC = Kit(
    {
        KICK: Piece(kick(52.0, 150.0, 0.022, 0.14, 0.8), 1.0),
        SNARE: Piece(snare(185.0, 0.07, 0.1, 0.75, (1200, 8500)), 0.8, 0.05),
        CLOSED_HAT: Piece(metal(0.12, 0.022, (5500, 15000), tones=0.35), 0.5, 0.3),
        OPEN_HAT: Piece(metal(0.9, 0.19, (5000, 15000), tones=0.35), 0.45, 0.3),
        LOW_TOM: Piece(tom(95.0, 0.26), 0.85, -0.35),
        MID_TOM: Piece(tom(130.0, 0.22), 0.85, -0.05),
        HIGH_TOM: Piece(tom(175.0, 0.18), 0.8, 0.25),
        CRASH: Piece(metal(2.6, 0.55, (2200, 14000), tones=0.3, base_hz=290.0), 0.55, -0.4),
        RIDE: Piece(ride(2900.0, 0.6, 0.35), 0.5, -0.35),
    },
    level=0.85,
)
_ELECTRONIC = Kit(
    {
        KICK: Piece(kick(46.0, 130.0, 0.035, 0.26, 0.4, length_s=1.1), 1.0),
        SNARE: Piece(snare(178.0, 0.06, 0.085, 0.65, (900, 11000), snap=0.8), 0.8),
        CLAP: Piece(burst((850, 4500), 0.11, (0.0, 0.01, 0.02, 0.03)), 0.75),
        CLOSED_HAT: Piece(metal(0.1, 0.018, (6500, 16000), tones=0.75, base_hz=540.0), 0.5, 0.15),
        OPEN_HAT: Piece(metal(0.7, 0.14, (6500, 16000), tones=0.75, base_hz=540.0), 0.42, 0.15),
        LOW_TOM: Piece(tom(80.0, 0.25, 0.05), 0.85, -0.3),
        MID_TOM: Piece(tom(115.0, 0.22, 0.05), 0.85, 0.0),
        HIGH_TOM: Piece(tom(160.0, 0.2, 0.05), 0.85, 0.3),
        CRASH: Piece(metal(1.8, 0.4, (3500, 16000), tones=0.6, base_hz=470.0), 0.45, -0.3),
        RIDE: Piece(metal(0.8, 0.17, (5000, 13000), tones=0.85, base_hz=610.0), 0.4, -0.2),
    },
    level=0.7,
)
_GATED = Kit(
    {
        **_ELECTRONIC.pieces,
        KICK: Piece(kick(54.0, 190.0, 0.02, 0.13, 0.9), 1.0),
        SNARE: Piece(snare(165.0, 0.09, 0.19, 1.0, (600, 8500), snap=0.9), 0.8),
        LOW_TOM: Piece(tom(88.0, 0.34, 0.3), 0.9, -0.4),
        MID_TOM: Piece(tom(124.0, 0.3, 0.3), 0.9, 0.0),
        HIGH_TOM: Piece(tom(170.0, 0.27, 0.3), 0.9, 0.4),
    },
    level=0.77,
)
_BRUSHES = Kit(
    {
        KICK: Piece(kick(58.0, 60.0, 0.02, 0.13, 0.15), 0.65),
        SNARE: Piece(burst((1100, 6500), 0.085, attack_s=0.003), 0.6, 0.05),
        CLOSED_HAT: Piece(metal(0.09, 0.016, (5000, 12000), tones=0.3), 0.4, 0.3),
        OPEN_HAT: Piece(metal(0.6, 0.12, (4500, 12000), tones=0.3), 0.35, 0.3),
        LOW_TOM: Piece(tom(105.0, 0.3, 0.12), 0.7, -0.3),
        MID_TOM: Piece(tom(140.0, 0.26, 0.12), 0.7, 0.0),
        HIGH_TOM: Piece(tom(190.0, 0.22, 0.12), 0.7, 0.25),
        CRASH: Piece(metal(2.4, 0.5, (2000, 9500), tones=0.35, base_hz=270.0), 0.4, -0.35),
        RIDE: Piece(ride(2500.0, 0.8, 0.28, length_s=2.0), 0.55, -0.3),
    },
    level=1.2,
)
_HANDS = Kit(
    {
        KICK: Piece(tom(72.0, 0.12, 0.3), 1.0),
        SNARE: Piece(snare(230.0, 0.04, 0.05, 0.55, (1500, 6500)), 0.7, 0.05),
        CLOSED_HAT: Piece(burst((4500, 13000), 0.025, attack_s=0.004), 0.35, -0.3),
        OPEN_HAT: Piece(burst((5500, 14000), 0.09, (0.0, 0.014)), 0.35, 0.3),
        LOW_TOM: Piece(tom(165.0, 0.14, 0.25), 0.7, -0.3),
        MID_TOM: Piece(tom(215.0, 0.12, 0.25), 0.7, 0.0),
        HIGH_TOM: Piece(tom(290.0, 0.1, 0.3), 0.7, 0.3),
        CRASH: Piece(burst((5000, 14000), 0.2, (0.0, 0.014, 0.03)), 0.4, 0.3),
        RIDE: Piece(burst((4500, 13000), 0.03, attack_s=0.004), 0.35, -0.3),
    },
    level=0.9,
)
_LOFI = Kit(
    {
        **_ACOUSTIC.pieces,
        KICK: Piece(kick(56.0, 90.0, 0.025, 0.12, 0.3), 1.0),
        SNARE: Piece(snare(205.0, 0.05, 0.07, 0.6, (900, 4800), snap=0.4), 0.75, 0.05),
        CLOSED_HAT: Piece(metal(0.09, 0.017, (4200, 8500), tones=0.25), 0.42, 0.2),
        OPEN_HAT: Piece(metal(0.5, 0.1, (4200, 8500), tones=0.25), 0.38, 0.2),
    },
    level=0.93,
)
_CHIP = Kit(
    {
        KICK: Piece(kick(60.0, 420.0, 0.02, 0.06, 0.0, length_s=0.25), 1.0),
        SNARE: Piece(burst((700, 9000), 0.05), 0.75),
        CLAP: Piece(burst((1500, 9000), 0.03), 0.6),
        CLOSED_HAT: Piece(burst((7000, 16000), 0.012), 0.4),
        OPEN_HAT: Piece(burst((6000, 16000), 0.07), 0.35),
        LOW_TOM: Piece(kick(90.0, 160.0, 0.05, 0.08, 0.0, length_s=0.3), 0.8),
        MID_TOM: Piece(kick(130.0, 220.0, 0.05, 0.08, 0.0, length_s=0.3), 0.8),
        HIGH_TOM: Piece(kick(180.0, 300.0, 0.05, 0.08, 0.0, length_s=0.3), 0.8),
        CRASH: Piece(burst((3000, 16000), 0.3), 0.4),
        RIDE: Piece(burst((8000, 16000), 0.03), 0.35),
    },
    level=1.05,
)
_ORCHESTRAL = Kit(
    {
        KICK: Piece(tom(62.0, 0.5, 0.12), 1.0),
        SNARE: Piece(snare(195.0, 0.05, 0.09, 0.8, (1500, 7000), snap=0.25), 0.45, 0.15),
        CLOSED_HAT: Piece(block((4200.0, 5930.0, 8710.0), 0.05), 0.16, 0.4),
        OPEN_HAT: Piece(block((4200.0, 5930.0, 8710.0), 0.3), 0.16, 0.4),
        LOW_TOM: Piece(tom(82.0, 0.55, 0.1), 0.9, -0.3),
        MID_TOM: Piece(tom(110.0, 0.5, 0.1), 0.9, -0.2),
        HIGH_TOM: Piece(tom(147.0, 0.45, 0.1), 0.85, -0.1),
        CRASH: Piece(metal(3.0, 0.8, (1800, 12000), tones=0.25, base_hz=250.0), 0.5, 0.2),
        RIDE: Piece(metal(1.6, 0.35, (3000, 9000), tones=0.3, base_hz=330.0), 0.2, 0.25),
    },
    level=0.62,
)

KITS: dict[str, Kit] = {
    "acoustic_kit": _ACOUSTIC,
    "electronic_kit": _ELECTRONIC,
    "gated_kit": _GATED,
    "brushes": _BRUSHES,
    "hand_kit": _HANDS,
    "lofi_kit": _LOFI,
    "chip_kit": _CHIP,
    "orchestral_kit": _ORCHESTRAL,
}
