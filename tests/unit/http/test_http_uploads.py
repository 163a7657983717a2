"""Clips that come by HTTP: where they land, under which name, and what is refused."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from http_rig import HttpRig
from sendreturn.errors import ClipError
from sendreturn.sends import http_door, uploads
from ways_in_fakes import wav_bytes


@pytest.fixture
def rig(tmp_path: Path) -> HttpRig:
    (tmp_path / "Song").mkdir()
    return HttpRig(tmp_path / "Song")


async def upload(rig: HttpRig, name: str = "riff.wav", content: bytes | None = None, **fields: str):
    form = {"operation": "extend", "session": str(rig.session), **fields}
    files = {"audio": (name, wav_bytes() if content is None else content, "audio/wav")}
    return await rig.http.post("/api/sends", data=form, files=files)


def kept(rig: HttpRig) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (rig.session / "Sends" / "sent").iterdir()}


async def test_an_upload_lands_among_the_sent_clips_and_is_sent(rig: HttpRig):
    answer = await upload(rig, params='{"extend_s": 8}', service="local")
    assert answer.status_code == 202
    assert answer.json() == {"id": "00000001", "state": "queued"}
    assert kept(rig) == {"riff.wav": wav_bytes()}
    (wish,) = rig.desk.wishes
    assert wish.clip == rig.session / "Sends" / "sent" / "riff.wav"
    assert (wish.session, wish.operation, wish.service) == (rig.session, "extend", "local")
    assert wish.params == {"extend_s": 8}


@pytest.mark.parametrize("part", ["file", "clip"])
async def test_the_part_with_the_file_may_have_any_name(rig: HttpRig, part: str):
    form = {"operation": "extend", "session": str(rig.session)}
    answer = await rig.http.post("/api/sends", data=form, files={part: ("riff.wav", wav_bytes())})
    assert answer.status_code == 202
    assert kept(rig) == {"riff.wav": wav_bytes()}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
async def test_an_upload_may_be_read_by_whoever_may_read_the_session(rig: HttpRig):
    before = os.umask(0o027)
    try:
        await upload(rig)
    finally:
        os.umask(before)
    assert (rig.session / "Sends" / "sent" / "riff.wav").stat().st_mode & 0o777 == 0o640


async def test_an_upload_overwrites_nothing(rig: HttpRig):
    (rig.session / "Sends" / "sent").mkdir(parents=True)
    (rig.session / "Sends" / "sent" / "riff.wav").write_bytes(b"the user's own")
    for value in (1, 2):
        assert (await upload(rig, content=wav_bytes(value=value))).status_code == 202
    assert kept(rig) == {
        "riff.wav": b"the user's own",
        "riff (2).wav": wav_bytes(value=1),
        "riff (3).wav": wav_bytes(value=2),
    }
    assert [wish.clip.name for wish in rig.desk.wishes if wish.clip] == ["riff (2).wav", "riff (3).wav"]


@pytest.mark.parametrize(
    ("given", "kept_as"),
    [
        ("../../../etc/passwd", "passwd"),
        ("..\\..\\boot.WAV", "boot.wav"),
        ("/abs/olute.wav", "olute.wav"),
        ("C:\\Users\\me\\riff.wav", "riff.wav"),
        ("..", "clip"),
        (".sendreturn-x.wav", "sendreturn-x.wav"),
        (".hidden.wav", "hidden.wav"),
        ("con.wav", "_con.wav"),
        ("a:b*c?<>|.wav", "a_b_c____.wav"),
        ("riff.w*v", "riff"),
        (f"riff.{'x' * 200}", "riff"),
        ("Gitarre für Jürgen 🎸.wav", "Gitarre für Jürgen 🎸.wav"),
    ],
)
async def test_a_foreign_name_becomes_a_safe_one(rig: HttpRig, given: str, kept_as: str, tmp_path: Path):
    assert (await upload(rig, given)).status_code == 202
    assert list(kept(rig)) == [kept_as]
    assert {path.name for path in tmp_path.iterdir()} == {"Song"}


async def test_an_upload_that_names_no_session_goes_into_the_only_one(rig: HttpRig):
    rig.only_session = rig.session
    answer = await rig.http.post(
        "/api/sends", data={"operation": "extend"}, files={"audio": ("riff.wav", b"RIFF", "audio/wav")}
    )
    assert answer.status_code == 202
    (wish,) = rig.desk.wishes
    assert (wish.session, wish.clip) == (rig.session, rig.session / "Sends" / "sent" / "riff.wav")


async def test_a_very_long_name_is_shortened(rig: HttpRig):
    assert (await upload(rig, f"{'x' * 4000}.wav")).status_code == 202
    (name,) = kept(rig)
    assert name.endswith("x.wav")
    assert len(name.encode()) <= 100


@pytest.mark.parametrize(
    "request_of",
    [
        {"data": {"operation": "extend", "session": "SONG"}, "files": {"audio": (None, b"RIFF")}},
        {"data": {"operation": "extend"}, "files": {"audio": ("a.wav", b"RIFF")}},
        {"data": {"operation": "extend", "session": ""}, "files": {"audio": ("a.wav", b"RIFF")}},
        {"data": {"operation": "extend", "session": "Song"}, "files": {"audio": ("a.wav", b"RIFF")}},
        {"data": {"operation": "extend", "session": "SONG/nowhere"}, "files": {"audio": ("a.wav", b"RIFF")}},
        {"data": {"session": "SONG"}, "files": {"audio": ("a.wav", b"RIFF")}},
        {"data": {"operation": "extend", "session": "SONG", "params": "{"}, "files": {"audio": ("a.wav", b"RIFF")}},
        {"data": {"operation": "extend", "session": "SONG", "stile": "x"}, "files": {"audio": ("a.wav", b"RIFF")}},
        {"data": {"operation": "extend", "session": "SONG"}, "files": [("audio", ("a", b"R")), ("file", ("b", b"R"))]},
        {"data": {f"f{n}": "x" for n in range(40)}, "files": {"audio": ("a.wav", b"RIFF")}},
        {"content": b"--x\r\nnonsense", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"content": b"--x\r\nnonsense", "headers": {"Content-Type": "Multipart/Form-Data"}},
    ],
)
async def test_an_upload_that_lacks_something_is_told_and_leaves_nothing(rig: HttpRig, request_of: dict):
    data = {name: value.replace("SONG", str(rig.session)) for name, value in request_of.get("data", {}).items()}
    answer = await rig.http.post("/api/sends", **{**request_of, **({"data": data} if data else {})})
    assert answer.status_code == 400
    assert answer.json()["error"]["what"].endswith(".")
    assert rig.desk.handed_in == 0
    assert list(rig.session.rglob("*")) == []


async def test_an_upload_that_the_desk_refuses_is_not_kept(rig: HttpRig):
    rig.desk.refusal = ClipError("“riff.wav” holds no audio.")
    assert (await upload(rig)).status_code == 400
    assert kept(rig) == {}


async def test_a_repeated_upload_is_kept_once(rig: HttpRig):
    first, second = [(await upload(rig, req="7")).json() for _ in range(2)]
    assert first == second
    assert list(kept(rig)) == ["riff.wav"]


async def test_an_upload_without_the_token_is_not_even_read(rig: HttpRig):
    async def content():
        raise AssertionError("the body was read")
        yield b""

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert (await rig.stranger.post("/api/sends", content=content(), headers=headers)).status_code == 401


async def test_an_upload_that_is_too_large_leaves_nothing(rig: HttpRig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_door, "MOST_BODY_BYTES", 10_000)
    assert (await upload(rig, content=bytes(8000))).status_code == 202
    answer = await upload(rig, content=bytes(20_000))
    assert answer.status_code == 400
    assert "larger" in answer.json()["error"]["what"]
    assert list(kept(rig)) == ["riff.wav"]


async def test_a_body_announced_as_too_large_is_not_read(rig: HttpRig):
    async def content():
        raise AssertionError("the body was read")
        yield b""

    headers = {"Content-Length": str(5 << 30), "Content-Type": "multipart/form-data; boundary=x"}
    answer = await rig.http.post("/api/sends", content=content(), headers=headers)
    assert answer.status_code == 400
    assert "larger than 4 GB" in answer.json()["error"]["what"]


async def test_a_full_disk_is_told_and_leaves_no_half_file(rig: HttpRig, monkeypatch: pytest.MonkeyPatch):
    def no_room(_temp: Path, _final: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(uploads, "place", no_room)
    answer = await upload(rig)
    assert answer.status_code == 500
    assert "No space left" in answer.json()["error"]["what"]
    assert kept(rig) == {}
