"""The session for Open Stage Control: widgets and properties as its reference has them, and what its scripts do."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sendreturn_bridges.daws.openstagecontrol.session import session
from sendreturn_bridges.daws.surfaces import OPERATIONS, SLIDERS, Surface

SURFACE = Surface("sendreturn-bridge 1.2.3", 7373, ("jazz", "orchestral-cover"))
HARNESS = Path(__file__).parents[2] / "helpers" / "openstage_side.js"
# The properties by the type of widget, from `defaults` in src/client/widgets of Open Stage Control 1.29.
COMMON = {"type", "id", "width", "height", "expand", "colorText", "colorWidget", "alphaFillOff", "padding"} | {
    "value", "default", "address", "target", "bypass", "onCreate", "onValue", "interaction", "visible", "comments",
    "alphaStroke", "alphaFillOn",
}  # fmt: skip
CONTAINER = {"colorBg", "layout", "innerPadding", "scroll", "widgets", "tabs"}
KNOWN = {
    "root": CONTAINER | {"hideMenu", "onPreload"},
    "panel": CONTAINER,
    "button": {"label", "mode", "wrap"},
    "text": {"align", "wrap"},
    "input": {"align", "asYouType"},
    "fader": {"horizontal", "design", "onTouch"},
    "led": set(),
    "variable": set(),
}
DAEMON = "127.0.0.1:7373"


def read() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(session(SURFACE))
    return found


def all_widgets(widget: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield widget
    for child in widget.get("widgets", []):
        yield from all_widgets(child)


def test_it_is_a_session_of_widgets_that_there_are_with_properties_that_there_are() -> None:
    found = read()
    assert (found["type"], found["createdWith"]) == ("session", "Open Stage Control")
    widgets = list(all_widgets(found["content"]))
    assert len({widget["id"] for widget in widgets}) == len(widgets)
    for widget in widgets:
        assert set(widget) <= COMMON | KNOWN[widget["type"]], widget["id"]


def test_scripts_hold_nothing_that_would_be_filled_in() -> None:
    """`@{…}`, `JS{…}`, `OSC{…}`, `VAR{…}` and `#{…}` are replaced in every property before it is used."""
    for widget in all_widgets(read()["content"]):
        for name in ("onPreload", "onCreate", "onValue", "onTouch"):
            assert not re.search(r"(@|#|JS|VAR|OSC|IMPORT)\{", widget.get(name, ""))


def test_nothing_sends_by_itself() -> None:
    for widget in all_widgets(read()["content"]):
        assert widget.get("bypass") or widget["type"] in ("root", "panel")


def played(*acts: Any) -> dict[str, Any]:
    if shutil.which("node") is None:
        pytest.skip("not on this machine: node")
    asked = json.dumps({"session": read(), "acts": acts})
    done = subprocess.run(["node", str(HARNESS)], input=asked, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_subscribes_when_it_is_loaded_and_again_and_again() -> None:
    renewed = [DAEMON, "/sendreturn/subscribe", []]
    asked = [DAEMON, "/sendreturn/list", ["waiting_approval", "uncertain"]]
    found = played(["hear", "/sendreturn/pong", "1.2.3"], ["pass", 10_000], ["hear", "/sendreturn/pong", "1.2.3"])
    assert found["sent"] == [renewed, asked, renewed]
    assert found["values"]["link"] == 1
    found = played(["hear", "/sendreturn/pong", "1.2.3"], ["pass", 40_000])
    assert found["values"]["link"] == 0
    assert "does not answer" in found["values"]["text"]


def test_every_operation_and_preset_has_a_button_and_only_real_presses_count() -> None:
    words = [*OPERATIONS, *SURFACE.presets]
    found = played(*(["press", f"do_{word}"] for word in words), *(["external", f"do_{word}"] for word in words))
    assert found["sent"][1:] == [[DAEMON, "/sendreturn/selected", [word]] for word in words]


def test_words_and_sliders_that_were_moved_go_along() -> None:
    acts: list[list[Any]] = [["set", "prompt", " warm "], ["touch", "weirdness"], ["set", "weirdness", 0.2512]]
    found = played(*acts, ["press", "do_cover"], ["press", "reset_weirdness"], ["press", "do_cover"])
    told = [args for _, _, args in found["sent"][1:]]
    assert told == [["cover", "prompt", "warm", "weirdness", 0.25], ["cover", "prompt", "warm"]]
    assert found["values"]["weirdness"] == 0.5
    assert set(SLIDERS) <= set(found["values"])


def test_progress_and_text_show_how_a_send_stands() -> None:
    accepted = ["hear", "/sendreturn/accepted", "1a2b3c4d", "cover", "/riff.wav"]
    state = ["hear", "/sendreturn/state", "1a2b3c4d", "generating", 0.4, ""]
    found = played(accepted, state)["values"]
    assert (found["title"], found["progress"], found["text"]) == ("cover 1a2b3c4d", 0.4, "generating")
    found = played(accepted, state, ["hear", "/sendreturn/done", "1a2b3c4d", "/Returns", 4])["values"]
    assert (found["progress"], found["text"]) == (1, "Done: 4 files came back.")
    found = played(["hear", "/sendreturn/error", "Nothing is selected."])
    assert (found["values"]["text"], found["vars"]["text"]["color"]) == ("Nothing is selected.", "#ff8074")


def test_approve_cancel_and_retry_are_about_the_send_that_can_be() -> None:
    turns = [["press", word] for word in ("approve", "cancel", "retry")]
    assert len(played(*turns)["sent"]) == 1
    waits = ["hear", "/sendreturn/state", "aaaaaaaa", "waiting_approval", 0, ""]
    failed = ["hear", "/sendreturn/state", "bbbbbbbb", "failed", 0, ""]
    found = played(waits, failed, *turns)
    assert [(address, args) for _, address, args in found["sent"][1:]] == [
        ("/sendreturn/approve", ["aaaaaaaa"]),
        ("/sendreturn/cancel", ["aaaaaaaa"]),
        ("/sendreturn/retry", ["bbbbbbbb"]),
    ]
    assert found["vars"]["approve"]["lit"]
    found = played(waits, ["hear", "/sendreturn/state", "aaaaaaaa", "done", 1, ""], *turns)
    assert len(found["sent"]) == 1
    assert not found["vars"]["approve"]["lit"]
