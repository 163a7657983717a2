"""A small music service of the tests: its simulator, and a bridge to it that keeps the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sendreturn.audio.buffer import Audio
from sendreturn.contract import Accepted, Ask, Balance, Call, Made, MadeTake, Manifest, Plan, Report, Setup, Way
from sendreturn.contract import Clip as SentClip
from sendreturn.errors import Outcome, Refusal, ServiceError
from sendreturn.net.answers import Answer as Heard
from sendreturn.net.api import Api
from sendreturn.net.download import download
from sendreturn.net.hosts import hosts_for
from sendreturn.net.limiter import Limiter
from sendreturn.services import read_manifest
from sendreturn.testing.simulator import Answer, Simulator, Song, Task
from sendreturn.words import Kind
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

MOST_PROMPT = 40
PRICES = {"cover": 5.0, "extend": 4.0, "stems": 3.0}
MANIFEST = read_manifest(
    """
    name = "example"
    title = "Example"
    about = "A service of the tests."
    clip_as = "url"
    own_upload = true
    digital_source_type = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    poll_s = 5.0
    requests = 20
    per_s = 10.0
    tells_credits = true
    tells_sending = true

    [operations.cover]
    honours = ["prompt", "style", "stems"]
    longest_clip_s = 60.0
    shortest_clip_s = 0.5
    credits = 5.0
    takes = 2

    [operations.extend]
    makes = ["tail"]
    demands = ["extend_s"]
    honours = ["extend_s"]
    credits = 4.0
    """
)


class ExampleSimulator(Simulator):
    """Makes two covers, one continuation, or the stems of a song that it knows."""

    name = "example"
    urls: Mapping[str, str] = {"base_url": "/v1"}  # type: ignore[misc]
    own_switches: Mapping[str, object] = {"shape": "flat", "banned_word": ""}  # type: ignore[misc]

    def routes(self) -> Sequence[BaseRoute]:
        return [
            self.free("/v1/upload", self._upload, ("POST",)),
            self.paid("/v1/make", self._make),
            self.looked("/v1/tasks/{id}", self._task),
            self.free("/v1/credits", self._credits),
        ]

    async def _upload(self, request: Request) -> Response:
        async with request.form() as form:
            part: Any = form["file"]
            path = self.folder / self.new_id()
            path.write_bytes(await part.read())
        song = await self.add_clip(path)
        return JSONResponse({"url": self.address_of(song)})

    async def _make(self, request: Request) -> Response:
        asked = await self.body(request)
        kind = asked.get("kind")
        banned = str(self.switches["banned_word"])
        if kind not in PRICES:
            raise Answer(self.say_no(400, "kind must be cover, extend or stems"))
        if banned and banned in str(asked.get("prompt")):
            raise Answer(self.say_no(422, f"the prompt holds the word {banned}"))
        return JSONResponse({"task": self.begin(request, kind, asked, PRICES[kind]).id})

    async def _task(self, request: Request) -> Response:
        task = await self.look(request.path_params["id"])
        if task is None:
            return self.say_no(404, "there is no such task")
        told: dict[str, Any] = {"state": "done" if task.ended else task.stage(("queued", "playing"))}
        if task.ended and task.outcome:
            told = {"state": "failed", "reason": task.outcome}
        elif task.ended:
            told["songs"] = [self._song(song) for song in task.result]
        return JSONResponse({"data": told} if self.switches["shape"] == "nested" else told)

    def _song(self, song: Song) -> dict[str, Any]:
        return {"id": song.id, "url": self.address_of(song), "seconds": song.duration_s, "name": song.kind}

    async def _credits(self, _request: Request) -> Response:
        return JSONResponse({"left": self.balance})

    async def make(self, task: Task) -> list[Song]:
        known = self.songs.get(str(task.request.get("song")))
        path = known.file.path if known else await self.take_clip(str(task.request["clip_url"]))
        audio = await self.maker.read(path)
        parts = await self._parts(task, audio)
        return [await self.add_song(part, kind=name, task_id=task.id) for name, part in parts]

    async def _parts(self, task: Task, clip: Audio) -> list[tuple[str, Audio]]:
        if task.kind == "stems":
            return list((await self.maker.stems(clip, ("bass", "vocals"))).items())
        if task.kind == "extend":
            made = await self.maker.extend(clip, extend_s=float(task.request["seconds"]), whole=False)
            return [("tail", made)]
        return [("mix", await self.maker.remaster(clip, seed=seed)) for seed in (1, 2)]


def classify(answer: Heard) -> ServiceError | None:
    """What is wrong with an answer."""
    reason = str((answer.body or {}).get("error", "")) if isinstance(answer.body, Mapping) else ""
    if answer.status == 402:
        return ServiceError("The credits at Example are used up.", "Buy more.", reason, Outcome.ASK)
    if answer.status == 422:
        return ServiceError(f"Example refused the text: {reason}.", "Change it, then retry.", reason, Outcome.ASK)
    return None


class ExampleBridge:
    """A bridge that keeps the contract."""

    def __init__(self, setup: Setup) -> None:
        self.manifest: Manifest = setup.manifest
        self.setup = setup
        self.hosts = hosts_for(setup.manifest.media_hosts, setup.options)
        self.api = Api(
            base_url=str(setup.options["base_url"]),
            title="Example",
            key=setup.key,
            limiter=Limiter(setup.manifest.requests, setup.manifest.per_s),
            classify=classify,
        )

    def plan(self, ask: Ask) -> Plan:
        if len(ask.params.prompt or "") > MOST_PROMPT:
            raise Refusal(f"The prompt is longer than {MOST_PROMPT} characters.", "Shorten it.")
        fields = {"kind": ask.operation, "prompt": ask.params.prompt, "seconds": ask.params.extend_s}
        later = 2 * PRICES["stems"] if "stems" in ask.buys else 0.0
        return Plan((Call("main", ask.operation, fields, PRICES[ask.operation]),), later_credits=later)

    def follow(self, ask: Ask, done: Mapping[str, Report]) -> tuple[Call, ...]:
        if "stems" not in ask.buys or len(done) > 1:
            return ()
        return tuple(
            Call(f"stems-{n}", "stems", {"kind": "stems", "song": take.clip_id}, 3.0, take=n, needs_clip=False)
            for n, take in enumerate(done["main"].takes, 1)
        )

    async def upload(self, clip: SentClip, folder: Path) -> str:
        answer = await self.api.upload("upload", file=clip.path, field="file", name="clip.wav", fields={})
        return str(answer.body["url"])

    async def submit(self, call: Call, way: Way) -> Accepted:
        body = {**call.fields, "clip_url": way.clip_url}
        answer = await self.api.post("make", body, about_to_send=way.about_to_send)
        return Accepted(str(answer.body["task"]))

    async def look(self, call: Call, task_id: str, folder: Path) -> Report:
        answer = await self.api.get(f"tasks/{quote(task_id)}")
        told = answer.body.get("data", answer.body)
        if told["state"] == "failed":
            return Report(done=True, failed=f"Example could not make it: {told['reason']}.")
        if told["state"] != "done":
            return Report(text=told["state"])
        return Report(done=True, takes=self.takes(call, told["songs"]))

    def takes(self, call: Call, songs: Sequence[Mapping[str, Any]]) -> tuple[MadeTake, ...]:
        if call.operation == "stems":
            return (MadeTake(tuple(Made(Kind.STEM, song["url"], song["name"]) for song in songs)),)
        kind, covers = (Kind.TAIL, "tail") if call.operation == "extend" else (Kind.MIX, "all")
        return tuple(
            MadeTake((Made(kind, song["url"], duration_s=song["seconds"], covers=covers),), clip_id=song["id"])
            for song in songs
        )

    async def fetch(self, made: Made, target: Path, folder: Path) -> None:
        await download(made.ref, target, hosts=self.hosts)

    async def cancel(self, call: Call, task_id: str, folder: Path) -> None:
        """Example cannot stop a task."""

    async def balance(self) -> Balance:
        return Balance(float((await self.api.get("credits")).body["left"]))

    async def close(self) -> None:
        await self.api.close()
