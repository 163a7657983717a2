"""Notes as services write them in JSON."""

from __future__ import annotations

from sendreturn.net.note_rows import note_tracks


def test_instruments_become_named_tracks_with_fitting_sounds():
    notes = [{"pitch": 60, "start": 0.5, "end": 1.0, "velocity": 63 / 127}]
    data = [
        {
            "state": "complete",
            "instruments": [
                {"name": "Drums", "notes": notes},
                {"name": "Electric Bass (finger)", "notes": notes},
                {"name": "Synth Voice", "notes": notes},
            ],
        }
    ]
    drums, bass, voice = note_tracks(data)
    assert (drums.is_drums, bass.program, voice.program) == (True, 33, 54)
    assert (bass.notes[0].pitch, bass.notes[0].velocity, bass.notes[0].start_s) == (60, 63, 0.5)


def test_notes_are_sorted_and_those_that_make_no_sense_are_left_out():
    notes = [
        {"pitch": 62, "start": "2.0", "end": "2.5", "velocity": 1},
        {"pitch": 60, "start": 1.0, "end": 1.5},
        {"pitch": 300, "start": 1.0, "end": 1.5},
        {"pitch": 60, "start": 1.0, "end": 1.0},
        {"pitch": None, "start": 1.0, "end": 2.0},
    ]
    (track,) = note_tracks({"instruments": [{"notes": notes}]})
    assert [(note.pitch, note.velocity) for note in track.notes] == [(60, 90), (62, 127)]
    assert track.name == "Track 1"


def test_an_instrument_without_notes_is_no_track():
    assert note_tracks([{"instruments": [{"name": "Piano", "notes": []}]}]) == ()
    assert note_tracks(None) == ()


def test_velocities_of_both_scales_are_taken():
    notes = [
        {"pitch": 62, "start": 2.0, "end": 2.5, "velocity": 100},
        {"pitch": 60, "start": 1.0, "end": 1.5, "velocity": 0.5},
    ]
    (drums,) = note_tracks({"instruments": [{"name": "Drum Kit", "notes": notes}]})
    assert drums.is_drums
    assert [(note.pitch, note.velocity) for note in drums.notes] == [(60, 64), (62, 100)]
