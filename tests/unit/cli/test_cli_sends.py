"""Sends from the command line, with a running daemon and without one."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from command_line import Desktop, Said, call
from fake_service import FakeService, manifest, write_tone
from living_daemon import LivingDaemon
from sendreturn.card import Card, write_card
from sendreturn.commands import follow
from sendreturn.errors import Outcome, ServiceError
from sendreturn.logs import logs_in
from sendreturn.settings import Budget
from sendreturn.words import State

pytestmark = pytest.mark.usefixtures("no_leaks")
NO_ID = "ffffffff"


class Studio:
    """The user's computer with a service of the test, and a daemon while `daemon` is true."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, daemon: bool, price: float = 0.0, **settings: Any
    ) -> None:
        self.desktop = Desktop(folder, monkeypatch)
        self._settings = settings
        self.service = FakeService(manifest("studio", free=price == 0, price=price), credits=price)
        self.desktop.offer(self.service)
        self.has_daemon = daemon
        self._folder = folder
        self._open = AsyncExitStack()
        self.clip = write_tone(self.desktop.session / "riff.wav", seconds=0.4)
        monkeypatch.setattr(follow, "LOOK_EVERY_S", 0.02)

    async def __aenter__(self) -> Studio:
        if self.has_daemon:
            self._open.enter_context(logs_in(self._folder, str, None))
            self.life = await self._open.enter_async_context(LivingDaemon(self._folder, **self._settings))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def call(self, *arguments: object) -> Said:
        return await asyncio.to_thread(call, *arguments)

    async def send(self, *options: object) -> Said:
        return await self.call("send", self.clip, "-o", "cover", "--service", "studio", *options)

    async def until(self, send_id: str, state: str) -> None:
        async with asyncio.timeout(30):
            while (await self.shown(send_id))["state"] != state:  # noqa: ASYNC110 - asked as a user asks
                await asyncio.sleep(0.02)

    async def shown(self, send_id: str) -> dict:
        said = await self.call("show", send_id, "--json")
        assert said.code == 0, said.err
        table: dict = json.loads(said.out)
        return table


Open = Callable[..., Studio]


