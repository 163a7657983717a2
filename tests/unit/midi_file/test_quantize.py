from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sendreturn.audio.notes import Meter, Note, NoteTrack, TempoChange
from sendreturn.audio.quantize import GRIDS, Quantizing, nearest_line, quantize


def starts(*at_s: float, how: Quantizing, meter: Meter | None = None, start_s: float = 0.0) -> list[float]:
    track = NoteTrack("lead", tuple(Note(at, at + 0.3, 60) for at in at_s))
    (done,) = quantize([track], meter or Meter(120.0), how, start_s=start_s)
    return [round(note.start_s, 6) for note in done.notes]


def test_notes_go_to_the_nearest_sixteenth() -> None:
    assert starts(0.01, 0.12, 0.26, 0.49, how=Quantizing("1/16")) == [0.0, 0.125, 0.25, 0.5]


def test_half_the_strength_goes_half_the_way() -> None:
    assert starts(0.54, how=Quantizing("1/8", 0.5)) == [0.52]


def test_no_strength_leaves_every_note_where_it_was() -> None:
    assert starts(0.54, 0.61, how=Quantizing("1/4", 0.0)) == [0.54, 0.61]


def test_three_eighth_triplets_fill_a_quarter() -> None:
    assert starts(0.0, 0.16, 0.34, 0.51, how=Quantizing("1/8T")) == [0.0, 0.166667, 0.333333, 0.5]


def test_swing_delays_every_second_line() -> None:
    third = pytest.approx([0.0, 1 / 3, 0.5, 0.5 + 1 / 3], abs=1e-3)
    assert starts(0.01, 0.3, 0.49, 0.8, how=Quantizing("1/8", swing=66.6667)) == third


def test_a_note_keeps_its_length_in_beats() -> None:
    meter = Meter(120.0, changes=(TempoChange(1.0, 60.0),))
    (track,) = quantize([NoteTrack("lead", (Note(0.95, 1.4, 60),))], meter, Quantizing("1/4"))
    # 0.1 quarters before the change and 0.4 after it make half a quarter, which from the change on lasts half a second.
    assert (track.notes[0].start_s, track.notes[0].end_s) == pytest.approx((1.0, 1.5))


def test_the_grid_follows_the_tempo_map() -> None:
    meter = Meter(120.0, changes=(TempoChange(2.0, 90.0),))
    assert starts(1.52, 2.6, 3.4, how=Quantizing("1/4"), meter=meter) == [1.5, 2.666667, 3.333333]


def test_the_grid_is_the_sessions_where_the_clip_starts_off_the_beat() -> None:
    assert starts(0.13, 0.62, how=Quantizing("1/4"), start_s=3.875) == [0.125, 0.625]


def test_tempi_before_the_clip_move_the_grid_under_it() -> None:
    # Five quarters at 100 bpm end at 3.0 s; from there a beat of 90 bpm lies at every 2/3 s: the next ones at 3.667 s …
    session = Meter(100.0, changes=(TempoChange(3.0, 90.0),))
    assert starts(0.1, 0.8, how=Quantizing("1/4"), meter=session, start_s=3.5) == [0.166667, 0.833333]


def test_the_grid_begins_anew_with_every_bar() -> None:
    # Bars of 7/8 last 3.5 quarters, 1.75 s: the fifth line of a bar would lie at 2.0 s, and the next bar is nearer.
    assert starts(1.52, 1.7, 1.8, 2.2, how=Quantizing("1/4"), meter=Meter(120.0, 7, 8)) == [1.5, 1.75, 1.75, 2.25]


def test_a_new_signature_begins_a_bar() -> None:
    session = Meter(120.0, 4, 4, (TempoChange(3.25, 120.0, 3, 4),))
    assert starts(3.2, 3.7, 4.3, how=Quantizing("1/4"), meter=session) == [3.25, 3.75, 4.25]


def test_no_note_is_drawn_to_a_line_before_the_clip() -> None:
    assert starts(0.02, how=Quantizing("1/4"), start_s=2.05) == [0.0]


def test_notes_stay_sorted() -> None:
    track = NoteTrack("lead", (Note(0.05, 0.4, 72), Note(0.06, 0.3, 60)))
    (done,) = quantize([track], Meter(), Quantizing("1/4"))
    assert list(done.notes) == sorted(done.notes)


@given(place=st.floats(0, 4000), grid=st.sampled_from(GRIDS), swing=st.floats(50, 75))
def test_the_nearest_line_is_never_further_than_the_widest_gap_away(place: float, grid: str, swing: float) -> None:
    how = Quantizing(grid, swing=swing)
    line = nearest_line(place, how)
    assert abs(line - place) <= how.step * swing / 100 + 1e-6
    again = nearest_line(line, how)
    assert again == pytest.approx(line, abs=1e-6)


@pytest.mark.parametrize("wrong", [("1/5",), ("1/8", 1.2), ("1/8", 0.5, 80.0), ("1/8", 0.5, 40.0)])
def test_what_is_no_grid_is_refused(wrong: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="must"):
        Quantizing(*wrong)  # type: ignore[arg-type]
