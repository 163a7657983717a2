"""Daemons that are killed, run as a program so that each life is the copy of a process without threads.

`crash_sweeps.py FOLDER soak KILLS SEED` kills daemons with several sends in flight at random; `crash_sweeps.py FOLDER
sweep SERVICE OPERATION MOST SEED [KIND…]` kills one send at its system calls, at about MOST of each kind (0: at all).
Both say what came of it in lines of JSON.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

import dawspy
import soundfile
from mortal_daemons import Drop, Life, MortalDaemon, import_all
from oracles import Dawspy, Sight, called_in, rows, strangers
from sendreturn.demo.song import render_demo
from simulated_services import NAMES, SimulatedServices

RATE_HZ = 48_000
BOUGHT = {"stems": 2, "midi": True, "wav": True}
PARAMS: dict[tuple[str, str], dict[str, object]] = {
    ("sonauto", "extend"): {"extend_s": 2.0},
    ("acedata", "cover"): BOUGHT,
    ("musicapi", "cover"): BOUGHT,
    ("sunoapi", "cover"): BOUGHT,
    ("sunoapi", "generate"): {"prompt": "a quiet song"},
    ("local", "extend"): {"extend_s": 1.0, "seed": 3},
    ("local", "cover"): {"style": "synthwave", "seed": 3},
    ("local", "inpaint"): {"section_s": [0.8, 1.2], "seed": 3},
    ("local", "stems"): {"stems": 2},
    ("local", "midi"): {},
}
"""What is sent, by service and operation. Where a service sells stems, notes and WAVs of its songs, these follow."""
CALLS = {
    "fsync": "/^(fsync|fdatasync)$",
    "rename": "/^(rename|renameat|renameat2)$",
    "link": "/^(link|linkat|unlink|unlinkat)$",
    "write": "/^(write|pwrite64|writev)$",
    "send": "/^(sendto|sendmsg)$",
    "receive": "/^(recvfrom|recvmsg)$",
    "connect": "/^connect$",
}
"""The system calls that matter, by kind, as strace selects them."""
MOST_AT_ONCE = 5
LIVES = 25
"""Of one daemon in the soak."""


@dataclass
class Story:
    """What became of one daemon. `broken` says what must not be; it is empty where all is well."""

    name: str
    kills: int = 0
    sends: int = 0
    bills: int = 0
    uncertain: int = 0
    looks: int = 0
    broken: list[str] = field(default_factory=list)


class Spy(Dawspy):
    """The observer of a daemon's session, as a copy of this process, which is there at once."""

    def __init__(self, daemon: MortalDaemon) -> None:
        super().__init__(daemon.session)
        self._journal = daemon.journal
        self._seen = daemon.folder.with_name(f"{daemon.folder.name}.seen")

    def __enter__(self) -> Spy:
        asks, ends = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(ends)
            sys.stdin, sys.stdout = os.fdopen(asks), self._seen.open("w")
            dawspy.watch(self._folder)
            sys.stdout.close()
            os._exit(0)
        os.close(asks)
        self._ends = ends
        while not self._seen.exists() or not self._seen.read_text():  # it says when it watches
            time.sleep(0.001)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._ends)
        assert os.waitpid(self._pid, 0)[1] == 0, "the observer broke"
        told = [json.loads(line) for line in self._seen.read_text().splitlines()[1:]]
        self.sights = [Sight(Path(t["path"]), t["sha256"], t["frames"], t["problem"]) for t in told]

    def unseen(self) -> list[str]:
        """Audio that was delivered and that the observer has not seen."""
        handed = rows(self._journal, "SELECT output FROM stages WHERE stage = 'deliver'")
        files = [Path(file["path"]) for row in handed for file in json.loads(row["output"])["files"]]
        seen = {sight.path for sight in self.sights}
        return [f"nobody saw {path.name}" for path in files if path.suffix == ".wav" and path not in seen]


