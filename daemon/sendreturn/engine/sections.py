"""Places in the clip that the user should find again in what came back: the join of an extension, a patched section."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sendreturn.audio.cue import Marker
from sendreturn.engine.outputs import Source
from sendreturn.params import Params


@dataclass(frozen=True)
class ClipSection:
    """A named place against the clip, in frames at the clip's own rate; a stretch where the length is above 0."""

    label: str
    start_frame: int
    frames: int = 0


def join_frame(params: Params, source: Source) -> int:
    """The frame of the clip at which an extension joins it."""
    if params.from_s is None:
        return 0 if params.side == "left" else source.frames
    return min(round(params.from_s * source.sample_rate_hz), source.frames)


def sections_of(operation: str, params: Params, source: Source | None) -> tuple[ClipSection, ...]:
    """The places of a send; none where what came back has none that is known."""
    if source is None:
        return ()
    if operation == "extend":
        return (ClipSection("join", join_frame(params, source)),)
    if operation == "inpaint" and params.section_s is not None:
        start, end = (min(round(edge_s * source.sample_rate_hz), source.frames) for edge_s in params.section_s)
        return (ClipSection("inpainted section", start, max(end - start, 0)),)
    return ()


def markers_in(
    sections: Iterable[ClipSection], clip_rate_hz: int, start_frame: int, rate_hz: int, frames: int
) -> tuple[Marker, ...]:
    """The sections as markers of a file of `frames` frames at `rate_hz`, which starts at the clip's `start_frame`.

    One that is not inside the file is left out, and so is a mere place at its very start or end.
    """

    def scaled(frame: int) -> int:
        return round(frame * rate_hz / clip_rate_hz)

    found = []
    for section in sections:
        at = scaled(section.start_frame - start_frame)
        length = min(scaled(section.frames), frames - at)
        if 0 < at < frames or (at == 0 and length > 0):
            found.append(Marker(at, section.label, max(length, 0)))
    return tuple(found)
