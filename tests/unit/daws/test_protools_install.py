"""`sendreturn bridge install protools`, and what the doctor says of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import call
from protools_host import ProTools
from protools_studio import Desk, setup_of
from sendreturn.daws.contract import Placement
from sendreturn.daws.installs import installation, load_daws, recipe_of
from sendreturn.errors import UsageError
from sendreturn_bridges.daws.protools import setup
from sendreturn_bridges.daws.protools.bridge import open_link
from sendreturn_bridges.daws.protools.jobs import Pressed

PIP = 'pip install "sendreturn[protools]"'


@pytest.fixture
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDRETURN_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("SENDRETURN_CONFIG", str(tmp_path / "none.yaml"))


@pytest.fixture
def _without_ptsl(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("setup", "bridge"):
        monkeypatch.setattr(f"sendreturn_bridges.daws.protools.{module}.is_possible", lambda: False)


@pytest.mark.usefixtures("_home")
def test_it_is_installed_and_removed_and_says_what_to_click(tmp_path: Path) -> None:
    said = call("bridge", "install", "protools")
    assert said.code == 0
    assert "File > Export > sendreturn" in said.out
    assert (tmp_path / "state" / "daws" / "protools" / "installed").is_file()
    assert "is removed" in call("bridge", "remove", "protools").out
    assert not (tmp_path / "state" / "daws" / "protools").exists()


@pytest.mark.usefixtures("_home", "_without_ptsl")
def test_without_the_package_it_says_what_to_run(tmp_path: Path) -> None:
    said = call("bridge", "install", "protools")
    assert said.code == 2
    assert PIP in said.err
    assert not (tmp_path / "state" / "daws" / "protools" / "installed").exists()


def test_the_doctor_looks_for_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "is_possible", lambda: False)
    (finding,) = setup.check(installation(load_daws()["protools"], tmp_path, {}))
    assert not finding.well
    assert PIP in finding.remedy


def test_the_doctor_looks_whether_anything_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = ProTools().start()
    monkeypatch.setenv("SENDRETURN_PROTOOLS", host.address)
    (while_it_runs,) = setup.check(installation(load_daws()["protools"], tmp_path, {}))
    host.quit()
    (after,) = setup.check(installation(load_daws()["protools"], tmp_path, {}))
    assert while_it_runs.what == f"Something listens at {host.address}, as Pro Tools does."
    assert after.what.startswith(f"Nothing listens at {host.address}")
    assert while_it_runs.well
    assert after.well


@pytest.mark.usefixtures("_without_ptsl")
async def test_a_daemon_without_the_package_goes_on_and_says_what_is_missing(tmp_path: Path) -> None:
    told: dict[str, str | None] = {}
    link = open_link(setup_of(tmp_path, Desk(), ProTools(port=9), told))
    await link.start()
    assert PIP in str(told["daw:protools"])
    link.offer(Placement("0a1b2c3d", "", "", "cover", "", 48_000, ()))
    assert await link.ping(1) is None
    with pytest.raises(UsageError, match="py-ptsl"):
        link.press(Pressed("cover", {}, "p1"))
    await link.stop()


def test_the_recipe_is_one_page() -> None:
    page = recipe_of(load_daws()["protools"])
    assert len(page.splitlines()) <= 70
    for word in ("File > Export", "bridge press protools", "MIDI", "undo", "2025.6", "tempo"):
        assert word in page
