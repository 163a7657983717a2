"""What Live needs besides the script: the mailbox's folders, and `keys.json`, which is the user's once written."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from sendreturn.daws.installs import Step
from sendreturn.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sendreturn.daws.installs import Installation

KEYS = {
    "channel": 16,
    "notes": {"60": "extend", "61": "cover", "62": "inpaint", "63": "stems", "64": "midi"},
    "controls": {},
    "warp": "off",
}
"""Which MIDI notes and controllers send what: operations, or presets of yours. `warp` may be "tempo"."""
ELSEWHERE = (
    "Live's Settings, Library say where it is: set SENDRETURN_LIVE_USER_LIBRARY to that folder and run"
    " `sendreturn bridge install live`."
)


def install(found: Installation) -> list[Step]:
    """Make the mailbox, so that the script can write before the daemon was ever started."""
    for name in ("out", "in"):
        (found.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = _keys(found)
    if keys.exists():
        return [Step(keys, "left as it is")]
    keys.write_text(_usual(), "utf-8")
    return [Step(keys, "written")]


def remove(found: Installation) -> list[Step]:
    """Take away what Live and we have put beside the script; keys that the user has chosen stay."""
    keys = _keys(found)
    shutil.rmtree(keys.parent / "__pycache__", ignore_errors=True)
    if not keys.is_file():
        return []
    if keys.read_text("utf-8", errors="replace") != _usual():
        return [Step(keys, "left, as you have changed it")]
    keys.unlink()
    return [Step(keys, "removed")]


def check(found: Installation) -> Iterator[Finding]:
    """Whether the User Library is where the script was put, and the keys can be used."""
    name, keys = found.manifest.name, _keys(found)
    library = keys.parents[2]
    if not any(entry for entry in _entries(library) if entry.name != "Remote Scripts"):
        yield Finding(name, False, f"{library} does not look like Live's User Library.", ELSEWHERE)
    try:
        json.loads(keys.read_text("utf-8"))
    except (OSError, ValueError) as error:
        remedy = "Mend it, or delete it and run `sendreturn bridge install live`."
        yield Finding(name, False, f"{keys} cannot be used: {error}", remedy)
    else:
        yield Finding(name, True, f"The keys stand in {keys}.")


def _keys(found: Installation) -> Path:
    return found.target(found.manifest.files[0]).with_name("keys.json")


def _usual() -> str:
    return json.dumps(KEYS, indent=2) + "\n"


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
