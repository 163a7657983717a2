"""The bridge on its simulator: every operation from the clip to the files, and the troubles on the way."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from dataclasses import replace

import pytest
import pytest_asyncio
import soundfile
import stamina
from musicapi_rig import CLIP_S, driven, write_clip
from musicapi_samples import MANIFEST, ask, song
from sendreturn.contract import Call, Way
from sendreturn.errors import Outcome, ServiceError
from sendreturn.words import Kind

V1 = "/api/v1/sonic"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def life(tmp_path_factory):
    """One simulator for all tests: to start and stop one takes longer than most of them."""
    async with driven(tmp_path_factory.mktemp("musicapi")) as rig:
        yield rig


@pytest.fixture
def rig(life):
    life.begin_anew()
    return life


def paths(rig):
    return [heard.path for heard in rig.simulator.requests if heard.door == "api"]


def first_song(rig, **params):
    (call,) = rig.bridge.plan(ask("generate", clip_s=None, prompt="a song", **params)).calls
    return call


async def test_a_clip_is_continued_from_its_address_and_only_that_is_billed(rig):
    done = await rig.make("extend", style="dub")
    assert len(done["main"].takes) == 2
    assert rig.bill == [("upload-extend", 15)]
    (tail, _) = done["main"].takes[0].files
    assert (tail.kind, tail.covers) == (Kind.TAIL, "tail")
    length_s = soundfile.info(str(await rig.fetch(tail))).duration
    assert length_s == pytest.approx(tail.duration_s, abs=0.1)
    assert rig.asked_for_clip == ["HEAD", "GET"]


async def test_a_continuation_may_come_joined_with_its_clip(rig):
    done = await rig.make("extend", service_options={"auto_concat": True})
    made = done["main"].takes[0].files[0]
    assert (made.kind, made.covers) == (Kind.MIX, "all")
    assert made.duration_s > CLIP_S


@pytest.mark.parametrize(
    ("section", "options", "covers"),
    [("section", {}, "section"), ("full", {}, "all"), ("section", {"auto_concat": True}, "all")],
)
async def test_a_replaced_section_comes_back_in_each_of_its_shapes(rig, section, options, covers):
    rig.turn({"section": section})
    done = await rig.make("inpaint", section_s=[1, 2], service_options=options)
    assert [take.files[0].covers for take in done["main"].takes] == [covers] * 2
    assert rig.bill == [("upload", 2), ("replace-section", 15)]


@pytest.mark.parametrize(
    ("operation", "params", "kinds"),
    [
        ("cover", {"style": "jazz"}, {Kind.MIX, Kind.IMAGE}),
        ("generate", {"prompt": "a calm song", "clip_s": None}, {Kind.MIX, Kind.LYRICS, Kind.IMAGE}),
        ("generate", {"prompt": "calm", "weirdness": 0.5, "clip_s": None}, {Kind.MIX, Kind.LYRICS, Kind.IMAGE}),
        (
            "generate",
            {"prompt": "calm", "service_options": {"persona_id": "p"}, "clip_s": None},
            {Kind.MIX, Kind.LYRICS, Kind.IMAGE},
        ),
        ("remaster", {}, {Kind.MIX, Kind.IMAGE}),
        ("add_vocals", {"lyrics": "Oh"}, {Kind.MIX, Kind.LYRICS, Kind.IMAGE}),
        ("add_instrumental", {"style": "funk"}, {Kind.MIX, Kind.IMAGE}),
        ("sample", {"section_s": [0, 2]}, {Kind.MIX, Kind.IMAGE}),
        ("stems", {}, {Kind.STEM}),
        ("midi", {}, {Kind.MIDI}),
        ("wav", {}, {Kind.MIX}),
        ("timed_lyrics", {}, {Kind.LYRICS}),
        ("bpm", {}, {Kind.LYRICS}),
        ("vox", {}, {Kind.STEM, Kind.LYRICS}),
        ("persona", {"title": "Ann", "section_s": [0, 2]}, {Kind.LYRICS}),
        ("lyrics", {"prompt": "sea", "clip_s": None}, {Kind.LYRICS}),
        ("tags", {"style": "dub", "clip_s": None}, {Kind.LYRICS}),
        ("extend", {"service_options": {"api": "producer"}}, {Kind.TAIL, Kind.IMAGE}),
        ("cover", {"style": "jazz", "service_options": {"api": "producer"}}, {Kind.MIX, Kind.IMAGE}),
        ("inpaint", {"section_s": [1, 2], "service_options": {"api": "producer"}}, {Kind.MIX, Kind.IMAGE}),
    ],
)
@pytest.mark.slow
async def test_every_operation_brings_its_files(rig, operation, params, kinds):
    takes = (await rig.make(operation, **params))["main"].takes
    assert {made.kind for take in takes for made in take.files} == kinds
    assert all(path.stat().st_size for path in await rig.fetch_all(takes))
    planned = rig.bridge.plan(replace(ask(operation, **params), clip=None if "clip_s" in params else rig.clip))
    assert sum(line.credits for line in rig.simulator.ledger) == planned.credits


async def test_a_voice_is_cloned_from_the_clip_itself(rig):
    long_clip = write_clip(rig.folder / "voice.wav", 10.5)
    singing = replace(rig, clip=long_clip, url=rig.url.replace("clip.wav", "voice.wav"))
    takes = (await singing.make("persona", service_options={"api": "voice"}))["main"].takes
    assert takes[0].told["persona_id"]
    assert rig.bill == [("create-voice", 4)]


@pytest.mark.parametrize(
    ("asked", "switches", "sizes"),
    [
        (2, {}, [2]),
        (4, {"stems_basic": 4}, [4]),
        (2, {"stems_basic": 4, "stem_names": "title"}, [4]),
        (2, {"stem_names": "none"}, [2]),
        (12, {}, [12]),
        (12, {"stems_full": 24, "stem_names": "title"}, [12, 12]),
        (12, {"stems_full": 24, "stem_names": "none"}, [12, 12]),
    ],
)
async def test_stems_come_in_any_number_with_their_names(rig, asked, switches, sizes):
    rig.turn(switches)
    takes = (await rig.make("stems", stems=asked))["main"].takes
    assert [len(take.files) for take in takes] == sizes
    assert takes[0].files[0].stem == "vocals"
    assert len({file.stem for file in takes[0].files}) == sizes[0]


async def test_a_returned_take_is_continued_and_joined_without_an_upload(rig):
    cover = (await rig.make("cover", style="jazz"))["main"].takes[0]
    rig.begin_anew()
    first = (await rig.make("extend", earlier=cover.clip_id))["main"].takes[0]
    (whole,) = (await rig.make("concat", earlier=first.clip_id))["main"].takes
    assert rig.bill == [("extend_music", 15), ("concat_music", 2)]
    assert rig.asked_for_clip == []
    assert whole.files[0].duration_s == pytest.approx(CLIP_S + first.files[0].duration_s, abs=0.2)


async def test_two_songs_are_mixed(rig):
    other = (await rig.make("cover", style="jazz"))["main"].takes[0].clip_id
    done = await rig.make("mashup", style="dub", service_options={"mashup_clip_ids": [other]})
    assert len(done["main"].takes) == 2


async def test_all_that_is_bought_for_a_take_arrives_with_its_own_bill(rig):
    params = {"style": "jazz", "stems": 2, "midi": True, "wav": True, "service_options": {"timed_lyrics": True}}
    done = await rig.make("cover", **params)
    assert set(done) == {"main"} | {f"{name}-{n}" for name in ("stems", "midi", "wav", "timed_lyrics") for n in (1, 2)}
    assert [file.kind for file in done["main"].takes[0].files] == [Kind.IMAGE]
    (wav,) = done["wav-1"].takes[0].files
    assert wav.kind is Kind.MIX
    assert soundfile.info(str(await rig.fetch(wav))).format == "WAV"
    assert done["midi-2"].takes[0].files[0].tracks
    (words,) = done["timed_lyrics-1"].takes[0].files
    assert (await rig.fetch(words)).read_text("utf-8").startswith("[00:00.")
    assert sum(line.credits for line in rig.simulator.ledger) == rig.bridge.plan(ask("cover", **params)).credits


async def test_what_is_bought_for_a_take_may_fail_without_the_take(rig):
    rig.turn({"midi": "empty"})
    done = await rig.make("cover", style="jazz", midi=True)
    assert done["midi-1"].failed == "MusicAPI finished, but gave no notes."
    assert len(done["main"].takes) == 2


async def test_a_midi_file_serves_where_no_notes_are_told(rig):
    rig.turn({"midi": "file"})
    takes = (await rig.make("midi"))["main"].takes
    (path,) = await rig.fetch_all(takes)
    assert path.read_bytes().startswith(b"MThd")


@pytest.mark.parametrize("switches", [{"helpers_not_ready": 2}, {"helpers_not_ready": 2, "not_ready": "200"}])
async def test_a_helper_that_is_not_ready_is_asked_again_and_billed_once(rig, switches):
    source = (await rig.make("cover", style="jazz"))["main"].takes[0].clip_id
    rig.begin_anew()
    rig.turn(switches)
    assert (await rig.make("midi", earlier=source))["main"].takes
    assert rig.bill == [("midi", 1)]
    assert paths(rig) == [f"{V1}/midi"] * 3


@pytest.mark.parametrize(
    "switches",
    [
        {"not_ready": "200"},
        {"not_ready": "clips"},
        {"looks": 4},
        {"submit_code": False},
        {"task_id_in_data": True},
        {"duration": "text"},
        {"mv_echo": "chirp"},
        {"mv_echo": "v6"},
        {"cdn_required": True},
    ],
    ids=lambda switches: "-".join(f"{name}-{value}" for name, value in switches.items()),
)
async def test_a_cover_comes_back_whatever_shape_the_answers_have(rig, switches):
    rig.turn(switches)
    done = await rig.make("cover", style="jazz", negative_style="rock")
    assert [take.files[0].duration_s for take in done["main"].takes] == pytest.approx([CLIP_S] * 2, abs=0.2)


@pytest.mark.parametrize("switches", [{"upload_reply": "data"}, {"upload_reply": "task"}, {"wav_reply": "top"}])
async def test_an_upload_and_a_file_are_found_in_each_shape(rig, switches):
    rig.turn(switches)
    assert (await rig.make("wav"))["main"].takes


async def test_producer_may_answer_with_a_status(rig):
    rig.turn({"producer_shape": "status"})
    done = await rig.make("generate", clip_s=None, prompt="calm", service_options={"api": "producer"})
    assert len(done["main"].takes) == 1


async def test_a_voice_without_an_address_still_has_its_id(rig):
    rig.turn({"vox_url": False})
    (take,) = (await rig.make("vox"))["main"].takes
    assert [file.kind for file in take.files] == [Kind.LYRICS]


async def test_one_of_two_songs_may_fail(rig):
    rig.turn({"one_fails": True})
    (take,) = (await rig.make("cover", style="jazz"))["main"].takes
    assert take.notes[0].startswith("1 of the 2 takes failed.")


@pytest.mark.parametrize(("failure", "says"), [("clip", "artist"), ("timeout", "Credits were previously refunded")])
async def test_a_task_that_fails_says_why_and_is_refunded(rig, failure, says):
    rig.turn({"failure": failure, "fail_task": "The song description contains artist names: 'X' which is not allowed."})
    asked = ask("generate", clip_s=None, prompt="a song")
    report = await rig.one(first_song(rig), asked)
    assert says in (report.failed or "")
    assert report.cost_credits == 0.0
    assert sum(line.credits for line in rig.simulator.ledger) == 0


async def test_a_task_that_cannot_be_asked_for_is_passing_trouble(rig):
    rig.turn({"fail_looks": 100})
    accepted = await rig.bridge.submit(first_song(rig), Way(rig.folder))
    with stamina.set_testing(True, attempts=2), pytest.raises(ServiceError) as raised:
        await rig.bridge.look(first_song(rig), accepted.task_id, rig.folder)
    assert raised.value.outcome is Outcome.RETRY


@pytest.mark.parametrize("status", [400, 404])
async def test_a_task_that_musicapi_does_not_know_is_given_up_only_in_the_end(rig, status):
    rig.turn({"unknown_task": status})
    for _ in range(4):
        assert not (await rig.bridge.look(first_song(rig), "nobody", rig.folder)).done
    with pytest.raises(ServiceError, match="does not know the task"):
        await rig.bridge.look(first_song(rig), "nobody", rig.folder)


@pytest.mark.parametrize(
    ("switches", "outcome", "says"),
    [
        ({"rate_limited_once": True}, Outcome.RETRY, "too many requests"),
        ({"die_before_answer": "before_billing"}, Outcome.UNKNOWN, "did not come back"),
        ({"die_before_answer": "after_billing"}, Outcome.UNKNOWN, "did not come back"),
        ({"http_500_after_billing": True}, Outcome.UNKNOWN, "broke down"),
    ],
)
async def test_a_request_is_repeatable_only_where_it_was_certainly_not_taken(rig, switches, outcome, says):
    rig.turn(switches)
    with pytest.raises(ServiceError) as raised:
        await rig.bridge.submit(first_song(rig), Way(rig.folder))
    assert raised.value.outcome is outcome
    assert says in raised.value.what
    assert paths(rig) == [f"{V1}/create"]


@pytest.mark.parametrize("field", ["error", "detail", "message"])
async def test_an_empty_account_is_told_wherever_the_text_stands(rig, field):
    rig.turn({"error_field": field})
    rig.simulator.balance = 0.0
    with pytest.raises(ServiceError, match="credits are used up") as raised:
        await rig.make("generate", clip_s=None, prompt="a song")
    assert raised.value.outcome is Outcome.ASK


async def test_a_wrong_key_is_about_the_key(rig):
    rig.simulator.key, key = "another", rig.simulator.key
    with pytest.raises(ServiceError, match="does not take the API key"):
        await rig.bridge.balance()
    rig.simulator.key = key


async def test_a_host_without_head_is_refused_with_what_to_do(rig):
    blind = replace(rig, url=rig.url.replace("/clip.wav", "/no-head/clip.wav"))
    with pytest.raises(ServiceError) as raised:
        await blind.make("extend")
    assert "public_url" in raised.value.hint
    assert rig.bill == []
    rig.turn({"probe_with_head": False})
    assert (await blind.make("extend"))["main"].takes


async def test_a_file_that_is_no_audio_is_refused_with_what_to_do(rig):
    (rig.folder / "text.wav").write_text("not audio at all")
    with pytest.raises(ServiceError, match="cannot read the clip"):
        await replace(rig, url=rig.url.replace("clip.wav", "text.wav")).make("cover", style="jazz")


async def test_an_upload_that_breaks_before_anything_has_begun_is_made_again(rig):
    rig.turn({"upload_breaks_once": True})
    assert (await rig.make("cover", style="jazz"))["main"].takes
    assert rig.bill == [("upload-cover", 15)]


async def test_a_clip_without_an_address_is_not_asked_for(rig):
    (call,) = rig.bridge.plan(ask("extend")).calls
    with pytest.raises(ServiceError, match="only from an address"):
        await rig.bridge.submit(call, Way(rig.folder, rig.clip))
    assert paths(rig) == []


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ("plain", ["song.completed"]),
        ("streaming", ["song.streaming", "song.completed"]),
        ("duplicates", ["song.completed"] * 2),
        ("reordered", ["song.completed", "song.streaming"]),
    ],
)
async def test_call_backs_are_signed_and_only_hints(rig, monkeypatch, events, expected):
    heard = []
    monkeypatch.setattr(rig.simulator, "call_back", lambda url, body, headers: heard.append((url, body, headers)))
    rig.turn({"webhook_events": events})
    hook = "http://127.0.0.1:9/hook"
    accepted = await rig.bridge.submit(first_song(rig), Way(rig.folder, callback_url=hook, callback_secret="secret"))
    assert (await rig.wait(first_song(rig), accepted.task_id)).takes
    assert [headers["X-Webhook-Event"] for _, _, headers in heard] == expected
    for url, body, headers in heard:
        assert url == hook
        assert rig.bridge.is_genuine(headers, body, "secret")
        assert not rig.bridge.is_genuine(headers, body + b" ", "secret")
        assert json.loads(body)["task_id"] == accepted.task_id


async def test_what_is_left_lies_in_two_pots(rig):
    rig.turn({"extra_credits": 40.0})
    rig.simulator.balance = 100.0
    left = await rig.bridge.balance()
    assert (left.credits, left.parts) == (100, {"monthly": 60, "extra": 40})


async def test_the_key_is_never_given_to_the_file_server_nor_shown(rig):
    await rig.fetch_all((await rig.make("cover", style="jazz"))["main"].takes)
    media = [heard for heard in rig.simulator.requests if heard.door == "media"]
    assert media
    assert not any(heard.had_key or heard.had_credentials for heard in media)
    assert not any(rig.simulator.key in json.dumps(call.fields) for call in rig.calls)


async def test_a_lost_wav_leaves_the_mp3(rig):
    fields = {"kept": {"kind": "tail", "mp3_url": song()["audio_url"], "duration_s": 9.0, "covers": "tail"}}
    accepted = await rig.bridge.submit(Call("mp3-1", "wav", fields, take=1), Way(rig.folder))
    assert accepted.report is not None
    assert accepted.report.takes[0].files[0].kind is Kind.TAIL
    assert paths(rig) == []


async def test_wav_may_be_had_by_the_newer_path_and_at_the_newer_prices(tmp_path):
    async with driven(tmp_path, {"prices": "2026-10"}, wav_from="download") as rig:
        (take,) = (await rig.make("wav"))["main"].takes
        assert soundfile.info(str(await rig.fetch(take.files[0]))).format == "WAV"
        await rig.make("generate", clip_s=None, prompt="a song")
        assert rig.bill == [("upload", 2), ("download", 2), ("create_music", 20)]


async def test_a_batch_is_taken_as_a_whole(rig):
    def ask_for(path, body=None):
        headers = {"Authorization": f"Bearer {rig.simulator.key}"}
        asked = urllib.request.Request(
            f"{rig.simulator.address}{V1}/{path}", body and json.dumps(body).encode(), headers
        )
        with urllib.request.urlopen(asked) as answer:
            return json.load(answer)

    item = {"custom_mode": False, "mv": "sonic-v5", "gpt_description_prompt": "a song"}
    with pytest.raises(urllib.error.HTTPError) as raised:
        await asyncio.to_thread(ask_for, "batch", {"items": [item, {}]})
    raised.value.close()
    assert rig.bill == []
    begun = await asyncio.to_thread(ask_for, "batch", {"items": [item, item]})
    assert begun["submitted"] == 2
    for _ in range(2):
        standing = await asyncio.to_thread(ask_for, f"batch?batch_id={begun['batch_id']}")
    assert [len(task["data"]) for task in standing["tasks"]] == [2, 2]
    assert rig.bill == [("create_music", 15)] * 2


async def test_what_has_been_retired_says_so(rig):
    call = rig.bridge.plan(ask("generate", clip_s=None, prompt="x", service_options={"api": "producer"})).calls[0]
    fields = {**call.fields, "body": {**call.fields["body"], "task_type": "music_variation"}}
    with pytest.raises(ServiceError, match="no longer offers"):
        await rig.bridge.submit(replace(call, fields=fields), Way(rig.folder))


async def test_the_service_is_asked_at_its_pace():
    assert (MANIFEST.requests, MANIFEST.per_s, MANIFEST.poll_s) == (1, 3.0, 15.0)
