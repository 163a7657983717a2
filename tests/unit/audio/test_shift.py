"""Moving audio by parts of a sample: the waveform is the same, only elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from sendreturn.audio.shift import HALF_TAPS, kernel, shift_file

RATE_HZ = 48_000


def tones(frames: int, later: float = 0.0) -> np.ndarray:
    """Three tones, the highest at 19 kHz, as they are `later` frames on; the second channel is turned over."""
    at = (np.arange(frames) + later) / RATE_HZ
    wave = sum(0.2 * np.sin(2 * np.pi * hz * at + number) for number, hz in enumerate((110.0, 3_000.0, 19_000.0)))
    return np.stack([wave, -wave], axis=1)


def file_of(path: Path, samples: np.ndarray) -> Path:
    soundfile.write(path, samples, RATE_HZ, subtype="DOUBLE")
    return path


@pytest.mark.parametrize("lag", [0.25, 0.5, 1000.37, 66_000.999])
def test_a_part_of_a_sample_is_taken_out_to_the_noise_of_24_bits(tmp_path: Path, lag: float) -> None:
    source = file_of(tmp_path / "a.wav", tones(150_000))
    frames = shift_file(source, tmp_path / "b.wav", lag)
    moved = soundfile.read(tmp_path / "b.wav")[0]
    assert len(moved) == frames == 150_000 - int(lag)
    inside = slice(HALF_TAPS, -HALF_TAPS)
    assert np.abs(moved - tones(frames, lag))[inside].max() < 10 ** (-90 / 20)


def test_silence_comes_before_what_is_moved_later(tmp_path: Path) -> None:
    source = file_of(tmp_path / "a.wav", tones(5_000))
    assert shift_file(source, tmp_path / "b.wav", -100) == 5_100
    moved = soundfile.read(tmp_path / "b.wav")[0]
    assert not moved[:100].any()
    assert np.array_equal(moved[100:], tones(5_000).astype(np.float32))


def test_later_by_a_part_of_a_sample_is_the_same_waveform(tmp_path: Path) -> None:
    source = file_of(tmp_path / "a.wav", tones(5_000))
    shift_file(source, tmp_path / "b.wav", -100.25)
    moved = soundfile.read(tmp_path / "b.wav")[0]
    later = tones(4_000, later=200 - 100.25)
    assert np.abs(moved[200:4_200] - later).max() < 1e-4


@pytest.mark.parametrize("lag", [0.0, 7.0, 6.9999])
def test_whole_samples_stay_as_they_are(tmp_path: Path, lag: float) -> None:
    source = file_of(tmp_path / "a.wav", tones(3_000))
    shift_file(source, tmp_path / "b.wav", lag)
    assert np.array_equal(soundfile.read(tmp_path / "b.wav")[0], tones(3_000).astype(np.float32)[round(lag) :])


def test_the_gain_is_applied_with_its_sign(tmp_path: Path) -> None:
    source = file_of(tmp_path / "a.wav", tones(3_000))
    shift_file(source, tmp_path / "b.wav", 0.0, gain=-0.5)
    assert np.allclose(soundfile.read(tmp_path / "b.wav")[0], -0.5 * tones(3_000), atol=1e-7)


def test_nothing_is_left_of_a_file_that_is_moved_out(tmp_path: Path) -> None:
    source = file_of(tmp_path / "a.wav", tones(1_000))
    assert shift_file(source, tmp_path / "b.wav", 2_000.5) == 0
    assert soundfile.info(tmp_path / "b.wav").frames == 0


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9])
def test_the_kernel_keeps_the_level_of_a_constant(part: float) -> None:
    assert kernel(part).sum() == pytest.approx(1.0)
    assert kernel(0.0)[HALF_TAPS - 1] == pytest.approx(1.0)
