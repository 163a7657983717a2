"""Any selection that can be cut becomes what a plain rendering of it gives, sample for sample."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from daw_side import selection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sendreturn.daws.capture import capture
from sendreturn.daws.selection import read_selection

FRAMES = 3_000
RATES = (44_100, 48_000, 96_000)
KINDS = {"PCM_16": "int16", "PCM_24": "int32", "PCM_32": "int32", "FLOAT": "float32", "DOUBLE": "float64"}


@dataclass(frozen=True)
class Cut:
    """One item: what of which file it plays, and how far behind the item before it lies, in samples of the session."""

    file: int
    layout: str
    start: int
    length: int
    gap: int


cuts = st.builds(
    Cut,
    file=st.integers(0, len(KINDS) - 1),
    layout=st.sampled_from(["one file", "a file per channel", "swapped"]),
    start=st.integers(0, 1000),
    length=st.integers(4, 1500),
    gap=st.one_of(st.just(0), st.integers(8, 2000)),
)


class Library:
    """Noise in every format, as stereo and as one mono file for each channel."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        noise = np.random.default_rng(7)
        self.sounds: dict[tuple[int, int], Any] = {}
        for rate in RATES:
            for index, (subtype, dtype) in enumerate(KINDS.items()):
                sound = noise.uniform(-0.9, 0.9, (FRAMES, 2))
                for suffix, part in (("", sound), ("L", sound[:, 0]), ("R", sound[:, 1])):
                    soundfile.write(self._path(rate, index, suffix), part, rate, subtype)
                read, _ = soundfile.read(self._path(rate, index), dtype=dtype)  # type: ignore[arg-type]
                scale = 1.0 if dtype.startswith("float") else float(np.iinfo(dtype).max) + 1
                self.sounds[rate, index] = read / scale

    def _path(self, rate_hz: int, index: int, suffix: str = "") -> Path:
        return self.folder / f"{rate_hz}-{index}{suffix}.wav"

    def files(self, rate_hz: int, cut: Cut) -> list[dict[str, Any]]:
        whole = str(self._path(rate_hz, cut.file))
        return {
            "one file": [{"path": whole}],
            "a file per channel": [{"path": str(self._path(rate_hz, cut.file, side)), "channel": 0} for side in "LR"],
            "swapped": [{"path": whole, "channel": 1}, {"path": whole, "channel": 0}],
        }[cut.layout]

    def heard(self, rate_hz: int, cut: Cut) -> Any:
        part = self.sounds[rate_hz, cut.file][cut.start : cut.start + cut.length]
        return part[:, ::-1] if cut.layout == "swapped" else part


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library(tmp_path_factory.mktemp("library"))


def laid_out(row: list[Cut], rate_hz: int, session_hz: int) -> Iterator[tuple[Cut, int]]:
    """Each cut with its place on the timeline: as a DAW measures it, the ends of the items rounded to its samples."""
    at = 1234.0
    for cut in row:
        at += cut.gap
        yield cut, round(at)
        at += cut.length * session_hz / rate_hz


def rendered(library: Library, row: list[Cut], rate_hz: int, session_hz: int) -> Any:
    """Item after item onto silence; where rounding lets two touch, the later one is heard."""
    placed = list(laid_out(row, rate_hz, session_hz))
    first = placed[0][1]
    starts = [round((position - first) * rate_hz / session_hz) for _, position in placed]
    clip = np.zeros((starts[-1] + row[-1].length, 2))
    for (cut, _), start in zip(placed, starts, strict=True):
        clip[start : start + cut.length] = library.heard(rate_hz, cut)
    return clip


@given(row=st.lists(cuts, min_size=1, max_size=6), rate_hz=st.sampled_from(RATES), session_hz=st.sampled_from(RATES))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_captured_is_a_plain_rendering(
    library: Library, tmp_path_factory: pytest.TempPathFactory, row: list[Cut], rate_hz: int, session_hz: int
) -> None:
    folder = tmp_path_factory.mktemp("sent")
    pieces = [
        {"files": library.files(rate_hz, cut), "start": cut.start, "length": cut.length, "position": position}
        for cut, position in laid_out(row, rate_hz, session_hz)
    ]
    taken = capture(read_selection(selection("r", folder, "extend", session_hz, pieces=pieces[::-1])), folder)
    got, rate = soundfile.read(taken.path, dtype="float64")
    if taken.range_s is not None:
        got = got[round(taken.range_s[0] * rate) : round(taken.range_s[1] * rate)]
    wanted = rendered(library, row, rate_hz, session_hz)
    assert (rate, taken.position, got.shape) == (rate_hz, pieces[0]["position"], wanted.shape)
    assert taken.length == round(len(wanted) * session_hz / rate_hz)
    differs = np.flatnonzero(np.any(got != wanted, axis=1))
    # Between two items that touch in a session of another rate, the earlier one goes on for a frame or two.
    assert len(differs) <= (0 if rate_hz == session_hz else (len(row) - 1) * math.ceil(rate_hz / session_hz))
    assert not np.any(wanted[differs])
