"""Ardour's `ui_scripts`: the Lua actions and hooks of a user, read and written without losing any.

An XML file in which every script is base64 of Lua source that builds it again: `scripts[4]["n"] = "name"` and so on for
the source text `s`, the compiled factory `f` and the arguments `a` (libs/lua and gtk2_ardour/luainstance.cc of Ardour
7.3). `f` may be source as well, as Ardour gives it to `load`. The assignments of other scripts are kept byte for byte.
"""

from __future__ import annotations

import base64
import binascii
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendreturn.daws.installs import MARK
from sendreturn.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SLOTS = 32
"""MAX_LUA_ACTION_SCRIPTS; slot N is the action `LuaAction/script-N`."""
EMPTY = b'<?xml version="1.0" encoding="UTF-8"?>\n<UIScripts/>\n'
TIMER_BITS = {7: (47,), 8: (47,), 9: (47, 49)}
"""The bits of LuaTimerDS in a hook's set of signals, by Ardour's version (luasignal_syms.h). Two signals came before it
within 9; SelectionChanged or RegionsPropertyChanged, which the other bit stands for there, does no harm."""
HOOK_ID = 815_001
"""Where the numbers of hooks start that are not taken by others."""


@dataclass(frozen=True)
class Script:
    """One Lua script: its name in Ardour, its source, and its arguments."""

    name: str
    source: str
    arguments: Mapping[str, str]

    @property
    def factory(self) -> str:
        """A chunk that returns what the script's own `factory` returns."""
        head = "local params = ...\nlocal ardour, action_params, signals, factory = function () end\n"
        return f"{head}{self.source}\nreturn factory (params)\n"

    def state(self, name: str) -> bytes:
        """The assignments that build it again, under a variable's name."""
        given = b"".join(
            b'%s["a"][%s] = %s ' % (name.encode(), _quoted(key), _quoted(value))
            for key, value in self.arguments.items()
        )
        parts = {"n": self.name, "s": self.source, "f": self.factory}
        fields = b"".join(b'%s["%s"] = %s ' % (name.encode(), k.encode(), _quoted(v)) for k, v in parts.items())
        return b'%s = {} %s%s["a"] = {} %s' % (name.encode(), fields, name.encode(), given)


@dataclass(frozen=True)
class Found:
    """One script of ours in the file: in which slot (None for the hook), and its source."""

    slot: int | None
    operation: str
    source: str


