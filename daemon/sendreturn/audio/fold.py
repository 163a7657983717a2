"""Fewer or more channels: surround folded down to stereo, stereo to mono, mono doubled.

Coefficients: ITU-R BS.775-4, table 2: centre and surrounds at −3 dB, the low-frequency channel left out. Channels stand
in the order of WAV files (Microsoft's WAVEFORMATEXTENSIBLE): front left, right, centre, low frequency, back, side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HALF = 0.5**0.5
_LEFT, _RIGHT, _BOTH, _NONE = (1.0, 0.0), (0.0, 1.0), (_HALF, _HALF), (0.0, 0.0)
_BACK_LEFT, _BACK_RIGHT, _BACK = (_HALF, 0.0), (0.0, _HALF), (0.5, 0.5)

_TO_STEREO = {
    3: (_LEFT, _RIGHT, _BOTH),
    4: (_LEFT, _RIGHT, _BACK_LEFT, _BACK_RIGHT),
    5: (_LEFT, _RIGHT, _BOTH, _BACK_LEFT, _BACK_RIGHT),
    6: (_LEFT, _RIGHT, _BOTH, _NONE, _BACK_LEFT, _BACK_RIGHT),
    7: (_LEFT, _RIGHT, _BOTH, _NONE, _BACK, _BACK_LEFT, _BACK_RIGHT),
    8: (_LEFT, _RIGHT, _BOTH, _NONE, _BACK_LEFT, _BACK_RIGHT, _BACK_LEFT, _BACK_RIGHT),
}
_NAMES = {6: "5.1", 7: "6.1", 8: "7.1"}


def fold_matrix(channels: int, wanted: int) -> NDArray[np.float64] | None:
    """What to multiply frames of shape (n, channels) with to get (n, wanted); None where nothing is to be done.

    Raises:
        ValueError: There is no rule for it: only mono and stereo are made.
    """
    if channels == wanted:
        return None
    if wanted not in (1, 2) or channels not in (1, 2, *_TO_STEREO):
        raise ValueError(f"no rule makes {wanted} channels from {channels}")
    if channels == 1:
        return np.ones((1, wanted))
    stereo = np.array(_TO_STEREO.get(channels, (_LEFT, _RIGHT)))
    return stereo if wanted == 2 else stereo.mean(axis=1, keepdims=True)


def can_clip(channels: int, wanted: int) -> bool:
    """Whether the fold can be louder than full scale, so that its peak must be known first."""
    return channels > 2 and wanted < channels


def fold_note(channels: int, wanted: int, gain: float) -> str:
    """What was done, as a sentence for the user."""
    name = _NAMES.get(channels, f"{channels} channels")
    into = "stereo" if wanted == 2 else "mono"
    lowered = f", lowered by {-20 * np.log10(gain):.1f} dB so that it does not clip" if gain < 1 else ""
    return f"{name} was folded down to {into} (ITU-R BS.775){lowered}."
