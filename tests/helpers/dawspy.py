"""Run as `dawspy.py FOLDER`: opens each WAV and sidecar below FOLDER the moment it appears; a JSON line for each look.

It asks inotify itself, since watchdog holds events back for half a second. One thread does nothing but listen, so that
the kernel's queue never fills while a long file is decoded. Where it overflows all the same, that is told as a problem
of the folder, since nobody knows what was missed, and everything is looked at.

Says "watching" when it is ready, and ends when its standard input does, after having looked at all that it has heard of
by then.
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
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import soundfile
from sendreturn.errors import SendReturnError
from sendreturn.returns.sidecar import verify
from sendreturn.sends.wiring import why_not_whole
from sendreturn.words import TEMP_PREFIX

CREATE, MOVED_TO, CLOSE_WRITE, IS_DIR, OVERFLOW = 0x100, 0x80, 0x8, 0x4000_0000, 0x4000
HEAD = struct.Struct("iIII")
LIBC = ctypes.CDLL(None, use_errno=True)
QUEUE_LENGTH = Path("/proc/sys/fs/inotify/max_queued_events")
LONG_ENOUGH = 4096
BLIND = "the observer was blind: more happened than the kernel's queue holds"


class Ears:
    """An inotify descriptor with one watch for each folder."""

    def __init__(self, folder: Path) -> None:
        self.descriptor = LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self.descriptor >= 0, os.strerror(ctypes.get_errno())
        self._root = folder
        self._folders: dict[int, Path] = {}
        self.missed = 0
        self.add(folder)

    def add(self, folder: Path) -> None:
        """Watch a folder and all below it; tells nothing of what lies there already."""
        for inner in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
            watch = LIBC.inotify_add_watch(self.descriptor, os.fsencode(inner), CREATE | MOVED_TO | CLOSE_WRITE)
            self._folders[watch] = inner

    def hear(self) -> Iterator[Path]:
        """Every file that has appeared since; those that were in a new folder before its watch was there too."""
        try:
            heard = os.read(self.descriptor, 1 << 20)
        except BlockingIOError:
            return
        while heard:
            watch, mask, _, length = HEAD.unpack_from(heard)
            name = heard[HEAD.size : HEAD.size + length].rstrip(b"\0")
            heard = heard[HEAD.size + length :]
            if mask & OVERFLOW:
                self.missed += 1
                yield from self._found_in(self._root)
            elif mask & IS_DIR:
                yield from self._found_in(self._folders[watch] / os.fsdecode(name))
            else:
                yield self._folders[watch] / os.fsdecode(name)

    def _found_in(self, folder: Path) -> Iterator[Path]:
        self.add(folder)
        yield from sorted(found for found in folder.rglob("*") if found.is_file())


class Listener(threading.Thread):
    """Takes what the kernel has heard as fast as it comes, and keeps what is still to be looked at, each file once."""

    def __init__(self, ears: Ears) -> None:
        super().__init__(daemon=True)
        self._ears = ears
        self._end, self._asks = os.pipe()
        self._waiting: dict[Path, None] = {}
        self._moved = threading.Condition()
        self._is_over = False

    def run(self) -> None:
        is_over = False
        while not is_over:
            ready, _, _ = select.select([self._ears.descriptor, self._end], [], [])
            is_over = self._end in ready
            while heard := list(self._ears.hear()):
                with self._moved:
                    self._waiting.update(dict.fromkeys(filter(is_of_interest, heard)))
                    self._moved.notify()
        with self._moved:
            self._is_over = True
            self._moved.notify()

    def finish(self) -> None:
        """Take what is there by now, and then no more."""
        os.close(self._asks)

    def __iter__(self) -> Iterator[Path]:
        while True:
            with self._moved:
                self._moved.wait_for(lambda: self._waiting or self._is_over)
                if not self._waiting:
                    return
                path = next(iter(self._waiting))
                del self._waiting[path]
            yield path


def is_of_interest(path: Path) -> bool:
    """Whether a DAW would open it; temporary names are nobody's business."""
    return not path.name.startswith(TEMP_PREFIX) and path.suffix in (".wav", ".json")


def look(path: Path) -> None:
    """Open a file as it is now, and tell what was found."""
    try:
        content = path.read_bytes()
    except OSError:
        return  # gone again
    frames, problem = None, ""
    try:
        if path.suffix == ".json":
            problem = " ".join(verify(path))
        else:
            problem = _why_not_whole(content)
            frames = len(soundfile.read(io.BytesIO(content), dtype="int16")[0])
    except (SendReturnError, soundfile.LibsndfileError) as error:
        problem = str(error)
    tell(path, problem, hashlib.sha256(content).hexdigest(), frames)


def tell(path: Path, problem: str, sha256: str = "", frames: int | None = None) -> None:
    print(json.dumps({"path": str(path), "sha256": sha256, "frames": frames, "problem": problem}), flush=True)


def watch(folder: Path) -> None:
    _until_queues_are_long()
    ears = Ears(folder)
    listener = Listener(ears)
    listener.start()
    print("watching", flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), listener.finish()), daemon=True).start()
    for path in listener:
        look(path)
    if ears.missed:
        tell(folder, BLIND)


def _why_not_whole(content: bytes) -> str:
    """Of what was read: by now the file itself may have been put away, as clips in hot folders are."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as copy:
        copy.write(content)
        copy.flush()
        return why_not_whole(Path(copy.name)) or ""


def _until_queues_are_long() -> None:
    """A test may just have made all new queues short on purpose, which is a setting of the whole machine."""
    while int(QUEUE_LENGTH.read_text()) < LONG_ENOUGH:
        time.sleep(0.05)


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
