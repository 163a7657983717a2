from __future__ import annotations

import numpy as np
import pytest
from seam_measures import levels_db, likeness_in, step_at, usual_step
from sendreturn.audio.beats import track_beats
from sendreturn.audio.buffer import Audio
from sendreturn.errors import Refusal
from sendreturn_bridges.services.local.extend import extend
from small_songs import clicks, noise, onset_times_s, pad, silence, song

SONG = song(15.77)
CLIPS = {
    "song": SONG,
    "whole bars": song(16.0),
    "short loop": song(2.0),
    "one second": song(1.0),
    "pad": pad(),
    "noise": noise(),
    "low rate": song(6.0, rate_hz=8_000),
    "odd rate": song(6.0, rate_hz=37_801, channels=1),
    "high rate": song(3.0, rate_hz=192_000),
    "six channels": song(5.0, channels=6),
    "eight channels": pad(2.0, channels=8),
    "mono": song(5.0, channels=1),
}


def joined(clip: Audio, side: str, extend_s: float = 6.0, **more: float) -> tuple[np.ndarray, int]:
    """The clip with its continuation, and the frame of the seam."""
    new = extend(clip, extend_s=extend_s, side=side, **more).new.samples
    both = (clip.samples, new) if side == "right" else (new, clip.samples)
    return np.concatenate(both), len(both[0])


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("name", CLIPS)
def test_the_new_audio_runs_on_from_the_clip_without_a_click(name: str, side: str) -> None:
    clip = CLIPS[name]
    whole, seam = joined(clip, side)
    assert step_at(whole, seam) <= usual_step(clip.samples)
    assert np.isfinite(whole).all()
    assert whole.dtype == np.float32


@pytest.mark.parametrize("name", CLIPS)
def test_no_step_within_the_new_audio_is_larger_than_the_clips_own(name: str) -> None:
    clip = CLIPS[name]
    whole, _ = joined(clip, "right", 10.0)
    assert usual_step(whole, 1.0) <= 1.15 * usual_step(clip.samples, 1.0)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("extend_s", [1.0, 3.33333, 41.7])
def test_the_length_is_met_to_the_frame(extend_s: float, side: str) -> None:
    clip = song(4.0, rate_hz=44_101)
    new = extend(clip, extend_s=extend_s, side=side).new
    assert new.samples.shape == (round(extend_s * 44_101), 2)
    assert new.rate_hz == 44_101


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("duration_s", [0.2, 0.31, 0.5, 0.97])
def test_a_clip_of_less_than_a_second_can_be_continued(duration_s: float, side: str) -> None:
    clip = song(duration_s)
    whole, _ = joined(clip, side, 3.0)
    assert usual_step(whole, 1.0) <= 2.0 * usual_step(clip.samples, 1.0)
    assert levels_db(whole, clip.rate_hz, 0.25).min() > levels_db(clip.samples, clip.rate_hz, duration_s)[0] - 12.0


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("clip", [pad(), noise(), pad(3.1, rate_hz=96_000)])
def test_the_level_of_a_held_sound_does_not_dip(clip: Audio, side: str) -> None:
    whole, _ = joined(clip, side, 15.0)
    own = levels_db(clip.samples, clip.rate_hz, 0.04)
    assert levels_db(whole, clip.rate_hz, 0.04).min() > own.min() - 3.0


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("bpm", [90.0, 120.0, 133.0])
@pytest.mark.parametrize("duration_s", [8.0, 7.31])
def test_clicks_go_on_in_time_across_the_seam(duration_s: float, bpm: float, side: str) -> None:
    clip = clicks(duration_s, bpm=bpm)
    whole, _ = joined(clip, side, 20.0)
    gaps_s = np.diff(onset_times_s(Audio(whole, clip.rate_hz)))
    assert len(gaps_s) >= 27.0 * bpm / 60.0 - 2
    assert np.abs(gaps_s - 60.0 / bpm).max() <= 0.010


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_player_who_does_not_keep_strict_time_is_joined_in_the_middle_of_his_time(side: str) -> None:
    gaps_s = 0.5 + 0.03 * np.sin(np.arange(24) * 0.7)
    wave = np.zeros(round(11.8 * 44_100), np.float32)
    for at_s in np.cumsum(gaps_s) - 0.3:
        at = round(at_s * 44_100)
        burst = clicks(0.2, start_s=0.0).samples[:1300, 0]
        wave[at : at + 1300] += burst[: len(wave) - at]
    whole, _ = joined(Audio(wave[:, None], 44_100), side, 12.0)
    heard_s = np.diff(onset_times_s(Audio(whole, 44_100)))
    assert heard_s.min() > 0.44
    assert heard_s.max() < 0.56


def test_the_beat_of_a_long_continuation_does_not_drift() -> None:
    clip = song(15.77, start_s=0.21)
    whole, _ = joined(clip, "right", 60.0)
    beats = track_beats(Audio(whole, clip.rate_hz), bpm=120.0)
    assert beats.steady
    off_s = (beats.times_s - 0.21 + 0.25) % 0.5 - 0.25
    assert np.abs(off_s).max() < 0.015


def test_another_seed_gives_other_music_and_the_same_seed_the_same() -> None:
    takes = [extend(SONG, extend_s=20.0, seed=seed).new.samples for seed in (0, 0, 1, 2)]
    assert np.array_equal(takes[0], takes[1])
    assert not np.allclose(takes[0], takes[2], atol=0.01)
    assert not np.allclose(takes[2], takes[3], atol=0.01)


