"""What the simulated Suno API tells of its tasks, with the switches that make it tell it otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sendreturn.testing.simulator import Simulator, Song, Task
from starlette.responses import JSONResponse, Response

from sendreturn_bridges.services.sunoapi.endpoints import ENDPOINTS
from sendreturn_bridges.services.sunoapi.simulated_shapes import (
    REFERENCE_STAGES,
    SEED_STAGES,
    midi_data,
    music_record,
    side_record,
    snaked,
    track,
)
from sendreturn_bridges.services.sunoapi.simulated_studio import TWELVE, TWO, WORDS

FAILED = {"separation": "GENERATE_AUDIO_FAILED", "wav": "GENERATE_WAV_FAILED", "video": "GENERATE_MP4_FAILED"}


class Records:
    """The records of tasks.

    Args:
        simulator: Whose switches and addresses are used.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._switches = simulator.switches

    def told(self, task: Task) -> dict[str, Any]:
        """The `data` of a task's record."""
        tell = _TELLERS.get(ENDPOINTS[task.kind].reader, Records._side)
        return tell(self, task)

    def track(self, song: Song) -> dict[str, Any]:
        """A song in the reference's words."""
        return track(song, self._simulator.address_of(song), self._simulator.address_of(song.facts["picture"]))

    def files(self, task: Task) -> dict[str, Any]:
        """Where the files of a side task lie."""
        if task.kind == "separation":
            return self._stems(task)
        if task.kind == "cover_art":
            return {"images": [self._simulator.address_of(picture) for picture in task.result]}
        return {"audioWavUrl" if task.kind == "wav" else "videoUrl": self._simulator.address_of(task.result)}

    def recovered(self, task: Task) -> Response:
        """The whole answer on a recovery, which has a form of its own."""
        if not task.ended:
            return JSONResponse({"code": 201, "msg": "processing", "data": None})
        if task.outcome or not task.result:
            lost = {
                "id": "",
                "audio_url": None,
                "title": "",
                "status": "failed",
                "error": task.outcome or "feed_failed",
            }
            return JSONResponse({"code": 500, "msg": "failed", "data": [lost]})
        rows = [
            {"id": song.id, "audio_url": self._simulator.address_of(song), "title": song.title, "status": "success"}
            for song in task.result
        ]
        return JSONResponse({"code": 200, "msg": "success", "data": [{**row, "error": None} for row in rows]})

    def _music(self, task: Task) -> dict[str, Any]:
        seed = self._switches["profile"] == "seed"
        status = self._stage(task, SEED_STAGES if seed else REFERENCE_STAGES)
        songs: list[Song] = task.result or []
        tracks = self._tracks(songs)
        if songs and self._switches["callback_exception"]:
            status = "CALLBACK_EXCEPTION"
            if self._switches["callback_exception"] == "late_audio" and not task.facts.get("was_late"):
                task.facts["was_late"], tracks = True, []
        told = music_record(task, status, tracks, message_of(task), seed)
        if told.get("errorCode"):
            told["errorCode"] = self._switches["fail_code"]
        return told

    def _tracks(self, songs: Sequence[Song]) -> list[dict[str, Any]]:
        tracks = [self.track(song) for song in songs]
        if songs and self._switches.count_down("null_urls"):
            return [{**row, "audioUrl": None, "sourceAudioUrl": None, "streamAudioUrl": None} for row in tracks]
        if self._switches["same_file"]:
            same = {name: tracks[0][name] for name in ("audioUrl", "sourceAudioUrl")} if tracks else {}
            tracks = [{**row, **same} for row in tracks]
        return [snaked(row) for row in tracks] if self._switches["snake_tracks"] else tracks

    def _stage(self, task: Task, stages: Sequence[str]) -> str:
        if not task.ended:
            return task.stage(stages)
        if not task.outcome:
            return "SUCCESS"
        is_word = task.outcome.isupper() and " " not in task.outcome
        usual = "FAILED" if self._switches["profile"] == "seed" else "GENERATE_AUDIO_FAILED"
        return task.outcome if is_word else FAILED.get(task.kind, usual)

    def _lyrics(self, task: Task) -> dict[str, Any]:
        status = self._stage(task, ("PENDING",))
        rows = [
            {
                "text": f"{WORDS}\n{task.request['prompt']}",
                "title": f"Song {n}",
                "status": "complete",
                "errorMessage": "",
            }
            for n in (1, 2)
        ]
        response = {"taskId": task.id, "data": rows} if status == "SUCCESS" else None
        return {**music_record(task, status, [], message_of(task), seed=False), "type": "LYRICS", "response": response}

    def _notes(self, task: Task) -> dict[str, Any]:
        is_empty = task.facts.get("split") and self._switches["midi_empty_after_split"]
        data = midi_data([] if is_empty else task.result or [], bool(self._switches["numbers_as_text"]))
        flag: int | str = 0 if not task.ended else 3 if task.outcome else 1
        told = side_record(task, str(flag) if self._switches["numbers_as_text"] else flag, None, message_of(task))
        return {**told, "recordTaskId": -1, "midiData": data if task.ended and not task.outcome else None}

    def _voice(self, task: Task) -> dict[str, Any]:
        waits = "wait_validating" if ENDPOINTS[task.kind].reader == "voice_phrase" else "success"
        word = ("fail" if task.outcome else waits) if task.ended else "wait_processing"
        return {"taskId": task.id, "status": word, **(task.result or {})}

    def _side(self, task: Task) -> dict[str, Any]:
        is_done = task.ended and not task.outcome
        response = self.files(task) if is_done else None
        if task.kind == "cover_art":
            flag: int | str = 2 if not task.ended else 3 if task.outcome else 1
        else:
            flag = self._stage(task, ("PENDING",))
        told = side_record(task, flag, response, message_of(task))
        if task.kind == "separation" and self._switches["profile"] == "seed":
            info = None if response is None else snaked(response)
            return {"taskId": task.id, "status": flag, "vocal_removal_info": info, "errorMessage": told["errorMessage"]}
        return told

    def _stems(self, task: Task) -> dict[str, Any]:
        urls = {name: self._simulator.address_of(song) for name, song in task.result.items()}
        parts = [
            {"id": song.id, "duration": song.duration_s, "audio_url": urls[name], "stem_type_group_name": song.kind}
            for name, song in task.result.items()
        ]
        if task.request.get("type") == "split_stem_advanced":
            named = [{**parts[0], "stem_type_group_name": task.request.get("stemName", "")}]
            return {"originUrl": None, **dict.fromkeys((*TWO, *TWELVE)), "originData": named}
        return {"originUrl": None, **dict.fromkeys((*TWO, *TWELVE)), **urls, "originData": parts}


def message_of(task: Task) -> str:
    """What the service says of a failure; nothing where there is none."""
    return task.outcome.replace("_", " ").capitalize() if task.outcome else ""


_TELLERS: Mapping[str, Callable[[Records, Task], dict[str, Any]]] = {
    "music": Records._music,
    "lyrics": Records._lyrics,
    "notes": Records._notes,
    "voice": Records._voice,
    "voice_phrase": Records._voice,
}
