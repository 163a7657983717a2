"""MIDI files as a DAW will read them, checked with mido itself and by reading them back."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import mido
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sendreturn.audio.midi import read_midi, write_midi
from sendreturn.audio.midi_limits import MAX_NOTES
from sendreturn.audio.midi_reading import read_content
from sendreturn.audio.notes import Meter, Note, NoteTrack, TempoChange
from sendreturn.errors import ClipError, UsageError
from sendreturn.words import MIDI_PPQ

if TYPE_CHECKING:
    from pathlib import Path

BASS = NoteTrack("bass", (Note(0.0, 0.5, 40, 100), Note(0.5, 1.0, 43, 80)), program=33)
DRUMS = NoteTrack("drums", (Note(0.0, 0.1, 36, 120), Note(1.0, 1.1, 38, 90)), is_drums=True)
KEYS = NoteTrack("keys – Süd", (Note(0.25, 1.75, 60, 70),), program=4)


def timed(track: Any) -> list[tuple[int, Any]]:
    tick, out = 0, []
    for message in track:
        tick += message.time
        out.append((tick, message))
    return out


def attacks(track: Any) -> list[tuple[int, int]]:
    return [(tick, m.note) for tick, m in timed(track) if m.type == "note_on"]


def written(path: Path, *tracks: NoteTrack, meter: Meter | None = None, **options: Any) -> Any:
    options.setdefault("duration_s", 4.0)
    write_midi(path, tracks, meter or Meter(), **options)
    return mido.MidiFile(str(path), charset="utf-8")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clip.mid"


def test_a_file_is_of_type_1_with_a_conductor_track_and_one_track_per_instrument(path: Path) -> None:
    file = written(path, BASS, DRUMS, KEYS, meter=Meter(104.0, 7, 8), title="riff")
    assert (file.type, file.ticks_per_beat) == (1, MIDI_PPQ)
    assert [track.name for track in file.tracks] == ["riff", "bass", "drums", "keys – Süd"]
    conductor = {message.type: message for message in file.tracks[0]}
    assert mido.tempo2bpm(conductor["set_tempo"].tempo) == pytest.approx(104.0, abs=1e-4)
    assert (conductor["time_signature"].numerator, conductor["time_signature"].denominator) == (7, 8)


def test_drums_play_on_channel_10_and_everyone_else_on_a_channel_of_their_own(path: Path) -> None:
    others = [NoteTrack(f"part {n}", (Note(0, 1, 60),), program=n) for n in range(12)]
    file = written(path, *others[:10], DRUMS, *others[10:])
    channels = [{m.channel for m in track if not m.is_meta} for track in file.tracks[1:]]
    assert channels[10] == {9}
    melodic = [channel for used in channels[:10] + channels[11:] for channel in used]
    assert len(set(melodic)) == 12
    assert 9 not in melodic


def test_each_instrument_gets_its_program_and_drums_get_none(path: Path) -> None:
    file = written(path, BASS, DRUMS)
    programs = [[m.program for m in track if m.type == "program_change"] for track in file.tracks]
    assert programs == [[], [33], []]


@pytest.mark.parametrize("bpm", [60.0, 97.3, 104.0, 120.0, 174.0])
def test_notes_on_the_beat_are_on_the_beat_to_the_tick(path: Path, bpm: float) -> None:
    beat_s = 60.0 / bpm
    notes = tuple(Note(n * beat_s / 4, (n + 1) * beat_s / 4, 60) for n in range(64))
    file = written(path, NoteTrack("lead", notes), meter=Meter(bpm), duration_s=16 * beat_s)
    assert attacks(file.tracks[1]) == [(n * MIDI_PPQ // 4, 60) for n in range(64)]


def test_every_track_ends_with_the_clip(path: Path) -> None:
    file = written(path, BASS, DRUMS, duration_s=3.0)
    assert [sum(m.time for m in track) for track in file.tracks] == [round(3.0 * 2 * MIDI_PPQ)] * 3


def test_notes_that_ring_past_the_end_are_cut_there_and_later_ones_are_left_out(path: Path) -> None:
    file = written(path, NoteTrack("pad", (Note(1, 9, 60), Note(2, 3, 62), Note(2.5, 3, 64))), duration_s=2.0)
    assert attacks(file.tracks[1]) == [(2 * MIDI_PPQ, 60)]
    assert timed(file.tracks[1])[-2][0] == 4 * MIDI_PPQ


def test_what_sounds_before_the_clip_is_cut_at_its_start(path: Path) -> None:
    track = NoteTrack("lead", (Note(-1, -0.6, 60), Note(-0.2, 0.2, 62), Note(1, 2, 64)))
    file = written(path, track, duration_s=3.0)
    assert attacks(file.tracks[1]) == [(0, 62), (1920, 64)]
    assert timed(file.tracks[1])[3][0] == 384


def test_overlapping_notes_of_one_pitch_never_sound_together(path: Path) -> None:
    track = NoteTrack("lead", (Note(0, 2, 60, 50), Note(0, 1, 60, 99), Note(1.5, 3, 60, 70)))
    notes = read_back(written(path, track), path)
    assert [(n.start_s, n.end_s, n.velocity) for n in notes] == [(0.0, 1.5, 99), (1.5, 3.0, 70)]


def test_a_note_without_length_lasts_a_tick(path: Path) -> None:
    (note,) = read_back(written(path, NoteTrack("lead", (Note(1.0, 1.0, 60),))), path)
    assert note.end_s - note.start_s == pytest.approx(0.5 / MIDI_PPQ)


def read_back(_: Any, path: Path) -> tuple[Note, ...]:
    (track,), _meter = read_midi(path)
    return track.notes


def test_what_was_written_is_read_back(path: Path) -> None:
    meter = Meter(104.5, 3, 4)
    write_midi(path, (BASS, DRUMS, KEYS), meter, duration_s=2.0)
    tracks, read_meter = read_midi(path)
    assert read_meter == meter
    assert [(t.name, t.program, t.is_drums) for t in tracks] == [
        ("bass", 33, False),
        ("drums", 0, True),
        ("keys – Süd", 4, False),
    ]
    assert [[n.velocity for n in t.notes] for t in tracks] == [[100, 80], [120, 90], [70]]


TICK_S = 60.0 / 120.0 / MIDI_PPQ
random_notes = st.lists(
    st.builds(
        lambda start, length, pitch, velocity: Note(start, start + length, pitch, velocity),
        st.floats(0, 58),
        st.floats(0.002, 2),
        st.integers(0, 127),
        st.integers(1, 127),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(notes=random_notes)
def test_any_notes_come_back_within_a_tick_and_never_overlap(path: Path, notes: list[Note]) -> None:
    write_midi(path, [NoteTrack("any", tuple(notes))], Meter(), duration_s=60.0)
    tracks, _ = read_midi(path)
    by_pitch: dict[int, list[Note]] = defaultdict(list)
    for track in tracks:
        for note in track.notes:
            by_pitch[note.pitch].append(note)
    for pitch in range(128):
        asked = [note for note in notes if note.pitch == pitch]
        got = by_pitch[pitch]
        assert all(a.end_s <= b.start_s + 1e-9 for a, b in pairwise(got))
        for note in asked:
            assert any(abs(found.start_s - note.start_s) < TICK_S for found in got)
        if len(asked) == 1:
            assert got[0].velocity == asked[0].velocity
            assert abs(got[0].end_s - asked[0].end_s) < TICK_S


@pytest.mark.parametrize("meter", [Meter(0.0), Meter(float("nan")), Meter(5000), Meter(120, 4, 3), Meter(120, 0, 4)])
def test_a_meter_that_midi_cannot_hold_is_refused_with_a_sentence(path: Path, meter: Meter) -> None:
    with pytest.raises(UsageError, match="cannot hold"):
        write_midi(path, [BASS], meter, duration_s=1.0)
    assert not path.exists()


@pytest.mark.parametrize(
    "note", [Note(0, 1, 128), Note(0, 1, -1), Note(float("nan"), 1, 60), Note(0, float("inf"), 60)]
)
def test_a_note_that_midi_cannot_hold_is_refused(path: Path, note: Note) -> None:
    with pytest.raises(UsageError, match="'odd'"):
        write_midi(path, [NoteTrack("odd", (note,))], Meter(), duration_s=1.0)


def test_a_million_notes_are_refused_both_ways(path: Path) -> None:
    with pytest.raises(ClipError, match="at most"):
        write_midi(path, [NoteTrack("flood", (Note(0, 1, 60),) * (MAX_NOTES + 1))], Meter(), duration_s=1.0)
    events = b"\x00\x90\x3c\x40" + b"\x01\x3c\x00\x01\x3c\x40" * 500_000 + b"\x00\xff\x2f\x00"
    path.write_bytes(b"MThd\0\0\0\6\0\0\0\1\3\xc0MTrk" + len(events).to_bytes(4, "big") + events)
    with pytest.raises(ClipError, match="at most"):
        read_midi(path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF and so on",
        b"MThd\0\0\0\6\0\1\0\2\3\xc0MTrk\0\0\0\x10\0\x90",
        b"MThd\0\0\0\6\0\1\0\1\3\xc0MTrk\0\0\0\4\0\xf4\0\0",
        b"MThd\0\0\0\6\0\0\0\1\xe7\x28MTrk\0\0\0\4\0\xff\x2f\0",
    ],
)
def test_a_broken_file_is_refused_with_a_sentence(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(ClipError, match=r"clip\.mid"):
        read_midi(path)


def test_a_missing_file_is_refused_with_a_sentence(path: Path) -> None:
    with pytest.raises(ClipError, match="could not be read"):
        read_midi(path)


def test_a_foreign_file_with_one_track_and_many_channels_is_split_by_channel(path: Path) -> None:
    track = mido.MidiTrack(
        [
            mido.MetaMessage("set_tempo", tempo=500_000),
            mido.Message("program_change", channel=2, program=33),
            mido.Message("note_on", channel=2, note=40, velocity=80),
            mido.Message("note_on", channel=9, note=36, velocity=80),
            mido.Message("note_on", channel=9, note=36, velocity=0, time=48),
            mido.MetaMessage("set_tempo", tempo=1_000_000, time=48),
            mido.Message("note_off", channel=2, note=40, time=96),
            mido.Message("note_on", channel=2, note=41, velocity=10),
            mido.MetaMessage("end_of_track", time=96),
        ]
    )
    mido.MidiFile(type=0, ticks_per_beat=96, tracks=[track]).save(str(path))
    content = read_content(path)
    bass, drums = content.tracks
    assert content.meter == Meter(120.0, changes=(TempoChange(0.5, 60.0),))
    assert content.stuck == 1
    assert (bass.name, drums.name) == ("bass", "drums")
    assert (bass.program, drums.is_drums) == (33, True)
    assert bass.notes == (Note(0.0, 1.5, 40, 80), Note(1.5, 2.5, 41, 10))
    assert drums.notes == (Note(0.0, 0.25, 36, 80),)


def test_a_name_that_utf_8_cannot_hold_is_written_as_far_as_it_can(path: Path) -> None:
    file = written(path, NoteTrack("caf\udce9", (Note(0, 1, 60),)), title="r\udcffff")
    assert [track.name for track in file.tracks] == ["r?ff", "caf?"]
