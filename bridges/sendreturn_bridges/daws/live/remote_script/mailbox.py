# sendreturn-bridge @VERSION@
"""The DAW's side of the daemon's mailbox: small files that are read, written and renamed, and nothing that waits."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, NamedTuple

MOST_BYTES = 4 << 20
"""More than that is not read on Live's main thread."""

Message = Dict[str, Any]


def session_key(session: str) -> str:
    """The name of a session's folder: Bernstein's hash of its UTF-8 bytes, modulo 2**32."""
    value = 5381
    for byte in session.encode("utf-8", "surrogateescape"):
        value = (value * 33 + byte) & 0xFFFFFFFF
    return f"{value:08x}"


def read_json(path: Path) -> Message | None:
    """The object in a file; None where there is none, or something else."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def write_json(path: Path, message: Message) -> None:
    """Write it so that nobody sees half of it. Raises OSError."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(message), "utf-8")
    part.replace(path)


class Mailbox:
    """The folder that the daemon and this script share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._answered = ""

    @property
    def is_there(self) -> bool:
        return (self._folder / "out").is_dir()

    def unique(self) -> str:
        """A word that no other call gives again; later ones sort behind earlier ones."""
        self._count += 1
        return f"{time.time_ns()}-{os.getpid()}-{self._count}"

    def write(self, message: Message) -> Path:
        """Put a message into `out`. Raises OSError."""
        path = self._folder / "out" / f"{self.unique()}.json"
        write_json(path, message)
        return path

    def words(self) -> Message:
        """The presets that the daemon has, and the operation that each stands for."""
        presets = (read_json(self._folder / "in" / "words.json") or {}).get("presets")
        return presets if isinstance(presets, dict) else {}

    def ping(self) -> str | None:
        """What is to be sent back, once."""
        try:
            nonce = (self._folder / "in" / "ping").read_text("utf-8")
        except (OSError, ValueError):
            return None
        if not nonce or nonce == self._answered:
            return None
        self._answered = nonce
        return nonce

    def press(self) -> Message | None:
        """What somebody outside of Live has just pressed; it is this call's alone from now on."""
        waiting, taken = self._folder / "in" / "press.json", self._folder / "in" / "press.taken"
        if not waiting.is_file():
            return None
        try:
            waiting.replace(taken)
        except OSError:
            return None  # withdrawn just now
        found = read_json(taken)
        with suppress(OSError):  # then the next one replaces it
            taken.unlink()
        return None if found is None or _is_over(found) else found

    def box(self, session: str) -> Box:
        return Box(self._folder / "in" / session_key(session))


def _is_over(press: Message) -> bool:
    """Whether a daemon that then died has left it: nobody waits for it any more."""
    until_s = press.get("until_s")
    return isinstance(until_s, (int, float)) and until_s < time.time()


class Taken(NamedTuple):
    """A placement that was claimed."""

    box: Box
    number: int
    placement: Message


class Box:
    """What lies ready for one session: numbered placements, and how its sends stand."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next = 1
        self._told: tuple[int, ...] = ()

    def take(self, accepts: Callable[[Message], bool]) -> Taken | None:
        """Claim the next placement that is accepted. One that cannot be read is done with at once."""
        for number, suffix in self._all():
            if suffix != ".json":
                continue
            placement = read_json(self._path(number, suffix))
            if placement is not None and not accepts(placement):
                continue
            if not self._renamed(number, ".json", ".taken"):
                return None  # another Live was faster
            if placement is not None:
                return Taken(self, number, placement)
            self.finish(number)
        return None

    def left(self, accepts: Callable[[Message], bool]) -> list[Taken]:
        """What was claimed and never finished."""
        found = []
        for number, suffix in self._all():
            placement = read_json(self._path(number, suffix)) if suffix == ".taken" else None
            if placement is not None and accepts(placement):
                found.append(Taken(self, number, placement))
        return found

    def finish(self, number: int) -> bool:
        """The placement lies on tracks."""
        return self._renamed(number, ".taken", ".done")

    def notes(self, send_id: str) -> Message:
        """The notes of the send's MIDI files, by file name."""
        return read_json(self._notes(send_id)) or {}

    def drop_notes(self, send_id: str) -> None:
        with suppress(OSError):  # there were none
            self._notes(send_id).unlink()

    def status(self) -> Message | None:
        """How the sends stand, where that is new since it was last asked."""
        path = self._folder / "status.json"
        try:
            found = path.stat()
        except OSError:
            return None
        mark = (found.st_mtime_ns, found.st_size, found.st_ino)
        if mark == self._told:
            return None
        status = read_json(path)
        if status is not None:
            self._told = mark
        return status

    def _all(self) -> Iterator[tuple[int, str]]:
        """The numbers without a gap, each with what became of it; those that are done are not looked at again."""
        number = max(self._next, self._first())
        is_first = True
        while True:
            suffix = next((s for s in (".done", ".taken", ".json") if self._path(number, s).is_file()), "")
            if not suffix:
                return
            if suffix == ".done" and is_first:
                self._next = number + 1
            is_first = is_first and suffix == ".done"
            yield number, suffix
            number += 1

    def _first(self) -> int:
        """The number before which nothing lies any more."""
        try:
            return int((self._folder / "first").read_text("ascii"))
        except (OSError, ValueError):
            return 1

    def _renamed(self, number: int, before: str, after: str) -> bool:
        try:
            self._path(number, before).rename(self._path(number, after))
        except OSError:
            return False
        return True

    def _path(self, number: int, suffix: str) -> Path:
        return self._folder / f"{number}{suffix}"

    def _notes(self, send_id: str) -> Path:
        return self._folder / f"{send_id}.notes.json"
