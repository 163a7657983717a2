"""Covers and songs made anew: measured, laid on the session's beat, or stretched to it, as the settings want."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from random_songs import random_song
from returning_service import PLAIN, Returned, Treated, encoded, mix, returned
from sendreturn.audio.buffer import Audio
from sendreturn.audio.midi import write_midi
from sendreturn.audio.notes import Meter, Note, NoteTrack
from sendreturn.audio.stretch import stretch
from sendreturn.audio.tempo_track import TempoTrack, track_tempo
from sendreturn.contract import Made
from sendreturn.synth.kits import KITS
from sendreturn.words import Kind

RATE_HZ = 44_100
BPM = 126.0
LATE_S = 0.13


@lru_cache(maxsize=2)
def played(*kits: str) -> Audio:
    """The same eight bars, played with these kits."""
    made = random_song(3, kits, bars=8, rate_hz=RATE_HZ).mix
    return Audio((made.samples * (0.3 / np.abs(made.samples).max())).astype(np.float32), RATE_HZ)


@lru_cache(maxsize=4)
def cover(factor: float = 1.0) -> Audio:
    """Another drummer, `LATE_S` late, in another tempo."""
    made = played("acoustic_kit")
    return Treated(delay=round(LATE_S * RATE_HZ))(made if factor == 1.0 else stretch(made, factor))


async def covered(folder: Path, audio: Audio, conform: str) -> Returned:
    (folder / "Song").mkdir()
    clip = folder / "Song" / "riff.wav"
    soundfile.write(clip, played(*KITS).samples[: 8 * RATE_HZ], RATE_HZ, subtype="PCM_24")
    notes = folder / "notes.mid"
    write_midi(notes, [NoteTrack("Lead", (Note(2.0, 2.5, 60, 100),))], Meter(120), duration_s=3.0)
    files = (mix(encoded(folder / "cover", audio)), Made(Kind.MIDI, str(notes), made_by="Studio"))
    returns = PLAIN.model_copy(update={"conform": conform})
    return await returned(folder, clip, "cover", files, returns, bpm=BPM)


def heard(back: Returned) -> TempoTrack:
    samples, rate_hz = soundfile.read(back.path("mix"), dtype="float32")
    return track_tempo(Audio(samples, rate_hz), Meter(BPM))


def off_beat_s(back: Returned) -> float:
    """How far the cover's beat lies from the clip's, which starts on one."""
    beat_s = 60.0 / BPM
    first_s = heard(back).first_downbeat_s
    due_s = track_tempo(Audio(played(*KITS).samples[: 8 * RATE_HZ], RATE_HZ), Meter(BPM)).first_downbeat_s
    assert first_s is not None
    assert due_s is not None
    return float((first_s - due_s + beat_s / 2) % beat_s - beat_s / 2)


def note_s(back: Returned) -> float:
    at_s = 0.0
    for message in mido.MidiFile(back.path("midi")):
        at_s += message.time
        if message.type == "note_on" and message.velocity:
            return at_s
    raise AssertionError("no note")


async def test_none_measures_and_moves_nothing(tmp_path: Path):
    back = await covered(tmp_path, cover(1.004), "none")
    assert np.allclose(back.samples("mix"), cover(1.004).samples, atol=1e-6)
    assert "ms a minute behind the session's tempo" in back.checks()
    assert note_s(back) == pytest.approx(2.0, abs=0.001)


async def test_the_drift_is_told_in_milliseconds_a_minute(tmp_path: Path):
    back = await covered(tmp_path, cover(1.004), "none")
    (told,) = [check for check in back.entry("mix")["checks"] if "a minute" in check]
    assert float(told.split()[2]) == pytest.approx(240, abs=25), told
    assert "It plays at 125.50 bpm (the session at 126)" in back.checks()


async def test_offset_lays_the_beat_on_the_clips_beat_and_the_notes_go_with_it(tmp_path: Path):
    back = await covered(tmp_path, cover(), "offset")
    assert abs(off_beat_s(back)) < 0.012
    moved_s = cover().duration_s - len(back.samples("mix")) / RATE_HZ
    assert moved_s == pytest.approx(LATE_S, abs=0.01)
    assert note_s(back) == pytest.approx(2.0 - moved_s, abs=0.002)
    assert f"It was moved {moved_s * 1000:.0f} ms earlier" in back.checks()


@pytest.mark.parametrize("factor", [1.004, 1.05])
async def test_stretch_lands_the_beats_on_the_grid_and_says_who_did_it(tmp_path: Path, factor: float):
    pytest.importorskip("python_stretch")
    back = await covered(tmp_path, cover(factor), "stretch")
    track = heard(back)
    assert track.bpm == pytest.approx(BPM, abs=0.05)
    assert abs(off_beat_s(back)) < 0.012
    for text in (back.checks(), back.send.text):
        assert "What came back was stretched to the session's tempo (Signalsmith Stretch)" in text
    # A note at 2 s of the slow music lies that much earlier, and is moved with the beat.
    moved_s = float(next(c for c in back.entry("mix")["checks"] if "was moved" in c).split()[3]) / 1000
    anchor_s = heard_in(cover(factor)).first_downbeat_s or 0.0
    assert note_s(back) == pytest.approx(anchor_s + (2.0 - anchor_s) / factor - moved_s, abs=0.01)


def heard_in(audio: Audio) -> TempoTrack:
    return track_tempo(audio, Meter(BPM))


async def test_music_in_another_tempo_is_left_where_it_is_and_told_at_once(tmp_path: Path):
    back = await covered(tmp_path, cover(1.05), "offset")
    assert np.allclose(back.samples("mix"), cover(1.05).samples, atol=1e-6)
    assert "What came back is not in the session's tempo, so it was not moved." in back.send.text


async def test_music_without_a_beat_is_left_where_it_is(tmp_path: Path):
    at_s = np.arange(6 * RATE_HZ) / RATE_HZ
    drone = 0.2 * np.sin(2 * np.pi * 110 * at_s) * np.minimum(1, at_s)
    back = await covered(tmp_path, Audio(np.repeat(drone[:, None], 2, 1).astype(np.float32), RATE_HZ), "stretch")
    assert "No steady beat was heard in it" in back.checks()
    assert len(back.samples("mix")) == 6 * RATE_HZ


async def test_a_song_without_a_clip_begins_a_bar_with_a_bar(tmp_path: Path):
    (tmp_path / "Song").mkdir()
    file = mix(encoded(tmp_path / "song", cover()))
    back = await returned(tmp_path, None, "generate", (file,), bpm=BPM, style="jazz")
    first_s = (heard_in(cover()).first_downbeat_s or 0.0) + len(back.samples("mix")) / RATE_HZ - cover().duration_s
    bar_s = 4 * 60.0 / BPM
    assert abs((first_s + bar_s / 2) % bar_s - bar_s / 2) < 0.012
    assert back.entry("mix")["alignment"] is None


async def test_a_song_for_a_session_whose_tempo_nobody_knows_is_not_held_against_one(tmp_path: Path):
    (tmp_path / "Song").mkdir()
    file = mix(encoded(tmp_path / "song", cover()))
    back = await returned(tmp_path, None, "generate", (file,), style="jazz")
    assert "It plays at" in back.checks()
    assert "the session" not in back.checks()
    assert "tempo" not in back.send.text
