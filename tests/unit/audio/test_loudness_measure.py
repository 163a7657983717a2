from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import clips
import numpy as np
import pyloudnorm
import pytest
from sendreturn.audio.buffer import Audio
from sendreturn.audio.loudness import measure

if TYPE_CHECKING:
    from pathlib import Path


def audio(samples: np.ndarray, rate_hz: int = 48_000) -> Audio:
    return Audio(samples.astype(np.float32), rate_hz)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000])
def test_a_full_scale_tone_in_one_channel_has_3_01_lufs(rate_hz: int) -> None:
    """BS.1770-5, annex 1: 997 Hz at 0 dBFS in one front channel reads −3.01 LKFS."""
    tone = np.concatenate([clips.sine(5.0, rate_hz, level=1.0), np.zeros((5 * rate_hz, 1))], axis=1)
    assert measure(audio(tone, rate_hz)).integrated_lufs == pytest.approx(-3.01, abs=0.02)


@pytest.mark.parametrize("channels", [1, 2])
def test_music_with_pauses_reads_as_pyloudnorms_own_meter_does(tmp_path: Path, channels: int) -> None:
    sound = clips.music(12.34, channels=channels)
    sound[100_000:250_000] *= 0.01
    sound[300_000:400_000] = 0.0
    path = clips.write_clip(tmp_path / "a.wav", sound, subtype="DOUBLE")
    expected = pyloudnorm.Meter(48_000, filter_class="DeMan").integrated_loudness(sound)
    assert measure(path).integrated_lufs == pytest.approx(expected, abs=0.01)
    assert measure(audio(sound)).integrated_lufs == pytest.approx(expected, abs=0.01)


def test_the_low_frequency_channel_does_not_count_and_the_surrounds_count_more() -> None:
    def loudness(place: int) -> float | None:
        sound = np.zeros((96_000, 6))
        sound[:, [place]] = clips.sine(2.0, level=0.5)
        return measure(audio(sound)).integrated_lufs

    front, low, surround = loudness(0), loudness(3), loudness(4)
    assert low is None
    assert front is not None
    assert surround == pytest.approx(front + 1.49, abs=0.01)


@pytest.mark.parametrize("frames", [0, 19_199])
def test_less_than_400_ms_have_no_loudness_but_a_peak(frames: int) -> None:
    result = measure(audio(clips.sine(0.5, level=0.5)[:frames]))
    assert result.integrated_lufs is None
    assert (result.true_peak_dbtp is None) == (frames == 0)


def test_silence_has_neither_loudness_nor_peak() -> None:
    result = measure(audio(np.zeros((96_000, 2))))
    assert (result.integrated_lufs, result.true_peak_dbtp) == (None, None)


def test_a_peak_between_the_samples_is_found() -> None:
    """A sine at a quarter of the rate, 45° off: its samples reach −3.01 dBFS, the wave itself 0 dBFS."""
    time = np.arange(96_000)
    fade = np.minimum(1, np.minimum(time, time[::-1]) / 4_800)
    sound = (fade * np.sin(np.pi / 2 * time + np.pi / 4))[:, None]
    assert 20 * np.log10(np.abs(sound).max()) == pytest.approx(-3.01, abs=0.01)
    assert measure(audio(sound)).true_peak_dbtp == pytest.approx(0.0, abs=0.1)


def test_ten_minutes_are_measured_in_bounded_memory(tmp_path: Path) -> None:
    minute = clips.music(60.0, 16_000)
    path = clips.write_clip(tmp_path / "long.wav", np.tile(minute, (10, 1)), 16_000, subtype="PCM_16")
    tracemalloc.start()
    result = measure(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result.integrated_lufs is not None
    assert peak < 16_000_000
