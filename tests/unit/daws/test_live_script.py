"""The script's life in Live: keys, presses from outside, sets that are opened, renamed and closed, and what it says."""

from __future__ import annotations

import ast
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from live_returns import file, placement, received, wav
from live_set import Song
from live_side import CInstance, Live
from live_studio import LiveStudio, show
from sendreturn.daws.mailbox import session_key

SCRIPT = Path(__file__).parents[3] / "bridges/sendreturn_bridges/daws/live/remote_script"


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudio:
    return LiveStudio(tmp_path, monkeypatch)


def names(song: Song) -> list[str]:
    return [track.name for track in song.tracks]


def press(studio: LiveStudio, operation: str = "cover", **params: Any) -> Path:
    """What the daemon lays there when somebody outside of Live presses."""
    path = studio.mailbox / "in" / "press.json"
    path.write_text(json.dumps({"operation": operation, "params": params, "request": "osc-1"}), "utf-8")
    return path


@pytest.mark.parametrize("path", sorted(SCRIPT.glob("*.py")), ids=lambda path: path.name)
def test_the_script_is_written_for_the_python_of_live_11(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 7))
    roots = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    roots |= {
        str(node.module).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 0
    }
    known = {"__future__", "Live", "collections", "contextlib", "json", "math", "os", "pathlib", "time", "typing"}
    assert roots <= known


def test_live_makes_the_script_by_its_own_call(studio: LiveStudio) -> None:
    surface = studio.live.package.create_instance(CInstance(studio.live))
    surface.update_display()
    surface.refresh_state()
    surface.port_settings_changed()
    surface.connect_script_instances([surface])
    assert surface.suggest_input_port() == surface.suggest_output_port() == ""
    assert surface.suggest_map_mode(1, 0) == 0
    assert surface.suggest_needs_takeover(1, 0)
    assert not surface.can_lock_to_devices()
    surface.disconnect()


def test_only_a_key_that_goes_down_sends(studio: LiveStudio) -> None:
    studio.live.note(61, velocity=0)
    studio.live.note(65)
    studio.live.note(61, channel=1)
    studio.live.surface.receive_midi((0xF0, 1, 2, 3, 0xF7))
    assert studio.out("send") == []


def test_controllers_and_presets_are_keys_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {"channel": 2, "notes": {"1": "jazz-cover", "x": "cover", "300": "cover"}, "controls": {"20": "extend"}}
    studio = LiveStudio(tmp_path, monkeypatch, keys=keys)
    studio.live.note(1, channel=2)
    for value in (10, 64, 127, 100, 0, 90):
        studio.live.control(20, value, channel=2)
    assert [message["operation"] for message in studio.out("send")] == ["jazz-cover", "extend", "extend"]


def test_keys_that_cannot_be_read_are_told_and_the_usual_ones_hold(studio: LiveStudio) -> None:
    (studio.script / "keys.json").write_text("{", "utf-8")
    live = Live(studio.script, studio.song)
    assert "is no JSON object; the usual keys are used" in live.messages[0]
    live.note(61)
    assert len(studio.out("send")) == 1


def test_a_press_from_outside_sends_what_is_selected(studio: LiveStudio) -> None:
    path = press(studio, "extend", extend_s=4)
    studio.live.tick()
    (sent,) = studio.out("send")
    assert (sent["operation"], sent["params"], sent["request"]) == ("extend", {"extend_s": 4}, "osc-1")
    assert not path.exists()
    assert not path.with_suffix(".taken").exists()
    studio.live.tick(5)
    assert len(studio.out("send")) == 1


def test_a_press_that_cannot_be_is_told_to_whoever_pressed(studio: LiveStudio) -> None:
    show(studio.song, None)
    press(studio)
    studio.live.tick()
    (refused,) = studio.out("refused")
    assert (refused["request"], refused["text"]) == (
        "osc-1",
        "Nothing is selected. Select an audio clip, and try again.",
    )
    assert "Nothing is selected" in studio.live.messages[-1]


def test_a_press_of_yesterday_is_nobodys_wish_any_more(studio: LiveStudio) -> None:
    path = press(studio)
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "until_s": 1000.0}), "utf-8")
    studio.live.tick(2)
    assert studio.out("send") == studio.out("refused") == []
    assert not path.exists()


def test_a_press_that_is_no_json_does_nothing(studio: LiveStudio) -> None:
    press(studio).write_text("{", "utf-8")
    studio.live.tick(2)
    assert studio.out("send") == studio.out("refused") == []
    assert not list((studio.mailbox / "in").glob("press*"))


def test_a_ping_is_answered_once(studio: LiveStudio) -> None:
    (studio.mailbox / "in" / "ping").write_text("abc", "utf-8")
    studio.live.tick(3)
    (pong,) = studio.out("pong")
    assert (pong["nonce"], pong["daw"], pong["script"]) == ("abc", "Live 12.4.5", "1.2.3")


def test_a_set_that_is_opened_is_told(studio: LiveStudio) -> None:
    studio.live.tick(3)
    assert [message["session"] for message in studio.out("opened")] == [studio.song._file_path]


def test_errors_are_shown_and_old_ones_are_not(studio: LiveStudio) -> None:
    studio.tell({"kind": "error", "text": "from yesterday"})
    studio.live.tick()
    studio.tell(
        {"kind": "error", "text": "from yesterday"},
        {"kind": "failed", "text": "out of credits"},
        {"kind": "error", "text": "there is no operation dance"},
    )
    studio.live.tick()
    assert studio.live.messages == ["sendreturn: out of credits"]
    studio.live.tick(45)
    assert studio.live.messages[1:] == ["sendreturn: there is no operation dance"]


