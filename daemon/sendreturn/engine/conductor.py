"""The conductor: takes wishes in, keeps every send on its way, and tells what happens. It is the ways' in `Desk`."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from secrets import token_hex
from typing import Any

import structlog

from sendreturn.contract import Call, Manifest
from sendreturn.engine import intake
from sendreturn.engine.attempts import call_folder, retry_of
from sendreturn.engine.callbacks import Callbacks
from sendreturn.engine.hosting import ClipHost
from sendreturn.engine.journal import Fate, Journal, NewSend, SendRow
from sendreturn.engine.outputs import Handed
from sendreturn.engine.pipeline import run_or_stall
from sendreturn.engine.run import Cancelled, Means, Run, Stopping
from sendreturn.engine.stalls import stall_in
from sendreturn.engine.tidying import EVERY_S, tidy
from sendreturn.errors import NotNow, Outcome, SendReturnError, ServiceError, Stalled, UsageError
from sendreturn.sends.wish import Event, Listener, Origin, Receipt, Returned, SendView, Wish
from sendreturn.services import Services
from sendreturn.settings import Settings
from sendreturn.words import SendId, State, new_send_id

log = structlog.get_logger(__name__)


STOP_S = 6.0
"""How long sends may take to come to a safe place when the daemon stops."""

PutAside = Callable[[SendRow, str], Path | None]


class Conductor:
    """Runs the sends of one daemon. Made, started and stopped on one event loop; the `Desk` calls come from any thread.

    Args:
        session_of: The session that a path lies in, if it lies in one that the daemon knows.
        staging: Where sends keep their files until they are delivered.
        put_aside: Moves a dropped clip that cannot be used, with the reason; returns where it lies then.
        hosting: Brings clips to services that take only addresses; None brings them to none.
        callbacks: Where services may call back; None: they cannot.
    """

    def __init__(
        self,
        journal: Journal,
        services: Services,
        settings: Settings,
        session_of: intake.SessionOf,
        staging: Path,
        put_aside: PutAside = lambda _send, _sentence: None,
        hosting: ClipHost | None = None,
        callbacks: Callbacks | None = None,
    ) -> None:
        self._journal = journal
        self._services = services
        self._settings = settings
        self._session_of = session_of
        self._put_aside = put_aside
        self._means = Means(
            journal,
            services,
            settings,
            staging,
            self._slots,
            hosting or ClipHost(settings, token_hex()),
            callbacks,
            self._announce,
        )
        self._semaphores: dict[str, asyncio.Semaphore] = {}
        self._runs: dict[str, Run] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._live: dict[str, tuple[float, str]] = {}
        self._listeners: list[Listener] = []
        self._lock = threading.RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tidying: asyncio.Task[None] | None = None

    async def start(self, *, resume: bool = True) -> None:
        """Go on with every send that had not ended; without `resume` each waits until it is asked for."""
        self._loop = asyncio.get_running_loop()
        self._journal.give_back()
        for send in self._journal.unfinished() if resume else ():
            self._begin(send)
        if resume:
            await self._tidy()
            self._tidying = asyncio.create_task(self._tidy_daily(), name="tidying")

    async def stop(self) -> None:
        """Leave every send off at a safe place; the next start goes on with them."""
        if self._tidying is not None:
            self._tidying.cancel()
        for run in self._runs.values():
            run.stop()
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=STOP_S)
            # A long upload, or a request without an answer: the one is made again, the other counts as in doubt.
            for task in late:
                log.warning("left off at once", what=task.get_name())
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self._services.close()
        await self._means.hosting.close()

    async def _tidy_daily(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            with contextlib.suppress(Stalled):  # a full disk, or a backup: tomorrow is another day
                await self._tidy()

    async def _tidy(self) -> None:
        keep_days = self._settings.staging.keep_days
        await asyncio.to_thread(tidy, self._journal, self._means.staging, keep_days, self._lock)

    # The desk

    def accept(self, wish: Wish) -> Receipt:
        earlier = self._journal.by_key(wish.key) if wish.key else None
        if earlier is not None:
            return Receipt(self._view(earlier), False)
        send = intake.resolve(wish, self._settings, self._services, self._session_of)
        row, is_new = self._journal.add(
            NewSend(
                id=new_send_id(),
                session=send.session,
                clip=wish.clip_after or send.clip,
                found_at=send.clip,
                operation=send.operation,
                service=send.service,
                params=send.params.given(),
                origin=wish.origin,
                wish_key=wish.key,
            )
        )
        if is_new:
            self._on_loop(self._begin, row)
        return Receipt(self._view(row), is_new)

    def cancel(self, send_id: str) -> SendView:
        send = self._journal.get(send_id)
        if send.state.ended:
            raise NotNow(f"Send {send_id} has already ended ({send.state}).", "There is nothing to cancel.")
        self._journal.note(send.id, cancel_asked=True)
        self._on_loop(self._wake, send.id, Run.cancel)
        return self._view(send)

    def retry(self, send_id: str) -> SendView:
        with self._lock:
            send = self._journal.get(send_id)
            if send.state not in (State.FAILED, State.CANCELLED, State.UNCERTAIN):
                raise NotNow(
                    f"Send {send_id} is {send.state}.",
                    "Only a send that failed, was cancelled or is uncertain can be retried.",
                )
            retry = retry_of(self._journal, send.id)
            row = self._journal.again(send.id, retry.note, anew=retry.anew, forget=retry.forget)
        self._on_loop(self._means.gates.knock, row.service)
        self._on_loop(self._begin, row)
        return self._view(row)

    def approve(self, send_id: str) -> SendView:
        send = self._journal.get(send_id)
        if send.state is not State.WAITING_APPROVAL:
            raise NotNow(f"Send {send_id} is {send.state}.", "Only a send that waits for approval can be approved.")
        self._journal.note(send.id, approved=True)
        self._on_loop(self._wake, send.id, Run.approve)
        return self.get(send_id)

    def approve_all(self, session: Path | None = None) -> Sequence[SendView]:
        return self._say_to_waiting(session, Run.approve, approved=True)

    def cancel_waiting(self, session: Path | None = None) -> Sequence[SendView]:
        return self._say_to_waiting(session, Run.cancel, cancel_asked=True)

    def hint(self, send_id: str) -> None:
        """A service says that something has happened to a send, which then goes and looks for itself."""
        run = self._runs.get(send_id)
        if run is not None:
            self._on_loop(run.hint)

    def get(self, send_id: str) -> SendView:
        return self._view(self._journal.get(send_id), with_history=True)

    def list(self, state: State | None = None) -> Sequence[SendView]:
        return [self._view(send) for send in self._journal.list(state)]

    def manifests(self) -> Mapping[str, Manifest]:
        return self._services.manifests

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        self._listeners.append(listener)

        def end() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(listener)

        return end

    @property
    def problems(self) -> Mapping[str, str]:
        """What holds sends up at the moment, a sentence by topic. May be called from any thread."""
        held = Counter(stall.sentence for stall in dict(self._means.stalls).values())
        told = [f"{sentence} (Sends that wait: {count}.)" for sentence, count in held.items()]
        if crowd := dict(self._means.crowd):
            told.append(
                f"{len(crowd)} clips that came in one go wait for your word; they would cost {sum(crowd.values()):g} "
                "credits. `sendreturn approve --all` sends them, `sendreturn cancel --waiting` none of them."
            )
        return {f"held up {n}": sentence for n, sentence in enumerate((*told, *self._means.gates.closed()), 1)}

    # Running

    def _begin(self, send: SendRow) -> None:
        task = asyncio.get_running_loop().create_task(self._carry(send), name=f"send {send.id}")
        self._tasks[send.id] = task
        task.add_done_callback(lambda _: self._forget(send.id, task))

    def _say_to_waiting(
        self, session: Path | None, tell: Callable[[Run], None], **values: object
    ) -> Sequence[SendView]:
        sends = self._journal.say_to_waiting(session, **values)
        for send in sends if self._loop is not None else ():
            self._on_loop(self._wake, send.id, tell)
        return [self._view(send) for send in sends]

    def _wake(self, send_id: SendId, tell: Callable[[Run], None]) -> None:
        """Tell a run something; one that was not begun yet finds it in the journal."""
        run = self._runs.get(send_id)
        if run is not None:
            tell(run)
        elif send_id not in self._tasks:
            self._begin(self._journal.get(send_id))

    def _forget(self, send_id: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(send_id) is task:
            del self._tasks[send_id]
            self._runs.pop(send_id, None)
            self._live.pop(send_id, None)
            self._means.crowd.pop(send_id, None)

    async def _carry(self, send: SendRow) -> None:
        """Run one send to its end, whatever that is and whatever holds it up on the way."""
        run: Run | None = None
        stall: Stalled | None = None
        while True:
            try:
                run = run or self._run_of(send)
                if stall is not None:
                    await run.until_it_passes(stall)
                await self._carry_on(run)
            except Exception as error:
                stall = stall_in(error)
                if stall is None:
                    raise
            else:
                self._means.stalls.pop(send.id, None)
                return

    def _run_of(self, send: SendRow) -> Run:
        run = Run(self._journal.get(send.id), self._means)  # as it is now: it may have been cancelled meanwhile
        self._runs[send.id] = run
        return run

    async def _carry_on(self, run: Run) -> None:
        """Run one send from where it is; raises Stalled where something holds it up that will pass."""
        send = run.send
        if send.state is State.QUEUED:
            run.tell(0.0)
        try:
            handed = await run_or_stall(run)
        except Stopping:
            return
        except Stalled:
            raise
        except Cancelled:
            await self._cancelled(run)
        except ServiceError as error:
            state = State.UNCERTAIN if error.outcome is Outcome.UNKNOWN else State.FAILED
            self._end(run, state, error.sentence, error.detail)
        except UsageError as error:
            await self._unusable(run, error.sentence)
            self._end(run, State.FAILED, error.sentence)
        except SendReturnError as error:
            self._end(run, State.FAILED, error.sentence)
        except Exception:
            log.exception("send broke", send=send.id)
            self._end(run, State.FAILED, f"Something is wrong inside sendreturn; the log says where (send {send.id}).")
        else:
            self._done(run, handed)
            await asyncio.to_thread(shutil.rmtree, run.folder, ignore_errors=True)
        await self._means.hosting.withdraw(send.id)

    async def _cancelled(self, run: Run) -> None:
        accepted = (i for i in self._journal.standing_of(run.send.id) if i.fate is Fate.ACCEPTED)
        for task in accepted:
            call = Call(task.call, run.send.operation, task.fields)
            with contextlib.suppress(SendReturnError):
                await run.bridge.cancel(call, task.task_id or "", call_folder(run, task.call, task.attempt))
        self._end(run, State.CANCELLED, "cancelled")

    async def _unusable(self, run: Run, sentence: str) -> None:
        if run.send.origin is Origin.FOLDER:
            moved = await asyncio.to_thread(self._put_aside, run.send, sentence)
            if moved is not None:
                run.note(clip=str(moved))

    def _end(self, run: Run, state: State, text: str, detail: str = "") -> None:
        """End a send that did not come to its goal; what it has cost is known, unless the fate of a request is not."""
        if state is not State.UNCERTAIN:
            run.note(cost_credits=self._journal.spent(run.send.id))
        more = {"detail": detail} if detail else {}
        log.info("send ended", send=run.send.id, state=state.value, text=text, **more)
        run.enter(state, text, detail)

    def _done(self, run: Run, handed: Handed) -> None:
        for file in handed.files:
            position = file.position_samples
            returned = Returned(file.take, file.kind, file.path.name, file.path, position, file.sample_rate_hz)
            run.tell(1.0, "delivered", returned)
        told = f": {' '.join(handed.notes)}" if handed.notes else ""
        count = len(handed.files)
        run.enter(State.DONE, f"{count} file{'' if count == 1 else 's'} in {handed.folder}{told}")
        log.info("send done", send=run.send.id, files=len(handed.files))

    # Telling

    def _announce(self, send: SendRow, progress: float, returned: Returned | None) -> None:
        self._live[send.id] = (progress, send.text)
        event = Event(self._view(send), returned)
        for listener in list(self._listeners):
            try:
                listener(event)
            except Exception:  # a listener is a way out to somebody else; it must not stop a send
                log.exception("a listener failed")

    def _view(self, send: SendRow, *, with_history: bool = False) -> SendView:
        handed = self._journal.stage(send.id, "deliver") if send.state is State.DONE or with_history else None
        progress, text = self._live.get(send.id, (1.0 if send.state.ended else 0.0, send.text))
        return SendView(
            id=send.id,
            operation=send.operation,
            service=send.service,
            state=send.state,
            progress=progress,
            text=text,
            clip=send.clip,
            session=send.session,
            created_at=send.created_at,
            params=send.params,
            cost_credits=send.cost_credits,
            origin=send.origin,
            returns=tuple(Path(file["path"]) for file in handed["files"]) if handed else (),
            folder=Path(handed["folder"]) if handed else None,
            history=self._journal.history(SendId(send.id)) if with_history else (),
        )

    def _slots(self, service: str) -> asyncio.Semaphore:
        if service not in self._semaphores:
            configured = self._settings.service_settings(service).max_parallel
            limit = configured or self._services.manifest(service).max_parallel
            self._semaphores[service] = asyncio.Semaphore(limit)
        return self._semaphores[service]

    def _on_loop(self, work: Callable[..., Any], *args: Any) -> None:
        assert self._loop is not None, "the conductor has not been started"
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is self._loop:
            work(*args)
        else:
            self._loop.call_soon_threadsafe(work, *args)
