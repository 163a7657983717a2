"""Ardour's list of scripts: ours go in and out, and not a byte of the user's is lost."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from lua_side import VERSIONS, lua
from sendreturn.daws.installs import Installation, installation, load_daws
from sendreturn.errors import UsageError
from sendreturn_bridges.daws.ardour import setup
from sendreturn_bridges.daws.ardour.ui_scripts import EMPTY, TIMER_BITS, Script, UiScripts

# As Ardour 7.3 writes a list: Lua's %q strings, byte code with every kind of byte in it.
BYTE_CODE = b'\x1bLuaS\\0\x19\x93\\13\\\n\x1a\\\n\xff\\"\\\\ [[ ]] \x80x'
OTHERS = (
    b'scripts = {} scripts[1] = {} scripts[1]["n"] = "Mixer \\"Shot\\"" scripts[1]["f"] = "' + BYTE_CODE + b'" '
    b'scripts[1]["s"] = "ardour {\\\n ]] }" scripts[1]["a"] = {} scripts[1]["a"]["x-script-origin"] = "/usr/a b.lua" '
    b'scripts[1]["c"] = true  scripts[7] = {} scripts[7]["n"] = "Seven" scripts[7]["s"] = "-- seven" '
    b'scripts[7]["f"] = "x" scripts[7]["a"] = {} '
)
HOOK = b's = {} s["n"] = "Theirs" s["s"] = "-- a hook" s["f"] = "' + BYTE_CODE + b'" s["a"] = {} '
ACTIONS = [
    Script(f"act {word}", f"-- sendreturn-bridge 1\n{word}", {"operation": word}) for word in ("extend", "cover")
]
DESK = Script("desk", '-- sendreturn-bridge 1 "quoted" \\ and\r\n\tmore', {})


def theirs() -> bytes:
    state, hook = (base64.b64encode(part).decode() for part in (OTHERS, HOOK))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<UIScripts>\n  <ActionScript lua="Lua 5.3.5">{state}</ActionScript>\n'
        f'  <ActionHooks><LuaCallback lua="Lua 5.3.5" id="815001" name="Theirs" signals="0101">{hook}</LuaCallback>\n'
        "  </ActionHooks>\n</UIScripts>\n"
    ).encode()


def state_of(text: bytes) -> bytes:
    return base64.b64decode(ET.fromstring(text).findtext("ActionScript") or "")


def with_ours(text: bytes) -> bytes:
    scripts = UiScripts(text)
    scripts.add(ACTIONS, DESK, 7)
    return scripts.text()


def without_spaces(state: bytes) -> bytes:
    return state.replace(b" ", b"")


def test_the_users_scripts_keep_every_byte() -> None:
    state = state_of(with_ours(theirs()))
    for part in (BYTE_CODE, b'scripts[1]["n"] = "Mixer \\"Shot\\""', b'scripts[7]["f"] = "x"', b"/usr/a b.lua"):
        assert part in state
    hooks = ET.fromstring(with_ours(theirs())).findall("ActionHooks/LuaCallback")
    assert base64.b64decode(hooks[0].text or "") == HOOK
    assert hooks[0].get("signals") == "0101"
    assert len({hook.get("id") for hook in hooks}) == 2


def test_ours_come_out_again_and_nothing_else_does() -> None:
    scripts = UiScripts(with_ours(theirs()))
    assert [(found.slot, found.operation) for found in scripts.ours] == [(2, "extend"), (3, "cover"), (None, "")]
    scripts.remove()
    assert scripts.ours == []
    assert not scripts.is_empty
    assert without_spaces(state_of(scripts.text())) == without_spaces(OTHERS)


def test_an_action_keeps_its_slot() -> None:
    first = UiScripts(theirs())
    first.add([ACTIONS[1]], DESK, 7)
    again = UiScripts(first.text())
    again.add(ACTIONS, DESK, 7)
    assert {found.operation: found.slot for found in again.ours} == {"cover": 2, "extend": 3, "": None}
    assert UiScripts(again.text()).text() == again.text()


def test_the_source_is_read_back_as_it_was_written() -> None:
    assert [found.source for found in UiScripts(with_ours(EMPTY)).ours] == [*(a.source for a in ACTIONS), DESK.source]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_real_lua_builds_the_scripts_again(version: str) -> None:
    runtime = lua(version)
    runtime.execute("function run (text) load (text) () end")
    runtime.globals().run(state_of(with_ours(EMPTY)))
    scripts = runtime.globals().scripts
    assert scripts[1]["n"] == "act extend"
    assert scripts[1]["a"]["operation"] == "extend"
    assert scripts[2]["s"] == ACTIONS[1].source


@pytest.mark.parametrize("version", VERSIONS)
def test_a_factory_gets_its_arguments_and_leaves_no_globals(version: str) -> None:
    runtime = lua(version)
    script = Script(
        "s", 'ardour { ["type"] = "X" }\nfunction factory (p)\n  return function () return p.operation end\nend', {}
    )
    made = runtime.eval("function (text, p) return load (text) (p) end")(
        script.factory, runtime.table(operation="cover")
    )
    assert made() == "cover"
    assert runtime.globals().factory is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<UIScripts>",
        b"<Other/>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><UIScripts/>',
        b"<UIScripts><ActionScript>" + base64.b64encode(b"os.remove ('x')") + b"</ActionScript></UIScripts>",
        b"<UIScripts><ActionScript>" + base64.b64encode(b'scripts = {} other = "x" ') + b"</ActionScript></UIScripts>",
    ],
)
def test_an_odd_list_is_left_alone(text: bytes) -> None:
    with pytest.raises(UsageError, match="left alone") as told:
        UiScripts(text).ours  # noqa: B018
    assert "Script Manager" in told.value.hint


def test_too_few_free_slots_are_told() -> None:
    full = b"scripts = {} " + b"".join(b'scripts[%d] = {} scripts[%d]["s"] = "x" ' % (n, n) for n in range(1, 33))
    text = b"<UIScripts><ActionScript>" + base64.b64encode(full) + b"</ActionScript></UIScripts>"
    with pytest.raises(UsageError, match="slots"):
        with_ours(text)


def test_the_timer_is_among_a_hooks_signals() -> None:
    for version, bits in TIMER_BITS.items():
        scripts = UiScripts(EMPTY)
        scripts.add(ACTIONS, DESK, version)
        hook = ET.fromstring(scripts.text()).find("ActionHooks/LuaCallback")
        assert hook is not None
        signals = hook.get("signals") or ""
        assert sorted(len(signals) - 1 - at for at, digit in enumerate(signals) if digit == "1") == list(bits)


class Machine:
    """A user of Ardour 7."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.platform", "linux")
        self.config = folder / "config" / "ardour7"
        self.config.mkdir(parents=True)
        env = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
        values = {"VERSION": "1.2.3", "OSC_PORT": "7890", "WEB_PORT": "1"}
        self.found: Installation = installation(load_daws()["ardour"], folder / "state", values, env)
        self.list = self.config / "ui_scripts"

    def findings(self) -> list[Any]:
        return list(setup.check(self.found))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_install_puts_all_in_place_and_the_doctor_is_content(machine: Machine) -> None:
    machine.list.write_bytes(theirs())
    assert not machine.findings()[0].well
    machine.found.install()
    assert all(finding.well for finding in machine.findings())
    assert (machine.config / "ui_scripts.before-sendreturn").read_bytes() == theirs()
    assert sorted(path.name for path in (machine.config / "scripts").iterdir()) == [
        "sendreturn_desk.lua",
        "sendreturn_send.lua",
    ]
    for path in (machine.config / "scripts").iterdir():
        text = path.read_text("utf-8")
        assert machine.found.folder.as_posix() in text
        assert "\n--@include" not in text
        assert "@VERSION@" not in text
    assert {step.what for step in machine.found.install()[:2]} == {"up to date"}


