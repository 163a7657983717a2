"""What the simulated MusicAPI makes of songs: files, notes, timed words, voices; and texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sendreturn.testing.simulator import Simulator, Song

from sendreturn_bridges.suno.simulated import WORDS, instrument_rows, word_rows
from sendreturn_bridges.suno.stems import TWO

EMPTY_MIDI = bytes.fromhex("4d546864000000060000000103c04d54726b0000000400ff2f00")
"""A MIDI file without notes (SMF 1.0, format 0, 960 pulses per quarter note)."""


class Helpers:
    """The helpers' answers by the last part of their paths: what stands in `data`, or in the answer itself.

    Args:
        simulator: Whose library and switches are used.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def help(self, name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        return await _HELPERS[name](self, asked)

    def _song(self, asked: Mapping[str, Any]) -> Song:
        return self._simulator.songs[asked["clip_id"]]

    async def _wav(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        told = {"wav_url": await self._wav_of(asked)}
        return told if self._simulator.switches["wav_reply"] == "top" else {"data": told}

    async def _download(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        song = self._song(asked)
        files = [
            {"format": one, "url": await self._wav_of(asked) if one == "wav" else self._simulator.address_of(song)}
            for one in asked["formats"]
        ]
        return {"data": {"files": files}}

    async def _midi(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        simulator = self._simulator
        made = [] if simulator.switches["midi"] == "file" else await instrument_rows(self._simulator, self._song(asked))
        if simulator.switches["midi"] == "empty":
            return {"data": {"midi_url": "", "instruments": []}}
        file = await simulator.add_file(EMPTY_MIDI, "song.mid")
        return {"data": {"midi_url": simulator.address_of(file), "instruments": made}}

    async def _aligned(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        song = self._song(asked)
        return {"data": {"alignment": word_rows(WORDS, song.duration_s)}}

    async def _bpm(self, _asked: Mapping[str, Any]) -> dict[str, Any]:
        return {"data": {"avg_bpm": 120.0, "max_bpm": 121.0, "min_bpm": 119.0}}

    async def _vox(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        start_s, end_s = float(asked["vocal_start_s"]), float(asked["vocal_end_s"])
        audio = (await self._simulator.read_song(self._song(asked))).cut(start_s, end_s)
        voice = await self._simulator.add_song((await self._simulator.maker.stems(audio, TWO))["vocals"], kind="vox")
        told = {"vox_audio_id": voice.id, "status": "complete", "source_clip_id": asked["clip_id"]}
        told |= {"vocal_start_s": start_s, "vocal_end_s": end_s, "wave_response": {}}
        address = {"audio_url": self._simulator.address_of(voice)} if self._simulator.switches["vox_url"] else {}
        return {"data": {**told, **address}}

    async def _persona(self, _asked: Mapping[str, Any]) -> dict[str, Any]:
        return {"persona_id": self._simulator.new_id()}

    async def _lyrics(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        about = asked["description"]
        return {"results": [{"title": f"Song {n}", "lyrics": f"[Verse]\nA song about {about}"} for n in (1, 2)]}

    async def _tags(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return {"data": {"upsampled_tags": f"{asked['tags']}, warm, detailed, wide"}}

    async def _wav_of(self, asked: Mapping[str, Any]) -> str:
        audio = await self._simulator.read_song(self._song(asked))
        return self._simulator.address_of(await self._simulator.add_song(audio, kind="wav", codec="wav"))


_HELPERS = {
    "wav": Helpers._wav,
    "download": Helpers._download,
    "midi": Helpers._midi,
    "aligned-lyrics": Helpers._aligned,
    "bpm": Helpers._bpm,
    "vox": Helpers._vox,
    "persona": Helpers._persona,
    "lyrics": Helpers._lyrics,
    "upsample-tags": Helpers._tags,
}
