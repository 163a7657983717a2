"""A simulated MusicAPI: its Sonic and Producer services, on a port of this machine.

What differs between its documents, or between documents and life, stands on switches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from sendreturn.errors import ClipError
from sendreturn.testing.simulator import Answer, Simulator, Task, Unfetchable
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from sendreturn_bridges.services.musicapi import simulated_rules as rules
from sendreturn_bridges.services.musicapi.simulated_answers import Answers, good
from sendreturn_bridges.services.musicapi.simulated_helpers import Helpers
from sendreturn_bridges.services.musicapi.simulated_music import Studio, source_ids

TYPES = {
    400: "validation_error",
    401: "unauthorized",
    402: "insufficient_credits",
    403: "forbidden",
    404: "not_found",
    410: "endpoint_retired",
    429: "rate_limit",
    500: "server_error",
    502: "upstream_error",
    504: "timeout",
}
NO_CREDITS = "The remaining credits are not enough. You can buy more one-time credit packs or subscribe."
REFUNDED = "Task failed due to timeout. Credits were previously refunded."
UNREACHABLE = "Audio URL is not accessible. Please provide a public direct audio file URL."
INVALID = "Upload request failed (HTTP 400) — Invalid audio file"
LONGEST_S = 480.0
MOST_ITEMS = 10
V1 = "/api/v1"


class MusicApiSimulator(Simulator):
    name = "musicapi"
    own_switches: ClassVar[Mapping[str, object]] = {
        "not_ready": "202",  # 200, or clips: pending clips in place of `not_ready`
        "submit_code": True,  # whether `code` stands in the answer to a request
        "task_id_in_data": False,
        "duration": "number",  # text
        "stems_basic": 2,  # 4
        "stems_full": 12,  # 24
        "stem_names": "type",  # title, or none
        "cdn_required": False,  # requests without use_suno_cdn are refused
        "mv_echo": "same",  # chirp, or v6
        "prices": "seed",  # 2026-10
        "failure": "clip",  # of a task: timeout (504, refunded), or 500
        "one_fails": False,  # one of two songs fails
        "section": "section",  # full: a replaced section comes with its song
        "extension": "extension",  # full: a continuation begins with what it continues
        "extend_s": 20.0,  # length of a continuation
        "error_field": "error",  # detail, or message
        "unknown_task": 400,  # 404
        "upload_reply": "top",  # data, or task
        "upload_breaks_once": False,  # 502 with `steps.upload`
        "helpers_not_ready": 0,  # so many of the next helpers ask for patience, and bill nothing
        "wav_reply": "data",  # top
        "midi": "notes",  # file: without notes; empty: nothing at all
        "vox_url": True,
        "producer_shape": "clips",  # status: one song with a status
        "extra_credits": 0.0,  # how much of what is left are extra credits
        "webhook_events": "plain",  # streaming, duplicates, or reordered
    }

    # Ways to say no

    def say_no(self, status: int, reason: str, **more: Any) -> Response:
        body = {"type": TYPES.get(status, "server_error"), self.switches["error_field"]: reason, **more}
        return JSONResponse(body, status)

    def no_credits(self) -> Response:
        return self.say_no(403, NO_CREDITS)

    def require_bearer(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if not given:
            raise Answer(self.say_no(401, "Authorization header is missing."))
        if not given.startswith("Bearer ") or not self.key_ok(request):
            raise Answer(self.say_no(401, "Invalid authorization format."))

    # Paths

    def routes(self) -> Sequence[BaseRoute]:
        self._studio, self._helpers, self._answers = Studio(self), Helpers(self), Answers(self)
        self._batches: dict[str, list[str]] = {}
        songs = ("upload-extend", "upload-cover", "replace-section", "sample", "mashup", "stems/basic", "stems/full")
        helpers = ("wav", "download", "midi", "aligned-lyrics", "bpm", "vox", "persona", "lyrics", "upsample-tags")
        return [
            self.paid(f"{V1}/sonic/create", self._create),
            *(self.paid(f"{V1}/sonic/{name}", self._begin) for name in (*songs, "create-voice")),
            *(self.paid(f"{V1}/sonic/{name}", self._help) for name in helpers),
            *(self.paid(f"{V1}/{api}/upload", self._upload) for api in ("sonic", "producer")),
            self.paid(f"{V1}/sonic/batch", self._batch),
            self.paid(f"{V1}/producer/create", self._producer),
            self.paid(f"{V1}/nuro/create", self._retired),
            *(self.looked(f"{V1}/{api}/task/{{id}}", self._task) for api in ("sonic", "producer", "nuro")),
            self.free(f"{V1}/sonic/batch", self._batch_standing),
            self.free(f"{V1}/get-credits", self._credits),
        ]

    # Requests

    async def _create(self, request: Request) -> Response:
        asked = await self.body(request)
        kind = str(asked.get("task_type") or "create_music")
        if kind not in rules.TASK_TYPES:
            raise Answer(self.say_no(400, "The 'task_type' field is invalid."))
        return self._begun(request, kind, asked)

    async def _batch(self, request: Request) -> Response:
        """Up to ten requests at once; all or none of them are taken."""
        items = (await self.body(request)).get("items")
        if not isinstance(items, list) or not 1 <= len(items) <= MOST_ITEMS:
            raise Answer(self.say_no(400, "items must hold 1 to 10 requests."))
        wishes = [(str(item.get("task_type") or "create_music"), item) for item in items]
        for kind, item in wishes:
            self._check(kind, item)
        tasks = [self.begin(request, kind, item, self._price(kind)).id for kind, item in wishes]
        batch_id = self.new_id()
        self._batches[batch_id] = tasks
        told = {"batch_id": batch_id, "submitted": len(tasks), "tasks": [{"task_id": one} for one in tasks]}
        return JSONResponse({"message": "success", **told})

    async def _batch_standing(self, request: Request) -> Response:
        ids = self._batches.get(request.query_params.get("batch_id", ""))
        if ids is None:
            return self.say_no(404, "batch not found.")
        looks = [(one, await self.look(one)) for one in ids]
        tasks = [{"task_id": one, **(self._answers.final(task) if task and task.ended else {})} for one, task in looks]
        return JSONResponse(good({"tasks": tasks}))

    async def _begin(self, request: Request) -> Response:
        kind = request.url.path.removeprefix(f"{V1}/sonic/")
        asked = await self.body(request)
        self._check(kind, asked)
        address = asked.get("audio_url") if kind == "create-voice" else asked.get("url")
        if address:
            asked["taken"] = await self._taken(str(address), in_steps=kind.startswith("upload-"))
        return self._begun(request, kind, asked)

    async def _producer(self, request: Request) -> Response:
        asked = await self.body(request)
        kind = str(asked.get("task_type") or "create_music")
        if kind in rules.RETIRED:
            return self.say_no(410, "This operation has been retired.")
        if kind not in rules.PRODUCER_TASKS:
            return self.say_no(400, "The 'task_type' field is invalid.")
        self._check_songs("producer", asked, needs=kind != "create_music")
        task = self.begin(request, kind, asked, self._price("producer"))
        task.facts["api"] = "producer"
        return self._told(task)

    async def _retired(self, _request: Request) -> Response:
        return self.say_no(410, "This operation has been retired.")

    async def _upload(self, request: Request) -> Response:
        asked = await self.body(request)
        self._check("upload", asked)
        taken = await self._taken(str(asked["url"]), in_steps=False)
        if self.switches["upload_reply"] == "task":
            return self._told(self.begin(request, "upload", {"taken": taken}, self._price("upload")))
        self.billed(request, "upload", self._price("upload"))
        told = {"clip_id": taken}
        return JSONResponse(good({"data": told} if self.switches["upload_reply"] == "data" else told))

    async def _help(self, request: Request) -> Response:
        kind = request.url.path.removeprefix(f"{V1}/sonic/")
        asked = await self.body(request)
        self._check(kind, asked)
        if self.switches.count_down("helpers_not_ready"):
            return self._not_ready()
        self.billed(request, kind, self._price(kind))
        return JSONResponse(good(await self._helpers.help(kind, asked)))

    def _begun(self, request: Request, kind: str, asked: Mapping[str, Any]) -> Response:
        self._check(kind, asked)
        task = self.begin(request, kind, asked, self._price(kind))
        if self.switches["webhook_events"] == "streaming":
            self._answers.call(task, "song.streaming", self._answers.previews(task, "running"))
        return self._told(task)

    def _told(self, task: Task) -> Response:
        told: dict[str, Any] = {"message": "success", "task_id": task.id}
        if self.switches["task_id_in_data"]:
            told = {"message": "success", "data": {"task_id": task.id}}
        return JSONResponse({"code": 200, **told} if self.switches["submit_code"] else told)

    # What is wrong with a request

    def _check(self, kind: str, asked: Mapping[str, Any]) -> None:
        for objection in rules.objections(kind, asked, wants_cdn=bool(self.switches["cdn_required"])):
            raise Answer(self.say_no(400, objection))
        if kind not in rules.WITHOUT_SONG:
            self._check_songs(kind, asked, needs=kind != "sample")

    def _check_songs(self, kind: str, asked: Mapping[str, Any], *, needs: bool) -> None:
        ids = source_ids(asked)
        if needs and not ids:
            raise Answer(self.say_no(400, "The 'continue_clip_id' field is required."))
        for song_id in ids:
            song = self.songs.get(song_id)
            if song is None:
                raise Answer(self.say_no(404, "The clip does not exist."))
            is_upload = song.kind == "upload"
            if (kind in rules.OWN_SONGS and is_upload) or (kind in rules.UPLOADS and not is_upload):
                raise Answer(self.say_no(400, f"The clip cannot be used with task_type = {kind}."))

    async def _taken(self, address: str, *, in_steps: bool) -> str:
        """The id of the clip at an address."""
        if self.switches.take("upload_breaks_once"):
            steps = {"upload": {"error": "upstream_error", "message": "Upload request failed (HTTP 502)"}}
            raise Answer(self.say_no(502, "Upload failed.", steps=steps))
        try:
            song = await self.add_clip(await self.take_clip(address))
        except (Unfetchable, ClipError) as problem:
            said = UNREACHABLE if isinstance(problem, Unfetchable) else INVALID
            steps = {"upload": {"error": "validation_error", "message": said}}
            more = {"steps": steps} if in_steps else {}
            raise Answer(self.say_no(400, said, **more)) from problem
        if song.duration_s > LONGEST_S:
            raise Answer(self.say_no(400, "The audio should be at most 8 minutes long."))
        return song.id

    def _price(self, kind: str) -> float:
        return rules.price(kind, str(self.switches["prices"]))

    # Tasks

    async def _task(self, request: Request) -> Response:
        task = await self.look(request.path_params["id"])
        if task is None:
            return self.say_no(int(self.switches["unknown_task"]), "task not found.")
        if not task.ended:
            return self._unfinished(task)
        if task.outcome and self.switches["failure"] == "timeout":
            return self.say_no(504, REFUNDED)
        if task.outcome and self.switches["failure"] == "500":
            return self.say_no(500, "Internal Server Error.")
        return JSONResponse(self._answers.final(task))

    def _unfinished(self, task: Task) -> Response:
        if task.progress > 0:
            return JSONResponse(good({"data": self._answers.previews(task, "running")}))
        if self.switches["not_ready"] == "clips":
            return JSONResponse(good({"data": self._answers.previews(task, "pending")}))
        return self._not_ready()

    def _not_ready(self) -> Response:
        status = 200 if self.switches["not_ready"] == "200" else 202
        return JSONResponse({"type": "not_ready", "error": "The task is not ready yet."}, status)

    async def ended(self, task: Task) -> None:
        event = "song.failed" if task.outcome else "song.completed"
        data = self._answers.final(task).get("data")
        self._answers.call(task, event, data)
        if self.switches["webhook_events"] == "duplicates":
            self._answers.call(task, event, data)
        if self.switches["webhook_events"] == "reordered":
            self._answers.call(task, "song.streaming", self._answers.previews(task, "running"))

    # What is made

    async def make(self, task: Task) -> Any:
        if task.kind == "upload":
            return {"clip_id": task.request["taken"], "state": "succeeded"}
        if task.kind == "create-voice":
            return {"persona_id": self.new_id(), "name": task.request.get("name") or "VOICE_1"}
        if task.kind.startswith("stems/"):
            return await self._studio.stems(task, int(self.switches[task.kind.replace("/", "_")]))
        is_single = task.kind == "concat_music" or task.facts.get("api") == "producer"
        return await self._studio.songs(task, 1 if is_single else 2)

    async def _credits(self, _request: Request) -> Response:
        extra = min(float(self.switches["extra_credits"]), self.balance)
        return JSONResponse({"credits": self.balance - extra, "extra_credits": extra})


SIMULATOR = MusicApiSimulator
