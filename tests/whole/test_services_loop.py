"""The same hot-folder drop gives a complete set of returns from every service, switched by one word of settings."""

from __future__ import annotations

import importlib
import socket
from collections import Counter
from pathlib import Path

import pytest
import soundfile
from living_daemon import LivingDaemon
from sendreturn.demo.song import render_demo
from sendreturn.returns.sidecar import read_sidecar, verify
from sendreturn.services import load_manifests
from sendreturn.settings import ReturnsSettings, ServiceSettings
from sendreturn.words import Kind, State

KEY = "canary-4711-of-the-tests"
SLOW = pytest.mark.slow
ONLINE = [name for name, manifest in load_manifests().items() if not manifest.free]
CLIP_S = 24.0
"""Suno API replaces sections of 10 s or more, and at most half of the clip."""
DROPS = {"extend": "extend_s: 5\n", "cover": "style: jazz\n", "inpaint": "section_s: [6, 16]\nstyle: jazz\n"}


@pytest.mark.parametrize("name", [pytest.param(name, marks=SLOW if name != "sonauto" else ()) for name in ONLINE])
async def test_every_service_answers_a_drop_with_a_complete_set(tmp_path: Path, name: str):
    manifest = load_manifests()[name]
    simulator = importlib.import_module(f"sendreturn_bridges.services.{name}.simulator").SIMULATOR(key=KEY)
    simulator.switches.update({"looks": 1})
    port = free_port()  # the service has to know where the daemon is before it starts
    async with simulator.running():
        service = ServiceSettings(
            **{"poll_s": 0.05, "api_key_env": "TEST_KEY", "options": {"requests": 0}, **simulator.settings}
        )
        life = LivingDaemon(
            tmp_path,
            returns=ReturnsSettings(stems=0, midi=False),
            service=name,
            services={name: service},
            web_port=port,
            public_url=f"http://127.0.0.1:{port}",
            env={"TEST_KEY": KEY},
        )
        async with life:
            wanted = [operation for operation in DROPS if operation in manifest.operations]
            for operation in wanted:
                drop(life, operation)
            sends = await life.ended(len(wanted))
    assert {send.operation: (send.state, send.text) for send in sends if send.state is not State.DONE} == {}
    for send in sends:
        kinds = Counter(file.kind for path in send.folder.glob("*.json") for file in read_sidecar(path).returns)
        assert kinds[Kind.MIX] >= 1
        assert (kinds[Kind.TAIL] >= 1) == (send.operation == "extend")
        assert [problem for path in send.folder.glob("*.json") for problem in verify(path)] == []
    assert len(simulator.ledger) >= len(wanted)
    assert_no_key(tmp_path)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def drop(life: LivingDaemon, operation: str) -> None:
    song = render_demo(24_000)
    samples = [song.samples] * 2
    folder = life.sends / operation
    (folder / "riff.wav.yaml").write_text(DROPS[operation])
    hidden = life.session / f".sendreturn-{operation}.wav"
    with soundfile.SoundFile(hidden, "w", song.rate_hz, song.channels, "PCM_24") as file:
        for part in samples:
            file.write(part[: round(CLIP_S / 2 * song.rate_hz)])
    hidden.rename(folder / "riff.wav")


def assert_no_key(folder: Path) -> None:
    """The key is nowhere: in no sidecar, journal, log or staging file."""
    for path in folder.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path
