"""The command line as a user has it: in this process for speed, and as a process of its own where that matters."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fake_service import FakeService
from sendreturn.card import Card, read_card
from sendreturn.cli import main
from sendreturn.services import Services

PATIENCE_S = 30.0
QUIET_SETTINGS = {
    "osc": {"port": 0, "announce": False},
    "web": {"port": 0},
    "returns": {"stems": "none", "midi": False},
}
"""No fixed ports, and nothing made that was not asked for."""


@dataclass(frozen=True)
class Said:
    """What a command has answered."""

    code: int
    out: str
    err: str


def call(*arguments: object) -> Said:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert isinstance(ended.value.code, int)
    return Said(ended.value.code, out.getvalue(), err.getvalue())


class Desktop:
    """A user's computer: a state folder, a configuration and a session, with the environment set to them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.state = folder / "state"
        self.session = folder / "Song"
        self.session.mkdir(exist_ok=True)
        self.config = folder / "config.yaml"
        self.configure()
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("SENDRETURN_HOME", str(self.state))
        monkeypatch.setenv("SENDRETURN_CONFIG", str(self.config))
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")

    def configure(self, **settings: Any) -> None:
        self.config.write_text(yaml.safe_dump({**QUIET_SETTINGS, **settings}), "utf-8")

    def offer(self, service: FakeService) -> None:
        """Have a service of the test among those that are there."""

        def make(manifests: Any, *rest: Any) -> Services:
            services = Services({**manifests, service.manifest.name: service.manifest}, *rest)
            services._open[service.manifest.name] = service
            return services

        self._monkeypatch.setattr("sendreturn.house.Services", make)


class RunningDaemon:
    """`sendreturn run` as a process."""

    def __init__(self, *options: str, prefix: tuple[str, ...] = (), **env: str) -> None:
        command = [*prefix, sys.executable, "-m", "sendreturn.cli", "run", *options]
        self._state = Path(os.environ["SENDRETURN_HOME"])
        self._process = subprocess.Popen(
            command, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.said: Said | None = None

    def __enter__(self) -> RunningDaemon:
        try:
            self.card = self._until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def stop(self, number: signal.Signals = signal.SIGTERM, times: int = 1) -> Said:
        """Tell the process to stop, and wait until it has."""
        for _ in range(times):
            self._process.send_signal(number)
        out, err = self._process.communicate(timeout=PATIENCE_S)
        return Said(self._process.returncode, out, err)

    def get(self, path: str) -> dict[str, Any]:
        table: dict[str, Any] = httpx.get(f"{self.card.address}{path}", trust_env=False).json()
        return table

    def _until_ready(self) -> Card:
        until_s = time.monotonic() + PATIENCE_S
        while (card := read_card(self._state)) is None:
            assert self._process.poll() is None, self._process.communicate()
            assert time.monotonic() < until_s
            time.sleep(0.02)
        return card


def log_lines(state: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (state / "log" / "sendreturn.log").read_text("utf-8").splitlines()]
