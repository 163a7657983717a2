"""Where things live: the configuration file and the state folder."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from sendreturn.errors import SettingsError
from sendreturn.words import TEMP_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

APP_NAME = "sendreturn"
CONFIG_NAME = "sendreturn.yaml"


def config_file(explicit: str | Path | None = None, env: Mapping[str, str] = os.environ) -> Path:
    """The configuration file: `explicit`, else $SENDRETURN_CONFIG, else in the platform's user config folder.

    It need not exist.
    """
    chosen = explicit or env.get("SENDRETURN_CONFIG")
    if chosen:
        return expand(chosen, env)
    return platformdirs.user_config_path(APP_NAME, appauthor=False) / CONFIG_NAME


def state_folder(env: Mapping[str, str] = os.environ) -> Path:
    """The state folder: $SENDRETURN_HOME, else the platform's user data folder. It need not exist."""
    chosen = env.get("SENDRETURN_HOME")
    return expand(chosen, env) if chosen else platformdirs.user_data_path(APP_NAME, appauthor=False)


def expand(path: str | Path, env: Mapping[str, str] = os.environ) -> Path:
    """An absolute path, with `~` as the home folder that `env` names."""
    text = os.fspath(path)
    home = env.get("HOME") or env.get("USERPROFILE")
    if home and (text == "~" or text.startswith(("~/", "~\\"))):
        text = os.path.join(home, text[2:])  # noqa: PTH118 - the rest may hold backslashes
    return Path(os.path.abspath(os.path.expanduser(text)))  # noqa: PTH100, PTH111 - lexical; a home may not exist


def keep_private(file: Path) -> None:
    """Make a file that only this account reads, or see that the one that is there is such a file.

    The state folder that we make is closed to others; one that was there before may not be. What cannot be done here is
    told by whoever then opens the file.
    """
    with suppress(OSError):
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
        file.chmod(0o600)


@dataclass(frozen=True)
class Places:
    """The state folder and what lies in it. `token` is the path of the local token; `read_token` gives the token.

    `shared_models` is another state folder's `models`, to be used in place of its own.
    """

    state: Path
    shared_models: Path | None = None

    @classmethod
    def of(cls, env: Mapping[str, str] = os.environ) -> Places:
        """The places that `env` names."""
        return cls(state_folder(env))

    @property
    def journal(self) -> Path:
        return self.state / "journal.db"

    @property
    def token(self) -> Path:
        return self.state / "token"

    @property
    def osc_token(self) -> Path:
        return self.state / "osc-token"

    @property
    def models(self) -> Path:
        return self.shared_models or self.state / "models"

    @property
    def staging(self) -> Path:
        return self.state / "staging"

    @property
    def log(self) -> Path:
        """A folder."""
        return self.state / "log"

    def prepare(self) -> None:
        """Make the folders (mode 0700) and the local token (mode 0600). What is there already stays.

        Raises:
            SettingsError: they cannot be made.
        """
        try:
            for folder in (self.state, self.models, self.staging, self.log):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self.token.exists():
                _make_token(self.token)
            self.token.chmod(0o600)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SettingsError(
                f"The state folder {self.state} cannot be used: {reason}.",
                hint="Make it writable, or name another folder in the environment variable SENDRETURN_HOME.",
            ) from error

    def read_token(self) -> str:
        """The local token, which changes through HTTP must show.

        Raises:
            SettingsError: it is not there, empty, or cannot be read.
        """
        return _read_token(self.token)

    def read_osc_token(self) -> str:
        """The token of OSC from other machines, made when it is first wanted. It is short, since people type it.

        It is another one than the local token, because OSC crosses the network in the clear.

        Raises:
            SettingsError: it cannot be made or read.
        """
        try:
            if not self.osc_token.exists():
                _make_token(self.osc_token, 9)
        except OSError as error:
            raise _no_token(self.osc_token, error.strerror or str(error)) from error
        return _read_token(self.osc_token)


def _read_token(path: Path) -> str:
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise _no_token(path, getattr(error, "strerror", None) or "it is no token") from error
    if not token:
        raise _no_token(path, "it is empty")
    return token


def _make_token(path: Path, length_bytes: int = 32) -> None:
    """Write a new token. Whoever comes second keeps the first one's, and nobody reads half of one."""
    temporary = path.with_name(f"{TEMP_PREFIX}token-{secrets.token_hex(4)}")
    _write_exclusively(temporary, secrets.token_urlsafe(length_bytes))
    try:
        os.link(temporary, path)  # unlike a rename this fails where a token exists already
    except FileExistsError:
        return
    except OSError:  # a file system without hard links, such as exFAT
        if not path.exists():
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _write_exclusively(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _no_token(path: Path, reason: str) -> SettingsError:
    return SettingsError(
        f"The local token {path} cannot be read: {reason}.",
        hint="Remove the file and start the daemon: it makes a new one.",
    )
