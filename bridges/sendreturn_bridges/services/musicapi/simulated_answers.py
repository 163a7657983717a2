"""The answers of the simulated MusicAPI: what a task shows while it goes on and when it has ended, and its webhooks."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from sendreturn.testing.simulator import Simulator, Song, Task

from sendreturn_bridges.services.musicapi.simulated_music import lyrics_of
from sendreturn_bridges.services.musicapi.webhooks import signature

STREAM = "https://audiopipe.suno.ai/?item_id={}"


def good(told: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope of what went well."""
    return {"code": 200, "message": "success", **told}


class Answers:
    """Writes a task's answers.

    Args:
        simulator: Whose switches and addresses are used.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def call(self, task: Task, event: str, data: Any) -> None:
        url, secret = task.request.get("webhook_url"), task.request.get("webhook_secret")
        if not url:
            return
        platform = task.facts.get("api", "sonic")
        told = {"code": 500 if event == "song.failed" else 200, "message": "success", "task_id": task.id}
        body = json.dumps({**told, "data": data, "platform": platform, "event": event}).encode()
        stamp, event_id = str(int(time.time())), f"{task.id}-{event}"
        headers = {"X-Webhook-Id": event_id, "Idempotency-Key": event_id, "X-Webhook-Event": event}
        headers["X-Webhook-Timestamp"] = stamp
        if secret:
            headers["X-Webhook-Signature"] = signature(str(secret), stamp, body)
        self._simulator.call_back(str(url), body, headers)

    def previews(self, task: Task, state: str) -> list[dict[str, Any]]:
        told = {"state": state, "title": "", "tags": "", "lyrics": "", "video_url": None, "duration": None}
        clips = [{"clip_id": f"{task.id}-{n}", **told} for n in range(2)]
        for clip in clips:
            clip["audio_url"] = STREAM.format(clip["clip_id"]) if state == "running" else None
        if task.request.get("auto_concat"):
            return [{"extended": clip, "full": None} for clip in clips]
        return clips

    def final(self, task: Task) -> dict[str, Any]:
        if task.outcome:
            failed = {"clip_id": "", "state": "failed", "audio_url": None, "error_message": task.outcome}
            return good({"data": [{**failed, "clip_id": f"{task.id}-{n}"} for n in range(2)]})
        if isinstance(task.result, Mapping):
            return good({"data": dict(task.result)})
        clips = [self._entry(task, made) for made in task.result]
        if self._simulator.switches["one_fails"] and len(clips) == 2:
            clips[1] = {**clips[1], "state": "failed", "audio_url": None, "error_message": "Generation failed."}
        if task.facts.get("api") == "producer" and self._simulator.switches["producer_shape"] == "status":
            clip = {name: value for name, value in clips[0].items() if name != "state"}
            return {**clip, "status": "SUCCESS", "id": clips[0]["clip_id"]}
        return good({"data": clips})

    def _entry(self, task: Task, made: Mapping[str, Song]) -> dict[str, Any]:
        if "clip" in made:
            return self._clip(task, made["clip"])
        return {name: self._clip(task, song) for name, song in made.items()}

    def _clip(self, task: Task, song: Song) -> dict[str, Any]:
        asked = task.request
        told = {
            "clip_id": song.id,
            "state": "succeeded",
            "title": song.title,
            "tags": asked.get("tags") or "",
            "lyrics": lyrics_of(asked),
            "image_url": self._simulator.address_of(song.facts["picture"]),
            "audio_url": self._simulator.address_of(song),
            "video_url": None,
            "created_at": "2026-09-01T10:00:00.000Z",
            "mv": self._echo(str(asked.get("mv") or "")),
            "gpt_description_prompt": asked.get("gpt_description_prompt"),
            "duration": f"{song.duration_s:.2f}" if self._simulator.switches["duration"] == "text" else song.duration_s,
        }
        return {**told, **self._stem(song)} if "stem" in song.facts else told

    def _stem(self, song: Song) -> dict[str, Any]:
        label = str(song.facts["stem"]).replace("_", " ").title()
        names = {"type": {"stem_type": label}, "title": {"title": f"{song.title} - {label}"}}
        return names.get(str(self._simulator.switches["stem_names"]), {})

    def _echo(self, model: str) -> str:
        told = {"chirp": model.replace("sonic", "chirp"), "v6": "sonic-v6"}
        return told.get(str(self._simulator.switches["mv_echo"]), model)
