"""A simulated Sonauto: its paths, its time course and its objections, with songs that are made of what was sent."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar
from uuid import uuid4

from sendreturn.audio.buffer import Audio
from sendreturn.errors import ClipError
from sendreturn.testing.simulator import Answer, Simulator, Song, Task, json_error
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from sendreturn_bridges.services.sonauto import simulated
from sendreturn_bridges.services.sonauto.simulated import Wrong

PRICE, PRICE_OF_TWO = 100.0, 150.0
PAY_AS_YOU_GO = 200.0
STREAM_BLOCK = 16 * 1024
ENCODED_FRAMES = 48_000
STREAM_TYPES = {"ogg": 'audio/ogg; codecs="opus"', "mp3": "audio/mpeg"}
NO_CREDITS = "Not enough credits."


class SonautoSimulator(Simulator):
    """Sonauto's API at `/v1` and its stream host's paths on the same port; results on the port of the media."""

    name = "sonauto"
    urls: ClassVar[Mapping[str, str]] = {"base_url": "/v1", "stream_url": ""}
    own_switches: ClassVar[Mapping[str, object]] = {
        "status_shape": "string",  # what a plain status is: string (JSON), bare (plain text) or object
        "detail_shape": "text",  # what a 422 tells: text, or a list of {loc, msg, type}
        "inpaint_prompt": "accept",  # or refuse: with it, v2/inpaint answers 422
        "v3_three_texts": "accept",  # or refuse: prompt, tags and lyrics at once are a 422 on v3
        "refused_tags": "male vocals,female vocals",  # of a vocabulary that has thousands
        "moderated_word": "",  # a prompt or lyrics that hold it are refused
        "duplicate_uploads": "accept",  # or refuse: the same clip a second time is a 422
        "no_credits_status": 402.0,  # or 403: which one is not documented
        "alignment": "SUCCESS",  # how an alignment ends; or FAILURE
        "timings": False,  # whether the record holds the times of words; where is not documented
        "song_s": 0.0,  # length of a new song; 0 stands for the model's own
        "v3_extend_s": 30.0,  # what v3/extend adds
    }

    def __init__(self, switches: Mapping[str, object] | None = None, **more: Any) -> None:
        super().__init__(switches, **more)
        self._uploads: set[str] = set()

    def routes(self) -> Sequence[BaseRoute]:
        return [
            *(self.paid(f"/v1/generations/{kind}", self._generation(kind)) for kind in _MAKERS),
            self.looked("/v1/generations/status/{task_id}", self._status),
            self.looked("/v1/generations/{task_id}", self._record),
            self.free("/v1/credits/balance", self._credits),
            Route("/stream/{task_id}", self._stream, methods=["GET"]),
        ]

    def paid(self, path: str, handler: Callable[[Request], Awaitable[Response]]) -> Route:
        """As in the base, but the whole clip is taken in first: who is still sending does not hear an answer."""
        guarded = super().paid(path, handler).endpoint

        async def answer(request: Request) -> Response:
            await request.body()
            response: Response = await guarded(request)
            return response

        return Route(path, answer, methods=["POST"])

    def say_no(self, status: int, reason: str) -> Response:
        return json_error(status, detail=reason)

    def no_credits(self) -> Response:
        return self.say_no(int(self.switches["no_credits_status"]), NO_CREDITS)

    # Requests

    def _generation(self, kind: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            asked = await self.body(request)
            try:
                simulated.check(kind, asked, self.switches)
                facts = await self._clip(kind, asked)
            except Wrong as wrong:
                return self._refused(wrong)
            price = PRICE_OF_TWO if asked.get("num_songs") == 2 else PRICE
            kept = {name: value for name, value in asked.items() if name != "audio_base64"}
            task = self.begin(request, kind, kept, price)
            task.facts.update(facts, created_at=simulated.now_text(), alignment_looks=0)
            self._tell(task)
            return JSONResponse({"task_id": task.id})

        return answer

    async def _clip(self, kind: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The clip of a request, decoded, and as long as what is asked of it needs."""
        if "/" not in kind:
            return {}
        given = simulated.audio_in(asked)
        if isinstance(given, str):
            path = await self.take_clip(given)
        else:
            self._check_duplicate(given)
            path = self.folder / f"clip-{uuid4().hex}"
            await asyncio.to_thread(path.write_bytes, given)
        try:
            audio = await self.maker.read(path)
        except ClipError as error:
            raise Wrong("audio_base64", "Could not decode audio") from error
        _check_fits(kind, asked, audio.duration_s)
        return {"clip": path}

    def _check_duplicate(self, data: bytes) -> None:
        digest = hashlib.sha256(data).hexdigest()
        if digest in self._uploads and self.switches["duplicate_uploads"] == "refuse":
            raise Wrong("", "Duplicate upload")
        self._uploads.add(digest)

    def _refused(self, wrong: Wrong) -> Response:
        if self.switches["detail_shape"] == "list":
            place = ["body", wrong.field] if wrong.field else ["body"]
            return JSONResponse({"detail": [{"loc": place, "msg": wrong.message, "type": "value_error"}]}, 422)
        return self.say_no(422, wrong.message)

    # What comes of them

    async def make(self, task: Task) -> list[Song]:
        count = int(task.request.get("num_songs", 1))
        seed = int(task.request.get("seed") or len(self.tasks))
        codec = str(task.request.get("output_format", "ogg"))
        audios = [await _MAKERS[task.kind](self, task, seed + 1000 * number) for number in range(count)]
        return [await self.add_song(audio, kind=f"audio_{number}", codec=codec) for number, audio in enumerate(audios)]

    async def ended(self, task: Task) -> None:
        self._tell(task)

    def _tell(self, task: Task) -> None:
        """A webhook. That it holds these two fields is an assumption: the service does not document it."""
        url = task.request.get("webhook_url")
        if url:
            self.call_back(str(url), {"task_id": task.id, "status": simulated.status_of(task)})

    async def song_of(self, task: Task, seed: int) -> Audio:
        span = task.request.get("length_range")
        own_s = 95.0 if task.kind == "v2" else (sum(span) / 2 if span else 150.0)
        return await self.maker.song(float(self.switches["song_s"]) or own_s, seed)

    async def continued(self, task: Task, seed: int) -> Audio:
        asked, clip = task.request, await self.maker.read(task.facts["clip"])
        return await self.maker.extend(
            clip,
            extend_s=float(asked.get("extend_duration", self.switches["v3_extend_s"])),
            side=str(asked.get("side", "right")),
            crop_s=float(asked.get("crop_duration", 0.0)),
            seed=seed,
        )

    async def with_section(self, task: Task, seed: int) -> Audio:
        clip = await self.maker.read(task.facts["clip"])
        start_s, end_s = task.request["sections"][0]
        section_s = (float(start_s), min(float(end_s), clip.duration_s))
        whole = task.request.get("selection_crop") is not True
        return await self.maker.inpaint(clip, section_s=section_s, seed=seed, whole=whole)

    # Questions

    async def _status(self, request: Request) -> Response:
        task = await self._looked_at(request)
        status = simulated.status_of(task)
        if request.query_params.get("include_alignment") == "true":
            return JSONResponse({"status": status, "alignment_status": self._alignment(task)})
        if self.switches["status_shape"] == "bare":
            return PlainTextResponse(status)
        return JSONResponse({"status": status} if self.switches["status_shape"] == "object" else status)

    async def _record(self, request: Request) -> Response:
        task = await self._looked_at(request)
        addresses = [self.address_of(song) for song in simulated.songs_of(task)]
        aligning = self._alignment(task, looks=0)
        record = simulated.record_of(task, addresses, aligning)
        if aligning == "SUCCESS" and self.switches["timings"]:
            record["aligned_lyrics"] = simulated.timings_of(record["lyrics"])
        return JSONResponse(record)

    async def _credits(self, _request: Request) -> Response:
        bought = min(PAY_AS_YOU_GO, self.balance)
        return JSONResponse({"num_credits": self.balance - bought, "num_credits_payg": bought})

    async def _looked_at(self, request: Request) -> Task:
        task = await self.look(request.path_params["task_id"])
        if task is None:
            raise Answer(self.say_no(404, "Task not found"))
        return task

    def _alignment(self, task: Task, looks: int = 1) -> str | None:
        """Null without one; after the song is there, each look finds it a step further."""
        if not task.request.get("align_lyrics") or simulated.status_of(task) != "SUCCESS":
            return None
        seen = task.facts["alignment_looks"]
        task.facts["alignment_looks"] = seen + looks
        at = simulated.ALIGNMENT
        return at[seen] if seen < len(at) else str(self.switches["alignment"])

    async def _stream(self, request: Request) -> Response:
        """The song while it is being made, without a key. In truth it is whole at once."""
        task = self.tasks.get(request.path_params["task_id"])
        if task is None or task.ended:
            return self.say_no(404, "Stream not found or expired")
        live = (simulated.STREAMING_READY, *simulated.LAST)
        if not task.request.get("enable_streaming") or simulated.status_of(task) not in live:
            return self.say_no(400, "Track not ready for streaming")
        chosen = str(task.request.get("stream_format", "ogg"))
        song = await self.song_of(task, len(self.tasks))
        data = await asyncio.to_thread(_streamed, song, chosen)
        return StreamingResponse(_blocks(data), media_type=STREAM_TYPES[chosen])


