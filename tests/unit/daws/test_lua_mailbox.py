"""The mailbox's side in Lua: JSON as Python reads it, and files as the daemon lays them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lua_side import VERSIONS, lua, mailbox_of, plain
from sendreturn import __version__
from sendreturn.daws.contract import DawManifest, LinkSetup, Note, PlacedFile, Placement
from sendreturn.daws.mailbox import MailboxLink, session_key

SESSION = "/music/Lied für Zoë.rpp"


@pytest.fixture(params=VERSIONS)
def mailbox(request: pytest.FixtureRequest) -> Any:
    return mailbox_of(lua(request.param))


@pytest.mark.parametrize(
    "value",
    [
        {"a": 1, "b": [1, 2.5, -3], "c": {"d": "e"}},
        {"text": 'quote " back \\ slash / new\nline tab\t bell\a nul\0 del\x7f'},
        {"text": "Zoë 日本 🎸"},
        {"list": [[[]], {}], "yes": True, "no": False},
        {"big": 2**53 - 1, "small": 1e-7, "pi": 3.141592653589793},
        [],
        {},
        "alone",
        12.5,
    ],
)
def test_json_is_the_same_after_a_way_through_lua(mailbox: Any, value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=2)):
        again = mailbox.encode(mailbox.decode(text))
        assert json.loads(again) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1,]",
        '{"a" 1}',
        '{"a":1,}',
        "[1 2]",
        '"open',
        '"\\x"',
        '"\\u12"',
        "1 2",
        "{1:2}",
        "nil",
        "-",
        "[" * 500,
    ],
)
def test_what_is_no_json_is_said_and_raises_nothing(mailbox: Any, text: str) -> None:
    value, sentence = mailbox.decode(text)
    assert value is None
    assert sentence.startswith("The message holds")


def test_half_a_surrogate_is_replaced(mailbox: Any) -> None:
    assert mailbox.decode('"\\ud83c\\udfb8 \\ud83c."') == "🎸 \ufffd."


def test_what_json_has_no_word_for_is_null(mailbox: Any) -> None:
    assert mailbox.encode(float("nan")) == mailbox.encode(float("inf")) == mailbox.encode(None) == "null"


def test_whole_numbers_are_written_without_a_point(mailbox: Any) -> None:
    assert mailbox.encode(144_001.0) == "144001"


@pytest.mark.parametrize("session", ["", "/music/Song", SESSION, "日本" * 100])
def test_the_key_of_a_session_is_the_daemons(mailbox: Any, session: str) -> None:
    assert mailbox.key(session) == session_key(session)


def test_no_word_comes_twice_and_words_are_in_their_order(mailbox: Any) -> None:
    words = [mailbox.unique() for _ in range(1000)]
    assert words == sorted(set(words))


class Laid:
    """A mailbox with the daemon's link on one side and Lua on the other."""

    def __init__(self, folder: Path, mailbox: Any) -> None:
        for name in ("out", "in"):
            (folder / name).mkdir()
        self.message = mailbox.decode('{"kind": "opened"}')
        self.folder = folder
        self.link = MailboxLink(LinkSetup(DawManifest("d", "D", ""), folder, None, __version__))  # type: ignore[arg-type]
        self.box = mailbox.open(str(folder))
        self.box.enter(self.box, SESSION)

    def offer(self, send_id: str) -> None:
        file = PlacedFile(Path("/music/é.wav"), "tail", 1, None, "Gtr extend", 144_001)
        self.link.offer(Placement(send_id, "r", SESSION, "extend", "Gtr extend", 48_000, (file,)))

    def take(self) -> tuple[Any, int] | None:
        taken: tuple[Any, int] | None = self.box.take(self.box)
        return taken


@pytest.fixture
def laid(tmp_path: Path, mailbox: Any) -> Laid:
    return Laid(tmp_path, mailbox)


def test_a_message_is_written_whole(laid: Laid) -> None:
    path = laid.box.write(laid.box, laid.message)
    assert json.loads(Path(path).read_text("utf-8")) == {"kind": "opened"}
    assert [file.suffix for file in (laid.folder / "out").iterdir()] == [".json"]
    assert laid.box.waits(laid.box, path)
    Path(path).unlink()
    assert not laid.box.waits(laid.box, path)


