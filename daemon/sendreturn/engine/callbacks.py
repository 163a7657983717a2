"""The addresses at which services call back: each holds the proof that we have given it out."""

from __future__ import annotations

import hashlib
import hmac


class Callbacks:
    """Addresses and secrets for call-backs, the same after a restart.

    Args:
        public_url: Where this daemon is reached from outside.
        secret: Kept over restarts, and known to nobody else.
    """

    def __init__(self, public_url: str, secret: str) -> None:
        self._public_url = public_url.rstrip("/")
        self._secret = secret.encode()

    def url_for(self, service: str, send_id: str) -> str:
        """Where `service` may call back about a send."""
        return f"{self._public_url}/webhooks/{service}/{send_id}/{self._seal('address', service, send_id)}"

    def secret_for(self, service: str, send_id: str) -> str:
        """For a service that signs what it sends."""
        return self._seal("signature", service, send_id)

    def is_ours(self, service: str, send_id: str, token: str) -> bool:
        """Whether `url_for` has made the address with this token."""
        ours = self._seal("address", service, send_id)
        return hmac.compare_digest(ours.encode(), token.encode("utf-8", "replace"))

    def _seal(self, use: str, service: str, send_id: str) -> str:
        said = f"callback\n{use}\n{service}\n{send_id}".encode("utf-8", "replace")
        return hmac.new(self._secret, said, hashlib.sha256).hexdigest()[:43]
