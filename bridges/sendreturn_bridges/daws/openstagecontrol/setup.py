"""Writes the session for Open Stage Control into the user's documents, and says how it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendreturn_bridges.daws.openstagecontrol.session import session
from sendreturn_bridges.daws.surfaces import Layout, documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendreturn.daws.installs import Installation, Step
    from sendreturn.findings import Finding


def install(found: Installation) -> list[Step]:
    """Write the session. Raises SendReturnError where it cannot be written."""
    return _layout(found).install()


def remove(found: Installation) -> list[Step]:
    """Take the session away, unless the user has changed it."""
    return _layout(found).remove()


def check(found: Installation) -> Iterator[Finding]:
    """Whether the session is there, of this version, and can reach the daemon."""
    yield from _layout(found).check()


def clicks(found: Installation) -> tuple[str, ...]:
    """What is to be done once."""
    path = _layout(found).path
    return (
        f"Start Open Stage Control on this computer, set “load” in its launcher to {path}, and press its play button.",
        "Open its address (which it shows, such as http://192.168.1.2:8080) in the browser of a phone or tablet.",
        "The mark beside “sendreturn” lights up when the daemon answers.",
        "Whoever opens that address can press its buttons: set “authentication” in the launcher where others could.",
    )


def _layout(found: Installation) -> Layout:
    # What reaches the daemon comes from the program on this machine, and whoever opens its page can read the session.
    return Layout(found, documents() / "sendreturn-open-stage-control.json", session, is_remote=False)
