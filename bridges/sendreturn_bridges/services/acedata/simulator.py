"""A simulated AceData: its Suno and Producer services and its platform, on a port of this machine.

What differs between its documents, or between documents and life, stands on switches.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from sendreturn.errors import ClipError
from sendreturn.testing.simulator import Answer, Simulator, Task, Unfetchable
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute

from sendreturn_bridges.services.acedata.simulated_answers import Answers
from sendreturn_bridges.services.acedata.simulated_helpers import Helpers
from sendreturn_bridges.services.acedata.simulated_music import Studio
from sendreturn_bridges.services.acedata.simulated_rules import (
    ACTIONS,
    GENERATE,
    HELPER,
    PRODUCER_ACTIONS,
    REQUIRED,
    UPLOAD,
    objections,
)
from sendreturn_bridges.suno.stems import TWELVE, TWO

CODES = {
    400: "bad_request",
    401: "invalid_token",
    403: "forbidden",
    404: "no_api",
    429: "too_many_requests",
    500: "api_error",
    503: "api_error",
    504: "timeout",
}
MIB = 2**20


class AceDataSimulator(Simulator):
    name = "acedata"
    urls: ClassVar[Mapping[str, str]] = {"base_url": "", "platform_url": "/platform"}
    own_switches: ClassVar[Mapping[str, object]] = {
        "probe_with_head": False,
        "prompt_limit": 200,  # 500 in newer documents
        "negative_field": "",  # style_negative or negative_tags: then only that one is known
        "async_reply": "plain",  # success: with success and trace_id
        "pending": "absent",  # preview: unfinished tasks show success and preview addresses
        "no_finished_at": False,  # the time of the end never appears
        "replace_section": "full",  # one: one song with its history; fragments: the new audio alone
        "extend_returns": "tail",  # all: with what was continued
        "song_s": 12.0,  # length of songs that start from text
        "extend_s": 20.0,  # length of a continuation
        "missing_token": 400,  # 402: as x402 asks for payment
        "model_echo": "id",  # internal, or empty
        "error_shape": "object",  # of a failed task: text, list or null
        "ok_status": False,  # workers' errors come with the status 200
        "worker_envelope": False,  # errors of requests have the workers' envelope
        "one_fails": False,  # one of two songs fails
        "tells_cost": True,
        "midi_empty": False,
        "upload_mib": 100,
    }

    # Ways to say no

    def say_no(self, status: int, reason: str, code: str = "") -> Response:
        body: dict[str, Any] = {
            "error": {"code": code or CODES.get(status, "bad_request"), "message": reason},
            "trace_id": "trace",
        }
        if self.switches["worker_envelope"]:
            body = {"success": False, **body}
            status = 200 if self.switches["ok_status"] and status < 500 else status
        return JSONResponse(body, status)

    def no_credits(self) -> Response:
        return self.say_no(403, "Your balance is used up.", "used_up")

    def require_bearer(self, request: Request) -> None:
        if "authorization" not in request.headers:
            if self.switches["missing_token"] == 402:
                raise Answer(JSONResponse({"x402Version": 2, "error": "Payment Required", "accepts": []}, 402))
            raise Answer(self.say_no(400, "No token was given.", "no_token"))
        if not self.key_ok(request):
            raise Answer(self.say_no(401, "The token is invalid.", "invalid_token"))

    # Paths

    def routes(self) -> Sequence[BaseRoute]:
        self._studio, self._helpers, self._answers = Studio(self), Helpers(self), Answers(self, CODES.values())
        helpers = {
            "/suno/wav": self._in_time,
            "/suno/mp3": self._in_time,
            "/suno/mp4": self._in_time,
            "/suno/midi": self._in_time,
            "/suno/vox": self._in_time,
            "/producer/wav": self._in_time,
            "/producer/videos": self._in_time,
            "/suno/timing": self._at_once,
            "/suno/persona": self._at_once,
            "/suno/voices": self._at_once,
            "/suno/lyrics": self._at_once,
            "/suno/mashup-lyrics": self._at_once,
            "/suno/style": self._at_once,
            "/suno/upload": self._at_once,
            "/producer/upload": self._at_once,
            "/producer/lyrics": self._at_once,
        }
        return [
            self.paid("/suno/audios", self._audios),
            self.paid("/producer/audios", self._audios),
            *(self.paid(path, handler) for path, handler in helpers.items()),
            *(self.looked(f"/{api}/tasks", self._tasks, ["POST"]) for api in ("suno", "producer")),
            self.free("/suno/persona", self._personas, ["GET", "DELETE"]),
            self.free("/suno/custom-models", self._not_there, ["POST"]),
            self.free("/suno/projects", self._not_there, ["POST"]),
            self.free("/platform/api/v1/files/", self._files, ["POST"]),
            self.free("/platform/api/v1/applications/{id}/", self._application),
        ]

    # Requests

    async def _audios(self, request: Request) -> Response:
        asked = await self.body(request)
        action = str(asked.get("action") or "generate")
        if request.url.path.startswith("/producer"):
            self._check_producer(asked, action)
        else:
            self._check(asked)
        task = self.begin(request, action, asked, ACTIONS.get(action, GENERATE))
        return await self._begun(request, task)

    def _check(self, asked: Mapping[str, Any]) -> None:
        known = self.switches["negative_field"]
        if known and {"style_negative", "negative_tags"} & asked.keys() - {known}:
            raise Answer(self.say_no(400, f"unknown field; use {known}"))
        durations = {song.id: song.duration_s for song in self.songs.values()}
        for objection in objections(asked, durations, int(self.switches["prompt_limit"])):
            raise Answer(self.say_no(400, objection))

    def _check_producer(self, asked: Mapping[str, Any], action: str) -> None:
        if action not in PRODUCER_ACTIONS:
            raise Answer(self.say_no(400, f"action {action} is invalid."))
        if action != "generate" and asked.get("audio_id") not in self.songs:
            raise Answer(self.say_no(400, "The song id does not exist or has been taken offline."))

    async def _in_time(self, request: Request) -> Response:
        """A helper that may take a while."""
        task = self._helper(request, await self._asked(request))
        return await self._begun(request, task)

    async def _at_once(self, request: Request) -> Response:
        """A helper that answers when it is done."""
        asked = await self._asked(request)
        if "audio_url" in asked:
            asked = {**asked, "clip": await self._taken(str(asked["audio_url"]))}
        task = self._helper(request, asked)
        return await self._held(task)

    async def _asked(self, request: Request) -> dict[str, Any]:
        asked = await self.body(request)
        for name in REQUIRED[request.url.path]:
            if asked.get(name) in (None, ""):
                raise Answer(self.say_no(400, f"{name} is required"))
        if "audio_id" in asked and asked["audio_id"] not in self.songs:
            raise Answer(self.say_no(400, "The song id does not exist or has been taken offline."))
        return asked

    def _helper(self, request: Request, asked: Mapping[str, Any]) -> Task:
        path = request.url.path
        return self.begin(request, path, asked, UPLOAD if path.endswith("/upload") else HELPER)

    async def _taken(self, address: str) -> str:
        try:
            path = await self.take_clip(address)
            song = await self.add_clip(path, title=f"up-{self.new_id()}")
        except (Unfetchable, ClipError) as problem:
            raise Answer(self.say_no(400, f"audio_url cannot be used: {problem}")) from problem
        return song.id

    async def _begun(self, request: Request, task: Task) -> Response:
        if task.request.get("async") or task.request.get("callback_url"):
            plain = {"task_id": task.id}
            told = {"success": True, **plain, "trace_id": "trace"}
            return JSONResponse(told if self.switches["async_reply"] == "success" else plain)
        if "ndjson" in request.headers.get("accept", ""):
            return await self._streamed(task)
        return await self._held(task)

    async def _held(self, task: Task) -> Response:
        """Answer when it is done."""
        await self._finish(task)
        body = self._answers.final(task)
        failed = body["success"] is False and not self.switches["ok_status"]
        return JSONResponse(body, 500 if failed else 200)

    async def _finish(self, task: Task) -> None:
        task.looks, task.ready_at = 0, None
        while not task.ended:
            await self.look(task.id)

    async def _streamed(self, task: Task) -> Response:
        lines = [self._answers.preview(task, "pending"), self._answers.preview(task, "running")]
        await self._finish(task)
        lines.append({**self._answers.final(task), "trace_id": "trace"})
        return StreamingResponse(iter([json.dumps(line) + "\n" for line in lines]), media_type="application/x-ndjson")

    # Tasks

    async def _tasks(self, request: Request) -> Response:
        asked = await self.body(request)
        if asked.get("action") == "retrieve_batch":
            items = [await self._task(str(one)) for one in asked.get("ids") or ()]
            found = [item for item in items if item]
            return JSONResponse({"items": found, "count": len(found)})
        return JSONResponse(await self._task(str(asked.get("id"))))

    async def _task(self, task_id: str) -> dict[str, Any]:
        task = await self.look(task_id)
        if task is None:
            return {}
        now = time.time()
        told: dict[str, Any] = {"_id": task.id, "id": task.id, "api_id": "suno", "application_id": "application"}
        told |= {"created_at": now, "started_at": now, "request": dict(task.request), "trace_id": "trace", "state": ""}
        if task.ended:
            told["response"] = self._answers.final(task)
            if not self.switches["no_finished_at"]:
                told |= {"finished_at": now, "elapsed": 1.234}
        elif self.switches["pending"] == "preview":
            told["response"] = self._answers.preview(task, task.stage(["pending", "running"]))
        return told

    async def ended(self, task: Task) -> None:
        url = task.request.get("callback_url")
        if url:
            self.call_back(str(url), {**self._answers.final(task), "trace_id": "trace"})

    # What is made

    async def make(self, task: Task) -> Any:
        if task.kind.startswith("/"):
            return await self._helpers.help(task.kind.rpartition("/")[2], task.request)
        if task.kind in ("stems", "all_stems"):
            names, sets = (TWO, 1) if task.kind == "stems" else (TWELVE, 2)
            return await self._studio.stems(task, names, sets)
        is_single = task.kind == "concat" or (
            task.kind == "replace_section" and self.switches["replace_section"] == "one"
        )
        fuzz = str(task.request.get("model") or "").startswith("FUZZ")
        return await self._studio.songs(task, 1 if is_single or fuzz else 2)

    # The rest

    async def _personas(self, request: Request) -> Response:
        return JSONResponse({"success": True} if request.method == "DELETE" else {"items": [], "count": 0})

    async def _not_there(self, _request: Request) -> Response:
        return self.say_no(400, "This operation is not built.", "api_not_implemented")

    async def _files(self, request: Request) -> Response:
        """AceData's file host; addresses of files have no suffix there."""
        most = int(self.switches["upload_mib"]) * MIB
        if int(request.headers.get("content-length") or 0) > most:
            return self.say_no(413, "The file is too large.")
        async with request.form() as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                return self.say_no(400, "file is required")
            target = self.folder / f"received-{self.new_id()}"
            with target.open("wb") as kept:
                while block := await file.read(MIB):
                    kept.write(block)
        return JSONResponse({"file_url": self.address_of(self.media.keep(target, "clip"))})

    async def _application(self, _request: Request) -> Response:
        return JSONResponse({"id": "application", "remaining_amount": self.balance})


SIMULATOR = AceDataSimulator