class Sweep:
    """What all daemons of one run have in common."""

    def __init__(self, folder: Path, services: SimulatedServices) -> None:
        self._folder, self._services = folder, services
        self.clip = folder / "riff.wav"
        song = render_demo(RATE_HZ).cut(9.6, 12.0)
        soundfile.write(self.clip, song.samples, song.rate_hz, subtype="PCM_24")

    def daemon(self, name: str) -> MortalDaemon:
        """A new daemon that has been started once and knows its folders."""
        daemon = MortalDaemon(self._folder / name, self._services.settings, self.clip)
        life = daemon.start()
        life.until_ready()
        life.wait()
        return daemon

    # Kills at random

    def soak(self, name: str, kills: int) -> Story:
        """One daemon that is killed so often, with sends in flight all the time."""
        chance, story = random.Random(name), Story(name)
        daemon, before = self.daemon(name), len(self._services.bills())
        kinds = [kind for kind in PARAMS if kind[0] in NAMES]
        with Spy(daemon) as spy:
            while story.kills < kills:
                by_step = chance.random() < 0.6
                life = daemon.start(step=round(10 ** chance.uniform(0.3, 2.8)) if by_step else 0)
                if daemon.unfinished() < MOST_AT_ONCE:
                    for _ in range(chance.randint(1, 2)):
                        daemon.drop(_drop(chance.choice(kinds), daemon.wishes))
                story.kills += life.kill_after(1.2 if by_step else chance.uniform(0.0, 1.0))
            daemon.start().wait()
            daemon.start(forgiving=True).wait()
        return self._told(story, daemon, before, spy)

    def undisturbed(self, service: str, operation: str) -> Story:
        """One send that nothing is done to."""
        story = Story(f"{service} {operation} undisturbed")
        daemon, before = self.daemon(story.name), len(self._services.bills())
        with Spy(daemon) as spy:
            daemon.drop(_drop((service, operation), 0))
            daemon.start().wait()
        return self._told(story, daemon, before, spy)

    # Kills at system calls

    def count(self, service: str, operation: str) -> tuple[Counter[str], Story]:
        """How often one thread of a send makes each kind of call, at most; and what came of that send."""
        story = Story(f"{service} {operation} untouched")
        daemon, before = self.daemon(story.name), len(self._services.bills())
        log = self._folder / f"{story.name}.calls"
        with Spy(daemon) as spy:
            daemon.drop(_drop((service, operation), 0))
            life = daemon.start(alone=True, held=True)
            with _traced(life, ["-o", str(log), "-e", f"trace=/{_any()}"]):
                life.wait()
        story.broken += strangers(called_in(log), daemon.may_call)
        threads = Counter[tuple[str, str]]()
        for thread, call in re.findall(r"^(\d+) +(\w+)\(", log.read_text("utf-8", "replace"), re.MULTILINE):
            threads[thread, _kind_of(call)] += 1
        most = Counter[str]()
        for (_, kind), times in threads.items():
            most[kind] = max(most[kind], times)
        return most, self._told(story, daemon, before, spy)

    def kill_at(self, service: str, operation: str, kind: str, number: int) -> Story:
        """One send whose daemon is killed at its so many-th call of a kind, and then goes on."""
        story = Story(f"{service} {operation} {kind} {number}")
        daemon, before = self.daemon(story.name), len(self._services.bills())
        with Spy(daemon) as spy:
            daemon.drop(_drop((service, operation), 0))
            life = daemon.start(alone=True, held=True)
            log = self._folder / "calls"
            injected = ("-e", f"trace={CALLS[kind]},connect", "-e", f"inject={CALLS[kind]}:signal=KILL:when={number}")
            # Workers are left alone: one that dies again and again is given up, and that is another test.
            with _traced(life, ["-o", str(log), *injected]):
                story.kills += life.wait()
            daemon.start().wait()
        story.broken += strangers(called_in(log), daemon.may_call)
        return self._told(story, daemon, before, spy)

    def _told(self, story: Story, daemon: MortalDaemon, before: int, spy: Spy) -> Story:
        bills = self._services.bills()[before:]
        story.broken += daemon.judge(bills) + spy.problems + spy.unseen()
        story.sends, story.bills, story.looks = daemon.wishes, len(bills), len(spy.sights)
        story.uncertain = daemon.count("uncertain")
        if not story.broken:
            shutil.rmtree(daemon.folder)
        return story


