"""What the simulated AceData makes of songs: files, notes, timed words, voices; and texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sendreturn.errors import SendReturnError
from sendreturn.testing.simulator import Simulator, Song

from sendreturn_bridges.suno.simulated import WORDS, instrument_rows, word_rows
from sendreturn_bridges.suno.stems import TWO

VIDEO = bytes.fromhex("0000001c667479706d703432000000006d70343269736f6d61766331")


class Helpers:
    """The helpers' answers by the last part of their paths. A `file` in an answer stands for its address.

    Args:
        simulator: Whose library and switches are used.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def help(self, name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        return await _HELPERS[name](self, asked)

    def _song(self, asked: Mapping[str, Any]) -> Song:
        return self._simulator.songs[asked["audio_id"]]

    async def _upload(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        song = self._simulator.songs[asked["clip"]]
        return {"audio_id": song.id, "lyric": "", "style": "", "title": song.title, "duration": song.duration_s}

    async def _wav(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return {"file": await self._wav_of(self._song(asked))}

    async def _mp3(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return {"file": self._song(asked)}

    async def _mp4(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return {"file": await self._simulator.add_file(VIDEO, f"{asked['audio_id']}.mp4")}

    async def _midi(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        empty = self._simulator.switches["midi_empty"]
        made = [] if empty else await instrument_rows(self._simulator, self._song(asked))
        return {"state": "complete", "instruments": made}

    async def _timing(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        song = self._song(asked)
        timed = word_rows(str(song.facts.get("lyric") or WORDS), song.duration_s)
        return {"aligned_words": timed, "waveform_data": [0.1, 0.2], "hoot_cer": 0.1, "is_streamed": False}

    async def _vox(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        start_s, end_s = float(asked["vocal_start"]), float(asked["vocal_end"])
        voice = await self._voice_of(self._song(asked), start_s, end_s)
        told = {"id": voice.id, "source_clip_id": asked["audio_id"], "status": "complete"}
        return {**told, "vocal_start_s": start_s, "vocal_end_s": end_s, "file": voice}

    async def _persona(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return {"persona_id": self._simulator.new_id(), "name": asked["name"]}

    async def _voice(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return {"persona_id": self._simulator.new_id(), "name": asked.get("name") or "VOICE_1", "is_public": False}

    async def _lyrics(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        words = asked.get("prompt") or f"{asked.get('lyrics_a')}\n{asked.get('lyrics_b')}"
        return {"text": f"[Verse]\nA song about {words}", "title": "A Song", "status": "complete"}

    async def _style(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return {"upsampled_tags": f"{asked['prompt']}, warm, detailed, wide"}

    async def _wav_of(self, source: Song) -> Song:
        return await self._simulator.add_song(await self._simulator.read_song(source), kind="wav", codec="wav")

    async def _voice_of(self, source: Song, start_s: float, end_s: float) -> Song:
        """The vocals of a part, in M4A where this machine can write it."""
        audio = (await self._simulator.read_song(source)).cut(start_s, end_s)
        vocals = (await self._simulator.maker.stems(audio, TWO))["vocals"]
        try:
            return await self._simulator.add_song(vocals, kind="vocals", codec="m4a")
        except SendReturnError:
            return await self._simulator.add_song(vocals, kind="vocals", codec="mp3")


_HELPERS = {
    "upload": Helpers._upload,
    "wav": Helpers._wav,
    "mp3": Helpers._mp3,
    "mp4": Helpers._mp4,
    "videos": Helpers._mp4,
    "midi": Helpers._midi,
    "timing": Helpers._timing,
    "vox": Helpers._vox,
    "persona": Helpers._persona,
    "voices": Helpers._voice,
    "lyrics": Helpers._lyrics,
    "mashup-lyrics": Helpers._lyrics,
    "style": Helpers._style,
}
