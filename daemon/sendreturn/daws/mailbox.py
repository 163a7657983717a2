"""A mailbox of files between the daemon and a script inside a DAW: it needs only reading, writing and renaming.

Under the bridge's folder in the state folder:

    out/<any name>.json       from the DAW: one JSON object with a `kind`, written as `.part` and then renamed
    in/<key>/<number>.json    to the DAW: one placement; numbers count up from that in `first` (1 where there is none).
                              The DAW renames it to `.taken`, places it, and renames it to `.done`
    in/<key>/status.json      to the DAW: how its sends stand, and the latest notes, each with a number
    in/ping                   to the DAW: a text that it sends back as `{"kind": "pong", "nonce": …}`
    in/words.json             to the DAW: the operations, and the presets with what each of them stands for
    in/press.json             to the DAW: a wish to send what is selected (`mailbox_presses.py`)

`key` is the session as the DAW names it, in 8 hex digits that a few lines of Lua can work out (`session_key`). A
placement that was not placed waits here until its session is open again, however long that takes.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from sendreturn.daws.contract import Note
from sendreturn.daws.mailbox_presses import MailboxPresses
from sendreturn.daws.selection import MOST_BYTES, read_json, read_selection
from sendreturn.daws.small_files import keep, replace
from sendreturn.errors import SendReturnError, UsageError
from sendreturn.words import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendreturn.daws.contract import LinkSetup, Placement, Press

log = structlog.get_logger(__name__)

LOOK_S = 2.0
"""How often `out` is looked into without being told; file system events make it instant."""
NOTES_KEPT = 20
BECAME_KEPT = 100
DONE_KEPT = 100
NOTHING_OPEN = ""
"""The session of a DAW in which nothing is saved yet."""


def session_key(session: str) -> str:
    """The name of a session's folder in the mailbox: Bernstein's hash of its UTF-8 bytes, modulo 2**32."""
    value = 5381
    for byte in session.encode("utf-8", "surrogateescape"):
        value = (value * 33 + byte) & 0xFFFF_FFFF
    return f"{value:08x}"


class MailboxLink:
    """The daemon's side of a mailbox."""

    def __init__(self, setup: LinkSetup) -> None:
        self._setup = setup
        self._out = setup.folder / "out"
        self._in = setup.folder / "in"
        self._boxes: dict[str, _Box] = {}
        self._poke = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stop_watching: Callable[[], None] = lambda: None
        self._pongs: dict[str, asyncio.Future[str]] = {}
        self._lock = asyncio.Lock()
        self._became: dict[str, Note] = {}
        self._presses = MailboxPresses(setup, self._in)

    async def start(self) -> None:
        for folder in (self._out, self._in):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        words = {key: self._setup.options.get(key, empty) for key, empty in (("operations", []), ("presets", {}))}
        replace(self._in / "words.json", json.dumps(words))
        self._stop_watching = _watch(self._out, self.poke)
        self._task = asyncio.create_task(self._run(), name=f"mailbox {self._setup.manifest.name}")
        self._presses.start()

    async def stop(self) -> None:
        await self._presses.stop()
        self._stop_watching()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def poke(self) -> None:
        """Look into `out` now. Call it on the event loop."""
        self._poke.set()

    def holds(self, path: Path) -> bool:
        """Whether the path is that of a message from this DAW."""
        return path.suffix == ".json" and path.parent.resolve() == self._out.resolve()

    async def take(self, path: Path) -> Note | None:
        """Take one message now; what became of its selection, also where that was taken just before."""
        async with self._lock:
            if path.is_file():
                await self._take(path)
        return self._became.get(path.name)

    def tell(self, note: Note) -> None:
        self._box(note.session).tell(note)

    def offer(self, placement: Placement) -> None:
        self._box(placement.session).put(placement)

    def press(self, press: Press) -> None:
        self._presses.put(press)

    async def ping(self, timeout_s: float) -> str | None:
        nonce = secrets.token_hex(8)
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._pongs[nonce] = answer
        ping = self._in / "ping"
        replace(ping, nonce)
        try:
            return await asyncio.wait_for(answer, timeout_s)
        except TimeoutError:
            return None
        finally:
            del self._pongs[nonce]
            ping.unlink(missing_ok=True)

    def _box(self, session: str) -> _Box:
        key = session_key(session)
        if key not in self._boxes:
            self._boxes[key] = _Box(self._in / key)
        return self._boxes[key]

    async def _run(self) -> None:
        while True:
            self._poke.clear()
            for path in sorted(self._out.glob("*.json")):
                await self.take(path)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):  # wait_for may lose a cancellation that comes with the poke
                    await self._poke.wait()

    async def _take(self, path: Path) -> None:
        """Handle one message; it goes away only when what it asks for is written down elsewhere."""
        try:
            note = await self._handle(_read(path))
        except SendReturnError as error:
            note = Note("error", NOTHING_OPEN, text=error.sentence)
            log.warning("a DAW's message cannot be used", daw=self._setup.manifest.name, text=error.sentence)
            self._setup.tell(f"daw:{self._setup.manifest.name}", error.sentence)
        except OSError as error:
            log.warning("a DAW's message cannot be read", file=path.name, text=str(error))
            return
        else:
            self._setup.tell(f"daw:{self._setup.manifest.name}", None)
        if note is not None:
            self._became[path.name] = note
            if len(self._became) > BECAME_KEPT:
                del self._became[next(iter(self._became))]
        path.unlink(missing_ok=True)

    async def _handle(self, message: dict[str, Any]) -> Note | None:
        desk, name = self._setup.desk, self._setup.manifest.name
        kind, session = message.get("kind"), str(message.get("session") or NOTHING_OPEN)
        send_id = str(message.get("send") or "")
        if kind == "send":
            sent = await asyncio.to_thread(self._sent, message)
            self.tell(sent)
            return sent
        if kind in ("cancel", "retry", "approve"):
            note = await asyncio.to_thread(desk.act, name, kind, send_id)
            self._box(session).tell(note)
        elif kind == "placed":
            await asyncio.to_thread(desk.placed, name, send_id)
        elif kind == "opened":
            await asyncio.to_thread(desk.opened, name, session)
        elif kind == "pong":
            self._answered(message)
        elif kind == "refused":
            desk.refused(name, str(message.get("request") or ""), str(message.get("text") or "It cannot be sent."))
        else:
            raise UsageError(
                f"The script in {self._setup.manifest.title} sent a message of an unknown kind: {kind!r}.",
                f"Run `sendreturn bridge install {name}`: the script may be of another version.",
            )
        return None

    def _sent(self, message: dict[str, Any]) -> Note:
        return self._setup.desk.send(self._setup.manifest.name, read_selection(message))

    def _answered(self, message: dict[str, Any]) -> None:
        waiting = self._pongs.get(str(message.get("nonce")))
        if waiting is not None and not waiting.done():
            waiting.set_result(f"{message.get('daw', self._setup.manifest.title)}, script {message.get('script', '?')}")


