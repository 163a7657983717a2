from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from aligned_cases import Treatment, clip, joined, normal, other_song, random_treatment, resampled, treated
from clips import needs_ffmpeg
from scipy import signal
from sendreturn.audio.align import Alignment, align
from sendreturn.audio.buffer import Audio
from small_songs import noise, pad, silence, song


def delayed(audio: Audio, samples: int) -> Audio:
    return Audio(np.pad(audio.samples, ((samples, 0), (0, 0))), audio.rate_hz)


def is_confident(alignment: Alignment) -> bool:
    return alignment.confidence >= 0.5


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("delay", "rate_hz"), [(0, 44_100), (2257, 44_100), (1001, 48_000)])
def test_a_plain_copy_is_found_to_a_part_of_a_sample(delay: int, rate_hz: int, channels: int, tmp_path: Path) -> None:
    source = clip(0)
    how = Treatment("wav", delay=delay, rate_hz=rate_hz, channels=channels, gain_db=-7.0)
    returned, true_lag = treated(source, how, tmp_path)
    found = align(source, returned)
    assert found.method == "waveform"
    assert found.lag_samples == pytest.approx(true_lag, abs=0.05)
    assert found.gain_db == pytest.approx(-7.0, abs=0.1)
    assert found.confidence > 0.9
    assert found.notes == ()


@needs_ffmpeg
@pytest.mark.parametrize("seed", range(6))
def test_what_codecs_noise_gain_and_rates_do_costs_less_than_half_a_sample(seed: int, tmp_path: Path) -> None:
    source, how = clip(seed), random_treatment(np.random.default_rng(seed + 7000))
    returned, true_lag = treated(source, how, tmp_path, seed)
    found = align(source, returned)
    assert found.lag_samples == pytest.approx(true_lag, abs=0.5)
    assert found.inverted == how.inverted
    assert is_confident(found)


def test_the_residual_tells_how_much_lies_beside_the_clip(tmp_path: Path) -> None:
    returned, _ = treated(clip(1), Treatment("wav", delay=100, noise_db=25.0, channels=1), tmp_path)
    assert align(clip(1), returned).residual_db == pytest.approx(-25.0, abs=1.5)


@pytest.mark.parametrize(("kind", "hz"), [("low", 4000), ("low", 1000), ("high", 150), ("high", 500)])
def test_filters_that_turn_phases_do_not_mislead(kind: str, hz: int) -> None:
    source = clip(0)
    filtered = signal.lfilter(*signal.butter(2, hz, kind, fs=source.rate_hz), source.samples, axis=0)
    found = align(source, delayed(Audio(filtered.astype(np.float32), source.rate_hz), 500))
    # A filter's own delay is real: two samples for the lowpass at 4 kHz.
    assert found.lag_samples == pytest.approx(500, abs=2.0)
    assert is_confident(found)
    assert not found.inverted


