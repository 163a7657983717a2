"""From a button on a phone through the living daemon into a DAW, and how it stands back onto the phone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
from clips import music
from daw_side import DawSide, selection
from living_daemon import LivingDaemon, Osc
from sendreturn_bridges.daws.surfaces import Surface
from sendreturn_bridges.daws.touchosc.layout import touchosc_document
from touchosc_side import Message, Screen

pytestmark = pytest.mark.usefixtures("no_leaks")
RATE = 48_000


class Phone:
    """A phone that shows the layout and sends over a real socket."""

    def __init__(self, osc: Osc) -> None:
        self._osc = osc
        self._heard = 0
        port = osc.own_port
        surface = Surface("sendreturn-bridge 1", 0, ("lofi-cover",), listens_at=port)
        self.screen = Screen(touchosc_document(surface), self._send)

    def _send(self, message: Message) -> None:
        self._osc.say(message[0], *message[1])

    async def until(self, is_so: Callable[[], Any]) -> Any:
        async with asyncio.timeout(60):
            while not (found := is_so()):
                await asyncio.sleep(0.01)
                for said in self._osc.answers[self._heard :]:
                    self.screen.receive(said.address, *said.params)
                    self._heard += 1
        return found


async def test_a_button_sends_what_is_selected_and_the_phone_shows_how_it_stands(tmp_path: Path) -> None:
    bridge = tmp_path / "state" / "daws" / "reaper"
    bridge.mkdir(parents=True)
    (bridge / "installed").write_text("1", "utf-8")
    async with LivingDaemon(tmp_path) as living, living.osc() as osc:
        clip = living.session / "riff.wav"
        soundfile.write(clip, music(1.0), RATE, "PCM_24")
        phone, daw = Phone(osc), DawSide(bridge, str(living.session))
        dark = phone.screen.control("link").color
        phone.screen.pass_ms(16)
        await phone.until(lambda: phone.screen.control("link").color != dark)
        phone.screen.slide("weirdness", 0.25)
        phone.screen.press("do_extend")
        press = await phone.until(daw.press)
        piece = {"files": [{"path": str(clip)}], "length": RATE, "position": 0}
        told = selection(press["request"], living.session, press["operation"], RATE, pieces=[piece])
        daw.write("send", **{**told, "params": press["params"]})
        await phone.until(lambda: phone.screen.text("title").startswith("extend "))
        await phone.until(lambda: phone.screen.text("text").startswith("Done: "))
        (send,) = await living.ended()
        assert phone.screen.text("title") == f"extend {send.id}"
        assert phone.screen.control("progress").values.x == 1
        assert send.params["weirdness"] == 0.25
        assert phone.screen.text("text") == f"Done: {len(send.returns)} files came back."
