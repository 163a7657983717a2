"""What AceData answers, as reports."""

from __future__ import annotations

import pytest
from acedata_samples import done, song
from sendreturn.contract import UNSAID
from sendreturn.errors import Outcome, ServiceError
from sendreturn.words import Kind
from sendreturn_bridges.services.acedata.answers import accepted, standing
from sendreturn_bridges.suno.requests import Request

SONGS = Request("/suno/audios", {"action": "cover"}, "songs", {"sings": True})
WAV = Request("/suno/wav", {}, "file")


def extension(from_s=20.0, returns="auto"):
    return Request("/suno/audios", {"action": "extend"}, "extension", {"from_s": from_s, "extension": returns})


def mix(report, take=0):
    return report.takes[take].files[0]


def test_a_finished_task_gives_a_take_per_song_with_all_that_belongs_to_it():
    report = standing(SONGS, done(song(1, lyric="[Verse]\nOh"), song(2), cost={"amount": 0.504, "currency": "credit"}))
    assert report.done
    assert report.failed is None
    assert report.cost_credits == 0.504
    assert [take.clip_id for take in report.takes] == ["song-1", "song-2"]
    assert [file.kind for file in report.takes[0].files] == [Kind.MIX, Kind.LYRICS, Kind.IMAGE]
    assert [file.kind for file in report.takes[1].files] == [Kind.MIX, Kind.IMAGE]
    assert mix(report).ref == "https://cdn1.suno.ai/song-1.mp3"
    assert mix(report).duration_s == 30.5


@pytest.mark.parametrize(
    "task",
    [
        {},
        {"id": "task", "created_at": 1.0},
        {"id": "task", "response": None, "started_at": 1.0},
        {"id": "task", "response": {"success": True, "task_id": "task"}},
        {"id": "task", "response": {"success": True, "data": [song(state="running"), song(2)]}},
        {"id": "task", "response": {"success": True, "data": [song(state="pending", audio_url="")]}},
        {"id": "task", "response": {"success": False, "error": "hm"}},
    ],
)
def test_a_task_that_is_not_over_goes_on_whatever_it_shows(task):
    report = standing(SONGS, task)
    assert not report.done
    assert report.takes == ()


def test_without_a_finishing_time_the_states_of_all_songs_decide():
    task = {"id": "task", "response": {"success": True, "data": [song(1), song(2, state="Complete")]}}
    assert len(standing(SONGS, task).takes) == 2


def test_old_answers_without_states_count_once_the_task_is_finished():
    old = {name: value for name, value in song().items() if name not in ("state", "duration")}
    assert mix(standing(SONGS, done(old))).duration_s is None


@pytest.mark.parametrize(
    ("response", "says"),
    [
        ({"error": {"code": "forbidden", "message": "Tags contained artist name: Prince"}}, "naming artists"),
        ({"error": "fetch failed", "data": []}, "fetch failed"),
        ({"error": [{"code": "api_error", "message": "job failed with unknown error"}]}, "job failed"),
        ({"error": None}, "without saying why"),
        ({}, "without saying why"),
    ],
)
def test_a_failed_task_says_why_whatever_shape_the_error_has(response, says):
    report = standing(SONGS, {"id": "task", "finished_at": 3.0, "response": {"success": False, **response}})
    assert report.done
    assert says in (report.failed or "")
    assert report.cost_credits == 0.0


def test_a_structured_error_ends_a_task_without_a_finishing_time():
    response = {"success": False, "error": {"code": "api_error", "message": "x"}}
    assert standing(SONGS, {"id": "task", "response": response}).failed


def test_one_of_two_songs_may_fail():
    report = standing(SONGS, done(song(1), song(2, state="error", audio_url="")))
    assert len(report.takes) == 1
    assert report.takes[0].notes == ("1 of the 2 takes failed at AceData.",)


def test_a_finished_song_that_still_names_its_preview_is_taken_from_its_final_place():
    report = standing(SONGS, done(song(audio_url="https://audiopipe.suno.ai/?item_id=song-1")))
    assert mix(report).ref == "https://cdn1.suno.ai/song-1.mp3"


@pytest.mark.parametrize(
    ("returns", "clip", "covers"),
    [
        ("auto", song(duration=14.0), "tail"),
        ("auto", song(duration=48.0), UNSAID),
        ("auto", song(duration=14.0, concat_history=[{"id": "a", "continue_at": 9.0}, {"id": "b"}]), "all"),
        ("auto", song(duration=None), UNSAID),
        ("tail", song(duration=48.0), "tail"),
        ("all", song(duration=14.0), "all"),
    ],
)
def test_a_continuation_is_told_from_a_song_that_begins_with_the_clip(returns, clip, covers):
    made = mix(standing(extension(returns=returns), done(clip)))
    assert made.covers == covers
    assert made.kind == (Kind.TAIL if covers == "tail" else Kind.MIX)


@pytest.mark.parametrize(("duration", "covers"), [(20.1, "all"), (6.2, "section"), (None, UNSAID)])
def test_a_replaced_section_may_come_with_the_whole_song_or_alone(duration, covers):
    request = Request("/suno/audios", {}, "section", {"section_s": [5, 11], "clip_s": 20.0})
    assert mix(standing(request, done(song(duration=duration)))).covers == covers


def test_twenty_four_stems_are_two_sets_of_twelve():
    names = ["Vocals", "Backing Vocals", "Drums", "Bass", "Guitar", "Keyboard"]
    names += ["Percussion", "Strings", "Synth", "FX", "Brass", "Woodwinds"]
    clips = [song(n, title=f"Night (Drive) ({name})") for n, name in enumerate(names * 2)]
    request = Request("/suno/audios", {}, "stems", {"count": 12, "sets": "takes"})
    report = standing(request, done(*clips))
    assert [len(take.files) for take in report.takes] == [12, 12]
    assert report.takes[1].files[1].stem == "backing_vocals"
    assert report.takes[1].files[1].ref == "https://cdn1.suno.ai/song-13.mp3"
    in_one = standing(Request("/suno/audios", {}, "stems", {"count": 12}), done(*clips))
    assert [len(take.files) for take in in_one.takes] == [24]


