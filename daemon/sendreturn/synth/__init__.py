"""The built-in synthesizer: notes in, stereo audio out, with nothing but numpy and scipy."""

from __future__ import annotations

from sendreturn.synth.mixdown import Mixdown, mix_down, peak_db, sum_stems
from sendreturn.synth.render import Sound, default_sound, pitch_hz, render

__all__ = ["Mixdown", "Sound", "default_sound", "mix_down", "peak_db", "pitch_hz", "render", "sum_stems"]
