"""The tolerant way in which services' answers are read: what is not of the expected kind counts as not there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def number(value: Any) -> float | None:
    """A finite number, also where it is written as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def rows(value: Any) -> list[Mapping[str, Any]]:
    """The tables in a list; one table counts as a list of one."""
    listed = value if isinstance(value, list) else [value]
    return [row for row in listed if isinstance(row, Mapping)]


def table(value: Any) -> Mapping[str, Any]:
    """A table, or the first one of a list; empty where there is none."""
    return next(iter(rows(value)), {})
