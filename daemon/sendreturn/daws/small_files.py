"""Small files between the daemon and a DAW, and what is remembered about one: each changes as a whole or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sendreturn.returns.files import sync_folder

if TYPE_CHECKING:
    from pathlib import Path


def replace(path: Path, text: str) -> None:
    """Give the file this text. Whoever reads it meanwhile reads the old one or the new one. Raises OSError."""
    temp = _beside(path)
    temp.write_text(text, "utf-8", newline="\n")
    temp.replace(path)


def keep(path: Path, text: str) -> None:
    """As `replace`; when this returns it is on the disk. Raises OSError."""
    temp = _beside(path)
    with temp.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temp.replace(path)
    sync_folder(path.parent)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")
