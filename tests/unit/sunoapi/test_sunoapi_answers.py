"""How Suno API's answers are read, in both forms that they are seen in."""

from __future__ import annotations

from typing import Any

import pytest
from sendreturn.audio.stem_names import stem_of
from sendreturn.contract import Balance, Report
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.note_rows import note_tracks
from sendreturn.words import Kind
from sendreturn_bridges.services.sunoapi import wire
from sendreturn_bridges.services.sunoapi.doubts import Doubts
from sendreturn_bridges.services.sunoapi.records import Reading, read
from sendreturn_bridges.services.sunoapi.stem_names import FIELDS, NAMED

REFERENCE = {
    "id": "a1",
    "audioUrl": "https://tempfile.aiquickdraw.com/r/a1.mp3",
    "streamAudioUrl": "https://stream/a1",
    "prompt": "[Verse]\nLa la",
    "modelName": "chirp-v4-5",
    "title": "Song",
    "duration": 198.44,
    "createTime": "2025-01-01 00:00:00",
}
SEED = {"id": "a1", "audio_url": "https://example.com/a1.mp3", "title": "Song", "duration": "180.5"}


def look(reader: str, data: Any, **context: Any) -> Reading:
    return read(reader, {"code": 200, "msg": "success", "data": data}, context, "t1")


def record(status: str, *tracks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"taskId": "t1", "status": status, "response": {"taskId": "t1", "sunoData": list(tracks)}, **more}


@pytest.mark.parametrize("word", ["PENDING", "GENERATING", "TEXT_SUCCESS", "FIRST_SUCCESS", "SOMETHING_NEW"])
def test_a_song_is_not_ready_before_the_end_whatever_else_is_there(word: str) -> None:
    assert not look("music", record(word, REFERENCE)).report.done


def test_songs_are_read_in_the_form_of_the_reference() -> None:
    reading = look("music", record("SUCCESS", REFERENCE, {**REFERENCE, "id": "a2"}), sings=True)
    first, second = reading.report.takes
    assert (first.clip_id, second.clip_id) == ("a1", "a2")
    mix, words = first.files
    assert (mix.kind, mix.ref, mix.duration_s, mix.covers) == (Kind.MIX, REFERENCE["audioUrl"], 198.44, "all")
    assert (words.kind, words.text) == (Kind.LYRICS, "[Verse]\nLa la")
    assert "same file" in second.notes[0]
    assert reading.report.facts["task_id"] == "t1"
    assert not reading.doubt


def test_songs_are_read_in_the_form_of_the_quick_start() -> None:
    data = {"taskId": "t1", "status": "SUCCESS", "response": {"data": [SEED]}}
    (take,) = look("music", data).report.takes
    assert (take.clip_id, take.files[0].ref, take.files[0].duration_s) == ("a1", SEED["audio_url"], 180.5)


def test_an_instrumental_has_no_lyrics_file() -> None:
    (take,) = look("music", record("SUCCESS", REFERENCE), sings=False).report.takes
    assert [file.kind for file in take.files] == [Kind.MIX]


def test_songs_without_an_address_are_looked_at_again_and_then_sought_at_their_usual_place() -> None:
    bare = {"id": "a/1", "audioUrl": None, "streamAudioUrl": "https://stream/a1"}
    reading = look("music", record("SUCCESS", bare))
    assert reading.doubt == "no_address"
    doubts = Doubts()
    assert not doubts.settle("t1", reading).done
    assert doubts.settle("t1", reading).takes[0].files[0].ref == "https://cdn1.suno.ai/a%2F1.mp3"


def test_a_call_back_that_failed_does_not_matter_where_the_songs_are_there() -> None:
    reading = look("music", record("CALLBACK_EXCEPTION", REFERENCE))
    assert reading.report.done
    assert reading.report.takes
    assert not reading.doubt


