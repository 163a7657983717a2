"""Places what comes back as far as AbletonOSC goes: notes on new MIDI tracks. Audio it cannot import; Live's status bar
then names the folder.

It answers to no command, so that each is followed by a question that shows whether it was done.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendreturn.daws.notes import read_notes
from sendreturn.errors import SendReturnError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendreturn.daws.contract import PlacedFile, Placement
    from sendreturn.daws.notes import PlayedNote

    from sendreturn_bridges.daws.abletonosc.client import Conversation

NOTES_AT_ONCE = 50
"""A packet of some 1500 bytes."""
SHORTEST_BEATS = 1 / 128
LOOKS = 5
LOOK_S = 0.1


@dataclass(frozen=True)
class Home:
    """Where a send came from, by which its set is known again."""

    track: str
    scene: int
    path: str
    tempo: float


async def is_open(live: Conversation, home: Home) -> bool:
    """Whether the set that asked is open: the clip still lies in its slot."""
    names = await live.ask("/live/song/get/track_names")
    for index, name in enumerate(names):
        if name == home.track:
            (has_clip,) = await live.ask("/live/clip_slot/get/has_clip", index, home.scene)
            if has_clip and (await live.ask("/live/clip/get/file_path", index, home.scene))[0] == home.path:
                return True
    return False


async def place(live: Conversation, placement: Placement, home: Home) -> None:
    """Lay the notes on tracks of their own, and say where the rest lies.

    Raises:
        LiveError: Live could not do it.
        NotNow: nothing answers any more.
    """
    left = [file for file in placement.files if file.kind != "midi" or not await _notes(live, file, home)]
    live.say("/live/api/show_message", sentence(placement, left))


def sentence(placement: Placement, left: Sequence[PlacedFile]) -> str:
    """What is told in Live of a send of which these files are still to be placed."""
    if not left:
        return f"sendreturn: {placement.title} is placed"
    files = "1 file" if len(left) == 1 else f"{len(left)} files"
    return f"sendreturn: {placement.title}: {files} to drag into the set lie in {left[0].path.parent}"


async def _notes(live: Conversation, file: PlacedFile, home: Home) -> bool:
    try:
        played = await asyncio.to_thread(read_notes, file.path)
    except SendReturnError:
        return False
    track = await _new_track(live)
    if track is None:
        return False
    per_s = home.tempo / 60
    live.say("/live/track/set/name", track, file.name)
    live.say("/live/track/set/color", track, int(file.color[1:], 16))
    live.say("/live/clip_slot/create_clip", track, home.scene, max(played.length_s * per_s, 1.0))
    await live.ask("/live/clip/get/length", track, home.scene)
    live.say("/live/clip/set/name", track, home.scene, file.name)
    for first in range(0, len(played.notes), NOTES_AT_ONCE):
        part = played.notes[first : first + NOTES_AT_ONCE]
        live.say("/live/clip/add/notes", track, home.scene, *_row(part, per_s))
        await live.ask("/live/clip/get/length", track, home.scene)  # Live keeps pace
    return True


async def _new_track(live: Conversation) -> int | None:
    """Its index; None where Live has made none."""
    (before,) = await live.ask("/live/song/get/num_tracks")
    live.say("/live/song/create_midi_track", -1)
    for _ in range(LOOKS):
        (now,) = await live.ask("/live/song/get/num_tracks")
        if now > before:
            return int(before)
        await asyncio.sleep(LOOK_S)
    return None


def _row(notes: tuple[PlayedNote, ...], per_s: float) -> Iterator[float | int | bool]:
    for note in notes:
        yield note.pitch
        yield note.start_s * per_s
        yield max((note.end_s - note.start_s) * per_s, SHORTEST_BEATS)
        yield note.velocity
        yield False
