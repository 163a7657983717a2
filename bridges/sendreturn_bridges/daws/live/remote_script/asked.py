# sendreturn-bridge @VERSION@
"""Where the clip of a send lies in the set, by Live's measure: kept beside the mailbox until its returns are placed.

The daemon counts samples, Live counts beats. Live tells scripts no tempo map, so that samples are worked out with the
tempo of the moment; kept with it are the beats that they stand for, and returns are placed by those.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from .mailbox import Message, read_json, session_key, write_json

ARRANGEMENT, SESSION = "arrangement", "session"
KEPT_S = 90 * 24 * 3600
SAME_TEMPO = 1e-6


class Anchor(NamedTuple):
    """A clip that was sent.

    Attributes:
        view: "arrangement" or "session".
        beat, end_beat: Where the clip begins and ends in the Arrangement.
        position, end_position: The samples that the daemon was told for them, at `rate_hz`.
        tempo: At that moment.
        gain: What Live's gain of the clip was, in Live's own scale.
        scene: The clip's row in the Session.
    """

    view: str
    beat: float
    end_beat: float
    position: int
    end_position: int
    rate_hz: int
    tempo: float
    gain: float
    scene: int

    def beat_at(self, position: float, tempo: float) -> float:
        """The beat of the Arrangement that a sample of the placement is."""
        beats_per_sample = tempo / 60 / self.rate_hz
        if abs(tempo - self.tempo) > SAME_TEMPO or position <= self.position:
            return self.beat + (position - self.position) * beats_per_sample
        if position >= self.end_position:
            return self.end_beat + (position - self.end_position) * beats_per_sample
        part = (position - self.position) / (self.end_position - self.position)
        return self.beat + part * (self.end_beat - self.beat)


def unknown(rate_hz: int, tempo: float) -> Anchor:
    """For a send of which nothing is kept any more: the samples are counted from the beginning of the Arrangement."""
    return Anchor(ARRANGEMENT, 0.0, 0.0, 0, 0, rate_hz, tempo, -1.0, 0)


class Asked:
    """One small file for each send."""

    def __init__(self, mailbox: Path) -> None:
        self._folder = mailbox / "asked"

    def put(self, request: str, anchor: Anchor) -> None:
        """Raises OSError."""
        self._folder.mkdir(exist_ok=True)
        write_json(self._path(request), {"request": request, **anchor._asdict()})

    def get(self, request: str) -> Anchor | None:
        found = read_json(self._path(request))
        if found is None or found.get("request") != request:
            return None
        return _anchor(found)

    def forget(self, request: str) -> None:
        _remove(self._path(request))

    def forget_old(self) -> None:
        """Those of sends that never came back."""
        oldest = time.time() - KEPT_S
        for path in self._folder.glob("*.json"):
            with suppress(OSError):  # another Live takes it away
                if path.stat().st_mtime < oldest:
                    _remove(path)

    def _path(self, request: str) -> Path:
        return self._folder / f"{session_key(request)}.json"


def _anchor(found: Message) -> Anchor | None:
    fields: Any = {name: found.get(name) for name in Anchor._fields}
    return None if None in fields.values() else Anchor(**fields)


def _remove(path: Path) -> None:
    with suppress(OSError):  # somebody else did
        path.unlink()
