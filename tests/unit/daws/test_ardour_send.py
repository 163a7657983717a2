"""What Ardour's action says of a selection, in a real Lua with as much of Ardour as it looks at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from lua_side import lua, plain
from sendreturn.daws.contract import InstallFile
from sendreturn.daws.installs import installation, load_daws
from sendreturn.daws.mailbox import session_key
from sendreturn.daws.selection import read_selection

FAKE = (Path(__file__).parents[2] / "helpers" / "fake_ardour.lua").read_text("utf-8")


class Desk:
    """The action, and where its messages go."""

    def __init__(self, folder: Path) -> None:
        self.session = folder / "Tune"
        self.session.mkdir()
        values = {"VERSION": "1", "OSC_PORT": "7890", "WEB_PORT": "0"}
        self.installed = installation(load_daws()["ardour"], folder / "state", values, {})
        self.out = self.installed.folder / "out"
        self.out.mkdir(parents=True)
        (self.installed.folder / "in").mkdir()
        self.files = []
        for side in "LR":
            path = self.session / f"riff%{side}.wav"
            path.touch()
            self.files.append({"path": str(path), "channel": 0})

    def region(self, name: str = "riff", position: int = 48_000, **more: Any) -> dict[str, Any]:
        return {"name": name, "position": position, "length": 96_000, "start": 100, "files": self.files, **more}

    def press(self, operation: str, *tracks: Mapping[str, Any], **more: Any) -> str:
        """Run the action; what it has shown."""
        world = {"session": f"{self.session}/", "tracks": list(tracks), **more}
        runtime = lua("lua53")
        runtime.globals().world = _table(runtime, world)
        shown, self.sent = runtime.execute(FAKE)
        source = self.installed.contents(InstallFile("sendreturn_send.lua", {}, filled=True)).decode()
        runtime.execute(source)
        runtime.globals().factory(_table(runtime, {"operation": operation}))()
        return "\n".join(shown.values())

    def document(self) -> dict[str, Any]:
        (path,) = self.out.glob("*.json")
        read_selection(json.loads(path.read_text("utf-8")))
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return found


def _table(runtime: Any, value: Any) -> Any:
    if isinstance(value, Mapping):
        return runtime.table_from({key: _table(runtime, entry) for key, entry in value.items()})
    if isinstance(value, list | tuple):
        return runtime.table_from([_table(runtime, entry) for entry in value])
    return value


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_selected_region_is_told_with_its_files_and_samples(desk: Desk) -> None:
    assert desk.press("extend", {"name": "Gtr", "regions": [desk.region(selected=True, gain=-0.5)]}) == ""
    told = desk.document()
    assert told["pieces"] == [{"files": desk.files, "start": 100, "length": 96_000, "position": 48_000, "gain": 0.5}]
    assert (told["session"], told["track"], told["rate_hz"]) == (str(desk.session), "Gtr", 48_000)
    assert "range" not in told
    assert told["tempo"] == [{"position": 48_000, "bpm": 120, "time_signature": "4/4"}]


def test_the_daemon_is_told_over_osc_where_the_document_lies(desk: Desk) -> None:
    desk.press("cover", {"name": "Gtr", "regions": [desk.region(selected=True)]})
    (path,) = desk.out.glob("*.json")
    assert plain(desk.sent) == [["osc.udp://127.0.0.1:7890", "/sendreturn/selection", "s", str(path)]]
    (sent,) = desk.installed.folder.glob("sent-*")
    assert json.loads(sent.read_text("utf-8"))["path"] == str(path)


def test_the_tempo_is_told_where_it_changes(desk: Desk) -> None:
    desk.press("extend", {"name": "Gtr", "regions": [desk.region(selected=True)]}, slower=96_000)
    assert desk.document()["tempo"] == [
        {"position": 48_000, "bpm": 120, "time_signature": "4/4"},
        {"position": 96_000, "bpm": 90, "time_signature": "3/4"},
    ]


@pytest.mark.parametrize(
    ("operation", "position", "length"),
    [("cover", 60_000, 12_000), ("extend", 48_000, 24_000), ("inpaint", 48_000, 96_000)],
)
def test_a_range_has_as_much_around_it_as_the_operation_can_use(
    desk: Desk, operation: str, position: int, length: int
) -> None:
    track = {"name": "Gtr", "regions": [desk.region(), desk.region(position=90 * 48_000)], "ranged": True}
    assert desk.press(operation, track, range=[60_000, 72_000]) == ""
    told = desk.document()
    assert told["range"] == [60_000, 12_000]
    (piece,) = told["pieces"]
    assert (piece["position"], piece["length"], piece["start"]) == (position, length, 100 + position - 48_000)


def test_a_preset_has_the_context_of_its_operation(desk: Desk) -> None:
    words = {"operations": ["inpaint"], "presets": {"mend": "inpaint"}}
    (desk.installed.folder / "in" / "words.json").write_text(json.dumps(words))
    desk.press("mend", {"name": "Gtr", "regions": [desk.region()], "ranged": True}, range=[60_000, 72_000])
    assert desk.document()["pieces"][0]["length"] == 96_000


def test_what_is_chosen_in_the_dialog_is_sent(desk: Desk) -> None:
    answer = {"operation": "extend", "prompt": "warmer", "extend_s": 8.0, "left": True}
    desk.press("ask", {"name": "Gtr", "regions": [desk.region(selected=True)]}, answer=answer)
    told = desk.document()
    assert told["operation"] == "extend"
    assert told["params"] == {"prompt": "warmer", "extend_s": 8, "side": "left"}


def test_a_dialog_that_is_cancelled_sends_nothing(desk: Desk) -> None:
    assert desk.press("ask", {"name": "Gtr", "regions": [desk.region(selected=True)]}) == ""
    assert list(desk.out.iterdir()) == []


def test_a_sends_state_can_be_asked_for_and_it_can_be_cancelled(desk: Desk) -> None:
    assert desk.press("status") == "Nothing is on its way."
    box = desk.installed.folder / "in" / session_key(str(desk.session))
    box.mkdir()
    sends = [{"send_id": "deadbeef", "state": "generating", "progress": 0.4}]
    (box / "status.json").write_text(json.dumps({"count": 1, "sends": sends, "notes": []}))
    assert desk.press("status", answer={"cancel": "deadbeef"}) == ""
    (path,) = desk.out.glob("*.json")
    assert json.loads(path.read_text("utf-8"))["kind"] == "cancel"


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("nothing", "Nothing is selected"),
        ("midi", "is a MIDI region"),
        ("several", "on several tracks (“Gtr”, “Bass”)"),
        ("range on several", "The range lies on several tracks"),
        ("range on none", "but no track"),
        ("range of silence", "no audio in the selected range"),
        ("missing", "is missing"),
        ("compound", "compound"),
        ("unnamed", "has no name yet"),
        ("read-only", "read-only"),
        ("no mailbox", "sendreturn run"),
    ],
)
def test_what_cannot_be_sent_is_a_sentence(desk: Desk, case: str, words: str) -> None:
    chosen = desk.region(selected=True)
    gone = [{"path": "/nowhere/gone.wav", "channel": 0}]
    gtr = {"name": "Gtr", "regions": [chosen]}
    bass = {"name": "Bass", "regions": [desk.region(selected=True)]}
    if case == "no mailbox":
        desk.out.rmdir()
    if case == "unnamed":
        (desk.session / ".unnamed").touch()
    cases: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
        "nothing": ([{"name": "Gtr", "regions": [desk.region()]}], {}),
        "midi": ([{"name": "Gtr", "regions": [desk.region(selected=True, midi=True)]}], {}),
        "several": ([gtr, bass], {}),
        "range on several": ([{**gtr, "ranged": True}, {**bass, "ranged": True}], {"range": [0, 9]}),
        "range on none": ([gtr], {"range": [0, 9]}),
        "range of silence": ([{**gtr, "ranged": True}], {"range": [0, 9]}),
        "missing": ([{"name": "Gtr", "regions": [desk.region(selected=True, files=gone)]}], {}),
        "compound": ([{"name": "Gtr", "regions": [desk.region(selected=True, compound=True)]}], {}),
        "unnamed": ([gtr], {}),
        "read-only": ([gtr], {"session": "/proc"}),
        "no mailbox": ([gtr], {}),
    }
    tracks, more = cases[case]
    shown = desk.press("inpaint" if "silence" not in case else "cover", *tracks, **more)
    assert words in shown
    assert shown.endswith(".")
    assert not desk.out.exists() or list(desk.out.iterdir()) == []
