"""From what a clip of Live plays to samples of its file."""

from __future__ import annotations

import importlib.util
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

RATE = 48_000


def _spans() -> Any:
    """The script's own module, which needs nothing of Live."""
    path = Path(__file__).parents[3] / "bridges/sendreturn_bridges/daws/live/remote_script/spans.py"
    spec = importlib.util.spec_from_file_location("live_spans", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


spans = _spans()
seconds = st.floats(0.01, 30, allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(start=st.floats(-2, 40), length=seconds, first=st.floats(-1, 10), loop=st.floats(0.05, 20))
def test_a_looping_clip_plays_as_long_as_it_lasts(start: float, length: float, first: float, loop: float) -> None:
    rounds = spans.passes(start, length, (first, first + loop))
    assert sum(last - begin for begin, last in rounds) == pytest.approx(length, abs=1e-6)
    assert rounds[0][0] == start
    assert all(begin == first for begin, _ in rounds[1:])
    assert all(last == pytest.approx(first + loop) for _, last in rounds[:-1])


@settings(max_examples=60, deadline=None)
@given(start=st.floats(0, 5), length=seconds, first=st.floats(0, 5), loop=st.floats(0.05, 5))
def test_pieces_follow_each_other_and_do_not_drift(start: float, length: float, first: float, loop: float) -> None:
    stretches = spans.passes(start, length, (first, first + loop))
    pieces, ends = spans.pieces_of(stretches, RATE, 100 * RATE, 144_001)
    assume(len(pieces) == len(stretches))  # a stretch of less than a sample may be none
    at_s = 0.0
    for piece, (begin_s, last_s) in zip(pieces, stretches, strict=True):
        assert abs(piece["start"] - begin_s * RATE) <= 0.51
        assert abs(piece["position"] - 144_001 - at_s * RATE) <= 0.51
        at_s += last_s - begin_s
    assert all(a["position"] + a["length"] == b["position"] for a, b in pairwise(pieces))
    assert pieces[-1]["position"] + pieces[-1]["length"] == ends
    assert abs(ends - 144_001 - length * RATE) <= 1


@settings(max_examples=60, deadline=None)
@given(first=st.integers(-1000, 2000), length=st.integers(1, 5000), frames=st.integers(1, 3000))
def test_only_samples_that_a_file_has_are_named(first: int, length: int, frames: int) -> None:
    pieces, ends = spans.pieces_of([(first / RATE, (first + length) / RATE)], RATE, frames, 0)
    assert ends == length
    heard = set(range(max(first, 0), min(first + length, frames)))
    assert {n for piece in pieces for n in range(piece["start"], piece["start"] + piece["length"])} == heard
    assert all(piece["position"] == piece["start"] - first for piece in pieces)


@settings(max_examples=60, deadline=None)
@given(bpm=st.floats(20, 999), zero=st.floats(-5, 5), count=st.integers(1, 8))
def test_warping_by_one_tempo_is_a_line(bpm: float, zero: float, count: int) -> None:
    markers = [(n * 1.5, zero + n * 1.5 * bpm / 60) for n in range(count)]
    hidden = (markers[-1][0] + 60 / bpm / 32, markers[-1][1] + 1 / 32)
    line = spans.line_of([*markers, hidden])
    assert line is not None
    assert line.beats_per_s * 60 == pytest.approx(bpm)
    assert line.seconds(zero) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    "markers",
    [
        [],
        [(0.0, 0.0)],
        [(0.0, 0.0), (0.0, 1.0)],
        [(0.0, 1.0), (1.0, 1.0)],
        [(0.0, 0.0), (1.0, 2.0), (2.0, 4.01), (2.015625, 4.04125)],
        [(0.0, 0.0), (2.0, 4.0), (2.01, 4.03125)],
    ],
)
def test_other_warping_is_none(markers: list[tuple[float, float]]) -> None:
    assert spans.line_of(markers) is None


def test_what_goes_round_too_often_is_refused() -> None:
    with pytest.raises(ValueError):
        spans.passes(0.0, 100.0, (0.0, 0.01))
    with pytest.raises(ValueError):
        spans.passes(0.0, 1.0, (1.0, 1.0))


def test_a_part_is_cut_out_of_the_pieces() -> None:
    pieces = [{"start": 10, "length": 100, "position": 0}, {"start": 500, "length": 50, "position": 100}]
    assert spans.within(pieces, 90, 120) == [
        {"start": 100, "length": 10, "position": 90},
        {"start": 500, "length": 20, "position": 100},
    ]
