from __future__ import annotations

import clips
import numpy as np
import pytest
from sendreturn.audio.buffer import Audio
from sendreturn.audio.edit import crossfade, fade_edges, gain, preview


def music(seconds: float = 1.0, channels: int = 2, rate_hz: int = 48_000) -> Audio:
    return Audio(clips.music(seconds, rate_hz, channels).astype(np.float32), rate_hz)


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_edges_fade_from_and_to_silence_and_the_middle_stays(channels: int) -> None:
    clip = music(channels=channels)
    faded = fade_edges(clip, 0.01, 0.02)
    assert faded.samples.shape == clip.samples.shape
    assert np.abs(faded.samples[0]).max() < 1e-8
    assert np.abs(faded.samples[-5:]).max() < 0.2 * np.abs(clip.samples[-5:]).max()
    assert np.abs(faded.samples[480:-960] - clip.samples[480:-960]).max() < 2**-24


def test_two_parts_overlap_by_the_crossfade() -> None:
    first, second = music(1.0), music(0.5)
    joined = crossfade(first, second, 0.1)
    assert joined.frames == 48_000 + 24_000 - 4_800
    assert np.abs(joined.samples[:43_200] - first.samples[:43_200]).max() < 2**-24
    assert np.abs(joined.samples[48_000:] - second.samples[4_800:]).max() < 2**-24


def test_parts_that_do_not_fit_each_other_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="same rate"):
        crossfade(music(), music(rate_hz=44_100), 0.1)
    with pytest.raises(ValueError, match="longer than one of its parts"):
        crossfade(music(), music(0.05), 0.1)


def test_six_decibels_less_are_half() -> None:
    clip = music()
    assert np.abs(gain(clip, -6.0206).samples - clip.samples / 2).max() < 1e-6


def test_a_preview_is_the_beginning_and_ends_softly() -> None:
    clip = music(3.0)
    heard = preview(clip, longest_s=1.0, fade_s=0.25)
    assert heard.frames == 48_000
    assert np.abs(heard.samples[:36_000] - clip.samples[:36_000]).max() < 2**-24
    assert np.abs(heard.samples[-5:]).max() < 0.01
    assert preview(clip, longest_s=5.0) is clip
