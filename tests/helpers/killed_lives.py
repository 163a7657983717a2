"""Lives of the engine that are killed while a paid service works for it: run as `killed_lives.py FOLDER NAME…`.

For each name one send is made and carried through as many lives as it takes. The lives of "seed-7" end by SIGKILL at
random steps or moments; the first life of "step-7" is killed at its seventh step, and no other. What the service has
billed stands in a ledger on disk. A line of JSON for each name says what came of it.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from engine_rig import Rig
from fake_service import FakeService, manifest, write_tone
from sendreturn.contract import Accepted, Ask, Call, Manifest, Report, Way
from sendreturn.returns import files
from sendreturn.returns.sidecar import verify
from sendreturn.words import State

STEPS = ("add", "move", "note", "record", "plan", "intend", "give_back", "answer", "again")
"""What the journal writes: a life may end before and after each."""
Kill = tuple[str, float]
"""At its so many-th "step", or at the "moment" so many seconds after it began."""
KILLS = 4
"""At most so many lives of a send are ended by force."""
HEAVY = ("soundfile", "soxr", "sendreturn.audio.convert", "sendreturn.returns.deliver")
"""Imported once, before the lives that are copies of this process."""


@dataclass
class Story:
    """What became of one send. `broken` says what must not be; it is empty where all is well."""

    name: str
    kills: int = 0
    uncertain: int = 0
    bills: int = 0
    broken: list[str] = field(default_factory=list)


@dataclass
class Studio(FakeService):
    """Bills on disk, and asks for a second request when the first is done."""

    manifest: Manifest = field(default_factory=partial(manifest, tells_sending=True))
    bills: Path = Path()
    step: Callable[[], None] = lambda: None

    def follow(self, ask: Ask, done: Mapping[str, Report]) -> tuple[Call, ...]:
        return () if "more" in done else (Call("more", "cover", {}, 5.0, take=1),)

    async def submit(self, call: Call, way: Way) -> Accepted:
        self.step()
        way.about_to_send()
        self.step()
        with self.bills.open("a") as ledger:
            ledger.write(f"{way.folder.name}\n")
        self.step()
        return Accepted(f"task-{call.name}")

    async def fetch(self, made: Any, target: Path, folder: Path) -> None:
        self.step()
        write_tone(target, seconds=0.3)
        self.step()


def tell_story(folder: Path, name: str) -> Story:
    """Carry one send through its lives."""
    folder.mkdir(parents=True)
    (folder / "Song").mkdir()
    write_tone(folder / "Song" / "riff.wav", seconds=0.3)
    story = Story(name)
    doubtful: list[str] = []
    for kill in (*_kills(name), None):
        if not _live(folder, kill):
            break
        story.kills += 1
        _, doubtful = _seen(folder)
    states, _ = _seen(folder)
    if states[-1] != (State.UNCERTAIN if doubtful else State.DONE).value:
        story.broken.append(f"it ended as {states[-1]}, with {doubtful} in doubt at the last kill")
    if doubtful:
        story.uncertain = 1
        _live(folder, None, retry=True)
    _judge(folder, story, doubtful)
    return story


def _kills(name: str) -> list[Kill]:
    """How the lives of a story end."""
    kind, _, number = name.partition("-")
    if kind == "step":
        return [("step", int(number))]
    chance = random.Random(int(number))
    return [
        ("step", chance.randint(1, 50)) if chance.random() < 0.7 else ("moment", chance.uniform(0.0, 0.25))
        for _ in range(KILLS)
    ]


def _live(folder: Path, kill: Kill | None, *, retry: bool = False) -> bool:
    """One life, in a process of its own; whether it was killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            asyncio.run(_life(folder, int(kill[1]) if kill and kill[0] == "step" else 0, retry=retry))
            code = 0
        finally:
            os._exit(code)
    if kill is not None and kill[0] == "moment":
        time.sleep(kill[1])
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, "a life broke"
    return False


async def _life(folder: Path, deadly_step: int, *, retry: bool) -> None:
    files._STARTED_AT_S = time.time()  # the copy of a process has this from its original
    count = 0

    def step() -> None:
        nonlocal count
        count += 1
        if count == deadly_step:
            os.kill(os.getpid(), signal.SIGKILL)

    studio = Studio(bills=folder / "bills", step=step)
    rig = Rig(folder, studio)
    for name in STEPS:
        setattr(rig.journal, name, _between(step, getattr(rig.journal, name)))
    async with rig:
        send = rig.send(folder / "Song" / "riff.wav", key="once", params={"bpm": 120})
        if retry:
            rig.desk.retry(send.id)
        await rig.ended(send.id)


def _between(step: Callable[[], None], work: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **more: Any) -> Any:
        step()
        result = work(*args, **more)
        step()
        return result

    return call


def _seen(folder: Path) -> tuple[list[str], list[str]]:
    """The send's states so far, and the requests of which it is not known what became of them."""
    if not (folder / "journal.db").exists():
        return [], []
    try:
        with closing(sqlite3.connect(folder / "journal.db")) as db:
            states = [row[0] for row in db.execute("SELECT state FROM history ORDER BY number")]
            intents = [row[0] for row in db.execute("SELECT call FROM intents WHERE fate IN ('intended', 'unknown')")]
            return states, intents
    except sqlite3.OperationalError:  # killed before the tables were made
        return [], []


def _judge(folder: Path, story: Story, doubtful: list[str]) -> None:
    bills = (folder / "bills").read_text().split() if (folder / "bills").exists() else []
    story.bills = len(bills)
    if len(set(bills)) != len(bills):
        story.broken.append(f"billed twice: {bills}")
    first = [bill for bill in bills if bill.endswith("-1")]
    if not story.uncertain and sorted(first) != ["main-1", "more-1"]:
        story.broken.append(f"billed {bills}")
    for call in {"main", "more"} - set(doubtful):
        if (times := sum(bill.startswith(f"{call}-") for bill in bills)) != 1:
            story.broken.append(f"{call} was billed {times} times, with {doubtful} in doubt")
    states, _ = _seen(folder)
    if states.count(State.DONE.value) != 1 or states[-1] != State.DONE.value:
        story.broken.append(f"its states were {states}")
    sidecars = list((folder / "Song" / "Returns").rglob("*.json"))
    if len(sidecars) != 1 or verify(sidecars[0]):
        story.broken.append(f"delivered {sidecars}")
    if list((folder / "Song").rglob(".sendreturn-*")):
        story.broken.append("temporary files were left in the session")


if __name__ == "__main__":
    for module in HEAVY:
        importlib.import_module(module)
    for story_name in sys.argv[2:]:
        line = json.dumps(asdict(tell_story(Path(sys.argv[1]) / story_name, story_name)))
        print(f"\n{line}", flush=True)  # a killed life may have left half a line of its log
