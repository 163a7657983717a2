"""The one way in which Suno API's answers are read: what is not of the expected kind counts as not there.

The service writes names in camel case in most answers and in snake case in others (its quick start, its call backs, its
newer models), so every name is looked for in both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sendreturn.net.reading import number, rows, text

__all__ = ["address", "field", "number", "rows", "table", "text"]

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def field(row: Mapping[str, Any], *names: str) -> Any:
    """The first of these fields that holds something, in camel or in snake case; None where there is none."""
    for name in names:
        for spelling in (name, _HUMP.sub("_", name).lower()):
            value = row.get(spelling)
            if value is not None and value != "":
                return value
    return None


def table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def address(value: Any) -> str:
    """A web address, or nothing."""
    found = text(value)
    return found if found.startswith(("https://", "http://")) else ""
