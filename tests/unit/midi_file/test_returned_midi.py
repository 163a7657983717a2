"""MIDI files of services, made the session's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mido
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sendreturn.audio.midi import read_midi
from sendreturn.audio.notes import Meter, Note, NoteTrack
from sendreturn.audio.quantize import Quantizing
from sendreturn.audio.returned_midi import NotePlace, conform_midi, write_notes

if TYPE_CHECKING:
    from pathlib import Path

PLACE = NotePlace(Meter(100.0, 3, 4), duration_s=6.0)


def foreign(path: Path, *messages: Any, kind: int = 0, tempo: int = 500_000) -> Path:
    """A file as a service writes it: one track, 480 ticks to the beat, its own tempo."""
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=tempo), *messages])
    mido.MidiFile(type=kind, ticks_per_beat=480, tracks=[track]).save(str(path))
    return path


def on(note: int, time: int = 0, channel: int = 0, velocity: int = 80) -> Any:
    return mido.Message("note_on", channel=channel, note=note, velocity=velocity, time=time)


def off(note: int, time: int = 0, channel: int = 0) -> Any:
    return mido.Message("note_off", channel=channel, note=note, time=time)


def program(number: int, channel: int = 0) -> Any:
    return mido.Message("program_change", channel=channel, program=number)


def test_a_services_file_becomes_the_sessions_and_its_notes_keep_their_seconds(tmp_path: Path) -> None:
    source = foreign(tmp_path / "theirs.mid", program(33), on(40, 240), off(40, 480), on(36, 0, 9), off(36, 480, 9))
    report = conform_midi(source, tmp_path / "ours.mid", PLACE, title="riff")
    assert (report.checks, report.is_raw) == ((), False)
    file = mido.MidiFile(tmp_path / "ours.mid")
    assert (file.type, file.ticks_per_beat, [t.name for t in file.tracks]) == (1, 960, ["riff", "bass", "drums"])
    tracks, meter = read_midi(tmp_path / "ours.mid")
    assert (meter.bpm, meter.signature) == (100.0, "3/4")
    assert [(t.program, t.is_drums) for t in tracks] == [(33, False), (0, True)]
    assert [(n.start_s, n.end_s) for t in tracks for n in t.notes] == [
        (pytest.approx(0.25, abs=1e-3), pytest.approx(0.75, abs=1e-3)),
        (pytest.approx(0.75, abs=1e-3), pytest.approx(1.25, abs=1e-3)),
    ]
    assert {sum(m.time for m in track) for track in file.tracks} == {9600}


def test_a_track_named_but_without_a_program_gets_one_that_fits(tmp_path: Path) -> None:
    name = mido.MetaMessage("track_name", name="Electric Guitar")
    report = conform_midi(foreign(tmp_path / "a.mid", name, on(60), off(60, 480)), tmp_path / "b.mid", PLACE)
    assert [(t.name, t.program) for t in report.tracks] == [("Electric Guitar", 27)]


def test_drums_on_a_wrong_channel_go_to_channel_10(tmp_path: Path) -> None:
    name = mido.MetaMessage("track_name", name="Drum Kit")
    conform_midi(foreign(tmp_path / "a.mid", name, on(36), off(36, 480)), tmp_path / "b.mid", PLACE)
    (track,) = mido.MidiFile(tmp_path / "b.mid").tracks[1:]
    assert {m.channel for m in track if not m.is_meta} == {9}


def test_two_tracks_of_one_instrument_are_told_apart(tmp_path: Path) -> None:
    events = [program(25), program(26, 1), on(60), on(64, 0, 1), off(60, 480), off(64, 0, 1)]
    report = conform_midi(foreign(tmp_path / "a.mid", *events), tmp_path / "b.mid", PLACE)
    assert [t.name for t in report.tracks] == ["guitar", "guitar 2"]


def test_a_note_that_is_never_released_ends_with_the_next_and_is_told(tmp_path: Path) -> None:
    source = foreign(tmp_path / "a.mid", on(60), on(62, 480), off(62, 480), on(64, 480), off(64, 480))
    report = conform_midi(source, tmp_path / "b.mid", PLACE)
    assert [(n.pitch, n.end_s) for n in report.tracks[0].notes] == [(60, 0.5), (62, 1.0), (64, 2.0)]
    assert report.checks == ("The notes were cleaned: 1 stuck and shortened.",)


def test_notes_move_with_their_audio_and_end_with_the_clip(tmp_path: Path) -> None:
    source = foreign(tmp_path / "a.mid", on(60, 48), off(60, 480), on(62, 4800), off(62, 4800))
    report = conform_midi(source, tmp_path / "b.mid", NotePlace(Meter(), 6.0, shift_s=-0.05))
    assert [(n.start_s, n.end_s) for n in report.tracks[0].notes] == [
        (pytest.approx(0.0), pytest.approx(0.5)),
        (pytest.approx(5.5), 6.0),
    ]


def test_notes_are_quantized_where_that_is_wanted_and_it_is_told(tmp_path: Path) -> None:
    place = NotePlace(Meter(), 6.0, quantizing=Quantizing("1/8", 0.5))
    report = write_notes([NoteTrack("lead", (Note(0.54, 0.8, 60),))], tmp_path / "a.mid", place)
    assert report.tracks[0].notes[0].start_s == pytest.approx(0.52)
    assert report.checks == ("The notes were drawn to the 1/8 grid with a strength of 50%.",)


def test_no_notes_make_an_empty_file_that_says_so(tmp_path: Path) -> None:
    report = conform_midi(foreign(tmp_path / "a.mid"), tmp_path / "b.mid", PLACE)
    assert report.checks == ("There are no notes in it.",)
    assert mido.MidiFile(tmp_path / "b.mid").length == pytest.approx(6.0)


@pytest.mark.parametrize("data", [b"", b"<html>gone</html>", b"MThd\0\0\0\6\0\1\0\2\3\xc0MTrk\0\0\0\x10\0\x90"])
def test_a_file_that_cannot_be_read_is_delivered_as_it_came(tmp_path: Path, data: bytes) -> None:
    source = tmp_path / "odd.mid"
    source.write_bytes(data)
    report = conform_midi(source, tmp_path / "b.mid", PLACE)
    assert report.is_raw
    assert (tmp_path / "b.mid").read_bytes() == data
    assert "as the service made it: odd.mid could not be read" in report.checks[0]


def test_a_file_of_independent_patterns_is_delivered_as_it_came(tmp_path: Path) -> None:
    source = foreign(tmp_path / "a.mid", on(60), off(60, 480), kind=2)
    report = conform_midi(source, tmp_path / "b.mid", PLACE)
    assert report.is_raw
    assert "type 2" in report.checks[0]


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_read_or_copied_but_never_lost(tmp_path: Path, data: st.DataObject) -> None:
    good = bytearray(foreign(tmp_path / "good.mid", program(3), on(60), off(60, 96), on(61), off(61, 96)).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    source = tmp_path / "bad.mid"
    source.write_bytes(good[: data.draw(st.integers(0, len(good)))])
    report = conform_midi(source, tmp_path / "out.mid", PLACE)
    if report.is_raw:
        assert (tmp_path / "out.mid").read_bytes() == source.read_bytes()
    else:
        assert mido.MidiFile(tmp_path / "out.mid").length == pytest.approx(6.0, abs=0.01)
