"""A seeded walk through the beats of a clip that leaves and enters where they match, and does not go in circles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sendreturn.audio.beats import Beats

Floats = NDArray[np.float32]
Times = NDArray[np.float64]

OFF_THE_BAR = 0.8
"""Cost of a leap to another place in the bar; 1.0 is the difference of two moments picked at random."""
OFF_THE_BEAT = 1.5
"""What it costs more to leap off the beat, where the grid is finer than beats."""
SHORT_LOOP = 0.5
"""Cost of a leap back by less than `shortest`."""
USED = 0.25
"""Cost of a leap for each time that it was taken before."""
STALE = 0.15
"""Cost of a passage for each time, over the average, that it was heard before."""
DARING = 0.04
"""How far the choice strays from the best leap: the scale of the Gumbel noise, which draws as softmax does."""
LEAST_UNITS = 8


@dataclass(frozen=True)
class Grid:
    """The moments between which a clip may be cut: beats, or equal parts of them where there are few.

    Attributes:
        times_s: Rising; unit `i` lies between `times_s[i]` and `times_s[i + 1]`.
        per_bar: Units in a bar; 1 where no bar is known.
        beat_s: The period by which contexts are measured.
        per_beat: Units in a beat.
    """

    times_s: Times
    per_bar: int
    beat_s: float
    per_beat: int = 1

    @property
    def units(self) -> int:
        return len(self.times_s) - 1

    @property
    def unit_s(self) -> float:
        return float(np.median(np.diff(self.times_s)))


@dataclass(frozen=True)
class Run:
    """Units played in a row: entered at grid line `enter`, left at grid line `leave`."""

    enter: int
    leave: int


def lay_grid(beats: Beats, start_s: float, end_s: float, least_units: int = LEAST_UNITS) -> Grid:
    """The beats between two moments, halved until there are enough of them for a walk."""
    slack_s = 0.02 * beats.period_s
    times_s = beats.times_s[(beats.times_s >= start_s - slack_s) & (beats.times_s <= end_s + slack_s)]
    per_beat = 1
    if len(times_s) < 2:
        return Grid(np.linspace(start_s, end_s, least_units + 1), 1, max(0.5, 2 * beats.period_s))
    while len(times_s) - 1 < least_units and np.diff(times_s).min() > 0.05:
        middles_s = (times_s[:-1] + times_s[1:]) / 2
        times_s = np.sort(np.concatenate([times_s, middles_s]))
        per_beat *= 2
    times_s = np.clip(times_s, start_s, end_s)
    if beats.confidence == 0:
        return Grid(times_s, 1, 0.5)
    return Grid(times_s, beats.beats_per_bar * per_beat, beats.period_s, per_beat)


def leap_costs(differences: Floats, grid: Grid, shortest: int) -> Floats:
    """Shape (lines, lines): the cost of leaving at one grid line and entering at another."""
    lines = np.arange(len(grid.times_s))
    back = lines[:, None] - lines[None, :]
    costs = differences + metre_costs(back, grid)
    costs = costs + SHORT_LOOP * ((np.abs(back) < max(shortest, grid.per_bar)) & (back != 0))
    costs[back == 0] = np.inf
    return np.asarray(costs, dtype=np.float32)


def metre_costs(apart: NDArray[np.int_], grid: Grid) -> Floats:
    """What it costs to put units so far apart in each other's place: nothing for the same place in the bar."""
    costs = OFF_THE_BAR * (apart % grid.per_bar != 0) + OFF_THE_BEAT * (apart % grid.per_beat != 0)
    return np.asarray(costs, dtype=np.float32)


@dataclass
class Walk:
    """Passages through a grid of `costs`, remembering where it has been."""

    costs: Floats
    shortest: int
    longest: int
    rng: np.random.Generator
    _heard: Floats = field(init=False)
    _used: Floats = field(init=False)

    def __post_init__(self) -> None:
        self._heard = np.zeros(len(self.costs) - 1, dtype=np.float32)
        self._used = np.zeros_like(self.costs)

    def runs(self, start: int, units: int) -> list[Run]:
        """Runs from grid line `start` on, of at least so many units in all."""
        runs, enter, left = [], start, units
        while True:
            leave, entered_next = self._choose(enter)
            runs.append(Run(enter, leave))
            self._heard[enter:leave] += 1.0
            left -= leave - enter
            if left <= 0:
                return runs
            self._used[leave, entered_next] += 1.0
            enter = entered_next

    def _choose(self, enter: int) -> tuple[int, int]:
        """Where to leave the run that began at `enter`, and where to go on."""
        last = len(self.costs) - 1
        first = min(enter + self.shortest, last)
        leaves = np.arange(first, min(enter + self.longest, last) + 1)
        enters = np.arange(0, max(last - self.shortest, 0) + 1)
        score = self.costs[np.ix_(leaves, enters)] + USED * self._used[np.ix_(leaves, enters)]
        score = score + STALE * self._staleness()[enters] - DARING * self.rng.gumbel(size=score.shape)
        row, column = np.unravel_index(int(np.argmin(score)), score.shape)
        return int(leaves[row]), int(enters[column])

    def _staleness(self) -> Floats:
        """For each line, how often the next units were heard, over the average."""
        sums = np.concatenate([[0.0], np.cumsum(self._heard - self._heard.mean())])
        ahead = np.minimum(np.arange(len(sums)) + self.shortest, len(sums) - 1)
        return np.asarray((sums[ahead] - sums) / self.shortest, dtype=np.float32)


def mirrored(costs: Floats) -> Floats:
    """The costs for a walk that goes back in time: entering and leaving, first and last, change places."""
    return costs.T[::-1, ::-1]


def unmirrored(runs: list[Run], lines: int) -> list[Run]:
    """The runs of a mirrored walk, in the order and the direction in which they are played."""
    return [Run(lines - 1 - run.leave, lines - 1 - run.enter) for run in reversed(runs)]
