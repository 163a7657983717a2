"""What is selected in a DAW is sent when somebody says so from outside: over OSC, HTTP, or from the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import soundfile
from clips import music
from command_line import call
from daw_side import DawSide, selection
from living_daemon import LivingDaemon, Osc
from sendreturn.daws import mailbox_presses, pressing
from sendreturn.daws.contract import Note, Press
from sendreturn.errors import UsageError
from sendreturn.sends import osc_daws

pytestmark = pytest.mark.usefixtures("no_leaks")
RATE = 48_000


class Studio:
    """The living daemon, a DAW whose bridge is installed, and a control surface."""

    def __init__(self, living: LivingDaemon, osc: Osc, daw: DawSide) -> None:
        self.living, self.osc, self.daw = living, osc, daw

    async def until(self, is_so: Callable[[], Any]) -> Any:
        async with asyncio.timeout(60):
            while not (found := is_so()):  # noqa: ASYNC110 - what is waited for are files, as for a script in a DAW
                await asyncio.sleep(0.01)
        return found

    async def pressed(self, daw: DawSide | None = None) -> dict[str, Any]:
        """The next press that reaches the DAW, taken."""
        found: dict[str, Any] = await self.until((daw or self.daw).press)
        return found

    def send_selected(self, press: dict[str, Any], **more: Any) -> None:
        """Do as a DAW's script does with a press."""
        clip = self.living.session / "riff.wav"
        if not clip.exists():
            soundfile.write(clip, music(1.0), RATE, "PCM_24")
        piece = {"files": [{"path": str(clip)}], "length": RATE, "position": 0}
        told = selection(press["request"], self.living.session, press["operation"], RATE, pieces=[piece])
        self.daw.write("send", **{**told, "params": press["params"], **more})

    @property
    def sends(self) -> list[Any]:
        return list(self.living.daemon.house.conductor.list())

    def heard(self, word: str) -> list[list[Any]]:
        return [said.params for said in self.osc.answers if said.address == f"/sendreturn/{word}"]


@asynccontextmanager
async def studio(folder: Path, *daws: str) -> AsyncIterator[Studio]:
    for daw in daws or ("reaper",):
        bridge = folder / "state" / "daws" / daw
        bridge.mkdir(parents=True, exist_ok=True)
        (bridge / "installed").write_text("1", "utf-8")
    async with LivingDaemon(folder) as living, living.osc() as osc:
        yield Studio(living, osc, side(living, folder))


def side(living: LivingDaemon, folder: Path, daw: str = "reaper") -> DawSide:
    return DawSide(folder / "state" / "daws" / daw, str(living.session))


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a DAW."""
    monkeypatch.setattr(mailbox_presses, "PATIENCE_S", 0.05)


async def test_a_press_is_a_send_with_its_parameters_and_whoever_pressed_hears_of_it(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        found.osc.say("/sendreturn/set", "prompt", "warm")
        found.osc.say("/sendreturn/selected", "cover", "weirdness", 0.25, "req", 7)
        press = await found.pressed()
        assert (press["operation"], press["params"]) == ("cover", {"prompt": "warm", "weirdness": 0.25})
        found.send_selected(press)
        answer = await found.osc.hear("/sendreturn/accepted")
        (send,) = found.sends
        assert [*answer[:2], *answer[-2:]] == [send.id, "cover", "req", 7]
        assert (send.params["prompt"], send.params["weirdness"]) == ("warm", 0.25)
        assert (await found.osc.hear("/sendreturn/state"))[0] == send.id


async def test_a_press_that_no_daw_takes_is_withdrawn(tmp_path: Path, hurried: None) -> None:
    async with studio(tmp_path) as found:
        found.osc.say("/sendreturn/selected", "cover")
        assert (await found.osc.hear("/sendreturn/error"))[0].startswith("REAPER does not answer. Start it")
        assert found.daw.press() is None
        assert [path.name for path in (found.daw.mailbox / "in").iterdir()] == ["words.json"]


async def test_a_script_that_is_just_looking_does_not_keep_a_press_there(
    tmp_path: Path, hurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows renames nothing that somebody has open."""
    async with studio(tmp_path) as found:
        real, refusals = Path.replace, [0]

        def replace(path: Path, target: Path) -> Path:
            if path.name == "press.json" and refusals[0] < 3:
                refusals[0] += 1
                raise PermissionError(13, "in use")
            return real(path, target)

        monkeypatch.setattr(Path, "replace", replace)
        found.osc.say("/sendreturn/selected", "cover")
        assert "does not answer" in (await found.osc.hear("/sendreturn/error"))[0]
        assert refusals == [3]
        assert found.daw.press() is None


async def test_a_daw_says_why_it_sends_nothing(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        found.osc.say("/sendreturn/selected", "cover", "req", "a")
        press = await found.pressed()
        found.daw.write("refused", request=press["request"], text="Nothing is selected. Select a clip.")
        assert await found.osc.hear("/sendreturn/error") == ["Nothing is selected. Select a clip.", "req", "a"]
        found.osc.say("/sendreturn/selected", "cover", "req", "a")  # now something is selected
        found.send_selected(await found.pressed())
        await found.osc.hear("/sendreturn/accepted")


async def test_what_the_daemon_refuses_is_told_too(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        found.osc.say("/sendreturn/selected", "dance")
        found.send_selected(await found.pressed())
        assert "dance" in (await found.osc.hear("/sendreturn/error"))[0]
        assert found.sends == []


async def test_the_same_request_presses_once_and_is_one_send(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        for _ in range(2):  # a button that sends twice
            found.osc.say("/sendreturn/selected", "cover")
        found.send_selected(await found.pressed())
        await found.until(lambda: len(found.heard("accepted")) == 2)
        found.osc.say("/sendreturn/selected", "cover")
        await found.until(lambda: len(found.heard("accepted")) == 3)
        assert found.daw.press() is None
        assert len(found.sends) == 1
    async with studio(tmp_path) as found:
        found.osc.say("/sendreturn/selected", "cover", "req", 1)
        press = await found.pressed()
        found.send_selected(press)
        await found.osc.hear("/sendreturn/accepted")
        assert press["request"] != ""
    async with studio(tmp_path) as found:
        found.osc.say("/sendreturn/selected", "cover", "req", 1)
        await found.osc.hear("/sendreturn/accepted")
        assert found.daw.press() is None


async def test_presses_come_to_the_daw_one_at_a_time(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        for operation in ("cover", "stems", "midi"):
            found.osc.say("/sendreturn/selected", operation)
        taken = [await found.pressed() for _ in range(3)]
        assert [press["operation"] for press in taken] == ["cover", "stems", "midi"]
        assert len({press["request"] for press in taken}) == 3


@pytest.mark.parametrize(
    ("most", "told"),
    [(256, "REAPER has not answered the last presses yet."), (8, "Too many selections are on their way.")],
)
async def test_a_flood_of_presses_is_told_to_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, told: str
) -> None:
    monkeypatch.setattr(osc_daws, "MOST_AT_ONCE", most)
    async with studio(tmp_path) as found:
        for number in range(40):
            found.osc.say("/sendreturn/selected", "cover", "seed", number)
        assert (await found.osc.hear("/sendreturn/error"))[0] == f"{told} Wait a moment, and try again."


async def test_a_press_of_an_earlier_daemon_is_nobodys_wish(tmp_path: Path) -> None:
    left = tmp_path / "state" / "daws" / "reaper" / "in" / "press.json"
    left.parent.mkdir(parents=True)
    left.write_text("{}", "utf-8")
    async with studio(tmp_path) as found:
        assert found.daw.press() is None
        found.osc.say("/sendreturn/selected", "cover")
        await found.until(left.exists)
    assert not left.exists()


async def test_a_mailbox_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        (found.daw.mailbox / "in" / "press.json.part").mkdir()
        found.osc.say("/sendreturn/selected", "cover")
        assert "its mailbox cannot be written" in (await found.osc.hear("/sendreturn/error"))[0]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ((), "selected needs an operation or a preset."),
        ((7,), "selected needs an operation or a preset."),
        (("cover", "weirdness"), "The key 'weirdness' has no value."),
        (("cover", "daw", "cubase"), "The bridge for 'cubase' is not installed."),
    ],
)
async def test_a_press_that_says_too_little_is_answered(tmp_path: Path, said: tuple[Any, ...], sentence: str) -> None:
    async with studio(tmp_path) as found:
        found.osc.say("/sendreturn/selected", *said)
        assert (await found.osc.hear("/sendreturn/error"))[0].startswith(sentence)


async def test_without_a_bridge_it_is_an_error(tmp_path: Path) -> None:
    async with LivingDaemon(tmp_path) as living, living.osc() as osc:
        osc.say("/sendreturn/selected", "cover")
        assert (await osc.hear("/sendreturn/error"))[0].startswith("No DAW's bridge is installed.")


async def test_of_two_daws_the_one_that_was_heard_last_is_meant(tmp_path: Path) -> None:
    async with studio(tmp_path, "reaper", "ardour") as found:
        ardour = side(found.living, tmp_path, "ardour")
        for daw in (found.daw, ardour):
            daw.write("opened")
            await found.until(lambda: not list(daw.mailbox.glob("out/*.json")))  # noqa: B023
        found.osc.say("/sendreturn/selected", "cover")
        assert (await found.pressed(ardour))["operation"] == "cover"
        found.osc.say("/sendreturn/selected", "cover", "daw", "reaper")
        assert (await found.pressed())["operation"] == "cover"


class Pinged:
    """A link of a DAW that answers a ping, or does not."""

    def __init__(self, answer: str | None) -> None:
        self._answer = answer

    async def ping(self, timeout_s: float) -> str | None:
        return self._answer


async def test_of_daws_that_were_not_heard_yet_the_one_that_answers_is_meant() -> None:
    links: dict[str, Any] = {"a": Pinged(None), "b": Pinged("B 7"), "c": Pinged(None)}
    assert await pressing.Presses().latest(links) == "b"
    with pytest.raises(UsageError, match="a and b are open"):
        await pressing.Presses().latest({**links, "a": Pinged("A 1")})
    with pytest.raises(UsageError, match="None of a, c answers"):
        await pressing.Presses().latest({name: links[name] for name in "ac"})


async def test_a_daw_that_takes_a_press_and_sends_nothing_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pressing, "ANSWER_S", 0.2)
    async with studio(tmp_path) as found:
        found.osc.say("/sendreturn/selected", "cover")
        press = await found.pressed()
        assert "sent nothing" in (await found.osc.hear("/sendreturn/error"))[0]
        found.send_selected(press)  # late, but done
        await found.until(lambda: len(found.sends) == 1)