def test_songs_may_still_appear_after_a_call_back_that_failed() -> None:
    now_s = [0.0]
    doubts = Doubts(clock=lambda: now_s[0])
    reading = look("music", record("CALLBACK_EXCEPTION"))
    assert not doubts.settle("t1", reading).done
    now_s[0] = 299.0
    assert not doubts.settle("t1", reading).done
    now_s[0] = 301.0
    assert "call back" in str(doubts.settle("t1", reading).failed)


def test_a_task_may_be_unknown_for_half_a_minute() -> None:
    now_s = [0.0]
    doubts = Doubts(clock=lambda: now_s[0])
    reading = look("music", None)
    for now_s[0] in (0.0, 20.0):
        assert not doubts.settle("t1", reading).done
    assert not doubts.settle("t1", look("music", {"status": "PENDING", "response": None})).done
    now_s[0] = 40.0
    assert not doubts.settle("t1", reading).done  # it began anew
    now_s[0] = 71.0
    assert doubts.settle("t1", reading).failed


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("SENSITIVE_WORD_ERROR", "objects to words"),
        ("CREATE_TASK_FAILED", "could not begin"),
        ("GENERATE_AUDIO_FAILED", "could not make the audio"),
        ("FAILED", "could not do it"),
    ],
)
def test_a_failure_is_a_sentence_with_the_services_own_words(word: str, part: str) -> None:
    report = look("music", record(word, errorCode=None, errorMessage="tag 'xyz' is not allowed.")).report
    assert report.done
    assert part in str(report.failed)
    assert "xyz" in str(report.failed)


def test_the_take_that_was_made_before_a_failure_is_kept() -> None:
    half = {"id": "a2", "audioUrl": ""}
    report = look("music", record("GENERATE_AUDIO_FAILED", REFERENCE, half, errorCode=531)).report
    (take,) = report.takes
    assert take.clip_id == "a1"
    assert "credits back" in take.notes[0]


def test_a_song_too_short_to_be_whole_is_taken_for_the_new_part() -> None:
    short = {**REFERENCE, "duration": 12.0}
    assert look("music", record("SUCCESS", short), from_s=60.0).report.takes[0].files[0].covers == "tail"
    assert look("music", record("SUCCESS", short), section_s=[10, 22]).report.takes[0].files[0].covers == "section"
    assert look("music", record("SUCCESS", REFERENCE), section_s=[10, 22]).report.takes[0].files[0].covers == "all"


def test_an_mp3_is_held_back_where_its_wav_is_bought() -> None:
    (take,) = look("music", record("SUCCESS", REFERENCE), holds_back=True).report.takes
    assert take.files == ()
    assert take.facts["kept"] == {"ref": REFERENCE["audioUrl"], "duration_s": 198.44, "covers": "all"}


@pytest.mark.parametrize(
    "data",
    [
        {"successFlag": "SUCCESS", "response": {"vocalUrl": "https://f/v.mp3", "instrumentalUrl": "https://f/i.mp3"}},
        {
            "status": "SUCCESS",
            "vocal_removal_info": {"vocal_url": "https://f/v.mp3", "instrumental_url": "https://f/i.mp3"},
        },
        {"successFlag": "1", "response": {"vocal_url": "https://f/v.mp3", "instrumental_url": "https://f/i.mp3"}},
        {
            "status": "SUCCESS",
            "response": {"vocal_removal_info": {"vocal_url": "https://f/v.mp3", "instrumental_url": "https://f/i.mp3"}},
        },
    ],
)
def test_two_stems_are_read_in_every_form(data: dict[str, Any]) -> None:
    (take,) = look("separation", data).report.takes
    assert {file.stem: file.ref for file in take.files} == {
        "vocals": "https://f/v.mp3",
        "instrumental": "https://f/i.mp3",
    }


def test_twelve_stems_come_without_those_that_are_not_in_the_mix() -> None:
    response: dict[str, Any] = {name: f"https://f/{name}.mp3" for name in FIELDS if name != "instrumentalUrl"}
    response |= {"originUrl": "https://f/o.mp3", "brassUrl": None, "instrumentalUrl": ""}
    (take,) = look("separation", {"successFlag": "SUCCESS", "response": response}).report.takes
    assert len(take.files) == 11
    assert "brass" not in {file.stem for file in take.files}


