"""The signature of MusicAPI's webhooks: HMAC-SHA256 over timestamp, a dot, and the raw body."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping

SIGNATURE = "x-webhook-signature"
TIMESTAMP = "x-webhook-timestamp"
TOLERANCE_S = 300.0


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The value of X-Webhook-Signature."""
    said = timestamp.encode("utf-8", "replace") + b"." + body
    return "sha256=" + hmac.new(secret.encode(), said, hashlib.sha256).hexdigest()


def is_genuine(headers: Mapping[str, str], body: bytes, secret: str, now_s: float | None = None) -> bool:
    """Whether a call back was signed with `secret`, in the last or the next five minutes."""
    told = {name.casefold(): value.strip() for name, value in headers.items()}
    timestamp = told.get(TIMESTAMP, "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    age_s = abs((time.time() if now_s is None else now_s) - int(timestamp))
    given = told.get(SIGNATURE, "").encode("utf-8", "replace")
    return age_s <= TOLERANCE_S and hmac.compare_digest(signature(secret, timestamp, body).encode(), given)
