"""Answers that are believed only when the service goes on giving them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sendreturn.contract import Report

from sendreturn_bridges.services.sunoapi.records import Reading

LASTS_S: Mapping[str, float] = {"absent": 30.0, "not_told": 300.0, "no_address": 0.0}
"""By doubt: so long, and for at least two looks. Songs appear two to three minutes after a call back that failed."""


@dataclass
class _Seen:
    doubt: str
    since_s: float


class Doubts:
    """Keeps in mind since when an answer has been doubtful, by task. A restart begins anew, which costs nothing.

    Args:
        lasts_s: In place of `LASTS_S`.
        clock: Seconds that only grow.
    """

    def __init__(self, lasts_s: Mapping[str, float] = LASTS_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._lasts_s = lasts_s
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    def settle(self, task_id: str, reading: Reading) -> Report:
        """The report, or one of a task that goes on, as long as the reading is to be doubted."""
        if not reading.doubt:
            self._seen.pop(task_id, None)
            return reading.report
        seen = self._seen.get(task_id)
        if seen is None or seen.doubt != reading.doubt:
            self._seen[task_id] = _Seen(reading.doubt, self._clock())
        elif self._clock() - seen.since_s >= self._lasts_s[reading.doubt]:
            del self._seen[task_id]
            return reading.report
        return Report(progress=0.9 if reading.doubt == "no_address" else 0.1, text="waiting for the result to appear")
