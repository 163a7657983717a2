from __future__ import annotations

import numpy as np
import pytest
from sendreturn.audio.beats import track_beats
from sendreturn.audio.buffer import Audio
from sendreturn.errors import Refusal
from small_songs import clicks, noise, pad, silence, song


def off_the_grid_s(times_s: np.ndarray, period_s: float, start_s: float) -> np.ndarray:
    return (times_s - start_s + period_s / 2) % period_s - period_s / 2


@pytest.mark.parametrize("bpm", [75.0, 93.0, 120.0, 127.5, 140.0])
def test_beats_of_a_song_lie_on_its_beats(bpm: float) -> None:
    beats = track_beats(song(16.0, bpm=bpm, start_s=0.13))
    assert beats.bpm == pytest.approx(bpm, rel=0.002)
    assert beats.confidence > 0.6
    assert np.abs(off_the_grid_s(beats.times_s, 60.0 / bpm, 0.13)).max() < 0.015


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 48_000, 192_000])
def test_the_rate_of_the_clip_does_not_matter(rate_hz: int) -> None:
    beats = track_beats(song(8.0, rate_hz=rate_hz))
    assert beats.bpm == pytest.approx(120.0, abs=0.2)
    assert np.abs(off_the_grid_s(beats.times_s, 0.5, 0.0)).max() < 0.015


def test_a_known_tempo_is_kept_and_only_the_beats_are_looked_for() -> None:
    beats = track_beats(song(12.0, start_s=0.2), bpm=120.0)
    assert beats.bpm == pytest.approx(120.0, abs=1e-9)
    assert np.abs(off_the_grid_s(beats.times_s, 0.5, 0.2)).max() < 0.015


@pytest.mark.parametrize("clip", [pad(), noise(), silence(), song(0.5), pad(30.0)])
def test_a_clip_without_a_beat_gets_a_regular_grid_and_no_confidence(clip: Audio) -> None:
    beats = track_beats(clip)
    assert beats.confidence == 0.0
    assert len(beats.times_s) >= 8
    assert np.ptp(np.diff(beats.times_s)) < 1e-6
    assert beats.times_s[0] == 0.0
    assert beats.times_s[-1] <= clip.duration_s


def test_a_known_tempo_makes_the_grid_of_a_clip_without_onsets() -> None:
    beats = track_beats(silence(4.0), bpm=100.0)
    assert beats.confidence == 0.0
    np.testing.assert_allclose(np.diff(beats.times_s), 0.6)


def test_a_tempo_that_speeds_up_is_followed() -> None:
    at_s = np.cumsum(np.linspace(0.52, 0.46, 30))
    wave = np.zeros(16 * 22_050)
    for each_s in at_s:
        wave[round(each_s * 22_050) :][:400] += 0.6 * np.exp(-np.arange(400) / 80) * np.sin(np.arange(400) * 0.3)
    beats = track_beats(Audio(wave[:, None].astype(np.float32), 22_050))
    assert not beats.steady
    nearest = np.abs(beats.times_s[:, None] - at_s[None, :]).min(axis=1)
    assert np.quantile(nearest, 0.9) < 0.02


def test_the_downbeat_is_where_the_chords_change() -> None:
    beats = track_beats(song(16.0, start_s=1.0))
    at_s = beats.times_s[beats.downbeat]
    assert beats.beats_per_bar == 4
    assert abs((at_s - 1.0 + 1.0) % 2.0 - 1.0) < 0.02


def test_channels_in_opposite_phase_are_still_heard() -> None:
    one = clicks(8.0).samples
    beats = track_beats(Audio(np.concatenate([one, -one], axis=1), 44_100))
    assert beats.bpm == pytest.approx(120.0, abs=0.2)


@pytest.mark.parametrize("bpm", [0.0, -3.0, 5000.0, float("nan")])
def test_what_is_no_tempo_is_refused(bpm: float) -> None:
    with pytest.raises(Refusal, match="tempo"):
        track_beats(song(2.0), bpm=bpm)
