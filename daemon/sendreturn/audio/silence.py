"""Whether there is anything to hear in a clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendreturn.audio.decode import blocks

if TYPE_CHECKING:
    from pathlib import Path

SILENCE_DBFS = -90.0


def is_silent(path: Path, below_dbfs: float = SILENCE_DBFS) -> bool:
    """Whether no sample of the clip reaches `below_dbfs`; stops at the first that does.

    Raises:
        ClipError: The clip cannot be used.
    """
    limit = 10 ** (below_dbfs / 20)
    return not any(float(abs(block).max(initial=0.0)) >= limit for block in blocks(path))
