"""The notes of MIDI files, as DAWs are given them that import no file."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest
from sendreturn.audio.midi import write_midi
from sendreturn.audio.notes import Meter, Note, NoteTrack
from sendreturn.daws import notes
from sendreturn.daws.notes import PlayedNote, read_notes
from sendreturn.errors import ClipError


def midi(path: Path, *tracks: list[mido.Message | mido.MetaMessage]) -> Path:
    mido.MidiFile(type=1, ticks_per_beat=100, tracks=[mido.MidiTrack(track) for track in tracks]).save(path)
    return path


def on(note: int, time: int, velocity: int = 90, channel: int = 0) -> mido.Message:
    return mido.Message("note_on", note=note, velocity=velocity, time=time, channel=channel)


def tempo(bpm: float, time: int = 0) -> mido.MetaMessage:
    return mido.MetaMessage("set_tempo", tempo=round(60e6 / bpm), time=time)


def test_what_we_write_is_read_back(tmp_path: Path) -> None:
    played = (Note(0.0, 0.5, 40, 100), Note(0.5, 1.25, 47, 1))
    write_midi(tmp_path / "n.mid", [NoteTrack("bass", played, program=33)], Meter(90.0), duration_s=2.0)
    found = read_notes(tmp_path / "n.mid")
    assert [(n.pitch, n.velocity) for n in found.notes] == [(40, 100), (47, 1)]
    assert [n.start_s for n in found.notes] == pytest.approx([0.0, 0.5], abs=2e-3)
    assert [n.end_s for n in found.notes] == pytest.approx([0.5, 1.25], abs=2e-3)
    assert found.length_s == pytest.approx(2.0, abs=2e-3)


def test_times_follow_the_tempo_map(tmp_path: Path) -> None:
    path = midi(
        tmp_path / "n.mid", [tempo(120), tempo(60, 200)], [on(60, 100), on(60, 100, 0), on(61, 0), on(61, 100, 0)]
    )
    assert read_notes(path).notes == (PlayedNote(0.5, 1.0, 60, 90, 0), PlayedNote(1.0, 2.0, 61, 90, 0))


def test_a_note_that_begins_again_ends_the_one_before(tmp_path: Path) -> None:
    path = midi(tmp_path / "n.mid", [on(60, 0), on(60, 100), on(60, 100, 0), on(60, 0, 80, channel=1)])
    assert [(n.start_s, n.end_s, n.channel) for n in read_notes(path).notes] == [
        (0, 0.5, 0),
        (0.5, 1.0, 0),
        (1.0, 1.0, 1),
    ]


@pytest.mark.parametrize("data", [b"", b"MThd", b"RIFF" * 30, b"MThd\0\0\0\6\0\1\0\1\0\x64MTrk\0\0\0\xff"])
def test_what_is_no_midi_file_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "n.mid").write_bytes(data)
    with pytest.raises(ClipError, match=r"n\.mid"):
        read_notes(tmp_path / "n.mid")


def test_more_notes_than_a_daw_would_show_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes, "MOST_NOTES", 1)
    with pytest.raises(ClipError, match="holds 2 notes"):
        read_notes(midi(tmp_path / "n.mid", [on(60, 0), on(61, 1)]))
