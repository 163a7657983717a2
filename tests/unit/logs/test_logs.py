"""Logs: what is written, what is never written, and that writing stops nothing."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from contextlib import redirect_stderr
from pathlib import Path

import pytest
import structlog
from sendreturn import logs
from sendreturn.errors import SendReturnError
from sendreturn.keys import redact
from sendreturn.logs import LOG_NAME, logs_in

CANARY = "sk-canary-0123456789abcdef"
log = structlog.get_logger("sendreturn.tests")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def hide(text: str) -> str:
    return redact(text, [CANARY])


def lines_in(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / LOG_NAME).read_text("utf-8").splitlines()]


def test_the_file_holds_a_json_object_a_line(tmp_path: Path):
    with logs_in(tmp_path, hide, None):
        log.info("ready", web="http://127.0.0.1:1", folder=Path("/a b"))
        logging.getLogger("another.library").warning("took %d s", 3)
    ready, took = lines_in(tmp_path)
    assert ready["event"] == "ready"
    assert (ready["level"], ready["web"], ready["folder"]) == ("info", "http://127.0.0.1:1", "/a b")
    assert ready["timestamp"].endswith("Z")
    assert (took["event"], took["logger"], took["level"]) == ("took 3 s", "another.library", "warning")


def test_the_terminal_gets_short_lines_without_colour_where_it_is_none(tmp_path: Path):
    out, terminal = io.StringIO(), Terminal()
    for stream in (out, terminal):
        with logs_in(tmp_path, hide, stream):
            log.info("ready", port=7374)
    assert "ready" in out.getvalue()
    assert "port=7374" in out.getvalue()
    assert "\x1b" not in out.getvalue()
    assert "\x1b" in terminal.getvalue()
    assert "\x1b" not in (tmp_path / LOG_NAME).read_text("utf-8")


def test_no_secret_is_written_wherever_it_hides(tmp_path: Path):
    out = io.StringIO()
    with logs_in(tmp_path, hide, out, logging.DEBUG):
        log.info(
            f"asked with {CANARY}", header={"Authorization": f"Bearer {CANARY}"}, urls=[f"https://a/?key={CANARY}"]
        )
        logging.getLogger("httpcore").warning("key %s", CANARY)
        logging.getLogger("another").debug("key %r", (CANARY,))
        try:
            raise RuntimeError(f"401 for {CANARY}")
        except RuntimeError:
            log.exception("broke", at=f"https://host/{CANARY}")
    written = (tmp_path / LOG_NAME).read_text("utf-8")
    assert len(written.splitlines()) == 4
    for text in (written, out.getvalue()):
        assert CANARY not in text
        assert "RuntimeError: 401 for sk-***ef" in text


def test_libraries_do_not_tell_whole_urls(tmp_path: Path):
    with logs_in(tmp_path, hide, None):
        logging.getLogger("httpx").info("HTTP Request: GET https://host/?signature=abc")
    assert lines_in(tmp_path) == []


def test_no_address_is_written_with_what_opens_it(tmp_path: Path):
    out = io.StringIO()
    address = f"https://user:{CANARY}@cdn.example.com/a.wav?X-Amz-Signature=4711#top"
    with logs_in(tmp_path, str, out):
        log.info(f'it answered "{address}"', url=address, detail=f"<{address}>\nnext", folder="C:\\clips\\a?b")
        log.info("hosted at https://studio.example.com/x/clips/0123456789abcdefghijkl-_/a.wav")
        log.info("called at /webhooks/sonauto/0badcafe/0123456789abcdefghijkl-_")
        log.info("sent Authorization: Bearer 0123456789abcdef")
    told, *_ = lines_in(tmp_path)
    assert told["url"] == "https://…@cdn.example.com/a.wav?…"
    assert told["detail"] == "<https://…@cdn.example.com/a.wav?…>\nnext"
    assert told["folder"] == "C:\\clips\\a?b"
    for text in (out.getvalue(), (tmp_path / LOG_NAME).read_text("utf-8")):
        assert not [word for word in (CANARY, "4711", "0123456789abcdef", "top") if word in text]


def test_foreign_text_cannot_look_like_a_line_of_ours(tmp_path: Path):
    out = io.StringIO()
    name = "a\n12:00:00 [error] all lost\x1b[2J\x9b31m\u202egnp.wav"
    with logs_in(tmp_path, hide, out):
        log.info("taken", clip=name)
        log.info(name)
        logging.getLogger("another").warning("%s", name)
        try:
            raise ValueError(name)
        except ValueError:
            log.exception("broke")
    shown = out.getvalue()
    assert not {"\x1b", "\x9b", "\u202e"} & set(shown)
    assert sum(line.startswith("12:00:00 [error] all lost") for line in shown.splitlines()) <= 1  # in the traceback
    assert [line["event"] for line in lines_in(tmp_path)] == ["taken", name, name, "broke"]
    assert "\x1b" not in (tmp_path / LOG_NAME).read_text("utf-8")


def test_a_name_that_is_no_text_is_written_as_escapes(tmp_path: Path):
    out = io.StringIO()
    with logs_in(tmp_path, hide, out):
        log.info("taken", clip="riff\udcff.wav")
    assert lines_in(tmp_path)[0]["clip"] == "riff\udcff.wav"
    assert "riff\\udcff.wav" in out.getvalue()


def test_old_logs_are_kept_up_to_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(logs, "MOST_BYTES", 2000)
    monkeypatch.setattr(logs, "KEPT", 2)
    with logs_in(tmp_path, hide, None):
        for number in range(200):
            log.info("tick", number=number)
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == [LOG_NAME, f"{LOG_NAME}.1", f"{LOG_NAME}.2"]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())
    assert lines_in(tmp_path)[-1]["number"] == 199


def test_a_log_that_cannot_be_written_is_told_and_stops_nothing(tmp_path: Path):
    (tmp_path / LOG_NAME).mkdir()
    out = io.StringIO()
    with logs_in(tmp_path, hide, out):
        log.info("still at work")
    assert "cannot be written" in out.getvalue()
    assert "still at work" in out.getvalue()


def test_a_terminal_that_is_closed_stops_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    closed = io.StringIO()
    for stream in (closed, Broken()):
        with logs_in(tmp_path, hide, stream):
            closed.close()
            log.info("still at work")
    assert [line["event"] for line in lines_in(tmp_path)] == ["still at work"] * 2
    assert capfd.readouterr() == ("", "")


def test_what_breaks_is_in_the_log_and_the_user_gets_a_sentence(tmp_path: Path):
    with pytest.raises(SendReturnError, match=LOG_NAME) as told, logs_in(tmp_path, hide, None):
        raise ZeroDivisionError(f"with {CANARY}")
    assert CANARY not in told.value.sentence
    (line,) = lines_in(tmp_path)
    assert "ZeroDivisionError" in line["exception"]
    assert CANARY not in line["exception"]


def test_what_is_meant_for_the_user_passes_through(tmp_path: Path):
    with pytest.raises(SendReturnError, match="That cannot be"), logs_in(tmp_path, hide, None):
        raise SendReturnError("That cannot be.")
    assert lines_in(tmp_path) == []


def test_a_thread_that_breaks_is_in_the_log(tmp_path: Path):
    def break_down() -> None:
        raise RuntimeError(CANARY)

    with logs_in(tmp_path, hide, None):
        thread = threading.Thread(target=break_down, name="worker 7")
        thread.start()
        thread.join()
    (line,) = lines_in(tmp_path)
    assert (line["event"], line["thread"]) == ("a thread broke", "worker 7")
    assert CANARY not in line["exception"]


def test_what_breaks_at_the_end_of_an_object_is_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Broken:
        def __del__(self) -> None:
            raise RuntimeError(CANARY)

    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    err = io.StringIO()
    with logs_in(tmp_path, hide, None), redirect_stderr(err):
        Broken()
    (line,) = lines_in(tmp_path)
    assert line["event"] == "something broke while it ended"
    assert "RuntimeError: sk-***ef" in line["exception"]
    assert err.getvalue() == ""


def test_logging_is_as_it_was_afterwards(tmp_path: Path):
    root = logging.getLogger()
    before = (list(root.handlers), root.level, threading.excepthook, sys.unraisablehook)
    with logs_in(tmp_path, hide, None):
        assert root.handlers != before[0]
    assert (root.handlers, root.level, threading.excepthook, sys.unraisablehook) == before
