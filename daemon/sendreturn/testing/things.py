"""What a simulated service keeps: its ledger, its tasks, and the audio that it knows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sendreturn.testing.media import MediaFile


@dataclass(frozen=True)
class Billed:
    """One line of the ledger. A refund is a line with negative credits."""

    call: str
    credits: float
    at: float
    key_ok: bool


@dataclass
class Task:
    """A piece of work that the service has accepted.

    Attributes:
        kind: The service's or the simulator's own word for what is done.
        request: What was asked, as it came in.
        looks: So many looks find it unfinished; the next one finds it ready.
        looked: How many there were.
        outcome: "" where it succeeds, else the failure, in the service's own word.
        ready_at: By the monotonic clock, where time decides instead of looks.
        result: What `make` has made of it; None until it is ready.
        facts: Whatever a service's simulator wants to remember of it.
    """

    id: str
    kind: str
    request: Mapping[str, Any]
    credits: float
    looks: int
    looked: int = 0
    outcome: str = ""
    ready_at: float | None = None
    begun_at: float = field(default_factory=time.monotonic)
    result: Any = None
    facts: dict[str, Any] = field(default_factory=dict)
    is_settled: bool = False
    settling: asyncio.Task[None] | None = None

    @property
    def progress(self) -> float:
        """0 to 1; at 1 its time has come."""
        if self.ready_at is not None:
            span_s = self.ready_at - self.begun_at
            return min((time.monotonic() - self.begun_at) / span_s, 1.0) if span_s > 0 else 1.0
        return 1.0 if self.looked > self.looks else max(self.looked - 1, 0) / self.looks

    @property
    def ended(self) -> bool:
        """Whether it has a result, or has failed."""
        return self.is_settled

    def stage(self, names: Sequence[str]) -> str:
        """Which of `names`, in the order of time, an unfinished task is at."""
        return names[min(int(self.progress * len(names)), len(names) - 1)]


@dataclass(frozen=True)
class Song:
    """An audio file that the service knows by an id: a clip that was uploaded, or something that it has made."""

    id: str
    file: MediaFile
    duration_s: float
    kind: str = ""
    title: str = ""
    task_id: str = ""
    source_id: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
