"""A mix without its drums, once it is known when each drum is struck.

The strokes of one drum sound much alike while the music around them changes. So a low quantile, over all its strokes,
of what the spectrum gains at a stroke is the drum's own sound, and it is taken out at each stroke in that stroke's
strength. Unlike a median filter along time this leaves the attacks of the other instruments alone.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from sendreturn_bridges.services.local.stft import istft, stft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sendreturn.audio.notes import Note

    from sendreturn_bridges.services.local.onsets import Frames

_SIZE, _HOP = 1024, 256
_RING_S = 0.3
_LEAD_FRAMES = 2
"""A stroke reaches into the spectra before it by half a window."""
_ATTACK_FRAMES = 8
_FEWEST_STROKES = 3
_SHARE = 0.35
"""The quantile: below the median, since what others gain at some of the strokes is not the drum's."""
_EXCESS = 1.5
_ROUNDS = 3


def remove_drums(mono: NDArray[np.float32], rate_hz: int, strokes: Sequence[Note]) -> NDArray[np.float32]:
    """`mono` without the drums that are struck at `strokes`; same length."""
    spectra = stft(mono[:, None], _SIZE, _HOP)
    magnitude = np.abs(spectra[0])
    drums = np.zeros_like(magnitude)
    ring = _LEAD_FRAMES + round(_RING_S * rate_hz / _HOP)
    by_key = sorted(strokes, key=lambda note: note.pitch)
    for _, own in groupby(by_key, key=lambda note: note.pitch):
        starts = np.array([round(note.start_s * rate_hz / _HOP) - _LEAD_FRAMES for note in own])
        starts = starts[(starts >= 0) & (starts + ring <= len(magnitude))]
        if starts.size >= _FEWEST_STROKES:
            _add_drum(drums, np.maximum(magnitude - drums, 0.0), starts, ring)
    mask = np.clip(1 - _EXCESS * drums / (magnitude + 1e-9), 0.0, 1.0).astype(np.float32)
    return istft(spectra * mask, _SIZE, _HOP, mono.size)[:, 0]


def _add_drum(drums: Frames, magnitude: Frames, starts: NDArray[np.int64], ring: int) -> None:
    """Add to `drums` what one drum, struck at the frames `starts`, is in `magnitude`."""
    gains = np.stack([_gain(magnitude, int(start), ring) for start in starts])
    strength = np.ones(starts.size)
    sound = np.quantile(gains, _SHARE, axis=0)
    for _ in range(_ROUNDS):
        attack = sound[:_ATTACK_FRAMES]
        loud = attack > np.percentile(attack, 70)
        if not loud.any():
            return
        strength = np.clip(np.median(gains[:, :_ATTACK_FRAMES][:, loud] / (attack[loud] + 1e-6), axis=1), 0.1, 3.0)
        sound = np.quantile(gains / strength[:, None, None], _SHARE, axis=0)
    for start, factor in zip(starts, strength, strict=True):
        drums[start : start + ring] += (factor * sound).astype(np.float32)


def _gain(magnitude: Frames, start: int, ring: int) -> Frames:
    """What the spectrum gains from frame `start` on over the frames before it, shape (ring, bins)."""
    before = magnitude[max(0, start - 4) : max(1, start)].mean(axis=0)
    gained: Frames = np.maximum(0.0, magnitude[start : start + ring] - before)
    return gained
