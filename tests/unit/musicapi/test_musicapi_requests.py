"""What goes to MusicAPI, and in which order."""

from __future__ import annotations

import pytest
from musicapi_samples import ask, body, plan, planner
from sendreturn.contract import Made, MadeTake, Report
from sendreturn.errors import Refusal
from sendreturn.words import Kind
from sendreturn_bridges.services.musicapi.request import complete, task_path
from sendreturn_bridges.suno.requests import Request

UPLOADED = Report(True, facts={"clip_id": "up-1"})
SONG = 15


def take(number: int = 1, covers: str = "all") -> MadeTake:
    kind = "tail" if covers == "tail" else "mix"
    facts = {"covers": covers, "kind": kind, "duration_s": 30.0, "mp3_url": f"https://cdn1.suno.ai/{number}.mp3"}
    return MadeTake((Made(Kind(kind), "x"),), f"song-{number}", facts=facts)


def main(operation: str, **params: object):
    """The main request of an operation, after the upload where there is one."""
    asked = ask(operation, **params)
    calls = planner().plan(asked).calls
    if calls[0].name == "upload":
        calls = planner().follow(asked, {"upload": UPLOADED})
    (call,) = calls
    return call


def test_a_clip_is_continued_from_its_address_in_one_request():
    planned = plan("extend", style="dub")
    (call,) = planned.calls
    assert (call.name, call.fields["path"], call.fields["clip_field"]) == ("main", "/sonic/upload-extend", "url")
    assert call.needs_clip
    assert planned.credits == SONG
    sent = body(call)
    assert (sent["custom_mode"], sent["make_instrumental"], sent["tags"]) == (True, True, "dub")
    assert (sent["mv"], sent["continue_at"], sent["use_suno_cdn"]) == ("sonic-v5", 20.0, False)
    assert "continue_clip_id" not in sent
    assert "task_type" not in sent


def test_a_take_that_came_back_is_continued_by_its_id():
    (call,) = plan("extend", earlier="song-7", from_s=12.5, lyrics="la la").calls
    sent = body(call)
    assert (call.fields["path"], call.needs_clip) == ("/sonic/create", False)
    assert (sent["task_type"], sent["continue_clip_id"], sent["continue_at"]) == ("extend_music", "song-7", 12.5)
    assert (sent["prompt"], sent["make_instrumental"]) == ("la la", False)


def test_a_cover_goes_by_address_or_by_id():
    sent = main("cover", style="jazz", audio_strength=0.3)
    assert (sent.fields["path"], body(sent)["audio_weight"]) == ("/sonic/upload-cover", 0.3)
    again = body(main("cover", style="jazz", earlier="song-7"))
    assert (again["task_type"], again["continue_clip_id"]) == ("cover_music", "song-7")


def test_a_cover_without_words_is_instrumental_and_that_is_told():
    planned = plan("cover", style="jazz")
    assert body(planned.calls[0])["make_instrumental"] is True
    assert planned.unmet == ("MusicAPI does not keep the words of a clip: without lyrics the cover is instrumental.",)
    assert plan("cover", style="jazz", lyrics="Oh").unmet == ()


def test_a_section_is_named_by_start_and_end_after_an_upload():
    planned = plan("inpaint", section_s=[4, 9])
    (upload,) = planned.calls
    assert (upload.name, upload.fields["path"], upload.fields["clip_field"]) == ("upload", "/sonic/upload", "url")
    assert planned.credits == SONG + 2
    call = main("inpaint", section_s=[4, 9], lyrics="New line", prompt="softer", style="folk")
    sent = body(call)
    assert (call.fields["path"], sent["clip_id"]) == ("/sonic/replace-section", "up-1")
    assert (sent["infill_start_s"], sent["infill_end_s"]) == (4, 9)
    assert (sent["infill_lyrics"], sent["prompt"], sent["tags"]) == ("New line", "New line", "folk, softer")
    assert body(main("inpaint", section_s=[4, 9]))["infill_lyrics"] == "[Instrumental]"


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (
            {"prompt": "a calm song"},
            {"custom_mode": False, "gpt_description_prompt": "a calm song", "make_instrumental": False},
        ),
        (
            {"prompt": "rain", "style": "folk", "title": "Drops"},
            {"custom_mode": False, "gpt_description_prompt": "rain", "tags": "folk", "title": "Drops"},
        ),
        (
            {"lyrics": "Oh", "style": "folk", "prompt": "slow"},
            {"custom_mode": True, "prompt": "Oh", "tags": "folk, slow", "make_instrumental": False},
        ),
        (
            {"prompt": "rain", "style": "folk", "instrumental": True},
            {"custom_mode": True, "make_instrumental": True, "tags": "folk, rain", "prompt": None},
        ),
        (
            {"prompt": "rain", "weirdness": 0.2, "style_strength": 0.9},
            {"custom_mode": True, "auto_lyrics": True, "prompt": "rain", "weirdness_constraint": 0.2},
        ),
        ({"style": "folk", "instrumental": False}, {"custom_mode": False, "gpt_description_prompt": "folk"}),
        ({"style": "folk"}, {"custom_mode": True, "make_instrumental": True, "tags": "folk"}),
        ({"prompt": "x", "negative_style": "rock"}, {"negative_tags": "rock"}),
        ({"prompt": "x", "vocal_gender": "f"}, {"vocal_gender": "f", "mv": "sonic-v5"}),
        ({"prompt": "x", "service_options": {"persona_id": "p"}}, {"task_type": "persona_music", "persona_id": "p"}),
        ({"prompt": "x", "service_options": {"duration": 60}}, {"duration": 60}),
    ],
)
def test_words_go_into_the_mode_that_reads_them(params, expected):
    sent = body(plan("generate", clip_s=None, **params).calls[0])
    assert {name: sent.get(name) for name in expected} == expected


