"""The daemon's side of the Remote Script: the usual mailbox, with the notes of MIDI files laid beside a placement.

Live's scripts add notes, but import no MIDI file. `in/<key>/<send id>.notes.json` holds them, ready before the
placement is: {"files": {file name: {"length_s": …, "notes": [[start_s, end_s, pitch, velocity], …]}}}. The script takes
the file away once they are placed.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import structlog
from sendreturn.daws.mailbox import MailboxLink, session_key
from sendreturn.daws.notes import read_notes
from sendreturn.daws.small_files import replace
from sendreturn.errors import ClipError

if TYPE_CHECKING:
    from pathlib import Path

    from sendreturn.daws.contract import LinkSetup, Placement

log = structlog.get_logger(__name__)


class LiveLink(MailboxLink):
    """A mailbox whose placements come with their notes. A long MIDI file is read in a thread of its own."""

    def __init__(self, setup: LinkSetup) -> None:
        super().__init__(setup)
        self._folder = setup.folder
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reading: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        await super().start()

    async def stop(self) -> None:
        await asyncio.gather(*self._reading)
        await super().stop()

    def offer(self, placement: Placement) -> None:
        if self._loop is None or not any(file.kind == "midi" for file in placement.files):
            super().offer(placement)
        else:
            self._loop.call_soon_threadsafe(self._begin, placement)

    def _begin(self, placement: Placement) -> None:
        task = asyncio.get_running_loop().create_task(self._offer_with_notes(placement))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _offer_with_notes(self, placement: Placement) -> None:
        try:
            await asyncio.to_thread(self._lay_notes, placement)
        except OSError as error:  # the script says which file has no notes
            log.warning("the notes of a return cannot be laid ready", send=placement.send_id, text=str(error))
        try:
            super().offer(placement)
        except OSError as error:  # it is offered again when its set is opened, or the daemon started
            log.warning("a return cannot be laid ready", send=placement.send_id, text=str(error))

    def _lay_notes(self, placement: Placement) -> None:
        files = {file.path.name: _notes_of(file.path) for file in placement.files if file.kind == "midi"}
        found = {name: notes for name, notes in files.items() if notes is not None}
        folder = self._folder / "in" / session_key(placement.session)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace(folder / f"{placement.send_id}.notes.json", json.dumps({"files": found}))


def open_link(setup: LinkSetup) -> LiveLink:
    return LiveLink(setup)


def _notes_of(path: Path) -> dict[str, Any] | None:
    """None where it cannot be read: the script then says so, and places the rest."""
    try:
        played = read_notes(path)
    except ClipError as error:
        log.warning("the notes of a return cannot be read", file=path.name, text=error.detail or error.what)
        return None
    rows = [[round(n.start_s, 6), round(n.end_s, 6), n.pitch, n.velocity] for n in played.notes]
    return {"length_s": played.length_s, "notes": rows}
