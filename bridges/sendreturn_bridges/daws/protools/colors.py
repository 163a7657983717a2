"""Track colors: Pro Tools has a palette, and takes the number of one of its colors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEX = re.compile(r"#?(?:[0-9a-f]{2})?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", re.IGNORECASE)
"""#rrggbb, or with the opacity first, as in Pro Tools' palette."""


def nearest(color: str, palette: Sequence[object]) -> int | None:
    """The number of the palette's color that looks most like it; None where there is no palette."""
    wanted = _rgb(color)
    known = [(_distance(wanted, rgb), number) for number, entry in enumerate(palette) if (rgb := _rgb(str(entry)))]
    return min(known)[1] if wanted and known else None


def _rgb(text: str) -> tuple[int, int, int] | None:
    match = _HEX.fullmatch(text.strip())
    return (int(match[1], 16), int(match[2], 16), int(match[3], 16)) if match else None


def _distance(one: tuple[int, int, int] | None, other: tuple[int, int, int]) -> float:
    """Eyes see red and blue apart the better the redder it is (compuphase.com/cmetric.htm)."""
    if one is None:
        return 0.0
    red = (one[0] + other[0]) / 2
    r, g, b = ((a - c) ** 2 for a, c in zip(one, other, strict=True))
    return (2 + red / 256) * r + 4 * g + (2 + (255 - red) / 256) * b
