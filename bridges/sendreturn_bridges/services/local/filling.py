"""The cheapest way to fill a section of a grid with units from elsewhere in it, by dynamic programming."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Costs = NDArray[np.float64]
Times = NDArray[np.float64]

LEAP = 0.25
"""Cost of any leap, over what the two moments differ by: as few pieces as will do."""
BEST_LEAPS = 24
"""So many ways into each unit are tried; it bounds the time for long clips."""
DARING = 0.12
"""Scale of the Gumbel noise with which leaps and beginnings are chosen."""
NO_ANCHOR = 0.0
"""Cost at an edge that has no clip beyond it."""
OUT_OF_REACH = 1e6
"""Cost of a unit that lies where nothing may be taken from; finite, so that there is always a path."""


@dataclass(frozen=True)
class Section:
    """The part of a clip to be replaced.

    Attributes:
        everything: True where the section's own sound may be used as well.
    """

    start_s: float
    end_s: float
    clip_s: float
    everything: bool = False

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s

    def units(self, times_s: Times) -> tuple[int, int]:
        """The grid units in which the section starts and ends."""
        units = len(times_s) - 1
        first = int(np.searchsorted(times_s, self.start_s + 1e-6, side="right")) - 1
        last = int(np.searchsorted(times_s, self.end_s - 1e-6, side="left")) - 1
        first = min(max(first, 0), units - 1)
        return first, min(max(last, first), units - 1)

    def offers(self, from_s: Times, to_s: Times) -> NDArray[np.bool_]:
        """Whether the clip from each moment to each other one may be used."""
        slack_s = min(0.012, self.length_s / 8)
        inside = (from_s >= -slack_s) & (to_s <= self.clip_s + slack_s)
        if self.everything:
            return np.asarray(inside)
        return np.asarray(inside & ((to_s <= self.start_s + slack_s) | (from_s >= self.end_s - slack_s)))


def fill(
    times_s: Times, section: Section, leaps: Floats, starts: Costs, ends: Costs, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """The cheapest filling.

    Args:
        times_s: The grid.
        section: What is to be filled.
        leaps: Shape (lines, lines): the cost of leaving at one grid line and entering at another.
        starts: Shape (units,): the cost of each unit in the place of the section's first.
        ends: Likewise, of its last.
        rng: Varies the choice among leaps that are about as good, anew at each beat.

    Returns:
        Runs, each as the unit of the section at which it begins and the unit of the clip played there.
    """
    first, last = section.units(times_s)
    cost = starts + _closed(times_s, section, first, first, last)
    ways, prices = _ways_in(times_s, section, leaps)
    units = len(cost)
    came_from = np.empty((last - first, units), dtype=np.int32)
    for step in range(first + 1, last + 1):
        going_on = np.concatenate([[np.inf], cost[:-1]])
        leaping = cost[ways] + prices - DARING * rng.gumbel(size=prices.shape)
        best = np.argmin(leaping, axis=0)
        leapt = leaping[best, np.arange(units)]
        came_from[step - first - 1] = np.where(going_on <= leapt, np.arange(units) - 1, ways[best, np.arange(units)])
        cost = np.minimum(going_on, leapt) + _closed(times_s, section, step, first, last)
    return _trace(came_from, int(np.argmin(cost + ends)), first)


def _closed(times_s: Times, section: Section, step: int, first: int, last: int) -> Costs:
    """What each unit costs because it may not be used; only the part that falls into the section counts."""
    late_s = max(section.start_s - times_s[step], 0.0) if step == first else 0.0
    early_s = max(times_s[step + 1] - section.end_s, 0.0) if step == last else 0.0
    offered = section.offers(times_s[:-1] + late_s, times_s[1:] - early_s)
    if section.everything:
        # A unit in its own place would leave the section as it was.
        offered &= np.arange(len(offered)) != step
    return np.where(offered, 0.0, OUT_OF_REACH)


def _ways_in(times_s: Times, section: Section, leaps: Floats) -> tuple[NDArray[np.int_], Costs]:
    """For each unit the cheapest units to leap from, and the prices; both of shape (ways, units)."""
    usable = section.offers(times_s[:-1], times_s[1:])
    # Unit u is left at grid line u + 1.
    prices = leaps[1:, :-1].astype(np.float64) + LEAP
    prices = np.where(np.isfinite(prices), prices, OUT_OF_REACH)
    prices[~usable] += OUT_OF_REACH
    count = min(BEST_LEAPS, len(prices))
    ways = np.argpartition(prices, count - 1, axis=0)[:count]
    return ways, np.take_along_axis(prices, ways, axis=0)


def _trace(came_from: NDArray[np.int32], unit: int, first: int) -> list[tuple[int, int]]:
    path = [unit]
    for row in came_from[::-1]:
        path.append(int(row[path[-1]]))
    path.reverse()
    begins = [0, *(step for step in range(1, len(path)) if path[step] != path[step - 1] + 1)]
    return [(first + step, path[step]) for step in begins]
