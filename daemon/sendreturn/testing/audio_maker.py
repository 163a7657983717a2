"""Real audio for simulators, made from the clip that was uploaded by the signal processing of the `local` service.

Everything is made in threads and kept by the content it was made from, so that asking again costs nothing. What music
services do to audio on its way (codecs, other rates and levels, a late start) is put on afterwards by `encode`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from sendreturn.audio.buffer import Audio
from sendreturn.audio.notes import Meter, NoteTrack
from sendreturn.testing import sounds
from sendreturn.testing.encoding import Encoded, Traits, encode

__all__ = ["AudioMaker", "Encoded", "Traits"]

T = TypeVar("T")
MOST_KEPT = 64
_kept: OrderedDict[tuple[object, ...], object] = OrderedDict()
"""Shared by all simulators of a process, the newest last."""


class AudioMaker:
    """Makes what music services make. All methods give audio at the rate and with the channels of what they are given.

    `seed` tells takes apart: another one gives other music.
    """

    async def read(self, path: Path) -> Audio:
        """The clip in a file. Raises ClipError where it cannot be decoded."""
        from sendreturn.audio.decode import read_audio

        return await asyncio.to_thread(read_audio, path)

    async def extend(
        self,
        clip: Audio,
        *,
        extend_s: float,
        side: str = "right",
        from_s: float | None = None,
        crop_s: float = 0.0,
        seed: int = 0,
        whole: bool = True,
    ) -> Audio:
        """The clip with new audio after it (or before it: `left`); without `whole` the new audio alone.

        Args:
            from_s: Where in the clip the continuation starts; the clip is left out from there on. Right only.
            crop_s: How much of the clip is left out first, at the side that is continued.
        """
        return await _kept_or(
            ("extend", _digest(clip), extend_s, side, from_s, crop_s, seed, whole),
            lambda: sounds.extended(clip, extend_s, side, from_s, crop_s, seed, whole),
        )

    async def inpaint(self, clip: Audio, *, section_s: tuple[float, float], seed: int = 0, whole: bool = True) -> Audio:
        """The clip with a section replaced; without `whole` the section alone."""
        made = await _kept_or(
            ("inpaint", _digest(clip), section_s, seed), lambda: sounds.inpainted(clip, section_s, seed)
        )
        return made if whole else made.cut(*section_s)

    async def cover(self, clip: Audio, *, style: str = "", seed: int = 0) -> Audio:
        """The notes of the clip in another sound, in stereo."""
        notes = await self.notes(clip)
        return await _kept_or(("cover", _digest(clip), style, seed), lambda: sounds.covered(clip, notes, style, seed))

    async def remaster(self, clip: Audio, *, seed: int = 0) -> Audio:
        """The clip, louder and with more treble."""
        return await _kept_or(("remaster", _digest(clip), seed), lambda: sounds.remastered(clip, seed))

    async def add_backing(self, clip: Audio, *, style: str = "", seed: int = 0) -> Audio:
        """The clip with its notes played under it in another sound: for added accompaniments and added vocals."""
        other = await self.cover(clip, style=style, seed=seed)
        return await asyncio.to_thread(sounds.together, clip, other)

    async def concat(self, *parts: Audio) -> Audio:
        """One after the other, at the rate and with the channels of the first."""
        return await asyncio.to_thread(sounds.in_a_row, parts)

    async def mashup(self, first: Audio, second: Audio) -> Audio:
        """Both at the same time."""
        return await asyncio.to_thread(sounds.together, first, second)

    async def stems(self, clip: Audio, names: Sequence[str]) -> dict[str, Audio]:
        """One part for each name; their sum is the clip."""
        return await _kept_or(("stems", _digest(clip), *names), lambda: sounds.split(clip, names))

    async def notes(self, clip: Audio) -> tuple[NoteTrack, ...]:
        """The notes that are heard in the clip; at least one."""
        return await _kept_or(("notes", _digest(clip)), lambda: sounds.heard(clip, Meter()))

    async def song(self, seconds: float, seed: int = 0) -> Audio:
        """Music for an operation without a clip: stereo, 48 kHz."""
        return await _kept_or(("song", seconds, seed), lambda: sounds.song(seconds, seed))

    async def encode(self, audio: Audio, traits: Traits) -> Encoded:
        """The audio as the service gives it out.

        Raises:
            SendReturnError: m4a is wanted, and there is no ffmpeg.
        """
        return await _kept_or(("encode", _digest(audio), traits), lambda: encode(audio, traits))


def traits_of(switches: Mapping[str, object], codec: str | None = None) -> Traits:
    """What the switches say of the audio that comes back; `codec` where the request chose one."""
    return Traits(
        codec=codec or str(switches["codec"]),
        rate_hz=int(str(switches["media_rate_hz"])),
        delay_s=float(str(switches["delay_ms"])) / 1000,
        gain_db=float(str(switches["gain_db"])),
    )


async def _kept_or(key: tuple[object, ...], make: Callable[[], T]) -> T:
    """What was made for `key` before, or what `make` makes now in a thread."""
    if key not in _kept:
        made = await asyncio.to_thread(make)
        _kept[key] = made
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
        return made
    _kept.move_to_end(key)
    return _kept[key]  # type: ignore[return-value]


def _digest(audio: Audio) -> str:
    content = hashlib.sha256(str((audio.rate_hz, audio.samples.shape)).encode())
    content.update(audio.samples.tobytes())
    return content.hexdigest()
