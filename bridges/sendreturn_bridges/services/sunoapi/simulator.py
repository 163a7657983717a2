"""A simulated Suno API: its music service and its upload host, on a port of this machine.

What differs between its documents, or between documents and life, stands on switches.
"""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlsplit

from sendreturn.errors import ClipError
from sendreturn.net.addresses import is_near
from sendreturn.testing.calling import post_json
from sendreturn.testing.simulator import Answer, Simulator, Song, Task, Unfetchable
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from sendreturn_bridges.services.sunoapi.endpoints import CREDITS, ENDPOINTS
from sendreturn_bridges.services.sunoapi.simulated_calls import calls
from sendreturn_bridges.services.sunoapi.simulated_records import Records, message_of
from sendreturn_bridges.services.sunoapi.simulated_rules import PRICES, objections, section_objection
from sendreturn_bridges.services.sunoapi.simulated_shapes import aligned_words, snaked
from sendreturn_bridges.services.sunoapi.simulated_studio import WORDS, Studio
from sendreturn_bridges.services.sunoapi.simulated_upload import PREFIX, UploadHost
from sendreturn_bridges.services.sunoapi.simulated_upload import say_no as upload_says_no

CLIP_FIELDS = ("uploadUrl", "audioUrl", "voiceUrl", "verifyUrl")
ONCE = frozenset({"wav", "video", "cover_art"})
"""What is made only once of the same song: a second request is told of the first."""
REMOTE_S = 4.0
FILES = frozenset({"separation", *ONCE})