def test_stems_on_the_way_to_notes_are_not_given_out() -> None:
    data = {"successFlag": "SUCCESS", "response": {"vocalUrl": "https://f/v.mp3"}}
    report = look("separation", data, keep=False).report
    assert report.takes[0].files == ()
    assert report.facts["task_id"] == "t1"


def test_a_named_stem_is_found_in_the_list_of_parts() -> None:
    parts = [{"id": "1", "audio_url": "https://f/1.mp3", "stem_type_group_name": "Lead Vocal"}]
    data = {"successFlag": "SUCCESS", "response": {"vocalUrl": None, "originData": parts}}
    (take,) = look("separation", data).report.takes
    assert [(file.stem, file.ref) for file in take.files] == [("vocals", "https://f/1.mp3")]


def test_nearly_every_stem_of_the_service_has_a_name_of_ours() -> None:
    assert {stem_of(name) for name in NAMED} >= {"vocals", "drums", "bass", "strings", "brass", "woodwinds"}
    assert {name for name in NAMED if stem_of(name) is None} <= {"Harmonica"}


def test_notes_may_be_numbers_or_text() -> None:
    notes = [
        {"pitch": 60, "start": 0.5, "end": "1.0", "velocity": 0.5},
        {"pitch": "62", "start": "0.25", "end": 0.5, "velocity": 1},
        {"pitch": 300, "start": 0, "end": 1, "velocity": 1},
        {"pitch": 60, "start": 1, "end": 1, "velocity": 1},
    ]
    instruments = [{"name": "Electric Bass (finger)", "notes": notes}, {"name": "Drums", "notes": notes[:1]}, {}]
    bass, drums = note_tracks({"state": "complete", "instruments": instruments})
    assert [(note.start_s, note.pitch, note.velocity) for note in bass.notes] == [(0.25, 62, 127), (0.5, 60, 64)]
    assert (bass.program, bass.is_drums, drums.is_drums) == (33, False, True)


@pytest.mark.parametrize("midi_data", [None, {}, {"state": "complete", "instruments": []}])
def test_no_notes_are_a_failure_only_where_nothing_else_can_be_tried(midi_data: Any) -> None:
    data = {"successFlag": 1, "midiData": midi_data}
    assert look("notes", data, last=False).report.facts["is_empty"]
    assert "no notes" in str(look("notes", data, last=True).report.failed)


def test_states_are_counted_differently_for_notes_and_pictures() -> None:
    assert look("notes", {"successFlag": 2}).report.failed
    assert not look("cover_art", {"successFlag": 2}).report.done
    assert look("cover_art", {"successFlag": 3, "errorCode": 500}).report.failed
    report = look(
        "cover_art", {"successFlag": 1, "response": {"images": ["https://f/1.png", "https://f/2.png"]}}
    ).report
    assert [take.files[0].kind for take in report.takes] == [Kind.IMAGE, Kind.IMAGE]


def test_a_wav_has_the_place_of_the_mp3() -> None:
    data = {"successFlag": "SUCCESS", "response": {"audioWavUrl": "https://f/a.wav"}}
    (take,) = look("wav", data, duration_s=12.5, covers="tail").report.takes
    assert (take.files[0].duration_s, take.files[0].covers) == (12.5, "tail")


def test_lyrics_are_one_take_each() -> None:
    variants = [
        {"text": "La", "title": "One", "status": "complete", "errorMessage": ""},
        {"text": "Lo", "title": "Two", "status": "complete"},
        {"text": "", "title": "", "status": "failed"},
    ]
    report = look("lyrics", {"status": "SUCCESS", "response": {"data": variants}}).report
    assert [take.files[0].text for take in report.takes] == ["La", "Lo"]
    assert [take.told for take in report.takes] == [{"title": "One"}, {"title": "Two"}]


