"""The desk of the DAWs: takes their selections as sends, and offers what comes back until it is placed."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from sendreturn.daws.adopting import Adopter, Adopters, adopted, moment
from sendreturn.daws.asked import Asked, AskedStore
from sendreturn.daws.capture import Captured, capture
from sendreturn.daws.contract import Link, Note
from sendreturn.daws.mailbox import MailboxLink
from sendreturn.daws.placement import placement_of
from sendreturn.daws.pressing import Presses
from sendreturn.errors import SendReturnError, UsageError
from sendreturn.returns.sidecar import read_sidecar
from sendreturn.sends.layout import SENT
from sendreturn.sends.wish import Event, Origin, Wish
from sendreturn.words import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sendreturn.daws.contract import Press
    from sendreturn.daws.selection import Selection
    from sendreturn.returns.sidecar import Sidecar
    from sendreturn.sends.wish import Desk, SendView

log = structlog.get_logger(__name__)


class Daws:
    """All DAWs of one daemon.

    Args:
        desk: The engine.
        folder: Where is remembered what was asked.
        hot_folder: The name of the sessions' hot folder; captured clips are kept in its `sent`.
        operation_of: The operation that a preset stands for; any other word stands for itself.
    """

    def __init__(self, desk: Desk, folder: Path, hot_folder: str, operation_of: Callable[[str], str]) -> None:
        self._desk = desk
        self._operation_of = operation_of
        self._asked = AskedStore(folder)
        self._adopters = Adopters()
        self._hot_folder = hot_folder
        self._links: dict[str, Link] = {}
        self._presses = Presses()
        self._lock = threading.RLock()
        self._end: Callable[[], None] = lambda: None

    async def start(self, links: Mapping[str, Link]) -> None:
        """Begin to listen to the DAWs, and offer what was finished meanwhile."""
        self._links = dict(links)
        self._end = self._desk.subscribe(self._hear)
        for link in self._links.values():
            await link.start()
        for asked in self._asked.unplaced():
            self._offer_if_done(asked)

    async def stop(self) -> None:
        self._end()
        self._presses.end()
        for link in reversed(self._links.values()):
            await link.stop()

    async def ping(self, daw: str, timeout_s: float) -> str | None:
        """What the DAW answers, or None where nothing does.

        Raises:
            UsageError: there is no such DAW, or its bridge is not installed.
        """
        return await self._link(daw).ping(timeout_s)

    async def press(self, daw: str, press: Press) -> Note:
        """Have a DAW send what is selected in it; "accepted", or "error" with a sentence. "" is the latest heard of.

        Raises:
            UsageError: there is no such DAW, its bridge is not installed, or it cannot be pressed now.
            NotNow: it has not answered.
        """
        name = daw or await self._presses.latest(self._links)
        link = self._link(name)
        known = self._asked.of_request(name, press.request)
        if known is not None:
            return _accepted_note(known, self._desk.get(known.send_id))
        return await self._presses.make(name, link, press)

    async def take(self, path: Path) -> Note:
        """Take a selection that a DAW has put into its mailbox, now; "accepted", or "error" with a sentence.

        Raises:
            UsageError: the path is none of a DAW's message, or there is no such message.
        """
        for link in self._links.values():
            if isinstance(link, MailboxLink) and link.holds(path) and (note := await link.take(path)) is not None:
                return note
        raise UsageError(f"{path} is no selection that a DAW's bridge has put into its mailbox.")

    # What a link asks (contract.DawDesk)

    def send(self, daw: str, selection: Selection) -> Note:
        note = self._sent(daw, selection)
        self._presses.heard(daw)
        self._presses.settle(daw, note)
        return note

    def refused(self, daw: str, request: str, sentence: str) -> None:
        self._presses.settle(daw, Note("error", "", request, text=sentence))

    def act(self, daw: str, word: str, send_id: str) -> Note:
        session = asked.session if (asked := self._asked.of_send(send_id)) else ""
        actions = {"cancel": self._desk.cancel, "retry": self._desk.retry, "approve": self._desk.approve}
        try:
            view = actions[word](send_id)
        except SendReturnError as error:
            return Note("error", session, send_id=send_id, text=error.sentence)
        return Note("state", session, send_id=view.id, state=view.state.value, progress=view.progress, text=view.text)

    def placed(self, daw: str, send_id: str) -> None:
        self._asked.placed(send_id)
        log.info("placed", daw=daw, send=send_id)

    def opened(self, daw: str, session: str) -> None:
        self._presses.heard(daw)
        for asked in self._asked.unplaced(daw):
            if asked.session == session or _has_moved_to(asked, session, self._view(asked)):
                self._offer_if_done(asked, session)

    def adopt(self, daw: str, session: str, since: str) -> None:
        self._adopters.add(Adopter(daw, session, moment(since)))
        for view in self._desk.list(State.DONE):
            self._adopted(view)

    def _link(self, daw: str) -> Link:
        if daw not in self._links:
            raise UsageError(f"The bridge for {daw!r} is not installed.", f"Run `sendreturn bridge install {daw}`.")
        return self._links[daw]

    # Taking

    def _sent(self, daw: str, selection: Selection) -> Note:
        try:
            with self._lock:
                view, asked = self._accepted(daw, selection)
        except SendReturnError as error:
            return Note("error", selection.session, selection.request, text=error.sentence)
        except OSError as error:
            text = (
                f"The session's folder cannot be written: {error.strerror or error}. Make it writable, and try again."
            )
            return Note("error", selection.session, selection.request, text=text)
        if view.state is State.DONE:
            self._offer_if_done(asked)
        return _accepted_note(asked, view)

    def _accepted(self, daw: str, selection: Selection) -> tuple[SendView, Asked]:
        known = self._asked.of_request(daw, selection.request)
        if known is not None:
            return self._desk.get(known.send_id), known
        session = session_folder(selection.session)
        captured = capture(selection, session / self._hot_folder / SENT)
        own = _own_params(selection, captured, self._operation_of(selection.operation))
        view = self._desk.accept(_wish(daw, selection, session, captured, own)).send
        start, length = selection.range or (captured.position, captured.length)
        asked = Asked(
            daw=daw,
            request=selection.request,
            send_id=view.id,
            session=selection.session,
            operation=view.operation,
            track=selection.track,
            rate_hz=selection.rate_hz,
            start=captured.position,
            length=captured.length,
            range_start=start,
            range_length=length,
            gain=captured.gain,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self._asked.put(asked)
        return view, asked

    # Telling

    def _hear(self, event: Event) -> None:
        send = event.send
        asked = self._asked.of_send(send.id) or self._adopted(send)
        hearer = asked or self._adopters.of(send)
        if hearer is None or event.returned is not None or hearer.daw not in self._links:
            return
        kind = {State.DONE: "done", State.FAILED: "failed"}.get(send.state, "state")
        request = asked.request if asked is not None else ""
        self._links[hearer.daw].tell(
            Note(kind, hearer.session, request, send.id, send.state.value, send.progress, send.text)
        )
        if asked is not None and send.state is State.DONE:
            self._offer_if_done(asked)

    def _adopted(self, view: SendView) -> Asked | None:
        """What was sent another way, remembered as asked for by the DAW that places it; None where there is none."""
        adopter = self._adopters.of(view)
        if adopter is None or view.state is not State.DONE or view.folder is None:
            return None
        with self._lock:
            asked = self._asked.of_send(view.id)
            if asked is None and (sidecars := _sidecars(view.folder)):
                asked = adopted(adopter, view, sidecars[0])
                self._asked.put(asked)
        return asked

    def _offer_if_done(self, asked: Asked, session: str | None = None) -> None:
        view = self._view(asked)
        link = self._links.get(asked.daw)
        if link is None or view is None or view.state is not State.DONE or view.folder is None:
            return
        folder = view.folder if session in (None, asked.session) else _moved_folder(session or "", view)
        sidecars = _sidecars(folder)
        if sidecars:
            link.offer(placement_of(_with_session(asked, session), folder, sidecars))

    def _view(self, asked: Asked) -> SendView | None:
        try:
            return self._desk.get(asked.send_id)
        except SendReturnError:
            return None  # the journal was restored from before it


def _accepted_note(asked: Asked, view: SendView) -> Note:
    return Note("accepted", asked.session, asked.request, view.id, view.state.value, view.progress, view.text)


def session_folder(session: str) -> Path:
    """The folder of a session that a DAW names by its folder or its project file.

    Raises:
        UsageError: it is not saved, not there, or nothing can be kept in it.
    """
    if not session:
        raise UsageError("This session is not saved yet.", "Save it first: what comes back is kept in its folder.")
    path = Path(session)
    folder = path if path.is_dir() else path.parent
    if not path.is_absolute() or not folder.is_dir():
        raise UsageError(f"The session {session} is not there.", "Save the session where the daemon can reach it.")
    if not os.access(folder, os.W_OK):
        raise UsageError(
            f"The session's folder {folder} is read-only, and what comes back is kept in it.",
            "Make it writable, or save the session elsewhere.",
        )
    return folder


def _wish(daw: str, selection: Selection, session: Path, captured: Captured, own: Mapping[str, object]) -> Wish:
    params = dict(selection.params)
    service = params.pop("service", None)
    return Wish(
        operation=selection.operation,
        clip=captured.path,
        session=session,
        service=str(service) if service else None,
        params={**own, **params},
        origin=Origin.DAW,
        key=f"{daw}:{selection.request}",
    )


def _own_params(selection: Selection, captured: Captured, operation: str) -> dict[str, object]:
    """What the selection itself says: its place, its section, where it goes on, and the tempo there."""
    params: dict[str, object] = {}
    if captured.position >= 0:
        params["position_s"] = captured.position / selection.rate_hz
    if captured.range_s is not None:
        params["range_s"] = list(captured.range_s)
    if selection.track:
        params["track"] = selection.track
    return {**params, **_edges(selection, captured, operation), **_tempo(selection, captured)}


def _edges(selection: Selection, captured: Captured, operation: str) -> dict[str, object]:
    """Where inside the clip something begins: what lies beyond the chosen range is context."""
    if selection.range is None:
        return {}
    start = max(selection.range[0] - captured.position, 0)
    end = min(sum(selection.range) - captured.position, captured.length)
    rate = selection.rate_hz
    if operation == "inpaint" and (start > 0 or end < captured.length):
        return {"section_s": [start / rate, end / rate]}
    if operation == "extend" and selection.params.get("side") == "left":
        return {"from_s": start / rate} if start > 0 else {}
    if operation == "extend" and end < captured.length:
        return {"from_s": end / rate}
    return {}


def _tempo(selection: Selection, captured: Captured) -> dict[str, object]:
    """The tempo and meter where the clip starts."""
    before = [point for point in selection.tempo if point.position <= captured.position] or selection.tempo[:1]
    if not before:
        return {}
    point = before[-1]
    signature = {"time_signature": point.time_signature} if point.time_signature else {}
    return {"bpm": point.bpm, **signature}


def _sidecars(folder: Path) -> list[Sidecar]:
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(read_sidecar(path))
        except (OSError, SendReturnError) as error:
            log.warning("a sidecar cannot be read", file=path.name, text=str(error))
    return found


def _has_moved_to(asked: Asked, session: str, view: SendView | None) -> bool:
    """Whether the session that asked is this one now: it is no longer where it was, and its returns are here.

    Its folder may have gone elsewhere, or its project file may have another name in the same folder.
    """
    if view is None or view.folder is None or not session:
        return False
    if Path(asked.session).exists() and view.folder.is_dir():  # an empty folder may have come in its place
        return False
    return _moved_folder(session, view).is_dir()


def _moved_folder(session: str, view: SendView) -> Path:
    assert view.folder is not None
    path = Path(session)
    return (path if path.is_dir() else path.parent) / view.folder.relative_to(view.session)


def _with_session(asked: Asked, session: str | None) -> Asked:
    return asked if session is None else replace(asked, session=session)
