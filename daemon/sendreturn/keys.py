"""API keys: from the environment, else from the keyring of the operating system. They are never written to a file.

A key that is on its way through the daemon is a `Secret`: its `repr` is masked, so that it does not slip into a log or
a traceback, while `str` and f-strings give the key itself for the header that needs it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from sendreturn.errors import SendReturnError, UsageError
from sendreturn.pasted_keys import looks_like_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keyring.backend import KeyringBackend

KEYRING_APP = "sendreturn"
"""What our entries are called in the keyring; the user name of an entry is the name of the service."""


class Secret(str):
    """A key. `repr` shows only its mask; `str` and formatting give the key."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Secret({mask(self)!r})"


@dataclass(frozen=True)
class FoundKey:
    """The outcome of looking for a service's key.

    Attributes:
        secret: The key, or None where there is none.
        source: Where it was found, in words ("the environment variable X", "the keyring"); empty where there is none.
        trouble: A sentence on why the keyring could not be asked; empty where it could.
    """

    secret: Secret | None = None
    source: str = ""
    trouble: str = ""


def find_key(service: str, api_key_env: str | None, env: Mapping[str, str] = os.environ) -> FoundKey:
    """Look for the key of `service`: the environment first, then the keyring. Never raises.

    Asking the keyring may take seconds or open a dialogue of the operating system: call this from a thread.
    """
    value = env.get(api_key_env, "").strip() if api_key_env else ""
    if value:
        return FoundKey(Secret(value), f"the environment variable {api_key_env}")
    try:
        stored = (_backend().get_password(KEYRING_APP, service) or "").strip()
    except _keyring_errors() as error:
        return FoundKey(trouble=_trouble(error))
    return FoundKey(Secret(stored), "the keyring") if stored else FoundKey()


def need_key(service: str, api_key_env: str | None, env: Mapping[str, str] = os.environ) -> Secret:
    """The key of `service`.

    Raises:
        UsageError: there is none; the hint says how to set one.
    """
    found = find_key(service, api_key_env, env)
    if found.secret is None:
        hint = f"{found.trouble} {how_to_set(service, api_key_env)}".strip()
        raise UsageError(f"There is no API key for {service}.", hint)
    return found.secret


def set_key(service: str, secret: str) -> None:
    """Keep the key of `service` in the keyring of the operating system.

    Raises:
        UsageError: the key is empty or has white space inside.
        SendReturnError: there is no keyring that keeps secrets, it is locked, or it did not keep the key.
    """
    key = secret.strip()
    if not key or re.search(r"\s", key) or not key.isprintable():
        raise UsageError("An API key is one word without spaces; this is not one.", "Copy it again from the service.")
    try:
        backend = _backend()
        if "plaintext" in type(backend).__name__.lower():
            raise _cannot_keep(service, "The only keyring here writes keys into a plain file.")
        backend.set_password(KEYRING_APP, service, key)
        kept = backend.get_password(KEYRING_APP, service)
    except _keyring_errors() as error:
        raise _cannot_keep(service, _trouble(error)) from error
    if kept != key:
        raise _cannot_keep(service, "The keyring took the key and did not give it back.")


def remove_key(service: str) -> bool:
    """Take the key of `service` out of the keyring; False where there was none.

    Raises:
        SendReturnError: the keyring cannot be used.
    """
    try:
        backend = _backend()
        if backend.get_password(KEYRING_APP, service) is None:
            return False
        backend.delete_password(KEYRING_APP, service)
    except _keyring_errors() as error:
        what = f"The key of {service} could not be removed. {_trouble(error)}"
        raise SendReturnError(what, detail=repr(error)) from error
    return True


def how_to_set(service: str, api_key_env: str | None = None) -> str:
    """The sentence that tells a user how to set the key of `service`."""
    variable = api_key_env or "that api_key_env names"
    return f"Set the environment variable {variable}, or run `sendreturn key set {service}`."


def mask(secret: str) -> str:
    """What may be shown of a key: its first three and last two characters, and nothing of a short one."""
    return f"{secret[:3]}***{secret[-2:]}" if len(secret) >= 16 else "***"


SECRET_NAMES = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD", "_CREDENTIALS", "_PASS")
"""How the names of environment variables end that hold secrets."""
_named: set[str] = set()


def name_secrets(names: Iterable[str]) -> None:
    """Have `child_environment` leave out these variables too: the configuration says that they hold keys."""
    _named.update(name for name in names if name)


def child_environment(env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for a program that we start: all but the secrets, which are no business of its."""
    return {name: value for name, value in env.items() if not _is_secret(name, value)}


def secrets_in(env: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The keys that stand in an environment."""
    return tuple(value for name, value in env.items() if _is_secret(name, value))


def _is_secret(name: str, value: str) -> bool:
    return name in _named or name.upper().endswith(SECRET_NAMES) or name == "PGPASSWORD" or looks_like_key(value)


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` with every secret of 4 or more characters replaced by its mask, also where it is percent-encoded."""
    for secret in sorted({s for s in secrets if len(s) >= 4}, key=len, reverse=True):
        for form in (str(secret), quote(secret, safe="")):
            text = text.replace(form, mask(secret))
    return text


def _backend() -> KeyringBackend:
    import keyring  # reads entry points and may open D-Bus: only when a key is really wanted

    return keyring.get_keyring()


def _keyring_errors() -> tuple[type[Exception], ...]:
    """What a keyring may raise: its own errors, and RuntimeError and OSError from the systems beneath it."""
    try:
        from keyring.errors import KeyringError
    except ImportError:
        return (ImportError,)
    return (KeyringError, RuntimeError, OSError, ImportError)


def _trouble(error: Exception) -> str:
    name = type(error).__name__
    return _TROUBLES.get(name, f"The keyring of this computer cannot be used ({name}).")


_TROUBLES = {
    "NoKeyringError": "This computer has no keyring that sendreturn can use.",
    "KeyringLocked": "The keyring of this computer is locked.",
    "ImportError": "The Python package keyring is not installed.",
    "ModuleNotFoundError": "The Python package keyring is not installed.",
}


def _cannot_keep(service: str, why: str) -> SendReturnError:
    return SendReturnError(
        f"The key of {service} was not kept. {why}",
        "Set it in the environment variable that api_key_env names instead; sendreturn writes no key to a file.",
    )
