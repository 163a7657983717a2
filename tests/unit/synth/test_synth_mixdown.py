"""A mixdown keeps its headroom, and its stems are its sum."""

from __future__ import annotations

import numpy as np
import pytest
from sendreturn.audio.buffer import Audio
from sendreturn.synth import mix_down, peak_db, sum_stems

RATE = 48_000


def tone(f_hz: float, level: float, seconds: float = 1.0) -> Audio:
    t = np.arange(round(seconds * RATE)) / RATE
    mono = level * np.sin(2 * np.pi * f_hz * t)
    return Audio(np.stack([mono, mono], axis=1).astype(np.float32), RATE)


@pytest.mark.parametrize("level", [0.1, 1.0, 20.0])
def test_no_peak_passes_minus_one_decibel(level: float) -> None:
    done = mix_down({"a": tone(110, level), "b": tone(331, level), "c": tone(1234, level)})
    assert peak_db(done.mix) <= -1.0


@pytest.mark.parametrize("level", [0.1, 2.0])
def test_the_stems_sum_to_the_mix_exactly(level: float) -> None:
    done = mix_down({"a": tone(110, level), "b": tone(331, level), "c": tone(1234, level)})
    assert np.array_equal(sum_stems(done.stems).samples, done.mix.samples)


def test_a_quiet_mix_is_left_as_it_is() -> None:
    stem = tone(220, 0.5)
    done = mix_down({"a": stem})
    assert np.array_equal(done.mix.samples, stem.samples)
    assert done.limited_db == 0


def test_the_gain_is_applied() -> None:
    assert peak_db(mix_down({"a": tone(220, 0.1)}, gain_db=6.0).mix) == pytest.approx(-14.0, abs=0.1)


def test_a_single_loud_moment_leaves_the_rest_alone() -> None:
    stem = tone(220, 0.5, 2.0)
    stem.samples[RATE : RATE + 480] *= 4
    done = mix_down({"a": stem})
    assert done.limited_db == pytest.approx(7.0, abs=0.5)
    assert np.array_equal(done.mix.samples[: RATE - 1000], stem.samples[: RATE - 1000])


def test_a_limited_tone_is_not_clipped() -> None:
    """Clipping a steady tone would add harmonics; turning it down adds none."""
    mix = mix_down({"a": tone(1000, 3.0)}).mix.mono()[RATE // 4 : 3 * RATE // 4]
    spectrum = np.abs(np.fft.rfft(mix * np.hanning(len(mix))))
    f_hz = np.fft.rfftfreq(len(mix), 1 / RATE)
    assert spectrum[f_hz > 1900].max() < 1e-3 * spectrum.max()


def test_silence_has_no_peak() -> None:
    assert peak_db(tone(220, 0.0)) == float("-inf")


def test_stems_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        mix_down({"a": tone(220, 0.1), "b": tone(220, 0.1, 0.5)})
    with pytest.raises(ValueError, match="one shape"):
        mix_down({})
