"""The bridges' Lua, run in a real Lua as it is installed."""

from __future__ import annotations

from importlib import resources
from typing import Any

import pytest
from sendreturn.daws.installs import PACKAGE

VERSIONS = ("lua53", "lua54")
"""Ardour 6 to 8 have 5.3, REAPER has 5.3 and 5.4."""


def lua(version: str = "lua54") -> Any:
    """A fresh Lua."""
    return pytest.importorskip(f"lupa.{version}").LuaRuntime(unpack_returned_tuples=True)


def mailbox_of(runtime: Any) -> Any:
    """The shared mailbox library, loaded."""
    return runtime.execute(source("lua/mailbox.lua") + "\nreturn mailbox")


def source(path: str) -> str:
    """A file of the bridges' DAW folder."""
    return resources.files(PACKAGE).joinpath(path).read_text("utf-8")


def plain(value: Any) -> Any:
    """A Lua value as Python's; a table with an entry 1 is a list."""
    if not hasattr(value, "items"):
        return value
    table = dict(value.items())
    if 1 in table:
        return [plain(table[index]) for index in range(1, len(table) + 1)]
    return {key: plain(entry) for key, entry in table.items()}
