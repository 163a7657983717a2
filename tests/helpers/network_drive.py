"""A folder that is shown once more as a drive that others write to as well: bindfs tells nothing of what they do."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def network_drive(folder: Path) -> Iterator[tuple[Path, Path, int]]:
    """A folder inside `folder`, the same as a network drive, and the process that serves it; skips where it cannot."""
    beneath, drive = folder / "beneath", folder / "drive"
    for made in (beneath, drive):
        made.mkdir()
    if shutil.which("bindfs") is None or os.geteuid() != 0:
        pytest.skip("needs bindfs")
    process = subprocess.Popen(["bindfs", "-f", str(beneath), str(drive)])
    until_s = time.monotonic() + 10
    while not drive.is_mount() and time.monotonic() < until_s:
        time.sleep(0.01)
    try:
        yield beneath, drive, process.pid
    finally:
        process.send_signal(signal.SIGCONT)
        subprocess.run(["umount", "-l", str(drive)], check=True)
        process.wait(timeout=10)
