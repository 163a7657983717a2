# sendreturn-bridge @VERSION@
"""sendreturn in Ableton Live: tells the daemon which clip is selected, and lays what comes back on new tracks.

A Remote Script. Live imports this folder by its name and calls everything on its main thread, so that nothing here
waits: files are small, and one small step is made in a tick. It runs in Live 11 (Python 3.7) and Live 12 (Python 3.11)
and needs nothing but Live: no library, and none of Live's own frameworks for control surfaces.
"""

from __future__ import annotations

from typing import Any

from .surface import Surface


def create_instance(c_instance: Any) -> Surface:
    """What Live calls when a set is opened and this control surface is chosen in its settings."""
    return Surface(c_instance)
