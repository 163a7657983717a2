"""A file that goes out as base64 inside JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bad_server import BadServer, Reset, as_json
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.api import Api
from sendreturn.net.enclosed import BLOCK, Enclosed, EnclosedBody, encoded_bytes
from sendreturn.net.limiter import Limiter


@pytest.fixture
async def api(server: BadServer) -> AsyncIterator[Api]:
    api = Api(
        base_url=f"{server.url}/v1", title="Example", key=None, limiter=Limiter(0, 0), classify=lambda answer: None
    )
    yield api
    await api.close()


async def written(body: bytes, path: Path) -> tuple[bytes, int, int]:
    with path.open("rb") as file:
        enclosed = EnclosedBody(body, "audio_base64", file)
        pieces = [piece async for piece in enclosed.pieces()]
    return b"".join(pieces), enclosed.length, max(map(len, pieces))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 1000, BLOCK - 1, BLOCK, 2 * BLOCK + 1])
@pytest.mark.parametrize("body", [b"{}", b'{"side": "right", "more": {"a": [1]}}'])
async def test_the_body_is_json_with_the_whole_file_and_as_long_as_it_says(tmp_path: Path, body: bytes, size: int):
    data = bytes(index % 251 for index in range(size))
    (tmp_path / "clip").write_bytes(data)
    text, length, longest = await written(body, tmp_path / "clip")
    assert len(text) == length
    assert longest <= encoded_bytes(BLOCK)
    value = json.loads(text)
    assert base64.b64decode(value.pop("audio_base64"), validate=True) == data
    assert value == json.loads(body)


async def test_a_file_that_becomes_shorter_is_no_body(tmp_path: Path):
    path = tmp_path / "clip"
    path.write_bytes(bytes(2 * BLOCK))
    with path.open("rb") as file:
        pieces = EnclosedBody(b"{}", "audio_base64", file).pieces()
        await anext(pieces)
        path.write_bytes(b"short")
        with pytest.raises(OSError, match="became shorter"):
            await anext(pieces)


async def test_a_file_goes_out_inside_a_paid_request(server: BadServer, api: Api, tmp_path: Path):
    clip = tmp_path / "clip.flac"
    clip.write_bytes(bytes(range(256)) * 8000)
    server.plays(as_json({"task_id": "7"}))
    got = await api.post("extend", {"side": "left"}, enclosed=Enclosed(clip, "audio_base64"))
    assert got.body == {"task_id": "7"}
    (seen,) = server.seen
    assert "transfer-encoding" not in seen.headers
    assert json.loads(seen.body) == {"side": "left", "audio_base64": base64.b64encode(clip.read_bytes()).decode()}


async def test_a_missing_file_is_told_before_anything_is_sent(server: BadServer, api: Api, tmp_path: Path):
    with pytest.raises(ServiceError, match="clip could not be read") as caught:
        await api.post("extend", {}, enclosed=Enclosed(tmp_path / "no.flac", "audio_base64"))
    assert caught.value.outcome is Outcome.GIVE_UP
    assert not server.seen


async def test_a_connection_that_breaks_afterwards_leaves_the_fate_open(server: BadServer, api: Api, tmp_path: Path):
    clip = tmp_path / "clip.flac"
    clip.write_bytes(bytes(3 * BLOCK))
    server.plays([Reset()])
    with pytest.raises(ServiceError) as caught:
        await api.post("extend", {}, enclosed=Enclosed(clip, "audio_base64"))
    assert caught.value.outcome is Outcome.UNKNOWN
    assert len(server.seen) == 1
