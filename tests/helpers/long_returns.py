"""How long a send of long files takes to be finished, and how much memory: to be run in a process of its own."""

from __future__ import annotations

import asyncio
import resource
import sys
from datetime import datetime
from pathlib import Path

from returning_service import Returned, mix, returned


def finished(folder: Path, clip: Path, operation: str, file: Path, params: dict[str, object]) -> tuple[float, ...]:
    """Seconds from the fetched files to those that are delivered, and memory before and at its most."""
    before = used_mib()
    back = asyncio.run(returned(folder, clip, operation, (mix(file),), timeout_s=900, bpm=120, **params))
    return seconds_in(back, "finishing", "delivering"), before, used_mib()


def seconds_in(back: Returned, first: str, last: str) -> float:
    at = {step["state"]: datetime.fromisoformat(step["at"]) for step in back.sidecars[0]["history"]}
    return (at[last] - at[first]).total_seconds()


def used_mib() -> float:
    """The most memory that this process has held. `ru_maxrss` would count what its parent held when it was started."""
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text("ascii")
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1024 if sys.platform != "darwin" else most / 1024**2
