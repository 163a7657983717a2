"""Layouts are put where the user finds them, are made anew when settings change, and never over the user's own work."""

from __future__ import annotations

import json
import stat
import zlib
from pathlib import Path

import pytest
from command_line import call
from sendreturn.daws.health import daw_findings
from sendreturn.findings import Finding
from sendreturn.places import Places
from sendreturn.settings import load_settings

SURFACES = {"touchosc": "sendreturn.tosc", "openstagecontrol": "sendreturn-open-stage-control.json"}
OPEN = "osc: { host: 0.0.0.0, allow: [192.168.1.0/24] }\n"


class Desk:
    """A user with a configuration, and documents."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.state, self._config = folder / "state", folder / "config.yaml"
        self._documents = folder / "home" / "Documents" / "sendreturn"
        monkeypatch.setattr("platformdirs.user_documents_path", lambda: folder / "home" / "Documents")
        monkeypatch.setenv("SENDRETURN_HOME", str(self.state))
        monkeypatch.setenv("SENDRETURN_CONFIG", str(self._config))
        self.configure("")

    def configure(self, text: str) -> None:
        self._config.write_text(text, "utf-8")

    def path(self, name: str) -> Path:
        return self._documents / SURFACES[name]

    def text(self, name: str) -> str:
        raw = self.path(name).read_bytes()
        return (zlib.decompress(raw) if name == "touchosc" else raw).decode("utf-8")

    def install(self, name: str) -> str:
        said = call("bridge", "install", name)
        assert said.code == 0, said.err
        return said.out

    def findings(self, running: dict[str, object] | None = None) -> list[Finding]:
        settings = load_settings(self._config, {})
        return list(daw_findings(settings, Places(self.state), running, None))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


surfaces = pytest.mark.parametrize("name", SURFACES)


@surfaces
def test_it_lies_in_the_users_documents_and_the_clicks_name_it(desk: Desk, name: str) -> None:
    said = desk.install(name)
    assert f"written: {desk.path(name)}" in said
    assert str(desk.path(name)) in said.split("1. ")[1]
    assert stat.S_IMODE(desk.path(name).stat().st_mode) == 0o600
    assert "orchestral-cover" in desk.text(name)
    assert "starts again" not in said
    assert f"up to date: {desk.path(name)}" in desk.install(name)
    assert all(finding.well for finding in desk.findings())


@surfaces
def test_removing_takes_it_away(desk: Desk, name: str) -> None:
    desk.install(name)
    assert f"removed: {desk.path(name)}" in call("bridge", "remove", name).out
    assert not desk.path(name).exists()


@surfaces
def test_what_the_user_has_changed_is_kept(desk: Desk, name: str) -> None:
    desk.install(name)
    desk.path(name).write_bytes(b"mine")
    first = desk.findings()[0]
    assert first.well
    assert "changed by hand" in first.what
    said = desk.install(name)
    kept = desk.path(name).with_stem(f"{desk.path(name).stem} (yours 1)")
    assert f"kept, as it was changed since it was written: {kept}" in said
    assert kept.read_bytes() == b"mine"
    desk.path(name).write_bytes(b"mine again")
    assert "left, as it was changed" in call("bridge", "remove", name).out
    assert desk.path(name).read_bytes() == b"mine again"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        *((name, "presets: { jazz: { operation: cover } }") for name in SURFACES),
        *((name, "osc: { port: 7400 }") for name in SURFACES),
        ("touchosc", OPEN),
    ],
)
def test_the_doctor_sees_that_it_is_older_than_the_settings(desk: Desk, name: str, change: str) -> None:
    desk.install(name)
    desk.configure(change)
    wrong = [finding for finding in desk.findings() if not finding.well]
    assert wrong[0].remedy.startswith(f"Run `sendreturn bridge install {name}`, and load the layout into")
    desk.install(name)
    assert all(finding.well for finding in desk.findings())


@surfaces
def test_the_token_is_in_what_sends_from_other_machines_and_only_where_they_may(desk: Desk, name: str) -> None:
    desk.install(name)
    token = Places(desk.state).read_osc_token()
    assert token not in desk.text(name)
    desk.configure(OPEN)
    desk.install(name)
    assert (token in desk.text(name)) == (name == "touchosc")


def test_the_clicks_say_what_a_phone_needs(desk: Desk) -> None:
    assert "Host 127.0.0.1, Send Port 7373, Receive Port 9000" in (said := desk.install("touchosc"))
    assert "allow: [192.168.1.0/24]" in said
    desk.configure(OPEN)
    said = desk.install("touchosc")
    assert "Host this computer's address in your network, Send Port 7373" in said
    assert "allow:" not in said


@surfaces
def test_a_missing_layout_is_found(desk: Desk, name: str) -> None:
    desk.install(name)
    desk.path(name).unlink()
    first = desk.findings()[0]
    assert (first.well, first.remedy) == (False, f"Run `sendreturn bridge install {name}`.")


def test_an_allowed_network_that_nobody_listens_to_is_found(desk: Desk) -> None:
    desk.configure("osc: { allow: [192.168.1.0/24] }")
    desk.install("touchosc")
    (wrong,) = [finding for finding in desk.findings() if not finding.well]
    assert "heard on this machine only" in wrong.what
    assert "0.0.0.0" in wrong.remedy


def test_the_doctor_tells_who_listens_and_whether_the_port_is_the_layouts(desk: Desk) -> None:
    desk.install("touchosc")
    told = desk.findings({"osc_port": 7373, "osc_subscribers": ["192.168.1.7:9000"]})
    assert any("listen at 192.168.1.7:9000" in finding.what for finding in told)
    told = desk.findings({"osc_port": 7399, "osc_subscribers": []})
    assert any("Connections > OSC" in finding.what for finding in told)
    (wrong,) = [finding for finding in told if not finding.well]
    assert "port 7399" in wrong.what


def test_too_many_presets_are_told(desk: Desk) -> None:
    presets = {f"p{number}": {"operation": "cover"} for number in range(30)}
    desk.configure(f"presets: {json.dumps(presets)}")
    assert "has no room for the presets" in desk.install("touchosc")


def test_a_folder_that_cannot_be_written_is_told(desk: Desk) -> None:
    desk.path("touchosc").parent.parent.mkdir(parents=True)
    desk.path("touchosc").parent.write_text("a file")
    said = call("bridge", "install", "touchosc")
    assert said.code == 1
    assert "cannot be written" in said.err
