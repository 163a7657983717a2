"""Which files were given to Bitwig: written down before each, since nothing in Bitwig remembers it for us."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sendreturn.daws.small_files import keep

if TYPE_CHECKING:
    from pathlib import Path

KEPT = 1000


class Begun:
    """Files by send and number, the latest `KEPT`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._states = {str(key): bool(is_done) for key, is_done in json.loads(path.read_text("utf-8")).items()}
        except (OSError, ValueError, AttributeError):
            self._states = {}

    def state(self, send_id: str, index: int) -> bool | None:
        """Whether it lies there; False where it was begun and nobody knows, None where it was not begun."""
        return self._states.get(f"{send_id}.{index}")

    def begin(self, send_id: str, index: int) -> None:
        self._put(send_id, index, False)

    def done(self, send_id: str, index: int) -> None:
        self._put(send_id, index, True)

    def refused(self, send_id: str, index: int) -> None:
        """It does not lie there after all."""
        self._states.pop(f"{send_id}.{index}", None)
        self._write()

    def _put(self, send_id: str, index: int, is_done: bool) -> None:
        self._states.pop(f"{send_id}.{index}", None)
        self._states[f"{send_id}.{index}"] = is_done
        while len(self._states) > KEPT:
            del self._states[next(iter(self._states))]
        self._write()

    def _write(self) -> None:
        keep(self._path, json.dumps(self._states))
