"""What the command line says of itself, and how quickly."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from command_line import call
from sendreturn.cli import COMMANDS, cli

HEAVY = {
    "numpy", "scipy", "soundfile", "soxr", "sqlalchemy", "pydantic", "yaml", "httpx", "starlette", "uvicorn", "rich",
    "structlog", "keyring", "mido", "pythonosc", "watchdog", "psutil",
}  # fmt: skip
GROUPS = {"models": ("list", "install", "remove"), "key": ("set", "remove")}
WAYS = [*((name,) for name in COMMANDS), *((group, name) for group, names in GROUPS.items() for name in names)]


def loaded_by(*arguments: str) -> set[str]:
    """The top-level modules that a command loads."""
    script = (
        "import sys\nfrom sendreturn.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print('\\n'.join(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_help_loads_nothing_heavy():
    assert loaded_by("--help") & HEAVY == set()


def test_a_command_that_asks_the_daemon_loads_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SENDRETURN_HOME", str(tmp_path))
    for arguments in (("send", "--help"), ("list", "--help"), ("--version",), ("sned",)):
        assert loaded_by(*arguments) & {"numpy", "scipy", "sqlalchemy", "soundfile", "uvicorn"} == set(), arguments


def test_help_lists_every_command_with_what_it_does():
    said = call("--help")
    assert said.code == 0
    lines = said.out.splitlines()
    for name, (_, about) in COMMANDS.items():
        assert any(line.split(maxsplit=1)[:1] == [name] and line.endswith(about) for line in lines), name
        assert about.endswith(".")


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_each_command_explains_itself(way: tuple[str, ...]):
    said = call(*way, "--help")
    assert said.code == 0
    assert said.err == ""
    assert all(len(line) <= 80 for line in said.out.splitlines())
    assert said.out.splitlines()[2].strip(), "a first sentence"
    command: click.Command = cli
    for name in way:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    for option in command.params:
        assert not isinstance(option, click.Option) or option.help


@pytest.mark.parametrize("name", ["run", "demo", "watch", "send", "list", "show", "cancel", "retry", "approve"])
def test_each_command_shows_an_example(name: str):
    out = call(name, "--help").out
    (begin,) = [number for number, line in enumerate(out.splitlines()) if line.strip() in ("Example:", "Examples:")]
    assert f"sendreturn {name}" in out.splitlines()[begin + 1]


def test_without_a_command_the_help_is_shown():
    said = call()
    assert said.code == 2
    assert "Commands:" in said.out + said.err


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("sned", "a.wav"), "send"),
        (("aprove", "x"), "approve"),
        (("doctr",), "doctor"),
        (("models", "instal"), "install"),
        (("key", "ste", "sonauto"), "set"),
    ],
)
def test_a_misspelt_command_is_guessed(words: tuple[str, ...], meant: str):
    said = call(*words)
    assert said.code == 2
    assert said.err.rstrip().endswith(f"Did you mean {meant}?")


def test_a_word_that_is_near_nothing_gets_the_list():
    said = call("xyzzy")
    assert said.code == 2
    assert "run, demo, watch" in said.err


def test_what_should_not_happen_is_told_without_keys_and_signed_addresses(monkeypatch: pytest.MonkeyPatch):
    key = "sk-canary-0123456789abcdef"
    monkeypatch.setenv("SONAUTO_API_KEY", key)
    monkeypatch.setattr("sendreturn.cli.cli.main", raises(RuntimeError(f"{key} at https://host/song.wav?sig=abc")))
    said = call("list")
    assert said.code == 1
    assert said.err.endswith("sendreturn: Something is wrong inside sendreturn.\n")
    assert "Traceback" in said.err
    assert "https://host/song.wav?…" in said.err
    assert key not in said.err


def raises(error: Exception) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail
