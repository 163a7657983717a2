"""What the simulated Suno API makes: real audio from the clip that was uploaded, and what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sendreturn.audio.buffer import Audio
from sendreturn.audio.notes import NoteTrack
from sendreturn.testing.simulator import MediaFile, Simulator, Song, Task

from sendreturn_bridges.services.sunoapi.stem_names import FIELDS
from sendreturn_bridges.suno.simulated import PICTURE

VIDEO = bytes.fromhex("0000001866747970697336d0000000016973366d6d703432")
WORDS = "[Verse]\nHear the river run\nunder the morning sun"
TWELVE = tuple(name for name in FIELDS if name != "instrumentalUrl")
TWO = ("vocalUrl", "instrumentalUrl")
SOUND_S = 4.0


class Studio:
    """Makes what a task is for.

    Args:
        simulator: Whose library and switches are used.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._maker = simulator.maker

    async def songs(self, task: Task) -> list[Song]:
        """The two songs of every task that makes songs."""
        return [await self._song(task, seed) for seed in range(2)]

    async def stems(self, task: Task) -> dict[str, Song]:
        """Stems by the service's names for them."""
        source = self._simulator.songs[task.facts["source"]]
        names = {"separate_vocal": TWO, "split_stem": TWELVE}.get(str(task.request.get("type")), TWO)
        parts = await self._maker.stems(await self._simulator.read_song(source), [FIELDS[name] for name in names])
        return {name: await self._simulator.add_song(parts[FIELDS[name]], kind=FIELDS[name]) for name in names}

    async def notes(self, task: Task) -> tuple[NoteTrack, ...]:
        return await self._maker.notes(await self._read(task.facts["source"]))

    async def wav(self, task: Task) -> Song:
        audio = await self._read(task.facts["source"])
        return await self._simulator.add_song(audio, kind="wav", codec="wav")

    async def pictures(self, count: int) -> list[MediaFile]:
        return [await self._simulator.add_file(PICTURE, f"cover-{number}.jpeg") for number in range(count)]

    async def video(self) -> MediaFile:
        return await self._simulator.add_file(VIDEO, "video.mp4")

    async def _song(self, task: Task, seed: int) -> Song:
        asked = task.request
        (picture,) = await self.pictures(1)
        facts = {
            "prompt": words_of(task.kind, asked),
            "tags": asked.get("style") or asked.get("tags") or "",
            "model": str(asked.get("model") or "V4_5"),
            "picture": picture,
        }
        audio = await self._audio(task, seed)
        title = str(asked.get("title") or "Song")
        return await self._simulator.add_song(audio, kind=task.kind, title=title, task_id=task.id, facts=facts)

    async def _audio(self, task: Task, seed: int) -> Audio:
        asked, kind = task.request, task.kind
        style = str(asked.get("style") or asked.get("tags") or asked.get("prompt") or "")
        if kind == "generate":
            seconds = float(asked.get("duration") or self._simulator.switches["song_s"])
            return await self._maker.song(seconds + seed, seed)
        if kind == "sounds":
            return await self._maker.song(SOUND_S, seed)
        clip = await self._read(task.facts["source"])
        if kind == "upload_cover":
            return await self._maker.cover(clip, style=style, seed=seed)
        if kind == "mashup":
            return await self._maker.mashup(clip, await self._read(task.facts["second"]))
        if kind == "replace_section":
            section_s = (float(asked["infillStartS"]), min(float(asked["infillEndS"]), clip.duration_s))
            return await self._maker.inpaint(clip, section_s=section_s, seed=seed)
        if kind in ("add_vocals", "add_instrumental"):
            return await self._maker.add_backing(clip, style=style, seed=seed)
        return await self._extended(asked, clip, seed)

    async def _extended(self, asked: Mapping[str, Any], clip: Audio, seed: int) -> Audio:
        switches = self._simulator.switches
        from_s = min(float(asked.get("continueAt") or clip.duration_s), clip.duration_s)
        whole = switches["extend_returns"] == "all"
        # Shorter than what it continues, so that its length tells that it came without.
        extend_s = float(switches["extend_s"]) or (20.0 if whole else max(from_s * 0.8, 1.0))
        return await self._maker.extend(clip, extend_s=extend_s, from_s=from_s, seed=seed, whole=whole)

    async def _read(self, song_id: str) -> Audio:
        return await self._simulator.read_song(self._simulator.songs[song_id])


def words_of(kind: str, asked: Mapping[str, Any]) -> str:
    """The words of a song: those that were asked for, or some, or none for an instrumental."""
    if asked.get("instrumental") or kind in ("sounds", "add_instrumental"):
        return ""
    is_exact = asked.get("customMode") or asked.get("defaultParamFlag") or kind == "add_vocals"
    return str(asked.get("prompt") or WORDS) if is_exact else WORDS
