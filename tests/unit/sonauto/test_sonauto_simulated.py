"""The bridge on its simulator: every operation from the clip to the files, and the troubles on the way."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

import pytest
import pytest_asyncio
import soundfile
from sendreturn.contract import EarlierTake
from sendreturn.errors import Outcome, ServiceError
from sendreturn.words import Kind
from sendreturn_bridges.services.sonauto.client import STRANGE_LOOKS
from sonauto_rig import CLIP_S, MANIFEST, driven, write_noise

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def life(tmp_path_factory):
    """One simulator for all tests: to start and stop one takes longer than most of them."""
    async with driven(tmp_path_factory.mktemp("sonauto")) as rig:
        yield rig


@pytest.fixture
def rig(life):
    life.begin_anew()
    return life


def length_s(path):
    return soundfile.info(str(path)).duration


# The operations


async def test_a_clip_is_continued_to_the_right_by_v2(rig):
    report = await rig.make("extend", style="rock", extend_s=2.0)
    path = await rig.fetch(report)
    assert length_s(path) == pytest.approx(CLIP_S + 2.0, abs=0.01)
    assert soundfile.info(str(path)).format == "WAV"
    assert rig.paths() == ["/v1/generations/v2/extend"]
    assert [line.credits for line in rig.simulator.ledger] == [100.0]
    assert report.takes[0].files[0].covers == "all"


async def test_from_s_and_the_left_side_leave_out_what_the_user_says(rig):
    report = await rig.make("extend", style="rock", extend_s=2.0, side="left", from_s=1.0, takes=2)
    assert length_s(await rig.fetch(report, 1)) == pytest.approx(CLIP_S - 1.0 + 2.0, abs=0.01)
    assert len(report.takes) == 2
    assert [line.credits for line in rig.simulator.ledger] == [150.0]


async def test_v3_continues_a_clip(rig):
    report = await rig.make("extend", style="rock", model="v3", from_s=3.0)
    assert rig.paths() == ["/v1/generations/v3/extend"]
    assert length_s(await rig.fetch(report)) == pytest.approx(3.0 + 2.0, abs=0.01)


@pytest.mark.parametrize("strict", ["accept", "refuse"])
async def test_a_section_is_made_anew_whether_or_not_a_prompt_would_be_taken(rig, strict):
    rig.turn(inpaint_prompt=strict)
    report = await rig.make("inpaint", section_s=[1.0, 2.0], prompt="brighter")
    assert length_s(await rig.fetch(report)) == pytest.approx(CLIP_S, abs=0.01)
    assert [file.kind for file in report.takes[0].files] == [Kind.MIX]


async def test_a_section_alone(rig):
    report = await rig.make("inpaint", section_s=[1.0, 2.0], service_options={"selection_crop": True})
    assert report.takes[0].files[0].covers == "section"
    assert length_s(await rig.fetch(report)) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(("model", "path"), [("v3", "/v1/generations/v3"), ("v2", "/v1/generations/v2")])
@pytest.mark.parametrize("strict", ["accept", "refuse"])
async def test_a_song_of_words(rig, model, path, strict):
    rig.turn(v3_three_texts=strict)
    report = await rig.make("generate", model=model, prompt="a song", style="rock", lyrics="[Verse 1]\nrain")
    assert rig.paths() == [path]
    song, lyrics = report.takes[0].files
    assert (lyrics.kind, lyrics.text) == (Kind.LYRICS, "[Verse 1]\nrain\n")
    assert song.made_by == {"v3": "Sonauto v3-preview", "v2": "Sonauto v2.2"}[model]
    assert length_s(await rig.fetch(report)) == pytest.approx(3.0, abs=0.01)


async def test_an_instrumental_has_no_lyrics(rig):
    report = await rig.make("generate", prompt="x", instrumental=True)
    assert [file.kind for file in report.takes[0].files] == [Kind.MIX]


# Waiting


@pytest.mark.parametrize("shape", ["string", "bare", "object"])
async def test_the_status_is_read_in_every_shape(rig, shape):
    rig.turn(status_shape=shape, looks=3)
    report = await rig.make("extend", style="rock", extend_s=2.0)
    assert report.takes
    assert rig.texts[0] == "the request was received"
    assert len(rig.texts) == 3


async def test_a_song_can_be_heard_while_it_is_made_and_only_then(rig):
    rig.turn(looks=14)
    call = rig.call("generate", prompt="x")
    task_id = (await rig.submit(call)).task_id
    address = f"{rig.simulator.address}/stream/{task_id}"
    with pytest.raises(urllib.error.HTTPError) as caught:
        await asyncio.to_thread(urllib.request.urlopen, address)
    caught.value.close()
    assert caught.value.code == 400
    while address not in (text := (await rig.bridge.look(call, task_id, rig.folder)).text):
        assert "listen" not in text
    assert text == f"making the song; listen to it already at {address}"
    kind, start = await asyncio.to_thread(_start_of, address)
    assert (kind, start) == ('audio/ogg; codecs="opus"', b"OggS")
    assert (await rig.wait(call, task_id)).takes


def _start_of(address: str) -> tuple[str, bytes]:
    with urllib.request.urlopen(address) as answer:
        return answer.headers["Content-Type"], answer.read()[:4]


@pytest.mark.parametrize("ends", ["SUCCESS", "FAILURE"])
async def test_an_alignment_is_waited_for_and_its_failure_costs_no_song(rig, ends):
    rig.turn(alignment=ends)
    report = await rig.make("generate", prompt="x", lyrics="rain falls", service_options={"align_lyrics": True})
    assert rig.texts.count("aligning the lyrics") == 3
    assert report.takes[0].files[1].text == "rain falls\n"
    assert "gave no times" in report.takes[0].notes[0]


async def test_times_of_words_become_lrc(rig):
    rig.turn(timings=True)
    report = await rig.make("generate", prompt="x", lyrics="rain falls", service_options={"align_lyrics": True})
    assert report.takes[0].files[1].text == "[00:00.00]<00:00.00>rain <00:00.50>falls\n"
    assert report.takes[0].notes == ()


async def test_a_failure_is_free_and_told(rig):
    rig.turn(fail_task="Out of GPU memory")
    report = await rig.make("extend", style="rock", extend_s=2.0)
    assert report.failed == "Sonauto could not make it: Out of GPU memory. Nothing was billed."
    assert sum(line.credits for line in rig.simulator.ledger) == 0


# The clip


async def test_a_clip_that_is_too_large_is_packed_and_that_is_told(rig, monkeypatch, tmp_path):
    clip = write_noise(tmp_path / "noise.wav", 3.0, level=0.001)
    monkeypatch.setitem(MANIFEST.limits, "encoded_bytes", 400_000)
    call = rig.call("extend", style="rock", extend_s=2.0)
    report = await rig.wait(call, (await rig.submit(call, clip)).task_id)
    assert report.takes[0].notes == ("The clip was too large for Sonauto as it is; it went there as a 24-bit FLAC.",)
    monkeypatch.undo()
    report = await rig.wait(call, (await rig.submit(call)).task_id)
    assert report.takes[0].notes == ()


async def test_a_clip_that_cannot_be_packed_small_enough_is_refused_before_anything_is_sent(rig, monkeypatch, tmp_path):
    clip = write_noise(tmp_path / "noise.wav", 3.0)
    monkeypatch.setitem(MANIFEST.limits, "encoded_bytes", 200_000)
    with pytest.raises(ServiceError, match=r"Send about \d s of it with range_s") as caught:
        await rig.submit(rig.call("extend", style="rock"), clip)
    assert caught.value.outcome is Outcome.GIVE_UP
    assert rig.simulator.requests == []


async def test_a_large_clip_goes_as_an_address_where_there_is_one(rig, monkeypatch):
    monkeypatch.setitem(MANIFEST.limits, "encoded_bytes", 1000)
    earlier = await rig.simulator.add_clip(rig.clip.path)
    call = rig.call("extend", style="rock", extend_s=2.0)
    accepted = await rig.submit(call, clip_url=rig.simulator.address_of(earlier))
    assert length_s(await rig.fetch(await rig.wait(call, accepted.task_id))) == pytest.approx(CLIP_S + 2, abs=0.01)


async def test_an_earlier_song_is_not_sent_again(rig):
    first = await rig.make("extend", style="rock", extend_s=2.0)
    rig.simulator.requests.clear()
    earlier = EarlierTake(first.takes[0].clip_id)
    report = await rig.make("extend", style="rock", extend_s=2.0, earlier=earlier)
    (post,) = [heard for heard in rig.simulator.requests if heard.method == "POST"]
    assert post.body_bytes < 1000
    assert length_s(await rig.fetch(report)) == pytest.approx(CLIP_S + 4.0, abs=0.01)


@pytest.mark.parametrize("name", ["gone-task/0", "another services name"])
async def test_an_earlier_song_that_is_not_known_is_sent_as_a_clip(rig, name):
    report = await rig.make("extend", style="rock", extend_s=2.0, earlier=EarlierTake(name))
    assert length_s(await rig.fetch(report)) == pytest.approx(CLIP_S + 2.0, abs=0.01)


async def test_a_missing_clip_is_told_before_anything_is_sent(rig, tmp_path):
    clip = write_noise(tmp_path / "noise.wav", 1.0)
    clip.path.unlink()
    with pytest.raises(ServiceError, match="could not be made ready") as caught:
        await rig.submit(rig.call("extend", style="rock"), clip)
    assert caught.value.outcome is Outcome.GIVE_UP
    assert rig.simulator.requests == []


# Objections


@pytest.mark.parametrize("shape", ["text", "list"])
async def test_an_unknown_tag_is_named_and_costs_nothing(rig, shape):
    rig.turn(detail_shape=shape)
    with pytest.raises(ServiceError, match="does not take the style “male vocals”") as caught:
        await rig.make("extend", style="rock, male vocals")
    assert caught.value.outcome is Outcome.ASK
    assert rig.simulator.ledger == []


@pytest.mark.parametrize(
    ("switches", "params", "words"),
    [
        ({"moderated_word": "gore"}, {"prompt": "gore"}, "moderation objects"),
        ({"no_credits_status": 402.0}, {}, "not enough credits"),
        ({"no_credits_status": 403.0}, {}, "not enough credits"),
    ],
)
async def test_what_the_user_must_change_is_said(rig, switches, params, words):
    rig.turn(**switches)
    rig.simulator.balance = 10_000.0 if "moderated_word" in switches else 50.0
    with pytest.raises(ServiceError, match=words) as caught:
        await rig.make("extend", **params)
    assert caught.value.outcome is Outcome.ASK
    assert rig.simulator.ledger == []


async def test_a_duplicate_upload_is_told(rig):
    await rig.make("extend", style="rock", extend_s=2.0)
    rig.turn(duplicate_uploads="refuse")
    with pytest.raises(ServiceError, match="has this clip already"):
        await rig.make("extend", style="rock", extend_s=2.0)


@pytest.mark.parametrize(
    ("trouble", "outcome", "billed"),
    [
        ({"rate_limited_once": True}, Outcome.RETRY, 0),
        ({"die_before_answer": "after_billing"}, Outcome.UNKNOWN, 1),
        ({"die_before_answer": "before_billing"}, Outcome.UNKNOWN, 0),
        ({"http_500_after_billing": True}, Outcome.UNKNOWN, 1),
        ({"fail_next": {"status": 200, "body": {"ok": True}, "billed": True}}, Outcome.UNKNOWN, 1),
        ({"fail_next": {"status": 503, "body": {"detail": "busy"}}}, Outcome.UNKNOWN, 0),
    ],
)
async def test_a_paid_request_is_made_once_and_doubt_is_called_doubt(rig, trouble: dict[str, Any], outcome, billed):
    rig.turn(**trouble)
    with pytest.raises(ServiceError) as caught:
        await rig.submit(rig.call("extend", style="rock"))
    assert caught.value.outcome is outcome
    assert len(rig.paths()) == 1
    assert len(rig.simulator.ledger) == billed


async def test_a_task_that_nobody_knows_for_some_looks_is_given_up(rig):
    call = rig.call("extend", style="rock")
    for _ in range(STRANGE_LOOKS - 1):
        assert not (await rig.bridge.look(call, "no-such-task", rig.folder)).done
    with pytest.raises(ServiceError, match="does not know this task") as caught:
        await rig.bridge.look(call, "no-such-task", rig.folder)
    assert caught.value.outcome is Outcome.GIVE_UP


# Fetching


async def test_a_song_whose_address_has_expired_is_asked_for_anew(rig):
    report = await rig.make("extend", style="rock", extend_s=2.0)
    rig.turn(expire_media=1)
    assert length_s(await rig.fetch(report)) == pytest.approx(CLIP_S + 2.0, abs=0.01)


async def test_the_key_stays_with_the_api(rig):
    await rig.fetch(await rig.make("generate", prompt="x"))
    by_door = {heard.door: heard for heard in rig.simulator.requests}
    assert by_door["api"].had_credentials
    assert not by_door["media"].had_credentials
    assert not by_door["media"].had_key


# The account


async def test_credits_are_told_in_their_two_pots(rig):
    rig.simulator.balance = 1100.0
    balance = await rig.bridge.balance()
    assert balance.credits == 1100
    assert balance.parts == {"subscription": 900, "pay as you go": 200}


async def test_sonauto_is_told_where_to_call_back(rig):
    heard: list[dict[str, Any]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        heard.append(json.loads(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    call = rig.call("extend", style="rock", extend_s=2.0)
    task_id = (await rig.submit(call, callback_url=f"http://127.0.0.1:{port}/webhooks/sonauto/1/token")).task_id
    await rig.wait(call, task_id)
    await rig.simulator.idle()
    server.close()
    await server.wait_closed()
    assert sorted(body["status"] for body in heard) == ["RECEIVED", "SUCCESS"]
    assert {body["task_id"] for body in heard} == {task_id}
    assert rig.bridge.is_genuine({}, b"", "")
