"""`sendreturn run` as a process of its own, which can be killed, and what it must have left behind at the end."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import psutil
import yaml
from sendreturn.returns.sidecar import verify

PATIENCE_S = 90.0
LOOK_EVERY_S = 0.002
PLAIN = {"stems": 0, "midi": False}


class DaemonProcess:
    """A daemon on a state folder and a session of its own. `start` it as often as it is killed."""

    def __init__(self, folder: Path, *, osc_port: int = 0, returns: Mapping[str, Any] = PLAIN) -> None:
        self.folder = folder
        self.session = folder / "Song"
        self.sends = self.session / "Sends"
        self.state = folder / "state"
        for operation in ("extend", "cover", "inpaint"):
            (self.sends / operation).mkdir(parents=True)
        config = {
            "sessions": [{"path": str(self.session)}],
            "osc": {"port": osc_port, "announce": False},
            "web": {"port": 0},
            "hot_folder": {"settle_s": 0.05},
            "returns": dict(returns),
            "services": {"local": {"poll_s": 0.05}},
        }
        (folder / "sendreturn.yaml").write_text(yaml.safe_dump(config))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, under: Sequence[str] = ()) -> None:
        """Start it, `under` another program such as strace."""
        command = [sys.executable, "-m", "sendreturn.cli", "--config", str(self.folder / "sendreturn.yaml"), "run"]
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [*under, *command],
                env={**os.environ, "SENDRETURN_HOME": str(self.state), "PYTHONWARNINGS": "default"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def kill(self) -> None:
        """SIGKILL the daemon alone. Its workers end by themselves; raises where one does not."""
        assert self._process is not None
        family = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        self._process.wait()
        assert psutil.wait_procs(family, timeout=20)[1] == [], "a worker outlived its daemon"

    def kill_all(self) -> None:
        """SIGKILL the daemon with its workers, and with strace where it runs under that."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self) -> int:
        """End it as the system does, once it is ready; returns its exit code. No process of it is left."""
        assert self._process is not None
        self._until(self._is_ready)
        family = psutil.Process(self._process.pid).children(recursive=True)
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(timeout=30)
        assert psutil.wait_procs(family, timeout=20)[1] == [], "a process outlived its daemon"
        return code

    def until_gone_or(self, true_of: Callable[[list[str]], bool]) -> bool:
        """Wait until the states that the send has gone through are as wanted; false where the daemon ended before."""
        assert self._process is not None
        until_s = time.monotonic() + PATIENCE_S
        while not true_of(self.states()):
            if self._process.poll() is not None:
                return true_of(self.states())
            assert time.monotonic() < until_s, (self.states(), self.output())
            time.sleep(LOOK_EVERY_S)
        return True

    def until_ready(self) -> None:
        """Wait until its ports are open."""
        self._until(self._is_ready)

    def until_working(self) -> None:
        """Wait until a worker of the local service runs."""
        self._until(lambda: psutil.Process(self._process.pid).children() != [])

    def card(self) -> dict[str, Any] | None:
        """What the daemon says of itself in the state folder; a killed one leaves its own behind, which is not it."""
        try:
            card: dict[str, Any] = json.loads((self.state / "daemon.json").read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        is_its = self._process is not None and self._process.poll() is None and card["pid"] == self._process.pid
        return card if is_its else None

    def _is_ready(self) -> bool:
        return self.card() is not None

    def _until(self, is_so: Callable[[], bool]) -> None:
        assert self._process is not None
        until_s = time.monotonic() + PATIENCE_S
        while not is_so():
            assert self._process.poll() is None, self.output()
            assert time.monotonic() < until_s, self.output()
            time.sleep(LOOK_EVERY_S)

    def states(self) -> list[str]:
        """All states that the journal's sends have been in, in order."""
        journal = self.state / "journal.db"
        if not journal.exists():
            return []
        try:
            with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=5)) as db:
                return [row[0] for row in db.execute("SELECT state FROM history ORDER BY number")]
        except sqlite3.OperationalError:  # it is just being made
            return []

    def count_sends(self) -> int:
        with closing(sqlite3.connect(f"file:{self.state / 'journal.db'}?mode=ro", uri=True)) as db:
            return int(db.execute("SELECT count(*) FROM sends").fetchone()[0])

    def output(self) -> str:
        return (self.folder / "output").read_text("utf-8", "replace")[-3000:]


def assert_whole(daemon: DaemonProcess, operation: str, source_sha256: str) -> None:
    """One send, done once; a complete set of returns, and nothing else; the user's clip as it was."""
    assert daemon.count_sends() == 1
    assert daemon.states().count("done") == 1
    assert daemon.states()[-1] == "done"
    (folder,) = (daemon.session / "Returns").iterdir()
    (sidecar,) = folder.glob("*.json")
    assert verify(sidecar) == []
    listed = {file["path"] for file in json.loads(sidecar.read_text("utf-8"))["returns"]}
    projects = {f"{folder.name}.dawproject", f"{folder.name}.RTrackTemplate"}
    assert {path.name for path in folder.iterdir()} == {*listed, sidecar.name, *projects}
    assert ZipFile(folder / f"{folder.name}.dawproject").testzip() is None
    assert {"extend": 2, "inpaint": 1}.get(operation, len(listed)) == len(listed)
    assert not list(daemon.session.rglob(".sendreturn-*"))
    assert not list((daemon.sends / operation).iterdir())
    assert not (daemon.sends / "rejected").exists()
    kept = [path for path in (daemon.sends / "sent").iterdir() if path.suffix == ".wav"]
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in kept] == [source_sha256]