_MAKERS: Mapping[str, Callable[[SonautoSimulator, Task, int], Awaitable[Audio]]] = {
    "v3": SonautoSimulator.song_of,
    "v3/extend": SonautoSimulator.continued,
    "v2": SonautoSimulator.song_of,
    "v2/extend": SonautoSimulator.continued,
    "v2/inpaint": SonautoSimulator.with_section,
}
"""What each path below `/generations/` makes."""


def _check_fits(kind: str, asked: Mapping[str, Any], clip_s: float) -> None:
    crop_s = asked.get("crop_duration", 0)
    if not isinstance(crop_s, int | float) or not 0 <= crop_s < clip_s:
        raise Wrong("crop_duration", "crop_duration must leave something of the audio")
    if kind == "v2/inpaint" and asked["sections"][0][1] > clip_s + 0.01:
        raise Wrong("sections", "the section lies outside the audio")


def _streamed(song: Audio, chosen: str) -> bytes:
    import soundfile

    out = io.BytesIO()
    container, subtype = ("OGG", "OPUS") if chosen == "ogg" else ("MP3", "MPEG_LAYER_III")
    with soundfile.SoundFile(out, "w", song.rate_hz, song.channels, subtype, format=container) as file:
        for start in range(0, song.frames, ENCODED_FRAMES):  # libsndfile's Ogg encoders fail on very long blocks
            file.write(song.samples[start : start + ENCODED_FRAMES])
    return out.getvalue()


async def _blocks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), STREAM_BLOCK):
        yield data[start : start + STREAM_BLOCK]


SIMULATOR = SonautoSimulator
