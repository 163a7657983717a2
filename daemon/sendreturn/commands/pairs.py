"""Parameters of a send as options of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendreturn.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


def params_of(pairs: Sequence[str]) -> dict[str, object]:
    """The parameters that KEY=VALUE stand for. Raises UsageError where one is not that."""
    params: dict[str, object] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--set {pair} is not KEY=VALUE.", "Write it as in --set extend_s=30.")
        params[name.strip()] = value
    return params
