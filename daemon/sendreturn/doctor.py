"""The doctor: what is in force, what is well, and what to do about the rest."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from sendreturn.audio.ffmpeg import find_ffmpeg
from sendreturn.daws.health import daw_findings
from sendreturn.engine.journal import Journal
from sendreturn.errors import SendReturnError
from sendreturn.findings import Finding
from sendreturn.keys import FoundKey, find_key
from sendreturn.models import ModelStore
from sendreturn.places import Places
from sendreturn.sends.drives import mount_of
from sendreturn.sends.layout import WatchedList
from sendreturn.services import known_models, load_manifests
from sendreturn.settings import Settings

LEAST_FREE_BYTES = 2 << 30
"""A few sends of a long clip need about this much in the state folder."""


def examine(
    settings: Settings,
    places: Places,
    running: Mapping[str, object] | None,
    ping: Callable[[str], str | None] | None = None,
) -> Iterator[Finding]:
    """Look at everything, without changing anything.

    Args:
        running: What the running daemon's `/health` told; None where none is running.
        ping: What the part inside a DAW answers to the running daemon.
    """
    yield from _daemon(settings, running)
    yield from _state(places, running)
    yield from _sessions(settings, places)
    yield from _tools(places)
    yield from _discovery(settings)
    yield from daw_findings(settings, places, running, ping)


def keys_of(settings: Settings) -> dict[str, FoundKey]:
    """For each service that wants a key, what was found."""
    wanting = {name: service.api_key_env for name, service in settings.services.items() if service.api_key_env}
    return {name: find_key(name, variable, os.environ) for name, variable in wanting.items()}


def _daemon(settings: Settings, running: Mapping[str, object] | None) -> Iterator[Finding]:
    if running is None:
        yield Finding("daemon", True, "No daemon is running; `sendreturn run` starts it.")
        for name, kind, where in (
            ("web", socket.SOCK_STREAM, settings.web),
            ("osc", socket.SOCK_DGRAM, settings.osc),
        ):
            free = _is_free(kind, where.host, where.port)
            remedy = "" if free else f"Stop the other program, or set {name}.port."
            yield Finding(f"{name} port", free, f"{where.host}:{where.port} is {'free' if free else 'taken'}.", remedy)
        return
    well = running.get("status") == "ok"
    yield Finding("daemon", well, f"A daemon is running (version {running.get('version')}): {running.get('status')}.")
    problems = running.get("problems")
    for problem in problems if isinstance(problems, list) else ():
        yield Finding(str(problem["topic"]), False, str(problem["what"]))


def _state(places: Places, running: Mapping[str, object] | None) -> Iterator[Finding]:
    if running is None and places.journal.exists():
        try:
            Journal.open(places.journal).close()
        except SendReturnError as error:
            yield Finding("journal", False, error.what, error.hint)
        else:
            yield Finding("journal", True, f"{places.journal} is sound.")
    anchor = next(folder for folder in (places.state, *places.state.parents) if folder.exists())
    free = shutil.disk_usage(anchor).free
    yield Finding(
        "disk",
        free >= LEAST_FREE_BYTES,
        f"{free / 2**30:.1f} GB are free for the state folder {places.state}.",
        "" if free >= LEAST_FREE_BYTES else "Free some space, or move the state folder with SENDRETURN_HOME.",
    )
    drive = mount_of(anchor)
    if drive is not None and drive.is_remote:
        remedy = "Name a folder on a disk of this computer in SENDRETURN_HOME, and move what is in it there."
        what = (
            f"The state folder {places.state} lies on a network drive ({drive.kind}), where its journal is less safe."
        )
        yield Finding("state folder", False, what, remedy)
    kept = sum(file.stat().st_size for file in places.staging.rglob("*") if file.is_file())
    yield Finding("staging", True, f"{kept / 2**20:.0f} MB of sends that are under way or failed are kept.")


def _sessions(settings: Settings, places: Places) -> Iterator[Finding]:
    folders = [session.path for session in settings.sessions]
    try:
        folders += WatchedList(places.state).all()
    except SendReturnError as error:
        yield Finding("sessions", False, error.what, error.hint)
    if not folders:
        yield Finding("sessions", True, "No session is watched yet; `sendreturn watch DIR` adds one.")
    for folder in folders:
        yield _session(folder)


def _session(folder: Path) -> Finding:
    if not folder.is_dir():
        remedy = "Connect its drive, or `sendreturn watch --remove` it."
        return Finding("session", False, f"{folder} is not there.", remedy)
    if not os.access(folder, os.W_OK):
        return Finding("session", False, f"{folder} cannot be written.", "Give yourself leave to write there.")
    drive = mount_of(folder)
    if drive is not None and drive.is_remote:
        how = f"looked through every few seconds: on a network drive ({drive.kind}) others write unheard"
        return Finding("session", True, f"{folder} is {how}.")
    return Finding("session", True, f"{folder} is watched.")


def _tools(places: Places) -> Iterator[Finding]:
    store = ModelStore(places.models)
    for model in known_models(load_manifests()).values():
        there = store.get(model.name) is not None
        what = f"{model.title} is installed." if there else f"{model.title} is not installed. {model.instead}"
        yield Finding(f"model {model.name}", True, what, "" if there else f"`sendreturn models install {model.name}`")
    found = find_ffmpeg()
    what = f"M4A clips are read with {found}." if found else "M4A clips cannot be read; everything else can."
    yield Finding("ffmpeg", True, what, "" if found else "Install ffmpeg if you want to send M4A.")


def _discovery(settings: Settings) -> Iterator[Finding]:
    if not settings.osc.announce:
        yield Finding("discovery", True, "OSC is not announced, as osc.announce is no.")
    elif find_spec("zeroconf") is None:
        remedy = "`pip install 'sendreturn[discovery]'` has control surfaces find it by themselves."
        yield Finding("discovery", True, "OSC is not announced: control surfaces are told address and port.", remedy)


def _is_free(kind: socket.SocketKind, host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind is socket.SOCK_STREAM and os.name == "posix":
            # As the server does: connections of a daemon that has just stopped do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
