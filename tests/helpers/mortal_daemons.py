"""Daemons whose lives are cheap: each is a copy of this process, made when all is imported, and may be killed anywhere.

A `MortalDaemon` is one daemon over many lives, with a session and a state folder of its own. After its last life it is
judged by all nine oracles.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import mmap
import os
import shutil
import signal
import socket
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from oracles import canaries_in, harmed, left_over, manifest, rows, strays, unended, untrue, unwished
from sendreturn.app import Daemon
from sendreturn.engine import journal, make
from sendreturn.places import Places
from sendreturn.returns import files
from sendreturn.sends.layout import make_session
from sendreturn.sends.wiring import folders_of
from sendreturn.sends.wish import Wish
from sendreturn.settings import (
    HotFolderSettings,
    OscSettings,
    ReturnsSettings,
    ServiceSettings,
    SessionSettings,
    Settings,
    WebSettings,
)
from sendreturn.testing.bench import no_pauses
from sendreturn.words import State
from simulated_services import KEY, NAMES, Bill

HEAVY = (
    *(f"sendreturn_bridges.services.{name}.client" for name in (*NAMES, "local")),
    *("soundfile", "soxr", "scipy.signal", "pyloudnorm", "mido", "stamina", "httpx", "uvicorn.lifespan.off"),
    *("uvicorn.protocols.http.h11_impl", "uvicorn.loops.asyncio", "watchdog.observers.inotify", "anyio.abc"),
    *("sendreturn.audio.convert", "sendreturn.audio.align", "sendreturn.returns.deliver", "anyio._backends._asyncio"),
    *("sendreturn.returns.dawproject", "sendreturn.returns.reaper_items", "sendreturn.sends.http"),
)
"""Imported once, before the lives that are copies of this process; what is not there is left out."""
KEY_VARIABLE = "SENDRETURN_CRASH_KEY"
POLL_S = 0.05
PATIENCE_S = 300.0
"""For what takes a second on a machine that has nothing else to do."""
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Drop:
    """A clip that the user drops, with what is to be done with it."""

    service: str
    operation: str
    params: Mapping[str, object]
    needs_clip: bool = True


@dataclass
class MortalDaemon:
    """One daemon over many lives.

    Attributes:
        services: What the configuration says of the simulated services.
        drops: Where each clip lay when it was dropped.
        asked: What was asked for without a clip, which every life is told once more, as by a controller that repeats.
    """

    folder: Path
    services: Mapping[str, Mapping[str, Any]]
    clip: Path
    drops: list[Path] = field(default_factory=list)
    asked: list[Drop] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.session, self.state = self.folder / "Song", self.folder / "state"
        self.sends = self.session / "Sends"
        self.session.mkdir(parents=True)
        (self.session / "Audio").mkdir()
        shutil.copyfile(self.clip, self.session / "Audio" / "user's own.wav")
        self.port = _free_port()
        self.settings = Settings(
            sessions=(SessionSettings(path=self.session),),
            osc=OscSettings(port=0, announce=False),
            web=WebSettings(port=self.port),
            hot_folder=HotFolderSettings(settle_s=0.05),
            returns=ReturnsSettings(stems=0, midi=False),
            public_url=f"http://127.0.0.1:{self.port}",
            services={
                name: ServiceSettings(**{**told, "api_key_env": KEY_VARIABLE, "poll_s": POLL_S})
                for name, told in {**self.services, "local": {}}.items()
            },
        )
        make_session(self.session, folders_of(self.settings))
        self._wishes = mmap.mmap(-1, mmap.PAGESIZE)  # shared with the lives
        self._before = manifest(self.session)
        self._around = manifest(self.folder)

    @property
    def journal(self) -> Path:
        return self.state / "journal.db"

    def drop(self, wanted: Drop) -> None:
        """Put a clip and what is to be done with it into the hot folder, each whole at once."""
        self._wishes[0] += 1
        if not wanted.needs_clip:
            self.asked.append(wanted)  # the next life is told
            return
        name = f"riff {len(self.drops)}"
        target = self.sends / wanted.operation / f"{name}.wav"
        aside = self.folder / f"{name}.new"
        aside.write_text(yaml.safe_dump({"service": wanted.service, **wanted.params}))
        aside.rename(target.with_name(f"{target.name}.yaml"))
        shutil.copyfile(self.clip, aside)
        self.drops.append(target)
        self._before[target] = files.sha256_of(aside)
        aside.rename(target)

    def start(self, *, step: int = 0, alone: bool = False, held: bool = False, forgiving: bool = False) -> Life:
        """Begin a life.

        Args:
            step: At its so many-th step it is killed from the inside; 0: at none.
            alone: Whether threads of a pool are done without, so that the system calls come in the same order.
            held: Whether it waits for `Life.release`.
            forgiving: Whether the user says `retry` to what was left alone because the daemon had died over it.
        """
        return Life(self, step, alone=alone, held=held, forgiving=forgiving)

    def unfinished(self) -> int:
        """How many of the clips that were dropped have not ended, as far as the journal knows."""
        try:
            ended = rows(self.journal, "SELECT count(*) FROM sends WHERE state IN ('done', 'uncertain', 'failed')")
        except sqlite3.OperationalError:  # it was killed before it had made its tables
            return self.wishes
        return self.wishes - int(ended[0][0])

    @property
    def wishes(self) -> int:
        """How much has been asked for by now, in whatever life."""
        return self._wishes[0]

    def count(self, state: str) -> int:
        """How many sends are in a state."""
        return len(rows(self.journal, f"SELECT id FROM sends WHERE state = '{state}'"))

    def judge(self, bills: Iterable[Bill], *, failures: bool = False) -> list[str]:
        """What is wrong after the last life, by all nine oracles (the third is the observer's)."""
        db, own = self.journal, [self.sends, self.session / "Returns"]
        health = json.loads((self.folder / "health.json").read_text())
        wrong = [
            *self._paid_once(list(bills)),
            *untrue(db, self.session),
            *harmed(self._before, [self.sends]),
            *canaries_in([KEY], self.session, self.state),
            *unwished(db, self.drops),
            *unended(db, health),
            *strays(self._around, self.folder, [*own, self.state, self.folder / "health.json", self.folder / "log"]),
            *left_over(self.session),
        ]
        sends = rows(db, "SELECT id, state, text FROM sends")
        if len(sends) != self.wishes:
            wrong.append(f"{self.wishes} things were asked for, and {len(sends)} sends came of them")
        if not failures:
            wrong += [f"{row['id']} failed: {row['text']}" for row in sends if row["state"] == "failed"]
        return wrong

    def _paid_once(self, bills: Sequence[Bill]) -> list[str]:
        intents = rows(self.journal, "SELECT send_id, service, fate, task_id FROM intents")
        doubtful = [intent for intent in intents if intent["fate"] in ("intended", "unknown")]
        twice = [bill for bill, times in Counter(bills).items() if times > 1]
        wrong = [f"{bill.service} was asked for the same {bill.call} more than once" for bill in twice]
        # A song that stands in for its WAV is written down like a request, but nothing is asked for it.
        made = [intent for intent in intents if intent["fate"] != "refused" and intent["task_id"] not in ("", "kept")]
        for service, count in Counter(bill.service for bill in bills).items():
            most = sum(intent["service"] == service for intent in made)
            if count > most:
                wrong.append(f"{service} billed {count} requests, and only {most} were made")
        uncertain = {row["id"] for row in rows(self.journal, "SELECT id FROM sends WHERE state = 'uncertain'")}
        shown = {intent["send_id"] for intent in doubtful if intent["fate"] == "unknown"}
        wrong += [f"{send} is called uncertain, and nothing of it is" for send in uncertain - shown]
        return wrong


class Life:
    """One life of a daemon, in a process of its own."""

    def __init__(self, daemon: MortalDaemon, step: int, *, alone: bool, held: bool, forgiving: bool) -> None:
        self._gate, self._told = os.pipe(), os.pipe()
        self._daemon = daemon
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                self._become(step, alone=alone, held=held, forgiving=forgiving)
                code = 0
            finally:
                os._exit(code)
        os.close(self._gate[0])
        os.close(self._told[1])

    def release(self) -> None:
        """Let a life that is held begin."""
        os.write(self._gate[1], b"!")

    def until_ready(self) -> bool:
        """Wait until its doors are open; false where it ended before."""
        return os.read(self._told[0], 1) == b"!"

    def kill_after(self, seconds: float) -> bool:
        """End it by force after a while; whether it was killed, from the inside or now."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return self.wait()
            time.sleep(0.002)
        os.kill(self.pid, signal.SIGKILL)
        return self.wait()

    def wait(self) -> bool:
        """Wait for its end; whether it was killed. A life that broke raises."""
        _, status = os.waitpid(self.pid, 0)
        os.close(self._gate[1])
        os.close(self._told[0])
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL, f"a life ended by signal {os.WTERMSIG(status)}"
            return True
        if os.WEXITSTATUS(status) != 0:
            raise AssertionError((self._daemon.folder / "log").read_text("utf-8", "replace")[-4000:])
        return False

    # Inside

    def _become(self, step: int, *, alone: bool, held: bool, forgiving: bool) -> None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        log = os.open(self._daemon.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if held:
            os.read(self._gate[0], 1)
        files._STARTED_AT_S = time.time()  # the copy of a process has this from its original
        if step:
            _die_at(step)
        with no_pauses():
            asyncio.run(self._live(alone=alone, forgiving=forgiving))

    async def _live(self, *, alone: bool, forgiving: bool) -> None:
        if alone:
            asyncio.get_running_loop().set_default_executor(_AtOnce())
        owner = self._daemon
        daemon = Daemon(owner.settings, Places(owner.state), env={KEY_VARIABLE: KEY})
        services, changed = daemon.house.services, asyncio.Event()
        services.manifests = {
            name: replace(one, poll_s=POLL_S, requests=0, per_s=0.0) for name, one in services.manifests.items()
        }
        conductor = daemon.house.conductor
        conductor.subscribe(lambda _: changed.set())
        await daemon.start()
        for send in conductor.list(State.FAILED) if forgiving else ():
            if "has died" in send.text:  # a send over which the daemon dies again and again is left to the user
                conductor.retry(send.id)
        for number, one in enumerate(owner.asked):
            conductor.accept(Wish(one.operation, None, owner.session, one.service, one.params, key=f"asked {number}"))
        os.write(self._told[1], b"!")
        async with asyncio.timeout(PATIENCE_S):
            while len(sends := conductor.list()) < owner.wishes or not all(send.state.ended for send in sends):
                changed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), 0.5)
        await asyncio.gather(*conductor._tasks.values())
        (owner.folder / "health.json").write_text(json.dumps(daemon.health()))
        await daemon.stop()


class _AtOnce(ThreadPoolExecutor):
    """Does what a thread would do, at once."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(work(*args, **named))
        except BaseException as error:
            done.set_exception(error)
        return done


def _die_at(step: int) -> None:
    """Kill this process when it has come to its so many-th step: a file, a socket, or a word of the journal."""
    count, lock = 0, threading.Lock()

    def pass_by(*_: object) -> None:
        nonlocal count
        with lock:
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)

    def between(work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            pass_by()
            result = work(*args, **named)
            pass_by()
            return result

        return call

    os.fsync = between(os.fsync)
    files._rename = between(files._rename)
    make._post = between(make._post)
    for name in ("add", "move", "note", "record", "intend", "answer"):
        setattr(journal.Journal, name, between(getattr(journal.Journal, name)))
    for name in ("send", "recv"):
        setattr(socket.socket, name, between(getattr(socket.socket, name)))
    steps = ("os.rename", "os.remove", "os.link", "socket.connect", "sqlite3.connect")
    sys.addaudithook(lambda event, _: pass_by() if event in steps else None)


def import_all() -> None:
    """Import what lives want, so that each has it already."""
    for module in HEAVY:
        with suppress(ImportError):
            __import__(module)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
