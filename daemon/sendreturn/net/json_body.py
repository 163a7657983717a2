"""The JSON of a stranger, read within limits."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

DEEPEST = 100
"""Levels of nesting. Deeper than any answer of a service, and shallower than what makes a recursion fail later."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class NotJsonError(ValueError):
    """A body that is not JSON, or JSON that is not fit to be kept; says why."""


def read_json(text: str) -> Any:
    """The value that `text` holds. Numbers are finite, and texts can be written as UTF-8.

    Raises:
        NotJsonError: it is none, or is nested too deeply.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_number, parse_float=_finite)
    except RecursionError as error:
        raise NotJsonError("it is nested too deeply") from error
    except NotJsonError:
        raise
    except ValueError as error:
        raise NotJsonError(f"it is not JSON: {error}") from error
    if text.count("[") + text.count("{") > DEEPEST and _depth_of(value) > DEEPEST:
        raise NotJsonError("it is nested too deeply")
    return _without_halves(value) if _SURROGATE.search(text) else value


def _refuse_number(name: str) -> NoReturn:
    raise NotJsonError(f"it holds the number {name}")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        _refuse_number(digits[:20])
    return number


def _depth_of(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        held = (item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list))
        level = [inner for items in held for inner in items]
    return depth


def _without_halves(value: Any) -> Any:
    """The same value with a "?" for each half of a surrogate pair, which no file and no database takes."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
