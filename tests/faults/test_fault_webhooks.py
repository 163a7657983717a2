"""Signed call-backs, by the cases that Standard Webhooks tests its own libraries with, where a service signs.

Neither service signs an id of the message; a replayed call-back is a hint to look at the task, and nothing more.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Mapping

import pytest
from sendreturn_bridges.services.musicapi import webhooks
from sendreturn_bridges.services.sunoapi.client import _is_signed

NOW = 1_800_000_000
BODY = b'{"task_id": "task-1", "data": {"state":"succeeded" ,"n": 1.0}}'
SECRET = "c2VjcmV0LW9mLXRoZS10ZXN0cw=="
Check = Callable[[Mapping[str, str], bytes, str], bool]


def sign_musicapi(stamp: str, body: bytes, secret: str) -> str:
    return webhooks.signature(secret, stamp, body)


def sign_sunoapi(stamp: str, body: bytes, secret: str) -> str:
    said = f"{json.loads(body)['task_id']}.{stamp}".encode()
    return base64.b64encode(hmac.digest(secret.encode(), said, "sha256")).decode()


def is_genuine_sunoapi(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    return "x-webhook-signature" in headers and _is_signed(headers, body, secret)


SERVICES: dict[str, tuple[Check, Callable[[str, bytes, str], str]]] = {
    "musicapi": (webhooks.is_genuine, sign_musicapi),
    "sunoapi": (is_genuine_sunoapi, sign_sunoapi),
}


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: float(NOW))


@pytest.mark.parametrize("service", SERVICES)
def test_only_what_was_signed_now_with_our_secret_is_genuine(service: str):
    check, sign = SERVICES[service]

    def call(stamp: object = NOW, signature: str | None = None, secret: str = SECRET, body: bytes = BODY) -> bool:
        made = sign(str(stamp), BODY, SECRET) if signature is None else signature
        return check({"x-webhook-timestamp": str(stamp), "x-webhook-signature": made}, body, secret)

    right = sign(str(NOW), BODY, SECRET)
    assert call()
    assert call(NOW - 200)
    assert not check({}, BODY, SECRET)
    assert not check({"x-webhook-signature": right}, BODY, SECRET)  # no timestamp
    assert not check({"x-webhook-timestamp": str(NOW)}, BODY, SECRET)  # no signature
    assert not call(NOW - 301 - 60)  # old
    assert not call(NOW + 301 + 60)  # from the future
    for stamp in ("", "soon", "-1", "1e9", "٣", "9" * 5000, f" {NOW}", f"{NOW}.0"):
        assert not call(stamp)
    assert not call(NOW - 1, right)  # signed at another time
    for signature in ("", "v1,", right[:-1], right + "=", right.swapcase(), f"v1,{right} v1,{right}", "é", "\0"):
        assert not call(signature=signature)
    # The secret is taken as it is written: without its padding, and decoded, it is another one.
    assert not call(secret=SECRET.rstrip("="))
    assert not call(secret=base64.b64decode(SECRET).decode())
    assert not call(secret="")
    for body in (b"", b"{}", b"\xff", b"[" * 10_000, BODY.replace(b"task-1", b"task-2")):
        assert not call(body=body)


def test_the_raw_body_is_what_is_signed():
    """Written anew by a proxy, the same JSON is another body. (Suno API signs only the task and the time.)"""
    stamp = str(NOW)
    headers = {"x-webhook-timestamp": stamp, "x-webhook-signature": sign_musicapi(stamp, BODY, SECRET)}
    assert webhooks.is_genuine(headers, BODY, SECRET)
    assert not webhooks.is_genuine(headers, json.dumps(json.loads(BODY)).encode(), SECRET)