class _Box:
    """What lies ready for one session."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._notes: deque[dict[str, Any]] = deque(maxlen=NOTES_KEPT)
        self._sends: dict[str, dict[str, Any]] = {}
        self._count = 0
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(OSError, ValueError):
            self._count = int(json.loads((folder / "status.json").read_text("utf-8"))["count"])

    def tell(self, note: Note) -> None:
        self._count += 1
        shown = {key: value for key, value in asdict(note).items() if key != "session" and value not in ("", None)}
        if note.kind != "state":
            self._notes.append({"number": self._count, **shown})
        if note.send_id:
            self._sends[note.send_id] = shown
            if note.kind in ("done", "failed") or note.state in _ENDED:
                del self._sends[note.send_id]
        status = {"count": self._count, "sends": list(self._sends.values()), "notes": list(self._notes)}
        with suppress(OSError):  # a DAW that is reading it holds it on Windows; the next note carries this one too
            replace(self._folder / "status.json", json.dumps(status, ensure_ascii=True))

    def put(self, placement: Placement) -> None:
        """Lay a placement ready, unless it lies here already."""
        numbers = {int(path.stem): path for path in self._folder.iterdir() if path.stem.isdigit()}
        if any(_send_of(path) == placement.send_id for path in numbers.values() if path.suffix != ".done"):
            return
        number = max([*numbers, self._first() - 1]) + 1
        message = {"kind": "place", **_plain(placement)}
        keep(self._folder / f"{number}.json", json.dumps(message, ensure_ascii=True))
        self._prune([number for number, path in numbers.items() if path.suffix == ".done"])

    def _first(self) -> int:
        try:
            return int((self._folder / "first").read_text("ascii"))
        except (OSError, ValueError):
            return 1

    def _prune(self, done: list[int]) -> None:
        """Take the oldest of those that were placed away; the numbers before `first` are not looked at any more."""
        if len(done) <= DONE_KEPT:
            return
        first = self._first()
        gone: list[int] = []
        for number in sorted(done):
            if number != first + len(gone):
                break
            gone.append(number)
        replace(self._folder / "first", str(first + len(gone)))
        for number in gone:
            (self._folder / f"{number}.done").unlink(missing_ok=True)


_ENDED = frozenset(state.value for state in State if state.ended)


def _plain(placement: Placement) -> dict[str, Any]:
    plain = asdict(placement)
    for file in plain["files"]:
        file["path"] = str(file["path"])
    return plain


def _send_of(path: Path) -> str | None:
    try:
        return str(json.loads(path.read_text("utf-8"))["send_id"])
    except (OSError, ValueError, KeyError):
        return None


def _read(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MOST_BYTES:
        raise UsageError("The DAW's side sent a message that is too long.", "Select less at once.")
    return read_json(path.read_text("utf-8", errors="replace"))


def _watch(folder: Path, poke: Callable[[], None]) -> Callable[[], None]:
    """Have `poke` called on this loop when something appears in `folder`; the result ends it."""
    loop = asyncio.get_running_loop()

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            if event.event_type in ("created", "moved"):
                with suppress(RuntimeError):  # the loop has just been closed
                    loop.call_soon_threadsafe(poke)

    observer = Observer()
    try:
        observer.schedule(Handler(), str(folder))
        observer.start()
    except OSError as error:  # no more inotify watches: looking every LOOK_S has to do
        log.info("a mailbox is not watched", folder=str(folder), text=str(error))
        return lambda: None

    def end() -> None:
        observer.stop()
        observer.join()

    return end
