"""`sendreturn bridge install live`: the script in the User Library, the user's keys, and what the doctor says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from live_studio import found_in, installed, library, script_of
from sendreturn.daws.installs import MARK, installation, load_daws, recipe_of
from sendreturn.errors import UsageError
from sendreturn_bridges.daws.live.setup import check


@pytest.fixture(autouse=True)
def _on_a_mac(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "system" not in request.fixturenames:
        monkeypatch.setattr(sys, "platform", "darwin")


def test_the_script_lies_in_the_user_library_and_knows_the_mailbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, steps = installed(tmp_path, monkeypatch)
    folder = script_of(tmp_path)
    sources = {path.name for path in Path(str(script_source())).glob("*.py")}
    assert {path.name for path in folder.iterdir()} == {*sources, "keys.json"}
    for path in folder.glob("*.py"):
        text = path.read_text("utf-8")
        assert MARK in text
        assert "1.2.3" in text
        assert "@VERSION@" not in text
        assert "@MAILBOX@" not in text
    assert f'MAILBOX = "{found.folder.as_posix()}"' in (folder / "where.py").read_text("utf-8")
    assert found.stale == []
    assert {step.what for step in steps} == {"written"}
    assert (found.folder / "out").is_dir()


def script_source() -> Path:
    return Path(__file__).parents[3] / "bridges/sendreturn_bridges/daws/live/remote_script"


@pytest.mark.parametrize(
    ("system", "env", "place"),
    [
        ("darwin", {"HOME": "/Users/zoe"}, "/Users/zoe/Music/Ableton/User Library"),
        ("win32", {"USERPROFILE": "/zoe"}, "/zoe/Documents/Ableton/User Library"),
        ("darwin", {"HOME": "/Users/zoe", "SENDRETURN_LIVE_USER_LIBRARY": "/big/Library"}, "/big/Library"),
        ("win32", {"SENDRETURN_LIVE_USER_LIBRARY": "/big/Library"}, "/big/Library"),
    ],
)
def test_every_system_has_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, env: dict[str, str], place: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    found = installation(load_daws()["live"], tmp_path, {"VERSION": "1"}, env)
    targets = {found.target(file) for file in found.manifest.files}
    folder = Path(place) / "Remote Scripts" / "sendreturn"
    assert targets == {folder / Path(file.source).name for file in found.manifest.files}


def test_linux_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(UsageError, match="Ableton Live does not run on this system"):
        found_in(tmp_path).install()


def test_keys_of_the_user_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = installed(tmp_path, monkeypatch)
    keys = script_of(tmp_path) / "keys.json"
    usual = json.loads(keys.read_text("utf-8"))
    assert usual["notes"]["60"] == "extend"
    keys.write_text('{"notes": {"1": "cover"}}', "utf-8")
    assert {step.what for step in found.install()} == {"up to date", "left as it is"}
    told = {step.path.name: step.what for step in found.remove()}
    assert told["keys.json"] == "left, as you have changed it"
    assert [path.name for path in script_of(tmp_path).iterdir()] == ["keys.json"]


def test_removing_leaves_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = installed(tmp_path, monkeypatch)
    (script_of(tmp_path) / "__pycache__").mkdir()
    found.remove()
    assert not script_of(tmp_path).exists()
    assert not found.folder.exists()


def test_a_script_of_somebody_else_is_never_replaced(tmp_path: Path) -> None:
    script_of(tmp_path).mkdir(parents=True)
    (script_of(tmp_path) / "__init__.py").write_text("mine", "utf-8")
    with pytest.raises(UsageError, match="not of sendreturn"):
        found_in(tmp_path).install()
    assert (script_of(tmp_path) / "__init__.py").read_text("utf-8") == "mine"


def test_the_doctor_is_content_with_an_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = installed(tmp_path, monkeypatch)
    assert all(finding.well for finding in check(found))


def test_the_doctor_says_where_to_look_for_the_user_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = installed(tmp_path, monkeypatch)
    (library(tmp_path) / "Presets").rmdir()
    (script_of(tmp_path) / "keys.json").write_text("{", "utf-8")
    place, keys = check(found)
    assert not place.well
    assert "SENDRETURN_LIVE_USER_LIBRARY" in place.remedy
    assert not keys.well
    assert "keys.json" in keys.what


def test_the_doctor_finds_a_script_of_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = installed(tmp_path, monkeypatch)
    (script_of(tmp_path) / "desk.py").unlink()
    assert [path.name for path in found.stale] == ["desk.py"]


def test_the_recipe_is_one_page() -> None:
    page = recipe_of(load_daws()["live"])
    assert len(page.splitlines()) <= 60
    assert "Control Surface: choose `sendreturn`" in page
