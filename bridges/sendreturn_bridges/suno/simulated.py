"""What simulators of services that front Suno's models make alike: notes and words in JSON, joined songs, a picture."""

from __future__ import annotations

import base64
from typing import Any

from sendreturn.audio.buffer import Audio
from sendreturn.testing.simulator import Simulator, Song

PICTURE = base64.b64decode(
    "/9j/4AAQSkZJRgABAgAAAQABAAD//gAQTGF2YzU5LjM3LjEwMAD/2wBDAAg+Pkk+SVVVVVVVVWRdZGhoaGRkZGRoaGhwcHCDg4NwcHBoaHBwfHyD"
    "g4+Tj4eHg4eTk5ubm7q6srLZ2eD/////xABKAAEAAAAAAAAAAAAAAAAAAAAAAQEAAAAAAAAAAAAAAAAAAAAAEAEAAAAAAAAAAAAAAAAAAAAAEQEAAAAA"
    "AAAAAAAAAAAAAAAA/8AAEQgACAAIAwEiAAIRAAMRAP/aAAwDAQACEQMRAD8AAA//2Q=="
)
"""A grey JPEG of 8 by 8 pixels."""
WORDS = "[Verse]\nOh yes\nOh no"


async def instrument_rows(simulator: Simulator, song: Song) -> list[dict[str, Any]]:
    """The notes of a song as `instruments` tells them, with velocities from 0 to 1."""
    tracks = await simulator.maker.notes(await simulator.read_song(song))
    return [
        {
            "name": track.name,
            "notes": [
                {"pitch": n.pitch, "start": n.start_s, "end": n.end_s, "velocity": n.velocity / 127}
                for n in track.notes
            ],
        }
        for track in tracks
    ]


def word_rows(lyric: str, duration_s: float) -> list[dict[str, Any]]:
    """Words at an even pace; they keep the spaces, line ends and section tags around them."""
    words = lyric.replace("\n", "\n ").split(" ")
    step_s = duration_s / (len(words) + 1)
    return [
        {"word": f"{word} ", "success": True, "start_s": n * step_s, "end_s": (n + 1) * step_s, "p_align": 0.9}
        for n, word in enumerate(words)
    ]


async def with_source(simulator: Simulator, last: Song, tail: Audio) -> Audio:
    """A continuation joined with what it continues, as far as that is known."""
    source = simulator.songs.get(last.source_id)
    if source is None:
        return tail
    head = await simulator.read_song(source)
    return await simulator.maker.concat(head.cut(0.0, float(last.facts.get("continue_at") or source.duration_s)), tail)
