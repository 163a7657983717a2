"""The pitched sounds, by name. Levels are set so that the same phrase is about equally loud in each."""

from __future__ import annotations

from sendreturn.synth.envelopes import Envelope
from sendreturn.synth.spectra import blown, drawbars, filtered, plucked, sung
from sendreturn.synth.voices import FmPair, FmVoice, ModalVoice, Mode, Noise, TableVoice, Unison, Vibrato, Voice

# Formants of sung vowels in Hz with levels, about those of Peterson & Barney, "Control Methods Used in a Study of the
# Vowels" (1952), for women.
_OO = ((370.0, 1.0), (950.0, 0.35), (2670.0, 0.06), (3700.0, 0.03))
_AH = ((850.0, 1.0), (1220.0, 0.6), (2810.0, 0.14), (3900.0, 0.06))
_OH = ((590.0, 1.0), (920.0, 0.5), (2710.0, 0.08), (3800.0, 0.04))

PATCHES: dict[str, Voice] = {
    # Keys
    "electric_piano": FmVoice(
        (
            FmPair(1, 1, index=1.3, falls_s=0.9, rests=0.25),
            FmPair(1, 14, index=0.5, falls_s=0.05, rests=0.0, level=0.35, decay_s=0.5),
            FmPair(2, 1, index=0.4, falls_s=0.3, rests=0.1, level=0.12, decay_s=0.8),
        ),
        Envelope(0.002, 1.7, 0.0, 0.09),
        level=0.50,
    ),
    "piano": TableVoice(
        plucked(0.12, tilt=0.9, ring_s=2.2, damping=0.012, body_hz=300.0),
        Envelope(0.0015, 1.6, 0.0, 0.09),
        unison=(Unison(-0.8, 0.6, -0.25), Unison(0.8, 0.6, 0.25)),
        noise=Noise(0.25, 900.0, 0.012),
        level=0.62,
    ),
    "felt_piano": TableVoice(
        plucked(0.13, tilt=1.7, ring_s=1.6, damping=0.03, body_hz=220.0),
        Envelope(0.006, 1.2, 0.0, 0.16),
        unison=(Unison(-1.2, 0.6, -0.2), Unison(1.2, 0.6, 0.2)),
        noise=Noise(0.3, 500.0, 0.02),
        level=0.66,
    ),
    "organ": TableVoice(
        drawbars({1: 1.0, 2: 0.75, 3: 0.6, 4: 0.35, 6: 0.15, 8: 0.25}),
        Envelope(0.004, 0.2, 0.9, 0.025),
        vibrato=Vibrato(7.0, 6.2, 0.0),
        noise=Noise(0.2, 3000.0, 0.006),
        moving=False,
        level=0.50,
    ),
    "accordion": TableVoice(
        blown(0.8, swells_s=0.03, top_hz=3500.0),
        Envelope(0.03, 0.3, 0.85, 0.05),
        unison=(Unison(-6, 0.6, -0.3), Unison(6, 0.6, 0.3)),
        level=0.62,
    ),
    # Plucked
    "nylon_guitar": TableVoice(
        plucked(0.28, tilt=0.95, ring_s=0.9, damping=0.05, body_hz=210.0),
        Envelope(0.0015, 0.75, 0.0, 0.07),
        noise=Noise(0.35, 1400.0, 0.008),
        level=0.63,
    ),
    "steel_guitar": TableVoice(
        plucked(0.17, tilt=0.75, ring_s=1.4, damping=0.018, body_hz=190.0),
        Envelope(0.001, 1.0, 0.0, 0.08),
        unison=(Unison(0.0, 0.9, -0.1), Unison(1.6, 0.25, 0.3)),
        noise=Noise(0.4, 3200.0, 0.006),
        level=0.62,
    ),
    "electric_guitar": TableVoice(
        plucked(0.11, tilt=0.6, ring_s=3.0, damping=0.006),
        Envelope(0.002, 2.2, 0.0, 0.05),
        unison=(Unison(0.0, 0.9, -0.15), Unison(3.0, 0.5, 0.4)),
        noise=Noise(0.3, 2600.0, 0.006),
        level=0.44,
    ),
    "harp": TableVoice(
        plucked(0.36, tilt=1.15, ring_s=1.8, damping=0.03),
        Envelope(0.002, 1.3, 0.0, 0.3),
        noise=Noise(0.12, 1800.0, 0.006),
        level=0.52,
    ),
    "pizzicato": TableVoice(
        plucked(0.3, tilt=1.2, ring_s=0.3, damping=0.06, body_hz=450.0),
        Envelope(0.002, 0.16, 0.0, 0.08),
        unison=(Unison(-4, 0.6, -0.3), Unison(4, 0.6, 0.3)),
        noise=Noise(0.4, 1100.0, 0.008),
        level=1.31,
    ),
    # Basses
    "upright_bass": TableVoice(
        plucked(0.33, tilt=1.1, ring_s=0.45, damping=0.03, body_hz=110.0),
        Envelope(0.005, 0.7, 0.0, 0.06),
        noise=Noise(0.5, 700.0, 0.014),
        level=0.74,
    ),
    "finger_bass": TableVoice(
        plucked(0.22, tilt=1.15, ring_s=0.8, damping=0.012),
        Envelope(0.003, 1.1, 0.15, 0.05),
        noise=Noise(0.25, 1200.0, 0.008),
        level=0.65,
    ),
    "synth_bass": TableVoice(
        filtered("saw", 380.0, opens_hz=1700.0, opens_s=0.14, resonance=1.3, tracking=0.4),
        Envelope(0.003, 0.5, 0.65, 0.03),
        unison=(Unison(-4, 0.55), Unison(4, 0.55), Unison(0, 0.5, octave=-1)),
        level=0.77,
    ),
    "sub_bass": TableVoice(
        filtered("square", 150.0, opens_hz=250.0, opens_s=0.08, tracking=0.7),
        Envelope(0.006, 0.8, 0.8, 0.06),
        level=1.04,
    ),
    "bowed_bass": TableVoice(
        filtered("saw", 600.0, opens_hz=-250.0, opens_s=0.12, tracking=0.5),
        Envelope(0.05, 0.5, 0.9, 0.14),
        unison=(Unison(-5, 0.5, -0.2), Unison(0, 0.5), Unison(6, 0.5, 0.2)),
        vibrato=Vibrato(8.0, 4.8, 0.3),
        random_phases=True,
        level=0.73,
    ),
    # Pads and ensembles
    "warm_pad": TableVoice(
        filtered("saw", 1100.0, opens_hz=-700.0, opens_s=0.6, resonance=0.8, tracking=0.4),
        Envelope(0.16, 1.5, 0.85, 0.4),
        unison=(Unison(-11, 0.5, -0.9), Unison(-4, 0.5, 0.4), Unison(5, 0.5, -0.4), Unison(12, 0.5, 0.9)),
        random_phases=True,
        level=0.51,
    ),
    "airy_pad": TableVoice(
        sung((_OH, _AH), turns_s=1.5, tilt=1.25),
        Envelope(0.35, 2.0, 0.9, 0.9),
        unison=(Unison(-9, 0.5, -0.9), Unison(0, 0.4), Unison(9, 0.5, 0.9), Unison(3, 0.16, 0.2, octave=1)),
        noise=Noise(0.1, 5000.0, None),
        random_phases=True,
        level=0.55,
    ),
    "strings": TableVoice(
        filtered("saw", 3600.0, opens_hz=-2000.0, opens_s=0.12, resonance=0.7, tracking=0.35),
        Envelope(0.07, 0.8, 0.9, 0.16),
        unison=(
            Unison(-9, 0.42, -0.8),
            Unison(-3, 0.42, 0.5),
            Unison(2, 0.42, -0.3),
            Unison(6, 0.42, 0.1),
            Unison(11, 0.42, 0.8),
        ),
        vibrato=Vibrato(11.0, 5.1, 0.2),
        random_phases=True,
        level=0.51,
    ),
    "synth_brass": TableVoice(
        filtered("saw", 1500.0, opens_hz=1800.0, opens_s=0.35, resonance=0.9),
        Envelope(0.02, 0.5, 0.75, 0.1),
        unison=(Unison(-8, 0.6, -0.6), Unison(0, 0.4), Unison(8, 0.6, 0.6)),
        level=0.54,
    ),
    # Leads and winds
    "lead": TableVoice(
        filtered("saw", 2200.0, opens_hz=2600.0, opens_s=0.25, resonance=1.2, tracking=0.6),
        Envelope(0.005, 0.4, 0.75, 0.07),
        unison=(Unison(-7, 0.6, -0.4), Unison(7, 0.6, 0.4)),
        vibrato=Vibrato(14.0, 5.5, 0.3),
        level=0.60,
    ),
    "soft_lead": TableVoice(
        filtered("pulse", 1500.0, opens_hz=700.0, opens_s=0.3, width=0.35),
        Envelope(0.012, 0.5, 0.8, 0.1),
        vibrato=Vibrato(12.0, 5.0, 0.25),
        level=0.52,
    ),
    "chip_lead": TableVoice(
        filtered("pulse", 16000.0, width=0.25, tracking=0.0, touch=0.0),
        Envelope(0.0015, 0.3, 0.75, 0.015),
        vibrato=Vibrato(16.0, 6.5, 0.2),
        moving=False,
        level=0.53,
    ),
    "chip_pulse": TableVoice(
        filtered("pulse", 14000.0, width=0.125, tracking=0.0, touch=0.0),
        Envelope(0.0015, 0.12, 0.35, 0.012),
        moving=False,
        level=0.76,
    ),
    "chip_bass": TableVoice(
        filtered("square", 5000.0, tracking=0.0, touch=0.0),
        Envelope(0.0015, 0.4, 0.8, 0.012),
        moving=False,
        level=0.62,
    ),
    "ooh": TableVoice(
        sung((_OO, _OH), turns_s=0.35, tilt=0.9),
        Envelope(0.025, 0.6, 0.85, 0.07),
        vibrato=Vibrato(24.0, 5.3, 0.3),
        noise=Noise(0.03, 3500.0, None),
        level=0.66,
    ),
    "choir": TableVoice(
        sung((_OO, _AH), turns_s=0.5),
        Envelope(0.11, 0.8, 0.9, 0.25),
        unison=(Unison(-10, 0.45, -0.7), Unison(-3, 0.45, 0.4), Unison(4, 0.45, -0.2), Unison(11, 0.45, 0.7)),
        vibrato=Vibrato(14.0, 5.0, 0.3),
        noise=Noise(0.04, 4500.0, None),
        random_phases=True,
        level=0.82,
    ),
    "flute": TableVoice(
        blown(2.1, swells_s=0.04, top_hz=5000.0),
        Envelope(0.03, 0.4, 0.88, 0.07),
        vibrato=Vibrato(15.0, 5.2, 0.3),
        noise=Noise(0.1, 2800.0, None),
        level=0.52,
    ),
    "clarinet": TableVoice(
        blown(1.1, odd=0.12, swells_s=0.04, top_hz=3000.0),
        Envelope(0.022, 0.4, 0.9, 0.06),
        vibrato=Vibrato(6.0, 5.0, 0.4),
        noise=Noise(0.02, 2500.0, None),
        level=0.52,
    ),
    "sax": TableVoice(
        blown(0.6, odd=0.8, swells_s=0.06, top_hz=3600.0),
        Envelope(0.02, 0.4, 0.85, 0.07),
        vibrato=Vibrato(20.0, 5.0, 0.3),
        noise=Noise(0.06, 3000.0, None),
        level=0.51,
    ),
    "brass": TableVoice(
        blown(0.45, swells_s=0.09, top_hz=4200.0),
        Envelope(0.03, 0.5, 0.85, 0.09),
        unison=(Unison(-4, 0.6, -0.4), Unison(4, 0.6, 0.4)),
        vibrato=Vibrato(7.0, 5.0, 0.4),
        level=0.61,
    ),
    # Bells and bars
    "bells": FmVoice(
        (
            FmPair(1, 3.5, index=1.6, falls_s=0.8, rests=0.05),
            FmPair(4, 1.41, index=0.4, falls_s=0.2, rests=0.0, level=0.15, decay_s=0.4),
        ),
        Envelope(0.0015, 1.2, 0.0, 0.5),
        level=0.42,
    ),
    "vibraphone": ModalVoice(
        (Mode(1, 1.0, 2.2), Mode(3.98, 0.3, 0.5), Mode(10.4, 0.08, 0.12)),
        Envelope(0.0015, 3.0, 0.0, 0.12),
        noise=Noise(0.15, 1800.0, 0.006),
        tremolo_hz=5.0,
        level=0.68,
    ),
    "marimba": ModalVoice(
        (Mode(1, 1.0, 0.45), Mode(3.93, 0.35, 0.12), Mode(9.6, 0.12, 0.04)),
        Envelope(0.001, 1.0, 0.0, 0.2),
        noise=Noise(0.25, 1000.0, 0.006),
        level=0.85,
    ),
    "glockenspiel": ModalVoice(
        (Mode(1, 1.0, 1.4), Mode(2.76, 0.35, 0.6), Mode(5.4, 0.18, 0.25)),
        Envelope(0.001, 2.0, 0.0, 0.5),
        noise=Noise(0.08, 6000.0, 0.004),
        level=0.58,
    ),
    "music_box": ModalVoice(
        (Mode(1, 1.0, 0.9), Mode(2.0, 0.12, 0.7), Mode(6.27, 0.3, 0.15)),
        Envelope(0.001, 1.4, 0.0, 0.6),
        noise=Noise(0.12, 5000.0, 0.003),
        level=0.69,
    ),
}

PROGRAMS: dict[str, int] = {
    "electric_piano": 4,
    "piano": 0,
    "felt_piano": 0,
    "organ": 16,
    "accordion": 21,
    "nylon_guitar": 24,
    "steel_guitar": 25,
    "electric_guitar": 29,
    "harp": 46,
    "pizzicato": 45,
    "upright_bass": 32,
    "finger_bass": 33,
    "synth_bass": 38,
    "sub_bass": 39,
    "bowed_bass": 43,
    "warm_pad": 89,
    "airy_pad": 91,
    "strings": 48,
    "synth_brass": 62,
    "lead": 81,
    "soft_lead": 80,
    "chip_lead": 80,
    "chip_pulse": 80,
    "chip_bass": 38,
    "ooh": 53,
    "choir": 52,
    "flute": 73,
    "clarinet": 71,
    "sax": 65,
    "brass": 61,
    "bells": 14,
    "vibraphone": 11,
    "marimba": 12,
    "glockenspiel": 9,
    "music_box": 10,
}
"""The General MIDI 1 program, counted from 0, that is nearest to each patch: what a MIDI file of it should ask for."""
