"""Spectra and windows lose nothing on the way there and back."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sendreturn_bridges.services.local.stft import istft, stft
from sendreturn_bridges.services.local.windows import split_in_windows, window_starts


def noise(frames: int, channels: int = 2) -> NDArray[np.float32]:
    return (0.3 * np.random.default_rng(frames).standard_normal((frames, channels))).astype(np.float32)


@pytest.mark.parametrize("frames", [1, 100, 4095, 4096, 20_001])
@pytest.mark.parametrize("channels", [1, 2])
def test_spectra_turn_back_into_their_samples(frames: int, channels: int) -> None:
    samples = noise(frames, channels)
    back = istft(stft(samples, 1024, 256), 1024, 256, frames)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, samples, atol=1e-5)


def test_a_sine_stands_in_its_bin() -> None:
    at = np.arange(8192)
    spectra = stft(np.sin(2 * np.pi * 32 * at / 1024).astype(np.float32)[:, None], 1024, 256)
    middle = np.abs(spectra[0, 16])
    assert middle.argmax() == 32
    assert middle[32] == pytest.approx(1024 / 4, rel=1e-3)


@pytest.mark.parametrize("frames", [1, 99, 100, 101, 150, 1234])
def test_windows_cover_every_frame_and_are_full(frames: int) -> None:
    starts = window_starts(frames, 100, 75)
    covered = np.zeros(frames, bool)
    for start in starts:
        assert start == 0 or start + 100 <= frames
        covered[start : start + 100] = True
    assert covered.all()
    assert len(set(starts)) == len(starts)


@pytest.mark.parametrize("frames", [1, 100, 101, 1234])
def test_stems_of_windows_join_without_a_seam(frames: int) -> None:
    samples = noise(frames)
    stems = split_in_windows(samples, 100, 60, lambda part: np.stack([part, 0.25 * part]))
    assert stems.dtype == np.float32
    np.testing.assert_allclose(stems[0], samples, atol=1e-6)
    np.testing.assert_allclose(stems[1], 0.25 * samples, atol=1e-6)


def test_progress_is_told_after_every_window() -> None:
    told: list[float] = []
    split_in_windows(noise(1000), 100, 50, lambda part: part[None], told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) == 19
