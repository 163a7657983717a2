"""The daemon's side of Bitwig, however it is reached: it places what comes back, and sends what was bounced."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import soundfile
import structlog
from sendreturn.daws.contract import Note
from sendreturn.daws.selection import read_selection
from sendreturn.errors import SendReturnError, UsageError
from sendreturn.words import State

from sendreturn_bridges.daws.bitwig.bounces import last_bounce
from sendreturn_bridges.daws.bitwig.placing import Gone, Job, Outcome, wrong_with
from sendreturn_bridges.daws.bitwig.projects import FirstSeen, Project, folder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from pathlib import Path
    from typing import Any

    from sendreturn.daws.contract import LinkSetup, Placement, Press
    from sendreturn.daws.selection import Selection

    from sendreturn_bridges.daws.bitwig.placing import Side

log = structlog.get_logger(__name__)

LOOK_S = 10.0
"""Between two looks for the folder of the same project."""
TOLD_STATES = frozenset({State.WAITING_APPROVAL.value, State.UNCERTAIN.value, State.CANCELLED.value})
"""What a popup is worth; how far a send has come is not."""


class BitwigLink:
    """A link (sendreturn.daws.contract.Link).

    Args:
        named: How the name of a project's file looks where Bitwig tells it.
        clock: Seconds that never jump.
    """

    def __init__(
        self,
        setup: LinkSetup,
        side: Side,
        named: Callable[[str], str] = str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._setup = setup
        self._side = side
        self._named = named
        self._clock = clock
        self._seen = FirstSeen(setup.folder / "projects.json")
        self._open: Project | None = None
        self._folder: Path | None = None
        self._look_at = 0.0
        self._jobs: dict[str, Job] = {}
        self._more = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        self._setup.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._loop = asyncio.get_running_loop()
        await self._side.start(self._opened)
        self._run(self._work())

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._side.stop()

    def tell(self, note: Note) -> None:
        text = _told(note)
        if text:
            self._call(lambda: self._side.say(text, note.request))

    def offer(self, placement: Placement) -> None:
        self._call(lambda: self._take(placement))

    def press(self, press: Press) -> None:
        """Bitwig tells no files of what is selected: what was bounced last is sent."""
        if self._side.project is None:
            raise UsageError("Bitwig does not answer.", f"Start it. {self._setup.manifest.clicks[0]}")
        self.send_bounce(press.operation, press.params, press.request)

    async def ping(self, timeout_s: float) -> str | None:
        answer = await self._side.ping(timeout_s)
        project = self._side.project
        if answer is None or project is None:
            return answer
        return f"{answer}, project “{project.name}” {f'in {self._folder}' if self._folder else '(no known folder)'}"

    # What is open

    def _opened(self, project: Project | None) -> None:
        """Bitwig has said what is open. A project whose folder is not known is looked for again now and then."""
        is_same = project is not None and self._open is not None and project.key == self._open.key
        self._open = project
        if is_same and (self._folder is not None or self._clock() < self._look_at):
            return
        self._jobs.clear()
        self._folder = None
        self._look_at = self._clock() + LOOK_S
        if project is not None and project.name:
            self._run(self._find(project))

    async def _find(self, project: Project) -> None:
        """Find the project's folder, and have offered what is ready for it."""
        try:
            folder = await asyncio.to_thread(self._folder_of, project)
        except UsageError:
            return  # told when something is to be sent; a project that is not ours needs no popup
        if self._open is None or self._open.key != project.key or self._folder is not None:
            return
        self._folder = folder
        try:
            await asyncio.to_thread(self._offer_what_is_ready, str(folder))
        except (OSError, SendReturnError) as error:
            log.warning("what is ready cannot be offered", folder=str(folder), text=str(error))
            self._begin_again(LOOK_S)

    def _offer_what_is_ready(self, folder: str) -> None:
        desk, name = self._setup.desk, self._setup.manifest.name
        desk.adopt(name, folder, self._seen.of(folder))
        desk.opened(name, folder)

    def _folder_of(self, project: Project) -> Path:
        return folder_of(project, self._setup.sessions(), self._named)

    # Placing

    def _take(self, placement: Placement) -> None:
        """What is for a project that is not open is offered again when it is."""
        if self._folder is not None and placement.session == str(self._folder):
            self._jobs.setdefault(placement.send_id, Job(placement))
            self._more.set()

    async def _work(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._jobs:
                job = next(iter(self._jobs.values()))
                try:
                    await self._place(job)
                except Gone:
                    self._begin_again(0.0)
                except OSError as error:
                    log.warning(
                        "it cannot be written down what was placed", send=job.placement.send_id, text=str(error)
                    )
                    self._begin_again(LOOK_S)

    def _begin_again(self, after_s: float) -> None:
        """All of it is offered again; what lies there already is known in Bitwig."""
        self._jobs.clear()
        self._folder, self._look_at = None, self._clock() + after_s

    async def _place(self, job: Job) -> None:
        placement = job.placement
        while (index := job.next) is not None:
            why = wrong_with(placement.files[index])
            job.add(Outcome("refused", why) if why else await self._side.place(placement, index))
        await asyncio.to_thread(self._setup.desk.placed, self._setup.manifest.name, placement.send_id)
        self._jobs.pop(placement.send_id, None)
        log.info("lies in the launcher", send=placement.send_id, text=job.sentence)
        self._side.say(job.sentence)

    # Sending

    def send_bounce(self, operation: str, params: Mapping[str, object], request: str) -> None:
        """Send what was bounced last; what becomes of it is shown in Bitwig."""
        self._run(self._send_bounce(operation, params, request))

    async def _send_bounce(self, operation: str, params: Mapping[str, object], request: str) -> None:
        self.tell(await asyncio.to_thread(self._bounced, operation, params, request))

    def _bounced(self, operation: str, params: Mapping[str, object], request: str) -> Note:
        desk, name = self._setup.desk, self._setup.manifest.name
        try:
            return desk.send(name, self._selection(operation, params, request))
        except SendReturnError as error:
            sentence = error.sentence
        except OSError as error:
            sentence = f"The bounce cannot be sent: {error}."
        desk.refused(name, request, sentence)
        return Note("error", "", request, text=sentence)

    def _selection(self, operation: str, params: Mapping[str, object], request: str) -> Selection:
        project = self._side.project
        if project is None:
            raise UsageError("Bitwig does not answer.", f"Start it. {self._setup.manifest.clicks[0]}")
        folder = self._folder_of(project)
        file = last_bounce(folder)
        return read_selection(
            {
                "request": request,
                "session": str(folder),
                "operation": operation,
                "params": dict(params),
                "track": project.track or file.stem,
                "rate_hz": _rate_of(file),
                "rendered": str(file),
                "tempo": _tempo(project),
            }
        )

    def _call(self, work: Callable[[], None]) -> None:
        """Do it on the event loop: the daemon's desk speaks from threads of its own."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(work)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _told(note: Note) -> str:
    """What a popup says of a note; of what is done the placing tells."""
    if note.kind == "accepted":
        return f"sendreturn: sent as {note.send_id}. {note.text}".strip()
    if note.kind in ("failed", "error") or (note.kind == "state" and note.state in TOLD_STATES):
        return f"sendreturn: {note.text or note.state}"
    return ""


def _tempo(project: Project) -> list[dict[str, object]]:
    if project.bpm is None:
        return []
    return [{"position": 0, "bpm": project.bpm, "time_signature": project.time_signature}]


def _rate_of(file: Path) -> int:
    try:
        return int(soundfile.info(file).samplerate)
    except (OSError, soundfile.LibsndfileError) as error:
        raise UsageError(f"“{file.name}” cannot be read as audio.", "Bounce it again.", str(error)) from error
