"""The bridge to Sonauto: it sends what `wire` has built, and hands what comes back to `answers`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sendreturn.contract import Accepted, Ask, Balance, Call, Made, Plan, Report, Setup, Way
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.api import Api
from sendreturn.net.download import Gone, download
from sendreturn.net.enclosed import Enclosed
from sendreturn.net.hosts import hosts_for
from sendreturn.net.limiter import Limiter

from sendreturn_bridges.services.sonauto import answers, parcel
from sendreturn_bridges.services.sonauto.asked import asked_of
from sendreturn_bridges.services.sonauto.faults import NoTaskError, classify
from sendreturn_bridges.services.sonauto.wire import build

BASE_URL = "https://api.sonauto.ai/v1"
STREAM_URL = "https://api-stream.sonauto.ai"
STRANGE_LOOKS = 4
"""So often a task that was only now begun may be unknown: services of several machines take a while."""
SUNG = ("generate", "extend")
"""Operations whose lyrics are worth a file: those of a section stand in the middle of others."""


def open_bridge(setup: Setup) -> SonautoBridge:
    return SonautoBridge(setup)


class SonautoBridge:
    """Sonauto, with a key."""

    def __init__(self, setup: Setup) -> None:
        self.manifest = setup.manifest
        self._settings = setup.options
        self._strange: Counter[str] = Counter()
        self._stream_url = str(setup.options.get("stream_url") or STREAM_URL).rstrip("/")
        self._hosts = hosts_for(setup.manifest.media_hosts, setup.options)
        self._api = Api(
            base_url=str(setup.options.get("base_url") or BASE_URL),
            title=setup.manifest.title,
            key=setup.key,
            key_hint=setup.key_hint,
            limiter=Limiter(setup.manifest.requests, setup.manifest.per_s),
            classify=classify,
        )

    def plan(self, ask: Ask) -> Plan:
        request = build(asked_of(ask, self.manifest, self._settings))
        fields: dict[str, Any] = {"path": request.path, "body": dict(request.body), "covers": request.covers}
        if ask.earlier is not None and answers.song_of(ask.earlier.clip_id) is not None:
            fields["song"] = ask.earlier.clip_id
        needs_clip = self.manifest.operations[ask.operation].needs_clip
        call = Call("main", ask.operation, fields, request.credits, needs_clip=needs_clip)
        return Plan((call,), request.notes)

    def follow(self, ask: Ask, done: Mapping[str, Report]) -> tuple[Call, ...]:
        return ()

    async def submit(self, call: Call, way: Way) -> Accepted:
        body = dict(call.fields["body"])
        if way.callback_url:
            body["webhook_url"] = way.callback_url
        enclosed = None
        if call.needs_clip:
            clip = await self._clip(call, way)
            enclosed = Enclosed(clip.file, "audio_base64") if clip.file is not None else None
            body |= {"audio_url": clip.url} if clip.url is not None else {}
        answer = await self._api.post(call.fields["path"], body, enclosed=enclosed, about_to_send=way.about_to_send)
        return Accepted(answers.task_id_in(answer.body))

    async def look(self, call: Call, task_id: str, folder: Path) -> Report:
        body = call.fields["body"]
        aligned = body.get("align_lyrics") is True
        asked = {"include_alignment": "true"} if aligned else None
        try:
            answer = await self._api.get(f"generations/status/{quote(task_id, safe='')}", asked)
        except NoTaskError:
            self._strange[task_id] += 1
            if self._strange[task_id] < STRANGE_LOOKS:
                return Report(text="Sonauto does not know the task yet")
            raise
        self._strange.pop(task_id, None)
        standing = answers.standing_in(answer.body, answer.text)
        if not standing.has_ended:
            streams = body.get("enable_streaming") is True
            return answers.running(standing, f"{self._stream_url}/stream/{task_id}" if streams else None)
        sung = call.operation in SUNG and not body.get("instrumental")
        notes = await asyncio.to_thread(parcel.noted, folder)
        record = await self._record(task_id)
        return answers.ended(record, task_id, call.fields["covers"], aligned=aligned, sung=sung, notes=notes)

    async def fetch(self, made: Made, target: Path, folder: Path) -> None:
        url, _, name = made.ref.partition("#")
        try:
            await download(url, target, hosts=self._hosts)
        except Gone:
            anew = await self._address_anew(name, url)
            if anew is None:
                raise
            await download(anew, target, hosts=self._hosts)

    async def cancel(self, call: Call, task_id: str, folder: Path) -> None:
        """Sonauto has no way to stop a task."""

    async def balance(self) -> Balance:
        return answers.balance_in((await self._api.get("credits/balance")).body)

    def is_genuine(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
        """Sonauto does not sign what it sends; the address that it was given cannot be guessed."""
        return True

    async def close(self) -> None:
        await self._api.close()

    # The clip

    async def _clip(self, call: Call, way: Way) -> parcel.Parcel:
        """How the clip gets there: at best Sonauto has it, and then nothing is lost by encoding it once more."""
        assert way.clip is not None, f"{call.operation} works on a clip"
        known_url = await self._earlier_song(call.fields.get("song"))
        most_bytes = int(self.manifest.limits["encoded_bytes"])
        return await asyncio.to_thread(parcel.pack, way.clip, way, most_bytes, known_url)

    async def _earlier_song(self, name: str | None) -> str | None:
        """Where a song that Sonauto made earlier lies, if it still does."""
        song = answers.song_of(name or "")
        if song is None:
            return None
        task_id, index = song
        try:
            record = await self._record(task_id)
        except ServiceError as error:
            if error.outcome is Outcome.GIVE_UP:
                return None
            raise
        return answers.kept_song(record, index, datetime.now(UTC))

    # Records

    async def _record(self, task_id: str) -> Any:
        return (await self._api.get(f"generations/{quote(task_id, safe='')}")).body

    async def _address_anew(self, name: str, url: str) -> str | None:
        """Another address of a song, where Sonauto knows one by now."""
        song = answers.song_of(name)
        if song is None:
            return None
        songs = answers.songs_in(await self._record(song[0]))
        return songs[song[1]] if song[1] < len(songs) and songs[song[1]] != url else None
