"""The reduced bridge into Live: over AbletonOSC, where that is what is installed.

It has no key inside Live; `sendreturn bridge press abletonosc extend`, a control surface or a hotkey sends what is
selected. What comes back waits until the set that asked is open, and is placed once: what was begun is written down
first, and not begun again.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import structlog
from sendreturn.daws.mailbox import session_key
from sendreturn.daws.small_files import replace
from sendreturn.errors import NotNow, SendReturnError, UsageError

from sendreturn_bridges.daws.abletonosc.client import Ports, conversation
from sendreturn_bridges.daws.abletonosc.placing import Home, is_open, place, sentence
from sendreturn_bridges.daws.abletonosc.selected import read_selected

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from sendreturn.daws.contract import LinkSetup, Note, Placement, Press

log = structlog.get_logger(__name__)

LOOK_S = 5.0
"""How often is looked for the set of something that waits to be placed."""
SHOWN = ("accepted", "failed", "error")


def open_link(setup: LinkSetup) -> AbletonOscLink:
    return AbletonOscLink(setup)


class AbletonOscLink:
    """The daemon's side."""

    def __init__(self, setup: LinkSetup) -> None:
        self._setup = setup
        self._name = setup.manifest.name
        self._ports = Ports(int(setup.options["listen_port"]), int(setup.options["answer_port"]))
        self._homes = setup.folder / "asked"
        self._begun = setup.folder / "begun"
        self._waiting: dict[str, Placement] = {}
        self._one = asyncio.Lock()
        self._poke = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        for folder in (self._homes, self._begun):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._run(self._look())

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def tell(self, note: Note) -> None:
        if note.kind in SHOWN and self._loop is not None:
            text = note.text or note.kind
            self._loop.call_soon_threadsafe(lambda: self._run(self._show(f"sendreturn: {text}")))

    def offer(self, placement: Placement) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._keep, placement)

    def press(self, press: Press) -> None:
        self._run(self._pressed(press))

    async def ping(self, timeout_s: float) -> str | None:
        try:
            async with asyncio.timeout(timeout_s), self._one, conversation(self._ports) as live:
                version, _ = await live.ask_all(("/live/application/get/version",), ("/live/test",))
        except (TimeoutError, NotNow):
            return None
        return f"Live {'.'.join(map(str, version))} by AbletonOSC"

    # Sending

    async def _pressed(self, press: Press) -> None:
        try:
            async with self._one, conversation(self._ports) as live:
                selected = await read_selected(live, press)
            replace(self._home(press.request), json.dumps(asdict(selected.home)))
        except (SendReturnError, ValueError, OSError) as error:
            text = error.sentence if isinstance(error, SendReturnError) else f"What Live tells cannot be used: {error}"
            await asyncio.to_thread(self._setup.desk.refused, self._name, press.request, text)
            await self._show(f"sendreturn: {text}")
            return
        note = await asyncio.to_thread(self._setup.desk.send, self._name, selected.selection)
        self.tell(note)

    async def _show(self, text: str) -> None:
        with suppress(UsageError):  # somebody else talks to AbletonOSC; the daemon's other ways tell it too
            async with self._one, conversation(self._ports) as live:
                live.say("/live/api/show_message", text)

    # Placing

    def _keep(self, placement: Placement) -> None:
        self._waiting[placement.send_id] = placement
        self._poke.set()

    async def _look(self) -> None:
        """Place what waits, as soon as its set is open."""
        while True:
            self._poke.clear()
            for placement in list(self._waiting.values()):
                try:
                    await self._try(placement)
                except (SendReturnError, OSError) as error:
                    log.debug("not placed yet", send=placement.send_id, text=str(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S if self._waiting else None):
                    await self._poke.wait()

    async def _try(self, placement: Placement) -> None:
        home = _home(self._home(placement.request))
        begun = self._begun / placement.send_id
        async with self._one, conversation(self._ports) as live:
            if home is None or begun.exists():  # where it lies, or how much of it, nobody knows
                await live.ask("/live/song/get/num_tracks")
                log.warning("a return has to be placed by hand", send=placement.send_id)
                live.say("/live/api/show_message", sentence(placement, placement.files))
            elif await is_open(live, home):
                begun.touch()
                await place(live, placement, home)
            else:
                return
        await self._placed(placement)

    async def _placed(self, placement: Placement) -> None:
        await asyncio.to_thread(self._setup.desk.placed, self._name, placement.send_id)
        del self._waiting[placement.send_id]
        (self._begun / placement.send_id).unlink(missing_ok=True)
        self._home(placement.request).unlink(missing_ok=True)

    def _home(self, request: str) -> Path:
        return self._homes / f"{session_key(request)}.json"

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _home(path: Path) -> Home | None:
    try:
        return Home(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
