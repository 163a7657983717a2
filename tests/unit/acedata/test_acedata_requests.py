"""What goes to AceData, and in which order."""

from __future__ import annotations

import pytest
from acedata_samples import MANIFEST, ask, body, plan, planner
from sendreturn.contract import Made, MadeTake, Report
from sendreturn.errors import Refusal
from sendreturn.words import Kind
from sendreturn_bridges.services.acedata.request import complete
from sendreturn_bridges.suno.requests import Request

UPLOADED = Report(True, facts={"audio_id": "up-1", "duration_s": 19.98, "lyric": "[Verse]\nHello there"})


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


def test_a_clip_is_made_known_before_it_is_continued():
    planned = plan("extend")
    (upload,) = planned.calls
    assert (upload.name, upload.fields["path"], upload.needs_clip) == ("upload", "/suno/upload", True)
    assert upload.credits == 0.06
    assert planned.credits == pytest.approx(0.62)


def test_an_uploads_continuation_has_an_action_of_its_own_and_starts_where_acedata_hears_the_end():
    call = main("extend", style="dub", from_s=None)
    sent = body(call)
    assert call.fields["path"] == "/suno/audios"
    assert (sent["action"], sent["audio_id"], sent["custom"]) == ("upload_extend", "up-1", True)
    assert sent["continue_at"] == 19.98
    assert sent["instrumental"] is True
    assert not call.needs_clip


def test_a_take_that_came_back_is_continued_without_an_upload():
    sent = body(plan("extend", earlier="song-7", from_s=12.5, lyrics="la la").calls[0])
    assert (sent["action"], sent["audio_id"], sent["continue_at"]) == ("extend", "song-7", 12.5)
    assert (sent["lyric"], sent["instrumental"]) == ("la la", False)


def test_a_cover_keeps_the_words_that_acedata_heard_unless_others_are_given():
    assert body(main("cover", style="jazz"))["lyric"] == "[Verse]\nHello there"
    assert body(main("cover", style="jazz", lyrics="New words"))["lyric"] == "New words"
    assert "lyric" not in body(main("cover", style="jazz", instrumental=True))
    sent = body(main("cover", style="jazz", audio_strength=0.3))
    assert (sent["action"], sent["audio_weight"]) == ("upload_cover", 0.3)


def test_nothing_that_acedata_says_of_an_upload_stops_the_request_that_follows():
    told = {"audio_id": "up-1", "duration_s": 0.0, "lyric": "la " * 2000}
    done = {"upload": Report(True, facts=told)}
    (cover,) = planner().follow(ask("cover", style="jazz"), done)
    assert "lyric" not in body(cover)
    (extend,) = planner().follow(ask("extend"), done)
    assert body(extend)["continue_at"] == 20.0


def test_a_section_is_named_by_start_and_end():
    sent = body(main("inpaint", section_s=[4, 9], prompt="a softer guitar"))
    assert sent["action"] == "replace_section"
    assert (sent["replace_section_start"], sent["replace_section_end"]) == (4, 9)
    assert (sent["style"], sent["lyric"]) == ("a softer guitar", "[Verse]\nHello there")
    assert "prompt" not in sent


def test_new_lines_of_a_section_stand_in_the_prompt_where_they_fit():
    sent = body(main("inpaint", section_s=[4, 9], lyrics="A new line", style="folk", prompt="slow"))
    assert (sent["prompt"], sent["lyric"], sent["style"]) == ("A new line", "A new line", "folk, slow")
    long_lines = body(main("inpaint", section_s=[4, 9], lyrics="la " * 80))
    assert "prompt" not in long_lines
    assert long_lines["lyric"].startswith("la la")
    played = body(main("inpaint", section_s=[4, 9], lyrics="A new line", instrumental=True))
    assert ("prompt" in played, "lyric" in played, played["instrumental"]) == (False, False, True)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"prompt": "a calm song"}, {"prompt": "a calm song"}),
        ({"prompt": "rain", "style": "folk"}, {"custom": True, "lyric_prompt": "rain", "style": "folk"}),
        ({"lyrics": "Oh", "style": "folk"}, {"custom": True, "lyric": "Oh", "style": "folk", "instrumental": False}),
        ({"prompt": "rain", "style": "folk", "instrumental": True}, {"style": "folk, rain", "instrumental": True}),
        ({"prompt": "x", "weirdness": 0.2, "style_strength": 0.9}, {"weirdness": 0.2, "style_influence": 0.9}),
        ({"prompt": "x", "negative_style": "rock"}, {"style_negative": "rock"}),
        ({"prompt": "x", "vocal_gender": "f", "model": "chirp-v5"}, {"vocal_gender": "f", "model": "chirp-v5"}),
    ],
)
def test_words_go_into_the_mode_that_reads_them(params, expected):
    sent = body(plan("generate", clip_s=None, **params).calls[0])
    assert sent["action"] == "generate"
    assert {name: sent.get(name) for name in expected} == expected


