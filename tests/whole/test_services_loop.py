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


async def test_stems_and_notes_of_a_clip_come_back_though_the_configured_service_has_none(tmp_path: Path):
    life = LivingDaemon(tmp_path, returns=ReturnsSettings(stems=0, midi=False), service="sonauto")
    async with life:
        for operation in ("stems", "midi"):
            drop(life, operation, seconds=2.0)
        sends = await life.ended(2)
    assert {(send.operation, send.service, send.state) for send in sends} == {
        ("stems", "local", State.DONE),
        ("midi", "local", State.DONE),
    }


async def test_what_no_service_does_by_the_way_is_refused_with_the_services_that_can(tmp_path: Path):
    life = LivingDaemon(tmp_path, service="sonauto")
    async with life:
        drop(life, "cover", seconds=1.0)
        drop(life, "stems", seconds=1.0, params="service: sonauto\n")
        whys = [life.sends / "rejected" / f"{name}.wav.why.txt" for name in ("cover", "stems")]
        await life.until(lambda _: all(why.is_file() for why in whys))
    assert [why.read_text("utf-8").splitlines()[0] for why in whys] == [
        "Sonauto has no cover. acedata, local, musicapi, sunoapi can: set service to one of these.",
        "Sonauto has no stems. acedata, local, musicapi, sunoapi can: set service to one of these.",
    ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def drop(life: LivingDaemon, operation: str, *, seconds: float = CLIP_S, params: str = "") -> None:
    song = render_demo(24_000)
    samples = [song.samples] * 2
    folder = life.sends / operation
    (folder / f"{operation}.wav.yaml").write_text(params or DROPS.get(operation, ""))
    hidden = life.session / f".sendreturn-{operation}.wav"
    with soundfile.SoundFile(hidden, "w", song.rate_hz, song.channels, "PCM_24") as file:
        for part in samples:
            file.write(part[: round(seconds / 2 * song.rate_hz)])
    hidden.rename(folder / f"{operation}.wav")


def assert_no_key(folder: Path) -> None:
    """The key is nowhere: in no sidecar, journal, log or staging file."""
    for path in folder.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path