def test_progress_is_shown_when_nothing_else_is(studio: LiveStudio) -> None:
    studio.live.tick()
    studio.tell(sends=[{"send_id": "1a2b3c4d", "text": "generating", "progress": 0.4}])
    studio.live.tick(5)
    assert studio.live.messages == ["sendreturn: generating 40 %"]


def test_a_daemon_that_does_not_answer_is_told_once(studio: LiveStudio) -> None:
    studio.sent()
    studio.live.tick(150)
    assert studio.live.messages[-1].startswith("sendreturn: the daemon does not answer. Start it")
    studio.live.tick(150)
    assert sum("does not answer" in line for line in studio.live.log) == 1


def test_a_message_that_is_taken_needs_no_word(studio: LiveStudio) -> None:
    studio.sent()
    for path in (studio.mailbox / "out").glob("*.json"):
        path.unlink()
    studio.live.tick(150)
    assert not any("does not answer" in line for line in studio.live.log)


def test_a_mailbox_that_was_taken_away_is_told(studio: LiveStudio) -> None:
    shutil.rmtree(studio.mailbox)
    studio.live.note(61)
    assert "Run `sendreturn bridge install live` there." in studio.live.messages[-1]
    studio.live.tick(5)


def test_a_mailbox_that_cannot_be_written_is_told(studio: LiveStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "write_text", refuse)
    studio.live.note(61)
    assert studio.live.messages[-1] == "sendreturn: The mailbox cannot be written: Read-only file system."


def test_what_cannot_be_told_is_placed_all_the_same_and_told_later(
    studio: LiveStudio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.live.tick()
    out = studio.mailbox / "out"
    out.rename(out.with_name("away"))
    received(studio, file(wav(tmp_path)), ticks=10)
    assert "Gtr cover mix" in names(studio.song)
    assert not (studio.box / "1.done").exists()
    assert sum("Run `sendreturn bridge install live`" in line for line in studio.live.log) == 1
    out.with_name("away").rename(out)
    studio.live.tick(5)
    assert (studio.box / "1.done").exists()
    assert names(studio.song).count("Gtr cover mix") == 1
    assert len(studio.out("placed")) == 1


def test_a_set_saved_under_another_name_gets_what_it_asked_for(studio: LiveStudio, tmp_path: Path) -> None:
    request = studio.sent()["request"]
    studio.lay(1, placement(file(wav(tmp_path)), request=request))
    studio.lay(2, placement(file(wav(tmp_path, "other.wav"), name="of another set"), send_id="bbbbbbbb"))
    studio.song._saved_as(tmp_path / "Song" / "Song 2.als")
    studio.live.tick(20)
    assert "Gtr cover mix" in names(studio.song)
    assert "of another set" not in names(studio.song)
    told = [Path(message["session"]).name for message in studio.out("opened")]
    assert {"Song.als", "Song 2.als"} <= set(told)


def test_it_gets_it_when_it_is_opened_again_too(studio: LiveStudio, tmp_path: Path) -> None:
    request = studio.sent()["request"]
    studio.song._saved_as(tmp_path / "Elsewhere" / "Renamed.als")
    studio.live.close()
    box = studio.mailbox / "in" / session_key(str(tmp_path / "Song" / "Song.als"))
    box.mkdir(parents=True, exist_ok=True)
    (box / "1.json").write_text(
        json.dumps({"kind": "place", **placement(file(wav(tmp_path)), request=request)}), "utf-8"
    )
    again = Live(studio.script, studio.song)
    again.tick(20)
    assert "Gtr cover mix" in names(studio.song)
    again.close()
    third = Live(studio.script, studio.song)
    third.tick(20)
    assert names(studio.song).count("Gtr cover mix") == 1


def test_another_set_gets_none_of_it(studio: LiveStudio, tmp_path: Path) -> None:
    request = studio.sent()["request"]
    studio.lay(1, placement(file(wav(tmp_path)), request=request))
    studio.live.close()
    other = Song()
    other._saved_as(tmp_path / "Other" / "Other.als")
    other._add("Gtr")
    studio.live.open(other)
    studio.live.tick(20)
    assert names(other) == ["Gtr"]
    assert (studio.box / "1.json").exists()


def test_a_set_that_is_not_saved_waits_for_its_name(studio: LiveStudio, tmp_path: Path) -> None:
    studio.live.close()
    new = Song()
    new._add("Audio")
    studio.live.open(new)
    studio.live.tick(5)
    assert [message for message in studio.out("opened") if not message["session"]] == []
    new._saved_as(tmp_path / "New" / "New.als")
    studio.live.tick(2)
    assert studio.out("opened")[-1]["session"] == str(tmp_path / "New" / "New.als")


def test_what_goes_wrong_in_the_script_is_told_once_and_live_goes_on(studio: LiveStudio) -> None:
    object.__setattr__(studio.song, "_view", None)
    for _ in range(3):
        studio.live.note(61)
    studio.live.tick(50)
    assert sum("something is wrong with its script in Live: AttributeError" in line for line in studio.live.log) == 1


def test_live_may_call_more_often_than_is_needed(studio: LiveStudio) -> None:
    studio.live.tick()
    press(studio)
    studio.live.surface.update_display()
    assert studio.out("send") == []
    studio.live.tick()
    assert len(studio.out("send")) == 1


def test_places_of_sends_that_never_came_back_are_forgotten(studio: LiveStudio) -> None:
    studio.sent()
    (kept,) = (studio.mailbox / "asked").iterdir()
    Live(studio.script, studio.song)
    assert kept.exists()
    os.utime(kept, (0, 0))
    Live(studio.script, studio.song)
    assert not kept.exists()
