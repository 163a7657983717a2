"""The K-weighting of ITU-R BS.1770-5, block by block.

The two filters are applied as one multiplication of spectra (overlap-save). Their memory fades below what a double can
hold within `_MEMORY_STEPS` steps of 10 ms, so the result is that of the recursive filters, and numpy alone does it:
scipy.signal would cost a daemon 75 MB that it keeps from its first return on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_MEMORY_STEPS = 40
"""The slowest pole lies at 38 Hz with a Q of a half: after 0.4 s its response has decayed by more than 800 dB."""
_STEPS = 120
"""Steps that are filtered at once."""

_SHELF_DB, _SHELF_Q, _SHELF_HZ = 3.99984385397, 0.7071752369554193, 1681.9744509555319
_SHELF_MIDDLE = 0.499666774155
_HIGH_PASS_Q, _HIGH_PASS_HZ = 0.5003270373253953, 38.13547087613982
"""What gives the standard's own coefficients at 48 kHz, and the same curve at any other rate (Brecht De Man,
"Evaluation of implementations of the EBU R128 loudness measurement", AES 145, 2018)."""


class KWeighting:
    """A stream of samples, weighted; each piece that comes out is a whole number of steps of 10 ms.

    Attributes:
        step: Frames in a step.
    """

    def __init__(self, rate_hz: int, channels: int) -> None:
        self.step = rate_hz // 100
        self._memory = _MEMORY_STEPS * self.step
        self._piece = _STEPS * self.step
        self._size = self._memory + self._piece
        self._response = frequency_response(rate_hz, self._size)[:, None]
        self._held = np.zeros((self._memory, channels))

    def push(self, samples: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
        """The weighted pieces, shape (frames, channels), that are whole now."""
        self._held = np.concatenate([self._held, samples])
        at = 0
        while len(self._held) - at >= self._size:
            yield self._weighted(self._held[at : at + self._size])
            at += self._piece
        self._held = self._held[at:]

    def finish(self) -> NDArray[np.float64]:
        """What is left, down to the last whole step."""
        left = (len(self._held) - self._memory) // self.step * self.step
        missing = self._size - len(self._held)
        return self._weighted(np.pad(self._held, ((0, missing), (0, 0))))[:left]

    def _weighted(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        spectrum = np.fft.rfft(samples, axis=0) * self._response
        weighted: NDArray[np.float64] = np.fft.irfft(spectrum, self._size, axis=0)[self._memory :]
        return weighted


def coefficients(rate_hz: int) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]:
    """Numerator and denominator of the high shelf and of the high pass, three each."""
    k = np.tan(np.pi * _SHELF_HZ / rate_hz)
    top = 10 ** (_SHELF_DB / 20)
    middle = top**_SHELF_MIDDLE
    shelf = np.array(
        [top + middle * k / _SHELF_Q + k * k, 2 * (k * k - top), top - middle * k / _SHELF_Q + k * k], dtype=np.float64
    )
    low = np.tan(np.pi * _HIGH_PASS_HZ / rate_hz)
    below = _poles(k, _SHELF_Q)
    return (shelf / below[0], below / below[0]), (
        # The standard's high pass has a numerator of whole numbers, and so a gain a little above 1.
        np.array([1.0, -2.0, 1.0]),
        _poles(low, _HIGH_PASS_Q) / _poles(low, _HIGH_PASS_Q)[0],
    )


def frequency_response(rate_hz: int, size: int) -> NDArray[np.complex128]:
    """The weighting at the frequencies of a real transform of `size` frames."""
    late = np.exp(-2j * np.pi * np.fft.rfftfreq(size))
    response = np.ones(len(late), dtype=np.complex128)
    for b, a in coefficients(rate_hz):
        response *= (b[0] + b[1] * late + b[2] * late**2) / (a[0] + a[1] * late + a[2] * late**2)
    return response


def _poles(k: float, q: float) -> NDArray[np.float64]:
    return np.array([1 + k / q + k * k, 2 * (k * k - 1), 1 - k / q + k * k])
