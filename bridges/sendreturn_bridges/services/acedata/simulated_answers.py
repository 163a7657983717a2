"""The answers of the simulated AceData: what a task shows while it goes on, and when it has ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sendreturn.testing.simulator import Simulator, Song, Task

INTERNAL_MODELS = {"chirp-v4": "chirp-v4", "chirp-v4-5": "chirp-auk", "chirp-v3-5": "chirp-v3.5"}
PREVIEW = "https://audiopipe.suno.ai/?item_id={}"


class Answers:
    """Writes a task's answers.

    Args:
        simulator: Whose switches and addresses are used.
        codes: The codes with which the words of a failure may begin.
    """

    def __init__(self, simulator: Simulator, codes: Collection[str]) -> None:
        self._simulator = simulator
        self._codes = codes

    def preview(self, task: Task, state: str) -> dict[str, Any]:
        ids = [f"{task.id}-{n}" for n in range(2)]
        clips = [
            {"id": one, "title": "", "lyric": "", "state": state, "video_url": "", "model": ""}
            | {"audio_url": PREVIEW.format(one) if state == "running" else ""}
            for one in ids
        ]
        return {"success": True, "task_id": task.id, "data": clips}

    def final(self, task: Task) -> dict[str, Any]:
        if task.outcome:
            return self._failure(task)
        result = task.result
        data = self._clips(task, result) if isinstance(result, list) else self._helped(task, result)
        body = {"success": True, "task_id": task.id, "data": data}
        if self._simulator.switches["tells_cost"]:
            body["cost"] = {"amount": task.credits, "currency": "credit", "list_amount": task.credits}
        return body

    def _failure(self, task: Task) -> dict[str, Any]:
        head, _, rest = task.outcome.partition(": ")
        code, message = (head, rest) if head in self._codes else ("api_error", task.outcome)
        shapes = {"text": message, "list": [{"code": code, "message": message}], "null": None}
        error = shapes.get(self._simulator.switches["error_shape"], {"code": code, "message": message})
        return {"success": False, "task_id": task.id, "trace_id": "trace", "error": error, "data": []}

    def _clips(self, task: Task, songs: list[Song]) -> list[dict[str, Any]]:
        clips = [self._clip(song) for song in songs]
        if self._simulator.switches["one_fails"] and len(clips) == 2:
            clips[1] |= {"state": "error", "audio_url": ""}
            del clips[1]["duration"]
        return clips

    def _clip(self, song: Song) -> dict[str, Any]:
        told = {
            "id": song.id,
            "title": song.title,
            "image_url": self._simulator.address_of(song.facts["picture"]),
            "lyric": song.facts.get("lyric") or "",
            "audio_url": self._simulator.address_of(song),
            "video_url": "",
            "created_at": "2026-09-01T10:00:00.000Z",
            "model": self._echo(str(song.facts.get("model") or "")),
            "state": "succeeded",
            "style": song.facts.get("style") or "",
            "duration": song.duration_s,
        }
        history = song.facts.get("concat_history")
        return {**told, "concat_history": history} if history else told

    def _echo(self, model: str) -> str:
        echo = self._simulator.switches["model_echo"]
        return "" if echo == "empty" else INTERNAL_MODELS.get(model, model) if echo == "internal" else model

    def _helped(self, task: Task, result: Mapping[str, Any]) -> Any:
        """The data of a helper; addresses are made anew for every answer."""
        told = dict(result)
        if file := told.pop("file", None):
            listed = not task.kind.endswith(("mp4", "videos", "vox"))
            field = {"mp4": "video_url", "videos": "video_url", "vox": "vocal_audio_url"}
            told[field.get(task.kind.rpartition("/")[2], "file_url")] = self._simulator.address_of(file)
            return [told] if listed else told
        return [told] if task.kind == "/suno/midi" else told
