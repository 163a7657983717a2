"""Webhooks as a simulator sends them."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 15
NOT_DELIVERED = 0


async def post_json(url: str, body: Mapping[str, Any] | bytes, headers: Mapping[str, str]) -> int:
    """POST a body; returns the status of the answer, or NOT_DELIVERED where there was none."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await asyncio.to_thread(_post, url, data, {"Content-Type": "application/json", **headers})


def _post(url: str, data: bytes, headers: Mapping[str, str]) -> int:
    address = urlsplit(url)
    secure = address.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=TIMEOUT_S)
    path = (address.path or "/") + (f"?{address.query}" if address.query else "")
    try:
        connection.request("POST", path, data, dict(headers))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return NOT_DELIVERED
    finally:
        connection.close()
