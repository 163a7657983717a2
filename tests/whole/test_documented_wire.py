"""The daemon against the services as their published documents write them down, word for word.

They are written from the documents alone, and share nothing with the simulators but what both were read from.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from living_daemon import LivingDaemon
from paper_service import KEY, RATE_HZ, Paper, Reply, Said, as_file, in_turn, music
from sendreturn.returns.sidecar import read_sidecar, verify
from sendreturn.sends.wish import SendView
from sendreturn.settings import ReturnsSettings, ServiceSettings
from sendreturn.words import State

pytestmark = pytest.mark.slow
CLIP_S, TAIL_S = 4.0, 6.0
CLIP, TAIL = music(CLIP_S, 1), music(TAIL_S, 2)
WHOLE = np.concatenate([CLIP, TAIL])
NOTES = [{"name": "Bass", "notes": [{"pitch": 40, "start": 0.5, "end": 1.0, "velocity": 0.8}]}]


async def sent(folder: Path, service: str, addresses: dict[str, Any], operation: str, params: str) -> SendView:
    """A clip, dropped into a hot folder of a session whose service is at `addresses`."""
    port = free_port()
    settings = {"poll_s": 0.05, "api_key_env": "TEST_KEY", "options": {"requests": 0}, **addresses}
    life = LivingDaemon(
        folder,
        returns=ReturnsSettings(stems=0, midi=False, dawproject=False, reaper=False),
        service=service,
        services={service: ServiceSettings(**settings)},
        web_port=port,
        public_url=f"http://127.0.0.1:{port}",
        env={"TEST_KEY": KEY},
    )
    async with life:
        hidden = life.session / ".sendreturn-clip.wav"
        soundfile.write(hidden, CLIP, RATE_HZ, subtype="PCM_16")
        (life.sends / operation / "riff.wav.yaml").write_text(params)
        hidden.rename(life.sends / operation / "riff.wav")
        (send,) = await life.ended()
    assert send.state is State.DONE, send.text
    assert send.folder is not None
    assert [problem for path in send.folder.glob("*.json") for problem in verify(path)] == []
    return send


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def files_of(send: SendView, take: int = 1) -> dict[str, Path]:
    """The files of a take by kind, or by the name of the stem."""
    assert send.folder is not None
    (sidecar,) = send.folder.glob(f"*_t{take}.json")
    return {file.stem or file.kind: sidecar.parent / file.path for file in read_sidecar(sidecar).returns}


def assert_is_clip_and_new_audio(mix: Path, tail: Path) -> None:
    mixed, new = soundfile.read(mix)[0], soundfile.read(tail)[0]
    assert len(mixed) == pytest.approx(len(WHOLE), abs=RATE_HZ * 0.1)
    assert np.array_equal(mixed[: len(CLIP)], soundfile.read(io.BytesIO(as_file(CLIP)))[0])
    assert np.array_equal(mixed[len(CLIP) :], new)
    assert np.corrcoef(new[RATE_HZ : 2 * RATE_HZ], TAIL[RATE_HZ : 2 * RATE_HZ, 0])[0, 1] > 0.95


def assert_key_for_api_alone(paper: Paper, files: str) -> None:
    for said in paper.heard:
        is_file = files in said.path
        assert said.headers.get("authorization") == (None if is_file else f"Bearer {KEY}"), said.path


async def test_sonauto_extends_a_clip(tmp_path: Path):
    task = "abc123-def456-ghi789"
    record = {
        "id": task, "created_at": "2026-01-01T00:00:00Z", "status": "SUCCESS", "alignment_status": None,
        "model_version": "v2.2", "song_paths": [], "error_message": None, "lyrics": "", "prompt": "Write another verse",
        "prompt_strength": 2.0, "tags": ["rock"], "v2_params": {"balance_strength": 0.7, "seed": 42, "bpm": "auto"},
    }  # fmt: skip
    paper = Paper(
        {
            "POST /v1/generations/v2/extend": lambda _: {"task_id": task},
            f"GET /v1/generations/status/{task}": in_turn("RECEIVED", "TRANSCRIBE_X", "GENERATING", "SUCCESS"),
            f"GET /v1/generations/{task}": lambda _: record,
            "GET /generations2/audio_x_0.ogg": lambda _: as_file(WHOLE),
        }
    )
    with paper.open() as address:
        record["song_paths"] = [f"{address}/generations2/audio_x_0.ogg"]
        addresses = {"base_url": f"{address}/v1", "stream_url": address}
        send = await sent(tmp_path, "sonauto", addresses, "extend", "extend_s: 6\nstyle: [rock, energetic]\n")
    (asked,) = paper.bodies("/v1/generations/v2/extend")
    told = {name: asked[name] for name in ("tags", "side", "extend_duration", "crop_duration")}
    assert told == {"tags": ["rock", "energetic"], "side": "right", "extend_duration": 6.0, "crop_duration": 0.0}
    sound = soundfile.read(io.BytesIO(base64.b64decode(asked["audio_base64"])))[0]
    assert np.array_equal(sound, soundfile.read(io.BytesIO(as_file(CLIP)))[0])
    files = files_of(send)
    assert_is_clip_and_new_audio(files["mix"], files["tail"])
    assert_key_for_api_alone(paper, "generations2")
    (sidecar,) = send.folder.glob("*.json")
    refs = read_sidecar(sidecar).service_refs
    assert (refs.task_ids, refs.urls) == ((task,), tuple(record["song_paths"]))


async def test_suno_api_covers_a_clip_and_separates_it(tmp_path: Path):
    def created(task: str) -> Reply:
        return {"code": 200, "msg": "success", "data": {"taskId": task}}

    def record(task: str, status: str, response: Any = None) -> Reply:
        return {"code": 200, "msg": "success", "data": {"taskId": task, "status": status, "response": response}}

    def song(_: Said) -> Reply:
        row = {
            "id": "audio_123", "audio_url": f"{paper.address}/media/generated-music.mp3", "title": "Generated Song",
            "tags": "folk, acoustic", "duration": 10.0,
        }  # fmt: skip
        return record("suno_task_abc123", "SUCCESS", {"data": [row]})

    def stems(_: Said) -> Reply:
        media = f"{paper.address}/media"
        info = {"instrumental_url": f"{media}/instrumental.mp3", "vocal_url": f"{media}/vocal.mp3"}
        return record("suno_stems", "SUCCESS", {"vocal_removal_info": info})

    waits = [record("suno_task_abc123", word) for word in ("PENDING", "GENERATING")]
    paper = Paper(
        {
            "POST /upload/api/file-stream-upload": lambda _: {
                "success": True, "code": 200, "msg": "File uploaded successfully",
                "data": {
                    "fileName": "clip.wav", "filePath": "x/clip.wav", "downloadUrl": f"{paper.address}/media/clip.wav",
                    "fileSize": len(as_file(CLIP)), "mimeType": "audio/wav", "uploadedAt": "2026-01-01T00:00:00Z",
                },
            },
            "POST /api/v1/generate/upload-cover": lambda _: created("suno_task_abc123"),
            "GET /api/v1/generate/record-info": lambda said: waits.pop(0) if waits else song(said),
            "POST /api/v1/vocal-removal/generate": lambda _: created("suno_stems"),
            "GET /api/v1/vocal-removal/record-info": stems,
            "GET /media/.*mp3": lambda _: as_file(WHOLE, "MP3"),
        }
    )  # fmt: skip
    with paper.open() as address:
        addresses = {"base_url": address, "upload_url": f"{address}/upload"}
        params = "style: Jazz\nlyrics: Transform\ntitle: Jazz Version\nstems: 2\n"
        send = await sent(tmp_path, "sunoapi", addresses, "cover", params)
    (asked,) = paper.bodies("/api/v1/generate/upload-cover")
    assert asked.pop("callBackUrl").startswith("http")
    assert asked == {
        "uploadUrl": f"{address}/media/clip.wav", "customMode": True, "instrumental": False, "model": "V4_5",
        "style": "Jazz", "title": "Jazz Version", "prompt": "Transform",
    }  # fmt: skip
    (separated,) = paper.bodies("/api/v1/vocal-removal/generate")
    assert (separated["taskId"], separated["audioId"]) == ("suno_task_abc123", "audio_123")
    assert {"mix", "vocals", "instrumental"} <= files_of(send).keys()
    assert_key_for_api_alone(paper, "/media/")


@pytest.mark.parametrize("audio", [TAIL, WHOLE], ids=["the new audio alone", "with the clip"])
async def test_acedata_continues_a_clip_and_writes_its_notes(tmp_path: Path, audio: np.ndarray):
    def task(said: Said) -> Reply:
        wanted = said.json
        if "ids" in wanted:
            return {"items": [one(id_) for id_ in wanted["ids"]], "count": len(wanted["ids"])}
        return one(wanted["id"])

    def one(id_: str) -> dict[str, Any]:
        clip = {
            "id": "song-1", "title": "", "image_url": "", "lyric": "", "audio_url": f"{paper.address}/suno/song-1.mp3",
            "video_url": "", "created_at": "2026-01-01T00:00:00.000Z", "model": "chirp-v4", "state": "succeeded",
            "style": "rock", "duration": len(audio) / RATE_HZ,
        }  # fmt: skip
        data: Any = [clip] if id_ == "task-song" else [{"state": "complete", "instruments": NOTES}]
        response = {"success": True, "task_id": id_, "data": data}
        return {"_id": id_, "id": id_, "created_at": 1.5, "finished_at": 2.5, "elapsed": 1.0, "response": response}

    paper = Paper(
        {
            "POST /platform/api/v1/files/": lambda _: {"file_url": f"{paper.address}/uploads/0815"},
            "POST /suno/upload": lambda _: {"success": True, "task_id": "task-up", "data": {"audio_id": "clip-1"}},
            "POST /suno/audios": lambda _: {"task_id": "task-song"},
            "POST /suno/midi": lambda _: {"success": True, "task_id": "task-midi", "trace_id": "t"},
            "POST /suno/tasks": task,
            "GET /suno/song-1.mp3": lambda _: as_file(audio, "MP3"),
        }
    )
    with paper.open() as address:
        addresses = {"base_url": address, "platform_url": f"{address}/platform"}
        send = await sent(tmp_path, "acedata", addresses, "extend", "style: rock\nmidi: true\n")
    assert paper.bodies("/suno/upload")[0]["audio_url"] == f"{address}/uploads/0815"
    (asked,) = paper.bodies("/suno/audios")
    assert asked.pop("callback_url").startswith("http")
    assert asked == {
        "action": "upload_extend", "model": "chirp-v4", "audio_id": "clip-1", "continue_at": CLIP_S, "custom": True,
        "instrumental": True, "style": "rock", "async": True,
    }  # fmt: skip
    files = files_of(send)
    assert_is_clip_and_new_audio(files["mix"], files["tail"])
    assert files["midi"].read_bytes().startswith(b"MThd")
    assert_key_for_api_alone(paper, "song-1.mp3")


async def test_musicapi_takes_a_clip_from_its_address_and_calls_back_signed(tmp_path: Path):
    called: list[tuple[str, int]] = []

    def take(said: Said) -> Reply:
        asked = said.json
        with urllib.request.urlopen(urllib.request.Request(asked["url"], method="HEAD")) as head:
            assert int(head.headers["Content-Length"]) > 0
        with urllib.request.urlopen(asked["url"]) as clip:
            taken.append(clip.read())
        return {"message": "success", "task_id": "task-1"}

    def standing(_: Said) -> Reply:
        if waits:
            return waits.pop(0)
        (asked,) = paper.bodies("/api/v1/sonic/upload-extend")
        if not called:
            called.append(("wrong secret", call_back(asked["webhook_url"], "somebody's guess")))
            called.append(("its own", call_back(asked["webhook_url"], asked["webhook_secret"])))
        return {"code": 200, "data": [clip("succeeded", f"{paper.address}/cdn/a.mp3")], "message": "success"}

    def clip(state: str, url: str) -> dict[str, Any]:
        return {
            "clip_id": "song-1", "state": state, "title": "My Song", "tags": "pop, rock", "lyrics": "[Instrumental]",
            "image_url": "", "audio_url": url, "video_url": None, "created_at": "2026-01-24T13:28:07", "mv": "sonic-v5",
            "gpt_description_prompt": None, "duration": f"{TAIL_S:.2f}",
        }  # fmt: skip

    taken: list[bytes] = []
    waits: list[Reply] = [
        (202, {"type": "not_ready", "error": "Task is not ready."}),
        {"code": 200, "data": [clip("running", "https://audiopipe.suno.ai/?item_id=song-1")], "message": "success"},
    ]
    paper = Paper(
        {
            "POST /api/v1/sonic/upload-extend": take,
            "GET /api/v1/sonic/task/task-1": standing,
            "POST /api/v1/sonic/midi": lambda _: {
                "code": 200, "data": {"midi_url": f"{paper.address}/cdn/a.mid", "instruments": NOTES},
            },
            "GET /cdn/a.mp3": lambda _: as_file(TAIL, "MP3"),
        }
    )  # fmt: skip
    with paper.open() as address:
        send = await sent(tmp_path, "musicapi", {"base_url": address}, "extend", "style: pop\nmidi: true\n")
    (asked,) = paper.bodies("/api/v1/sonic/upload-extend")
    told = {name: asked[name] for name in ("mv", "custom_mode", "make_instrumental", "tags", "continue_at")}
    expected = {"mv": "sonic-v5", "custom_mode": True, "make_instrumental": True, "tags": "pop", "continue_at": CLIP_S}
    assert told == expected
    assert np.array_equal(soundfile.read(io.BytesIO(taken[0]))[0], soundfile.read(io.BytesIO(as_file(CLIP)))[0])
    assert dict(called)["its own"] < 300
    assert dict(called)["wrong secret"] >= 400
    files = files_of(send)
    assert_is_clip_and_new_audio(files["mix"], files["tail"])
    assert files["midi"].read_bytes().startswith(b"MThd")
    assert_key_for_api_alone(paper, "/cdn/")


def call_back(url: str, secret: str) -> int:
    """As MusicAPI does it; the status of the answer."""
    body = json.dumps({"code": 200, "task_id": "task-1", "platform": "sonic", "event": "song.completed"}).encode()
    stamp = str(int(time.time()))
    signature = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json", "X-Webhook-Id": "event-1", "X-Webhook-Event": "song.completed",
        "X-Webhook-Timestamp": stamp, "X-Webhook-Signature": f"sha256={signature}",
    }  # fmt: skip
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code
