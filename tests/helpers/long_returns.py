"""How long a send of long files takes to be finished, and how much memory: to be run in a process of its own."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from peak_memory import peak_mib
from returning_service import Returned, mix, returned


def finished(folder: Path, clip: Path, operation: str, file: Path, params: dict[str, object]) -> tuple[float, ...]:
    """Seconds from the fetched files to those that are delivered, and memory before and at its most."""
    before = peak_mib()
    back = asyncio.run(returned(folder, clip, operation, (mix(file),), timeout_s=900, bpm=120, **params))
    return seconds_in(back, "finishing", "delivering"), before, peak_mib()


def seconds_in(back: Returned, first: str, last: str) -> float:
    at = {step["state"]: datetime.fromisoformat(step["at"]) for step in back.sidecars[0]["history"]}
    return (at[last] - at[first]).total_seconds()
