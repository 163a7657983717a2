"""Which messages are the same request, and so the same send."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendreturn.sends.osc_messages import Value

SAME_WITHIN_S = 2.0


class Repeats:
    """Gives each request the key under which the desk knows it.

    With a `req` the key is made of it and of the request, so that a repeat is the same send even after a restart, and a
    controller that counts from one again buys what it asks for. Without one, the same message within two seconds is the
    same request; each repeat renews the two seconds, so that a stuck button is one send.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._recent: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def key(self, host: str, request: object, req: Value) -> str:
        """The key of a request. `request` is whatever has the same `repr` for the same request."""
        content = hashlib.sha256(repr(request).encode("utf-8", "surrogatepass")).hexdigest()[:16]
        if req is not None:
            return f"osc:{req}:{content}"
        return self._recent_key(f"{host} {content}")

    def _recent_key(self, content: str) -> str:
        now_s = self._clock()
        while self._recent and now_s - next(iter(self._recent.values()))[0] >= SAME_WITHIN_S:
            self._recent.popitem(last=False)
        _, key = self._recent.pop(content, (now_s, f"osc:once:{uuid4().hex}"))
        self._recent[content] = (now_s, key)  # At the end: the first is always the oldest.
        return key
