"""What must be true after every fault, checked by machine. A test of a fault that asks none of these shows nothing.

| oracle | function |
|---|---|
| O1 credit: no request is billed twice | `paid_once` |
| O2 result: what was done lies in the session, whole | `results_there` |
| O3 no partial: whoever opens a file as it appears finds it complete | `Dawspy` |
| O4 no overwrite: no file of the user's changes or goes | `manifest`, `harmed` |
| O5 no secret: a canary stands nowhere but where it belongs | `canaries_in`, `canaries_of_processes` |
| O6 no loop: only what was dropped is sent | `unwished` |
| O7 liveness: everything ends, and health is well again | `unended` |
| O8 honesty: "done" is true, and what came is not called failed | `untrue` |
| O9 confinement: nothing is written elsewhere, and nobody else is called | `strays`, `strangers` |

Each gives a list of sentences about what is wrong, so that a test says `assert paid_once(...) == []`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
from sendreturn.returns.sidecar import verify
from sendreturn.words import ENDED, TEMP_PREFIX

AUDIO = (".wav", ".flac", ".mp3", ".ogg", ".aif", ".aiff")
SPY = Path(__file__).with_name("dawspy.py")


# O1


def paid_once(bills: Sequence[str], journal: Path) -> list[str]:
    """`bills`: the task of each request that the service has billed, in order."""
    wrong = [f"task {task} was billed {times} times" for task, times in Counter(bills).items() if times > 1]
    intents = rows(journal, "SELECT send_id, call, attempt, fate, task_id FROM intents")
    known = {intent["task_id"] for intent in intents if intent["task_id"]}
    doubtful = [intent for intent in intents if not intent["task_id"] and intent["fate"] in ("intended", "unknown")]
    nameless = set(bills) - known
    if len(nameless) > len(doubtful):
        wrong.append(f"{sorted(nameless)} were billed, but only {len(doubtful)} requests are in doubt")
    doubles = Counter((intent["send_id"], intent["call"], intent["attempt"]) for intent in intents)
    return wrong + [f"{which} was intended twice" for which, times in doubles.items() if times > 1]


# O2 and O8


def results_there(journal: Path) -> list[str]:
    """Every send that is done has all its files, and sidecars that are true."""
    wrong = []
    for row in rows(
        journal,
        "SELECT s.id, g.output FROM sends s LEFT JOIN stages g ON g.send_id = s.id AND g.stage = 'deliver'"
        " WHERE s.state = 'done'",
    ):
        if row["output"] is None:
            wrong.append(f"{row['id']} is done without a delivery")
            continue
        handed = json.loads(row["output"])
        wrong += [f"{file['path']} is missing" for file in handed["files"] if not Path(file["path"]).is_file()]
        sidecars = [path for path in Path(handed["folder"]).glob("*.json") if row["id"] in path.name]
        wrong += [problem for sidecar in sidecars for problem in verify(sidecar)]
        if not sidecars:
            wrong.append(f"{row['id']} has no sidecar")
    return wrong


def untrue(journal: Path, session: Path, returns: str = "Returns") -> list[str]:
    """Sends that are called done and are not, and sends that are called failed though a whole take lies there."""
    wrong = results_there(journal)
    for row in rows(journal, "SELECT id FROM sends WHERE state = 'failed'"):
        whole = [path for path in (session / returns).glob(f"*_{row['id']}/*.json") if verify(path) == []]
        wrong += [f"{row['id']} is called failed, but {path.name} is true" for path in whole]
    return wrong


# O3


@dataclass(frozen=True)
class Sight:
    """What the observer saw: how many frames a file decoded to, or what was wrong with it."""

    path: Path
    sha256: str
    frames: int | None
    problem: str


class Dawspy:
    """A process that does what a DAW does: it opens each file in a folder the moment it appears, and decodes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.sights: list[Sight] = []

    def __enter__(self) -> Dawspy:
        self._process = subprocess.Popen(
            [sys.executable, str(SPY), str(self._folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "watching\n"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        out, _ = self._process.communicate("", timeout=60)
        told = [json.loads(line) for line in out.splitlines()]
        self.sights = [Sight(Path(t["path"]), t["sha256"], t["frames"], t["problem"]) for t in told]

    @property
    def problems(self) -> list[str]:
        """Files that could not be decoded, and files that were other than when they had appeared."""
        wrong = [f"{sight.path.name}: {sight.problem}" for sight in self.sights if sight.problem]
        seen: dict[Path, str] = {}
        changed = [s.path.name for s in self.sights if seen.setdefault(s.path, s.sha256) != s.sha256]
        return wrong + [f"{name} has changed after it appeared" for name in changed]


# O4 and O9


_CONNECT = re.compile(r"\bconnect\(\d+, \{sa_family=(\w+), (.*?)\}")
_NOBODY = re.compile(r'sun_path=@?"(/var)?/run/nscd/socket"')
"""What the C library asks before it looks a name up itself."""


def strangers(called: Iterable[str], allowed: Collection[str]) -> list[str]:
    """Places that were called, as "host:port" or whatever they are, and are none of the `allowed` ones."""
    return [f"{place} was called" for place in sorted(set(called) - set(allowed))]


def called_in(strace_log: Path) -> list[str]:
    """Where the processes that strace has followed connected to, with all that they were linked with."""
    found = _CONNECT.findall(strace_log.read_text("utf-8", "replace"))
    return [_place(family, where) for family, where in found if not _NOBODY.search(where)]


def _place(family: str, where: str) -> str:
    port = re.search(r"_port=htons\((\d+)\)", where)
    host = re.search(r'inet_(?:addr\(|pton\(AF_INET6, )"([^"]+)"', where)
    return f"{host[1]}:{port[1]}" if host and port else f"{family} {where}"


def manifest(tree: Path) -> dict[Path, str]:
    """The sha256 of every plain file below `tree`."""
    return {path: _sha256(path) for path in sorted(tree.rglob("*")) if path.is_file() and not path.is_symlink()}


def harmed(before: Mapping[Path, str], movable: Collection[Path] = ()) -> list[str]:
    """Files of `before` that have changed or gone. What lay below `movable` (hot folders) may lie elsewhere in it."""
    after = {sha256 for folder in movable for sha256 in manifest(folder).values()}
    wrong = []
    for path, sha256 in before.items():
        there = _sha256(path) if path.is_file() else None
        if there == sha256 or (there is None and sha256 in after and any(path.is_relative_to(f) for f in movable)):
            continue
        wrong.append(f"{path} is gone" if there is None else f"{path} has changed")
    return wrong


def strays(before: Mapping[Path, str], tree: Path, allowed: Collection[Path]) -> list[str]:
    """Files that came or changed below `tree` but outside the `allowed` folders."""
    after = manifest(tree)
    outside = [path for path in after if not any(path.is_relative_to(folder) for folder in allowed)]
    return [f"{path} was written" for path in outside if before.get(path) != after[path]]


def left_over(tree: Path) -> list[str]:
    """Temporary files of ours that were left behind."""
    return sorted(str(path) for path in tree.rglob(f"{TEMP_PREFIX}*"))


# O5


def canaries_in(canaries: Iterable[str], *trees: Path, but: Collection[Path] = ()) -> list[str]:
    """Where a canary stands in plain text: in any file below `trees` (databases and their logs too), or its name."""
    wanted = [canary.encode() for canary in canaries]
    places = [path for tree in trees for path in (tree.rglob("*") if tree.is_dir() else [tree]) if path not in but]
    found = []
    for path in places:
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found += [f"{path} holds a secret" for canary in wanted if canary in content or canary in os.fsencode(path)]
    return found


def canaries_of_processes(canaries: Collection[str], pid: int, *, with_own_environment: bool = False) -> list[str]:
    """Canaries in the command lines of a process and all below it, and in the environments of those below it.

    A child that is not yet the program it is going to be still shows its parent's own environment.
    """
    family = [psutil.Process(pid)]
    own = family[0].cmdline()
    family += family[0].children(recursive=True)
    found = []
    for process in family:
        with suppress(psutil.NoSuchProcess):
            texts = [*process.cmdline()]
            if with_own_environment or (process.pid != pid and texts != own):
                texts += process.environ().values()
            found += [f"process {process.pid} shows a secret" for c in canaries if any(c in text for text in texts)]
    return found


# O6


def unwished(journal: Path, wished: Collection[Path]) -> list[str]:
    """Sends of clips that nobody has dropped. `wished`: where the clips lay when they were dropped."""
    found = (row["found_at"] for row in rows(journal, "SELECT found_at FROM sends WHERE found_at IS NOT NULL"))
    return [f"{path} was sent" for path in found if Path(path) not in wished]


# O7


def unended(journal: Path, health: Mapping[str, Any] | None = None) -> list[str]:
    """Sends that have not ended, and what `/health` still complains about."""
    ended = {state.value for state in ENDED}
    sends = rows(journal, "SELECT id, state FROM sends")
    wrong = [f"{row['id']} is still {row['state']}" for row in sends if row["state"] not in ended]
    return wrong + [f"health: {problem['what']}" for problem in (health or {}).get("problems", ())]


def rows(journal: Path, query: str) -> list[sqlite3.Row]:
    """Rows of a journal that a daemon may be writing."""
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=10)) as db:
        db.row_factory = sqlite3.Row
        return db.execute(query).fetchall()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
