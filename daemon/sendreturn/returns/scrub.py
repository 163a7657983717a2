"""Taking secrets out of what is written beside the user's audio, which is copied, mailed and archived with the song."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit


def scrubbed(value: object) -> Any:
    """`value` (of dicts, lists, texts and numbers) as plain JSON that holds no signed address and no bearer word.

    Addresses lose user, query and fragment, where signatures and keys stand. NaN and infinities become None, and a text
    that is not valid Unicode shows its odd bytes as `\\xe9`.
    """
    if isinstance(value, Mapping):
        return {scrubbed(str(key)): scrubbed(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [scrubbed(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    return _BEARER.sub(r"\1 …", _ADDRESS.sub(_bare_address, readable(str(value))))


def readable(text: str) -> str:
    """`text` with the odd bytes of a file name that is not valid UTF-8 spelled out."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return os.fsencode(text).decode("utf-8", "backslashreplace") if _is_name(text) else ascii(text)[1:-1]
    return text


_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s\"'<>]+", re.IGNORECASE)
_BEARER = re.compile(r"\b(bearer|basic)\s+(?=\S*\d)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)


def _is_name(text: str) -> bool:
    """Whether every surrogate stands for a byte of a file name (PEP 383)."""
    return not any("\ud800" <= character < "\udc80" or "\udcff" < character <= "\udfff" for character in text)


def _bare_address(found: re.Match[str]) -> str:
    try:
        parts = urlsplit(found[0])
    except ValueError:
        return f"{found[0].split('://')[0]}://…"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