def test_a_long_continuation_is_not_one_short_loop() -> None:
    clip = song(30.0, rate_hz=8_000, channels=1)
    new = extend(clip, extend_s=90.0, seed=3).new
    heard = [likeness_in(clip.samples, new.samples[at : at + 8_000]) for at in range(0, 89 * 8_000, 8_000)]
    # The melody of the song never repeats, so each second of the new audio tells where in the clip it comes from.
    sources = [round(at / 4_000) for at, likeness in heard if likeness > 0.98]
    assert len(sources) > 60
    assert len(set(sources)) >= 25
    phrases = [tuple(sources[at : at + 8]) for at in range(len(sources) - 8)]
    assert len(set(phrases)) > 0.5 * len(phrases)


def test_the_music_is_the_clips_own() -> None:
    clip = song(16.0, rate_hz=16_000, channels=1)
    new = extend(clip, extend_s=16.0).new.samples
    likenesses = [likeness_in(clip.samples, new[at : at + 4_000])[1] for at in range(0, 15 * 16_000, 4_000)]
    assert np.median(likenesses) > 0.99


def test_a_cut_inside_the_clip_is_continued_from_there() -> None:
    clip = song(16.0)
    cut = round(9.13 * clip.rate_hz)
    new = extend(clip, extend_s=10.0, from_s=9.13).new.samples
    whole = np.concatenate([clip.samples[:cut], new])
    assert step_at(whole, cut, 100) <= usual_step(clip.samples)
    assert not np.allclose(new[4000 : len(clip.samples) - cut], clip.samples[cut + 4000 :], atol=0.05)
    beats = track_beats(Audio(whole, clip.rate_hz), bpm=120.0)
    assert np.abs((beats.times_s + 0.25) % 0.5 - 0.25).max() < 0.015


def test_what_follows_a_cut_is_not_used_where_enough_comes_before_it() -> None:
    quiet, loud = song(8.0, channels=1), noise(8.0, level=0.3)
    clip = Audio(np.concatenate([quiet.samples, loud.samples]), 44_100)
    new = extend(clip, extend_s=20.0, from_s=8.0).new.samples
    assert levels_db(new[4410:], 44_100, 0.5).max() <= levels_db(quiet.samples, 44_100, 0.5).max() + 1.0


@pytest.mark.parametrize("side", ["right", "left"])
def test_silence_goes_on_as_silence(side: str) -> None:
    extension = extend(silence(), extend_s=5.0, side=side)
    assert not extension.new.samples.any()
    assert extension.bpm is None
    assert "silent" in extension.notes[-1]


def test_a_silent_end_is_not_taken_for_music() -> None:
    clip = Audio(np.concatenate([song(8.0).samples, silence(2.0).samples]), 44_100)
    new = extend(clip, extend_s=20.0).new
    assert levels_db(new.samples[44_100:], 44_100, 0.5).min() > -40.0


@pytest.mark.parametrize("side", ["right", "left"])
def test_full_scale_is_not_exceeded(side: str) -> None:
    clip = song(6.03)
    hot = Audio(np.clip(clip.samples * 3.0, -1.0, 1.0), clip.rate_hz)
    assert np.abs(extend(hot, extend_s=20.0, side=side).new.samples).max() <= 1.0


def test_a_float_clip_over_full_scale_may_stay_there() -> None:
    clip = song(6.0)
    hot = Audio(clip.samples * np.float32(4.0), clip.rate_hz)
    new = extend(hot, extend_s=10.0).new.samples
    assert 1.0 < np.abs(new).max() <= np.abs(hot.samples).max()


def test_an_attack_at_the_clips_start_has_no_echo_before_it() -> None:
    clip = clicks(8.0, start_s=0.0)
    new = extend(clip, extend_s=4.0, side="left").new.samples
    assert np.abs(clip.samples[:200]).max() > 0.4
    assert np.abs(new[-2000:-100]).max() < 0.02


def test_the_clip_itself_is_not_changed() -> None:
    clip = song(3.0)
    before = clip.samples.copy()
    extend(clip, extend_s=3.0)
    extend(clip, extend_s=3.0, side="left")
    assert np.array_equal(clip.samples, before)


def test_progress_rises_to_one() -> None:
    told: list[float] = []
    extend(SONG, extend_s=20.0, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 3


def test_notes_say_what_was_done() -> None:
    with_beat, without = extend(SONG, extend_s=5.0), extend(pad(), extend_s=5.0)
    assert with_beat.bpm == pytest.approx(120.0, abs=0.2)
    assert "120.0 bpm" in with_beat.notes[-1]
    assert without.bpm is None
    assert "No beat" in without.notes[-1]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"extend_s": 0.5}, "1 to 600 s"),
        ({"extend_s": 601.0}, "1 to 600 s"),
        ({"extend_s": float("nan")}, "1 to 600 s"),
        ({"extend_s": 5.0, "side": "up"}, "no side 'up'"),
        ({"extend_s": 5.0, "from_s": 17.0}, "from_s is 17"),
        ({"extend_s": 5.0, "from_s": -1.0}, "from_s is -1"),
        ({"extend_s": 5.0, "side": "left", "from_s": 3.0}, "clip's start"),
        ({"extend_s": 5.0, "bpm": -1.0}, "not a tempo"),
    ],
)
def test_values_that_cannot_be_are_refused(values: dict[str, float], said: str) -> None:
    with pytest.raises(Refusal, match=said):
        extend(SONG, **values)


def test_a_clip_that_cannot_be_worked_on_is_refused() -> None:
    with pytest.raises(Refusal, match="at least"):
        extend(song(0.19), extend_s=5.0)
    with pytest.raises(Refusal, match="not numbers"):
        extend(Audio(np.full((44_100, 1), np.nan, np.float32), 44_100), extend_s=5.0)
