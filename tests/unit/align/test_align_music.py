from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from aligned_cases import other_song, resampled
from random_songs import random_song
from sendreturn.audio.align import align
from sendreturn.audio.align_music import HIGHEST_CONFIDENCE, find_music
from sendreturn.audio.buffer import Audio
from sendreturn.synth import Sound, render


@lru_cache
def song_and_cover(seed: int) -> tuple[Audio, Audio]:
    song = random_song(seed, ("acoustic_kit",))
    tracks = [replace(track, program=(track.program + 40) % 128) for track in song.tracks]
    length_s = song.mix.duration_s
    stems = render(tracks, {"drums": Sound("lofi_kit")}, rate_hz=44_100, duration_s=length_s, seed=9)
    return song.mix, Audio(np.sum([stem.samples for stem in stems.values()], axis=0), 44_100)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_cover_is_placed_by_its_music_with_an_honest_confidence(seed: int) -> None:
    source, cover = song_and_cover(seed)
    later = Audio(np.pad(cover.samples, ((13_230, 0), (0, 0))), 44_100)
    found = align(source, later)
    assert found.method == "music"
    assert found.lag_samples == pytest.approx(13_230, abs=0.015 * 44_100)
    assert 0.2 < found.confidence < 0.5
    assert found.residual_db is None
    assert found.gain_db is None


def test_another_song_of_the_same_tempo_gets_next_to_no_confidence() -> None:
    for seed in (0, 3):
        found = find_music(other_song(seed, 0), other_song(seed, 1), 0.0, np.inf)
        assert found is None or found.confidence < 0.1


@pytest.mark.parametrize("speed", [0.99, 1.02, 48_000 / 44_100])
def test_another_speed_is_measured_and_said(speed: float) -> None:
    source, _ = song_and_cover(1)
    found = align(source, resampled(source, speed))
    assert found.confidence < HIGHEST_CONFIDENCE
    assert any("faster" in note or "slower" in note for note in found.notes)
    heard = find_music(source, resampled(source, speed), 0.0, np.inf)
    assert heard is not None
    assert heard.speed == pytest.approx(speed, abs=0.003)


def test_too_little_music_tells_nothing() -> None:
    source, cover = song_and_cover(0)
    assert find_music(source.cut(0.0, 2.0), cover, 0.0, np.inf) is None


def test_clips_of_about_the_least_length_are_answered() -> None:
    noise = np.random.default_rng(1).standard_normal((74_400, 1)).astype(np.float32) * 0.1
    for seconds in (3.0, 3.005, 3.1):
        clip = Audio(noise[: round(seconds * 24_000)], 24_000)
        found = align(clip, Audio(noise[::-1][: round(seconds * 24_000)].copy(), 24_000))
        assert found.confidence < 0.5
