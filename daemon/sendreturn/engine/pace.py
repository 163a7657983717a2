"""Pace: how often tasks are looked at. Few are looked at as often as their service wants, many more and more rarely."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from sendreturn.contract import Manifest

UNCROWDED = 10
"""So many tasks of a service are looked at without regard for one another."""
LONGEST_S = 90.0
"""Between two looks, however many wait, as far as the service's own limit lets them."""
AGE_PART = 0.05
"""A look comes at most this part of the time later that has been waited anyway."""
LIMIT_PART = 0.8
"""Looks use so much of what a service allows; the rest is for what users wait for."""
JITTER = 0.1


class Pace:
    """The tasks that this daemon waits for, by service."""

    def __init__(self, random_: random.Random | None = None) -> None:
        self._waiting: Counter[str] = Counter()
        self._random = random_ or random.Random()

    @contextmanager
    def waiting(self, manifest: Manifest) -> Iterator[None]:
        """One more task of this service is waited for."""
        self._waiting[manifest.name] += 1
        try:
            yield
        finally:
            self._waiting[manifest.name] -= 1

    def is_crowded(self, manifest: Manifest) -> bool:
        """Whether a task that was only now begun should not be looked at at once."""
        return self._waiting[manifest.name] > UNCROWDED

    def stagger_s(self, manifest: Manifest, pace_s: float) -> float:
        """How long to wait with a look that is due for all tasks at once, after the machine was asleep."""
        crowded_s = pace_s * self._waiting[manifest.name] / UNCROWDED
        return self._random.uniform(0.0, min(max(pace_s, crowded_s), LONGEST_S))

    def pause_s(self, manifest: Manifest, pace_s: float, age_s: float) -> float:
        """How long to wait before the next look.

        Args:
            pace_s: How often the service wants to be asked, or the user has it asked.
            age_s: How long the task has been waited for.
        """
        count = self._waiting[manifest.name]
        wanted_s = max(pace_s, pace_s * count / UNCROWDED, AGE_PART * age_s)
        allowed_s = count * manifest.per_s / (manifest.requests * LIMIT_PART) if manifest.requests else 0.0
        return max(min(wanted_s, max(LONGEST_S, pace_s)), allowed_s) * self._random.uniform(1 - JITTER, 1 + JITTER)
