"""Puts the scripts into Ardour's own folders and into its list of scripts, so that nothing has to be clicked there."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from sendreturn.daws.contract import InstallFile
from sendreturn.daws.installs import Step, is_ours, refuse_strangers, write_whole
from sendreturn.errors import SendReturnError, UsageError
from sendreturn.findings import Finding
from sendreturn.places import expand

from sendreturn_bridges.daws.ardour.ui_scripts import EMPTY, TIMER_BITS, Script, UiScripts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sendreturn.daws.installs import Installation

SEND, DESK = "sendreturn_send.lua", "sendreturn_desk.lua"
ACTIONS = {
    "ask": "sendreturn: Send...",
    "extend": "sendreturn: Extend",
    "cover": "sendreturn: Cover",
    "inpaint": "sendreturn: Inpaint",
    "stems": "sendreturn: Stems",
    "midi": "sendreturn: MIDI",
    "status": "sendreturn: Sends",
}
"""The actions by what they are called with, in the order of their buttons."""
BACKUP = "ui_scripts.before-sendreturn"
_PROGRAM = re.compile(r"ardour(gui|-?[789])", re.IGNORECASE)
"""On Linux the program names itself ArdourGUI."""


@dataclass(frozen=True)
class Config:
    """One version's folder for what is the user's."""

    version: int
    folder: Path

    @property
    def list(self) -> Path:
        return self.folder / "ui_scripts"

    def script(self, name: str) -> Path:
        return self.folder / "scripts" / name


def install(found: Installation) -> list[Step]:
    """Put the scripts in, for every version of Ardour that the user has.

    Raises:
        UsageError: Ardour runs, was never started, or its list of scripts is odd.
        SendReturnError: something cannot be written.
    """
    configs = _configs(found.env)
    if not configs:
        raise UsageError(
            "Ardour 7 or later was never started by you on this machine.", "Start Ardour once, quit it, install again."
        )
    _refuse_while_it_runs(found.env)
    lists = [(config, _read_list(config)) for config in configs]
    for name in ("out", "in"):  # Ardour's Lua can make no folders
        (found.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    steps: list[Step] = []
    for config, scripts in lists:
        steps += [_write_script(found, config, name) for name in (SEND, DESK)]
        steps.append(_write_list(found, config, scripts))
    return steps


def remove(found: Installation) -> list[Step]:
    """Take them out again; the user's other scripts stay.

    Raises:
        UsageError: Ardour runs, or its list of scripts is odd.
    """
    if any(_ours_in(config) for config in _configs(found.env)):
        _refuse_while_it_runs(found.env)
    steps: list[Step] = []
    for config in _configs(found.env):
        if _ours_in(config):
            scripts = _read_list(config)
            scripts.remove()
            write_whole(config.list, scripts.text())
            steps.append(Step(config.list, "cleaned"))
        for path in (config.script(SEND), config.script(DESK)):
            if is_ours(path):
                path.unlink()
                steps.append(Step(path, "removed"))
    return steps


def check(found: Installation) -> Iterator[Finding]:
    """What the doctor is told."""
    configs = _configs(found.env)
    if not configs:
        yield Finding("ardour", False, "Ardour was never started on this machine.", _AGAIN)
    for config in configs:
        yield _check_list(found, config)
        if _is_sandboxed(config):
            yield Finding("ardour", False, f"Ardour {config.version} lets no script read or write files.", _UNLOCK)
        yield _check_surface(config)


def _check_list(found: Installation, config: Config) -> Finding:
    name = f"Ardour {config.version}"
    try:
        ours = _read_list(config).ours
    except UsageError as error:
        return Finding("ardour", False, error.what, error.hint)
    wanted = {(operation, _source(found, SEND)) for operation in ACTIONS} | {("", _source(found, DESK))}
    if wanted - {(script.operation, script.source) for script in ours}:
        return Finding("ardour", False, f"{name} lacks some of the scripts, or has those of another version.", _AGAIN)
    slots = ", ".join(f"{script.operation} {script.slot}" for script in ours if script.slot)
    return Finding("ardour", True, f"{name} has the actions (LuaAction/script-N: {slots}) and the hook.")


def _is_sandboxed(config: Config) -> bool:
    """Since Ardour 8 the user may keep all scripts from files (`sandbox-all-lua-scripts`, usually off)."""
    try:
        text = (config.folder / "ui_config").read_text("utf-8", "replace")
    except OSError:
        return False
    return re.search(r'name="sandbox-all-lua-scripts" value="(1|yes|true)"', text) is not None


def _check_surface(config: Config) -> Finding:
    """Over OSC an action can be pressed from outside; keys need no OSC."""
    try:
        text = (config.folder / "config").read_text("utf-8", "replace")
    except OSError:
        text = ""
    is_on = re.search(r'<Protocol name="Open Sound Control \(OSC\)"[^>]*active="1"', text) is not None
    if is_on:
        return Finding(
            "ardour", True, f"Ardour {config.version} listens to OSC, so control surfaces can press the actions."
        )
    return Finding(
        "ardour",
        True,
        f"Ardour {config.version} does not listen to OSC; keys work without it. For control surfaces: Edit > "
        "Preferences > Control Surfaces > Open Sound Control (OSC).",
    )


_AGAIN = "Quit Ardour and run `sendreturn bridge install ardour`."
_UNLOCK = "Set sandbox-all-lua-scripts to 0 in Ardour's ui_config while it does not run: the bridge talks by files."


def _configs(env: Mapping[str, str]) -> list[Config]:
    """The folders that are there (libs/ardour/filesystem_paths.cc)."""
    places = {
        "darwin": ("~/Library/Preferences", "Ardour"),
        "win32": (env.get("XDG_CONFIG_HOME") or env.get("LOCALAPPDATA") or "~/AppData/Local", "Ardour"),
    }
    base, name = places.get(sys.platform, (env.get("XDG_CONFIG_HOME") or "~/.config", "ardour"))
    found = [Config(version, expand(base, env) / f"{name}{version}") for version in TIMER_BITS]
    return [config for config in found if config.folder.is_dir()]


def _refuse_while_it_runs(env: Mapping[str, str]) -> None:
    for process in psutil.process_iter(["name"]):
        if _PROGRAM.match(process.info["name"] or "") and _is_of(process, env):
            raise UsageError(
                "Ardour is running, and would write its own list of scripts over ours.",
                "Quit Ardour, then do it again. Or add the scripts inside it: Window > Scripting > Script Manager.",
            )


def _is_of(process: psutil.Process, env: Mapping[str, str]) -> bool:
    """Whether a running Ardour uses the same folders."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        other = process.environ()
    except psutil.NoSuchProcess:
        return False
    except (psutil.AccessDenied, OSError):
        return sys.platform == "win32" or not hasattr(os, "getuid") or _has_our_user(process)
    return all(other.get(name) == env.get(name) for name in ("HOME", "XDG_CONFIG_HOME"))


