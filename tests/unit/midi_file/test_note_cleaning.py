from __future__ import annotations

import pytest
from sendreturn.audio.note_cleaning import clean, shifted
from sendreturn.audio.notes import Note, NoteTrack


def cleaned(*notes: Note, is_drums: bool = False, **options: object) -> tuple[tuple[Note, ...], tuple[str, ...]]:
    done = clean([NoteTrack("lead", notes, is_drums=is_drums)], **options)  # type: ignore[arg-type]
    return (done.tracks[0].notes if done.tracks else ()), done.checks


REPEATED = (Note(2.0, 2.25, 60, 80), Note(2.25, 2.5, 60, 80))


def test_good_notes_stay_as_they_are_without_a_word() -> None:
    notes = (Note(0.0, 1.0, 60, 80), Note(0.5, 1.0, 64, 20), *REPEATED)
    assert cleaned(*notes, duration_s=2.5) == (notes, ())


def test_ghosts_are_left_out_and_soft_or_short_notes_are_not() -> None:
    soft, short = Note(0.5, 1.0, 70, 5), Note(1.0, 1.02, 71, 90)
    notes, checks = cleaned(Note(0.2, 0.22, 72, 5), soft, short)
    assert notes == (soft, short)
    assert checks == ("The notes were cleaned: 1 too short and too soft to be heard left out.",)


def test_what_a_transcriber_broke_in_two_is_joined_only_where_notes_were_heard() -> None:
    stutter = (Note(1.0, 1.3, 60, 80), Note(1.31, 1.35, 60, 60))
    assert cleaned(*REPEATED, *stutter, heard=True)[0] == (Note(1.0, 1.35, 60, 80), *REPEATED)
    assert cleaned(*REPEATED, *stutter)[0] == (*stutter, *REPEATED)


def test_a_fast_roll_in_a_file_keeps_every_stroke() -> None:
    roll = tuple(Note(n * 0.043, (n + 1) * 0.043, 60, 90) for n in range(16))
    assert cleaned(*roll) == (roll, ())


def test_a_note_that_is_there_twice_is_one_and_the_louder_counts() -> None:
    notes, checks = cleaned(Note(1.0, 1.5, 60, 50), Note(1.01, 1.8, 60, 90), Note(1.0, 1.5, 64, 70))
    assert notes == (Note(1.0, 1.5, 64, 70), Note(1.0, 1.8, 60, 90))
    assert "1 played twice at once joined" in checks[0]


def test_the_rebound_of_a_drum_is_one_stroke_and_soft_strokes_stay() -> None:
    strokes = (Note(0.0, 0.1, 38, 60), Note(0.015, 0.1, 38, 90), Note(0.125, 0.2, 38, 70), Note(0.0, 0.01, 42, 5))
    notes, _ = cleaned(*strokes, is_drums=True, heard=True)
    assert notes == (Note(0.0, 0.01, 42, 5), Note(0.0, 0.1, 38, 90), Note(0.125, 0.2, 38, 70))


def test_a_note_ends_where_its_pitch_is_struck_again() -> None:
    notes, checks = cleaned(Note(0.0, 3.0, 60), Note(1.0, 2.0, 60), Note(1.0, 2.0, 61))
    assert notes == (Note(0.0, 1.0, 60), Note(1.0, 2.0, 60), Note(1.0, 2.0, 61))
    assert "1 cut short where the same pitch is struck again" in checks[0]


def test_notes_outside_the_clip_are_left_out_and_those_across_its_edges_cut() -> None:
    outside = (Note(-2.0, -1.0, 60), Note(4.0, 5.0, 60), Note(9.0, 10.0, 61), Note(float("nan"), 1.0, 62))
    notes, checks = cleaned(Note(-0.5, 0.5, 60), Note(3.0, 6.0, 64), *outside, duration_s=4.0)
    assert notes == (Note(0.0, 0.5, 60), Note(3.0, 4.0, 64))
    assert "4 outside the clip left out" in checks[0]
    assert "2 cut at the edge of the clip" in checks[0]


def test_a_note_that_rings_a_hair_too_long_is_cut_without_a_word() -> None:
    assert cleaned(Note(3.0, 4.02, 60), duration_s=4.0) == ((Note(3.0, 4.0, 60),), ())


def test_a_note_without_an_end_is_cut_with_the_clip() -> None:
    assert cleaned(Note(3.0, float("inf"), 60), duration_s=4.0)[0] == (Note(3.0, 4.0, 60),)


def test_a_stuck_note_gets_the_usual_length() -> None:
    line = tuple(Note(n / 2, n / 2 + 0.4, 60 + n % 5) for n in range(40))
    stuck = Note(2.1, 20.0, 90)
    notes, checks = cleaned(*line, stuck, duration_s=20.0)
    assert [note.end_s for note in notes if note.pitch == 90] == pytest.approx([2.5])
    assert "1 stuck and shortened" in checks[0]


def test_a_long_chord_and_a_drone_alone_are_not_stuck() -> None:
    pad = tuple(Note(0.0, 20.0, pitch) for pitch in (48, 52, 55, 59, 62, 65, 69, 72, 76, 79))
    assert cleaned(*pad, duration_s=20.0) == (pad, ())


def test_tracks_left_without_notes_are_gone() -> None:
    assert clean([NoteTrack("empty", ()), NoteTrack("late", (Note(9, 10, 60),))], 5.0).tracks == ()


def test_notes_move_with_their_audio() -> None:
    (track,) = shifted([NoteTrack("lead", (Note(0.01, 1.0, 60, 77), Note(1.0, 2.0, 62)), 5)], -0.05)
    assert [(round(n.start_s, 9), round(n.end_s, 9)) for n in track.notes] == [(-0.04, 0.95), (0.95, 1.95)]
    assert (track.program, track.notes[0].velocity) == (5, 77)
