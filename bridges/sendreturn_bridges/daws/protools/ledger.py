"""How far the returns of each send are placed: written down before and after every step that shows in the session.

Nothing in Pro Tools is one transaction, and it may quit between any two calls, or in one. What is written here tells
what may be there already and has to be looked for, so that nothing is placed twice.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal

import structlog
from sendreturn.daws.small_files import keep

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger(__name__)

MOST_KEPT = 200

Step = Literal["new", "track", "clips", "import", "placed", "left"]
"""
new: nothing was done. track: a track of this name was asked for. clips: the track is there, and the clips are put onto
it. import: a file was imported onto a track that Pro Tools makes for it. placed: it lies on its track. left: Pro Tools
does not take it; `why` says why.
"""


@dataclass
class Row:
    """One file.

    Attributes:
        track: The name that its track has been given; no other track had it.
        track_id: "" while Pro Tools has not told it.
        before: The tracks that were there before.
        looks: How often what was asked for was looked for and not found, in this run of Pro Tools.
        tries: How often Pro Tools has refused it.
    """

    step: Step = "new"
    track: str = ""
    track_id: str = ""
    before: list[str] = field(default_factory=list)
    looks: int = 0
    tries: int = 0
    why: str = ""

    @property
    def is_over(self) -> bool:
        return self.step in ("placed", "left")


@dataclass
class Entry:
    """One send.

    Attributes:
        run: Pro Tools' name of the connection in which it was worked on; in another one, what was placed may be gone
            with a session that was not saved.
        undo_steps: How many steps in Pro Tools' undo history it has made so far.
        is_closed: Whether all of it is placed.
        rows: By the file's name.
    """

    send_id: str
    run: str = ""
    undo_steps: int = 0
    is_closed: bool = False
    rows: dict[str, Row] = field(default_factory=dict)

    def row(self, name: str) -> Row:
        return self.rows.setdefault(name, Row())


class Ledger:
    """One file for each send that is being placed. One that cannot be read counts as not begun."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def entry(self, send_id: str) -> Entry:
        path = self._path(send_id)
        try:
            return _read(json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            return Entry(send_id)
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.warning("how far a send was placed cannot be read", file=path.name, text=str(error))
            return Entry(send_id)

    def write(self, entry: Entry) -> None:
        """When this returns it is on the disk."""
        keep(self._path(entry.send_id), json.dumps(asdict(entry)))

    def close(self, send_id: str) -> None:
        """All of the send is placed. That is remembered for a while, as it may have been offered more than once."""
        self.write(Entry(send_id, is_closed=True))
        by_age = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in by_age[:-MOST_KEPT]:
            if self.is_closed(path.stem):
                path.unlink(missing_ok=True)

    def is_closed(self, send_id: str) -> bool:
        return self.entry(send_id).is_closed

    def _path(self, send_id: str) -> Path:
        return self._folder / f"{send_id}.json"


def _read(table: dict[str, object]) -> Entry:
    rows = table.pop("rows")
    entry = Entry(**table)  # type: ignore[arg-type]
    assert isinstance(rows, dict)
    entry.rows = {name: Row(**row) for name, row in rows.items()}
    return entry
