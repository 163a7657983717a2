# sendreturn-bridge @VERSION@
"""From what a clip plays, in its own beats or seconds, to samples of its file. Only arithmetic."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Sequence, Tuple

Stretch = Tuple[float, float]
Piece = Dict[str, Any]

MOST_PIECES = 1000
AS_STRAIGHT_S = 2e-5
"""How far off the line a warp marker may lie: a sample, at most."""
AS_EVEN = 1e-4
"""By how much the speed between two warp markers may differ from that of the line."""
TINY = 1e-9


class Line(NamedTuple):
    """Warping that is the same everywhere: a beat of the clip is a second of its file, at one speed."""

    second: float
    beat: float
    beats_per_s: float

    def seconds(self, beat: float) -> float:
        return self.second + (beat - self.beat) / self.beats_per_s


def line_of(markers: Sequence[tuple[float, float]]) -> Line | None:
    """The line on which all warp markers lie, (second, beat) each; None where they bend.

    Live's last marker is not shown in its window; the speed from the last visible one on is read from it.
    [docs.cycling74.com/apiref/lom/clip, warp_markers]
    """
    points = sorted(markers)
    if len(points) < 2 or points[-1][0] <= points[0][0] or points[-1][1] <= points[0][1]:
        return None
    first, last = points[0], points[-1]
    line = Line(first[0], first[1], (last[1] - first[1]) / (last[0] - first[0]))
    if any(abs(line.seconds(beat) - second) > AS_STRAIGHT_S for second, beat in points):
        return None
    pairs = zip(points, points[1:])
    if any(abs((b[1] - a[1]) - (b[0] - a[0]) * line.beats_per_s) > AS_EVEN * (b[1] - a[1]) for a, b in pairs):
        return None
    return line


def passes(start: float, length: float, loop: Stretch) -> list[Stretch]:
    """What a looping clip plays from `start` on, in order. Behind its loop it plays on.

    Raises:
        ValueError: it goes round more often than anybody wants to send.
    """
    first, last = loop
    if last - first <= TINY or length / (last - first) > MOST_PIECES:
        raise ValueError
    found, at, left = [], start, length
    while left > TINY:
        step = min(left, last - at) if at < last - TINY else left
        found.append((at, at + step))
        at, left = first, left - step
    return found


def pieces_of(stretches: Sequence[Stretch], rate_hz: int, frames: int, position: int) -> tuple[list[Piece], int]:
    """Stretches of a file, in seconds, as pieces one behind the other from `position` on; and where they end.

    What lies outside of the file is silence and no piece. All is counted in the file's own samples. Each piece begins
    at the sample that is nearest to its time, so that a loop of a broken number of samples does not drift.
    """
    found, at_s = [], 0.0
    for first_s, last_s in stretches:
        begins = position + round(at_s * rate_hz)
        at_s += last_s - first_s
        length = position + round(at_s * rate_hz) - begins
        first = round(first_s * rate_hz)
        start, end = max(first, 0), min(first + length, frames)
        if start < end:
            found.append({"start": start, "length": end - start, "position": begins + start - first})
    return found, position + round(at_s * rate_hz)


def within(pieces: Sequence[Piece], first: int, last: int) -> list[Piece]:
    """The part of the pieces that lies between two places of the timeline."""
    found = []
    for piece in pieces:
        begins, ends = max(piece["position"], first), min(piece["position"] + piece["length"], last)
        if begins < ends:
            start = piece["start"] + begins - piece["position"]
            found.append({**piece, "start": start, "length": ends - begins, "position": begins})
    return found
