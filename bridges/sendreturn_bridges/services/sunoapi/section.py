"""Which section of a clip Suno API can replace: 10 to 60 s, and at most half of the clip.

Its own guide says 6 to 60 s, a twin's at least 10 s; what satisfies both is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sendreturn.errors import Refusal

TOLERANCE_S = 0.005


def check(section_s: tuple[float, float], clip_s: float, limits: Mapping[str, Any]) -> None:
    """Raises Refusal, with the nearest section that would work, or what would make one work."""
    (least_s, most_s), share = limits["section_s"], float(limits["section_share"])
    start_s, end_s = section_s
    longest_s = min(most_s, clip_s * share)
    if end_s > clip_s + TOLERANCE_S:
        raise Refusal(
            f"section_s is {start_s:g} to {end_s:g} s, but the clip is {clip_s:.3f} s long.",
            "Choose a section inside it.",
        )
    if least_s - TOLERANCE_S <= end_s - start_s <= longest_s + TOLERANCE_S:
        return
    what = (
        f"Suno API replaces {least_s:g} to {most_s:g} s and at most half of the clip;"
        f" section_s is {end_s - start_s:g} s of {clip_s:.1f} s."
    )
    if longest_s < least_s:
        raise Refusal(what, f"Send at least {least_s / share:g} s, with more of the file in range_s.")
    first_s, last_s = nearest(section_s, clip_s, (least_s, longest_s))
    raise Refusal(what, f"Nearest to it is section_s: [{first_s:g}, {last_s:g}].")


def nearest(section_s: tuple[float, float], clip_s: float, lengths_s: tuple[float, float]) -> tuple[float, float]:
    """The section of an allowed length with the same middle, as far as the clip has room."""
    start_s, end_s = section_s
    length_s = min(max(end_s - start_s, lengths_s[0]), lengths_s[1])
    first_s = min(max((start_s + end_s - length_s) / 2, 0.0), clip_s - length_s)
    # Rounded inwards, so that what is advised is really taken.
    first_s = round(first_s, 2)
    return first_s, min(round(first_s + length_s, 2), int(clip_s * 100) / 100)