def _has_our_user(process: psutil.Process) -> bool:
    try:
        return bool(process.uids().real == os.getuid())
    except psutil.Error:
        return False


def _read_list(config: Config) -> UiScripts:
    try:
        return UiScripts(config.list.read_bytes())
    except FileNotFoundError:
        return UiScripts(EMPTY)
    except OSError as error:
        raise SendReturnError(
            f"{config.list} cannot be read: {error.strerror}.", "Make it readable, then do it again."
        ) from error


def _ours_in(config: Config) -> bool:
    return config.list.is_file() and bool(_read_list(config).ours)


def _source(found: Installation, name: str) -> str:
    return found.contents(InstallFile(name, {}, filled=True)).decode("utf-8")


def _write_script(found: Installation, config: Config, name: str) -> Step:
    """Where Ardour's Script Manager looks for scripts."""
    path, contents = config.script(name), _source(found, name).encode("utf-8")
    if path.is_file() and path.read_bytes() == contents:
        return Step(path, "up to date")
    refuse_strangers(path)
    write_whole(path, contents)
    return Step(path, "written")


def _write_list(found: Installation, config: Config, scripts: UiScripts) -> Step:
    actions = [Script(name, _source(found, SEND), {"operation": word}) for word, name in ACTIONS.items()]
    had_others = config.list.is_file() and not scripts.ours
    if had_others and not (config.folder / BACKUP).exists():
        write_whole(config.folder / BACKUP, config.list.read_bytes())
    scripts.add(actions, Script("sendreturn", _source(found, DESK), {}), config.version)
    write_whole(config.list, scripts.text())
    return Step(config.list, "written")
