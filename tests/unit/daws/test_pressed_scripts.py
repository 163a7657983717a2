"""The scripts inside DAWs do what a press from outside asks for, and put no dialog before an empty chair."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lua_side import lua
from reaper_studio import ReaperStudio
from sendreturn.daws.contract import InstallFile
from sendreturn.daws.installs import installation, load_daws
from sendreturn.daws.mailbox import session_key
from sendreturn.daws.selection import read_selection

FAKE_ARDOUR = (Path(__file__).parents[2] / "helpers" / "fake_ardour.lua").read_text("utf-8")
PRESS = {"operation": "cover", "params": {"weirdness": 0.25, "style": "jazz"}, "request": "osc-1", "until_s": 2**33}


def lay(mailbox: Path, **more: Any) -> Path:
    path = mailbox / "in" / "press.json"
    path.write_text(json.dumps({**PRESS, **more}), "utf-8")
    return path


def written(mailbox: Path, kind: str) -> list[dict[str, Any]]:
    found = [json.loads(path.read_text("utf-8")) for path in sorted((mailbox / "out").glob("*.json"))]
    return [message for message in found if message["kind"] == kind]


@pytest.fixture(params=["6.80/linux-x86_64", "7.25/linux-x86_64"])
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[ReaperStudio]:
    found = ReaperStudio(tmp_path, monkeypatch, request.param)
    found.reaper.press("sendreturn_receive.lua")
    yield found
    assert found.reaper.wrong == []


def test_reaper_sends_what_is_selected_with_the_parameters_of_the_press(studio: ReaperStudio) -> None:
    lay(studio.mailbox)
    studio.reaper.tick(3)
    (sent,) = studio.out("send")
    assert (sent["operation"], sent["params"], sent["request"]) == ("cover", PRESS["params"], "osc-1")
    assert read_selection(sent).pieces[0].length == 4 * 48_000
    assert list((studio.mailbox / "in").glob("press*")) == []


def test_reaper_says_why_nothing_is_sent_without_a_dialog(studio: ReaperStudio) -> None:
    studio.project.track("Gtr").items[0].values["B_UISEL"] = 0
    lay(studio.mailbox)
    studio.reaper.tick(3)
    assert studio.out("send") == []
    (refused,) = studio.out("refused")
    assert (refused["request"], refused["text"][:20]) == ("osc-1", "Nothing is selected.")
    assert studio.reaper.dialogs == []


def test_reaper_shows_no_dialog_for_what_the_daemon_refuses_of_a_press(studio: ReaperStudio) -> None:
    lay(studio.mailbox)
    studio.reaper.tick(3)
    studio.tell({"kind": "error", "request": "osc-1", "text": "That cannot be."})
    studio.reaper.tick(3)
    assert studio.reaper.dialogs == []
    assert "sendreturn: That cannot be." in studio.reaper.help


def test_reaper_renders_for_a_press_too(studio: ReaperStudio) -> None:
    studio.project.track("Gtr").items[0].takes[0].values["D_PLAYRATE"] = 1.5
    lay(studio.mailbox)
    studio.reaper.tick(3)
    (sent,) = studio.out("send")
    assert Path(sent["rendered"]).name.endswith("-osc-1.wav")


class Hook:
    """Ardour's hook in a real Lua, with a session in which one region is selected."""

    def __init__(self, folder: Path, **world: Any) -> None:
        self.session = folder / "Tune"
        self.session.mkdir()
        audio = self.session / "riff.wav"
        audio.touch()
        values = {"VERSION": "1", "OSC_PORT": "7890", "WEB_PORT": "0"}
        installed = installation(load_daws()["ardour"], folder / "state", values, {})
        self.mailbox = installed.folder
        for name in ("in", "out"):
            (self.mailbox / name).mkdir(parents=True)
        region = {"name": "riff", "position": 0, "length": 480, "files": [{"path": str(audio), "channel": 0}]}
        tracks = [{"name": "Gtr", "regions": [{**region, "selected": world.pop("selected", True)}]}]
        runtime = lua("lua53")
        runtime.globals().world = _table(runtime, {"session": f"{self.session}/", "tracks": tracks, **world})
        self.shown, _ = runtime.execute(FAKE_ARDOUR)
        runtime.execute(installed.contents(InstallFile("sendreturn_desk.lua", {}, filled=True)).decode())
        self.tick = runtime.globals().factory()

    def tell(self, *notes: dict[str, Any]) -> None:
        box = self.mailbox / "in" / session_key(str(self.session))
        box.mkdir(exist_ok=True)
        numbered = [{"number": number, **note} for number, note in enumerate(notes, start=1)]
        (box / "status.json").write_text(json.dumps({"count": len(notes), "sends": [], "notes": numbered}))


def _table(runtime: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return runtime.table_from({key: _table(runtime, entry) for key, entry in value.items()})
    if isinstance(value, list):
        return runtime.table_from([_table(runtime, entry) for entry in value])
    return value


def test_ardour_sends_what_is_selected_with_the_parameters_of_the_press(tmp_path: Path) -> None:
    hook = Hook(tmp_path)
    hook.tick()
    lay(hook.mailbox)
    hook.tick()
    (sent,) = written(hook.mailbox, "send")
    assert (sent["operation"], sent["params"], sent["request"]) == ("cover", PRESS["params"], "osc-1")
    assert read_selection(sent).track == "Gtr"
    hook.tick()
    assert len(written(hook.mailbox, "send")) == 1


def test_ardour_says_why_nothing_is_sent_without_a_dialog(tmp_path: Path) -> None:
    hook = Hook(tmp_path, selected=False)
    lay(hook.mailbox)
    hook.tick()
    assert written(hook.mailbox, "send") == []
    (refused,) = written(hook.mailbox, "refused")
    assert (refused["request"], refused["text"][:20]) == ("osc-1", "Nothing is selected.")
    hook.tick()
    assert list(hook.shown.values()) == []


@pytest.mark.parametrize(("request_", "dialogs"), [("osc-1", 0), ("own", 1)])
def test_ardour_shows_no_dialog_for_what_the_daemon_refuses_of_a_press(
    tmp_path: Path, request_: str, dialogs: int
) -> None:
    hook = Hook(tmp_path)
    lay(hook.mailbox)
    hook.tick()
    hook.tell({"kind": "error", "request": request_, "text": "That cannot be."})
    hook.tick()
    assert len(list(hook.shown.values())) == dialogs
