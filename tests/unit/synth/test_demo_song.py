"""The demo's song is what its notes say it is."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest
from sendreturn.demo.song import BARS, demo_song, render_demo, render_demo_stems
from sendreturn.synth import peak_db, pitch_hz, sum_stems
from sendreturn.words import STEMS

RATE = 48_000


def test_the_song_lasts_whole_bars_at_its_tempo() -> None:
    song = demo_song()
    assert song.duration_s == pytest.approx(BARS * 4 * 60 / song.meter.bpm)
    assert render_demo().frames == round(song.duration_s * RATE)


def test_every_note_begins_on_a_sixteenth_and_ends_within_the_song() -> None:
    song = demo_song()
    for track in song.tracks:
        for note in track.notes:
            assert note.start_s / 0.15 == pytest.approx(round(note.start_s / 0.15), abs=1e-6)
            assert note.start_s < note.end_s <= song.duration_s + 1e-9


def test_it_has_drums_bass_chords_and_a_melody_under_standard_names() -> None:
    song = demo_song()
    assert [track.name for track in song.tracks] == ["drums", "bass", "keyboard", "vocals"]
    assert all(track.name in STEMS and len(track.notes) > 25 for track in song.tracks)


def test_bass_and_melody_play_one_note_at_a_time() -> None:
    tracks = {track.name: track.notes for track in demo_song().tracks}
    for name in ("bass", "vocals"):
        pairs = zip(tracks[name], tracks[name][1:], strict=False)
        assert all(early.end_s <= late.start_s + 1e-9 for early, late in pairs)


def test_the_stems_sum_to_the_clip() -> None:
    assert np.array_equal(sum_stems(render_demo_stems()).samples, render_demo().samples)


def test_the_clip_is_loud_enough_and_has_headroom() -> None:
    clip = render_demo()
    assert peak_db(clip) <= -1.0
    assert -19 < pyloudnorm.Meter(RATE).integrated_loudness(clip.samples.astype(np.float64)) < -13


def test_each_melody_note_is_in_tune_in_its_stem() -> None:
    vocals = render_demo_stems()["vocals"]
    melody = next(track for track in demo_song().tracks if track.name == "vocals").notes
    for note in (n for n in melody if n.end_s - n.start_s > 0.5):
        mono = vocals.cut(note.start_s + 0.05, note.end_s).mono()
        spectrum = np.abs(np.fft.rfft(mono * np.hanning(len(mono)), 16 * len(mono)))
        f_hz = np.fft.rfftfreq(16 * len(mono), 1 / RATE)
        near = np.abs(f_hz / pitch_hz(note.pitch) - 1) < 0.045
        peak_hz = f_hz[near][np.argmax(spectrum[near])]
        assert abs(1200 * np.log2(peak_hz / pitch_hz(note.pitch))) < 15


def test_it_can_be_rendered_at_another_rate() -> None:
    assert render_demo(22_050).frames == round(demo_song().duration_s * 22_050)
