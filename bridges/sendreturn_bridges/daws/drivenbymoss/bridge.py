"""Bitwig Studio through the OSC of DrivenByMoss, where the user has that and not our own script.

DrivenByMoss (git-moss/DrivenByMoss at ffa80ae2, TrackModule and ProjectModule) hears on port 8000 and tells on port
9000 what has changed. `/track/add/audio` makes a track and selects it, and `/track/selected/…` is about that one;
nothing can be held on to, so that each step looks at what was reported before the next one is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendreturn_bridges.daws.bitwig.link import BitwigLink
from sendreturn_bridges.daws.drivenbymoss.begun import Begun
from sendreturn_bridges.daws.drivenbymoss.reported import ascii_of
from sendreturn_bridges.daws.drivenbymoss.side import MossSide

if TYPE_CHECKING:
    from sendreturn.daws.contract import LinkSetup


def open_link(setup: LinkSetup) -> BitwigLink:
    """The link, on DrivenByMoss's own ports."""
    name = setup.manifest.name
    side = MossSide(
        int(setup.options["receives"]),
        int(setup.options["sends"]),
        Begun(setup.folder / "begun.json"),
        lambda sentence: setup.tell(f"daw:{name}", sentence),
    )
    return BitwigLink(setup, side, ascii_of)