def test_scripts_that_may_touch_no_files_are_told(machine: Machine) -> None:
    machine.found.install()
    for value, well in (("0", True), ("1", False)):
        option = f'<Option name="sandbox-all-lua-scripts" value="{value}"/>'
        (machine.config / "ui_config").write_text(f"<Ardour><UI>{option}</UI></Ardour>")
        assert all(finding.well for finding in machine.findings()) is well


def test_remove_leaves_the_users_scripts(machine: Machine) -> None:
    machine.list.write_bytes(theirs())
    machine.found.install()
    machine.found.remove()
    assert without_spaces(state_of(machine.list.read_bytes())) == without_spaces(OTHERS)
    assert list((machine.config / "scripts").iterdir()) == []
    assert not machine.found.is_installed


def test_an_update_replaces_our_scripts(machine: Machine) -> None:
    machine.found.install()
    newer = Installation(
        machine.found.manifest, machine.found.folder, {**machine.found.values, "VERSION": "2"}, machine.found.env
    )
    assert not next(iter(setup.check(newer))).well
    newer.install()
    assert next(iter(setup.check(newer))).well
    assert len(UiScripts(machine.list.read_bytes()).ours) == len(setup.ACTIONS) + 1


def test_an_odd_list_stops_the_installation_before_anything_is_written(machine: Machine) -> None:
    machine.list.write_bytes(b"<UIScripts>")
    with pytest.raises(UsageError, match="left alone"):
        machine.found.install()
    assert not (machine.config / "scripts").exists()
    assert not machine.found.is_installed
    assert not machine.findings()[0].well


def test_an_ardour_that_was_never_started_is_told(machine: Machine) -> None:
    machine.config.rmdir()
    with pytest.raises(UsageError, match="never started"):
        machine.found.install()


def test_a_running_ardour_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    class Running:
        def __init__(self) -> None:
            self.info = {"name": "ardour-7.3.0~ds"}

        def status(self) -> str:
            return "running"

        def environ(self) -> dict[str, str]:
            return dict(machine.found.env)

    monkeypatch.setattr(setup.psutil, "process_iter", lambda _: [Running()])
    with pytest.raises(UsageError, match="is running") as told:
        machine.found.install()
    assert "Quit Ardour" in told.value.hint
    monkeypatch.setattr(Running, "environ", lambda _: {**machine.found.env, "XDG_CONFIG_HOME": "/other"})
    machine.found.install()
