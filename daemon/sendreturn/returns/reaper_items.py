"""A send's returns as a REAPER track template: dropped into an open project, it adds the tracks in their place.

A project file (`.rpp`) would open as a project of its own, or come in as a single subproject item; a track template is
the same text without the project around it, and what REAPER takes as tracks. The clip that was sent is not among them,
for it lies in that project already. Media are named with their whole path, since a template has no folder of its own
from which REAPER would look for them.

Source: the state chunks of tracks, items and MIDI sources as the Cockos wiki describes them.
"""

from __future__ import annotations

import os
from itertools import groupby
from typing import TYPE_CHECKING

from sendreturn.audio.notes import DRUM_CHANNEL
from sendreturn.returns.arrangement import Part, Sound
from sendreturn.returns.files import write_bytes
from sendreturn.returns.naming import numbered
from sendreturn.words import MIDI_PPQ, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from sendreturn.returns.arrangement import Arrangement, Lane

SUFFIX = ".RTrackTemplate"
_CUSTOM_COLOUR = 0x1000000
_NOTE_ON, _NOTE_OFF, _CONTROL, _ALL_NOTES_OFF = 0x90, 0x80, 0xB0, 0x7B
_SOURCES = {".flac": "FLAC", ".mp3": "MP3", ".ogg": "VORBIS"}


def write_track_template(arrangement: Arrangement, folder: Path, name: str) -> Path:
    """Write the template into `folder` under `name` (with its suffix), or find it there from an earlier try.

    Raises:
        DeliveryError: The disk is full.
        OSError: It cannot be written.
    """
    # A file name that is not valid UTF-8 is written with the bytes that it has on the disk.
    content = track_template(arrangement).encode("utf-8", "surrogateescape")
    for candidate in numbered(name):
        final = folder / candidate
        if final.is_file() and not final.is_symlink() and final.read_bytes() == content:
            return final
        try:
            write_bytes(final, content)
        except FileExistsError:
            continue
        return final
    raise AssertionError("names do not run out")


def track_template(arrangement: Arrangement) -> str:
    """The text of the template: a track for each lane; mixes of one start are takes of one item."""
    returned = [lane for lane in arrangement.lanes if lane.take and lane.end_s > 0]
    mixes = sorted((lane for lane in returned if lane.kind is Kind.MIX), key=lambda lane: lane.start_s)
    tracks = [_track(arrangement, list(group)) for _, group in groupby(mixes, key=lambda lane: lane.start_s)]
    tracks += [_track(arrangement, [lane]) for lane in returned if lane.kind is not Kind.MIX]
    return "".join(f"{line}\n" for track in tracks for line in track)


def _track(arrangement: Arrangement, lanes: Sequence[Lane]) -> Iterator[str]:
    first = lanes[0]
    yield "<TRACK"
    yield f"  NAME {_quoted(f'{arrangement.name} mix' if first.kind is Kind.MIX else first.name)}"
    yield f"  PEAKCOL {_colour(first.colour)}"
    yield f"  MUTESOLO {int(all(lane.muted for lane in lanes))} 0 0"
    yield "  <ITEM"
    yield f"    POSITION {first.clip_start_s:.12f}"
    yield f"    LENGTH {max(lane.end_s for lane in lanes) - first.clip_start_s:.12f}"
    yield "    LOOP 0"
    for index, lane in enumerate(lanes):
        if index:
            yield "    TAKE"
        yield f"    NAME {_quoted(lane.name)}"
        yield from (f"    {line}" for line in _content(arrangement, lane))
    yield "  >"
    yield ">"


def _content(arrangement: Arrangement, lane: Lane) -> Iterator[str]:
    if isinstance(lane.content, Sound):
        yield f"SOFFS {lane.left_off_s:.12f}"
        yield f"<SOURCE {_SOURCES.get(lane.content.path.suffix.lower(), 'WAVE')}"
        yield f"  FILE {_quoted(os.path.abspath(lane.content.path))}"  # noqa: PTH100  links keep the user's names
    else:
        yield "<SOURCE MIDI"
        yield f"  HASDATA 1 {MIDI_PPQ} QN"
        yield from (f"  {line}" for line in _events(arrangement, lane, lane.content))
    yield ">"


def _events(arrangement: Arrangement, lane: Lane, part: Part) -> Iterator[str]:
    """Lines of ticks since the one before and three bytes in hex; the last one marks the end."""
    origin = arrangement.quarters(lane.clip_start_s)

    def tick(at_s: float) -> int:
        return round((arrangement.quarters(lane.start_s + at_s) - origin) * MIDI_PPQ)

    channel = DRUM_CHANNEL if part.track.is_drums else 0
    timed: list[tuple[int, int, int, int]] = []
    for note in part.notes_from(lane.left_off_s):
        start = tick(note.start_s)
        # Sorted, a release comes before the attacks of its tick.
        timed.append((start, _NOTE_ON | channel, note.pitch, note.velocity))
        timed.append((max(tick(note.end_s), start + 1), _NOTE_OFF | channel, note.pitch, 0))
    end = tick(part.duration_s)
    yield from _lines([*sorted(timed), (max(end, 0), _CONTROL | channel, _ALL_NOTES_OFF, 0)])


def _lines(timed: Iterable[tuple[int, int, int, int]]) -> Iterator[str]:
    at = 0
    for tick, status, first, second in timed:
        yield f"E {max(tick - at, 0)} {status:02x} {first:02x} {second:02x}"
        at = max(tick, at)


def _quoted(text: str) -> str:
    """REAPER knows three quotation marks and no way to write one inside its own kind."""
    plain = " ".join(text.splitlines())
    mark = next((mark for mark in "\"'`" if mark not in plain), "`")
    return f"{mark}{plain if mark not in plain else plain.replace(mark, chr(39))}{mark}"


def _colour(colour: str) -> int:
    """A colour of the system's order, red in the lowest byte, which is that of Windows and Linux."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return _CUSTOM_COLOUR | blue << 16 | green << 8 | red
