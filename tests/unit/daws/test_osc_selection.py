"""A DAW's script says over OSC that a selection lies in its mailbox: it is taken at once, and once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import soundfile
from clips import music
from daw_side import DawSide, selection
from living_daemon import LivingDaemon, Osc
from sendreturn import __version__
from sendreturn.daws.contract import DawManifest, LinkSetup
from sendreturn.daws.mailbox import MailboxLink
from sendreturn.daws.wiring import daws_of

RATE = 48_000


class Desk:
    def __init__(self, living: LivingDaemon, daw: DawSide, osc: Osc) -> None:
        self.living, self.daw, self.osc = living, daw, osc

    def document(self, **more: object) -> Path:
        clip = self.living.session / "riff.wav"
        soundfile.write(clip, music(1.0), RATE, "PCM_24")
        piece = {"files": [{"path": str(clip)}], "length": RATE, "position": 0}
        told = selection("one", self.living.session, "cover", RATE, **{"pieces": [piece], **more})
        return self.daw.write("send", **told)


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Desk]:
    async with LivingDaemon(folder) as living:
        daws = daws_of(living.settings, folder / "state", living.daemon.house.conductor)
        setup = LinkSetup(
            DawManifest("testdaw", "Test DAW", ""), folder / "state" / "daws" / "testdaw", daws, __version__
        )
        await daws.start({"testdaw": MailboxLink(setup)})
        living.daemon.osc.hear_selections(daws.take)
        try:
            async with living.osc() as osc:
                yield Desk(living, DawSide(setup.folder, str(living.session)), osc)
        finally:
            await daws.stop()


async def test_a_document_in_the_mailbox_is_accepted_and_answered(tmp_path: Path) -> None:
    async with desk(tmp_path) as found:
        found.osc.say("/sendreturn/selection", str(found.document()), "req", 7)
        answer = await found.osc.hear("/sendreturn/accepted")
        (send,) = found.living.daemon.house.conductor.list()
        assert answer[0] == send.id
        assert answer[-2:] == ["req", 7]
        assert list((found.daw.mailbox / "out").iterdir()) == []


async def test_said_twice_it_is_one_send_and_answered_twice(tmp_path: Path) -> None:
    async with desk(tmp_path) as found:
        path = found.document()
        found.osc.say("/sendreturn/selection", str(path), "req", 1)
        found.osc.say("/sendreturn/selection", str(path), "req", 2)
        answered: set[int] = set()
        while answered != {1, 2}:
            await asyncio.sleep(0.01)
            answered = {said.params[-1] for said in found.osc.answers if said.address == "/sendreturn/accepted"}
        assert len(found.living.daemon.house.conductor.list()) == 1


async def test_what_is_wrong_with_a_document_is_answered(tmp_path: Path) -> None:
    async with desk(tmp_path) as found:
        found.osc.say("/sendreturn/selection", str(found.document(pieces=[])))
        assert "Nothing is selected" in (await found.osc.hear("/sendreturn/error"))[0]


@pytest.mark.parametrize("text", ["{", json.dumps({"kind": "send"})])
async def test_a_document_that_cannot_be_read_is_answered(tmp_path: Path, text: str) -> None:
    async with desk(tmp_path) as found:
        path = found.daw.mailbox / "out" / "x.part"
        path.write_text(text, "utf-8")
        found.osc.say("/sendreturn/selection", str(path.rename(path.with_suffix(".json"))))
        assert (await found.osc.hear("/sendreturn/error"))[0].startswith("The DAW's side sent")


@pytest.mark.parametrize("where", ["elsewhere.json", "gone", "\0", ""])
async def test_nothing_but_a_mailbox_is_looked_into(tmp_path: Path, where: str) -> None:
    async with desk(tmp_path) as found:
        stranger = found.document().rename(tmp_path / "elsewhere.json")
        found.osc.say("/sendreturn/selection", str(tmp_path / where) if where not in ("", "\0") else where)
        assert (await found.osc.hear("/sendreturn/error"))[0]
        assert stranger.is_file()


async def test_without_a_bridge_and_without_a_path_it_is_an_error(tmp_path: Path) -> None:
    async with LivingDaemon(tmp_path) as living, living.osc() as osc:
        osc.say("/sendreturn/selection")
        assert "path" in (await osc.hear("/sendreturn/error"))[0]
