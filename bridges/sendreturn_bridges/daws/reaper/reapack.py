"""The scripts as a repository for ReaPack, REAPER's package manager, which then keeps them up to date.

    python -m sendreturn_bridges.daws.reaper.reapack https://where.it/will/be FOLDER

writes the scripts and an `index.xml` that lists them. The scripts go where `bridge install` puts them too, byte for
byte the same: ReaPack's own folder for them is `Scripts/<name of the index>/<category>`, and `..` leads up to the name.
(The format as reapack-index 1.2.6 writes it.)
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from sendreturn import __version__
from sendreturn.daws.installs import Installation, installation, load_daws

from sendreturn_bridges.daws.reaper.setup import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "sendreturn"
CATEGORY = "REAPER"
PACKAGE = "sendreturn_panel.lua"
ONLY_HERE = "sendreturn_mailbox.lua"
"""Says where one machine's mailbox is, and so is in no repository."""


def write_repository(folder: Path, base_url: str, version: str = __version__, at: datetime | None = None) -> Path:
    """Write the scripts and their index below `folder`, which is to be reached at `base_url`; the index."""
    scripts = _scripts(version)
    target = folder / version
    target.mkdir(parents=True, exist_ok=True)
    for name, contents in scripts.items():
        (target / name).write_bytes(contents)
    path = folder / "index.xml"
    path.write_text(index(base_url, list(scripts), version, at or datetime.now(UTC)), "utf-8", newline="\n")
    return path


def index(base_url: str, names: list[str], version: str, at: datetime) -> str:
    """The index with one package: all scripts, of which the actions are in the main section of REAPER's list."""
    root = ET.Element("index", version="1", name=NAME)
    category = ET.SubElement(root, "category", name=CATEGORY)
    package = ET.SubElement(category, "reapack", name=PACKAGE, type="script", desc="sendreturn: AI returns in place")
    release = ET.SubElement(
        package, "version", name=version, author="sendreturn", time=at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    )
    for name in names:
        section = {"main": "main"} if Path(name).stem in ACTIONS else {}
        source = ET.SubElement(release, "source", {**section, "file": f"../{name}"})
        source.text = f"{base_url.rstrip('/')}/{version}/{name}"
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _scripts(version: str, env: Mapping[str, str] | None = None) -> dict[str, bytes]:
    found: Installation = installation(load_daws()["reaper"], Path(), {"VERSION": version}, env or {})
    return {file.source: found.contents(file) for file in found.manifest.files if file.source != ONLY_HERE}


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("Name the address that the folder will have, and the folder.")
    sys.stdout.write(f"{write_repository(Path(sys.argv[2]), sys.argv[1])}\n")
