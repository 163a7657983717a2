"""Run as `dawspy.py FOLDER`: opens each WAV and sidecar below FOLDER the moment it appears; a JSON line for each look.

It asks inotify itself, since watchdog holds events back for half a second. Says "watching" when it is ready, and ends
when its standard input does, after having looked at all that it has heard of by then.
"""

from __future__ import annotations

import ctypes
import hashlib
import io
import json
import os
import select
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import soundfile
from sendreturn.errors import SendReturnError
from sendreturn.returns.sidecar import verify
from sendreturn.sends.wiring import why_not_whole
from sendreturn.words import TEMP_PREFIX

CREATE, MOVED_TO, CLOSE_WRITE, IS_DIR = 0x100, 0x80, 0x8, 0x4000_0000
HEAD = struct.Struct("iIII")
LIBC = ctypes.CDLL(None, use_errno=True)


class Ears:
    """An inotify descriptor with one watch for each folder."""

    def __init__(self, folder: Path) -> None:
        self.descriptor = LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self.descriptor >= 0, os.strerror(ctypes.get_errno())
        self._folders: dict[int, Path] = {}
        self.add(folder)

    def add(self, folder: Path) -> None:
        """Watch a folder and all below it; tells nothing of what lies there already."""
        for inner in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
            watch = LIBC.inotify_add_watch(self.descriptor, os.fsencode(inner), CREATE | MOVED_TO | CLOSE_WRITE)
            self._folders[watch] = inner

    def hear(self) -> Iterator[Path]:
        """Every file that has appeared since; those that were in a new folder before its watch was there too."""
        try:
            heard = os.read(self.descriptor, 1 << 16)
        except BlockingIOError:
            return
        while heard:
            watch, mask, _, length = HEAD.unpack_from(heard)
            name = heard[HEAD.size : HEAD.size + length].rstrip(b"\0")
            heard = heard[HEAD.size + length :]
            path = self._folders[watch] / os.fsdecode(name)
            if mask & IS_DIR:
                self.add(path)
                yield from sorted(found for found in path.rglob("*") if found.is_file())
            else:
                yield path


def look(path: Path) -> None:
    """Open a file as it is now, and tell what was found; temporary names are nobody's business."""
    if path.name.startswith(TEMP_PREFIX) or path.suffix not in (".wav", ".json"):
        return
    try:
        content = path.read_bytes()
    except OSError:
        return  # gone again
    frames, problem = None, ""
    try:
        if path.suffix == ".json":
            problem = " ".join(verify(path))
        else:
            problem = why_not_whole(path) or ""
            frames = len(soundfile.read(io.BytesIO(content), dtype="int16")[0])
    except (SendReturnError, soundfile.LibsndfileError) as error:
        problem = str(error)
    sha256 = hashlib.sha256(content).hexdigest()
    print(json.dumps({"path": str(path), "sha256": sha256, "frames": frames, "problem": problem}), flush=True)


def watch(folder: Path) -> None:
    ears = Ears(folder)
    print("watching", flush=True)
    is_over = False
    while not is_over:
        ready, _, _ = select.select([ears.descriptor, sys.stdin], [], [])
        is_over = sys.stdin in ready
        while heard := list(ears.hear()):
            for path in heard:
                look(path)


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
