"""A meter's tempo map: seconds against quarter notes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sendreturn.audio.notes import Meter, TempoChange

MAPPED = Meter(120.0, 4, 4, (TempoChange(2.0, 60.0, 3, 4), TempoChange(5.0, 240.0, 3, 4)))


def test_one_tempo_counts_evenly_in_both_directions() -> None:
    timeline = Meter(90.0).timeline

    assert timeline.quarters(4.0) == pytest.approx(6.0)
    assert timeline.quarters(-2.0) == pytest.approx(-3.0)


def test_every_tempo_holds_from_its_change_on() -> None:
    timeline = MAPPED.timeline

    assert [timeline.quarters(at_s) for at_s in (1.0, 2.0, 3.0, 5.0, 6.0)] == pytest.approx([2.0, 4.0, 5.0, 7.0, 11.0])


@given(st.floats(-100, 100))
def test_seconds_and_quarters_lead_back_to_each_other(at_s: float) -> None:
    timeline = MAPPED.timeline

    assert timeline.seconds(timeline.quarters(at_s)) == pytest.approx(at_s, abs=1e-9)


def test_a_part_of_the_clip_has_the_meter_of_its_own_start() -> None:
    assert MAPPED.starting_at(3.0) == Meter(60.0, 3, 4, (TempoChange(2.0, 240.0, 3, 4),))
    assert MAPPED.starting_at(-1.0) == Meter(120.0, 4, 4, (TempoChange(3.0, 60.0, 3, 4), TempoChange(6.0, 240.0, 3, 4)))
    assert MAPPED.starting_at(0.0) == MAPPED
    assert MAPPED.starting_at(9.0) == Meter(240.0, 3, 4)
