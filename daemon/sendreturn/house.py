"""The house without its doors: journal, services and conductor on one state folder. The daemon adds the ways in."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from sendreturn.contract import CallsBack
from sendreturn.engine.callbacks import Callbacks
from sendreturn.engine.conductor import Conductor
from sendreturn.engine.hosting import ClipHost
from sendreturn.engine.journal import Journal, SendRow
from sendreturn.engine.restoring import catch_up
from sendreturn.errors import Busy, UsageError
from sendreturn.keys import SECRET_NAMES, find_key, name_secrets, redact
from sendreturn.places import Places
from sendreturn.sends.layout import WatchedList
from sendreturn.sends.rejects import put_aside
from sendreturn.sends.walk import folders_in
from sendreturn.services import Services, load_manifests
from sendreturn.settings import Settings

LOCK_NAME = "lock"
LOCK_PATIENCE_S = 2.0
"""Commands that only look have the state folder for a moment."""
LEAST_SECRET = 8
"""Characters; shorter values of such variables are rather switches, and would be masked in ordinary words."""


class House:
    """Everything that makes sends, behind the state folder's lock.

    Raises:
        Busy: another process holds the state folder.
        SendReturnError: the journal cannot be used.
    """

    def __init__(self, settings: Settings, places: Places, env: Mapping[str, str] = os.environ) -> None:
        places.prepare()
        self.settings = settings
        self.places = places
        self._env = env
        name_secrets(_named_by(settings))
        self._secrets = frozenset({places.read_token(), *secrets_in(env, settings)})
        if settings.osc.allow:
            self._remember(places.read_osc_token())
        self._lock = _take_lock(places.state)
        try:
            self.journal = Journal.open(places.journal)
        except BaseException:
            self._lock.release()
            raise
        self.services = services_of(settings, places, env, self._remember)
        token = places.read_token()
        self.hosting = ClipHost(settings, token, env)
        self.callbacks = Callbacks(settings.public_url, token) if settings.public_url else None
        self.conductor = Conductor(
            self.journal,
            self.services,
            settings,
            self.session_of,
            places.staging,
            self._put_aside,
            self.hosting,
            self.callbacks,
        )

    async def start(self) -> str | None:
        """Go on with what was under way; a sentence where the journal is older than what has happened since."""
        told = await asyncio.to_thread(self._catch_up)
        await self.conductor.start()
        return told

    async def stop(self) -> None:
        await self.conductor.stop()
        self.journal.close()
        self._lock.release()

    def session_of(self, path: Path | None) -> Path | None:
        """The session that a path lies in: a configured one, or one that `sendreturn watch` has added.

        Without a path: the session, where there is only one.
        """
        if path is None:
            return self._only_session()
        configured = self.settings.session_for(path)
        if configured is not None:
            return configured
        with suppress(UsageError):
            around = [root for root in WatchedList(self.places.state).all() if path.is_relative_to(root)]
            return max(around, key=lambda root: len(root.parts), default=None)
        return None

    def _only_session(self) -> Path | None:
        configured = self.settings.sessions
        if any(session.each for session in configured):
            return None
        watched = {session.path for session in configured}
        with suppress(UsageError):
            watched.update(WatchedList(self.places.state).all())
        return watched.pop() if len(watched) == 1 else None

    def called_back(self, service: str, send_id: str, headers: Mapping[str, str], body: bytes) -> bool:
        """A service has called back at an address of ours; False where it did not sign as it should have."""
        assert self.callbacks is not None, "only services that were given an address call back"
        bridge = self.services.bridge(service)
        if isinstance(bridge, CallsBack):
            secret = self.callbacks.secret_for(service, send_id)
            if not bridge.is_genuine(headers, body, secret):
                return False
        self.conductor.hint(send_id)
        return True

    def redact(self, text: str) -> str:
        """`text` without any secret that this process knows of."""
        return redact(text, self._secrets)

    def _catch_up(self) -> str | None:
        free = {name for name, manifest in self.services.manifests.items() if manifest.free}
        return catch_up(self.journal, self._sessions(), self.settings.returns.folder, free)

    def _sessions(self) -> list[Path]:
        configured = [p for s in self.settings.sessions for p in (folders_in(s.path) if s.each else [s.path])]
        with suppress(UsageError):
            return [*configured, *WatchedList(self.places.state).all()]
        return configured

    def _put_aside(self, send: SendRow, sentence: str) -> Path | None:
        if send.clip is None:
            return None
        return put_aside(send.clip, send.found_at, send.session, self.settings.hot_folder.folder, sentence)

    def _remember(self, secret: str) -> None:
        self._secrets |= {secret}


def secrets_in(env: Mapping[str, str], settings: Settings) -> set[str]:
    """What must never stand in a log: what the configuration calls a key, and what is called one by its name.

    Bridges and stores read keys of their own from the environment (a platform's, a bucket's); the names tell them.
    """
    named = _named_by(settings)
    by_name = {
        value for name, value in env.items() if name.upper().endswith(SECRET_NAMES) and len(value) >= LEAST_SECRET
    }
    return {value.strip() for value in (*by_name, *(env.get(name, "") for name in named)) if value.strip()}


def _named_by(settings: Settings) -> set[str]:
    """The variables that the configuration says hold keys."""
    options = [service.options for service in settings.services.values()]
    named = {str(value) for table in options for name, value in table.items() if name.endswith("_env")}
    return named | {service.api_key_env or "" for service in settings.services.values()}


def services_of(
    settings: Settings, places: Places, env: Mapping[str, str], on_key: Callable[[str], None] = lambda _: None
) -> Services:
    """The services as configured; `on_key` hears of every key that is found for one."""

    def options(service: str) -> Mapping[str, object]:
        configured = settings.service_settings(service)
        return {**configured.urls, **configured.model_dump(exclude={"options"}), **configured.options}

    def key(service: str) -> str | None:
        secret = find_key(service, settings.service_settings(service).api_key_env, env).secret
        if secret is not None:
            on_key(str(secret))
        return secret

    manifests = load_manifests()
    priced = {name: one.with_prices(settings.service_settings(name).prices) for name, one in manifests.items()}
    return Services(priced, options, places.models, key)


def _take_lock(state: Path) -> FileLock:
    # The system releases the lock when the process ends, however it ends, so a lock is never stale.
    lock = FileLock(state / LOCK_NAME)
    try:
        lock.acquire(timeout=LOCK_PATIENCE_S)
    except Timeout as error:
        raise Busy(
            f"Another sendreturn is using the state folder {state}.",
            "Stop it, or name another folder in the environment variable SENDRETURN_HOME.",
        ) from error
    return lock
