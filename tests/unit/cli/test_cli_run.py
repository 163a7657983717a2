"""`sendreturn run` as a process: it starts once, stops when told, and leaves nothing out and nothing behind."""

from __future__ import annotations

import json
import signal
import socket
import sys
import time
from pathlib import Path

import pytest
import soundfile
from command_line import PATIENCE_S, Desktop, RunningDaemon, call, log_lines
from sendreturn.card import CARD_NAME
from sendreturn.demo.song import render_demo

pytestmark = pytest.mark.usefixtures("no_leaks")
CANARY = "sk-canary-0123456789abcdef"
WITHOUT_OUTPUT = ("sh", "-c", 'exec "$@" >&- 2>&-', "sh")


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desktop:
    return Desktop(tmp_path, monkeypatch)


def test_it_runs_once_stops_when_told_and_tells_no_secret(desktop: Desktop):
    call("watch", desktop.session)
    with RunningDaemon(SONAUTO_API_KEY=CANARY) as daemon:
        second = call("run")
        assert (second.code, second.out) == (1, "")
        assert second.err.startswith(f"sendreturn: Another sendreturn is using the state folder {desktop.state}.")
        assert daemon.get("/health")["status"] == "ok"
        assert call("doctor").code == 0
        said = daemon.stop()
    assert (said.code, said.out) == (0, "")
    assert "ready" in said.err
    assert not (desktop.state / CARD_NAME).exists()
    events = [line["event"] for line in log_lines(desktop.state)]
    assert "ready" in events
    assert events[-1] == "stopping"
    token = (desktop.state / "token").read_text()
    for text in (said.err, (desktop.state / "log" / "sendreturn.log").read_text("utf-8")):
        assert not [part for part in ("\x1b", CANARY, token) if part in text]
        assert "Traceback" not in text


@pytest.mark.slow
def test_a_send_that_was_under_way_goes_on_at_the_next_start(desktop: Desktop):
    song = render_demo(48_000).cut(0.0, 9.6)
    clip = desktop.session / "riff.wav"
    soundfile.write(clip, song.samples, song.rate_hz, subtype="PCM_24")
    with RunningDaemon("--quiet") as daemon:
        send_id = call("send", clip, "-o", "extend", "--set", "extend_s=4").out.strip()
        until(daemon, send_id, {"generating", "fetching", "finishing"})
        said = daemon.stop()
    assert (said.code, said.err) == (0, "")
    left = json.loads(call("show", send_id, "--json").out)
    assert left["state"] not in ("done", "failed")
    with RunningDaemon("--quiet") as daemon:
        send = until(daemon, send_id, {"done", "failed"})
        daemon.stop()
    assert send["state"] == "done", send["text"]
    states = [entry["state"] for entry in send["history"]]
    assert states.count("preparing") == 1


def until(daemon: RunningDaemon, send_id: str, states: set[str]) -> dict:
    until_s = time.monotonic() + PATIENCE_S
    while (send := daemon.get(f"/api/sends/{send_id}"))["state"] not in states:
        assert time.monotonic() < until_s, send
        time.sleep(0.01)
    return send


def test_a_taken_port_is_told_and_the_command_line_finds_the_daemon_all_the_same(desktop: Desktop):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        desktop.configure(web={"port": port})
        with RunningDaemon() as daemon:
            assert daemon.card.address != f"http://127.0.0.1:{port}"
            assert daemon.get("/health")["status"] == "degraded"
            assert call("list").code == 0
            doctor = call("doctor")
            said = daemon.stop()
    assert doctor.code == 1
    assert str(port) in doctor.out
    assert f"Port {port} cannot be had" in said.err


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize(("number", "times"), [("SIGHUP", 1), pytest.param("SIGINT", 2, marks=pytest.mark.slow)])
def test_a_closed_terminal_and_an_impatient_user_stop_it_cleanly(desktop: Desktop, number: str, times: int):
    with RunningDaemon() as daemon:
        said = daemon.stop(signal.Signals[number], times)
    assert said.code == 0
    assert "Traceback" not in said.err
    assert not (desktop.state / CARD_NAME).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no sh")
def test_it_works_without_output_and_without_a_log(desktop: Desktop):
    (desktop.state / "log" / "sendreturn.log").mkdir(parents=True)
    with RunningDaemon(prefix=WITHOUT_OUTPUT) as daemon:
        assert daemon.get("/health")["status"] == "ok"
        assert call("list").code == 0
        said = daemon.stop()
    assert (said.code, said.out, said.err) == (0, "", "")


@pytest.mark.slow
def test_it_is_killed_and_the_next_one_starts_all_the_same(desktop: Desktop):
    with RunningDaemon() as daemon:
        daemon.stop(signal.SIGKILL)
    assert (desktop.state / CARD_NAME).exists()
    assert call("list").code == 0
    with RunningDaemon() as daemon:
        assert daemon.stop().code == 0
