"""What the doctor says of installed bridges: each thing that is wrong comes with what to do next."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sendreturn import doctor
from sendreturn.daws.health import daw_findings, installation_values
from sendreturn.daws.installs import installation, load_daws
from sendreturn.doctor import examine
from sendreturn.errors import UsageError
from sendreturn.findings import Finding
from sendreturn.places import Places
from sendreturn.settings.models import OscSettings, Settings

RUNNING = {"status": "ok", "osc_port": 7373, "osc_subscribers": []}
Ping = Callable[[str], str | None]


class Machine:
    """A user with REAPER's bridge installed."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(folder / "home"))
        monkeypatch.setenv("REAPER_RESOURCE_PATH", str(folder / "REAPER"))
        monkeypatch.setattr("sendreturn_bridges.daws.reaper.setup.is_running", lambda: False)
        self.settings = Settings()
        self.places = Places(folder / "state")
        self.found = installation(load_daws()["reaper"], self.places.state, installation_values(self.settings))
        self.found.install()

    def findings(self, running: dict[str, object] | None = None, ping: Ping | None = None) -> list[Finding]:
        return list(daw_findings(self.settings, self.places, running, ping))

    def wrong(self, running: dict[str, object] | None = None, ping: Ping | None = None) -> Finding:
        (found,) = [finding for finding in self.findings(running, ping) if not finding.well]
        assert found.remedy
        return found


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_all_is_well_and_the_daw_answers(machine: Machine) -> None:
    told = machine.findings(RUNNING, lambda daw: f"{daw} 7, script 1")
    assert all(finding.well for finding in told)
    assert told[-1].what == "REAPER answers: reaper 7, script 1."


def test_a_daw_that_does_not_answer_is_told_with_the_first_click(machine: Machine) -> None:
    told = machine.findings(RUNNING, lambda _: None)[-1]
    assert "does not answer" in told.what
    assert machine.found.clicks[0] in told.what


def test_a_bridge_that_the_daemon_does_not_know_yet_is_told(machine: Machine) -> None:
    def ping(daw: str) -> str | None:
        raise UsageError(f"The bridge for {daw!r} is not installed.", "Start the daemon again.")

    assert machine.wrong(RUNNING, ping).remedy == "Start the daemon again."


def test_a_script_of_another_version_is_told(machine: Machine) -> None:
    machine.found.target(machine.found.manifest.files[0]).write_text("-- sendreturn-bridge 0.0\n")
    assert machine.wrong().remedy == "Run `sendreturn bridge install reaper`."


def test_a_daemon_at_another_port_than_the_scripts_have_is_told(machine: Machine) -> None:
    told = machine.wrong({**RUNNING, "osc_port": 7399})
    assert "port 7399, and the settings say 7373" in told.what
    assert "sendreturn run" in told.remedy


def test_a_port_that_could_not_be_had_is_told_once(machine: Machine) -> None:
    assert all(finding.well for finding in machine.findings({**RUNNING, "osc_port": None}))


def test_a_mailbox_that_is_gone_is_told(machine: Machine) -> None:
    (machine.found.folder / "out").rmdir()
    assert machine.wrong(RUNNING).what == f"The mailbox {machine.found.folder / 'out'} is not there."


def test_a_mailbox_that_cannot_be_written_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).name != "out")
    assert "and so REAPER cannot either" in machine.wrong().what


def test_what_waits_for_the_daemon_is_told(machine: Machine) -> None:
    (machine.found.folder / "out" / "1.json").write_text("{}")
    told = [finding.what for finding in machine.findings()]
    assert "What REAPER has sent (1) waits for the daemon: `sendreturn run`." in told


@pytest.mark.parametrize(
    ("announce", "has_library", "words"),
    [(True, False, "surfaces are told address and port"), (False, True, "osc.announce is no"), (True, True, "")],
)
def test_whether_surfaces_find_the_daemon_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, announce: bool, has_library: bool, words: str
) -> None:
    monkeypatch.setattr(doctor, "find_spec", lambda _: has_library or None)
    settings = Settings(osc=OscSettings(announce=announce))
    told = [finding.what for finding in examine(settings, Places(tmp_path), RUNNING) if finding.topic == "discovery"]
    assert "".join(told).count(words) == 1 if words else told == []
