"""`sendreturn simulate` as a user has it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import yaml
from command_line import call
from sendreturn.services import load_manifests
from sendreturn.settings import ServiceSettings
from sendreturn.testing.catalogue import simulator_of

PATIENCE_S = 60.0


@pytest.mark.parametrize("name", [name for name, manifest in load_manifests().items() if not manifest.free])
def test_every_paid_service_has_a_simulator(name: str):
    simulator = simulator_of(name)()
    assert simulator.name == name
    assert "base_url" in simulator.urls


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_says_how_it_is_used_and_stops_when_told(tmp_path: Path, stop: signal.Signals):
    command = [sys.executable, "-m", "sendreturn.cli", "simulate", "musicapi", "--set", "looks=5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        lines = []
        while "public_url" not in (line := process.stdout.readline()):
            lines.append(line)
            assert line, process.stderr and process.stderr.read()
        told = yaml.safe_load("".join(line for line in lines if line.startswith("    ") and "export" not in line))
        service = ServiceSettings(**told["services"]["musicapi"])
        with urllib.request.urlopen(f"{service.base_url}/_simulator/switches") as answer:
            assert json.load(answer)["looks"] == 5
        process.send_signal(stop)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert "Stopped" in out
    assert (process.returncode, err) == (0, "")


def test_it_shows_its_switches():
    said = call("simulate", "sonauto", "--set", "looks=7", "--switches")
    assert said.code == 0
    assert {"looks=7", "codec=mp3", "fail_next=null"} <= set(said.out.splitlines())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nobody",), "no service 'nobody'"),
        (("local",), "costs nothing"),
        (("sonauto", "--set", "loks=2"), "Did you mean looks?"),
        (("sonauto", "--set", "looks"), "name=value"),
        (("sonauto", "--set", "looks=many"), "cannot be 'many'"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(arguments: tuple[str, ...], words: str):
    said = call("simulate", *arguments)
    assert (said.code, said.out) == (2, "")
    assert words in said.err


def test_a_taken_port_is_told_in_a_sentence():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = call("simulate", "sonauto", "--port", min(taken.getsockname()[1], 65_534))
    assert said.code == 1
    assert "cannot be used" in said.err
