"""OSC programs that nobody here has written drive the daemon and show what it answers: liblo's tools and Pure Data.

They send clips by their paths, and press a DAW to send what is selected in it.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import soundfile
from clips import music
from daw_side import DawSide, selection
from living_daemon import LivingDaemon

RATE = 48_000
# A slider, and a button that sends what is selected: what a musician would patch together.
SURFACE = """#N canvas 0 0 450 300 12;
#X obj 10 10 loadbang;
#X obj 10 35 t b b b b;
#X msg 300 60 connect 127.0.0.1 {port};
#X obj 200 60 oscformat sendreturn subscribe;
#X msg 100 60 0.25;
#X obj 100 85 hsl 128 15 0 1 0 0 empty empty empty -2 -8 0 10 #fcfcfc #000000 #000000 0 1;
#X obj 100 110 oscformat sendreturn set weirdness;
#X obj 10 60 del 200;
#X msg 10 85 symbol {word};
#X obj 10 110 oscformat -f s sendreturn selected;
#X obj 10 140 list prepend send;
#X obj 10 165 list trim;
#X obj 10 190 netsend -u -b;
#X obj 100 215 oscparse;
#X obj 100 240 print heard;
#X connect 0 0 1 0;
#X connect 1 3 2 0;
#X connect 1 2 3 0;
#X connect 1 1 4 0;
#X connect 1 0 7 0;
#X connect 2 0 12 0;
#X connect 3 0 10 0;
#X connect 4 0 5 0;
#X connect 5 0 6 0;
#X connect 6 0 10 0;
#X connect 7 0 8 0;
#X connect 8 0 9 0;
#X connect 9 0 10 0;
#X connect 10 0 11 0;
#X connect 11 0 12 0;
#X connect 12 1 13 0;
#X connect 13 0 14 0;
"""
PATCH = """#N canvas 0 0 450 300 12;
#X obj 10 10 loadbang;
#X obj 10 35 t b b b;
#X msg 250 60 connect 127.0.0.1 {port};
#X msg 130 60 list;
#X obj 130 85 oscformat sendreturn ping;
#X obj 10 60 del 200;
#X msg 10 85 list {clip} extend_s 1 req from-pd;
#X obj 10 110 oscformat -f ssfss sendreturn extend;
#X obj 10 140 list prepend send;
#X obj 10 165 list trim;
#X obj 10 190 netsend -u -b;
#X obj 100 215 oscparse;
#X obj 100 240 print heard;
#X connect 0 0 1 0;
#X connect 1 2 2 0;
#X connect 1 1 3 0;
#X connect 1 0 5 0;
#X connect 2 0 10 0;
#X connect 3 0 4 0;
#X connect 4 0 8 0;
#X connect 5 0 6 0;
#X connect 6 0 7 0;
#X connect 7 0 8 0;
#X connect 8 0 9 0;
#X connect 9 0 10 0;
#X connect 10 1 11 0;
#X connect 11 0 12 0;
"""


def needs(*programs: str) -> pytest.MarkDecorator:
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not on this machine: {', '.join(missing)}")


class Heard:
    """What a program prints, line by line."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self.lines: list[str] = []

    async def until(self, wanted: Callable[[str], bool]) -> str:
        """The first line, heard already or to come, that is wanted."""
        for line in self.lines:
            if wanted(line):
                return line
        async with asyncio.timeout(60):
            while line := (await self._reader.readline()).decode(errors="replace").strip():
                self.lines.append(line)
                if wanted(line):
                    return line
        raise AssertionError(f"it ended after {self.lines}")


@asynccontextmanager
async def running(*command: str) -> AsyncIterator[Heard]:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        yield Heard(process.stdout)
    finally:
        process.terminate()
        await process.communicate()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until_bound(port: int) -> None:
    """Wait until a program listens at a UDP port."""
    async with asyncio.timeout(30):
        while True:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    return
            await asyncio.sleep(0.02)


def clip_of(living: LivingDaemon) -> Path:
    path = living.session / "riff.wav"
    soundfile.write(path, music(1.5), 48_000, "PCM_24")
    return path


async def send(port: int, *message: str) -> None:
    process = await asyncio.create_subprocess_exec("oscsend", "127.0.0.1", str(port), *message)
    assert await process.wait() == 0


