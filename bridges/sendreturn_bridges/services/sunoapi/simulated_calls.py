"""What the simulated Suno API sends to those that it calls back; each kind of task has a form of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sendreturn.testing.simulator import Task

from sendreturn_bridges.services.sunoapi.endpoints import ENDPOINTS
from sendreturn_bridges.services.sunoapi.simulated_shapes import snake

Row = Mapping[str, Any]


def calls(task: Task, problem: str, told: Row, tracks: Sequence[Row]) -> Sequence[dict[str, Any]]:
    """The bodies, in the order in which they are sent.

    Args:
        problem: Why the task failed; empty where it did not.
        told: What its record says: of its files, or for lyrics and notes all of it.
        tracks: Its songs, as they are written here.
    """
    reader = ENDPOINTS[task.kind].reader
    code, msg = (501, problem) if problem else (200, "All generated successfully.")
    if reader == "notes":
        return [{"task_id": task.id, "code": code, "msg": msg, "data": told.get("midiData")}]
    if reader == "recovery":
        return [{"task_id": task.id, "code": code, "msg": msg, "data": []}]
    parts = _songs(task, problem, tracks) if reader == "music" else [_part(task, problem, told)]
    return [{"code": code, "msg": msg, "data": part} for part in parts]


def _songs(task: Task, problem: str, tracks: Sequence[Row]) -> list[dict[str, Any]]:
    if problem:
        return [{"callbackType": "error", "task_id": task.id, "data": None}]
    stages = {"text": [{**row, "audio_url": ""} for row in tracks], "first": tracks[:1], "complete": tracks}
    return [{"callbackType": stage, "task_id": task.id, "data": list(part)} for stage, part in stages.items()]


def _part(task: Task, problem: str, told: Row) -> dict[str, Any]:
    if task.kind == "lyrics":
        rows = (told.get("response") or {}).get("data")
        return {"callbackType": "error" if problem else "complete", "taskId": task.id, "data": rows}
    if task.kind == "separation":
        urls = {snake(name): url for name, url in told.items() if name != "originData" and url}
        return {"task_id": task.id, "vocal_removal_info": {"origin_url": "", **urls} if urls else None}
    if task.kind == "cover_art":
        return {"taskId": task.id, "images": told.get("images")}
    if task.kind == "video":
        return {"task_id": task.id, "video_url": told.get("videoUrl")}
    return {"task_id": task.id, "audioWavUrl": told.get("audioWavUrl")}