class UiScripts:
    """The file, parsed.

    Raises:
        UsageError: it is not as Ardour writes it.
    """

    def __init__(self, text: bytes) -> None:
        self._root = _parsed(text)
        action = self._root.find("ActionScript")
        self._slots = _slots_of(_decoded(action.text)) if action is not None and action.text else {}

    @property
    def ours(self) -> list[Found]:
        """What of it is sendreturn's."""
        actions = [_found(slot, self._slots[slot]) for slot in sorted(self._slots)]
        hooks = [_found(None, _statements(_decoded(hook.text))) for hook in self._hooks()]
        return [found for found in (*actions, *hooks) if found is not None]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in it."""
        return not self._slots and not list(self._hooks())

    def remove(self) -> None:
        """Take ours out."""
        self._slots = {slot: state for slot, state in self._slots.items() if _found(slot, state) is None}
        box = self._root.find("ActionHooks")
        for hook in list(self._hooks()):
            if box is not None and _found(None, _statements(_decoded(hook.text))) is not None:
                box.remove(hook)

    def add(self, actions: Sequence[Script], hook: Script, version: int) -> None:
        """Put ours in; an action keeps the slot that it had, so that the user's key for it stays.

        Raises:
            UsageError: too few slots are free.
        """
        had = {found.operation: found.slot for found in self.ours if found.slot is not None}
        self.remove()
        kept = {had[script.arguments["operation"]] for script in actions if script.arguments["operation"] in had}
        free = iter([slot for slot in range(1, SLOTS + 1) if slot not in self._slots and slot not in kept])
        for script in actions:
            slot = had.get(script.arguments["operation"]) or next(free, None)
            if slot is None:
                raise UsageError(
                    "All of Ardour's slots for Lua actions are taken.", "Remove some in its Script Manager."
                )
            self._slots[slot] = _statements(script.state(f"scripts[{slot}]"))
        self._add_hook(hook, version)

    def text(self) -> bytes:
        """The file as it is written."""
        action = self._section("ActionScript")
        action.set("lua", action.get("lua") or "Lua 5.3.5")
        state = b"scripts = {} " + b"".join(b"".join(self._slots[slot]) for slot in sorted(self._slots))
        action.text = base64.b64encode(state).decode("ascii")
        self._section("ActionHooks")
        ET.indent(self._root)
        body: bytes = ET.tostring(self._root, "utf-8")
        return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body + b"\n"

    def _hooks(self) -> list[ET.Element]:
        return [hook for hook in self._root.findall("ActionHooks/LuaCallback") if hook.text]

    def _add_hook(self, script: Script, version: int) -> None:
        bits = ["1" if bit in TIMER_BITS[version] else "0" for bit in range(max(TIMER_BITS[version]) + 1)]
        taken = {hook.get("id") for hook in self._hooks()}
        number = next(number for number in range(HOOK_ID, HOOK_ID + 10_000) if str(number) not in taken)
        about = {"lua": "Lua 5.3.5", "id": str(number), "name": script.name, "signals": "".join(reversed(bits))}
        hook = ET.SubElement(self._section("ActionHooks"), "LuaCallback", about)
        hook.text = base64.b64encode(script.state("s")).decode("ascii")

    def _section(self, name: str) -> ET.Element:
        found = self._root.find(name)
        return ET.SubElement(self._root, name) if found is None else found


_STATEMENT = re.compile(
    rb"""\s*\w+(?P<keys>(?:\[(?:-?\d+|"(?:[^"\\]|\\.)*"|'\w+')\])*)\s*=\s*"""
    rb"""(?P<value>"(?:[^"\\]|\\.)*"|\[(?P<level>=*)\[.*?\](?P=level)\]|\{\}|-?[\d.]+(?:e[+-]?\d+)?|true|false|nil)"""
    rb"""(?=\s|$)""",
    re.DOTALL,
)
_SLOT = re.compile(rb"\[(-?\d+)\]")
_ESCAPE = re.compile(rb"\\(\d{1,3}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


def _parsed(text: bytes) -> ET.Element:
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise _odd()
    try:
        root = ET.fromstring(text)  # noqa: S314 - without a document type nothing in it can grow
    except ET.ParseError as error:
        raise _odd() from error
    if root.tag != "UIScripts":
        raise _odd()
    return root


def _decoded(text: str | None) -> bytes:
    try:
        return base64.b64decode((text or "").strip(), validate=False)
    except binascii.Error as error:
        raise _odd() from error


def _statements(state: bytes) -> list[bytes]:
    """The assignments of a script's state, one by one."""
    found, at = [], 0
    while state[at:].strip():
        match = _STATEMENT.match(state, at)
        if match is None:
            raise _odd()
        found.append(match[0].strip() + b" ")
        at = match.end()
    return found


def _slots_of(state: bytes) -> dict[int, list[bytes]]:
    slots: dict[int, list[bytes]] = {}
    for statement in _statements(state):
        match = _STATEMENT.match(statement)
        slot = _SLOT.match(match["keys"]) if match else None
        if slot is not None:
            slots.setdefault(int(slot[1]), []).append(statement)
        elif statement != b"scripts = {} ":
            raise _odd()
    return slots


def _found(slot: int | None, statements: Sequence[bytes]) -> Found | None:
    """The script, where it is ours: our mark stands in its source."""
    fields = {_field(statement): _value(statement) for statement in statements}
    source = fields.get(b'["s"]', b"").decode("utf-8", "replace")
    if MARK not in source:
        return None
    return Found(slot, fields.get(b'["a"]["operation"]', b"").decode("utf-8", "replace"), source)


def _field(statement: bytes) -> bytes:
    match = _STATEMENT.match(statement)
    return _SLOT.sub(b"", match["keys"], count=1).replace(b"'", b'"') if match else b""


def _value(statement: bytes) -> bytes:
    match = _STATEMENT.match(statement)
    if match is None or not match["value"].startswith(b'"'):
        return b""
    return _ESCAPE.sub(_meant, match["value"][1:-1])


def _meant(match: re.Match[bytes]) -> bytes:
    if match[1].isdigit():
        return bytes([int(match[1]) & 0xFF])
    letter: bytes = match[1]
    return _LETTERS.get(letter, letter)


_UNSAFE = {ord("\\"): rb"\\", ord('"'): rb"\"", ord("\n"): b"\\\n", ord("\r"): rb"\013", 0: rb"\000"}


def _quoted(text: str) -> bytes:
    return b'"' + b"".join(_UNSAFE.get(byte, bytes([byte])) for byte in text.encode("utf-8")) + b'"'


def _odd() -> UsageError:
    return UsageError(
        "Ardour's list of scripts (ui_scripts) is not as Ardour writes it, so it is left alone.",
        "Add the scripts by hand: in Ardour, Window > Scripting > Script Manager; they are listed there as sendreturn.",
    )
