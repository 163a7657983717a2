"""What a song holds of the clip that it was made from, as far as lengths tell."""

from __future__ import annotations

from sendreturn.contract import UNSAID, JsonDict
from sendreturn.net.reading import number

SLACK_S = 1.0


def of_extension(context: JsonDict, duration_s: float | None) -> str:
    """A continuation that is shorter than what it continues (`from_s`) cannot hold it."""
    from_s = number(context.get("from_s"))
    is_short = duration_s is not None and from_s is not None and duration_s <= from_s + SLACK_S
    return "tail" if is_short else UNSAID


def of_section(context: JsonDict, duration_s: float | None) -> str:
    """A replaced section (`section_s`) may come alone, or within its song (`clip_s`): to which the length is nearer."""
    section_s = float(context["section_s"][1]) - float(context["section_s"][0])
    clip_s = number(context.get("clip_s"))
    if duration_s is None or clip_s is None:
        return UNSAID
    return "section" if abs(duration_s - section_s) < abs(duration_s - clip_s) else "all"
