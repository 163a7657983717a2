"""The daemon's side of the script for Bitwig Studio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendreturn_bridges.daws.bitwig.door import door_in
from sendreturn_bridges.daws.bitwig.link import BitwigLink
from sendreturn_bridges.daws.bitwig.script import ScriptSide

if TYPE_CHECKING:
    from sendreturn.daws.contract import LinkSetup


def open_link(setup: LinkSetup) -> BitwigLink:
    """The link, on the port that the installed script speaks to."""
    door = door_in(setup.folder, int(setup.options["port"]))
    name = setup.manifest.name
    side = ScriptSide(
        door,
        lambda sentence: setup.tell(f"daw:{name}", sentence),
        lambda operation, request: link.send_bounce(operation, {}, request),
    )
    link = BitwigLink(setup, side)
    return link
