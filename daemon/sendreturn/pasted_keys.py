"""API keys that were written where they do not belong: into a configuration or the parameters of a send."""

from __future__ import annotations

import re
from typing import Any

KeyPath = tuple[str | int, ...]
"""Where a value stands: ("sessions", 0, "path")."""


def looks_like_key(value: str) -> bool:
    """Whether a text has the shape of an API key: `sk-…`, `sksonauto_…`, `Bearer …`."""
    return any(shape.fullmatch(value.strip()) for shape in _KEY_SHAPES)


def take_out_keys(data: Any, path: KeyPath = ()) -> tuple[Any, list[KeyPath]]:
    """The data without API keys, and where they stood. What is nested too deep to be of use is left as it is."""
    if len(path) > _DEEPEST:
        return data, []
    if isinstance(data, dict):
        return _take_out_of_mapping(data, path)
    if isinstance(data, list):
        parts = [take_out_keys(item, (*path, index)) for index, item in enumerate(data)]
        return [part for part, _ in parts], [key for _, keys in parts for key in keys]
    return (None, [path]) if isinstance(data, str) and looks_like_key(data) else (data, [])


def _take_out_of_mapping(data: dict[str, Any], path: KeyPath) -> tuple[dict[str, Any], list[KeyPath]]:
    kept: dict[str, Any] = {}
    keys: list[KeyPath] = []
    for name, value in data.items():
        here = (*path, name)
        if _names_a_secret(name, value) or (name == "api_key_env" and _is_pasted_key(value)):
            keys.append(here)
            continue
        part, found = take_out_keys(value, here)
        keys += found
        if here not in found:
            kept[name] = part
    return kept, keys


def _names_a_secret(key: str, value: object) -> bool:
    spelled = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(key)).lower().replace("-", "_")
    return not isinstance(value, dict | list | None) and bool(_SECRET_NAMES.fullmatch(spelled))


def _is_pasted_key(value: object) -> bool:
    """A long word with digits and small letters is a key and not the name of a variable."""
    return isinstance(value, str) and (
        looks_like_key(value) or bool(re.fullmatch(r"(?=.*\d)(?=.*[a-z])[A-Za-z0-9-]{20,}", value.strip()))
    )


_DEEPEST = 24
_SECRET_NAMES = re.compile(
    r"(?:.*_)?(?:api_?key|access_?key(?:_id)?|secret(?:_key)?|token|password|bearer|authorization)"
)
_KEY_SHAPES = (
    re.compile(r"sk[-_]\S{8,}"),
    re.compile(r"sk[a-z]*[-_]?(?=[A-Za-z]*\d)[A-Za-z0-9]{16,}"),
    re.compile(r"bearer\s+(?=\S*\d)\S{8,}", re.IGNORECASE),
)
