"""Writes the layout for TouchOSC into the user's documents, and says how it comes onto the surface."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendreturn_bridges.daws.surfaces import LISTENS_AT, Layout, documents, how_to_open, is_open
from sendreturn_bridges.daws.touchosc.layout import touchosc_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendreturn.daws.installs import Installation, Step
    from sendreturn.findings import Finding


def install(found: Installation) -> list[Step]:
    """Write the layout. Raises SendReturnError where it cannot be written."""
    return _layout(found).install()


def remove(found: Installation) -> list[Step]:
    """Take the layout away, unless the user has changed it."""
    return _layout(found).remove()


def check(found: Installation) -> Iterator[Finding]:
    """Whether the layout is there, of this version, and can reach the daemon."""
    yield from _layout(found).check()


def clicks(found: Installation) -> tuple[str, ...]:
    """What is to be done once, with this user's ports."""
    host = "this computer's address in your network" if is_open(found) else "127.0.0.1"
    ports = f"Send Port {found.values['OSC_PORT']}, Receive Port {LISTENS_AT}"
    bring = "for a phone or tablet send it there (AirDrop, a cloud folder, or TouchOSC's own Editor Network)"
    steps = (
        f"Open {_layout(found).path} in TouchOSC; {bring}.",
        f"In TouchOSC: Connections > OSC > Connection 1: UDP, Host {host}, {ports}.",
        "Close the editor (the play button). The mark beside “sendreturn” turns green when the daemon answers.",
    )
    return steps if is_open(found) else (*steps, how_to_open(found))


def _layout(found: Installation) -> Layout:
    return Layout(found, documents() / "sendreturn.tosc", touchosc_document, is_remote=True)
