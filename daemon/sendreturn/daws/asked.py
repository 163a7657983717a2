"""Which DAW asked for which send: remembered in the state folder until its returns are placed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from sendreturn.daws.small_files import keep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = structlog.get_logger(__name__)

KEPT = timedelta(days=30)
"""How long it is remembered that a send was placed, so that a repeated request is the same send."""


@dataclass(frozen=True)
class Asked:
    """One send that came from inside a DAW.

    Attributes:
        session: As the DAW names it.
        rate_hz: The session's rate; all positions are in its samples.
        start, length: Where the clip lies on the timeline.
        range_start, range_length: What the user chose of it; the rest of the clip is context.
        placed_at: UTC, ISO 8601; None while it is not placed.
    """

    daw: str
    request: str
    send_id: str
    session: str
    operation: str
    track: str
    rate_hz: int
    start: int
    length: int
    range_start: int
    range_length: int
    gain: float
    at: str
    placed_at: str | None = None


class AskedStore:
    """One small file for each request. A file that cannot be read is passed over."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._by_request: dict[tuple[str, str], Asked] = {}
        self._by_send: dict[str, Asked] = {}
        for asked in self._read_all():
            self._remember(asked)

    def of_request(self, daw: str, request: str) -> Asked | None:
        return self._by_request.get((daw, request))

    def of_send(self, send_id: str) -> Asked | None:
        return self._by_send.get(send_id)

    def unplaced(self, daw: str | None = None) -> list[Asked]:
        rows = [asked for asked in list(self._by_send.values()) if asked.placed_at is None]  # others may add to it
        return [asked for asked in rows if daw is None or asked.daw == daw]

    def put(self, asked: Asked) -> None:
        """Write it down; when this returns it is on the disk."""
        keep(self._path(asked), json.dumps(asdict(asked)))
        self._remember(asked)

    def placed(self, send_id: str) -> None:
        asked = self._by_send.get(send_id)
        if asked is not None and asked.placed_at is None:
            self.put(replace(asked, placed_at=datetime.now(UTC).isoformat(timespec="seconds")))

    def _remember(self, asked: Asked) -> None:
        self._by_request[asked.daw, asked.request] = asked
        self._by_send[asked.send_id] = asked

    def _path(self, asked: Asked) -> Path:
        mark = hashlib.sha256(f"{asked.daw}\n{asked.request}".encode("utf-8", "surrogatepass")).hexdigest()[:24]
        return self._folder / f"{mark}.json"

    def _read_all(self) -> Iterator[Asked]:
        oldest = (datetime.now(UTC) - KEPT).isoformat(timespec="seconds")
        for path in self._folder.glob("*.json"):
            try:
                asked = _asked(json.loads(path.read_text("utf-8")))
            except (OSError, ValueError, TypeError) as error:
                log.warning("a DAW's request cannot be read back", file=path.name, text=str(error))
                continue
            if asked.placed_at is not None and asked.placed_at < oldest:
                path.unlink(missing_ok=True)
                continue
            yield asked


def _asked(table: dict[str, Any]) -> Asked:
    return Asked(**table)
