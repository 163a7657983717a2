"""What the simulated AceData makes: real audio from the clip that was uploaded, and what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sendreturn.audio.buffer import Audio
from sendreturn.testing.simulator import Simulator, Song, Task

from sendreturn_bridges.suno.simulated import PICTURE, with_source
from sendreturn_bridges.suno.stems import TWELVE, TWO

TITLES = {name: name.replace("_", " ").title() for name in TWELVE} | {"fx": "FX"}
BACKED = frozenset({"underpainting", "overpainting"})
COVERED = frozenset({"cover", "upload_cover", "variation", "swap_vocals", "swap_instrumentals"})


class Studio:
    """Makes a task's songs.

    Args:
        simulator: Whose library and switches are used.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._maker = simulator.maker

    async def songs(self, task: Task, count: int) -> list[Song]:
        """The songs of an action that makes songs."""
        return [await self._song(task, seed) for seed in range(count)]

    async def stems(self, task: Task, names: tuple[str, ...], sets: int) -> list[Song]:
        """Sets of stems, one after the other."""
        source = self._source(task)
        parts = await self._maker.stems(await self._simulator.read_song(source), names)
        title, made = source.title or "Song", []
        for _ in range(sets):
            for name in names:
                label = f"{title} - {name.title()}" if names == TWO else f"{title} ({TITLES[name]})"
                model = "" if names == TWO else "chirp-ahi-stem-12-t1"
                facts = {"model": model, "lyric": ""}
                made.append(await self._keep(parts[name], task, label, facts))
        return made

    # One song

    async def _song(self, task: Task, seed: int) -> Song:
        asked = task.request
        audio = await self._audio(task.kind, asked, seed)
        title = str(asked.get("title") or "")
        facts: dict[str, Any] = {"lyric": _lyric(asked), "style": asked.get("style") or "", "model": asked.get("model")}
        if task.kind == "remaster":
            title = f"{self._source(task).title or 'Song'} (Remastered)"
        history = self._history(task, audio)
        return await self._keep(audio, task, title, {**facts, **({"concat_history": history} if history else {})})

    async def _audio(self, action: str, asked: Mapping[str, Any], seed: int) -> Audio:
        if action == "mashup":
            first, second = [await self._read(one) for one in asked["mashup_audio_ids"]]
            return await self._maker.mashup(first, second)
        if action in ("generate", "inspo") or action.startswith("artist_consistency"):
            return await self._maker.song(float(self._simulator.switches["song_s"]) + seed, seed)
        clip = await self._read(asked["audio_id"])
        if action in COVERED:
            return await self._maker.cover(clip, style=str(asked.get("style") or asked.get("prompt") or ""), seed=seed)
        if action in BACKED:
            return await self._maker.add_backing(clip, style=str(asked.get("style") or ""), seed=seed)
        return await self._reworked(action, asked, clip, seed)

    async def _reworked(self, action: str, asked: Mapping[str, Any], clip: Audio, seed: int) -> Audio:
        if action in ("extend", "upload_extend"):
            return await self._extended(asked, clip, seed)
        if action == "replace_section":
            section_s = (float(asked["replace_section_start"]), min(asked["replace_section_end"], clip.duration_s))
            whole = self._simulator.switches["replace_section"] != "fragments"
            return await self._maker.inpaint(clip, section_s=section_s, seed=seed, whole=whole)
        if action == "samples":
            slice_ = clip.cut(float(asked.get("samples_start") or 0), float(asked["samples_end"]))
            return await self._maker.extend(slice_, extend_s=float(self._simulator.switches["song_s"]), seed=seed)
        if action == "concat":
            return await with_source(self._simulator, self._simulator.songs[asked["audio_id"]], clip)
        return await self._maker.remaster(clip, seed=seed)

    async def _extended(self, asked: Mapping[str, Any], clip: Audio, seed: int) -> Audio:
        from_s = min(float(asked["continue_at"]), clip.duration_s)
        switches = self._simulator.switches
        whole = switches["extend_returns"] == "all"
        return await self._maker.extend(
            clip, extend_s=float(switches["extend_s"]), from_s=from_s, seed=seed, whole=whole
        )

    # Library

    async def _keep(self, audio: Audio, task: Task, title: str, facts: Mapping[str, Any]) -> Song:
        picture = await self._simulator.add_file(PICTURE, "image.jpeg")
        more = {**facts, "picture": picture, "continue_at": task.request.get("continue_at")}
        source_id = str(task.request.get("audio_id") or "")
        return await self._simulator.add_song(
            audio, kind=task.kind, title=title, task_id=task.id, source_id=source_id, facts=more
        )

    async def _read(self, song_id: str) -> Audio:
        return await self._simulator.read_song(self._simulator.songs[song_id])

    def _source(self, task: Task) -> Song:
        return self._simulator.songs[task.request["audio_id"]]

    def _history(self, task: Task, audio: Audio) -> list[dict[str, Any]]:
        asked = task.request
        source = str(asked.get("audio_id") or "")
        if task.kind == "concat":
            last = self._simulator.songs[source]
            return [{"id": last.source_id, "continue_at": last.facts.get("continue_at"), "type": "gen"}, {"id": source}]
        if task.kind == "replace_section" and self._simulator.switches["replace_section"] == "one":
            start_s, end_s = asked["replace_section_start"], asked["replace_section_end"]
            return [{"id": source, "infill": True, "infill_start_s": start_s, "infill_end_s": end_s}, {"id": task.id}]
        return []


def _lyric(asked: Mapping[str, Any]) -> str:
    if asked.get("instrumental"):
        return ""
    topic = asked.get("lyric_prompt") or asked.get("prompt")
    return str(asked.get("lyric") or (f"[Verse]\nA song about {topic}\n" if topic else ""))
