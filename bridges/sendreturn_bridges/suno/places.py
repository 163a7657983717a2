"""Points and sections that a user names in a clip, checked before anything is sent."""

from __future__ import annotations

import math

from sendreturn.errors import Refusal
from sendreturn.params import Params

TOLERANCE_S = 0.001


def point_s(title: str, params: Params, clip_s: float | None, known_s: float | None = None) -> float:
    """Where a continuation starts, in milliseconds' steps and never after the end.

    Args:
        title: The service's name.
        clip_s: Length of the clip; None without one.
        known_s: Length of the song as the service has measured it.

    Raises:
        Refusal: `from_s` does not lie in the clip, or nothing says where the song ends.
    """
    from_s = params.from_s
    if from_s is not None and clip_s is not None and from_s > clip_s + TOLERANCE_S:
        raise Refusal(f"from_s is {from_s:g} s, but the clip is {clip_s:.3f} s long.", "Choose a point inside it.")
    if from_s is not None and from_s <= 0:
        raise Refusal(f"{title} continues a clip from a point after its start.", "Set from_s to more than 0.")
    ends_s = [end_s for end_s in (from_s, clip_s, known_s) if end_s is not None]
    if not ends_s:
        raise Refusal(f"{title} has to know where to continue the song.", "Set from_s.")
    return math.floor(min(ends_s) * 1000) / 1000


def check_side(title: str, params: Params) -> None:
    """Suno's models continue after the end only. Raises Refusal."""
    if params.side == "left":
        raise Refusal(
            f"{title} continues a clip only after its end, not before its start.",
            "Leave side out, or use sonauto or local, which can do both.",
        )


def section_s(params: Params, clip_s: float | None) -> tuple[float, float]:
    """The user's section, which the engine has made sure of. Raises Refusal where it does not lie in the clip."""
    named = params.section_s
    assert named is not None, "the engine has made sure of the demands"
    if clip_s is not None and named[1] > clip_s + TOLERANCE_S:
        raise Refusal(
            f"section_s is {named[0]:g} to {named[1]:g} s, but the clip is {clip_s:.3f} s long.",
            "Choose a section inside it.",
        )
    return named