def test_only_a_part_of_the_clip_is_found_and_said() -> None:
    source = clip(1)
    half = Audio(source.samples[: source.frames // 2], source.rate_hz)
    found = align(source, half)
    assert found.lag_samples == pytest.approx(0.0, abs=0.1)
    assert is_confident(found)
    assert "Only the clip's part from 0.0 s" in found.notes[0]


def test_of_a_short_clip_the_end_is_compared_too() -> None:
    source = clip(1).cut(0.0, 1.95)
    other = source.samples.copy()
    other[round(1.55 * source.rate_hz) :] = clip(1).cut(5.0, 5.4).samples
    found = align(source, Audio(other, source.rate_hz))
    assert found.residual_db is not None
    assert found.residual_db > -12.0
    assert found.notes


def test_audio_that_begins_inside_the_clip_has_a_negative_lag() -> None:
    source = clip(1)
    found = align(source, Audio(source.samples[30_001:], source.rate_hz))
    assert found.lag_samples == pytest.approx(-30_001, abs=0.1)


def test_a_short_clip_is_found_in_a_long_song() -> None:
    whole = song(60.0)
    found = align(whole.cut(30.5, 33.0), whole)
    assert found.lag_samples == pytest.approx(30.5 * 44_100, abs=0.1)
    assert is_confident(found)


def test_the_clip_is_found_under_instruments_that_were_added() -> None:
    source = clip(1)
    band = other_song(3, 1, source.rate_hz).samples[: source.frames, :1]
    mixed = source.samples[: len(band)] + band * float(source.samples.std() / band.std()) * 0.6
    found = align(source, delayed(Audio(mixed.astype(np.float32), source.rate_hz), 321))
    assert found.lag_samples == pytest.approx(321, abs=0.5)
    assert is_confident(found)
    assert any("Other sound was added" in note for note in found.notes)


def test_of_the_repeats_of_a_loop_the_expected_one_is_taken_and_it_is_said() -> None:
    bar = clip(2)
    found = align(joined(*[bar] * 2), joined(*[bar] * 6), expected_lag_s=2 * bar.duration_s)
    assert found.lag_samples == pytest.approx(2 * bar.frames, abs=0.1)
    assert 0.5 <= found.confidence < 0.9
    assert "repeats" in found.notes[0]


def test_repeats_that_nothing_tells_apart_get_no_confidence() -> None:
    bar = clip(2)
    found = align(joined(*[bar] * 2), joined(*[bar] * 6), expected_lag_s=1.5 * bar.duration_s)
    assert found.confidence < 0.5


def test_a_loop_that_ends_is_no_riddle() -> None:
    bar = clip(0)
    loops = joined(*[bar] * 4)
    new = other_song(1, 2, bar.rate_hz).samples[:, : bar.channels]
    found = align(loops, joined(loops, Audio(new, bar.rate_hz)), expected_lag_s=bar.duration_s)
    assert found.lag_samples == pytest.approx(0.0, abs=0.1)
    assert is_confident(found)


@pytest.mark.parametrize(("seed", "number"), [(0, 2), (3, 1)])
def test_another_song_of_the_same_sounds_and_tempo_is_not_the_clip(seed: int, number: int) -> None:
    assert not is_confident(align(other_song(seed, 0), other_song(seed, number)))


def test_a_song_over_the_same_backing_is_not_the_clip() -> None:
    assert not is_confident(align(song(12.0, seed=1), song(12.0, seed=2)))


@pytest.mark.parametrize("speed", [0.999, 0.99, 1.003, 48_000 / 44_100])
def test_another_speed_is_never_called_aligned(speed: float) -> None:
    assert not is_confident(align(clip(1), resampled(clip(1), speed)))


def test_a_clock_that_drifts_is_told() -> None:
    found = align(clip(1), resampled(clip(1), 0.9999))
    assert any("runs 0.01 % slower" in note for note in found.notes)


@pytest.mark.parametrize("returned", [silence(), noise(6.0, seed=9), Audio(np.zeros((0, 1), dtype=np.float32), 44_100)])
def test_nothing_is_claimed_where_nothing_is(returned: Audio) -> None:
    found = align(clip(0), returned)
    assert found.lag_samples is None
    assert found.method == "none"
    assert found.notes


def test_a_reversed_clip_is_not_found() -> None:
    assert not is_confident(align(clip(0), Audio(clip(0).samples[::-1].copy(), clip(0).rate_hz)))


def test_a_held_chord_fits_in_many_places() -> None:
    assert not is_confident(align(pad(), delayed(pad(), 700)))


def test_channels_of_opposite_polarity_are_heard() -> None:
    source = normal(song(6.0, channels=1))
    wide = Audio(np.concatenate([source.samples, -source.samples], axis=1), source.rate_hz)
    assert align(wide, delayed(wide, 77)).lag_samples == pytest.approx(77, abs=0.05)


def test_the_search_stays_within_its_limits() -> None:
    source = clip(1)
    found = align(source, delayed(source, source.rate_hz), search_s=0.2)
    assert found.lag_samples is None or not is_confident(found)


def test_clips_of_a_moment_do_no_harm() -> None:
    for frames in (1, 10, 300, 5000):
        short = Audio(clip(0).samples[40_000 : 40_000 + frames], clip(0).rate_hz)
        found = align(short, clip(0))
        assert not is_confident(found) or found.lag_samples == pytest.approx(40_000, abs=0.5)
