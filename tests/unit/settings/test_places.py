"""Where things live, on the three operating systems."""

from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING

import platformdirs
import pytest
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from sendreturn.errors import SettingsError
from sendreturn.places import Places, config_file, expand, state_folder

if TYPE_CHECKING:
    from pathlib import Path


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_named_file_goes_before_the_environment(tmp_path: Path) -> None:
    env = {"SENDRETURN_CONFIG": str(tmp_path / "env.yaml"), "HOME": str(tmp_path)}
    assert config_file(tmp_path / "named.yaml", env) == tmp_path / "named.yaml"
    assert config_file(None, env) == tmp_path / "env.yaml"
    assert config_file("~/mine.yaml", env) == tmp_path / "mine.yaml"


def test_a_relative_name_counts_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert config_file("a/../b.yaml", {}) == tmp_path / "b.yaml"


@pytest.mark.parametrize(
    ("system", "config", "state"),
    [
        (Unix, ".config/sendreturn/sendreturn.yaml", ".local/share/sendreturn"),
        (
            MacOS,
            "Library/Application Support/sendreturn/sendreturn.yaml",
            "Library/Application Support/sendreturn",
        ),
    ],
)
def test_the_platform_says_where_the_folders_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: type[Unix | MacOS], config: str, state: str
) -> None:
    monkeypatch.setattr(platformdirs, "PlatformDirs", system)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert config_file(None, {}) == tmp_path / config
    assert state_folder({}) == tmp_path / state


def test_on_windows_the_folder_is_not_named_twice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    windows = pytest.importorskip("platformdirs.windows")
    monkeypatch.setattr(platformdirs, "PlatformDirs", windows.Windows)
    monkeypatch.setattr(windows, "get_win_folder", lambda name: str(tmp_path / "AppData" / "Local"))
    assert config_file(None, {}) == tmp_path / "AppData/Local/sendreturn/sendreturn.yaml"
    assert state_folder({}) == tmp_path / "AppData/Local/sendreturn"


def test_the_environment_names_the_state_folder_and_an_empty_name_does_not_count(tmp_path: Path) -> None:
    assert state_folder({"SENDRETURN_HOME": "~/state", "HOME": str(tmp_path)}) == tmp_path / "state"
    assert state_folder({"SENDRETURN_HOME": ""}) == state_folder({})


def test_the_home_folder_of_windows_is_found_in_userprofile(tmp_path: Path) -> None:
    assert expand("~/x", {"USERPROFILE": str(tmp_path)}) == tmp_path / "x"


def test_prepare_makes_private_folders_and_a_private_token(tmp_path: Path) -> None:
    places = Places(tmp_path / "deep" / "state")
    places.prepare()
    for folder in (places.state, places.models, places.staging, places.log):
        assert folder.is_dir()
    assert len(places.read_token()) >= 32
    assert sorted(path.name for path in places.state.iterdir()) == ["log", "models", "staging", "token"]
    if os.name == "posix":
        assert {mode_of(f) for f in (places.state, places.models, places.staging, places.log)} == {0o700}
        assert mode_of(places.token) == 0o600


def test_prepare_again_keeps_the_token_and_closes_it_to_others(tmp_path: Path) -> None:
    places = Places(tmp_path)
    places.prepare()
    token = places.read_token()
    places.token.chmod(0o644)
    places.prepare()
    assert places.read_token() == token
    if os.name == "posix":
        assert mode_of(places.token) == 0o600


def test_many_at_once_agree_on_one_token(tmp_path: Path) -> None:
    places, seen = Places(tmp_path / "state"), []
    start = threading.Barrier(8)

    def prepare_and_read() -> None:
        start.wait()
        places.prepare()
        seen.append(places.read_token())

    threads = [threading.Thread(target=prepare_and_read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len(set(seen)) == 1
    assert [path.name for path in places.state.glob(".*")] == []


def test_a_file_system_without_hard_links_gets_its_token_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: object, target: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    places = Places(tmp_path)
    places.prepare()
    assert places.read_token()
    assert list(tmp_path.glob(".*")) == []


def test_a_state_folder_that_cannot_be_made_is_told_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        Places(tmp_path / "file" / "state").prepare()
    assert str(tmp_path / "file" / "state") in caught.value.what
    assert "SENDRETURN_HOME" in caught.value.hint


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_a_token_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None) -> None:
    places = Places(tmp_path)
    if content is not None:
        places.token.write_bytes(content)
    with pytest.raises(SettingsError, match=r"local token .* cannot be read"):
        places.read_token()


def test_a_token_is_never_written_over(tmp_path: Path) -> None:
    places = Places(tmp_path)
    places.token.write_text("mine", encoding="ascii")
    places.prepare()
    assert places.read_token() == "mine"
