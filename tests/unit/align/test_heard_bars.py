from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from random_songs import random_song
from sendreturn.audio.bars import find_bars
from sendreturn.audio.buffer import Audio
from sendreturn.audio.listening import listen
from sendreturn.audio.notes import Meter
from sendreturn.audio.tempo_track import track_tempo
from sendreturn.synth.kits import KITS
from small_songs import noise

RATE_HZ = 22_050


@lru_cache(maxsize=4)
def whole(seed: int) -> tuple[Audio, float]:
    """A song that begins with a bar, and how long a beat of it lasts."""
    song = random_song(seed, tuple(KITS), bars=7, rate_hz=RATE_HZ)
    return Audio(song.mix.samples.mean(axis=1, keepdims=True), RATE_HZ), 60.0 / song.meter.bpm


def from_beat(seed: int, beat: int) -> tuple[Audio, Meter, float]:
    """The song from one of its beats on, its meter, and where the next bar begins."""
    audio, beat_s = whole(seed)
    first = round(beat * beat_s * RATE_HZ)
    return Audio(audio.samples[first:], RATE_HZ), Meter(60.0 / beat_s), (-beat % 4) * beat_s


@pytest.mark.parametrize(("seed", "beat"), [(200, 0), (200, 3), (207, 1), (208, 2)])
def test_the_first_downbeat_is_found_wherever_in_a_bar_the_audio_begins(seed: int, beat: int) -> None:
    audio, meter, due_s = from_beat(seed, beat)
    track = track_tempo(audio, meter)
    assert track.first_downbeat_s == pytest.approx(due_s, abs=0.03)
    assert track.downbeat_confidence >= 0.5


@pytest.mark.parametrize("seed", [201, 203])
def test_a_downbeat_that_is_wrong_is_not_told_for_sure(seed: int) -> None:
    audio, meter, due_s = from_beat(seed, 0)
    track = track_tempo(audio, meter)
    assert track.first_downbeat_s != pytest.approx(due_s, abs=0.03), "found by now: take another song"
    assert track.downbeat_confidence < 0.5


def test_where_nothing_tells_the_beats_apart_the_downbeat_is_not_sure() -> None:
    times_s = np.arange(0.0, 8.0, 0.5)
    assert find_bars(listen(noise(8.0, rate_hz=RATE_HZ)), times_s).confidence < 0.8
    audio, meter, _ = from_beat(200, 0)
    clear = find_bars(listen(audio), np.arange(20) * 60.0 / meter.bpm)
    assert clear.confidence > find_bars(listen(noise(8.0, rate_hz=RATE_HZ)), times_s).confidence


def test_too_few_beats_tell_no_drift() -> None:
    audio, meter, _ = from_beat(200, 0)
    track = track_tempo(audio.cut(0.0, 9 * 60.0 / meter.bpm), meter)
    assert track.bpm == pytest.approx(meter.bpm, rel=0.03)
    assert track.drift_ms_per_min is None
