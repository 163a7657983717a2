"""Which moments of a clip may follow one another: what leads up to them and what comes after, compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sendreturn.audio.listening import timbre

if TYPE_CHECKING:
    from sendreturn.audio.listening import Listening

Floats = NDArray[np.float32]
Times = NDArray[np.float64]

PAST = ((-4.0, -2.0, 0.5), (-2.0, -1.0, 0.75), (-1.0, -0.5, 1.0), (-0.5, 0.0, 1.0))
FUTURE = ((0.0, 0.5, 1.0), (0.5, 1.0, 1.0), (1.0, 2.0, 0.75), (2.0, 4.0, 0.5))
"""Windows around a moment: from and to, in beats, and their weight."""
GROUP_FLOORS = (4.0, 0.15, 1.5)
"""Timbre, harmony and loudness vary at least this much (cepstra, chroma, dB), lest noise count in an even clip."""
GROUP_WEIGHTS = (1.0, 1.0, 0.6)
UNSURE = 0.15
"""Weight of the typical difference where windows are missing: an unknown context is neither good nor bad."""
BLUR_S = 0.023
"""Half of an analysis window: frames this near to a moment hear both sides of it."""


@dataclass(frozen=True)
class Contexts:
    """What surrounds some moments.

    Attributes:
        means: Shape (windows, moments, features): mean features of each window.
        known: Shape (windows, moments): 1.0 where the window lies in material that may be used, else 0.0.
        weights: Shape (windows,).
    """

    means: Floats
    known: Floats
    weights: Floats


class Memory:
    """The features of a clip, ready for the contexts of any moment.

    Args:
        listening: The clip as heard.
        usable: Shape (frames,): False for frames that don't count (a section to be replaced, what follows a cut).
    """

    def __init__(self, listening: Listening, usable: NDArray[np.bool_] | None = None) -> None:
        mask = np.ones(listening.frames) if usable is None else usable.astype(np.float64)
        features = _scaled(listening, mask > 0)
        self._hop_s = listening.hop_s
        self._count = np.concatenate([[0.0], np.cumsum(mask)])
        self._sums = np.concatenate([np.zeros((1, features.shape[1])), np.cumsum(features * mask[:, None], axis=0)])

    def contexts(self, moments_s: Times, beat_s: float, windows: tuple[tuple[float, float, float], ...]) -> Contexts:
        """The surroundings of the moments, in the given windows."""
        pairs = [self._window(moments_s, start * beat_s, end * beat_s) for start, end, _ in windows]
        weights = np.array([weight for _, _, weight in windows], dtype=np.float32)
        return Contexts(np.stack([mean for mean, _ in pairs]), np.stack([known for _, known in pairs]), weights)

    def _window(self, moments_s: Times, start_s: float, end_s: float) -> tuple[Floats, Floats]:
        if end_s == 0.0:
            end_s = -min(BLUR_S, -start_s / 2)
        first = np.round((moments_s + start_s) / self._hop_s).astype(int)
        length = max(round((end_s - start_s) / self._hop_s), 1)
        low, high = (np.clip(edge, 0, len(self._count) - 1) for edge in (first, first + length))
        count = self._count[high] - self._count[low]
        mean = (self._sums[high] - self._sums[low]) / np.maximum(count, 1.0)[:, None]
        return mean.astype(np.float32), (count >= 0.5 * length).astype(np.float32)


def differences(here: Contexts, there: Contexts) -> Floats:
    """Shape (moments here, moments there): how differently they sound; 1.0 is typical, 0.0 the same."""
    total = np.zeros((here.means.shape[1], there.means.shape[1]), dtype=np.float32)
    weight = np.zeros_like(total)
    for mine, yours, i_know, you_know, each in zip(
        here.means, there.means, here.known, there.known, here.weights, strict=True
    ):
        both = each * np.outer(i_know, you_know)
        total += both * _squared_distance(mine, yours)
        weight += both
    known = weight > 0
    typical = float(np.median(total[known] / weight[known])) if known.any() else 1.0
    blended = (total + UNSURE * typical) / (weight + UNSURE)
    return np.asarray(np.sqrt(blended / max(typical, 0.02)), dtype=np.float32)


def _squared_distance(mine: Floats, yours: Floats) -> Floats:
    square = np.square(mine).sum(axis=1)[:, None] + np.square(yours).sum(axis=1)[None, :] - 2.0 * mine @ yours.T
    return np.asarray(np.maximum(square, 0.0), dtype=np.float32)


def _scaled(listening: Listening, heard: NDArray[np.bool_]) -> Floats:
    """Shape (frames, features): each group scaled so that two frames of the clip typically differ by its weight."""
    # Loudness under -60 dB re the loudest frame is silence, however quiet.
    loudness = np.maximum(listening.loudness_db, listening.loudness_db.max() - 60.0)[:, None]
    groups = (timbre(listening), listening.chroma, loudness)
    scaled = []
    for group, floor, weight in zip(groups, GROUP_FLOORS, GROUP_WEIGHTS, strict=True):
        sample = group[heard] if heard.any() else group
        spread = float(np.sqrt(2.0 * sample.var(axis=0).sum()))
        scaled.append(group * (np.sqrt(weight) / max(spread, floor)))
    return np.concatenate(scaled, axis=1)
