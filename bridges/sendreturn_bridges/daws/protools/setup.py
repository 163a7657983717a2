"""Nothing is installed inside Pro Tools: what has to be there is the package that speaks with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendreturn.errors import UsageError
from sendreturn.findings import Finding

from sendreturn_bridges.daws.protools.host import NEEDED, NEEDED_HINT, Gone, address_of, is_possible, knock

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
    """Whether the package is there, and whether anything listens where Pro Tools does."""
    name, address = found.manifest.name, address_of(found.manifest.options)
    if not is_possible():
        yield Finding(name, False, NEEDED, NEEDED_HINT)
        return
    try:
        knock(address)
    except Gone:
        yield Finding(name, True, f"Nothing listens at {address}: Pro Tools is not running, or older than 2022.12.")
    else:
        yield Finding(name, True, f"Something listens at {address}, as Pro Tools does.")