def test_the_model_is_the_sends_else_the_configured_one_else_the_documented_default():
    def model(**options):
        return body(planner(**options).plan(ask("generate", clip_s=None, prompt="x")).calls[0])["model"]

    assert model() == "chirp-v4"
    assert model(model="chirp-v5-5") == "chirp-v5-5"


def test_a_configured_model_that_is_too_old_for_an_operation_gives_way_to_its_default():
    asked = ask("remaster", earlier="song-1")
    assert body(planner(model="chirp-v4").plan(asked).calls[0])["model"] == "chirp-v5"
    assert body(planner(model="chirp-v5-5").plan(asked).calls[0])["model"] == "chirp-v5-5"


def test_what_only_newer_models_know_is_told_as_unmet():
    planned = plan("generate", clip_s=None, prompt="x", vocal_gender="m")
    assert "vocal_gender" not in body(planned.calls[0])
    assert planned.unmet == ("AceData's model chirp-v4 knows no vocal_gender; it was left out.",)


@pytest.mark.parametrize(
    ("operation", "params", "says"),
    [
        ("extend", {"side": "left"}, "only after its end"),
        ("extend", {"instrumental": False}, "given the words"),
        ("extend", {"from_s": 25}, "20.000 s long"),
        ("extend", {"from_s": 0}, "after its start"),
        ("inpaint", {"section_s": [15, 25]}, "section_s is 15 to 25"),
        ("cover", {"prompt": "x" * 201}, "201 characters"),
        ("cover", {"style": "x" * 201}, "at most 200 with the model chirp-v4"),
        ("cover", {"style": "x" * 1001, "model": "chirp-v4-5"}, "at most 1000"),
        ("cover", {"lyrics": "x" * 3001}, "at most 3000"),
        ("cover", {"lyrics": "a", "title": "x" * 81}, "at most 80"),
        ("stems", {"stems": 4}, "2 or 12"),
        ("remaster", {"model": "chirp-v4"}, "from v4.5 on"),
        ("add_vocals", {}, "what to sing"),
        ("add_instrumental", {}, "knows which"),
        ("mashup", {}, "exactly two songs"),
        ("concat", {}, "only a continuation"),
        ("concat", {"clip_s": None}, "the last continuation"),
        ("generate", {"clip_s": None}, "words to start from"),
        ("vox", {"clip_s": 40}, "less than 30 s"),
        ("vox", {"section_s": [15, 25]}, "section_s is 15 to 25"),
        ("persona", {"clip_s": 5, "service_options": {"api": "voices"}}, "10 to 240 s"),
        ("tags", {"clip_s": None}, "a style to enrich"),
        ("extend", {"model": "sonic-v5"}, "no model sonic-v5"),
        ("persona", {"service_options": {"api": "vocies"}}, "no api 'vocies'"),
        ("extend", {"side": "left", "service_options": {"api": "producer"}}, "only after its end"),
        ("lyrics", {"clip_s": None, "prompt": "x", "service_options": {"lyrics_a": "Oh"}}, "mixes two lyrics"),
        ("generate", {"clip_s": None, "prompt": "x", "service_options": {"audio_urls": ["u"] * 5}}, "here are 5"),
        ("midi", {"service_options": {"api": "producer"}}, "Producer has no midi"),
        ("extend", {"service_options": {"upload_mode": "enhanced"}}, "not good for extend"),
        ("cover", {"style": "x", "service_options": {"upload_mode": "better"}}, "no upload_mode 'better'"),
    ],
)
def test_what_acedata_cannot_do_is_refused_before_anything_is_sent(operation, params, says):
    with pytest.raises(Refusal) as refused:
        plan(operation, **params)
    assert says in refused.value.what
    assert refused.value.hint


def test_a_longer_prompt_is_taken_where_the_account_takes_it():
    asked = ask("generate", clip_s=None, prompt="x" * 500)
    assert planner(prompt_limit=500).plan(asked).calls


def test_the_negative_style_can_be_sent_under_its_newer_name():
    asked = ask("generate", clip_s=None, prompt="x", negative_style="rock")
    assert body(planner(negative_field="negative_tags").plan(asked).calls[0])["negative_tags"] == "rock"