@needs("oscsend", "oscdump", "stdbuf")
async def test_liblo_sends_a_clip_and_hears_it_come_back(tmp_path: Path) -> None:
    async with LivingDaemon(tmp_path) as living:
        port, own = living.daemon.osc.port, free_port()
        assert port is not None
        async with running("stdbuf", "-oL", "oscdump", f"osc.udp://:{own}/") as heard:
            await until_bound(own)
            await send(port, "/sendreturn/subscribe", "i", str(own))
            await send(port, "/sendreturn/extend", "sss", str(clip_of(living)), "extend_s", "1")
            await heard.until(lambda line: "/sendreturn/state" in line and '"preparing"' in line)
            returned = await heard.until(lambda line: "/sendreturn/return" in line and '"tail"' in line)
            assert returned.endswith("72000 48000")  # the tail starts where the clip ends
            done = await heard.until(lambda line: "/sendreturn/done" in line)
            assert str(living.session / "Returns") in done


@needs("pd")
async def test_a_patch_in_pure_data_sends_a_clip_and_shows_the_answers(tmp_path: Path) -> None:
    async with LivingDaemon(tmp_path) as living:
        patch = tmp_path / "patch.pd"
        patch.write_text(PATCH.format(port=living.daemon.osc.port, clip=clip_of(living)))
        async with running("pd", "-nogui", "-noaudio", "-nomidi", "-stderr", "-open", str(patch)) as heard:
            await heard.until(lambda line: "heard: list sendreturn pong" in line)
            accepted = await heard.until(lambda line: "sendreturn accepted" in line)
            assert accepted.endswith("req from-pd")
            (send,) = await living.ended()
            assert send.id in accepted
            assert send.params["extend_s"] == 1.0
            assert send.returns


class Daw:
    """A DAW in which a clip is selected, as its bridge's script tells of it."""

    def __init__(self, living: LivingDaemon, mailbox: Path) -> None:
        self._living = living
        self._side = DawSide(mailbox, str(living.session))
        self.pressed: list[dict[str, Any]] = []

    async def work(self) -> None:
        """Take each press, and send what is selected."""
        clip = clip_of(self._living)
        while True:
            press = self._side.press()
            if press is not None:
                self.pressed.append(press)
                piece = {"files": [{"path": str(clip)}], "length": RATE, "position": 0}
                session, params = self._living.session, press["params"]
                told = selection(press["request"], session, press["operation"], RATE, pieces=[piece], params=params)
                self._side.write("send", **told)
            await asyncio.sleep(0.05)


@asynccontextmanager
async def studio(folder: Path) -> AsyncIterator[tuple[LivingDaemon, Daw]]:
    """The daemon with REAPER's bridge installed, and a script in REAPER's place."""
    bridge = folder / "state" / "daws" / "reaper"
    bridge.mkdir(parents=True)
    (bridge / "installed").write_text("1", "utf-8")
    async with LivingDaemon(folder) as living:
        daw = Daw(living, bridge)
        working = asyncio.create_task(daw.work())
        try:
            yield living, daw
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


@pytest.mark.slow
@needs("oscsend", "oscdump", "stdbuf")
async def test_liblo_has_a_daw_send_what_is_selected(tmp_path: Path) -> None:
    async with studio(tmp_path) as (living, daw):
        port, own = living.daemon.osc.port, free_port()
        assert port is not None
        async with running("stdbuf", "-oL", "oscdump", f"osc.udp://:{own}/") as heard:
            await until_bound(own)
            await send(port, "/sendreturn/subscribe", "i", str(own))
            await send(port, "/sendreturn/selected", "ssssf", "extend", "extend_s", "1", "weirdness", "0.75")
            await heard.until(lambda line: "/sendreturn/state" in line and '"preparing"' in line)
            await heard.until(lambda line: "/sendreturn/done" in line)
            assert daw.pressed[0]["params"] == {"extend_s": "1", "weirdness": 0.75}
            (made,) = await living.ended()
            assert (made.operation, made.params["weirdness"]) == ("extend", 0.75)


@pytest.mark.slow
@needs("pd")
async def test_a_slider_and_a_button_in_pure_data_send_what_is_selected(tmp_path: Path) -> None:
    async with studio(tmp_path) as (living, daw):
        patch = tmp_path / "surface.pd"
        patch.write_text(SURFACE.format(port=living.daemon.osc.port, word="extend"))
        async with running("pd", "-nogui", "-noaudio", "-nomidi", "-stderr", "-open", str(patch)) as heard:
            await heard.until(lambda line: "heard: list sendreturn pong" in line)
            accepted = await heard.until(lambda line: "sendreturn accepted" in line)
            (made,) = await living.ended()
            assert made.id in accepted
            assert daw.pressed[0]["params"] == {"weirdness": 0.25}
            assert made.params["weirdness"] == 0.25
            done = await heard.until(lambda line: "sendreturn done" in line)
            assert made.id in done