def test_a_recovery_that_runs_and_one_that_ends() -> None:
    assert not read("recovery", {"code": 201, "data": None}, {}, "t1").report.done
    items = [
        {"id": "a1", "audio_url": "https://f/a1.m4a", "title": "x", "status": "success", "error": None},
        {"id": "a2", "audio_url": None, "status": "failed", "error": "feed_failed"},
    ]
    report = read("recovery", {"code": 200, "data": items}, {}, "t1").report
    assert [take.clip_id for take in report.takes] == ["a1"]
    assert "feed_failed" in str(read("recovery", {"code": 500, "data": items[1:]}, {}, "t1").report.failed)


def test_timed_words_become_lines_and_are_kept_for_the_sidecar() -> None:
    words = [
        {"word": "[Verse]\nWaggin'", "success": True, "startS": 1.36, "endS": 1.79, "palign": 0},
        {"word": "tails\n", "startS": 2.0, "endS": 2.4},
        {"word": "all", "startS": "61.5", "endS": 62},
    ]
    report = timed(words)
    (take,) = report.takes
    assert take.files[0].text == "[00:01.36]Waggin' tails\n[01:01.50]all\n"
    assert take.told["aligned_words"][2] == {"word": "all", "start_s": 61.5, "end_s": 62.0}


def test_a_song_without_timed_words_is_told() -> None:
    assert "instrumental" in str(timed([]).failed)


def timed(words: list[Any]) -> Report:
    report = wire.accepted_at_once(
        "timed_lyrics", {"code": 200, "data": {"alignedWords": words}}, {"taskId": "t1"}
    ).report
    assert report is not None
    return report


def test_a_voice_of_ones_own_waits_for_a_recording() -> None:
    assert not look("voice_phrase", {"status": "wait_processing", "taskId": "t1"}).report.done
    report = look("voice_phrase", {"status": "wait_validating", "taskId": "t1", "validateInfo": "la la"}).report
    assert "la la" in str(report.takes[0].files[0].text)
    assert look("voice_phrase", {"status": "processing_validate_fail"}).report.failed
    assert "v1" in str(look("voice", {"status": "success", "voiceId": "v1"}).report.takes[0].files[0].text)


def test_an_accepted_task_is_found_in_either_spelling() -> None:
    assert wire.accepted_task({"code": 200, "data": {"taskId": "t1"}}).task_id == "t1"
    assert wire.accepted_task({"code": 200, "data": {"task_id": "t1"}}).task_id == "t1"
    with pytest.raises(ServiceError) as error:
        wire.accepted_task({"code": 200, "data": None})
    assert error.value.outcome is Outcome.UNKNOWN


def test_answers_that_hold_their_result() -> None:
    styled = wire.accepted_at_once(
        "style", {"data": {"taskId": "s", "result": "dub, deep", "creditsConsumed": 0.4}}, {}
    )
    assert isinstance(styled.report, Report)
    assert (styled.task_id, styled.report.cost_credits) == ("s", 0.4)
    persona = wire.accepted_at_once("persona", {"data": {"personaId": "p1"}}, {"taskId": "t1"})
    assert persona.task_id == "t1"
    assert persona.report is not None
    assert "personaId: p1" in str(persona.report.takes[0].files[0].text)
    silent = wire.accepted_at_once("timed_lyrics", {"data": {"alignedWords": []}}, {"taskId": "t1"}).report
    assert silent is not None
    assert "instrumental" in str(silent.failed)


@pytest.mark.parametrize("data", [810.0, "810", {"credits": 810}])
def test_credits_are_a_number_or_a_table(data: Any) -> None:
    assert wire.credits_of({"code": 200, "data": data}) == Balance(810.0)


def test_an_address_remembers_where_it_came_from_without_telling_the_server() -> None:
    ref = wire.with_origin("https://f/a.mp3?x=1", of="generate", task="t/1", song="a1")
    assert ref.startswith("https://f/a.mp3?x=1#")
    assert wire.origin_of(ref) == ("https://f/a.mp3?x=1", {"of": "generate", "task": "t/1", "song": "a1"})
