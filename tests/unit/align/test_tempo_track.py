from __future__ import annotations

import numpy as np
import pytest
from sendreturn.audio.notes import Meter, TempoChange
from sendreturn.audio.tempo_track import track_tempo
from small_songs import noise, silence, song


@pytest.mark.parametrize(("bpm", "session_bpm"), [(120.0, 120.0), (120.2, 120.0), (93.0, 93.0), (140.5, 140.0)])
def test_the_drift_against_the_session_is_measured_to_a_few_milliseconds_a_minute(
    bpm: float, session_bpm: float
) -> None:
    track = track_tempo(song(30.0, bpm=bpm, start_s=0.35), Meter(session_bpm))
    assert track.bpm == pytest.approx(bpm, abs=0.02)
    assert track.drift_ms_per_min == pytest.approx((session_bpm / bpm - 1.0) * 60_000, abs=5.0)
    assert track.confidence > 0.6


def test_beats_are_the_session_s_quarter_notes_and_bars_begin_on_the_first() -> None:
    track = track_tempo(song(16.0, bpm=120.0, start_s=0.35), Meter(120.0))
    np.testing.assert_allclose(np.diff(track.beats_s), 0.5, atol=0.002)
    assert track.first_downbeat_s == pytest.approx(0.35, abs=0.012)


def test_a_session_at_half_the_felt_tempo_counts_half_the_beats() -> None:
    track = track_tempo(song(16.0, bpm=120.0), Meter(60.0))
    assert track.bpm == pytest.approx(60.0, abs=0.05)
    np.testing.assert_allclose(np.diff(track.beats_s), 1.0, atol=0.005)


def test_the_session_s_tempo_map_is_what_the_drift_is_measured_against() -> None:
    held = track_tempo(song(20.0, bpm=120.0), Meter(120.0, changes=(TempoChange(10.0, 130.0),)))
    assert held.drift_ms_per_min is not None
    assert held.drift_ms_per_min > 1000.0


@pytest.mark.parametrize("audio", [silence(), noise()])
def test_audio_without_a_beat_has_no_tempo(audio: object) -> None:
    track = track_tempo(audio, Meter(120.0))  # type: ignore[arg-type]
    assert (track.bpm, track.first_downbeat_s, track.drift_ms_per_min, track.beats_s) == (None, None, None, ())
    assert track.confidence == 0.0
