"""Stems to a mix that keeps its headroom, with stems that still sum to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from sendreturn.audio.buffer import Audio

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

PEAK_DB = -1.0
"""No sample of a mix is louder than this, in dB of full scale."""

_LOOK_AROUND_S = 0.006
_SAFETY = 0.999
"""Float sums of stems may differ from the limiter's own sum in the last digit."""


@dataclass(frozen=True)
class Mixdown:
    """A mix and its stems; the stems, summed in their order in float32, are the mix."""

    mix: Audio
    stems: dict[str, Audio]
    limited_db: float
    """How far the limiter went at the loudest moment, in dB; 0 where it had nothing to do."""


def mix_down(stems: Mapping[str, Audio], *, gain_db: float = 0.0, peak_db: float = PEAK_DB) -> Mixdown:
    """Sums stems after `gain_db`, with every peak kept below `peak_db` by one smooth gain curve that all stems share.

    Raises:
        ValueError: There are no stems, or they differ in length or rate.
    """
    _check(stems)
    rate_hz = next(iter(stems.values())).rate_hz
    gain = np.float32(10 ** (gain_db / 20))
    curve = _limit(sum_stems(stems).samples * gain, rate_hz, _SAFETY * 10 ** (peak_db / 20))
    scaled = {name: Audio(stem.samples * (gain * curve)[:, None], rate_hz) for name, stem in stems.items()}
    limited_db = -20 * np.log10(float(curve.min())) if len(curve) else 0.0
    return Mixdown(sum_stems(scaled), scaled, max(0.0, float(limited_db)))


def sum_stems(stems: Mapping[str, Audio]) -> Audio:
    """The sum of stems, added one after the other in float32."""
    first = next(iter(stems.values()))
    total = np.zeros_like(first.samples)
    for stem in stems.values():
        total += stem.samples
    return Audio(total, first.rate_hz)


def peak_db(audio: Audio) -> float:
    """The loudest sample in dB of full scale; −inf for silence."""
    peak = float(np.abs(audio.samples).max(initial=0.0))
    return 20 * float(np.log10(peak)) if peak > 0 else float("-inf")


def _check(stems: Mapping[str, Audio]) -> None:
    shapes = {(stem.samples.shape, stem.rate_hz) for stem in stems.values()}
    if len(shapes) != 1:
        raise ValueError(f"a mixdown needs stems of one shape and rate, not {sorted(shapes)}")


def _limit(samples: NDArray[np.float32], rate_hz: int, ceiling: float) -> NDArray[np.float32]:
    """Gains of shape (frames,) that keep `samples` under `ceiling`, without a corner that could be heard.

    The least gain within a window, averaged over windows that together are no wider, is nowhere greater than the gain
    needed.
    """
    loudest = np.abs(samples).max(axis=1, initial=0.0)
    if not len(loudest) or loudest.max() <= ceiling:
        return np.ones(len(loudest), dtype=np.float32)
    needed = np.minimum(1.0, ceiling / np.maximum(loudest, 1e-9))
    half = max(1, round(_LOOK_AROUND_S * rate_hz / 2))
    least = minimum_filter1d(needed, 4 * half + 1, mode="nearest")
    return np.asarray(
        uniform_filter1d(uniform_filter1d(least, 2 * half + 1, mode="nearest"), 2 * half + 1, mode="nearest"),
        dtype=np.float32,
    )