async def test_a_bridge_that_stumbles_over_a_press_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox_presses.MailboxPresses, "put", lambda *_: 1 / 0)
    async with studio(tmp_path) as found:
        found.osc.say("/sendreturn/selected", "cover", "daw", "REAPER")
        assert "The bridge for reaper cannot be pressed" in (await found.osc.hear("/sendreturn/error"))[0]


async def test_over_http_a_press_is_answered_with_the_send(tmp_path: Path) -> None:
    async with studio(tmp_path) as found, found.living.http() as http:
        asking = asyncio.create_task(http.post("/api/daws/reaper/press", json={"operation": "cover"}))
        found.send_selected(await found.pressed())
        answer = await asking
        assert (answer.status_code, answer.json()["id"]) == (202, found.sends[0].id)
        wrong = await http.post("/api/daws/cubase/press", json={"operation": "cover"})
        assert (wrong.status_code, wrong.json()["error"]["hint"]) == (400, "Run `sendreturn bridge install cubase`.")
        wrong = await http.post("/api/daws/reaper/press", json={"operation": "", "params": {}})
        assert "operation" in wrong.json()["error"]["what"]
        asking = asyncio.create_task(http.post("/api/daws/reaper/press", json={"operation": "midi"}))
        press = await found.pressed()
        found.daw.write("refused", request=press["request"], text="Nothing is selected.")
        answer = await asking
        assert (answer.status_code, answer.json()["error"]["what"]) == (409, "Nothing is selected.")


async def test_a_press_without_the_token_is_refused(tmp_path: Path) -> None:
    async with studio(tmp_path) as found, found.living.http(token="") as stranger:
        assert (await stranger.post("/api/daws/reaper/press", json={"operation": "cover"})).status_code == 401


async def test_the_command_line_presses_and_prints_the_send(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDRETURN_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("SENDRETURN_CONFIG", str(tmp_path / "none.yaml"))
    async with studio(tmp_path) as found:
        asking = asyncio.create_task(
            asyncio.to_thread(call, "bridge", "press", "reaper", "extend", "--set", "extend_s=2")
        )
        press = await found.pressed()
        assert (press["operation"], press["params"]) == ("extend", {"extend_s": "2"})
        found.send_selected(press)
        said = await asking
        assert (said.code, said.out.split()[0]) == (0, found.sends[0].id)
    said = call("bridge", "press", "reaper", "extend")
    assert (said.code, "No daemon is running." in said.err) == (2, True)


async def test_who_waits_when_the_daemon_stops_is_told(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        press = Press("cover", {}, "mine")
        waiting = asyncio.create_task(found.living.daemon.daws.press("reaper", press))
        assert (await found.pressed())["request"] == "mine"
    assert await waiting == Note("error", "", "", text="The daemon stops. Press again once it runs.")


def test_what_a_script_finds_is_json_that_says_until_when_it_holds(tmp_path: Path) -> None:
    """The shape that DAWs' scripts read is fixed."""

    async def laid() -> dict[str, Any]:
        async with studio(tmp_path) as found:
            found.osc.say("/sendreturn/selected", "cover", "style", "jazz")
            path = found.daw.mailbox / "in" / "press.json"
            await found.until(path.exists)
            table: dict[str, Any] = json.loads(path.read_text("utf-8"))
            return table

    table = asyncio.run(laid())
    assert set(table) == {"operation", "params", "request", "until_s"}
    assert table["params"] == {"style": "jazz"}
    assert table["request"].startswith("osc-")