class SunoApiSimulator(Simulator):
    name = "sunoapi"
    urls: ClassVar[Mapping[str, str]] = {"base_url": "", "upload_url": PREFIX}
    own_switches: ClassVar[Mapping[str, object]] = {
        "probe_with_head": False,
        "profile": "reference",  # seed: statuses, names and places as in the service's quick start
        "http_errors": False,  # errors come with their code as HTTP status, not with 200
        "credits_path": "both",  # seed or reference: only that one is there
        "absent_looks": 0,  # so many looks find data null
        "null_urls": 0,  # so many looks find a finished song without addresses
        "callback_exception": "",  # with_audio, or late_audio: songs appear a look after the status
        "midi_empty_after_split": False,
        "numbers_as_text": False,
        "snake_tracks": False,  # songs in snake case in the reference's place, as newer models have been seen to come
        "same_file": False,  # both takes lie at one address
        "fail_code": 501,  # errorCode of a task that fails; 413: a known work, 531: the credits are given back
        "extend_returns": "all",  # tail: without what was continued
        "invent_remote_songs": True,  # nothing is fetched from the Internet: at https addresses lies a song of its own
        "longest_upload_s": 480.0,  # 120 in older documents
        "title_limit": 80,
        "prices": {},  # by request, in place of the usual ones
        "song_s": 12.0,
        "extend_s": 0.0,
        "webhook_key": "",  # call backs are signed with it, as a twin of the service does
        "duplicate_callbacks": False,
    }

    # Ways to say no

    def say_no(self, status: int, reason: str) -> Response:
        body = {"code": status, "msg": reason, "data": None}
        return JSONResponse(body, status if self.switches["http_errors"] else 200)

    def no_credits(self) -> Response:
        return self.say_no(429, "The current credits are insufficient. Please top up.")

    def require_bearer(self, request: Request) -> None:
        if not self.key_ok(request) and request.url.path.startswith(PREFIX):
            raise Answer(upload_says_no(401, "Authentication failed: Invalid API Key"))
        if not self.key_ok(request):
            raise Answer(self.say_no(401, "You do not have access permissions"))

    # Paths

    def routes(self) -> Sequence[BaseRoute]:
        self._studio = Studio(self)
        self._records = Records(self)
        self._once: dict[tuple[str, str], str] = {}
        records = {endpoint.record for endpoint in ENDPOINTS.values()} - {""}
        return [
            *(self.paid(endpoint.path, partial(self._asked, kind)) for kind, endpoint in ENDPOINTS.items()),
            *(self.looked(record, partial(self._record, record)) for record in sorted(records)),
            self.free(CREDITS[0], self._credits_as_table),
            self.free(CREDITS[1], self._credits_as_number),
            *UploadHost(self).routes(),
        ]

    # Requests

    async def _asked(self, kind: str, request: Request) -> Response:
        asked = await self.body(request)
        for code, objection in objections(kind, asked, int(self.switches["title_limit"])):
            raise Answer(self.say_no(code, objection))
        facts = await self._facts(kind, asked)
        if not ENDPOINTS[kind].record:
            self.billed(request, kind, self._price(kind, asked))
            return self._good(self._at_once(kind, asked, facts))
        self._check_once(kind, asked)
        task = self.begin(request, kind, asked, self._price(kind, asked))
        task.facts |= facts
        if kind in ONCE:
            self._once[_once_key(kind, asked)] = task.id
        name = "task_id" if kind == "recovery" else "taskId"
        return self._good({name: task.id})

    async def _facts(self, kind: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The songs that a request works on; its answer is no where there are none, or where they do not fit."""
        urls = [str(asked[name]) for name in CLIP_FIELDS if asked.get(name)] + list(asked.get("uploadUrlList") or [])
        if urls:
            songs = [await self._uploaded(url, str(asked.get("model"))) for url in urls]
        elif asked.get("audioId") and kind != "notes":
            songs = [self._known(asked)]
        else:
            return self._other_facts(kind, asked)
        if kind == "mashup" and len(songs) != 2:
            raise Answer(self.say_no(400, "uploadUrlList must hold exactly 2 addresses"))
        self._check_times(kind, asked, songs[0])
        return {name: song.id for name, song in zip(("source", "second"), songs, strict=False)}

    def _other_facts(self, kind: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        before = self.tasks.get(str(asked.get("taskId") or asked.get("sunoTaskId") or asked.get("task_id")))
        if kind in ("separation", "replace_section"):
            raise Answer(self.say_no(400, "taskId and audioId, or an address, are required"))
        if kind == "recovery" and before is None:
            raise Answer(self.say_no(500, "The original Suno task does not exist."))
        if kind in ("notes", "cover_art") and (before is None or before.result is None):
            raise Answer(self.say_no(400, "taskId is not a finished task"))
        if kind == "notes" and before is not None:
            if before.kind != "separation":
                raise Answer(self.say_no(400, "taskId is not a vocal separation task"))
            return {"source": before.facts["source"], "split": before.request.get("type") == "split_stem"}
        return {"before": before.id} if before is not None else {}

    async def _uploaded(self, url: str, model: str) -> Song:
        if url.startswith("https://") and self.switches["invent_remote_songs"]:
            return await self.add_song(await self.maker.song(REMOTE_S), kind="upload")
        try:
            song = await self.add_clip(await self.take_clip(url), kind="upload")
        except (Unfetchable, ClipError) as problem:
            raise Answer(self.say_no(451, f"file fetch failed: {problem}")) from problem
        longest_s = 60.0 if model == "V4_5ALL" else float(self.switches["longest_upload_s"])
        if song.duration_s > longest_s:
            raise Answer(self.say_no(400, f"The audio is longer than {longest_s:g} seconds"))
        return song

    def _known(self, asked: Mapping[str, Any]) -> Song:
        song = self.songs.get(str(asked["audioId"]))
        if song is None or asked.get("taskId") not in (None, song.task_id):
            raise Answer(self.say_no(400, "The audio does not exist"))
        return song

    def _check_times(self, kind: str, asked: Mapping[str, Any], song: Song) -> None:
        if "continueAt" in asked and not 0 < asked["continueAt"] < song.duration_s:
            raise Answer(self.say_no(400, "continueAt must be inside the audio"))
        if kind == "extend" and asked["model"] != song.facts.get("model"):
            raise Answer(self.say_no(400, "model must be that of the source audio"))
        if kind == "replace_section" and (objection := section_objection(asked, song.duration_s)):
            raise Answer(self.say_no(400, objection))

    def _check_once(self, kind: str, asked: Mapping[str, Any]) -> None:
        there = self._once.get(_once_key(kind, asked)) if kind in ONCE else None
        if there is not None:
            raise Answer(JSONResponse({"code": 409, "msg": "The record already exists", "data": {"taskId": there}}))

    def _price(self, kind: str, asked: Mapping[str, Any]) -> float:
        name = str(asked.get("type") or "separate_vocal") if kind == "separation" else kind
        return float(self.switches["prices"].get(name, PRICES.get(name, 0.0)))

    def _at_once(self, kind: str, asked: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
        """What is answered without a task."""
        if kind == "timed_lyrics":
            song = self.songs[facts["source"]]
            words = aligned_words(str(song.facts.get("prompt") or ""), song.duration_s)
            return {"alignedWords": words, "waveformData": [0.1, 0.4], "hootCer": 0.1, "isStreamed": False}
        if kind == "style":
            told = {"taskId": self.new_id(), "param": "", "result": f"{asked['content']}, warm, wide"}
            cost = {"creditsConsumed": self._price(kind, asked), "creditsRemaining": self.balance}
            return {**told, **cost, "successFlag": "1", "errorCode": None, "errorMessage": ""}
        if kind == "persona":
            return {"personaId": self.new_id(), "name": asked["name"], "description": asked["description"]}
        return {"taskId": asked["task_id"], "isAvailable": True}

    # Making

    async def make(self, task: Task) -> Any:
        makers: Mapping[str, Callable[[Task], Awaitable[Any]]] = {
            "separation": self._studio.stems,
            "wav": self._studio.wav,
            "notes": self._studio.notes,
        }
        reader = ENDPOINTS[task.kind].reader
        if reader == "music":
            return await self._studio.songs(task)
        if task.kind in makers:
            return await makers[task.kind](task)
        if task.kind == "video":
            return await self._studio.video()
        if task.kind == "cover_art":
            return await self._studio.pictures(2)
        if task.kind == "recovery":
            return [song for song in self.songs.values() if song.task_id == task.facts["before"]]
        return {"voiceId": self.new_id(), "validateInfo": WORDS.splitlines()[1]}

    # Records

    async def _record(self, record: str, request: Request) -> Response:
        task_id = request.query_params.get("task_id" if "recovery" in record else "taskId", "")
        task = self.tasks.get(task_id)
        if task is None or not self._is_seen_at(task, record) or self.switches.count_down("absent_looks"):
            return self._good(None)
        await self.look(task_id)
        if task.kind == "recovery":
            return self._records.recovered(task)
        return self._good(self._records.told(task))

    def _is_seen_at(self, task: Task, record: str) -> bool:
        """Side tasks are not seen among the songs, but for the quick start, which asks for all of them there."""
        everywhere = self.switches["profile"] == "seed" and task.kind in ("lyrics", "separation")
        own = ENDPOINTS[task.kind].record
        return record == own or (everywhere and record == ENDPOINTS["generate"].record)

    # Credits

    async def _credits_as_table(self, _request: Request) -> Response:
        if self.switches["credits_path"] == "reference":
            return self.say_no(404, "Not found")
        return self._good({"credits": self.balance})

    async def _credits_as_number(self, _request: Request) -> Response:
        return self.say_no(404, "Not found") if self.switches["credits_path"] == "seed" else self._good(self.balance)

    # Call backs

    async def ended(self, task: Task) -> None:
        url = str(task.request.get(ENDPOINTS[task.kind].callback_field) or "")
        if not is_near(urlsplit(url).hostname or "nowhere.invalid"):
            return  # the address that clients name when nobody can call them, or one that is not of this machine
        bodies = list(self._calls(task))
        times = 2 if self.switches["duplicate_callbacks"] else 1
        self._in_background(self._call_all(task, url, [body for body in bodies for _ in range(times)]))

    async def _call_all(self, task: Task, url: str, bodies: Sequence[Mapping[str, Any]]) -> None:
        """One after the other, as the stages come."""
        for body in bodies:
            await post_json(url, body, self._signature(task))

    def _calls(self, task: Task) -> Sequence[Mapping[str, Any]]:
        if task.outcome or task.result is None:
            return calls(task, message_of(task), {}, [])
        reader = ENDPOINTS[task.kind].reader
        tracks = [snaked(self._records.track(song)) for song in task.result] if reader == "music" else []
        return calls(task, "", self._called(task, reader), tracks)

    def _called(self, task: Task, reader: str) -> Mapping[str, Any]:
        """What a call back of a side task takes from its record."""
        if task.kind in FILES:
            return self._records.files(task)
        return self._records.told(task) if reader in ("lyrics", "notes") else {}

    def _signature(self, task: Task) -> dict[str, str]:
        key = str(self.switches["webhook_key"])
        if not key:
            return {}
        now = str(int(time.time()))
        mac = hmac.digest(key.encode(), f"{task.id}.{now}".encode(), "sha256")
        return {"X-Webhook-Timestamp": now, "X-Webhook-Signature": base64.b64encode(mac).decode()}

    def _good(self, data: Any) -> Response:
        return JSONResponse({"code": 200, "msg": "success", "data": data})


def _once_key(kind: str, asked: Mapping[str, Any]) -> tuple[str, str]:
    return kind, str(asked.get("audioId") or asked.get("taskId"))


SIMULATOR = SunoApiSimulator
