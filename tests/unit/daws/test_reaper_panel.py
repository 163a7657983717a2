"""The panel in REAPER, drawn and clicked in a real Lua."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reaper_studio import ReaperStudio

PANEL = "sendreturn_panel.lua"


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReaperStudio]:
    found = ReaperStudio(tmp_path, monkeypatch)
    words = {"operations": ["extend", "cover", "stems"], "presets": {"dusty": "cover", "longer": "extend"}}
    (found.mailbox / "in" / "words.json").write_text(json.dumps(words), "utf-8")
    found.reaper.press(PANEL)
    found.reaper.tick()
    yield found
    assert found.reaper.wrong == []


def send(studio: ReaperStudio) -> dict[str, Any]:
    before = studio.out("send")
    studio.reaper.click("Send what is selected")
    (sent,) = [message for message in studio.out("send") if message not in before]
    return sent


def choose(studio: ReaperStudio, shown: str, number: int) -> None:
    studio.reaper.menu = number
    studio.reaper.click(shown)
    studio.reaper.menu = 0


def test_what_is_selected_is_sent_with_what_the_panel_is_set_to(studio: ReaperStudio) -> None:
    choose(studio, "extend", 4)
    assert studio.reaper.menus == ["!extend|cover|stems||dusty|longer"]
    studio.reaper.answers = ["a dusty beat, with “strings”"]
    click_field(studio, "Prompt")
    sent = send(studio)
    assert (sent["operation"], sent["params"]) == ("dusty", {"prompt": "a dusty beat, with “strings”"})
    assert "Sent." in studio.reaper.texts


def click_field(studio: ReaperStudio, label: str, dx: float = 120, button: int = 1) -> None:
    studio.reaper.click(label, dx=dx, button=button)


def test_sliders_are_drawn_and_let_go_again(studio: ReaperStudio) -> None:
    click_field(studio, "Weirdness", dx=110 + 246 / 2)
    assert "50 %" in studio.reaper.texts
    click_field(studio, "Audio strength", dx=110 + 245.9)
    assert send(studio)["params"] == {"weirdness": 0.5, "audio_strength": 1}
    click_field(studio, "Weirdness", button=2)
    assert send(studio)["params"] == {"audio_strength": 1}


def test_seconds_and_side_go_with_an_extension_only(studio: ReaperStudio) -> None:
    studio.reaper.answers = ["12"]
    click_field(studio, "Seconds")
    studio.reaper.click("before the clip")
    assert send(studio)["params"] == {"extend_s": 12, "side": "left"}
    choose(studio, "extend", 2)
    assert send(studio)["params"] == {}


def test_a_dialog_that_is_cancelled_changes_nothing(studio: ReaperStudio) -> None:
    studio.reaper.answers = ["jazz", None]
    click_field(studio, "Style")
    click_field(studio, "Style")
    assert send(studio)["params"] == {"style": "jazz"}


def test_the_panel_is_as_it_was_left_and_one_key_sends_it_again(studio: ReaperStudio) -> None:
    choose(studio, "extend", 2)
    studio.reaper.answers = ["jazz"]
    click_field(studio, "Style")
    studio.reaper.quit()
    before = studio.out("send")
    studio.reaper.press("sendreturn_again.lua")
    (sent,) = [message for message in studio.out("send") if message not in before]
    assert (sent["operation"], sent["params"]) == ("cover", {"style": "jazz"})
    studio.reaper.press(PANEL)
    studio.reaper.tick()
    assert "jazz" in studio.reaper.texts


def test_what_is_wrong_is_told_in_the_panel_and_in_no_dialog(studio: ReaperStudio) -> None:
    studio.project.track("Gtr").items[0].values["B_UISEL"] = 0
    studio.reaper.click("Send what is selected")
    assert any("Nothing is selected" in text for text in studio.reaper.texts)
    studio.tell({"kind": "error", "text": "There is no preset “x”."})
    studio.reaper.tick(5)
    assert "There is no preset “x”." in studio.reaper.texts
    assert studio.reaper.dialogs == []


def test_sends_are_listed_and_can_be_cancelled_and_approved(studio: ReaperStudio) -> None:
    studio.tell(
        {"kind": "failed", "send_id": "cc", "text": "No music came."},
        sends=[
            {"send_id": "aa", "state": "waiting_approval", "progress": 0.0, "text": "12 credits: approve it"},
            {"send_id": "bb", "state": "generating", "progress": 0.5},
        ],
    )
    studio.reaper.tick(3)
    assert {"12 credits: approve it", "generating", "No music came."} <= set(studio.reaper.texts)
    studio.reaper.click("Approve")
    studio.reaper.click("Cancel")
    studio.reaper.click("Retry")
    acts = [(kind, m["send"], m["session"]) for kind in ("approve", "cancel", "retry") for m in studio.out(kind)]
    assert acts == [
        (kind, send, studio.project.path) for kind, send in [("approve", "aa"), ("cancel", "aa"), ("retry", "cc")]
    ]


def test_another_project_shows_its_own_sends(studio: ReaperStudio, tmp_path: Path) -> None:
    studio.tell(sends=[{"send_id": "bb", "state": "generating", "progress": 0.5}])
    studio.reaper.tick(3)
    assert "generating" in studio.reaper.texts
    studio.project.path = str(tmp_path / "Song" / "Other.rpp")
    studio.reaper.tick(3)
    assert "generating" not in studio.reaper.texts


def test_the_window_closes_when_the_user_closes_it(studio: ReaperStudio) -> None:
    assert PANEL in studio.reaper.running
    studio.reaper.running[PANEL].gfx.quit()
    studio.reaper.tick(2)
    assert list(studio.reaper.running) == ["sendreturn_receive.lua"]
