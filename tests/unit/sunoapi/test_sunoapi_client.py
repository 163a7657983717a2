"""The bridge against the simulated service: whole sends, in both forms of its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sendreturn.audio.probe import probe
from sendreturn.contract import EarlierTake, Report
from sendreturn.errors import Outcome, ServiceError
from sendreturn.words import Kind
from sunoapi_rig import listening, rig

PROFILES = ("reference", "seed")
CHEAP = {"song_s": 3.0, "extend_s": 3.0}


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
async def test_a_clip_is_extended_with_stems_notes_and_a_wav(tmp_path: Path, profile: str) -> None:
    async with rig(tmp_path, {**CHEAP, "profile": profile}) as at:
        takes = await at.send(at.wish("extend", style="dub", stems=2, midi=True, wav=True))
        assert len(takes) == 2
        for take in takes:
            kinds = [file.kind for file in take.files]
            assert sorted(kinds) == sorted([Kind.IMAGE, Kind.MIX, Kind.STEM, Kind.STEM, Kind.MIDI])
        fetched = await at.fetch_all(takes)
        mixes = [probe(path) for name, path in fetched if name == "mix"]
        assert [mix.container for mix in mixes] == ["WAV", "WAV"]
        assert all(abs(mix.duration_s - 8.9) < 0.2 for mix in mixes)
        assert {name for name, _ in fetched} == {"mix", "image", "vocals", "instrumental"}
        expected = 12.0 + 2 * (10.0 + 0.4)
        assert sum(line.credits for line in at.simulator.ledger) == pytest.approx(expected)
        assert at.bridge.plan(at.wish("extend", style="dub", stems=2, midi=True, wav=True)).credits == expected


@pytest.mark.parametrize("profile", PROFILES)
async def test_a_cover_is_made_of_the_clip(tmp_path: Path, profile: str) -> None:
    async with rig(tmp_path, {**CHEAP, "profile": profile}) as at:
        takes = await at.send(at.wish("cover", clip_s=3.0, style="jazz", lyrics="[Verse]\nLa la\nlo"))
        assert [file.kind for file in takes[0].files] == [Kind.MIX, Kind.LYRICS, Kind.IMAGE]
        assert takes[0].files[1].text == "[Verse]\nLa la\nlo"
        assert takes[0].facts["model"] == "V4_5"


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
async def test_a_section_is_made_anew(tmp_path: Path, profile: str) -> None:
    async with rig(tmp_path, {"profile": profile}) as at:
        takes = await at.send(at.wish("inpaint", clip_s=21.0, section_s=[5, 15.2]))
        assert takes[0].files[0].covers == "all"
        assert takes[0].files[0].duration_s == pytest.approx(21.0, abs=0.1)


@pytest.mark.slow
async def test_every_other_song_has_two_takes(tmp_path: Path) -> None:
    wishes: dict[str, dict[str, Any]] = {
        "add_vocals": {"clip_s": 2.0, "lyrics": "la"},
        "add_instrumental": {"clip_s": 2.0, "style": "piano"},
        "sample": {"clip_s": None, "prompt": "kick", "bpm": 120},
        "generate": {"clip_s": None, "prompt": "a song"},
    }
    async with rig(tmp_path, CHEAP) as at:
        for operation, params in wishes.items():
            takes = await at.send(at.wish(operation, **params))
            assert len(takes) == 2
            fetched = await at.fetch_all(takes[:1])
            assert [name for name, _ in fetched] == ["mix", "image"]


async def test_a_returned_song_is_taken_up_by_its_id(tmp_path: Path) -> None:
    async with rig(tmp_path, CHEAP) as at:
        takes = await at.send(at.wish("generate", clip_s=None, prompt="a song"))
        earlier = EarlierTake(str(takes[0].clip_id), (at.tasks["main"],), str(takes[0].facts["model"]))
        uploads = sum("/upload/" in heard.path for heard in at.simulator.requests)
        more = await at.send(at.wish("extend", clip_s=3.0, earlier=earlier, style="x", lyrics="la"))
        assert more[0].files[0].covers == "all"
        for operation in ("wav", "video", "cover_art", "stems"):
            made = await at.send(at.wish(operation, clip_s=3.0, earlier=earlier))
            assert await at.fetch_all(made), operation
        timed = await at.send(at.wish("timed_lyrics", clip_s=3.0, earlier=earlier))
        assert str(timed[0].files[0].text).startswith("[00:00.00]Hear the river run\n[")
        persona = await at.send(at.wish("persona", clip_s=12.0, earlier=earlier, prompt="warm", title="Ann"))
        assert "personaId" in str(persona[0].files[0].text)
        assert sum("/upload/" in heard.path for heard in at.simulator.requests) == uploads


async def test_what_is_made_only_once_is_taken_up_instead_of_made_again(tmp_path: Path) -> None:
    async with rig(tmp_path, CHEAP) as at:
        takes = await at.send(at.wish("generate", clip_s=None, prompt="a song"))
        earlier = EarlierTake(str(takes[0].clip_id), (at.tasks["main"],))
        await at.send(at.wish("wav", clip_s=3.0, earlier=earlier))
        lines = len(at.simulator.ledger)
        again = await at.send(at.wish("wav", clip_s=3.0, earlier=earlier))
        assert again[0].files
        assert len(at.simulator.ledger) == lines


@pytest.mark.parametrize("profile", PROFILES)
async def test_texts_need_no_clip(tmp_path: Path, profile: str) -> None:
    async with rig(tmp_path, {"profile": profile}) as at:
        lyrics = await at.send(at.wish("lyrics", clip_s=None, prompt="a river"))
        assert len(lyrics) == 2
        assert "a river" in str(lyrics[0].files[0].text)
        tags = await at.send(at.wish("tags", clip_s=None, style="dub"))
        assert tags[0].files[0].text == "dub, warm, wide\n"
        assert at.simulator.ledger[-1].call == "style"


async def test_twelve_stems_and_their_notes_by_way_of_another_separation(tmp_path: Path) -> None:
    async with rig(tmp_path, {"midi_empty_after_split": True, "numbers_as_text": True}) as at:
        (take,) = await at.send(at.wish("midi", clip_s=3.0, stems=12))
        assert list(at.done) == ["main", "midi-1", "voices-1", "notes-1"]
        assert len([file for file in take.files if file.kind is Kind.STEM]) == 12
        (midi,) = [file for file in take.files if file.kind is Kind.MIDI]
        assert midi.tracks
        assert midi.tracks[0].notes
        assert [line.credits for line in at.simulator.ledger] == [50, 0, 10, 0]


async def test_one_named_stem(tmp_path: Path) -> None:
    async with rig(tmp_path) as at:
        (take,) = await at.send(at.wish("stems", clip_s=2.0, service_options={"stemName": "Drum Kit"}))
        assert [file.stem for file in take.files] == ["drums"]
        assert at.simulator.ledger[0].credits == 20


async def test_a_mashup_takes_a_second_address(tmp_path: Path) -> None:
    async with rig(tmp_path) as at:
        options = {"upload_urls": ["https://example.com/b.mp3"]}
        wanted = at.wish("mashup", clip_s=2.0, style="x", service_options=options)
        takes = await at.send(wanted)
        assert takes[0].files[0].duration_s == pytest.approx(2.0, abs=0.1)
        at.simulator.switches["invent_remote_songs"] = False
        with pytest.raises(ServiceError, match="fetch the clip"):
            await at.send(wanted)
        assert len(at.simulator.ledger) == 1


async def test_a_task_of_long_ago_is_recovered(tmp_path: Path) -> None:
    async with rig(tmp_path, CHEAP) as at:
        takes = await at.send(at.wish("generate", clip_s=None, prompt="a song"))
        options = {"recover_task": at.tasks["main"]}
        again = await at.send(at.wish("generate", clip_s=None, service_options=options))
        assert {take.clip_id for take in again} == {take.clip_id for take in takes}
        with pytest.raises(ServiceError, match="does not know this task"):
            await at.send(at.wish("generate", clip_s=None, service_options={"recover_task": "gone"}))


async def test_a_voice_of_ones_own(tmp_path: Path) -> None:
    async with rig(tmp_path) as at:
        (phrase,) = await at.send(at.wish("persona", clip_s=2.0, service_options={"voice": "validate"}))
        assert "Hear the river run" in str(phrase.files[0].text)
        task_id = at.tasks["main"]
        assert task_id in str(phrase.files[0].text)
        for step in ("regenerate", "check", "generate"):
            options = {"voice": step, "task_id": task_id}
            (made,) = await at.send(at.wish("persona", clip_s=2.0, title="Me", service_options=options))
        assert "voice_persona" in str(made.files[0].text)


# Trouble


TROUBLE: list[tuple[dict[str, Any], Outcome]] = [
    ({"fail_next": {"status": 200, "body": {"code": 430, "msg": "too fast"}}}, Outcome.RETRY),
    ({"fail_next": {"status": 200, "body": {"code": 455, "msg": "maintenance"}}}, Outcome.RETRY),
    ({"rate_limited_once": True}, Outcome.RETRY),
    ({"fail_next": {"status": 200, "body": {"code": 429, "msg": "credits insufficient"}}}, Outcome.ASK),
    ({"fail_next": {"status": 200, "body": {"code": 500, "msg": "server error"}}}, Outcome.UNKNOWN),
    ({"http_500_after_billing": True}, Outcome.UNKNOWN),
    ({"http_500_after_billing": True, "http_errors": True}, Outcome.UNKNOWN),
    ({"die_before_answer": "before_billing"}, Outcome.UNKNOWN),
    ({"die_before_answer": "after_billing"}, Outcome.UNKNOWN),
    ({"fail_next": {"status": 200, "body": {"code": 200, "data": {}}, "billed": True}}, Outcome.UNKNOWN),
]


async def test_a_paid_request_is_made_once_whatever_happens(tmp_path: Path) -> None:
    async with rig(tmp_path) as at:
        wanted = at.wish("generate", clip_s=None, prompt="a song")
        (call,) = at.bridge.plan(wanted).calls
        for switches, outcome in TROUBLE:
            at.simulator.requests.clear()
            at.simulator.switches.update(switches)
            with pytest.raises(ServiceError) as error:
                await at.bridge.submit(call, await at.way(call, wanted))
            assert error.value.outcome is outcome, switches
            assert sum(heard.method == "POST" for heard in at.simulator.requests) == 1, switches


@pytest.mark.parametrize("http_errors", [False, True])
async def test_an_empty_account_and_a_wrong_key_are_for_the_user(tmp_path: Path, http_errors: bool) -> None:
    async with rig(tmp_path, {"http_errors": http_errors}, balance=1) as at:
        with pytest.raises(ServiceError, match="not enough credits") as error:
            await at.send(at.wish("generate", clip_s=None, prompt="a song"))
        assert error.value.outcome is Outcome.ASK
        at.simulator.key = "another"
        with pytest.raises(ServiceError, match="API key") as error:
            await at.bridge.balance()
        assert error.value.outcome is Outcome.ASK


async def test_a_failed_task_is_told_as_a_sentence(tmp_path: Path) -> None:
    words = ("SENSITIVE_WORD_ERROR", "CREATE_TASK_FAILED", "GENERATE_AUDIO_FAILED", "FAILED", "The model is tired")
    async with rig(tmp_path, CHEAP) as at:
        for profile in PROFILES:
            at.simulator.switches["profile"] = profile
            for word in words:
                at.simulator.switches["fail_task"] = word
                with pytest.raises(ServiceError) as error:
                    await at.send(at.wish("generate", clip_s=None, prompt="a song"))
                assert error.value.what.startswith("Suno API")
        assert at.simulator.balance == 10_000
        assert "The model is tired" in error.value.what


async def test_answers_that_are_not_ready_yet_are_waited_for(tmp_path: Path) -> None:
    async with rig(tmp_path, CHEAP) as at:
        for switch, value in (
            ("absent_looks", 1),
            ("null_urls", 1),
            ("callback_exception", "with_audio"),
            ("callback_exception", "late_audio"),
        ):
            at.simulator.switches[switch] = value
            takes = await at.send(at.wish("generate", clip_s=None, prompt="a song"))
            assert len(takes) == 2, switch
            assert all(take.files[0].ref.startswith(at.simulator.media.base) for take in takes), switch


async def test_a_wav_that_fails_leaves_the_mp3(tmp_path: Path) -> None:
    async with rig(tmp_path, CHEAP) as at:
        wanted = at.wish("generate", clip_s=None, style="x", instrumental=True, wav=True)
        (call,) = at.bridge.plan(wanted).calls
        accepted = await at.bridge.submit(call, await at.way(call, wanted))
        main = await at.look_until_done(call, accepted.task_id)
        assert [file.kind for file in main.takes[0].files] == [Kind.IMAGE]
        failed = {"main": main, "wav-1": _failed(), "wav-2": _failed()}
        (kept, _) = at.bridge.follow(wanted, failed)
        instead = await at.bridge.submit(kept, await at.way(kept, wanted))
        assert instead.report is not None
        ((name, path),) = await at.fetch_all(list(instead.report.takes))
        assert (name, probe(path).container) == ("mix", "MP3")


async def test_an_address_that_has_expired_is_asked_for_anew(tmp_path: Path) -> None:
    async with rig(tmp_path, CHEAP) as at:
        (take, _) = await at.send(at.wish("generate", clip_s=None, prompt="a song"))
        (stems,) = await at.send(at.wish("stems", clip_s=2.0))
        posts = len(at.simulator.ledger)
        for made in (take.files[0], stems.files[1]):
            at.simulator.switches["expire_media"] = 1
            await at.bridge.fetch(made, tmp_path / f"{made.kind.value}.mp3", tmp_path)
            assert probe(tmp_path / f"{made.kind.value}.mp3").duration_s > 1
        assert len(at.simulator.ledger) == posts


async def test_the_key_goes_to_the_service_and_its_upload_host_only(tmp_path: Path) -> None:
    async with rig(tmp_path, {**CHEAP, "redirect_media": "inside"}) as at:
        takes = await at.send(at.wish("stems", clip_s=2.0))
        await at.fetch_all(takes)
        media = [heard for heard in at.simulator.requests if heard.door == "media"]
        assert media
        assert not any(heard.had_credentials or heard.had_key for heard in media)
        assert all("#" not in heard.path for heard in at.simulator.requests)


async def test_the_same_clip_is_never_uploaded_under_one_name_twice(tmp_path: Path) -> None:
    async with rig(tmp_path) as at:
        clip = at.clip(2.0)
        first, second = [await at.bridge.upload(clip, tmp_path) for _ in range(2)]
        assert first.rpartition("/")[2] != second.rpartition("/")[2]
        assert first.endswith(".wav")


async def test_credits_are_found_at_either_path(tmp_path: Path) -> None:
    async with rig(tmp_path) as at:
        for path in ("both", "seed", "reference"):
            at.simulator.switches["credits_path"] = path
            assert (await at.bridge.balance()).credits == 10_000


# Call backs


async def test_songs_call_back_in_three_stages(tmp_path: Path) -> None:
    async with rig(tmp_path, {**CHEAP, "duplicate_callbacks": True}) as at, listening() as ears:
        await at.send(at.wish("generate", clip_s=None, prompt="a song"), callback_url=ears.url)
        await at.simulator.idle()
        stages = [body["data"]["callbackType"] for body in ears.bodies]
        assert stages == ["text", "text", "first", "first", "complete", "complete"]
        assert ears.bodies[-1]["data"]["task_id"] == at.tasks["main"]
        assert len(ears.bodies[-1]["data"]["data"]) == 2


async def test_stems_and_notes_call_back_in_forms_of_their_own(tmp_path: Path) -> None:
    async with rig(tmp_path, CHEAP) as at, listening() as ears:
        await at.send(at.wish("midi", clip_s=2.0), callback_url=ears.url)
        await at.simulator.idle()
        stems, notes = ears.bodies
        assert {"vocal_url", "instrumental_url"} <= stems["data"]["vocal_removal_info"].keys()
        assert notes["task_id"] == at.tasks["midi-1"]
        assert notes["data"]["instruments"]


async def test_a_signed_call_back_is_checked_where_the_user_has_set_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_KEY", "hook-key")
    signs = {**CHEAP, "webhook_key": "hook-key"}
    async with rig(tmp_path, signs, webhook_key_env="HOOK_KEY") as at, listening() as ears:
        await at.send(at.wish("stems", clip_s=2.0), callback_url=ears.url)
        await at.simulator.idle()
        headers, body = ears.calls[0]
        assert at.bridge.is_genuine(headers, body, "")
        assert not at.bridge.is_genuine(headers, body.replace(b"task_id", b"task_no"), "")
        assert not at.bridge.is_genuine({}, body, "")
        assert not at.bridge.is_genuine(headers, b"\xff", "")


async def test_without_a_key_call_backs_are_not_signed(tmp_path: Path) -> None:
    async with rig(tmp_path) as at:
        assert at.bridge.is_genuine({}, b"{}", "any")


def _failed() -> Report:
    return Report(done=True, failed="It broke.")
