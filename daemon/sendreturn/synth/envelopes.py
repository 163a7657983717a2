"""How loud a note is over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float32]
"""Shape (frames,)."""

_SILENT_IN_TIME_CONSTANTS = 6.9
"""exp(−6.9) is −60 dB."""
_LAST_FADE_S = 0.006


@dataclass(frozen=True)
class Envelope:
    """Attack, decay, sustain, release.

    Attributes:
        attack_s: Time of the rise, a quarter of a sine squared, so that it starts and ends without a corner.
        decay_s: Time constant of the fall to `sustain`.
        sustain: Level that is held, 0–1; 0 for struck and plucked sounds.
        release_s: Time constant of the fall after the note's end.
    """

    attack_s: float = 0.003
    decay_s: float = 0.5
    sustain: float = 0.7
    release_s: float = 0.08

    def frames(self, held_s: float, rate_hz: int) -> int:
        """Length of a note that is held for `held_s`, with its release, in samples."""
        ringing_s = max(held_s, self.attack_s) + self.release_s * _SILENT_IN_TIME_CONSTANTS + _LAST_FADE_S
        if self.sustain <= 0:
            ringing_s = min(ringing_s, self.attack_s + self.decay_s * _SILENT_IN_TIME_CONSTANTS + _LAST_FADE_S)
        return max(2, round(ringing_s * rate_hz))

    def curve(self, held_s: float, frames: int, rate_hz: int) -> Curve:
        """Levels 0–1 of `frames` samples, ending at 0 if the note ends within them."""
        t = np.arange(frames, dtype=np.float32) / np.float32(rate_hz)
        level = self.sustain + (1 - self.sustain) * np.exp(-np.maximum(t - self.attack_s, 0) / self.decay_s)
        rising = min(frames, int(self.attack_s * rate_hz))
        level[:rising] *= np.sin(0.5 * np.pi * t[:rising] / self.attack_s) ** 2
        off = min(frames, round(max(held_s, self.attack_s) * rate_hz))
        level[off:] *= np.exp(-(t[off:] - t[off - 1]) / self.release_s)
        return np.asarray(level * _last_fade(frames, self.frames(held_s, rate_hz), rate_hz), dtype=np.float32)


def fade_ends(samples: NDArray[np.float32], rate_hz: int, fade_in_s: float, fade_out_s: float) -> NDArray[np.float32]:
    """`samples` of shape (frames, …) with raised-cosine fades at both ends, as a copy."""
    faded = np.array(samples, dtype=np.float32)
    head, tail = (min(len(faded), max(1, round(s * rate_hz))) for s in (fade_in_s, fade_out_s))
    shape = (-1,) + (1,) * (faded.ndim - 1)
    faded[:head] *= _ramp(head).reshape(shape)
    faded[len(faded) - tail :] *= _ramp(tail)[::-1].reshape(shape)
    return faded


def _last_fade(frames: int, whole: int, rate_hz: int) -> Curve:
    """Brings the last milliseconds of a note of `whole` samples to 0; of these, the first `frames`."""
    fade = max(1, round(_LAST_FADE_S * rate_hz))
    to_go = np.arange(whole - 1, whole - 1 - frames, -1, dtype=np.float32)
    return np.asarray(np.clip(to_go / np.float32(fade), 0, 1), dtype=np.float32)


def _ramp(frames: int) -> Curve:
    return np.asarray(np.sin(0.5 * np.pi * np.arange(frames) / frames) ** 2, dtype=np.float32)