def test_stems_without_titles_are_told_by_their_order():
    clips = [song(n, title="") for n in range(24)]
    request = Request("/suno/audios", {}, "stems", {"count": 12, "sets": "takes"})
    takes = standing(request, done(*clips)).takes
    assert [take.files[9].stem for take in takes] == ["fx", "fx"]


def test_two_stems_are_vocals_and_the_rest():
    clips = [song(1, title="My Song - Vocals", model=""), song(2, title="My Song - Instrumental", model="")]
    (take,) = standing(Request("/suno/audios", {}, "stems", {"count": 2, "sets": "takes"}), done(*clips)).takes
    assert [file.stem for file in take.files] == ["vocals", "instrumental"]
    assert take.clip_id is None


def test_a_wav_is_found_in_a_list_or_alone_and_is_what_its_song_was():
    request = Request("/suno/wav", {}, "file", {"kind": "tail", "covers": "tail", "duration_s": 9.0})
    for data in ([{"file_url": "https://cdn1.suno.ai/a.wav"}], {"file_url": "https://cdn1.suno.ai/a.wav"}):
        made = mix(standing(request, done(data=data)))
        assert (made.kind, made.covers, made.ref) == (Kind.TAIL, "tail", "https://cdn1.suno.ai/a.wav")


def test_songs_that_are_bought_as_wav_come_without_their_mp3():
    report = standing(Request("/suno/audios", {}, "songs", {"wav": True}), done(song()))
    assert [file.kind for file in report.takes[0].files] == [Kind.IMAGE]
    assert report.takes[0].facts["mp3_url"] == "https://cdn1.suno.ai/song-1.mp3"


@pytest.mark.parametrize(
    ("path", "reads", "says"),
    [("/suno/wav", "file", "WAV"), ("/suno/midi", "midi", "notes"), ("/suno/mp4", "video", "video")],
)
def test_a_finished_task_without_what_was_asked_for_has_failed(path, reads, says):
    report = standing(Request(path, {}, reads), done(data=[]))
    assert says in (report.failed or "")


# What is said to a request


def test_both_shapes_of_a_submission_give_the_task():
    for body in ({"task_id": "t"}, {"success": True, "task_id": "t", "trace_id": "x"}):
        assert accepted(SONGS, body).task_id == "t"
        assert accepted(SONGS, body).report is None


def test_songs_that_only_begin_in_the_answer_are_waited_for():
    body = {"success": True, "task_id": "t", "data": [song(state="pending", audio_url="")]}
    assert accepted(SONGS, body).report is None


def test_an_upload_is_answered_at_once():
    request = Request("/suno/upload", {}, "upload")
    told = accepted(request, {"success": True, "task_id": "t", "data": {"audio_id": "up", "duration": 20.1}})
    assert told.report is not None
    assert told.report.facts == {"audio_id": "up", "duration_s": 20.1, "lyric": ""}


def test_an_answer_without_task_and_result_leaves_the_fate_unknown():
    with pytest.raises(ServiceError) as raised:
        accepted(SONGS, {"success": True})
    assert raised.value.outcome is Outcome.UNKNOWN


def test_an_immediate_result_without_what_was_asked_for_is_an_error():
    with pytest.raises(ServiceError, match="no id for the clip"):
        accepted(Request("/suno/upload", {}, "upload"), {"success": True, "data": {"title": "up-x"}})


@pytest.mark.parametrize(
    ("request_", "data", "text"),
    [
        (Request("/suno/lyrics", {}, "lyrics"), {"text": "Oh", "title": "Sea"}, "Sea\n\nOh\n"),
        (Request("/suno/style", {}, "tags"), {"upsampled_tags": "deep dub"}, "deep dub\n"),
        (
            Request("/suno/persona", {}, "persona", {"audio_id": "a"}),
            {"persona_id": "p"},
            "service_options for songs in this voice:\npersona_id: p\naudio_id: a\n",
        ),
    ],
)
def test_texts_come_back_as_files(request_, data, text):
    told = accepted(request_, {"success": True, "trace_id": "x", "data": data})
    assert told.report is not None
    assert mix(told.report).text == text
    assert mix(told.report).kind is Kind.LYRICS


def test_a_voice_has_an_id_and_a_file():
    data = {"id": "v", "vocal_audio_url": "https://cdn1.suno.ai/v_vocals.m4a", "vocal_start_s": 2, "vocal_end_s": 12}
    report = standing(Request("/suno/vox", {}, "vox", {"section_s": [2, 12]}), done(data=data))
    assert report.facts == report.takes[0].told == {"vox_audio_id": "v", "section_s": [2.0, 12.0]}
    assert mix(report).stem == "vocals"


def test_timed_words_are_an_lrc_file_and_are_told():
    word = {"word": "[Verse]\nHello ", "success": True, "start_s": 1.0, "end_s": 1.5, "p_align": 0.9}
    told = accepted(Request("/suno/timing", {}, "timing"), {"success": True, "data": {"aligned_words": [word]}})
    assert told.report is not None
    (take,) = told.report.takes
    assert (take.files[0].ref, take.files[0].text) == ("words.lrc", "[00:01.00]Hello\n")
    assert take.told == {"aligned_words": [{"word": "[Verse]\nHello ", "start_s": 1.0, "end_s": 1.5}]}
