"""Nothing is installed inside Pro Tools: what has to be there is the package that speaks with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendreturn.errors import UsageError
from sendreturn.findings import Finding

from sendreturn_bridges.daws.protools.host import NEEDED, NEEDED_HINT, is_possible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendreturn.daws.installs import Installation, Step


def install(_found: Installation) -> list[Step]:
    """Look whether it can work.

    Raises:
        UsageError: the package is missing.
    """
    if not is_possible():
        raise UsageError(NEEDED, f"{NEEDED_HINT[:-1]}, then `sendreturn bridge install protools` again.")
    return []


def remove(_found: Installation) -> list[Step]:
    """Pro Tools forgets the menu items when it quits."""
    return []


def check(found: Installation) -> Iterator[Finding]:
    """Whether the package is there."""
    name = found.manifest.name
    if is_possible():
        yield Finding(name, True, "py-ptsl is installed, which speaks with Pro Tools.")
    else:
        yield Finding(name, False, NEEDED, NEEDED_HINT)
