"""Run as `dawspy.py FOLDER`: opens each audio file and sidecar below FOLDER as it appears; a JSON line for each.

Says "watching" when it is ready, and ends when its standard input does, after having looked at all that it heard of.
"""

from __future__ import annotations

import hashlib
import io
import json
import queue
import sys
import threading
from pathlib import Path

import soundfile
from sendreturn.errors import SendReturnError
from sendreturn.returns.sidecar import verify
from sendreturn.sends.wiring import why_not_whole
from sendreturn.words import TEMP_PREFIX
from watchdog.events import DirCreatedEvent, FileClosedEvent, FileCreatedEvent, FileMovedEvent, FileSystemEvent
from watchdog.events import FileSystemEventHandler as Handler
from watchdog.observers import Observer

EVENTS: list[type[FileSystemEvent]] = [DirCreatedEvent, FileCreatedEvent, FileMovedEvent, FileClosedEvent]


class Ear(Handler):
    def __init__(self, heard: queue.SimpleQueue[Path | None]) -> None:
        self._heard = heard

    def dispatch(self, event: FileSystemEvent) -> None:
        self._heard.put(Path(str(event.dest_path or event.src_path)))


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
    heard: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
    observer = Observer()
    observer.schedule(Ear(heard), str(folder), recursive=True, event_filter=EVENTS)
    observer.start()
    print("watching", flush=True)
    ended = threading.Thread(target=lambda: (sys.stdin.read(), observer.stop(), observer.join(), heard.put(None)))
    ended.start()
    while (path := heard.get()) is not None:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            look(file)
    ended.join()


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