@pytest.mark.parametrize(
    ("operation", "params", "path", "expected"),
    [
        ("stems", {}, "/suno/audios", {"action": "stems"}),
        ("stems", {"stems": 12}, "/suno/audios", {"action": "all_stems"}),
        ("remaster", {}, "/suno/audios", {"action": "remaster", "variation_category": "normal", "model": "chirp-v5"}),
        (
            "mashup",
            {"service_options": {"mashup_audio_ids": ["b"]}},
            "/suno/audios",
            {"action": "mashup", "mashup_audio_ids": ["up-1", "b"]},
        ),
        (
            "add_vocals",
            {"lyrics": "Oh"},
            "/suno/audios",
            {"action": "overpainting", "custom": True, "overpainting_start": 0.0, "overpainting_end": 19.9},
        ),
        (
            "add_instrumental",
            {"style": "funk", "section_s": [2, 8]},
            "/suno/audios",
            {"action": "underpainting", "underpainting_start": 2, "underpainting_end": 8, "style": "funk"},
        ),
        (
            "sample",
            {"section_s": [1, 5]},
            "/suno/audios",
            {"action": "samples", "samples_start": 1, "samples_end": 5},
        ),
        ("vox", {}, "/suno/vox", {"vocal_start": 0.0, "vocal_end": 20.0}),
        ("persona", {"title": "Ann"}, "/suno/persona", {"name": "Ann"}),
        ("timed_lyrics", {}, "/suno/timing", {}),
        ("midi", {}, "/suno/midi", {}),
        ("wav", {}, "/suno/wav", {}),
        ("video", {}, "/suno/mp4", {}),
    ],
)
def test_every_operation_on_a_clip_uses_the_uploaded_song(operation, params, path, expected):
    call = main(operation, **params)
    sent = body(call)
    assert call.fields["path"] == path
    assert {name: sent.get(name) for name in expected} == expected
    assert sent.get("audio_id", "up-1") == "up-1"


@pytest.mark.parametrize(
    ("operation", "params", "path", "expected"),
    [
        ("lyrics", {"prompt": "the sea"}, "/suno/lyrics", {"prompt": "the sea", "model": "default"}),
        ("tags", {"style": "dub, slow"}, "/suno/style", {"prompt": "dub, slow"}),
        (
            "lyrics",
            {"prompt": "x", "service_options": {"lyrics_a": "Oh", "lyrics_b": "Yes"}},
            "/suno/mashup-lyrics",
            {"lyrics_a": "Oh", "lyrics_b": "Yes", "prompt": None},
        ),
        ("concat", {"service_options": {"audio_id": "z"}}, "/suno/audios", {"action": "concat", "audio_id": "z"}),
        (
            "generate",
            {"prompt": "x", "service_options": {"persona_id": "p", "audio_id": "a"}},
            "/suno/audios",
            {"action": "artist_consistency", "persona_id": "p", "audio_id": "a", "prompt": "x"},
        ),
        (
            "generate",
            {
                "prompt": "x",
                "service_options": {"action": "artist_consistency_vox", "persona_id": "p", "audio_id": "a"},
            },
            "/suno/audios",
            {"action": "artist_consistency_vox"},
        ),
        (
            "generate",
            {"prompt": "x", "service_options": {"audio_urls": ["https://example.com/a.mp3"]}},
            "/suno/audios",
            {"action": "inspo", "audio_urls": ["https://example.com/a.mp3"]},
        ),
    ],
)
def test_operations_that_start_from_text_need_no_clip(operation, params, path, expected):
    (call,) = plan(operation, clip_s=None, **params).calls
    assert call.fields["path"] == path
    assert {name: body(call).get(name) for name in expected} == expected


def test_a_joined_song_is_made_from_a_continuation_that_came_back():
    (call,) = plan("concat", earlier="song-9").calls
    assert body(call)["audio_id"] == "song-9"


def test_a_voice_is_cloned_from_the_clips_address_without_an_upload():
    (call,) = plan("persona", service_options={"api": "voices"}).calls
    assert (call.fields["path"], call.fields["clip_field"], call.needs_clip) == ("/suno/voices", "audio_url", True)


def test_a_persona_of_a_named_part_wants_its_voice_first():
    asked = ask("persona", section_s=[2, 12], title="Ann")
    (vox,) = planner().follow(asked, {"upload": UPLOADED})
    assert (vox.name, body(vox)["vocal_end"]) == ("vox", 12)
    heard = Report(True, facts={"vox_audio_id": "v", "section_s": [2.0, 12.0]})
    (main_call,) = planner().follow(asked, {"upload": UPLOADED, "vox": heard})
    assert main_call.name == "main"
    assert body(main_call)["vox_audio_id"] == "v"
    assert main_call.fields["context"]["action"] == "artist_consistency_vox"
    assert vox.fields["context"]["for_persona"]


def test_producer_is_reached_by_its_own_paths_and_fields():
    asked = ask("cover", style="jazz", audio_strength=0.1, service_options={"api": "producer", "lyrics_strength": 0.4})
    (upload,) = planner().plan(asked).calls
    assert upload.fields["path"] == "/producer/upload"
    (call,) = planner().follow(asked, {"upload": UPLOADED})
    assert call.fields["path"] == "/producer/audios"
    sent = body(call)
    assert (sent["action"], sent["model"], sent["cover_strength"]) == ("upload_cover", "FUZZ-2.0 Pro", 0.2)
    assert sent["lyrics_strength"] == 0.4
    assert "api" not in sent


