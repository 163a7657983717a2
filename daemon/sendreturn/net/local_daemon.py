"""The daemon of this machine, as the command line speaks with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sendreturn.errors import NotNow, SendReturnError, UnknownSend, UsageError
from sendreturn.net.http import HttpError, endless, local_client

PATIENCE_S = 10.0


class UnreachableError(SendReturnError):
    """Nobody answers at this address."""


class LocalDaemon:
    """The daemon of this machine, over its HTTP interface.

    Args:
        address: Such as "http://127.0.0.1:7374".
        token: The local token.
    """

    def __init__(self, address: str, token: str) -> None:
        self._client = local_client(address, token, PATIENCE_S)
        self.address = address

    def __enter__(self) -> LocalDaemon:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str) -> dict[str, Any]:
        """The JSON at `path`. Raises UnreachableError where nobody answers, and what the daemon says went wrong."""
        return self._ask("GET", path)

    def post(self, path: str, body: Mapping[str, Any] | None = None, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """The JSON answer to a change. Raises as `get` does."""
        return self._ask("POST", path, body, patience_s)

    def events(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """What happens, as it happens: the name and the data of each event, first ("open", {})."""
        name = ""
        try:
            with self._client.stream("GET", "/api/events", timeout=endless(PATIENCE_S)) as answer:
                yield "open", {}
                for line in answer.iter_lines():
                    field, _, value = line.partition(": ")
                    if field == "event":
                        name = value
                    elif field == "data":
                        yield name, json.loads(value)
        except HttpError as error:
            raise self._unreachable(error) from error

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, patience_s: float = PATIENCE_S
    ) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, json=body, timeout=patience_s)
        except HttpError as error:
            raise self._unreachable(error) from error
        try:
            table: dict[str, Any] = answer.json()
        except ValueError as error:
            raise UnreachableError(
                f"{self.address} is not the sendreturn daemon.", "Another program uses its port."
            ) from error
        if answer.is_error:
            raise _told(answer.status_code, table.get("error", {}))
        return table

    def _unreachable(self, error: Exception) -> UnreachableError:
        what = f"The daemon at {self.address} does not answer."
        return UnreachableError(what, "`sendreturn run` starts it.", str(error))


def _told(status: int, error: Mapping[str, str]) -> SendReturnError:
    kinds = {400: UsageError, 422: UsageError, 409: NotNow}
    what, hint = error.get("what", f"The daemon answered {status}."), error.get("hint", "")
    if status == 404:
        told: SendReturnError = UnknownSend("")
        told.what, told.hint = what, hint
        return told
    return kinds.get(status, SendReturnError)(what, hint)
