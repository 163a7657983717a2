"""What the script for Bitwig is filled with, and what the doctor looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendreturn.findings import Finding

from sendreturn_bridges.daws.bitwig.door import door_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sendreturn.daws.installs import Installation


def values(found: Installation) -> Mapping[str, str]:
    """Where the script reaches the daemon."""
    door = door_in(found.folder, int(found.manifest.options["port"]))
    return {"PORT": str(door.port), "SECRET": door.secret}


def check(found: Installation) -> Iterator[Finding]:
    """Whether Bitwig looks where the script lies: it keeps its library beside it, unless the user has moved that."""
    scripts = found.target(found.manifest.files[0]).parents[1]
    if scripts.parent.is_dir() and any(other != scripts for other in scripts.parent.iterdir()):
        return
    yield Finding(
        found.manifest.name,
        True,
        f"Bitwig has nothing else in {scripts.parent}. If its Settings > Locations name another folder for controller "
        "scripts, install again with BITWIG_CONTROLLER_SCRIPTS set to that.",
    )
