"""Known notes in, the same notes out: with signal processing alone, and with Basic Pitch where it is installed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from note_sounds import line, play
from sendreturn.audio.buffer import Audio
from sendreturn.audio.notes import Meter, Note, NoteTrack
from sendreturn_bridges.services.local import basic_pitch
from sendreturn_bridges.services.local.transcribe import ROLES, Transcription, split_bass, transcribe

MODELS = Path(os.environ.get("SENDRETURN_TEST_MODELS", "no models"))
NO_MODELS = Path("no models")
HAS_BASIC_PITCH = basic_pitch.find_model(MODELS) is not None
needs_basic_pitch = pytest.mark.skipif(
    not HAS_BASIC_PITCH, reason="Basic Pitch is not installed: SENDRETURN_TEST_MODELS names no folder that holds it"
)
each_method = pytest.mark.parametrize(
    "models", [pytest.param(NO_MODELS, id="classical"), pytest.param(MODELS, id="basic-pitch", marks=needs_basic_pitch)]
)

SCALE = (60, 62, 64, 65, 67, 69, 71, 72)
CHORDS = ((60, 64, 67), (65, 69, 72), (62, 67, 71), (60, 64, 67))


def agreement(known: tuple[Note, ...], heard: tuple[Note, ...], within_s: float = 0.05) -> float:
    """F1 of notes with the right pitch whose onset is near enough."""
    left = list(heard)
    hits = 0
    for note in known:
        near = [other for other in left if other.pitch == note.pitch and abs(other.start_s - note.start_s) <= within_s]
        if near:
            left.remove(min(near, key=lambda other: abs(other.start_s - note.start_s)))
            hits += 1
    return 2 * hits / (len(known) + len(heard)) if known or heard else 1.0


def chords(step_s: float = 0.6) -> tuple[Note, ...]:
    return tuple(Note(i * step_s, (i + 0.9) * step_s, pitch, 90) for i, chord in enumerate(CHORDS) for pitch in chord)


def only(result: Transcription) -> NoteTrack:
    (track,) = result.tracks
    return track


@each_method
@pytest.mark.parametrize("voice", ["keys", "lead", "flute"])
def test_a_scale_is_heard(models: Path, voice: str) -> None:
    notes = line(SCALE, 0.3)
    heard = only(transcribe(play([NoteTrack(voice, notes)], 2.6), role="lead", models=models))
    assert agreement(notes, heard.notes) >= 0.85


@each_method
def test_chords_are_heard(models: Path) -> None:
    heard = only(transcribe(play([NoteTrack("keys", chords())], 2.6), role="other", models=models))
    assert agreement(chords(), heard.notes) >= 0.8


@each_method
def test_a_repeated_note_is_heard_as_often_as_it_is_played(models: Path) -> None:
    notes = line([40, 40, 40, 43, 43, 43, 38, 38], 0.25)
    heard = only(transcribe(play([NoteTrack("bass", notes)], 2.2), role="bass", models=models))
    assert agreement(notes, heard.notes) >= 0.85
    assert (heard.name, heard.program) == ("bass", 33)


@each_method
def test_a_louder_note_gets_a_higher_velocity(models: Path) -> None:
    notes = tuple(Note(i * 0.4, i * 0.4 + 0.35, 60, velocity) for i, velocity in enumerate((66, 115, 80, 97)))
    heard = only(transcribe(play([NoteTrack("keys", notes)], 1.8), role="other", models=models)).notes
    velocities = [min(heard, key=lambda n, at=note.start_s: abs(n.start_s - at)).velocity for note in notes]
    assert sorted(range(4), key=velocities.__getitem__) == [0, 2, 3, 1]


@each_method
def test_a_mix_is_heard_as_drums_bass_and_the_rest(models: Path) -> None:
    bass = line([36, 36, 43, 41] * 2, 0.5)
    beat = tuple(Note(i * 0.5, i * 0.5 + 0.1, 36 if i % 2 == 0 else 38, 100) for i in range(8))
    parts = [NoteTrack("bass", bass), NoteTrack("keys", chords(1.0)), NoteTrack("drums", beat, is_drums=True)]
    result = transcribe(play(parts, 4.1), models=models, meter=Meter(120))
    tracks = {track.name: track for track in result.tracks}
    assert set(tracks) == {"drums", "bass", "other"}
    assert tracks["drums"].is_drums
    assert agreement(beat, tracks["drums"].notes) >= 0.5
    if models != NO_MODELS:
        assert agreement(bass, tracks["bass"].notes) >= 0.7


def test_a_mix_without_drums_gets_no_drum_track() -> None:
    clip = play([NoteTrack("keys", chords()), NoteTrack("bass", line([36, 41, 38, 36], 0.6))], 2.6)
    assert not any(track.is_drums for track in transcribe(clip, models=NO_MODELS).tracks)


def test_each_stem_becomes_a_track_of_its_name(tmp_path: Path) -> None:
    bass, lead = line([36, 38, 40, 41], 0.4), line([72, 74, 76, 77], 0.4)
    beat = line([36, 38, 36, 38], 0.4)
    stems = {
        "vocals": play([NoteTrack("lead", lead)], 1.7),
        "bass": play([NoteTrack("bass", bass)], 1.7),
        "drums": play([NoteTrack("drums", beat, is_drums=True)], 1.7),
        "other": Audio(np.zeros((75000, 1), np.float32), 44100),
    }
    mix = Audio(np.sum([stem.samples[:74970] for stem in stems.values()], axis=0), 44100)
    result = transcribe(mix, models=tmp_path, stems=stems)
    assert [(t.name, t.program, t.is_drums) for t in result.tracks] == [
        ("vocals", 53, False),
        ("bass", 33, False),
        ("drums", 0, True),
    ]
    assert agreement(bass, result.tracks[1].notes) >= 0.85
    assert agreement(lead, result.tracks[0].notes) >= 0.85


def test_without_a_model_the_user_is_told_how_to_get_it(tmp_path: Path) -> None:
    result = transcribe(play([NoteTrack("keys", line(SCALE, 0.2))], 1.7), role="other", models=tmp_path)
    assert result.method == "signal processing"
    assert any("sendreturn models install basic-pitch" in sentence for sentence in result.notes)


def test_a_model_that_cannot_be_read_counts_as_missing(tmp_path: Path) -> None:
    broken = tmp_path.joinpath(*basic_pitch.MODEL_PATH)
    broken.parent.mkdir()
    broken.write_bytes(b"half a download")
    assert basic_pitch.find_model(tmp_path) is None


@needs_basic_pitch
def test_with_the_model_nothing_needs_telling() -> None:
    result = transcribe(play([NoteTrack("keys", line(SCALE, 0.2))], 1.7), role="other", models=MODELS)
    assert (result.method, result.notes) == ("basic-pitch", ())


@each_method
@pytest.mark.parametrize("role", ROLES)
def test_silence_has_no_notes_and_says_so(models: Path, role: str) -> None:
    result = transcribe(Audio(np.zeros((44100, 2), np.float32), 44100), role=role, models=models)
    assert result.tracks == ()
    assert "silent" in result.notes[0]


@each_method
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("frames", [1, 300, 2205])
def test_a_very_short_clip_is_no_trouble(models: Path, role: str, frames: int) -> None:
    wave = 0.5 * np.sin(np.arange(frames) * 0.06, dtype=np.float32)
    result = transcribe(Audio(wave[:, None], 44100), role=role, models=models)
    assert all(0 <= n.start_s < n.end_s <= frames / 44100 for track in result.tracks for n in track.notes)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 22051, 48000, 96000])
def test_the_rate_of_the_clip_does_not_matter(rate_hz: int) -> None:
    notes = line([60, 64, 67, 72], 0.3)
    heard = only(transcribe(play([NoteTrack("keys", notes)], 1.4, rate_hz), role="other", models=NO_MODELS))
    assert agreement(notes, heard.notes) >= 0.75


@each_method
def test_the_same_clip_gives_the_same_notes(models: Path) -> None:
    clip = play([NoteTrack("keys", chords()), NoteTrack("drums", line([36, 38], 0.6), is_drums=True)], 2.6)
    assert transcribe(clip, models=models) == transcribe(clip, models=models)


@each_method
def test_notes_lie_inside_the_clip_and_progress_ends_at_one(models: Path) -> None:
    clip = play([NoteTrack("keys", line(SCALE, 0.2, gate=1.5))], 1.3)
    told: list[float] = []
    result = transcribe(clip, models=models, progress=told.append)
    assert all(0 <= n.start_s < n.end_s <= clip.duration_s for track in result.tracks for n in track.notes)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_an_unknown_role_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="kazoo"):
        transcribe(play([], 1.0), role="kazoo", models=NO_MODELS)


def test_the_lowest_low_notes_of_a_mix_are_its_bass() -> None:
    bass, chord = Note(0, 1, 40), (Note(0, 1, 50), Note(0, 1, 64))
    assert split_bass([bass, *chord]) == ([bass], list(chord))
    assert split_bass(list(chord)) == ([], list(chord))