def _drop(kind: tuple[str, str], number: int) -> Drop:
    """A clip with parameters of its own: two sends alike would wait for approval."""
    service, operation = kind
    own = {"lyrics": f"one two {number}"} if kind == ("local", "midi") else {}
    style = {"style": f"dub {number}"} if service != "local" else {}
    return Drop(service, operation, {**PARAMS[kind], **style, **own}, needs_clip=operation != "generate")


def _any() -> str:
    return "^(" + "|".join(calls[3:-2] if "(" in calls else calls[2:-1] for calls in CALLS.values()) + ")$"


def _kind_of(call: str) -> str:
    return next(kind for kind, calls in CALLS.items() if re.search(calls[1:], call))


class _traced:  # noqa: N801 - reads as what it does
    """Strace on a life that is held, which begins when strace is there."""

    def __init__(self, life: Life, options: list[str]) -> None:
        self._life = life
        command = ["strace", "-qq", "-f", "--detach-on=execve", "-p", str(life.pid), *options]
        self._strace = subprocess.Popen(command, stderr=subprocess.PIPE)

    def __enter__(self) -> None:
        while "TracerPid:\t0\n" in Path(f"/proc/{self._life.pid}/status").read_text():
            assert self._strace.poll() is None, self._strace.communicate()[1]
            time.sleep(0.001)
        self._life.release()

    def __exit__(self, *_: object) -> None:
        self._strace.communicate(timeout=60)


def can_trace() -> bool:
    """Whether strace is there, and may look at processes."""
    found = shutil.which("strace")
    return found is not None and subprocess.run([found, "-o", os.devnull, "true"], check=False).returncode == 0


def numbers_of(most: int, at_most: int, chance: random.Random) -> list[int]:
    """Which calls out of so many are tried: all, or the first, the last and some in between."""
    if at_most == 0 or most <= at_most:
        return list(range(1, most + 1))
    return sorted(chance.sample(range(1, most + 1), at_most))


def swept(
    sweep: Sweep, service: str, operation: str, at_most: int, seed: str, kinds: Collection[str] = ()
) -> Iterator[Story]:
    """The untouched send, and each that is killed; where money goes out, more of those around the requests."""
    most, untouched = sweep.count(service, operation)
    print(json.dumps({"counts": most}), flush=True)
    yield untouched
    chance = random.Random(f"{seed} {service} {operation}")
    for kind in kinds or CALLS:
        often = 3 if kind in ("send", "receive", "connect") and service in NAMES else 1
        for number in numbers_of(most[kind], at_most * often, chance):
            yield sweep.kill_at(service, operation, kind, number)


def main(folder: Path, task: str, *rest: str) -> None:
    import_all()
    folder.mkdir(parents=True, exist_ok=True)
    with SimulatedServices() as services:
        sweep = Sweep(folder, services)
        if task == "soak":
            kills, seed = int(rest[0]), rest[1]
            names = [(f"{seed}-{n}", min(LIVES, kills - n * LIVES)) for n in range(-(-kills // LIVES))]
            stories = (sweep.soak(name, lives) for name, lives in names)
        else:
            stories = swept(sweep, rest[0], rest[1], int(rest[2]), rest[3], rest[4:])
        with closing(stories):
            for story in stories:
                print(json.dumps(asdict(story)), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main(Path(sys.argv[1]), *sys.argv[2:])
