"""The bridge on its simulator: every operation from the clip to the files, and the troubles on the way."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from dataclasses import replace

import pytest
import pytest_asyncio
import soundfile
from acedata_rig import CLIP_S, driven, write_clip
from acedata_samples import ask, song
from sendreturn.contract import UNSAID, Call, Way
from sendreturn.errors import Outcome, Refusal, ServiceError
from sendreturn.words import Kind

UPLOAD, SONG = "/suno/upload", 0.56


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def life(tmp_path_factory):
    """One simulator for all tests: to start and stop one takes longer than most of them."""
    async with driven(tmp_path_factory.mktemp("acedata")) as rig:
        yield rig


@pytest.fixture
def rig(life):
    life.begin_anew()
    return life


def paths(rig):
    return [heard.path for heard in rig.simulator.requests if heard.door == "api"]


def length_s(path):
    return soundfile.info(str(path)).duration


async def test_a_clip_is_uploaded_known_and_continued_and_only_what_was_asked_for_is_billed(rig):
    done = await rig.make("extend", style="dub")
    takes = done["main"].takes
    assert len(takes) == 2
    assert [line.call for line in rig.simulator.ledger] == [UPLOAD, "upload_extend"]
    assert done["main"].cost_credits == SONG
    (mix, _) = takes[0].files
    assert (mix.kind, mix.covers) == (Kind.TAIL, "tail")
    assert length_s(await rig.fetch(mix)) == pytest.approx(mix.duration_s, abs=0.1)


async def test_a_continuation_that_may_come_with_its_clip_is_to_be_listened_to(rig):
    rig.turn({"extend_returns": "all"})
    made = (await rig.make("extend"))["main"].takes[0].files[0]
    assert (made.kind, made.covers) == (Kind.MIX, UNSAID)
    assert made.duration_s > CLIP_S


@pytest.mark.parametrize(
    ("generation", "takes", "covers"), [("full", 2, "all"), ("one", 1, "all"), ("fragments", 2, "section")]
)
async def test_a_replaced_section_comes_back_in_each_of_its_shapes(rig, generation, takes, covers):
    rig.turn({"replace_section": generation})
    done = await rig.make("inpaint", section_s=[1, 2])
    assert [take.files[0].covers for take in done["main"].takes] == [covers] * takes


@pytest.mark.parametrize(
    ("operation", "params", "kinds"),
    [
        ("cover", {"style": "jazz"}, {Kind.MIX, Kind.IMAGE}),
        ("generate", {"prompt": "a calm song", "clip_s": None}, {Kind.MIX, Kind.LYRICS, Kind.IMAGE}),
        ("stems", {}, {Kind.STEM}),
        ("remaster", {}, {Kind.MIX, Kind.IMAGE}),
        ("add_vocals", {"lyrics": "Oh"}, {Kind.MIX, Kind.LYRICS, Kind.IMAGE}),
        ("add_instrumental", {"style": "funk"}, {Kind.MIX, Kind.IMAGE}),
        ("sample", {"section_s": [0, 2]}, {Kind.MIX, Kind.IMAGE}),
        ("persona", {"title": "Ann", "section_s": [0, 2]}, {Kind.LYRICS}),
        ("vox", {}, {Kind.STEM, Kind.LYRICS}),
        ("lyrics", {"prompt": "sea", "clip_s": None}, {Kind.LYRICS}),
        ("tags", {"style": "dub", "clip_s": None}, {Kind.LYRICS}),
        ("timed_lyrics", {}, {Kind.LYRICS}),
        ("midi", {}, {Kind.MIDI}),
        ("wav", {}, {Kind.MIX}),
        ("video", {}, {Kind.VIDEO}),
        ("cover", {"style": "jazz", "service_options": {"api": "producer"}}, {Kind.MIX, Kind.LYRICS, Kind.IMAGE}),
    ],
)
@pytest.mark.slow
async def test_every_operation_brings_its_files(rig, operation, params, kinds):
    takes = (await rig.make(operation, **params))["main"].takes
    assert {made.kind for take in takes for made in take.files} == kinds
    assert all(path.stat().st_size for path in await rig.fetch_all(takes))


async def test_a_voice_is_cloned_from_the_clip_itself(rig, tmp_path):
    rig_of_long_clip = replace(rig, clip=write_clip(tmp_path / "voice.wav", 10.5))
    takes = (await rig_of_long_clip.make("persona", service_options={"api": "voices"}))["main"].takes
    assert takes[0].told["persona_id"]
    assert [line.call for line in rig.simulator.ledger] == ["/suno/voices"]


async def test_a_call_back_is_only_a_hint_and_carries_the_result(rig, tmp_path):
    (call,) = rig.bridge.plan(ask("generate", clip_s=None, prompt="a song")).calls
    hook = f"{rig.simulator.address}/hook"
    accepted = await rig.bridge.submit(call, Way(tmp_path, callback_url=hook))
    assert (await rig.wait(call, accepted.task_id)).takes
    await rig.simulator.idle()
    assert paths(rig).count("/hook") == 1
    assert rig.bridge.is_genuine({}, b"", "secret")


async def test_twelve_stems_come_in_two_sets_and_add_up_to_files(rig):
    takes = (await rig.make("stems", stems=12))["main"].takes
    assert [len(take.files) for take in takes] == [12, 12]
    assert rig.simulator.ledger[-1].credits == 1.12


async def test_a_returned_take_is_continued_and_joined_without_an_upload(rig):
    first = (await rig.make("extend"))["main"].takes[0]
    uploads = paths(rig).count(UPLOAD)
    joined = (await rig.make("concat", earlier=first.clip_id))["main"].takes
    assert paths(rig).count(UPLOAD) == uploads
    (take,) = joined
    assert take.files[0].duration_s == pytest.approx(CLIP_S + first.files[0].duration_s, abs=0.2)


async def test_two_songs_are_mixed(rig):
    other = (await rig.make("cover", style="jazz"))["main"].takes[0].clip_id
    done = await rig.make("mashup", style="dub", service_options={"mashup_audio_ids": [other]})
    assert len(done["main"].takes) == 2


async def test_all_that_is_bought_for_a_take_arrives_with_its_own_bill(rig):
    options = {"timed_lyrics": True, "video": True}
    done = await rig.make("cover", style="jazz", stems=2, midi=True, wav=True, service_options=options)
    assert set(done) == {"upload", "main"} | {
        f"{name}-{n}" for name in ("stems", "midi", "wav", "timed_lyrics", "video") for n in (1, 2)
    }
    assert [file.kind for file in done["main"].takes[0].files] == [Kind.IMAGE]
    (wav,) = done["wav-1"].takes[0].files
    assert wav.kind is Kind.MIX
    assert soundfile.info(str(await rig.fetch(wav))).format == "WAV"
    assert done["midi-2"].takes[0].files[0].tracks
    (words,) = done["timed_lyrics-1"].takes[0].files
    assert (await rig.fetch(words)).read_text("utf-8").startswith("[00:00.")
    billed = sum(line.credits for line in rig.simulator.ledger)
    assert billed == pytest.approx(sum(report.cost_credits or 0 for report in done.values()))


async def test_what_is_bought_for_a_take_may_fail_without_the_take(rig):
    rig.turn({"midi_empty": True})
    done = await rig.make("cover", style="jazz", midi=True)
    assert done["midi-1"].failed == "AceData finished, but gave no notes."
    assert len(done["main"].takes) == 2


@pytest.mark.parametrize(
    "switches",
    [
        {"async_reply": "success"},
        {"pending": "preview"},
        {"no_finished_at": True},
        {"model_echo": "internal"},
        {"model_echo": "empty"},
        {"tells_cost": False},
        {"negative_field": "style_negative"},
        {"looks": 4, "pending": "preview"},
    ],
    ids=lambda switches: "-".join(switches),
)
async def test_a_cover_comes_back_whatever_shape_the_answers_have(rig, switches):
    rig.turn(switches)
    done = await rig.make("cover", style="jazz", negative_style="rock")
    assert len(done["main"].takes) == 2


@pytest.mark.parametrize("shape", ["object", "text", "list", "null"])
async def test_a_task_that_fails_says_why_and_is_refunded(rig, shape):
    rig.turn({"error_shape": shape})
    asked = ask("generate", clip_s=None, prompt="a song")
    (call,) = rig.bridge.plan(asked).calls
    rig.simulator.switches["fail_task"] = "forbidden: Prompt flagged for moderation"
    report = await rig.one(call, asked)
    assert report.failed
    assert ("moderation" in report.failed) == (shape != "null")
    assert sum(line.credits for line in rig.simulator.ledger) == pytest.approx(0.0)


@pytest.mark.parametrize("worker", [False, True])
@pytest.mark.parametrize(
    ("switches", "outcome", "says"),
    [
        ({"rate_limited_once": True}, Outcome.RETRY, "too many requests"),
        ({"die_before_answer": "after_billing"}, Outcome.UNKNOWN, "did not come back"),
        ({"http_500_after_billing": True}, Outcome.UNKNOWN, "broke down"),
    ],
)
async def test_a_request_is_repeatable_only_where_it_was_certainly_not_taken(
    rig, tmp_path, worker, switches, outcome, says
):
    rig.turn({"worker_envelope": worker, **switches})
    (call,) = rig.bridge.plan(ask("generate", clip_s=None, prompt="a song")).calls
    with pytest.raises(ServiceError) as raised:
        await rig.bridge.submit(call, Way(tmp_path))
    assert raised.value.outcome is outcome
    assert says in raised.value.what
    assert paths(rig).count("/suno/audios") == 1


async def test_an_empty_account_is_told_apart_from_a_bad_key(rig):
    rig.simulator.balance = 0.0
    with pytest.raises(ServiceError, match="balance is used up"):
        await rig.make("generate", clip_s=None, prompt="a song")


@pytest.mark.parametrize("status", [400, 402])
async def test_a_missing_token_is_about_the_key(rig, status):
    rig.turn({"missing_token": status})
    with pytest.raises(urllib.error.HTTPError) as raised:
        await asyncio.to_thread(urllib.request.urlopen, f"{rig.simulator.address}/suno/style", b"{}")
    raised.value.close()
    assert raised.value.code == status


async def test_questions_that_fail_are_passing_trouble(rig, tmp_path):
    rig.turn({"fail_looks": 100})
    (call,) = rig.bridge.plan(ask("generate", clip_s=None, prompt="a song")).calls
    accepted = await rig.bridge.submit(call, Way(tmp_path))
    with pytest.raises(ServiceError) as raised:
        await rig.bridge.look(call, accepted.task_id, tmp_path)
    assert raised.value.outcome is Outcome.RETRY


async def test_many_waiting_tasks_share_their_questions(rig, tmp_path):
    rig.turn({"looks": 3})
    (call,) = rig.bridge.plan(ask("generate", clip_s=None, prompt="a song")).calls
    tasks = [(await rig.bridge.submit(call, Way(tmp_path))).task_id for _ in range(60)]
    reports = await asyncio.gather(*(rig.bridge.look(call, task_id, tmp_path) for task_id in tasks))
    assert not any(report.done for report in reports)
    assert paths(rig).count("/suno/tasks") <= 3


async def test_a_task_that_acedata_does_not_know_is_not_taken_for_a_failed_one(rig, tmp_path):
    (call,) = rig.bridge.plan(ask("generate", clip_s=None, prompt="a song")).calls
    assert not (await rig.bridge.look(call, "nobody", tmp_path)).done


async def test_a_clip_that_is_too_large_is_not_sent(rig, tmp_path):
    large = replace(rig.clip, path=tmp_path / "large.wav")
    with large.path.open("wb") as file:
        file.truncate(101 * 2**20)
    with pytest.raises(Refusal, match="101 MiB"):
        await rig.bridge.upload(large, tmp_path)
    assert paths(rig) == []


async def test_the_key_is_never_given_to_the_file_server_nor_shown(rig):
    await rig.fetch_all((await rig.make("cover", style="jazz"))["main"].takes)
    media = [heard for heard in rig.simulator.requests if heard.door == "media"]
    assert media
    assert not any(heard.had_key or heard.had_credentials for heard in media)
    assert not any(rig.simulator.key in json.dumps(call.fields) for call in rig.calls)


async def test_what_is_left_is_told_for_an_application(tmp_path):
    async with driven(tmp_path, application_id="app") as rig:
        assert rig.bridge.manifest.tells_credits
        assert (await rig.bridge.balance()).credits == 10_000
    async with driven(tmp_path) as rig:
        assert not rig.bridge.manifest.tells_credits
        with pytest.raises(ServiceError, match="only for an application") as raised:
            await rig.bridge.balance()
        assert raised.value.outcome is Outcome.ASK


async def test_a_lost_wav_leaves_the_mp3(rig, tmp_path):
    fields = {"kept": {"kind": "tail", "mp3_url": song()["audio_url"], "duration_s": 9.0, "covers": "tail"}}
    accepted = await rig.bridge.submit(Call("mp3-1", "wav", fields, take=1), Way(tmp_path))
    assert accepted.report is not None
    assert accepted.report.takes[0].files[0].kind is Kind.TAIL
    assert paths(rig) == []


async def test_progress_lines_end_with_the_whole_result(rig):
    request = urllib.request.Request(
        f"{rig.simulator.address}/suno/audios",
        json.dumps({"prompt": "a song"}).encode(),
        {"Authorization": f"Bearer {rig.simulator.key}", "Accept": "application/x-ndjson"},
    )
    with await asyncio.to_thread(urllib.request.urlopen, request) as answer:
        lines = [json.loads(line) for line in await asyncio.to_thread(answer.readlines)]
    states = [{clip["state"] for clip in line["data"]} for line in lines]
    assert states == [{"pending"}, {"running"}, {"succeeded"}]
    assert [("trace_id" in line) for line in lines] == [False, False, True]