def test_a_mailbox_that_is_not_there_is_said(laid: Laid) -> None:
    (laid.folder / "out").rmdir()
    path, sentence = laid.box.write(laid.box, laid.message)
    assert path is None
    assert "cannot be written" in sentence


def test_placements_are_taken_once_and_in_order(laid: Laid) -> None:
    for send in ("a", "b"):
        laid.offer(send)
    taken = [laid.take(), laid.take()]
    assert [(plain(found[0])["send_id"], found[1]) for found in taken if found] == [("a", 1), ("b", 2)]
    assert plain(taken[0][0])["files"][0]["path"] == "/music/é.wav"  # type: ignore[index]
    assert laid.take() is None


def test_what_was_taken_and_never_finished_is_found(laid: Laid, mailbox: Any) -> None:
    for send in ("a", "b", "c"):
        laid.offer(send)
    laid.take()
    laid.box.finish(laid.box, 1)
    laid.take()
    again = mailbox.open(str(laid.folder))
    again.enter(again, SESSION)
    assert [(entry["number"], entry["placement"]["send_id"]) for entry in plain(again.left(again))] == [(2, "b")]
    assert plain(again.take(again)[0])["send_id"] == "c"


def test_many_placements_leave_no_gap_when_old_ones_are_taken_away(laid: Laid, mailbox: Any) -> None:
    for number in range(1, 251):
        laid.offer(str(number))
        taken = laid.take()
        assert taken is not None
        assert plain(taken[0])["send_id"] == str(number)
        laid.box.finish(laid.box, taken[1])
    again = mailbox.open(str(laid.folder))
    again.enter(again, SESSION)
    assert again.take(again) is None
    laid.offer("next")
    assert plain(again.take(again)[0])["send_id"] == "next"


def test_a_placement_that_cannot_be_read_stands_in_no_ones_way(laid: Laid) -> None:
    laid.offer("a")
    laid.offer("b")
    (laid.folder / "in" / session_key(SESSION) / "1.json").write_text('{"half', "utf-8")
    assert laid.take() is None
    taken = laid.take()
    assert taken is not None
    assert plain(taken[0])["send_id"] == "b"


def test_a_status_is_told_once(laid: Laid) -> None:
    assert laid.box.status(laid.box) is None
    laid.link.tell(Note("accepted", SESSION, "r", "deadbeef", "waiting"))
    assert plain(laid.box.status(laid.box))["notes"][0]["send_id"] == "deadbeef"
    assert laid.box.status(laid.box) is None


def lie_there(laid: Laid, **press: Any) -> None:
    (laid.folder / "in" / "press.json").write_text(json.dumps(press), "utf-8")


def test_a_press_is_taken_once(laid: Laid) -> None:
    assert laid.box.press(laid.box) is None
    for request in "ab":
        lie_there(laid, operation="cover", params={"weirdness": 0.7}, request=request, until_s=2**33)
        found = plain(laid.box.press(laid.box))
        assert (found["operation"], found["params"], found["request"]) == ("cover", {"weirdness": 0.7}, request)
        assert laid.box.press(laid.box) is None
    assert [path.name for path in (laid.folder / "in").iterdir() if "press" in path.name] == []


@pytest.mark.parametrize("text", ['{"operation": "cover", "until_s": 1.5}', '{"half', "7"])
def test_a_press_that_is_too_old_or_no_press_is_passed_over(laid: Laid, text: str) -> None:
    (laid.folder / "in" / "press.json").write_text(text, "utf-8")
    assert laid.box.press(laid.box) is None
    assert not (laid.folder / "in" / "press.json").exists()


def test_why_nothing_is_sent_is_written_down(laid: Laid) -> None:
    lie_there(laid, operation="cover", request="r1")
    laid.box.refuse(laid.box, laid.box.press(laid.box), "Nothing is selected.")
    (path,) = (laid.folder / "out").iterdir()
    assert json.loads(path.read_text("utf-8")) == {"kind": "refused", "request": "r1", "text": "Nothing is selected."}


def test_a_ping_is_answered_once(laid: Laid) -> None:
    (laid.folder / "in" / "ping").write_text("abc", "utf-8")
    assert laid.box.ping(laid.box) == "abc"
    assert laid.box.ping(laid.box) is None
