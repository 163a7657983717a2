"""Notes get a role, and parts play them in their manner."""

from __future__ import annotations

import pytest
from sendreturn.audio.notes import Meter, Note, NoteTrack
from sendreturn.demo.song import demo_song
from sendreturn_bridges.services.local.arrangement import (
    Groove,
    Manner,
    Role,
    assign_roles,
    beat_s,
    lay_groove,
    play_in,
)

METER = Meter(120.0)
CHORD = (Note(0.0, 1.0, 60), Note(0.0, 1.0, 64), Note(0.0, 1.0, 67))


def test_names_decide_the_roles_of_a_band() -> None:
    song = demo_song()
    roles = assign_roles(song.tracks)
    by_name = {track.name: track.notes for track in song.tracks}
    assert roles == {
        Role.DRUMS: by_name["drums"],
        Role.BASS: by_name["bass"],
        Role.CHORDS: by_name["keyboard"],
        Role.MELODY: by_name["vocals"],
    }


def test_without_names_range_and_voices_decide() -> None:
    song = demo_song()
    renamed = [NoteTrack(f"track {n}", t.notes, 0, t.is_drums) for n, t in enumerate(song.tracks)]
    assert assign_roles(renamed) == assign_roles(song.tracks)


def test_a_whole_song_in_one_track_is_taken_apart() -> None:
    song = demo_song()
    pitched = [t for t in song.tracks if not t.is_drums]
    mixed = tuple(sorted(note for track in pitched for note in track.notes))
    roles = assign_roles([NoteTrack("other", mixed)])
    by_name = {track.name: set(track.notes) for track in pitched}
    assert len(by_name["bass"] & set(roles[Role.BASS])) > 0.95 * len(by_name["bass"])
    assert len(by_name["vocals"] & set(roles[Role.MELODY])) > 0.95 * len(by_name["vocals"])
    assert sum(len(notes) for notes in roles.values()) == len(mixed)


def test_a_lone_high_line_is_the_melody_whatever_it_is_called() -> None:
    line = (Note(0.0, 0.5, 72), Note(0.5, 1.0, 74))
    assert assign_roles([NoteTrack("guitar", line)]) == {Role.MELODY: line}


def test_a_second_melody_is_a_counter_melody() -> None:
    line = (Note(0.0, 0.5, 72), Note(0.5, 1.0, 74))
    roles = assign_roles([NoteTrack("vocals", line), NoteTrack("lead", line)])
    assert roles.keys() == {Role.MELODY, Role.COUNTER}


def test_no_tracks_have_no_roles() -> None:
    assert assign_roles([]) == {}
    assert assign_roles([NoteTrack("bass", ())]) == {}


def test_a_part_moves_by_whole_octaves_into_its_register() -> None:
    moved = play_in(Manner((36, 50)), CHORD, METER)
    assert [note.pitch for note in moved] == [36, 40, 43]
    assert play_in(Manner((55, 70)), CHORD, METER) == CHORD


def test_short_notes_keep_their_start() -> None:
    assert {(n.start_s, n.end_s) for n in play_in(Manner((0, 127), "short"), CHORD, METER)} == {(0.0, 0.18)}


def test_legato_bridges_small_gaps_but_not_rests() -> None:
    notes = (*CHORD, Note(1.5, 2.0, 65), Note(6.0, 6.5, 67))
    ends_s = [note.end_s for note in play_in(Manner((0, 127), "legato"), notes, METER)]
    assert ends_s == [1.5, 1.5, 1.5, 2.0, 6.5]


def test_an_arpeggio_plays_the_chord_upwards_as_long_as_it_was_held() -> None:
    played = play_in(Manner((0, 127), arpeggio_beats=0.5), CHORD, METER)
    assert [note.pitch for note in played] == [60, 64, 67, 60]
    assert [note.start_s for note in played] == [0.0, 0.25, 0.5, 0.75]


def test_a_beat_follows_the_meters_lower_number() -> None:
    assert beat_s(Meter(120.0, 4, 4)) == 0.5
    assert beat_s(Meter(120.0, 6, 8)) == 0.25


@pytest.mark.parametrize(
    "meter", [Meter(100, 4, 4), Meter(90, 3, 4), Meter(120, 6, 8), Meter(140, 5, 4), Meter(80, 2, 2)]
)
@pytest.mark.parametrize("pulses", [1, 2, 3, 4])
def test_a_groove_marks_each_bar_and_ends_with_the_clip(meter: Meter, pulses: int) -> None:
    notes = lay_groove(Groove("strong", 38, 42, pulses), meter, 7.3)
    assert all(0 <= note.start_s < 7.3 for note in notes)
    bar_s = beat_s(meter) * meter.beats
    kicks_s = {round(note.start_s, 6) for note in notes if note.pitch == 36}
    assert {round(number * bar_s, 6) for number in range(int(7.3 / bar_s) + 1)} <= kicks_s
    assert any(note.pitch == 38 for note in notes)
    assert len({(note.start_s, note.pitch) for note in notes}) == len(notes)
