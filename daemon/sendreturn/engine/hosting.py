"""How a clip reaches a service that takes only addresses: the service's own upload, this daemon, or an S3 bucket."""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from sendreturn.contract import Clip, Manifest, ServiceBridge, Uploads
from sendreturn.engine.hosting_s3 import KEY_VARIABLES, S3
from sendreturn.errors import Refusal
from sendreturn.net.media import public_name
from sendreturn.settings import Settings

Kind = Literal["none", "service", "serve", "s3"]

EXPIRES_S = 24 * 3600.0
"""A service fetches a clip within minutes; in a long queue it may take hours."""

_TOKEN = re.compile(r"(?P<send>[0-9a-f]{8})(?P<until>[0-9a-f]{8})(?P<seal>[0-9a-f]{64})")


def choose(settings: Settings, manifest: Manifest, env: Mapping[str, str] = os.environ, clip_bytes: int = 0) -> Kind:
    """How a clip reaches a service; "none" where it takes it as a file. Nothing is sent for this.

    Raises:
        Refusal: it cannot, as things are configured.
    """
    kind = settings.hosting.kind
    if manifest.clip_as != "url":
        is_large = manifest.file_bytes is not None and clip_bytes > manifest.file_bytes
        has_way = kind in ("serve", "s3") or (kind == "auto" and settings.public_url is not None)
        if not is_large or not has_way:
            return "none"
    if kind == "auto":
        return _choose_best(settings, manifest)
    _CHECKS[kind](settings, manifest, env)
    return kind  # type: ignore[return-value]  # the settings know no others


def _choose_best(settings: Settings, manifest: Manifest) -> Kind:
    if manifest.own_upload:
        return "service"
    if settings.public_url:
        return "serve"
    raise Refusal(
        f"{manifest.title} takes clips only from an address on the Internet, and this computer has none to give.",
        "Set hosting.kind to s3 with a bucket, or public_url to an address that leads here (say a tunnel's); "
        "or choose a service that takes files.",
    )


def _check_service(settings: Settings, manifest: Manifest, env: Mapping[str, str]) -> None:
    if not manifest.own_upload:
        hint = "Set hosting.kind to serve (with public_url) or to s3 (with a bucket)."
        raise Refusal(f"{manifest.title} has no upload of its own, as hosting.kind: service wants.", hint)


def _check_serve(settings: Settings, manifest: Manifest, env: Mapping[str, str]) -> None:
    if not settings.public_url:
        hint = "Set public_url to an address under which the service can reach this daemon."
        raise Refusal(f"{manifest.title} cannot fetch the clip from this daemon: public_url is not set.", hint)


def _check_s3(settings: Settings, manifest: Manifest, env: Mapping[str, str]) -> None:
    missing = [name for name in KEY_VARIABLES if not env.get(name)]
    if not settings.hosting.bucket:
        raise Refusal("hosting.kind is s3, but no bucket is named.", "Set hosting.bucket.")
    if missing:
        hint = f"Set the environment variables {' and '.join(KEY_VARIABLES)} for the daemon."
        raise Refusal(f"The keys for the bucket are not there: {' and '.join(missing)} is not set.", hint)
    if importlib.util.find_spec("boto3") is None:
        raise Refusal("A bucket needs the Python package boto3.", "Install it with `pip install sendreturn[s3]`.")


_CHECKS = {"service": _check_service, "serve": _check_serve, "s3": _check_s3}


class Serving:
    """Clips that this daemon gives out itself: each under an address that nobody can guess, for a day.

    An address holds its own proof, so it stays good over a restart; the clip has to be offered again then, by asking
    for its address once more.

    Args:
        public_url: Where this daemon is reached from outside.
        secret: Kept over restarts, and known to nobody else.
    """

    def __init__(self, public_url: str, secret: str, clock: Callable[[], float] = time.time) -> None:
        self._public_url = public_url.rstrip("/")
        self._secret = secret.encode()
        self._clock = clock
        self._clips: dict[str, Path] = {}

    def url_for(self, send_id: str, clip: Path) -> str:
        """Offer a clip; one for each send. The name in the address tells nothing of the clip's own."""
        self._clips[send_id] = clip
        until = f"{int(self._clock() + EXPIRES_S):08x}"
        name = public_name(clip)
        return f"{self._public_url}/clips/{send_id}{until}{self._seal(send_id, until, name)}/{name}"

    def find(self, token: str, name: str) -> Path | None:
        """The clip behind an address; None where it is wrong, has expired, or the clip is no longer offered."""
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            return None
        send_id, until, seal = parts["send"], parts["until"], parts["seal"]
        is_sealed = hmac.compare_digest(seal.encode(), self._seal(send_id, until, name).encode())
        if not is_sealed or int(until, 16) < self._clock():
            return None
        return self._clips.get(send_id)

    def withdraw(self, send_id: str) -> None:
        """Offer the clip of a send no longer."""
        self._clips.pop(send_id, None)

    def _seal(self, send_id: str, until: str, name: str) -> str:
        said = f"clip\n{send_id}\n{until}\n{name}".encode()
        return hmac.new(self._secret, said, hashlib.sha256).hexdigest()


class ClipHost:
    """Gives each clip the address that a service wants, in the way that `choose` has chosen.

    Args:
        secret: As for `Serving`.
    """

    def __init__(self, settings: Settings, secret: str, env: Mapping[str, str] = os.environ) -> None:
        self._settings = settings
        self._env = env
        self.serving = Serving(settings.public_url, secret) if settings.public_url else None
        self._s3 = S3(settings.hosting, secret, env)

    def choose(self, manifest: Manifest, clip: Clip) -> Kind:
        """As the function of this name."""
        clip_bytes = clip.path.stat().st_size if manifest.file_bytes is not None else 0
        return choose(self._settings, manifest, self._env, clip_bytes)

    async def address(self, bridge: ServiceBridge, send_id: str, clip: Clip, folder: Path) -> str | None:
        """Where the service finds the clip; None where it takes it as a file. Free, and safe to repeat.

        Raises:
            Refusal: there is no way.
            ServiceError: the clip could not be brought to its host.
        """
        kind = self.choose(bridge.manifest, clip)
        if kind == "service":
            assert isinstance(bridge, Uploads), "a manifest that says own_upload has an upload"
            return await bridge.upload(clip, folder)
        if kind == "serve":
            assert self.serving is not None, "public_url was looked at"
            return self.serving.url_for(send_id, clip.path)
        return await self._s3.url_for(send_id, clip.path) if kind == "s3" else None

    def offer_again(self, manifest: Manifest, send_id: str, clip: Clip) -> None:
        """After a restart: addresses of this daemon that a service knows already are good again, and a clip in a
        bucket is removed when its send ends."""
        kind = self.choose(manifest, clip) if self._may_be_hosted(manifest) else "none"
        if self.serving is not None and kind == "serve":
            self.serving.url_for(send_id, clip.path)
        elif kind == "s3":
            self._s3.keep(send_id, clip.path)

    @staticmethod
    def _may_be_hosted(manifest: Manifest) -> bool:
        return manifest.clip_as == "url" or manifest.file_bytes is not None

    async def withdraw(self, send_id: str) -> None:
        """The send has ended: nobody needs its clip any more."""
        if self.serving is not None:
            self.serving.withdraw(send_id)
        await self._s3.withdraw(send_id)

    async def close(self) -> None:
        await self._s3.close()
