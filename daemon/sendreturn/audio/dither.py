"""From floating point to integers: rounded, with dither where bits are really lost, and clipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SEED = 997
"""Fixed, so that the same clip always gives the same bytes."""


class Quantiser:
    """Turns float samples into integers of `bits`, left-justified in int32 as libsndfile takes them.

    A block whose samples all lie on the target's steps already, such as one from a 16-bit file or digital silence,
    passes exactly; only others get triangular dither of two steps peak to peak, which turns the error into noise that
    does not follow the music (Lipshitz, Wannamaker, Vanderkooy, "Quantization and Dither", JAES 40:5, 1992).

    Attributes:
        clipped: How many samples were beyond full scale so far.
    """

    def __init__(self, bits: int) -> None:
        self.clipped = 0
        self._shift = 32 - bits
        self._scale = 2.0 ** (bits - 1)
        self._random = np.random.default_rng(_SEED)

    def __call__(self, samples: NDArray[np.floating[Any]]) -> NDArray[np.int32]:
        """Shape in, shape out. What is no number becomes silence."""
        scaled = np.nan_to_num(np.asarray(samples, dtype=np.float64) * self._scale, nan=0.0)
        steps = np.rint(scaled)
        if not np.array_equal(steps, scaled):
            steps = np.rint(scaled + self._random.random(scaled.shape) - self._random.random(scaled.shape))
        # Full scale itself, +1.0, has no step of its own and is not worth telling.
        self.clipped += int(np.count_nonzero((steps > self._scale) | (steps < -self._scale)))
        held = np.clip(steps, -self._scale, self._scale - 1).astype(np.int64)
        return (held << self._shift).astype(np.int32)