def test_what_was_bought_follows_for_each_take_and_may_fail():
    asked = ask("cover", style="jazz", stems=12, midi=True, wav=True, service_options={"timed_lyrics": True})
    done = {"upload": UPLOADED, "main": Report(True, takes=(take(1), take(2)))}
    first = planner().follow(asked, done)
    assert [call.name for call in first] == [f"{name}-{n}" for n in (1, 2) for name in ("stems", "wav", "timed_lyrics")]
    assert all(not call.essential and call.take in (1, 2) and call.credits > 0 for call in first)
    done |= {call.name: Report(True) for call in first}
    second = planner().follow(asked, done)
    assert [call.name for call in second] == ["midi-1", "midi-2"]
    assert planner().follow(asked, done | {call.name: Report(True) for call in second}) == ()


def test_the_estimate_counts_what_is_bought_for_both_takes():
    planned = plan("cover", style="jazz", stems=12, wav=True)
    assert planned.credits == pytest.approx(0.06 + 0.56 + 2 * (1.12 + 0.06))


def test_prices_of_the_user_go_before_those_of_the_manifest():
    planned = planner(prices={"extend": 3, "upload": 1}).plan(ask("extend"))
    assert planned.credits == 4


def test_four_stems_are_left_to_this_machine():
    done = {"upload": UPLOADED, "main": Report(True, takes=(take(1),))}
    assert planner().follow(ask("cover", style="jazz", stems=4), done) == ()


def test_a_take_whose_wav_fails_keeps_its_mp3():
    asked = ask("extend", wav=True)
    done = {"upload": UPLOADED, "main": Report(True, takes=(take(1, "tail"),)), "wav-1": Report(True, failed="No.")}
    (kept,) = planner().follow(asked, done)
    assert (kept.name, kept.take, kept.credits) == ("mp3-1", 1, 0.0)
    assert kept.fields["kept"]["kind"] == "tail"


def test_the_notes_of_a_clip_come_after_the_stems_that_are_bought_with_them():
    asked = ask("midi", stems=12)
    (stems,) = planner().follow(asked, {"upload": UPLOADED})
    assert (stems.name, body(stems)["action"]) == ("stems", "all_stems")
    (midi,) = planner().follow(asked, {"upload": UPLOADED, "stems": Report(True, takes=(take(),))})
    assert (midi.name, midi.take, midi.fields["path"]) == ("main", 1, "/suno/midi")


def test_a_request_survives_the_journal_and_is_asynchronous_where_that_exists():
    song = Request("/suno/audios", {"action": "generate"}, "songs", {"sings": True})
    assert Request.from_fields(song.to_fields()) == song
    assert complete(song, None, "https://me.example/hook")["async"] is True
    assert complete(song, None, "https://me.example/hook")["callback_url"] == "https://me.example/hook"
    upload = Request("/suno/upload", {}, "upload", clip_field="audio_url")
    assert complete(upload, "https://me.example/clip.wav", None) == {"audio_url": "https://me.example/clip.wav"}


def test_the_enhanced_upload_has_a_name_and_a_price_of_its_own():
    (upload,) = plan("cover", style="jazz", service_options={"upload_mode": "enhanced"}).calls
    assert (body(upload), upload.credits) == ({"name": "clip", "mode": "enhanced"}, 1.87)


@pytest.mark.parametrize(
    ("options", "credits"),
    [({}, 0.56), ({"max_mode": True}, 1.12), ({"action": "sounds", "sound": "a bell"}, 0.112)],
)
def test_published_prices_are_what_a_send_is_reckoned_with(options, credits):  # noqa: A002
    assert plan("generate", clip_s=None, prompt="x", service_options=options).credits == pytest.approx(credits)


def test_a_remaster_varies_only_where_its_model_can():
    assert "variation_category" not in body(main("remaster", model="chirp-v4-5"))
    assert body(main("remaster"))["variation_category"] == "normal"


def test_only_the_published_prices_are_no_estimates():
    assert [name for name, spec in MANIFEST.operations.items() if not spec.estimated] == ["generate"]


def test_what_acedata_does_not_sell_with_a_song_is_told():
    assert plan("cover", style="jazz", stems=12, midi=True).unmet == ()
    (told,) = plan("cover", style="jazz", stems=4).unmet
    assert "2 or 12 stems; the 4" in told
    told_twice = plan("cover", style="jazz", stems=12, midi=True, service_options={"api": "producer"}).unmet
    assert ["12 are made" in told_twice[0], "no MIDI" in told_twice[1]] == [True, True]
