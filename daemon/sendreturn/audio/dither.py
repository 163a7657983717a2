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
        self._random = np.random.Generator(np.random.SFC64(_SEED))

    def __call__(self, samples: NDArray[np.floating[Any]]) -> NDArray[np.int32]:
        """Shape in, shape out. What is no number becomes silence."""
        scaled = np.multiply(samples, self._scale, dtype=np.float64)
        steps = np.rint(scaled)
        if not np.array_equal(steps, scaled):
            scaled += self._triangular(scaled.shape)
            np.rint(scaled, out=steps)
        self._hold(steps)
        held: NDArray[np.int32] = steps.astype(np.int32) << self._shift
        return held

    def _triangular(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        dither = self._random.random(shape, dtype=np.float32)
        dither -= self._random.random(shape, dtype=np.float32)
        return dither

    def _hold(self, steps: NDArray[np.float64]) -> None:
        """Bring the steps into what the integers hold, and count those that were not."""
        # Two passes tell that nothing is wrong, as in nearly every block; a NaN shows in both.
        if steps.max(initial=0.0) <= self._scale - 1 and steps.min(initial=0.0) >= -self._scale:
            return
        steps[np.isnan(steps)] = 0.0
        # Full scale itself, +1.0, has no step of its own and is not worth telling.
        self.clipped += int(np.count_nonzero(np.abs(steps) > self._scale))
        np.clip(steps, -self._scale, self._scale - 1, out=steps)
