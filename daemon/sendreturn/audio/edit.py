"""Small edits on audio in memory, made by pydub on 32-bit integer samples."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from sendreturn.audio.buffer import Audio

with warnings.catch_warnings():
    # pydub looks for ffmpeg when it is imported and warns that there is none; it is never used through pydub.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment

_FULL_SCALE = 2.0**31
_EDGE_S = 0.005
_PREVIEW_S = 15.0


def fade_edges(audio: Audio, fade_in_s: float = _EDGE_S, fade_out_s: float = _EDGE_S) -> Audio:
    """`audio` with its start faded in and its end faded out, to the millisecond; the length stays."""
    segment = _segment(audio)
    return _audio(segment.fade_in(_ms(fade_in_s)).fade_out(_ms(fade_out_s)))


def crossfade(first: Audio, second: Audio, crossfade_s: float) -> Audio:
    """`first` going over into `second`, which overlap by `crossfade_s`.

    Raises:
        ValueError: Rates or channels differ, or one of them is shorter than the crossfade.
    """
    if (first.rate_hz, first.channels) != (second.rate_hz, second.channels):
        raise ValueError("both parts of a crossfade need the same rate and channels")
    if crossfade_s > min(first.duration_s, second.duration_s):
        raise ValueError("a crossfade cannot be longer than one of its parts")
    return _audio(_segment(first).append(_segment(second), crossfade=_ms(crossfade_s)))


def gain(audio: Audio, gain_db: float) -> Audio:
    """`audio` louder or softer; what passes full scale is clipped."""
    return _audio(_segment(audio).apply_gain(gain_db))


def preview(audio: Audio, longest_s: float = _PREVIEW_S, fade_s: float = 0.5) -> Audio:
    """The first seconds of `audio`, faded out when it goes on beyond them; for listening before a choice."""
    segment = _segment(audio)
    if audio.duration_s <= longest_s:
        return audio
    return _audio(segment[: _ms(longest_s)].fade_out(_ms(min(fade_s, longest_s))))


def _ms(seconds: float) -> int:
    return round(1000 * seconds)


def _segment(audio: Audio) -> Any:
    steps = np.clip(np.rint(audio.samples.astype(np.float64) * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1)
    return AudioSegment(
        data=steps.astype("<i4").tobytes(), sample_width=4, frame_rate=audio.rate_hz, channels=audio.channels
    )


def _audio(segment: Any) -> Audio:
    steps = np.frombuffer(segment.raw_data, dtype="<i4").reshape(-1, segment.channels)
    return Audio((steps / _FULL_SCALE).astype(np.float32), segment.frame_rate)
