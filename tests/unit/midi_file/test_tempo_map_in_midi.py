"""The session's tempo map in a MIDI file, as mido and as midicsv, another program, read it."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import mido
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sendreturn.audio.midi import read_midi, write_midi
from sendreturn.audio.notes import Meter, Note, NoteTrack, TempoChange
from sendreturn.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

needs_midicsv = pytest.mark.skipif(shutil.which("midicsv") is None, reason="no midicsv on this machine")
MAP = Meter(
    120.0, 4, 4, (TempoChange(2.0, 90.0, 4, 4), TempoChange(2.0 + 8 / 3, 90.0, 7, 8), TempoChange(7.0, 140.0, 7, 8))
)


def beats(meter: Meter, count: int, name: str = "lead") -> NoteTrack:
    timeline = meter.timeline
    return NoteTrack(name, tuple(Note(timeline.seconds(n), timeline.seconds(n + 0.5), 60) for n in range(count)))


def test_every_beat_of_the_session_is_a_beat_of_the_file(tmp_path: Path) -> None:
    write_midi(tmp_path / "a.mid", [beats(MAP, 20)], MAP, duration_s=12.0)
    tick, found = 0, []
    for message in mido.MidiFile(tmp_path / "a.mid").tracks[1]:
        tick += message.time
        if message.type == "note_on":
            found.append(tick)
    assert found == [960 * n for n in range(20)]


def test_the_tempo_map_comes_back_as_it_was(tmp_path: Path) -> None:
    write_midi(tmp_path / "a.mid", [beats(MAP, 4)], MAP, duration_s=12.0)
    _, meter = read_midi(tmp_path / "a.mid")
    assert (meter.bpm, meter.signature) == (120.0, "4/4")
    assert [(c.bpm, c.numerator, c.denominator) for c in meter.changes] == [(90.0, 4, 4), (90.0, 7, 8), (140.0, 7, 8)]
    assert [c.at_s for c in meter.changes] == pytest.approx([2.0, 2.0 + 8 / 3, 7.0], abs=1e-3)


def test_changes_after_the_end_of_the_clip_are_left_out(tmp_path: Path) -> None:
    write_midi(tmp_path / "a.mid", [beats(MAP, 4)], MAP, duration_s=3.0)
    file = mido.MidiFile(tmp_path / "a.mid")
    assert [m.type for m in file.tracks[0]].count("set_tempo") == 2
    assert file.length == pytest.approx(3.0, abs=1e-3)


def test_a_change_that_midi_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot hold"):
        write_midi(tmp_path / "a.mid", [], Meter(120, changes=(TempoChange(1.0, 2.0),)), duration_s=2.0)


changes = st.lists(st.tuples(st.floats(0.01, 8), st.floats(30, 300), st.integers(1, 15)), max_size=12)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bpm=st.floats(30, 300), gaps=changes, at_s=st.lists(st.floats(0, 60), min_size=1, max_size=8))
def test_notes_keep_their_times_in_seconds_under_any_map(
    tmp_path: Path, bpm: float, gaps: list[tuple[float, float, int]], at_s: list[float]
) -> None:
    now_s, steps = 0.0, []
    for gap_s, tempo, numerator in gaps:
        now_s += gap_s
        steps.append(TempoChange(now_s, tempo, numerator, 8))
    notes = [Note(at, at + 0.2, 40 + index) for index, at in enumerate(at_s)]
    write_midi(tmp_path / "a.mid", [NoteTrack("lead", tuple(notes))], Meter(bpm, changes=tuple(steps)), duration_s=70.0)
    (track,), _ = read_midi(tmp_path / "a.mid")
    found = {note.pitch: note.start_s for note in track.notes}
    # Half a tick at the note and one at each change, where the slowest tempo has 2 ms to the tick; and tempi in whole
    # microseconds to the beat.
    assert all(abs(found[note.pitch] - note.start_s) < 0.0021 * (0.5 + len(steps)) + 0.001 for note in notes)


@needs_midicsv
def test_midicsv_reads_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    drums = NoteTrack("drums", (Note(0.0, 0.1, 36, 100), Note(0.5, 0.6, 38, 90)), is_drums=True)
    write_midi(path, [NoteTrack("bass", (Note(0.5, 1.0, 40, 77),), 33), drums], MAP, duration_s=8.0, title="riff")
    told = subprocess.run(["midicsv", path], check=True, capture_output=True, text=True)
    assert told.stderr == ""
    rows = [[field.strip() for field in line.split(",")] for line in told.stdout.splitlines()]
    assert rows[0][2:] == ["Header", "1", "3", "960"]
    of = {kind: [row for row in rows if row[2] == kind] for kind in {row[2] for row in rows}}
    assert [(row[0], row[3]) for row in of["Title_t"]] == [("1", '"riff"'), ("2", '"bass"'), ("3", '"drums"')]
    assert [(row[1], row[3]) for row in of["Tempo"]] == [("0", "500000"), ("3840", "666667"), ("11040", "428571")]
    assert [(row[1], row[3], row[4]) for row in of["Time_signature"]] == [("0", "4", "2"), ("7680", "7", "3")]
    assert [row[3:] for row in of["Program_c"]] == [["0", "33"]]
    assert [(row[0], row[1], *row[3:]) for row in of["Note_on_c"]] == [
        ("2", "960", "0", "40", "77"),
        ("3", "0", "9", "36", "100"),
        ("3", "960", "9", "38", "90"),
    ]
    assert len({row[1] for row in of["End_track"]}) == 1
