"""Addresses without what opens them: a text that is kept or shown need not lead anybody to a file."""

from __future__ import annotations

import re


def unsigned(text: str) -> str:
    """`text` without user and password, query and fragment of addresses, tokens of ours, and bearer words."""
    if "://" not in text and not _HINTS.search(text):
        return text
    bare = _QUERY.sub(r"\1?…", _USER.sub(r"\1…@", text))
    return _BEARER.sub(r"\1 …", _OUR_TOKEN.sub(r"\1…", bare))


# None of these takes a quotation mark or a backslash along, so that JSON stays JSON.
_HINTS = re.compile(r"/clips/|/webhooks/|\bbearer\b|\bbasic\b", re.IGNORECASE)
_USER = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@\"'<>\\]+@", re.IGNORECASE)
_QUERY = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s\"'<>\\?#]*)[?#][^\s\"'<>\\]*", re.IGNORECASE)
_OUR_TOKEN = re.compile(r"(/(?:clips|webhooks/[^/\s]+/[^/\s]+)/)[\w-]{20,}")
_BEARER = re.compile(r"\b(bearer|basic)\s+(?=\S*\d)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