@pytest.fixture(params=[True, False], ids=["daemon", "alone"])
def studio(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    return lambda **more: Studio(tmp_path, monkeypatch, daemon=request.param, **more)


def refuse() -> None:
    raise ServiceError("Studio has no time for this.", "Ask again tomorrow.")


def no_key() -> None:
    raise ServiceError("There is no API key for Studio.", "Set one.", outcome=Outcome.ASK, of_account=True)


async def test_a_send_prints_its_id_alone_and_is_done(studio: Open):
    async with studio() as home:
        said = await home.send("--wait", "--set", "style=smooth jazz", "--set", "bpm=98.5")
        assert said.code == 0, said.err
        assert re.fullmatch(r"[0-9a-f]{8}\n", said.out)
        send = await home.shown(said.out.strip())
    assert send["state"] == "done"
    assert send["params"] == {"style": ["smooth jazz"], "bpm": 98.5}
    assert (send["operation"], send["service"], send["clip"]) == ("cover", "studio", str(home.clip))
    (mix,) = send["returns"]
    assert Path(mix).exists()
    assert said.err.splitlines()[-1] == mix
    assert f"{send['id']} done 100%" in said.err
    assert "\x1b" not in said.err


async def test_a_send_that_fails_is_told_and_exits_1(studio: Open):
    async with studio() as home:
        home.service.on_submit = refuse
        said = await home.send("--wait")
        assert said.code == 1
        assert said.err.splitlines()[-1] == "sendreturn: Studio has no time for this. Ask again tomorrow."
        home.service.on_submit = lambda: None
        again = await home.call("retry", said.out.strip(), "--wait")
        assert (again.code, again.out) == (0, said.out)
        assert (await home.shown(said.out.strip()))["state"] == "done"


async def test_a_relative_path_is_the_users_not_the_daemons(studio: Open, monkeypatch: pytest.MonkeyPatch):
    async with studio() as home:
        monkeypatch.chdir(home.clip.parent)
        said = await home.call("send", "riff.wav", "-o", "cover", "-s", "studio", "--session", ".", "--wait")
        assert said.code == 0, said.err
        assert (await home.shown(said.out.strip()))["clip"] == str(home.clip)


async def test_lists_are_text_for_people_and_json_for_scripts(studio: Open):
    async with studio() as home:
        empty = await home.call("list")
        assert (empty.code, empty.err) == (0, "")
        assert "There are no sends" in empty.out
        assert json.loads((await home.call("list", "--json")).out) == {"sends": []}
        first = (await home.send("--wait")).out.strip()
        home.service.on_submit = refuse
        second = (await home.send("--wait")).out.strip()
        lines = (await home.call("list")).out.splitlines()
        table = json.loads((await home.call("list", "--json")).out)
        failed = json.loads((await home.call("list", "--json", "--state", "failed")).out)
    assert [line.split()[:2] for line in lines] == [[second, "failed"], [first, "done"]]
    assert "riff.wav" in lines[0]
    assert [send["id"] for send in table["sends"]] == [second, first]
    assert [send["id"] for send in failed["sends"]] == [second]


async def test_a_send_is_shown_with_all_that_is_known(studio: Open):
    async with studio() as home:
        send_id = (await home.send("--wait", "--set", "seed=3")).out.strip()
        said = await home.call("show", send_id)
    assert (said.code, said.err) == (0, "")
    for line in (
        f"id: {send_id}",
        "operation: cover",
        "service: studio",
        "state: done",
        'params: {"seed": 3}',
        "cost: 0",
    ):
        assert line in said.out.splitlines()
    assert re.search(r"^history:\n  2\S+  queued +came by (http|cli)$", said.out, re.MULTILINE)
    assert re.search(r"^returns:\n  /.*_t1\.wav$", said.out, re.MULTILINE)


@pytest.mark.parametrize("command", ["show", "cancel", "retry", "approve"])
async def test_an_id_that_is_none_is_bad_usage_and_one_that_is_unknown_a_failure(studio: Open, command: str):
    async with studio() as home:
        odd = [await home.call(command, text) for text in ("riff", "FFFFFFFF", "../../../", "ffffffff\n")]
        unknown = await home.call(command, NO_ID)
    assert {said.code for said in odd} == {2}
    assert all("is not the id of a send" in said.err for said in odd)
    assert (unknown.code, unknown.out) == (1, "")
    assert NO_ID in unknown.err
    assert "sendreturn list" in unknown.err


async def test_what_a_send_does_not_allow_now_exits_1(studio: Open):
    async with studio() as home:
        send_id = (await home.send("--wait")).out.strip()
        for command in ("cancel", "retry", "approve"):
            said = await home.call(command, send_id)
            assert (said.code, said.out) == (1, "")
            assert send_id in said.err


async def test_a_dear_send_waits_for_approval_also_without_a_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    home = Studio(tmp_path, monkeypatch, daemon=False, price=10.0)
    home.desktop.configure(budget={"ask_above_credits": 5})
    said = await home.send()
    send_id = said.out.strip()
    assert said.code == 1
    assert f"`sendreturn approve {send_id}` sends it." in said.err.splitlines()[-1]
    assert home.service.ledger == []
    assert (await home.shown(send_id))["state"] == "waiting_approval"
    approved = await home.call("approve", send_id)
    assert (approved.code, approved.out) == (0, f"{send_id}\n"), approved.err
    assert home.service.ledger == ["cover"]


@pytest.mark.parametrize("with_daemon", [True, False])
async def test_all_that_wait_are_let_go_or_cancelled_by_one_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_daemon: bool
):
    budget = {"ask_above_credits": 5.0}
    home = Studio(tmp_path, monkeypatch, daemon=with_daemon, price=10.0, budget=Budget(**budget))
    home.desktop.configure(budget=budget)
    async with home:
        assert (await home.call("approve", "--all")).err == "sendreturn: No send waits for approval.\n"
        ids = [(await home.send("--set", f"style=dub{number}")).out.strip() for number in range(3)]
        for send_id in ids:
            await home.until(send_id, "waiting_approval")
        assert (await home.call("cancel", ids[0])).code == 0
        told = await home.call("approve", "--all")
        assert (told.code, sorted(told.out.split())) == (0, sorted(ids[1:]))
        assert (await home.call("cancel", "--waiting", "--session", str(tmp_path))).out == ""
        if with_daemon:
            await home.life.until(lambda sends: sum(send.state is State.DONE for send in sends) == 2)
    assert home.service.ledger == ["cover", "cover"] * with_daemon, "without a daemon they go out with the next"


@pytest.mark.parametrize(
    "words",
    [("approve",), ("cancel",), ("approve", "--all", "0badcafe"), ("cancel", "0badcafe", "--session", "x"),
     ("approve", "--all", "--wait"), ("cancel", "--session", "x")],
)  # fmt: skip
async def test_one_send_or_all_that_wait_is_named_and_not_both(studio: Open, words: tuple[str, ...]):
    async with studio() as home:
        said = await home.call(*words)
    assert (said.code, said.out) == (2, "")


