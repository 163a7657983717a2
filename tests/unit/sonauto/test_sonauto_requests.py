"""What Sonauto is asked for what the user asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sendreturn.errors import Refusal
from sendreturn.params import parse_params
from sendreturn.services import load_manifests
from sendreturn_bridges.services.sonauto.asked import Asked
from sendreturn_bridges.services.sonauto.wire import Request, build

MANIFEST = load_manifests()["sonauto"]


def made(
    operation: str, clip_s: float | None = 60.0, settings: Mapping[str, Any] | None = None, **params: Any
) -> Request:
    spec = MANIFEST.operations[operation]
    clip_s = clip_s if spec.needs_clip else None
    return build(Asked(operation, parse_params(params), spec, MANIFEST.limits, clip_s, settings or {}))


# Which model


def test_a_song_is_made_by_v3_in_wav_and_can_be_heard_while_it_is_made():
    request = made("generate", prompt="a chill lofi beat", style="lo-fi, ambient", instrumental=True)
    assert request.path == "generations/v3"
    assert request.body == {
        "prompt": "a chill lofi beat",
        "tags": ["lo-fi", "ambient"],
        "instrumental": True,
        "output_format": "wav",
        "enable_streaming": True,
    }
    assert (request.credits, request.covers, request.notes) == (100.0, "all", ())


def test_streaming_can_be_turned_off_in_the_configuration():
    assert "enable_streaming" not in made("generate", settings={"streaming": False}, prompt="rain").body


@pytest.mark.parametrize(
    ("params", "fields", "price"),
    [
        ({"seed": 42}, {"seed": 42}, 100.0),
        ({"bpm": 92}, {"bpm": 92}, 100.0),
        ({"takes": 2}, {"num_songs": 2}, 150.0),
        ({"service_options": {"balance_strength": 0.9}}, {"balance_strength": 0.9}, 100.0),
        ({"service_options": {"bpm": "auto"}}, {"bpm": "auto"}, 100.0),
    ],
)
def test_what_only_v2_has_chooses_v2_and_is_told(params: dict[str, Any], fields: dict[str, Any], price: float):
    request = made("generate", prompt="jazz", **params)
    assert request.path == "generations/v2"
    assert fields.items() <= request.body.items()
    assert request.credits == price
    assert "Sonauto's v2 was asked, because only it has" in request.notes[0]


def test_what_only_v3_has_chooses_v3_over_the_configured_v2():
    request = made("generate", settings={"model": "v2"}, prompt="jazz", negative_style="drums, choir")
    assert request.path == "generations/v3"
    assert request.body["negative_tags"] == ["drums", "choir"]
    assert made("generate", settings={"model": "v2"}, prompt="jazz").path == "generations/v2"


def test_the_named_model_is_asked_and_what_it_lacks_is_left_out_and_told():
    request = made("generate", model="v3", prompt="jazz", seed=1, takes=2, service_options={"balance_strength": 0.5})
    assert request.path == "generations/v3"
    assert not {"seed", "num_songs", "balance_strength"} & set(request.body)
    assert request.credits == 100.0
    assert "Sonauto's v3 has no use for seed and takes; that was left out." in request.notes
    assert "Sonauto's v3 has no use for balance_strength; that was left out." in request.notes


def test_another_services_model_is_a_wish_that_is_told():
    request = made("extend", model="V5")
    assert request.path == "generations/v2/extend"
    assert request.notes[0] == "Sonauto has no model “V5” for this; v2 was asked."


# Words


def test_v3_gets_at_most_two_of_prompt_tags_and_lyrics():
    request = made("generate", prompt="a slow song.", style="rock", lyrics="[Verse 1]\nrain")
    assert request.body["prompt"] == "a slow song. Style: rock."
    assert "tags" not in request.body
    assert request.body["lyrics"] == "[Verse 1]\nrain"
    assert any("the style was put into the prompt" in note for note in request.notes)


def test_v2_gets_all_three():
    body = made("generate", model="v2", prompt="a", style="rock", lyrics="b").body
    assert (body["prompt"], body["tags"], body["lyrics"]) == ("a", ["rock"], "b")


@pytest.mark.parametrize("params", [{"style": "rock"}, {"lyrics": "la"}])
def test_tags_or_lyrics_never_go_without_a_prompt(params: dict[str, str]):
    assert made("generate", **params).body["prompt"] == ""


def test_an_instrumental_gets_no_lyrics_and_no_singer():
    request = made("generate", prompt="x", lyrics="la", vocal_gender="m", instrumental=True)
    assert "lyrics" not in request.body
    assert "tags" not in request.body
    assert any("no lyrics for an instrumental" in note for note in request.notes)


@pytest.mark.parametrize(("gender", "tag"), [("m", "male vocalist"), ("f", "female vocalist")])
def test_the_singers_voice_is_a_tag(gender: str, tag: str):
    assert made("generate", style=f"rock, {tag}, soul", vocal_gender=gender).body["tags"] == ["rock", tag, "soul"]


def test_a_song_of_nothing_is_refused():
    with pytest.raises(Refusal, match="Set prompt, style or lyrics"):
        made("generate", instrumental=True, service_options={"output_format": "mp3"})
    assert made("generate", service_options={"tags": ["rock"]}).body["tags"] == ["rock"]


@pytest.mark.parametrize(("model", "strength"), [("v3", 2.0), ("v2", 1.5)])
def test_half_of_style_strength_is_the_usual_prompt_strength(model: str, strength: float):
    assert made("generate", model=model, prompt="x", style_strength=0.5).body["prompt_strength"] == strength
    assert "prompt_strength" not in made("generate", model=model, prompt="x").body


# Lengths


@pytest.mark.parametrize(
    ("wanted_s", "span"),
    [(1, [0, 30]), (30, [0, 30]), (31, [30, 60]), (95, [90, 120]), (300, [270, 300]), (900, [270, 300])],
)
def test_a_wished_length_is_the_step_of_30_s_that_it_lies_in(wanted_s: float, span: list[int]):
    request = made("generate", prompt="x", extend_s=wanted_s)
    assert request.body["length_range"] == span
    assert any("at most 300 s" in note for note in request.notes) == (wanted_s > 300)


def test_bpm_is_a_whole_number():
    request = made("generate", model="v2", prompt="x", bpm=92.6)
    assert request.body["bpm"] == 93
    assert "93 stands for 92.6" in request.notes[0]


# Extend


def test_a_clip_is_continued_at_its_end_by_v2_even_where_nothing_else_is_said():
    request = made("extend")
    assert request.path == "generations/v2/extend"
    assert request.body == {
        "prompt": "Continue this song in the same style.",
        "side": "right",
        "extend_duration": 30.0,
        "crop_duration": 0.0,
        "output_format": "wav",
    }
    assert "You said nothing of the music" in request.notes[0]


def test_at_most_85_s_are_made_at_once_and_that_is_told():
    request = made("extend", style="rock", extend_s=120)
    assert request.body["extend_duration"] == 85.0
    assert "at most 85 s at once, not 120 s" in request.notes[0]
    assert made("extend", style="rock", extend_s=12.5).body["extend_duration"] == 12.5


@pytest.mark.parametrize(
    ("side", "from_s", "crop_s"), [("right", 48.5, 11.5), ("right", 60.0, 0.0), ("left", 4.0, 4.0), ("left", 0.0, 0.0)]
)
def test_from_s_crops_the_side_that_is_continued(side: str, from_s: float, crop_s: float):
    body = made("extend", style="rock", side=side, from_s=from_s).body
    assert (body["side"], body["crop_duration"]) == (side, crop_s)


@pytest.mark.parametrize(
    ("side", "from_s", "reason"),
    [("right", 60.1, "60.000 s long"), ("right", 0.0, "nothing of the clip"), ("left", 60.0, "nothing of the clip")],
)
def test_a_point_outside_the_clip_is_refused(side: str, from_s: float, reason: str):
    with pytest.raises(Refusal, match=reason):
        made("extend", side=side, from_s=from_s)


def test_v3_continues_where_it_is_asked_for_by_name_and_takes_no_length():
    request = made(
        "extend", model="v3-preview", style="rock", from_s=50, extend_s=40, service_options={"context_seconds": 60}
    )
    assert request.path == "generations/v3/extend"
    assert request.body == {
        "prompt": "",
        "tags": ["rock"],
        "crop_duration": 10.0,
        "context_seconds": 60,
        "output_format": "wav",
    }
    assert request.notes == ("Sonauto's v3 has no use for extend_s; that was left out.",)


def test_before_the_clip_only_v2_makes_something():
    request = made("extend", model="v3", side="left", style="rock")
    assert request.path == "generations/v2/extend"
    assert request.notes == ("Sonauto's v3 continues a clip at its end only; v2 was asked.",)


# Inpaint


def test_a_section_is_made_anew_with_tags_and_lyrics_and_never_with_a_prompt():
    request = made("inpaint", section_s=[10, 20.5], style="rock", prompt="x", service_options={"prompt": "y"})
    assert request.path == "generations/v2/inpaint"
    assert request.body == {
        "tags": ["rock"],
        "lyrics": "",
        "instrumental": False,
        "sections": [[10.0, 20.5]],
        "num_songs": 1,
        "output_format": "wav",
    }


def test_a_section_without_a_style_gets_a_tag_that_says_little():
    request = made("inpaint", section_s=[10, 20])
    assert request.body["tags"] == ["2020s"]
    assert "got the tag “2020s”" in request.notes[0]


def test_an_instrumental_section_has_no_lyrics():
    assert "lyrics" not in made("inpaint", section_s=[10, 20], instrumental=True).body


def test_a_section_beyond_the_clip_is_refused():
    with pytest.raises(Refusal, match=r"the clip is 60\.000 s long"):
        made("inpaint", section_s=[50, 70])


def test_a_section_that_ends_within_a_sample_of_the_clip_ends_with_it():
    assert made("inpaint", clip_s=59.9999, section_s=[50, 60]).body["sections"] == [[50.0, 59.9999]]


def test_the_service_may_be_asked_for_the_section_alone():
    assert made("inpaint", section_s=[1, 2], service_options={"selection_crop": True}).covers == "section"


# Sonauto's own options


def test_own_options_go_through_untouched():
    options = {"style_scale": 3.5, "output_format": "mp3", "output_bit_rate": 320, "enable_streaming": False}
    assert options.items() <= made("generate", prompt="x", service_options=options).body.items()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"audio_url": "https://example.com/a.wav"}, "cannot hold audio_url"),
        ({"webhook_url": "https://example.com"}, "cannot hold webhook_url"),
        ({"output_format": "aiff"}, "no output_format 'aiff'"),
        ({"output_bit_rate": 320}, "Only mp3 and m4a"),
        ({"output_format": "mp3", "output_bit_rate": 100}, "no output_bit_rate of 100"),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_sent(options: dict[str, Any], reason: str):
    with pytest.raises(Refusal, match=reason):
        made("generate", prompt="x", service_options=options)


@pytest.mark.parametrize("more", [{"instrumental": True}, {"takes": 2}])
def test_lyrics_are_aligned_for_a_single_song_with_vocals_only(more: dict[str, Any]):
    request = made("generate", model="v2", prompt="x", service_options={"align_lyrics": True}, **more)
    assert "align_lyrics" not in request.body
    assert any("align_lyrics was left out" in note for note in request.notes)
    assert made("generate", prompt="x", service_options={"align_lyrics": True}).body["align_lyrics"] is True


def test_the_users_own_prices_go_before_the_manifests():
    request = made("generate", settings={"prices": {"generate": 80.0}}, prompt="x", takes=2)
    assert request.credits == 120.0


@pytest.mark.parametrize(("model", "notes"), [("v2", 1), ("v3", 2)])
def test_a_section_is_v2s_whatever_is_named(model: str, notes: int):
    request = made("inpaint", section_s=[1, 2], model=model)
    assert request.path == "generations/v2/inpaint"
    assert len(request.notes) == notes
    assert ("Sonauto's v3 has no inpaint; v2 was asked." in request.notes) == (model == "v3")


@pytest.mark.parametrize(
    ("operation", "options", "reason"),
    [
        ("generate", {"stream_format": "wav"}, "no stream_format 'wav'"),
        ("extend", {"context_seconds": 285}, "1 to 284 s of a clip, not to 285 s"),
        ("extend", {"context_seconds": "all"}, "not to all s"),
    ],
)
def test_values_that_v3_does_not_take_are_refused(operation: str, options: dict[str, object], reason: str):
    with pytest.raises(Refusal, match=reason):
        made(operation, prompt="x", model="v3", service_options=options)
