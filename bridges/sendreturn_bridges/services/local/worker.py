"""The process that does one job: `python -m sendreturn_bridges.services.local.worker FOLDER`."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import traceback
from pathlib import Path

import psutil
from sendreturn.errors import SendReturnError

from sendreturn_bridges.services.local.job import Job, read_json, write_json
from sendreturn_bridges.services.local.operations import perform

PROGRESS_EVERY_S = 0.1


class Teller:
    """Writes progress down, at most ten times a second."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "progress.json"
        self._next = 0.0

    def __call__(self, fraction: float, text: str) -> None:
        now_s = time.monotonic()
        if now_s >= self._next:
            self._next = now_s + PROGRESS_EVERY_S
            write_json(self._path, {"fraction": fraction, "text": text})


def main(folder: Path) -> int:
    """Do the job in `folder`; leaves `result.json` or `error.json`, or nothing where the process broke."""
    _be_modest()
    threading.Thread(target=_end_with_the_daemon, daemon=True).start()
    table = read_json(folder / "job.json")
    assert table is not None, f"no job in {folder}"
    # A folder of its own: a worker whose daemon was just killed may still be writing when the next one starts.
    out = folder / f"made-{os.getpid()}"
    out.mkdir(exist_ok=True)
    try:
        takes = perform(Job.from_json(table), out, Teller(folder))
    except SendReturnError as error:
        write_json(folder / "error.json", {"what": error.sentence})
        return 1
    except MemoryError:
        write_json(
            folder / "error.json",
            {"what": "There was not enough memory for this clip. Send a shorter part of it with range_s."},
        )
        return 1
    write_json(folder / "result.json", {"takes": takes})
    return 0


def _be_modest() -> None:
    """A DAW that is playing goes first."""
    with contextlib.suppress(psutil.Error, OSError):
        psutil.Process().nice(getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", 10))


def _end_with_the_daemon() -> None:
    """The daemon holds our standard input open. When it dies, however it dies, the input ends, and so do we."""
    with contextlib.suppress(OSError, ValueError):
        while os.read(0, 1024):
            pass
    os._exit(3)


if __name__ == "__main__":
    try:
        code = main(Path(sys.argv[1]))
    except Exception:
        traceback.print_exc()
        code = 2
    sys.stderr.flush()
    os._exit(code)  # the thread that waits on standard input must not hold us up
