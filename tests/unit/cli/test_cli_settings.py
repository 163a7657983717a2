"""Settings and secrets on the command line: files that are missing or wrong, keys, models, the doctor."""

from __future__ import annotations

import io
import json
import re
import socket
from pathlib import Path

import keyring
import pytest
from command_line import Desktop, call
from keyring.backend import KeyringBackend

CANARY = "sk-canary-0123456789abcdef"


class Keyring(KeyringBackend):
    """A keyring in memory."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desktop:
    return Desktop(tmp_path, monkeypatch)


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Keyring:
    ring = Keyring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: ring)
    return ring


def test_a_configuration_that_is_named_and_missing_is_told(
    desktop: Desktop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    missing = tmp_path / "none.yaml"
    said = call("--config", missing, "list")
    assert (said.code, said.err) == (0, f"sendreturn: {missing} is not there; all settings have their defaults.\n")
    monkeypatch.setenv("SENDRETURN_CONFIG", str(missing))
    assert "is not there" in call("list").err


@pytest.mark.parametrize("command", [("list",), ("bridge", "list")])
def test_the_configuration_may_be_named_before_or_after_the_command(
    desktop: Desktop, tmp_path: Path, command: tuple[str, ...]
):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("servce: local\n")
    for arguments in (("--config", wrong, *command), (command[0], "--config", wrong, *command[1:])):
        said = call(*arguments)
        assert (said.code, "servce" in said.err) == (2, True)


def test_no_configuration_at_all_is_no_reason_to_warn(
    desktop: Desktop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("SENDRETURN_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    said = call("list")
    assert (said.code, said.err) == (0, "")


def test_every_problem_of_the_configuration_has_its_own_line(desktop: Desktop):
    desktop.config.write_text("osc: {prot: 7000}\nservice: locla\nreturns:\n  bit_depth: 20\n")
    for command in (("run",), ("list",), ("watch", "--list"), ("doctor",)):
        said = call(*command)
        assert said.code == 2
        first, *problems = said.err.splitlines()
        assert "3 problems" in first
        assert [re.search(r"config\.yaml:(\d+)", line)[1] for line in problems] == ["1", "2", "4"]  # type: ignore[index]
        assert "port" in problems[0]


def test_a_state_folder_that_cannot_be_made_is_a_sentence(
    desktop: Desktop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SENDRETURN_HOME", str(tmp_path / "file" / "state"))
    said = call("list")
    assert said.code == 2
    assert "SENDRETURN_HOME" in said.err


def test_a_key_is_kept_and_removed_and_never_shown(desktop: Desktop, ring: Keyring, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{CANARY}\n"))
    kept = call("key", "set", "sonauto")
    assert (kept.code, kept.err) == (0, "")
    assert ring.kept == {("sendreturn", "sonauto"): CANARY}
    assert call("key", "remove", "sonauto").out == "The key of sonauto is removed.\n"
    assert ring.kept == {}
    assert call("key", "remove", "sonauto").out == "There was no key of sonauto.\n"
    assert CANARY not in kept.out


def test_a_key_that_is_typed_is_asked_for_without_showing_it(
    desktop: Desktop, ring: Keyring, monkeypatch: pytest.MonkeyPatch
):
    class Keyboard(io.StringIO):
        def isatty(self) -> bool:
            return True

    asked: list[str] = []

    def type_blind(prompt: str) -> str:
        asked.append(prompt)
        return CANARY

    monkeypatch.setattr("sys.stdin", Keyboard())
    monkeypatch.setattr("click.termui.hidden_prompt_func", type_blind)
    assert call("key", "set", "sunoapi").code == 0
    assert asked == ["API key of sunoapi: "]
    assert ring.kept == {("sendreturn", "sunoapi"): CANARY}


@pytest.mark.parametrize(
    ("service", "typed", "code"), [("nobody", CANARY, 2), ("sonauto", "", 2), ("sonauto", "two words", 2)]
)
def test_a_key_that_cannot_be_is_refused(
    desktop: Desktop, ring: Keyring, monkeypatch: pytest.MonkeyPatch, service: str, typed: str, code: int
):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
    said = call("key", "set", service)
    assert (said.code, said.out) == (code, "")
    assert ring.kept == {}


def test_services_say_why_they_do_not_show_what_is_left(desktop: Desktop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ACEDATA_API_KEY", "canary-0123456789")
    monkeypatch.delenv("SONAUTO_API_KEY", raising=False)
    said = call("services").out
    assert "Set services.acedata.options.application_id to its id, as AceData's console shows it." in said
    assert "no API key: `sendreturn key set sonauto` keeps one" in said


def test_services_are_shown_as_text_and_as_json(desktop: Desktop):
    text, table = call("services"), json.loads(call("services", "--json").out)
    assert text.code == 0
    assert "local (free)" in text.out
    assert "inpaint: makes mix, needs section_s" in text.out
    assert {"name", "title", "about", "free", "currency", "operations"} <= set(table["services"][0])
    assert "local" in {service["name"] for service in table["services"]}


def test_models_are_listed_with_their_licence(desktop: Desktop):
    said = call("models", "list")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines
    assert all(re.search(r"not installed \([\d.]+ MB to fetch\)$", line) for line in lines)
    assert call("models", "remove", "basic-pitch").out == "basic-pitch was not installed.\n"
    assert call("models", "list", "basic-pitch").out.splitlines() == [one for one in lines if "basic-pitch" in one]
    assert len(call("models", "remove").out.splitlines()) == len(lines)
    assert call("models", "install", "nothing").code == 2


def test_the_doctor_finds_all_well_and_shows_no_secret(
    desktop: Desktop, ring: Keyring, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SONAUTO_API_KEY", CANARY)
    ring.kept["sendreturn", "sunoapi"] = f"{CANARY}-ring"
    call("list")  # makes the state folder
    said = call("doctor")
    assert (said.code, said.err) == (0, "")
    assert said.out.rstrip().endswith("All is well.")
    assert CANARY not in said.out
    assert (desktop.state / "token").read_text() not in said.out
    assert re.search(r"services\.sonauto\.key = sk-\*\*\*ef .*SONAUTO_API_KEY", said.out)
    assert re.search(r"services\.sunoapi\.key = sk-\*\*\*ng .*keyring", said.out)
    assert f"osc.port = 0  ({desktop.config.name}:" in said.out.replace(str(desktop.config), desktop.config.name)


def test_the_doctor_changes_nothing(desktop: Desktop):
    call("doctor")
    assert not desktop.state.exists()


def test_the_doctor_says_what_is_wrong_and_what_to_do(desktop: Desktop, tmp_path: Path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        desktop.configure(web={"port": port}, sessions=[{"path": str(tmp_path / "gone")}])
        said = call("doctor")
    assert said.code == 1
    wrong = [line for line in said.out.splitlines() if line.startswith("  wrong")]
    assert len(wrong) == 2
    assert f"127.0.0.1:{port} is taken" in wrong[0]
    assert "web.port" in wrong[0]
    assert str(tmp_path / "gone") in wrong[1]
    assert "2 of" in said.out