def test_the_model_is_the_sends_else_the_configured_one_else_the_default():
    def model(operation="generate", clip_s=None, **options):
        return body(planner(**options).plan(ask(operation, clip_s=clip_s, prompt="x")).calls[0])["mv"]

    assert model() == "sonic-v5"
    assert model(model="sonic-v4") == "sonic-v4"
    assert model(model="sonic-v4", operation="cover", clip_s=20.0) == "sonic-v5"
    assert body(plan("generate", clip_s=None, prompt="x", model="sonic-v6").calls[0])["mv"] == "sonic-v6"


def test_what_only_newer_models_know_is_told_as_unmet():
    planned = plan("generate", clip_s=None, prompt="x", vocal_gender="m", model="sonic-v4")
    assert "vocal_gender" not in body(planned.calls[0])
    assert planned.unmet == ("MusicAPI's model sonic-v4 knows no vocal_gender; it was left out.",)


@pytest.mark.parametrize(
    ("operation", "params", "says"),
    [
        ("extend", {"side": "left"}, "only after its end"),
        ("extend", {"instrumental": False}, "make up words"),
        ("extend", {"from_s": 25}, "20.000 s long"),
        ("extend", {"from_s": 0}, "after its start"),
        ("extend", {"clip_s": None, "service_options": {"clip_id": "a"}}, "where to continue"),
        ("inpaint", {"section_s": [15, 25]}, "section_s is 15 to 25"),
        ("inpaint", {"section_s": [1, 9], "instrumental": False}, "given the words"),
        ("generate", {"clip_s": None, "prompt": "x" * 401}, "401 characters"),
        ("generate", {"clip_s": None}, "words to start from"),
        ("cover", {"style": "x" * 1001}, "at most 1000 with the model sonic-v5"),
        ("cover", {"style": "x", "model": "sonic-v4"}, "does not finish a cover"),
        ("extend", {"style": "x" * 201, "model": "sonic-v4"}, "at most 200"),
        ("extend", {"lyrics": "x" * 3001, "model": "sonic-v3-5"}, "at most 3000"),
        ("extend", {"lyrics": "x" * 5001}, "at most 5000"),
        ("extend", {"title": "x" * 81}, "at most 80"),
        ("extend", {"model": "sonic-v4-5-all"}, "only for sample and mashup"),
        ("add_vocals", {}, "given the words"),
        ("add_instrumental", {}, "knows which"),
        ("mashup", {}, "exactly two songs"),
        ("concat", {}, "only a continuation"),
        ("concat", {"clip_s": None}, "the last continuation"),
        ("vox", {"clip_s": 40}, "at most 30 s"),
        ("vox", {"section_s": [15, 25]}, "section_s is 15 to 25"),
        ("persona", {"clip_s": 9, "service_options": {"api": "voice"}}, "more than 10 s"),
        ("persona", {"title": "x" * 81}, "81 characters"),
        ("persona", {"prompt": "x" * 201}, "201 characters"),
        ("lyrics", {"clip_s": None, "prompt": "x" * 121}, "121 characters"),
        ("tags", {"clip_s": None}, "a style to enrich"),
        ("extend", {"model": "chirp-v5"}, "no model chirp-v5"),
        ("extend", {"service_options": {"api": "lyria"}}, "no api 'lyria'"),
        ("midi", {"service_options": {"api": "producer"}}, "Producer has no midi"),
        ("extend", {"side": "left", "service_options": {"api": "producer"}}, "only after its end"),
        ("generate", {"clip_s": None, "service_options": {"api": "producer"}}, "words to start from"),
    ],
)
def test_what_musicapi_cannot_do_is_refused_before_anything_is_sent(operation, params, says):
    with pytest.raises(Refusal) as refused:
        plan(operation, **params)
    assert says in refused.value.what
    assert refused.value.hint


