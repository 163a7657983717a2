"""The layout for TouchOSC: a document as TouchOSC writes them itself, and what its buttons do in a real Lua 5.1."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
import zlib
from typing import Any

import pytest
from sendreturn_bridges.daws.surfaces import MOST_PRESETS, OPERATIONS, Surface
from sendreturn_bridges.daws.touchosc.layout import touchosc_document
from sendreturn_bridges.daws.touchosc.tosc import Node, document
from touchosc_side import Screen

SURFACE = Surface("sendreturn-bridge 1.2.3", 7373, ("jazz", "orchestral-cover"))
SECTIONS = ["properties", "values", "messages", "children"]
# As they stand in documents that TouchOSC's own editor has written.
TYPES = {
    "background": "b",
    "bar": "b",
    "barDisplay": "i",
    "buttonType": "i",
    "color": "c",
    "cornerRadius": "f",
    "cursor": "b",
    "cursorDisplay": "i",
    "font": "i",
    "frame": "r",
    "grabFocus": "b",
    "grid": "b",
    "gridSteps": "i",
    "interactive": "b",
    "locked": "b",
    "name": "s",
    "orientation": "i",
    "outline": "b",
    "outlineStyle": "i",
    "pointerPriority": "i",
    "press": "b",
    "release": "b",
    "response": "i",
    "responseFactor": "i",
    "script": "s",
    "shape": "i",
    "tag": "s",
    "textAlignH": "i",
    "textAlignV": "i",
    "textClip": "b",
    "textColor": "c",
    "textLength": "i",
    "textSize": "i",
    "textWrap": "b",
    "valuePosition": "b",
    "visible": "b",
}


def parsed(surface: Surface = SURFACE) -> Any:
    root = ET.fromstring(zlib.decompress(touchosc_document(surface)))
    assert root.tag == "lexml"
    assert len(root) == 1
    return root[0]


def frame_of(node: Any) -> tuple[float, float, float, float]:
    (value,) = [prop.find("value") for prop in node.find("properties") if prop.findtext("key") == "frame"]
    left, top, width, height = (float(value.findtext(part)) for part in "xywh")
    return left, top, width, height


def test_every_node_has_its_parts_in_order_and_a_name_of_its_own() -> None:
    nodes = list(parsed().iter("node"))
    assert len({node.get("ID") for node in nodes}) == len(nodes)
    for node in nodes:
        sections = [part.tag for part in node]
        assert sections == sorted(sections, key=SECTIONS.index)
        assert sections[:2] == ["properties", "values"]
        keys = [prop.findtext("key") for prop in node.find("properties")]
        assert keys == sorted(keys)


def test_properties_have_the_types_that_touchosc_gives_them() -> None:
    for prop in parsed().iter("property"):
        assert prop.get("type") == TYPES[prop.findtext("key")], prop.findtext("key")


def test_the_same_surface_gives_the_same_bytes() -> None:
    assert touchosc_document(SURFACE) == touchosc_document(SURFACE)


@pytest.mark.parametrize("count", [0, 2, 7, MOST_PRESETS + 5])
def test_nothing_lies_outside_and_no_two_buttons_lie_on_one_another(count: int) -> None:
    root = parsed(Surface("m", 1, tuple(f"a-preset-{number}" for number in range(count))))
    _, _, width, height = frame_of(root)
    touched = [node for node in root.find("children") if node.get("type") in ("BUTTON", "FADER")]
    for node in root.find("children"):
        x, y, w, h = frame_of(node)
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height
    for one, other in itertools.combinations(map(frame_of, touched), 2):
        assert one[0] + one[2] <= other[0] or other[0] + other[2] <= one[0] or not _overlap_in_height(one, other)


def _overlap_in_height(one: Any, other: Any) -> bool:
    return bool(one[1] < other[1] + other[3] and other[1] < one[1] + one[3])


def test_text_may_hold_what_ends_a_text_in_xml() -> None:
    text = "a ]]> b ]] > & < ' \" ]]]]>"
    root = ET.fromstring(zlib.decompress(document(Node("LABEL", "x", (0, 0, 1, 1), values={"text": text}))))
    assert root.findtext("node/values/value/default") == text


@pytest.fixture
def screen() -> Screen:
    found = Screen(touchosc_document(SURFACE))
    found.pass_ms(16)
    return found


def test_it_subscribes_when_it_is_loaded_and_again_and_again(screen: Screen) -> None:
    renewed = [("/sendreturn/reply", [9000.0]), ("/sendreturn/subscribe", [9000.0])]
    assert screen.sent == renewed
    screen.pass_ms(5000)
    assert screen.sent == renewed
    screen.pass_ms(5000)
    assert screen.sent == renewed * 2


def test_it_asks_what_waits_once_the_daemon_answers_and_shows_when_it_does_not(screen: Screen) -> None:
    dark = screen.control("link").color
    screen.sent.clear()
    assert screen.receive("/sendreturn/pong", "1.2.3")
    assert screen.sent == [("/sendreturn/list", ["waiting_approval", "uncertain"])]
    assert screen.control("link").color != dark
    screen.receive("/sendreturn/pong", "1.2.3")
    assert len(screen.sent) == 1
    screen.pass_ms(30_000)
    assert screen.control("link").color == dark
    assert "does not answer" in screen.text("text")


@pytest.mark.parametrize("word", [*OPERATIONS, *SURFACE.presets])
def test_every_operation_and_preset_has_a_button(screen: Screen, word: str) -> None:
    screen.sent.clear()
    screen.press(f"do_{word}")
    assert screen.sent == [("/sendreturn/selected", [word])]
    shown = screen.text(f"do_{word}_text")
    assert shown.lower() == word


def test_only_sliders_that_were_moved_go_along(screen: Screen) -> None:
    screen.sent.clear()
    screen.slide("weirdness", 0.2512)
    screen.slide("audio_strength", 1.0)
    assert screen.text("weirdness_value_text") == "0.25"
    screen.press("do_cover")
    screen.press("weirdness_value")
    assert screen.text("weirdness_value_text") == "as set"
    screen.press("do_cover")
    told = [values for _, values in screen.sent]
    assert told == [["cover", "weirdness", 0.25, "audio_strength", 1.0], ["cover", "audio_strength", 1.0]]


def test_progress_and_text_show_how_a_send_stands(screen: Screen) -> None:
    screen.receive("/sendreturn/accepted", "1a2b3c4d", "cover", "/music/riff.wav")
    screen.receive("/sendreturn/state", "1a2b3c4d", "generating", 0.4, "the second take")
    assert screen.text("title") == "cover 1a2b3c4d"
    assert screen.text("text") == "the second take"
    assert (screen.control("progress").values.x, screen.text("percent")) == (0.4, "40 %")
    screen.receive("/sendreturn/state", "1a2b3c4d", "delivering", 0.9, "")
    assert screen.text("text") == "delivering"
    screen.receive("/sendreturn/done", "1a2b3c4d", "/music/Returns/x", 4)
    assert screen.text("text") == "Done: 4 files came back."
    assert screen.control("progress").values.x == 1


def test_what_goes_wrong_is_shown(screen: Screen) -> None:
    for word, values in (("error", ("Nothing is selected.",)), ("failed", ("1a2b3c4d", "No credits are left."))):
        screen.receive(f"/sendreturn/{word}", *values)
        assert screen.text("text") == values[-1]


def test_approve_cancel_and_retry_are_about_the_send_that_can_be(screen: Screen) -> None:
    screen.sent.clear()
    for word in ("approve", "cancel", "retry"):
        screen.press(word)
        assert screen.text("text") == f"There is nothing to {word}."
    assert screen.sent == []
    dark = screen.control("approve").color
    screen.receive("/sendreturn/state", "aaaaaaaa", "waiting_approval", 0.0, "10 credits")
    screen.receive("/sendreturn/state", "bbbbbbbb", "failed", 0.0, "no")
    assert screen.control("approve").color != dark
    for word in ("approve", "cancel", "retry"):
        screen.press(word)
    told = [("approve", "aaaaaaaa"), ("cancel", "aaaaaaaa"), ("retry", "bbbbbbbb")]
    assert screen.sent == [(f"/sendreturn/{word}", [send]) for word, send in told]
    screen.receive("/sendreturn/state", "aaaaaaaa", "generating", 0.1, "")
    assert screen.control("approve").color == dark
    screen.receive("/sendreturn/state", "aaaaaaaa", "done", 1.0, "")
    screen.sent.clear()
    screen.press("cancel")
    assert screen.sent == []


def test_other_messages_are_left_to_others(screen: Screen) -> None:
    assert not screen.receive("/1/fader1", 0.5)
    assert not screen.receive("/sendreturn/return", "1a2b3c4d", 1.0)


def test_with_a_token_every_message_ends_with_it() -> None:
    screen = Screen(touchosc_document(Surface("m", 7373, token="secret")))
    screen.pass_ms(16)
    screen.slide("weirdness", 0.75)
    screen.press("do_cover")
    assert screen.sent[-1] == ("/sendreturn/selected", ["cover", "weirdness", 0.75, "token", "secret"])
    assert all(values[-2:] == ["token", "secret"] for _, values in screen.sent)
