"""AceData's note JSON and timed words."""

from __future__ import annotations

from sendreturn.net.note_rows import note_tracks
from sendreturn_bridges.services.acedata.timings import aligned_words, lrc


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


def test_timed_words_become_lines_with_the_time_of_their_first_word():
    words = [
        {"word": "[Verse 1]\nWalking ", "start_s": 61.234, "end_s": 61.5},
        {"word": "home\n", "start_s": 61.5, "end_s": 62.0},
        {"word": "\n[Chorus]\nOh ", "start_s": 63.0, "end_s": 63.2},
        {"word": "yes", "start_s": 63.2, "end_s": 64.0},
    ]
    assert lrc({"aligned_words": words}) == "[01:01.23]Walking home\n[01:03.00]Oh yes\n"
    assert aligned_words({"aligned_words": words})[3] == {"word": "yes", "start_s": 63.2, "end_s": 64.0}


def test_a_song_without_words_has_no_timed_lines():
    assert lrc({"aligned_words": []}) == ""
    assert lrc(None) == ""