@pytest.mark.parametrize(
    ("operation", "params", "path", "expected"),
    [
        ("stems", {}, "/sonic/stems/basic", {"clip_id": "up-1"}),
        ("stems", {"stems": 4}, "/sonic/stems/basic", {}),
        ("stems", {"stems": 12}, "/sonic/stems/full", {}),
        (
            "remaster",
            {},
            "/sonic/create",
            {"task_type": "remaster", "continue_clip_id": "up-1", "variation_category": "normal"},
        ),
        ("remaster", {"model": "sonic-v4-5"}, "/sonic/create", {"variation_category": None, "mv": "sonic-v4-5"}),
        (
            "mashup",
            {"service_options": {"mashup_clip_ids": ["b"]}},
            "/sonic/mashup",
            {"mashup_clip_ids": ["up-1", "b"], "clip_id": None},
        ),
        (
            "add_vocals",
            {"lyrics": "Oh"},
            "/sonic/create",
            {"task_type": "add_vocals", "prompt": "Oh", "overpainting_start_s": 0.0, "overpainting_end_s": 20.0},
        ),
        (
            "add_instrumental",
            {"style": "funk", "section_s": [2, 8], "audio_strength": 0.5},
            "/sonic/create",
            {"task_type": "add_instrumental", "overpainting_start_s": 2, "overpainting_end_s": 8, "audio_weight": 0.5},
        ),
        (
            "sample",
            {"section_s": [1, 5]},
            "/sonic/sample",
            {"chop_sample_start_s": 1, "chop_sample_end_s": 5, "sample_clip_id": None},
        ),
        (
            "sample",
            {"earlier": "song-3"},
            "/sonic/sample",
            {"sample_clip_id": "song-3", "chop_sample_end_s": 20.0},
        ),
        ("vox", {}, "/sonic/vox", {"clip_id": "up-1", "vocal_start_s": 0.0, "vocal_end_s": 20.0}),
        ("persona", {"title": "Ann", "style": "soul"}, "/sonic/persona", {"name": "Ann", "styles": "soul"}),
        ("timed_lyrics", {}, "/sonic/aligned-lyrics", {"clip_id": "up-1"}),
        ("bpm", {}, "/sonic/bpm", {"clip_id": "up-1"}),
        ("midi", {}, "/sonic/midi", {"clip_id": "up-1"}),
        ("wav", {}, "/sonic/wav", {"clip_id": "up-1"}),
    ],
)
def test_every_operation_on_a_clip_has_its_path_and_fields(operation, params, path, expected):
    call = main(operation, **params)
    assert call.fields["path"] == path
    assert {name: body(call).get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("operation", "params", "path", "expected"),
    [
        ("lyrics", {"prompt": "the sea"}, "/sonic/lyrics", {"description": "the sea"}),
        ("tags", {"style": "dub, slow"}, "/sonic/upsample-tags", {"tags": "dub, slow"}),
        (
            "concat",
            {"service_options": {"clip_id": "z"}},
            "/sonic/create",
            {"task_type": "concat_music", "continue_clip_id": "z"},
        ),
    ],
)
def test_operations_without_a_clip(operation, params, path, expected):
    (call,) = plan(operation, clip_s=None, **params).calls
    assert call.fields["path"] == path
    assert {name: body(call).get(name) for name in expected} == expected
    assert not call.needs_clip


def test_a_joined_song_is_made_from_a_continuation_that_came_back():
    planned = plan("concat", earlier="song-9")
    assert body(planned.calls[0])["continue_clip_id"] == "song-9"
    assert planned.credits == 2


def test_vocals_are_added_only_to_a_fresh_upload():
    (upload,) = plan("add_vocals", earlier="song-9", lyrics="Oh").calls
    assert upload.name == "upload"


def test_a_voice_is_cloned_from_the_clips_address_without_an_upload():
    (call,) = plan("persona", service_options={"api": "voice"}).calls
    assert (call.fields["path"], call.fields["clip_field"]) == ("/sonic/create-voice", "audio_url")
    assert (call.needs_clip, call.credits) == (True, 4)


