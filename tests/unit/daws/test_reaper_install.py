"""`sendreturn bridge install reaper`: scripts, actions and the start of the receiver; what is the user's stays his."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from reaper_session import ReaProject
from reaper_side import Reaper
from reaper_studio import ReaperStudio, installed, resources
from sendreturn import __version__
from sendreturn.daws.installs import MARK, installation, load_daws
from sendreturn_bridges.daws.reaper import setup
from sendreturn_bridges.daws.reaper.reapack import write_repository
from sendreturn_bridges.daws.reaper.setup import ACTIONS, check, with_actions, with_startup, without_startup

KB = (
    'ACT 1 0 "abc123" "Custom: two things" 40001 _RSs2\n'
    'SCR 4 0 RSs2 "Custom: due.lua" "My scripts/due.lua"\n'
    "KEY 1 65 _RSs2 0\t\t # Main : A : due.lua\n"
)


def kb_of(folder: Path) -> Path:
    return resources(folder) / "reaper-kb.ini"


def startup_of(folder: Path) -> Path:
    return resources(folder) / "Scripts" / "__startup.lua"


def test_the_scripts_lie_where_reaper_looks_and_are_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = installed(tmp_path, monkeypatch)
    scripts = resources(tmp_path) / "Scripts" / "sendreturn"
    assert {path.stem for path in scripts.iterdir()} == {*ACTIONS, "sendreturn_core", "sendreturn_mailbox"}
    for path in scripts.iterdir():
        text = path.read_text("utf-8")
        assert MARK in text
        assert "1.2.3" in text
        assert not any(word in text for word in ("@MAILBOX@", "@VERSION@", "\n--@include"))
    assert found.folder.as_posix() in (scripts / "sendreturn_mailbox.lua").read_text("utf-8")
    assert found.stale == []


@pytest.mark.parametrize(
    ("system", "env", "place"),
    [
        ("linux", {"HOME": "/home/zoe"}, "/home/zoe/.config/REAPER"),
        ("darwin", {"HOME": "/Users/zoe"}, "/Users/zoe/Library/Application Support/REAPER"),
        ("win32", {"APPDATA": "/roaming"}, "/roaming/REAPER"),
        ("linux", {"HOME": "/home/zoe", "REAPER_RESOURCE_PATH": "/opt/REAPER"}, "/opt/REAPER"),
    ],
)
def test_every_system_has_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, env: dict[str, str], place: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    found = installation(load_daws()["reaper"], tmp_path, {"VERSION": __version__}, env)
    targets = [found.target(file) for file in found.manifest.files]
    assert targets == [Path(place) / "Scripts" / "sendreturn" / file.source for file in found.manifest.files]


def test_actions_are_added_to_those_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kb_of(tmp_path).parent.mkdir(parents=True)
    kb_of(tmp_path).write_text(KB, "utf-8")
    installed(tmp_path, monkeypatch)
    text = kb_of(tmp_path).read_text("utf-8")
    assert text.startswith(KB)
    assert 'SCR 4 0 sendreturn_extend "Custom: sendreturn: extend" sendreturn/sendreturn_extend.lua\n' in text
    assert kb_of(tmp_path).with_name("reaper-kb.ini.before-sendreturn").read_text("utf-8") == KB
    assert with_actions(text) == text
    known = {name for name, _ in Reaper(resources(tmp_path), ReaProject()).commands.values()}
    assert known == {*ACTIONS, "RSs2"}


def test_reapack_brings_the_same_scripts_to_the_same_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = installed(tmp_path, monkeypatch)
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    path = write_repository(tmp_path / "repo", "https://music.example/reaper/", "1.2.3", at)
    index = ElementTree.fromstring(path.read_text("utf-8"))
    assert (index.tag, index.attrib) == ("index", {"version": "1", "name": "sendreturn"})
    (package,) = index.findall("category/reapack")
    assert (package.get("type"), package.get("name")) == ("script", "sendreturn_panel.lua")
    (version,) = package.findall("version")
    assert (version.get("name"), version.get("time")) == ("1.2.3", "2026-01-02T03:04:05Z")
    for source in version.findall("source"):
        file, url = str(source.get("file")), str(source.text)
        place = resources(tmp_path) / "Scripts" / "sendreturn" / "REAPER" / file
        published = tmp_path / "repo" / url.removeprefix("https://music.example/reaper/")
        assert place.resolve().read_bytes() == published.read_bytes()
    actions = {Path(str(s.get("file"))).stem for s in version.findall("source") if s.get("main") == "main"}
    assert actions == set(ACTIONS)
    assert len(version.findall("source")) == len(found.manifest.files) - 1


def test_the_index_is_of_the_packages_own_version(tmp_path: Path) -> None:
    path = write_repository(tmp_path, "https://music.example")
    version = ElementTree.fromstring(path.read_text("utf-8")).find("category/reapack/version")
    assert version is not None
    assert version.get("name") == __version__
    assert f"@version {__version__}" in (tmp_path / __version__ / "sendreturn_panel.lua").read_text("utf-8")


@pytest.mark.parametrize(
    ("system", "env", "place"),
    [
        ("Other", {"HOME": "{home}"}, ".local/share/sendreturn"),
        ("Other", {"HOME": "/x", "XDG_DATA_HOME": "{home}/data"}, "data/sendreturn"),
        ("macOS-arm64", {"HOME": "{home}"}, "Library/Application Support/sendreturn"),
        ("Win64", {"LOCALAPPDATA": "{home}"}, "sendreturn"),
        ("Other", {"SENDRETURN_HOME": "{home}/s"}, "s"),
    ],
)
def test_scripts_that_came_alone_look_where_the_daemon_usually_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, env: dict[str, str], place: str
) -> None:
    studio = ReaperStudio(tmp_path, monkeypatch)
    (resources(tmp_path) / "Scripts" / "sendreturn" / "sendreturn_mailbox.lua").unlink()
    for name in ("SENDRETURN_HOME", "HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value.format(home=tmp_path))
    out = tmp_path / place / "daws" / "reaper" / "out"
    out.mkdir(parents=True)
    studio.reaper.system = system
    studio.reaper.press("sendreturn_cover.lua")
    assert studio.reaper.dialogs == []
    assert len(list(out.glob("*.json"))) == 2


def test_installing_twice_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = installed(tmp_path, monkeypatch)
    assert {step.what for step in found.install()} == {"up to date"}


@pytest.mark.parametrize("text", [b"[section]\nkey=1\n", b"KEY 1 65 40001 0\n\0\0", b"\xff\xfe\0K"])
def test_an_odd_list_of_actions_is_left_alone_and_the_clicks_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes
) -> None:
    kb_of(tmp_path).parent.mkdir(parents=True)
    kb_of(tmp_path).write_bytes(text)
    found = installed(tmp_path, monkeypatch)
    assert kb_of(tmp_path).read_bytes() == text
    told = next(step.what for step in found.install() if step.path == kb_of(tmp_path))
    assert "New action, Load ReaScript" in told
    wrong = [finding for finding in check(found) if not finding.well]
    assert "sendreturn: extend" in wrong[0].what


def test_while_reaper_runs_its_list_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = installed(tmp_path, monkeypatch, is_running=True)
    assert not kb_of(tmp_path).exists()
    assert any("quit it" in step.what for step in found.install())
    assert [finding.well for finding in check(found)] == [False, False]


def test_the_users_startup_script_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    startup_of(tmp_path).parent.mkdir(parents=True)
    startup_of(tmp_path).write_text("reaper.ShowConsoleMsg ('hello')\r\nreturn\r\n", "utf-8", newline="")
    found = installed(tmp_path, monkeypatch)
    text = startup_of(tmp_path).read_bytes().decode()
    assert text.endswith("reaper.ShowConsoleMsg ('hello')\r\nreturn\r\n")
    assert text.count("\n") == text.count("\r\n")
    assert with_startup(text) == text
    found.remove()
    assert startup_of(tmp_path).read_bytes().decode() == "reaper.ShowConsoleMsg ('hello')\r\nreturn\r\n"


def test_reaper_starts_the_receiver_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, monkeypatch)
    reaper = Reaper(resources(tmp_path), ReaProject(str(tmp_path / "Song.rpp")))
    reaper.press("../__startup.lua")
    assert "sendreturn_receive.lua" in reaper.running


def test_removing_leaves_what_was_there_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kb_of(tmp_path).parent.mkdir(parents=True)
    kb_of(tmp_path).write_text(KB, "utf-8")
    found = installed(tmp_path, monkeypatch)
    found.remove()
    assert kb_of(tmp_path).read_text("utf-8") == KB
    assert not startup_of(tmp_path).exists()
    assert not (resources(tmp_path) / "Scripts" / "sendreturn").exists()
    assert without_startup("x") == "x"


def test_the_doctor_is_content_with_an_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(finding.well for finding in check(installed(tmp_path, monkeypatch)))


def test_a_running_reaper_is_recognised() -> None:
    assert setup.is_running() is False
