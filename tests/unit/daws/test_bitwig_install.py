"""What `sendreturn bridge install bitwig` writes, and what the doctor says of it."""

from __future__ import annotations

import re
import socket
import sys
from pathlib import Path

import pytest
from bitwig_studio import installed, script_of
from sendreturn.daws.installs import installation, load_daws
from sendreturn_bridges.daws.bitwig import setup
from sendreturn_bridges.daws.bitwig.door import FILE, door_in

PLACES = {"linux": "Bitwig Studio", "darwin": "Documents/Bitwig Studio", "win32": "Documents/Bitwig Studio"}


def test_the_script_lies_where_bitwig_looks_and_knows_the_door(tmp_path: Path) -> None:
    found = installed(tmp_path)
    scripts = tmp_path / "home" / PLACES[sys.platform] / "Controller Scripts"
    assert found.target(found.manifest.files[0]) == scripts / "sendreturn" / "sendreturn.control.js"
    door = door_in(found.folder, 0)
    assert f'Number("{door.port}")' in script_of(found)
    assert f'"{door.secret}"' in script_of(found)
    assert "@" not in re.sub(r"//.*", "", script_of(found))


def test_installing_again_keeps_the_door_so_that_a_running_daemon_is_still_heard(tmp_path: Path) -> None:
    before = script_of(installed(tmp_path))
    again = installed(tmp_path)
    assert script_of(again) == before
    assert again.stale == []


@pytest.mark.skipif(sys.platform == "win32", reason="no permissions of this kind")
def test_the_secret_is_the_users_alone(tmp_path: Path) -> None:
    found = installed(tmp_path)
    assert (found.folder / FILE).stat().st_mode & 0o077 == 0


def test_a_port_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        taken = other.getsockname()[1]
        assert door_in(tmp_path, taken).port != taken


@pytest.mark.parametrize("text", ["", "{", "[]", '{"port": "x", "secret": ""}'])
def test_a_door_that_cannot_be_read_is_made_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    door = door_in(tmp_path, 0)
    assert door.port > 0
    assert door_in(tmp_path, 0) == door


def test_another_folder_for_scripts_is_taken(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "BITWIG_CONTROLLER_SCRIPTS": str(tmp_path / "mine")}
    found = installation(load_daws()["bitwig"], tmp_path / "state", {"VERSION": "1"}, env)
    assert found.target(found.manifest.files[0]).is_relative_to(tmp_path / "mine")


def test_the_doctor_says_where_bitwig_may_look_instead(tmp_path: Path) -> None:
    found = installed(tmp_path)
    (finding,) = setup.check(found)
    assert "BITWIG_CONTROLLER_SCRIPTS" in finding.what
    (found.target(found.manifest.files[0]).parents[2] / "Library").mkdir()
    assert list(setup.check(found)) == []


def test_removing_it_takes_the_script_and_the_secret_away(tmp_path: Path) -> None:
    found = installed(tmp_path)
    found.remove()
    assert not found.target(found.manifest.files[0]).parent.exists()
    assert not found.folder.exists()


def test_the_script_is_written_for_the_oldest_javascript(tmp_path: Path) -> None:
    code = re.sub(r"//.*|\"[^\"]*\"", "", script_of(installed(tmp_path)))
    assert re.findall(r"\b(let|const|class|of|async|await)\b|=>|`|\.\.\.", code) == []