async def test_a_running_daemon_takes_cancels_retries_and_approvals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with Studio(tmp_path, monkeypatch, daemon=True) as home:
        home.service.hold = asyncio.Event()
        first = await home.send()  # without --wait it returns at once
        send_id = first.out.strip()
        assert (first.code, first.err) == (0, "")
        await home.life.until(lambda sends: sends[0].state is State.GENERATING)
        assert (await home.call("cancel", send_id)).out == f"{send_id}\n"
        (send,) = await home.life.ended()
        assert send.state is State.CANCELLED
        home.service.hold.set()
        assert (await home.call("retry", send_id)).out == f"{send_id}\n"
        await home.life.until(lambda sends: sends[0].state is State.DONE)


async def test_cancelling_alone_ends_a_send_that_was_left_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with Studio(tmp_path, monkeypatch, daemon=True) as home:
        home.service.hold = asyncio.Event()
        send_id = (await home.send()).out.strip()
        await home.life.until(lambda sends: sends[0].state is State.GENERATING)
    said = await home.call("cancel", send_id)
    assert (said.code, said.out) == (0, f"{send_id}\n")
    assert (await home.shown(send_id))["state"] == "cancelled"
    assert len(home.service.cancelled) == 1


async def test_what_a_crash_has_left_behind_is_no_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    home = Studio(tmp_path, monkeypatch, daemon=False)
    home.desktop.state.mkdir()
    for text in ("", "{", "[]", "{}", '{"address": 7, "pid": "x"}'):
        (home.desktop.state / "daemon.json").write_text(text)
        assert (await home.call("list")).code == 0
    write_card(home.desktop.state, Card("http://127.0.0.1:1", None, os.getpid(), "0"))
    assert (await home.call("list")).code == 0


async def test_another_program_on_the_port_gets_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    heard: list[str] = []

    class Squatter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(str(self.headers))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"pid": 1}')

        def log_message(self, *_: object) -> None:
            pass

    home = Studio(tmp_path, monkeypatch, daemon=False)
    await home.call("list")  # makes the state folder and the token
    token = (home.desktop.state / "token").read_text()
    with HTTPServer(("127.0.0.1", 0), Squatter) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        write_card(home.desktop.state, Card(f"http://127.0.0.1:{server.server_port}", None, os.getpid(), "0"))
        said = await home.call("list")
        server.shutdown()
        thread.join()
    assert said.code == 0
    assert len(heard) == 1
    assert token not in heard[0]


async def test_names_that_a_terminal_would_obey_are_shown_as_escapes(studio: Open):
    async with studio() as home:
        odd = write_tone(home.clip.parent / "a\x1b[2Jb\nid: 00000000.wav", seconds=0.4)
        said = await home.call("send", odd, "-o", "cover", "-s", "studio", "--wait")
        assert said.code == 0, said.err
        texts = [said.err, (await home.call("list")).out, (await home.call("show", said.out.strip())).out]
        missing = await home.call("send", f"{odd}\x07.wav", "-o", "cover")
    assert missing.code == 2
    for text in (*texts, missing.err):
        assert not {"\x1b", "\x07"} & set(text)
        assert not re.search(r"^id: 00000000", text, re.MULTILINE)


async def test_a_send_that_waits_for_a_key_is_not_followed_for_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with Studio(tmp_path, monkeypatch, daemon=True) as home:
        home.service.on_submit = no_key
        first = await home.send("--wait")
        second = await home.send("--wait", "--set", "style=jazz")
        assert (first.code, second.code) == (1, 1)
        send = await home.shown(second.out.strip())
        assert send["text"].startswith("Waiting: There is no API key")
        assert second.err.splitlines()[-1] == (
            f"sendreturn: {send['text']} Then it goes on by itself; `sendreturn show {send['id']}` tells."
        )
        home.service.on_submit = lambda: None
        await home.call("retry", first.out.strip(), "--wait")
        await home.until(send["id"], "done")


async def test_following_goes_on_when_the_daemon_restarts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    answers = iter(["generating", None, None, "done"])

    def look() -> dict:
        state = next(answers)
        if state is None:
            raise follow.UnreachableError("The daemon does not answer.")
        return {"id": "0a1b2c3d", "state": state, "progress": 0.5, "text": ""}

    monkeypatch.setattr(follow, "LOOK_EVERY_S", 0.001)
    assert follow.follow(look)["state"] == "done"


async def test_following_gives_up_a_daemon_that_stays_away(monkeypatch: pytest.MonkeyPatch):
    def look() -> dict:
        raise follow.UnreachableError("The daemon does not answer.")

    monkeypatch.setattr(follow, "LOST_AFTER_S", 0.01)
    monkeypatch.setattr(follow, "LOOK_EVERY_S", 0.001)
    with pytest.raises(follow.UnreachableError):
        follow.follow(look)
