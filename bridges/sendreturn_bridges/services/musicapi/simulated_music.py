"""What the simulated MusicAPI makes: real audio from the clip that was taken, and what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sendreturn.audio.buffer import Audio
from sendreturn.testing.simulator import Simulator, Song, Task

from sendreturn_bridges.suno.simulated import PICTURE, with_source
from sendreturn_bridges.suno.stems import BY_COUNT

SONG_S = 12.0
EXTENDING = frozenset({"extend_music", "extend_upload_music", "upload-extend"})
COVERING = frozenset({"cover_music", "cover_upload_music", "upload-cover"})
REPLACING = frozenset({"replace-section", "replace_music"})


class Studio:
    """Makes a task's songs.

    Args:
        simulator: Whose library and switches are used.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._maker = simulator.maker

    async def songs(self, task: Task, count: int) -> list[dict[str, Song]]:
        """The songs of a task, each as what its clip, or the two of its pair, shows."""
        return [await self._made(task, seed) for seed in range(count)]

    async def stems(self, task: Task, count: int) -> list[dict[str, Song]]:
        source = self._songs(task)[0]
        names = BY_COUNT[count]
        parts = await self._maker.stems(await self._simulator.read_song(source), names)
        made = []
        for number in range(count):
            name = names[number % len(names)]
            made.append({"clip": await self._keep(parts[name], task, source.title or "Song", {"stem": name})})
        return made

    async def _made(self, task: Task, seed: int) -> dict[str, Song]:
        asked = task.request
        title = str(asked.get("title") or "")
        if task.kind in EXTENDING | REPLACING and asked.get("auto_concat"):
            part = "extended" if task.kind in EXTENDING else "replaced"
            both = {part: False, "full": True}
        else:
            both = {"clip": self._simulator.switches["section" if task.kind in REPLACING else "extension"] == "full"}
        return {
            name: await self._keep(await self._audio(task, seed, whole=whole), task, title, {})
            for name, whole in both.items()
        }

    async def _audio(self, task: Task, seed: int, *, whole: bool) -> Audio:
        kind, asked = task.kind, task.request
        sources = [await self._simulator.read_song(song) for song in self._songs(task)]
        if not sources:
            return await self._maker.song(SONG_S + seed, seed)
        clip = sources[0]
        style = str(asked.get("tags") or asked.get("sound") or asked.get("gpt_description_prompt") or "")
        if kind in EXTENDING:
            from_s = min(float(asked["continue_at"]), clip.duration_s)
            extend_s = float(self._simulator.switches["extend_s"])
            return await self._maker.extend(clip, extend_s=extend_s, from_s=from_s, seed=seed, whole=whole)
        if kind in REPLACING:
            section_s = (float(asked["infill_start_s"]), min(float(asked["infill_end_s"]), clip.duration_s))
            return await self._maker.inpaint(clip, section_s=section_s, seed=seed, whole=whole)
        if kind in COVERING:
            return await self._maker.cover(clip, style=style, seed=seed)
        if kind in ("add_vocals", "add_instrumental"):
            return await self._maker.add_backing(clip, style=style, seed=seed)
        return await self._other(task, sources, seed)

    async def _other(self, task: Task, sources: list[Audio], seed: int) -> Audio:
        kind, asked, clip = task.kind, task.request, sources[0]
        if kind == "mashup":
            return await self._maker.mashup(clip, sources[1])
        if kind == "sample":
            part = clip.cut(float(asked["chop_sample_start_s"]), float(asked["chop_sample_end_s"]))
            return await self._maker.extend(part, extend_s=SONG_S, seed=seed)
        if kind == "concat_music":
            return await with_source(self._simulator, self._songs(task)[0], clip)
        return await self._maker.remaster(clip, seed=seed)

    # Library

    def _songs(self, task: Task) -> list[Song]:
        """What the task works on."""
        return [self._simulator.songs[one] for one in source_ids(task.request)]

    async def _keep(self, audio: Audio, task: Task, title: str, facts: Mapping[str, Any]) -> Song:
        picture = await self._simulator.add_file(PICTURE, "image.jpeg")
        more = {**facts, "picture": picture, "continue_at": task.request.get("continue_at")}
        source_id = next(iter(source_ids(task.request)), "")
        return await self._simulator.add_song(
            audio, kind=task.kind, title=title, task_id=task.id, source_id=source_id, facts=more
        )


def source_ids(asked: Mapping[str, Any]) -> list[str]:
    """The songs that a request names; `taken` is the clip that was taken from its address."""
    if asked.get("mashup_clip_ids"):
        return [str(one) for one in asked["mashup_clip_ids"]]
    names = ("taken", "continue_clip_id", "clip_id", "sample_clip_id")
    return [str(asked[name]) for name in names if asked.get(name)][:1]


def lyrics_of(asked: Mapping[str, Any]) -> str:
    if asked.get("make_instrumental"):
        return "[Instrumental]"
    topic = asked.get("gpt_description_prompt") or (asked.get("prompt") if asked.get("auto_lyrics") else None)
    words = asked.get("prompt") or asked.get("lyrics")
    return f"[Verse]\nA song about {topic}" if topic else str(words or "[Instrumental]")
