"""What is asked of Suno API, and what is refused before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sendreturn.contract import EarlierTake
from sendreturn.errors import Refusal
from sendreturn_bridges.services.sunoapi.endpoints import ENDPOINTS
from sendreturn_bridges.services.sunoapi.request import Request
from sunoapi_asks import ask, body_of, clip_of, planner

EARLIER = EarlierTake("audio-1", ("task-1", "task-2"), "V5")


def test_a_plain_extension_goes_on_a_tenth_of_a_second_before_the_end() -> None:
    (call,) = planner().plan(ask("extend", clip_s=30.0)).calls
    assert call.fields["endpoint"] == "upload_extend"
    assert call.fields["body"] == {
        "defaultParamFlag": False,
        "instrumental": False,
        "model": "V4_5",
        "continueAt": 29.9,
    }
    assert call.needs_clip


def test_a_chosen_point_wants_a_style_so_that_the_service_regards_it() -> None:
    body = body_of(ask("extend", from_s=12.345, prompt="a guitar solo"))
    assert body["defaultParamFlag"] is True
    assert (body["continueAt"], body["style"], body["prompt"]) == (12.35, "a guitar solo", "a guitar solo")
    assert body["title"]


def test_an_extension_from_the_very_end_is_moved_inside_the_clip() -> None:
    assert body_of(ask("extend", clip_s=10.0, from_s=10.0, style="dub"))["continueAt"] == 9.9


def test_a_style_alone_goes_on_without_a_voice_and_says_so() -> None:
    plan = planner().plan(ask("extend", style="dub"))
    assert plan.calls[0].fields["body"]["instrumental"] is True
    assert any("instrumental" in sentence for sentence in plan.unmet)


@pytest.mark.parametrize("from_s", [0.0, 60.5])
def test_a_point_outside_the_clip_is_refused(from_s: float) -> None:
    with pytest.raises(Refusal, match="inside it"):
        planner().plan(ask("extend", from_s=from_s))


def test_a_continuation_to_the_left_is_refused() -> None:
    with pytest.raises(Refusal, match="only to its right"):
        planner().plan(ask("extend", side="left"))


def test_a_returned_take_is_extended_by_its_id_with_its_own_model() -> None:
    plan = planner().plan(ask("extend", earlier=EARLIER, style="dub", model="V4"))
    (call,) = plan.calls
    assert call.fields["endpoint"] == "extend"
    assert call.fields["body"]["audioId"] == "audio-1"
    assert call.fields["body"]["model"] == "V5"
    assert not call.needs_clip
    assert any("V5" in sentence for sentence in plan.unmet)


def test_a_cover_with_a_style_is_described_in_the_simple_way() -> None:
    assert body_of(ask("cover", style=["smooth jazz", "brushes"])) == {
        "customMode": False,
        "instrumental": False,
        "model": "V4_5",
        "prompt": "smooth jazz, brushes",
    }


def test_lyrics_are_sung_word_by_word_in_the_style() -> None:
    body = body_of(
        ask(
            "cover",
            style="folk",
            prompt="slow",
            lyrics="[Verse]\nLa la",
            vocal_gender="f",
            negative_style="drums",
            weirdness=0.123,
            style_strength=0.5,
            audio_strength=1,
            title="Riff",
        )
    )
    assert body == {
        "customMode": True,
        "instrumental": False,
        "model": "V4_5",
        "style": "folk, slow",
        "title": "Riff",
        "prompt": "[Verse]\nLa la",
        "vocalGender": "f",
        "negativeTags": "drums",
        "weirdnessConstraint": 0.12,
        "styleWeight": 0.5,
        "audioWeight": 1.0,
    }


def test_an_instrumental_has_a_style_and_no_words() -> None:
    plan = planner().plan(ask("generate", clip_s=None, style="house", instrumental=True, lyrics="La"))
    body = plan.calls[0].fields["body"]
    assert body["customMode"] is True
    assert body["instrumental"] is True
    assert "prompt" not in body
    assert any("lyrics were left out" in sentence for sentence in plan.unmet)


def test_a_length_is_passed_on_only_to_models_that_take_one() -> None:
    wishes: dict[str, Any] = {"clip_s": None, "style": "house", "instrumental": True, "extend_s": 500}
    plan = planner().plan(ask("generate", model="v5.5", **wishes))
    assert plan.calls[0].fields["body"]["duration"] == 360.0
    assert any("360" in sentence for sentence in plan.unmet)
    plan = planner().plan(ask("generate", **wishes))
    assert "duration" not in plan.calls[0].fields["body"]
    assert any("extend_s was left out" in sentence for sentence in plan.unmet)


def test_options_of_the_service_go_into_the_body_untouched() -> None:
    voice = {"personaId": "p1", "personaModel": "voice_persona"}
    body = body_of(ask("cover", style="folk", model="V5", service_options=voice))
    assert (body["personaId"], body["personaModel"]) == ("p1", "voice_persona")


def test_a_section_of_an_uploaded_clip_and_of_a_returned_take() -> None:
    plan = planner().plan(ask("inpaint", section_s=[10, 25.126], style="strings"))
    fields = plan.calls[0].fields
    assert (fields["body"]["infillStartS"], fields["body"]["infillEndS"]) == (10.0, 25.13)
    assert fields["body"]["model"] == "V4_5"
    assert fields["body"]["fullLyrics"]
    assert fields["clip_field"] == "uploadUrl"
    fields = planner().plan(ask("inpaint", section_s=[10, 25], earlier=EARLIER)).calls[0].fields
    assert (fields["body"]["taskId"], fields["body"]["audioId"], fields["clip_field"]) == ("task-1", "audio-1", "")


@pytest.mark.parametrize(
    ("section_s", "clip_s", "advice"),
    [
        ((4.0, 8.0), 40.0, "section_s: [1, 11]"),
        ((0.0, 4.0), 40.0, "section_s: [0, 10]"),
        ((36.0, 40.0), 40.0, "section_s: [30, 40]"),
        ((5.0, 35.0), 40.0, "section_s: [10, 30]"),
        ((0.0, 100.0), 400.0, "section_s: [20, 80]"),
        ((4.0, 8.0), 12.0, "at least 20 s"),
    ],
)
def test_a_section_that_cannot_be_replaced_is_refused_with_one_that_can(
    section_s: tuple[float, float], clip_s: float, advice: str
) -> None:
    with pytest.raises(Refusal) as refusal:
        planner().plan(ask("inpaint", clip_s=clip_s, section_s=list(section_s)))
    assert advice in refusal.value.hint
    if "section_s" in advice:
        first_s, last_s = advice.removeprefix("section_s: [").rstrip("]").split(", ")
        planner().plan(ask("inpaint", clip_s=clip_s, section_s=[float(first_s), float(last_s)]))


@pytest.mark.parametrize(
    ("operation", "params", "limit"),
    [
        ("cover", {"style": "x" * 501}, "500"),
        ("cover", {"lyrics": "x" * 5001}, "5000"),
        ("cover", {"lyrics": "x" * 3001, "model": "V4"}, "3000"),
        ("cover", {"lyrics": "x", "style": "x" * 201, "model": "V3_5"}, "200"),
        ("cover", {"lyrics": "x", "style": "x" * 1001}, "1000"),
        ("cover", {"lyrics": "x", "title": "x" * 81}, "80"),
        ("lyrics", {"prompt": "x" * 201}, "200"),
        ("sample", {"prompt": "x" * 501}, "500"),
        ("add_vocals", {"prompt": "x", "negative_style": "x" * 201}, "200"),
        ("video", {"service_options": {"task_id": "t", "audio_id": "a", "author": "x" * 51}}, "50"),
    ],
)
def test_a_text_that_is_too_long_is_refused_with_its_limit(operation: str, params: dict[str, Any], limit: str) -> None:
    with pytest.raises(Refusal, match=f"at most {limit}"):
        planner().plan(ask(operation, **params))


def test_titles_of_a_hundred_characters_are_for_those_who_say_so() -> None:
    assert body_of(ask("cover", lyrics="x", title="x" * 100), long_titles=True)["title"] == "x" * 100


def test_an_unknown_model_is_refused_with_the_nearest() -> None:
    with pytest.raises(Refusal) as refusal:
        planner().plan(ask("cover", style="x", model="V4_5PLUSS"))
    assert "V4_5PLUS?" in refusal.value.hint
    assert body_of(ask("cover", style="x", model="v7"), more_models=["V7"])["model"] == "V7"


def test_vocals_are_added_with_a_model_that_can() -> None:
    plan = planner(model="V4").plan(ask("add_vocals", lyrics="La", style="soul"))
    assert plan.calls[0].fields["body"]["model"] == "V4_5PLUS"
    assert any("V4 " in sentence for sentence in plan.unmet)
    with pytest.raises(Refusal, match="no model V4"):
        planner().plan(ask("add_vocals", lyrics="La", model="V4"))


def test_what_is_mandatory_is_always_sent() -> None:
    vocals = body_of(ask("add_vocals", prompt="a soft voice"))
    assert {"prompt", "title", "style", "negativeTags", "model"} <= vocals.keys()
    backing = body_of(ask("add_instrumental", style="piano trio"))
    assert {"title", "tags", "negativeTags", "model"} <= backing.keys()
    assert body_of(ask("cover"))["prompt"]


def test_a_short_model_refuses_a_long_clip() -> None:
    with pytest.raises(Refusal, match="at most 60 s with V4_5ALL"):
        planner().plan(ask("cover", clip_s=61.0, style="x", model="V4_5ALL"))
    with pytest.raises(Refusal, match="at most 120 s"):
        planner(longest_upload_s=120).plan(ask("cover", clip_s=121.0, style="x"))


def test_a_mashup_takes_its_other_song_from_an_address() -> None:
    wanted = ask("mashup", style="house", service_options={"upload_urls": ["https://example.com/b.mp3"]})
    (call,) = planner().plan(wanted).calls
    body = Request.from_fields(call.fields).addressed("https://host/a.wav", "callBackUrl", "https://me")
    assert body["uploadUrlList"] == ["https://host/a.wav", "https://example.com/b.mp3"]
    assert body["callBackUrl"] == "https://me"
    with pytest.raises(Refusal, match="exactly one other song"):
        planner().plan(ask("mashup", style="house"))


def test_sounds_take_a_tempo() -> None:
    assert body_of(ask("sample", clip_s=None, prompt="kick", bpm=120, service_options={"soundLoop": True})) == {
        "prompt": "kick",
        "model": "V5",
        "soundTempo": 120,
        "soundLoop": True,
    }
    assert any("bpm" in told for told in planner().plan(ask("sample", clip_s=None, prompt="kick", bpm=333)).unmet)


def test_stems_are_two_or_twelve_and_of_a_clip_or_a_take() -> None:
    assert body_of(ask("stems")) == {"type": "separate_vocal"}
    assert body_of(ask("stems", stems=12, earlier=EARLIER)) == {
        "taskId": "task-1",
        "audioId": "audio-1",
        "type": "split_stem",
    }
    with pytest.raises(Refusal, match="2 or 12"):
        planner().plan(ask("stems", stems=4))


def test_one_named_stem_is_asked_for_by_a_name_that_is_known() -> None:
    assert body_of(ask("stems", service_options={"stemName": "lead vocal"})) == {
        "type": "split_stem_advanced",
        "stemName": "Lead Vocal",
    }
    with pytest.raises(Refusal, match="Lead Vocals"):
        planner().plan(ask("stems", service_options={"stemName": "Lead Vocals"}))


def test_a_clip_too_large_to_separate_is_refused_with_what_would_fit() -> None:
    clip = clip_of(480.0)
    with pytest.raises(Refusal) as refusal:
        planner().plan(ask("stems", clip_s=clip.duration_s))
    assert "range_s" in refusal.value.hint


@pytest.mark.parametrize("operation", ["wav", "timed_lyrics", "video", "cover_art", "persona"])
def test_what_is_only_made_of_its_own_songs_is_refused_for_other_clips(operation: str) -> None:
    with pytest.raises(Refusal) as refusal:
        planner().plan(ask(operation, prompt="a voice") if operation == "persona" else ask(operation))
    assert "came back from Suno API" in refusal.value.hint


def test_a_persona_is_heard_in_ten_to_thirty_seconds() -> None:
    body = body_of(ask("persona", earlier=EARLIER, prompt="a warm voice", title="Ann", section_s=[5, 30]))
    assert (body["name"], body["vocalStart"], body["vocalEnd"]) == ("Ann", 5.0, 30.0)
    with pytest.raises(Refusal, match="10 to 30 s"):
        planner().plan(ask("persona", earlier=EARLIER, prompt="x", section_s=[0, 5]))


def test_a_voice_of_ones_own_goes_in_steps() -> None:
    (call,) = planner().plan(ask("persona", clip_s=20, service_options={"voice": "validate"})).calls
    assert (call.fields["endpoint"], call.fields["clip_field"]) == ("voice_validate", "voiceUrl")
    options = {"voice": "generate", "task_id": "t9", "singerSkillLevel": "beginner"}
    (call,) = planner().plan(ask("persona", clip_s=20, title="Me", service_options=options)).calls
    assert call.fields["body"] == {"taskId": "t9", "voiceName": "Me", "singerSkillLevel": "beginner"}
    assert call.fields["clip_field"] == "verifyUrl"
    with pytest.raises(Refusal, match="needs the task"):
        planner().plan(ask("persona", clip_s=20, service_options={"voice": "generate"}))


def test_songs_of_an_earlier_task_can_be_recovered() -> None:
    (call,) = planner().plan(ask("generate", clip_s=None, service_options={"recover_task": "old"})).calls
    assert (call.fields["endpoint"], call.fields["body"]) == ("recovery", {"sunoTaskId": "old"})


def test_prices_are_those_of_the_user_where_given() -> None:
    assert planner().plan(ask("stems", stems=12)).credits == 50.0
    assert planner(prices={"stems_12": 41}).plan(ask("stems", stems=12)).credits == 41.0
    assert planner(prices={"cover": 0}).plan(ask("cover", style="x")).credits == 0.0


def test_every_request_names_a_known_endpoint() -> None:
    wanted = {
        "extend": {},
        "cover": {},
        "inpaint": {"section_s": [10, 25]},
        "generate": {"prompt": "x"},
        "add_vocals": {"lyrics": "x"},
        "add_instrumental": {"style": "x"},
        "mashup": {"service_options": {"upload_urls": ["https://a.b/c.mp3"]}},
        "sample": {"prompt": "x"},
        "stems": {},
        "midi": {},
        "lyrics": {"prompt": "x"},
        "timed_lyrics": {},
        "tags": {"style": "x"},
        "persona": {"prompt": "x"},
        "wav": {},
        "video": {},
        "cover_art": {},
    }
    assert wanted.keys() == planner()._terms.manifest.operations.keys()
    for operation, params in wanted.items():
        for call in planner().plan(ask(operation, earlier=EARLIER, **params)).calls:
            assert call.fields["endpoint"] in ENDPOINTS


def test_a_clip_of_somebody_else_is_refused_at_the_first_look() -> None:
    wanted = ask("wav")
    assert wanted.clip is not None
    draft = replace(wanted, clip=replace(wanted.clip, sha256=""))
    with pytest.raises(Refusal, match="only of songs that it has made itself"):
        planner().plan(draft)


@pytest.mark.parametrize(
    ("clip_s", "section_s", "hint"),
    [
        (50.0, [5, 8], "section_s, say [5, 35]"),
        (12.0, [5, 8], "section_s, say [2, 12]"),
        (8.0, None, "at least 10 s"),
        (20.0, [5, 30], "inside it"),
    ],
)
def test_a_persona_is_heard_in_a_part_that_the_service_takes(clip_s: float, section_s: Any, hint: str) -> None:
    more = {} if section_s is None else {"section_s": section_s}
    with pytest.raises(Refusal) as refused:
        body_of(ask("persona", clip_s=clip_s, prompt="warm", earlier=EarlierTake("a1", ("t1",)), **more))
    assert hint in refused.value.hint


def test_a_cloned_voice_sings_only_with_models_that_can() -> None:
    voice = {"personaId": "v", "personaModel": "voice_persona"}
    with pytest.raises(Refusal, match="does not sing with V4_5") as refused:
        planner().plan(ask("cover", style="x", service_options=voice))
    assert refused.value.hint == "Set model to V5, V5_5, V6, V6_MINI or V6_WILD."
    planner().plan(ask("cover", style="x", model="V5", service_options=voice))


def test_a_sound_in_a_key_that_there_is_not_is_refused() -> None:
    with pytest.raises(Refusal, match="no sound in the key 'H'"):
        planner().plan(ask("sample", prompt="x", service_options={"soundKey": "H"}))
    planner().plan(ask("sample", prompt="x", service_options={"soundKey": "F#m"}))