def test_a_persona_of_a_named_part_wants_its_voice_first():
    asked = ask("persona", section_s=[2, 12], title="Ann")
    assert planner().plan(asked).credits == 4
    (vox,) = planner().follow(asked, {"upload": UPLOADED})
    assert (vox.name, body(vox)["vocal_end_s"]) == ("vox", 12)
    heard = Report(True, facts={"vox_audio_id": "v", "section_s": [2.0, 12.0]})
    (call,) = planner().follow(asked, {"upload": UPLOADED, "vox": heard})
    assert (call.name, call.take, body(call)["vox_audio_id"]) == ("main", 1, "v")
    known = planner().plan(ask("persona", section_s=[2, 12], earlier="song-1"))
    assert [call.name for call in known.calls] == ["vox"]
    assert known.credits == 2


def test_producer_is_reached_by_its_own_paths_and_fields():
    asked = ask("cover", style="jazz", audio_strength=0.4, wav=True, service_options={"api": "producer", "seed": 7})
    planned = planner().plan(asked)
    assert planned.calls[0].fields["path"] == "/producer/upload"
    assert planned.credits == 2 + 12
    assert "Producer sells no wav" in planned.unmet[0]
    (call,) = planner().follow(asked, {"upload": UPLOADED})
    sent = body(call)
    assert (call.fields["path"], sent["task_type"], sent["strength"]) == ("/producer/create", "cover_music", 0.4)
    assert (sent["sound"], sent["seed"], sent["mv"]) == ("jazz", 7, "FUZZ-2.0")
    assert "api" not in sent
    assert planner().follow(asked, {"main": Report(True, takes=(take(),))}) == ()


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        ("extend", {}, {"task_type": "extend_music", "continue_at": 20.0}),
        ("inpaint", {"section_s": [1, 2]}, {"task_type": "replace_music", "infill_end_s": 2}),
        ("generate", {"prompt": "x", "model": "lyria-3"}, {"task_type": "create_music", "mv": "lyria-3"}),
    ],
)
def test_producer_has_four_operations(operation, params, expected):
    sent = body(main(operation, service_options={"api": "producer"}, **params))
    assert {name: sent.get(name) for name in expected} == expected


def test_what_was_bought_follows_for_each_take_and_may_fail():
    asked = ask("cover", style="jazz", stems=12, midi=True, wav=True, service_options={"timed_lyrics": True})
    done = {"main": Report(True, takes=(take(1), take(2)))}
    calls = planner().follow(asked, done)
    names = [f"{name}-{n}" for n in (1, 2) for name in ("stems", "wav", "midi", "timed_lyrics")]
    assert [call.name for call in calls] == names
    assert [call.credits for call in calls] == [75, 2, 1, 1] * 2
    assert all(not call.essential and call.take in (1, 2) for call in calls)
    assert planner().follow(asked, done | {call.name: Report(True) for call in calls}) == ()


def test_the_estimate_counts_what_is_bought_for_both_takes():
    assert plan("cover", style="jazz", stems=4, wav=True).credits == SONG + 2 * (15 + 2)


def test_prices_of_the_user_go_before_those_of_the_manifest():
    assert planner(prices={"extend": 20}).plan(ask("extend")).credits == 20


def test_wav_may_be_had_by_the_newer_path():
    asked = ask("cover", style="jazz", wav=True)
    (call,) = planner(wav_from="download").follow(asked, {"main": Report(True, takes=(take(1),))})
    assert (call.fields["path"], body(call)["formats"]) == ("/sonic/download", ["wav"])


def test_a_take_whose_wav_fails_keeps_its_mp3():
    asked = ask("extend", wav=True)
    done = {"main": Report(True, takes=(take(1, "tail"),)), "wav-1": Report(True, failed="No.")}
    (kept,) = planner().follow(asked, done)
    assert (kept.name, kept.take, kept.credits) == ("mp3-1", 1, 0.0)
    assert kept.fields["kept"]["kind"] == "tail"


def test_a_request_survives_the_journal_and_asks_to_be_called_back_where_that_exists():
    song = Request("/sonic/create", {"mv": "sonic-v5"}, "songs", {"sings": True})
    assert Request.from_fields(song.to_fields()) == song
    hook = "https://me.example/hook"
    assert complete(song, None, hook, "s") == {"mv": "sonic-v5", "webhook_url": hook, "webhook_secret": "s"}
    assert complete(song, None, hook + "x" * 1024, "s") == {"mv": "sonic-v5"}
    upload = Request("/sonic/upload", {}, "upload", clip_field="url")
    assert complete(upload, "https://me.example/clip.wav", hook, "s") == {"url": "https://me.example/clip.wav"}
    assert task_path(song, "t") == "/api/v1/sonic/task/t"
