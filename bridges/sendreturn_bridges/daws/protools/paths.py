"""How Pro Tools spells files: with slashes, on Windows with backslashes, and on a Mac in some commands with colons.

`Macintosh HD:Users:me:Song:` is a folder of the drive of that name. Older versions tell the session's path so; of newer
ones, ExportClipsAsFiles alone may still want a folder so, ending with its separator in any spelling
(py-ptsl's `export_clips_as_files`).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

VOLUMES = Path("/Volumes")
"""Where a Mac has its drives; the one that it runs from is a link to `/`."""


def native(spelled: str, volumes: Path = VOLUMES) -> Path | None:
    """A path of Pro Tools' as one of this system; None where it is none."""
    if not spelled:
        return None
    if _has_colons(spelled):
        drive, _, rest = spelled.partition(":")
        return Path(os.path.realpath(volumes / drive)).joinpath(*(part for part in rest.split(":") if part))
    path = Path(spelled)
    return path if path.is_absolute() else None


def file(path: Path, like: str, volumes: Path = VOLUMES) -> str:
    """A path as Pro Tools spells its own, such as `like`."""
    return with_colons(path, volumes) if _has_colons(like) else str(path)


def folder_spellings(folder: Path, like: str, volumes: Path = VOLUMES) -> list[str]:
    """The ways to spell a folder for ExportClipsAsFiles, the likeliest first."""
    plain = f"{folder}{os.sep}"
    if sys.platform == "win32":
        return [plain]
    colons = f"{with_colons(folder, volumes)}:"
    return [colons, plain] if _has_colons(like) else [plain, colons]


def with_colons(path: Path, volumes: Path = VOLUMES) -> str:
    """A path as a Mac spelled it before it was a Unix."""
    real = Path(os.path.realpath(path))
    root = Path(os.path.realpath(volumes))
    if real.is_relative_to(root):
        return ":".join(real.relative_to(root).parts)
    return ":".join([_boot_drive(volumes), *real.parts[1:]])


def _boot_drive(volumes: Path) -> str:
    drives = sorted(volumes.iterdir()) if volumes.is_dir() else []
    return next((drive.name for drive in drives if Path(os.path.realpath(drive)) == Path("/")), "Macintosh HD")


def _has_colons(spelled: str) -> bool:
    return ":" in spelled and "/" not in spelled and spelled[1:3] != ":\\"
