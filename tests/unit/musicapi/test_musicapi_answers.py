"""What MusicAPI answers, as reports."""

from __future__ import annotations

import pytest
from musicapi_samples import done, lost, running, song
from sendreturn.contract import UNSAID
from sendreturn.errors import Outcome, ServiceError
from sendreturn.words import Kind
from sendreturn_bridges.services.musicapi.answers import accepted, standing
from sendreturn_bridges.suno.requests import Request

SONGS = Request("/sonic/create", {}, "songs", {"place": "all", "sings": True})
TAIL = Request("/sonic/upload-extend", {}, "songs", {"place": "tail", "sings": True, "from_s": 20.0})
JOINED = Request("/sonic/upload-extend", {}, "songs", {"place": "tail", "joins": True})
SECTION = Request("/sonic/replace-section", {}, "songs", {"place": "section", "section_s": [5, 11], "clip_s": 20.0})
NOT_READY = {"type": "not_ready", "error": "The task is not ready."}


def mix(report):
    return report.takes[0].files[0]


def stand(request, *clips, status=200):
    return standing(request, status, done(*clips))


def test_a_finished_task_is_a_take_for_each_song():
    report = stand(SONGS, song(1), song(2, lyrics="[Verse]\nHello"))
    assert report.done
    first, second = report.takes
    assert (first.clip_id, first.files[0].ref) == ("song-1", "https://cdn1.suno.ai/song-1.mp3")
    assert first.files[0].duration_s == 30.5
    assert [file.kind for file in first.files] == [Kind.MIX, Kind.IMAGE]
    assert [file.kind for file in second.files] == [Kind.MIX, Kind.LYRICS, Kind.IMAGE]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (202, NOT_READY),
        (200, NOT_READY),
        (202, None),
        (200, {}),
        (200, {"code": 200, "data": []}),
        (200, done(running(), running(2))),
        (200, done(song(1), running(2))),
        (200, done(song(1, state="pending", audio_url=""), lost())),
    ],
)
def test_a_task_goes_on_until_every_clip_has_ended(status, body):
    report = standing(SONGS, status, body)
    assert not report.done
    assert report.takes == ()


def test_one_of_two_songs_may_fail_and_the_other_comes():
    report = stand(SONGS, lost(1, "Task failed due to timeout."), song(2))
    (take,) = report.takes
    assert take.clip_id == "song-2"
    assert take.notes[0].startswith("1 of the 2 takes failed.")
    assert "timeout" in take.notes[0]


def test_a_task_whose_songs_all_failed_says_why_and_cost_nothing():
    report = stand(SONGS, lost(1, "The song description contains artist names: 'X' which is not allowed."), lost(2))
    assert report.done
    assert "without naming artists" in (report.failed or "")
    assert report.cost_credits == 0.0


@pytest.mark.parametrize(
    ("duration", "kind", "covers"),
    [("14.2", Kind.TAIL, "tail"), ("48.0", Kind.MIX, UNSAID), (None, Kind.MIX, UNSAID)],
)
def test_only_a_continuation_that_is_too_short_for_it_says_that_the_clip_is_not_in_it(duration, kind, covers):
    made = mix(stand(TAIL, song(duration=duration)))
    assert (made.kind, made.covers) == (kind, covers)


@pytest.mark.parametrize("name", ["extended", "replaced"])
def test_a_pair_gives_its_joined_song(name):
    made = mix(stand(TAIL, {name: song(1), "full": song(2)}))
    assert (made.kind, made.covers, made.ref) == (Kind.MIX, "all", "https://cdn1.suno.ai/song-2.mp3")


def test_a_pair_that_is_not_joined_yet_is_waited_for_only_where_it_was_asked_for():
    pair = {"extended": song(1), "full": None}
    assert not stand(JOINED, pair).done
    assert mix(stand(TAIL, pair)).covers == "tail"
    assert stand(JOINED, {"extended": lost(1), "full": None}).failed


def test_a_pair_that_could_not_be_joined_gives_the_new_audio():
    (take,) = stand(JOINED, {"extended": song(1), "full": lost(2)}).takes
    assert take.files[0].covers == "tail"
    assert "could not join" in take.notes[0]


@pytest.mark.parametrize(("duration", "covers"), [("20.1", "all"), ("6.2", "section"), (None, UNSAID)])
def test_a_replaced_section_may_come_with_the_whole_song_or_alone(duration, covers):
    made = mix(stand(SECTION, song(duration=duration)))
    assert (made.kind, made.covers) == (Kind.MIX, covers)


def test_songs_that_are_bought_as_wav_come_without_their_mp3():
    report = stand(Request("/sonic/create", {}, "songs", {"wav": True}), song())
    assert [file.kind for file in report.takes[0].files] == [Kind.IMAGE]
    assert report.takes[0].facts["mp3_url"] == "https://cdn1.suno.ai/song-1.mp3"


@pytest.mark.parametrize(
    "body",
    [
        {"status": "SUCCESS", "audio_url": "https://cdn.musicapi.ai/a.mp3", "duration": 30},
        {"data": {"status": "SUCCESS", "audio_url": "https://cdn.musicapi.ai/a.mp3"}},
        {"data": {"clips": [song(audio_url="https://cdn.musicapi.ai/a.mp3")]}},
    ],
)
def test_producers_songs_are_found_in_each_shape(body):
    report = standing(Request("/producer/create", {}, "songs"), 200, body)
    assert mix(report).ref == "https://cdn.musicapi.ai/a.mp3"


def test_producers_failure_is_told():
    assert standing(Request("/producer/create", {}, "songs"), 200, {"status": "FAILED", "error": "hm"}).failed
    assert not standing(Request("/producer/create", {}, "songs"), 200, {"status": "RUNNING"}).done


# Stems


def stems(count, *clips, **context):
    return stand(Request("/sonic/stems/basic", {}, "stems", {"count": count, **context}), *clips)


def test_stems_are_named_by_type_or_title():
    report = stems(2, song(1, stem_type="Vocal"), song(2, title="Song - Backing Vocals"), song(3, title="A (Drums)"))
    assert [file.stem for file in report.takes[0].files] == ["vocals", "backing_vocals", "drums"]


@pytest.mark.parametrize(
    ("count", "names"),
    [(2, ["vocals", "instrumental"]), (4, ["vocals", "drums", "bass", "other"]), (3, ["other", "other", "other"])],
)
def test_stems_without_names_are_told_by_their_order(count, names):
    report = stems(2, *(song(n, title="") for n in range(count)))
    assert [file.stem for file in report.takes[0].files] == names


def test_twenty_four_stems_are_two_sets_of_twelve():
    clips = [song(n, title="") for n in range(24)]
    assert [len(take.files) for take in stems(12, *clips, sets="takes").takes] == [12, 12]
    assert [len(take.files) for take in stems(12, *clips).takes] == [24]


def test_a_stem_that_failed_is_left_out_without_shifting_the_names():
    (take,) = stems(4, song(1, title=""), lost(2), song(3, title=""), song(4, title="")).takes
    assert [file.stem for file in take.files] == ["vocals", "bass", "other"]
    assert take.notes == ("1 of the 4 stems failed at MusicAPI.",)
    assert stems(2, lost(1), lost(2)).failed


# What is said to a request


@pytest.mark.parametrize("body", [{"message": "success", "task_id": "t"}, {"code": 200, "data": {"task_id": "t"}}])
def test_each_shape_of_a_submission_gives_the_task(body):
    assert accepted(SONGS, 200, body).task_id == "t"


def test_an_answer_without_task_and_result_leaves_the_fate_unknown():
    with pytest.raises(ServiceError) as raised:
        accepted(SONGS, 200, {"message": "success"})
    assert raised.value.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("status", [200, 202])
def test_what_is_not_ready_yet_may_be_asked_for_again(status):
    with pytest.raises(ServiceError) as raised:
        accepted(Request("/sonic/midi", {}, "midi"), status, NOT_READY)
    assert raised.value.outcome is Outcome.RETRY


@pytest.mark.parametrize("body", [{"code": 200, "clip_id": "up"}, {"code": 200, "data": {"clip_id": "up"}}])
def test_an_upload_is_answered_at_once(body):
    told = accepted(Request("/sonic/upload", {}, "upload"), 200, body)
    assert told.report is not None
    assert told.report.facts == {"clip_id": "up"}


def test_an_upload_may_take_its_time():
    request = Request("/sonic/upload", {}, "upload")
    assert accepted(request, 200, {"task_id": "t"}).report is None
    assert not standing(request, 200, {"data": {"state": "running"}}).done
    assert standing(request, 200, {"data": {"state": "succeeded", "clip_id": "up"}}).facts == {"clip_id": "up"}
    assert standing(request, 200, {"data": {"state": "failed", "error_message": "Invalid audio file"}}).failed


@pytest.mark.parametrize(
    ("request_", "body", "text"),
    [
        (
            Request("/sonic/lyrics", {}, "lyrics"),
            {"results": [{"title": "Sea", "lyrics": "Oh"}, {"title": "", "lyrics": "Ah"}]},
            "Sea\n\nOh\n",
        ),
        (Request("/sonic/upsample-tags", {}, "tags"), {"data": {"upsampled_tags": "deep dub"}}, "deep dub\n"),
        (
            Request("/sonic/persona", {}, "persona"),
            {"code": 200, "persona_id": "p"},
            "service_options for songs in this voice:\npersona_id: p\n",
        ),
        (
            Request("/sonic/bpm", {}, "bpm"),
            {"data": {"avg_bpm": 120.5, "max_bpm": 121, "min_bpm": 120}},
            "avg_bpm: 120.5\nmin_bpm: 120\nmax_bpm: 121\n",
        ),
        (Request("/sonic/vox", {}, "vox", {"section_s": [0, 9]}), {"data": {"vox_audio_id": "v"}}, "vox_audio_id: v\n"),
    ],
)
def test_texts_come_back_as_files(request_, body, text):
    told = accepted(request_, 200, body)
    assert told.report is not None
    assert mix(told.report).text == text
    assert mix(told.report).kind is Kind.LYRICS


def test_the_tempo_stands_with_the_take():
    told = accepted(Request("/sonic/bpm", {}, "bpm"), 200, {"data": {"avg_bpm": "98"}})
    assert told.report is not None
    assert told.report.takes[0].bpm == 98


def test_a_cloned_voice_is_the_result_of_a_task():
    request = Request("/sonic/create-voice", {}, "persona")
    assert accepted(request, 200, {"task_id": "t"}).task_id == "t"
    assert standing(request, 200, {"data": {"persona_id": "p", "name": "Ann"}}).takes[0].told == {"persona_id": "p"}
    assert not standing(request, 202, NOT_READY).done


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"wav_url": "https://cdn1.suno.ai/a.wav"}},
        {"wav_url": "https://cdn1.suno.ai/a.wav"},
        {"data": "https://cdn1.suno.ai/a.wav"},
        {
            "data": {
                "files": [
                    {"format": "mp3", "url": "https://cdn1.suno.ai/a.mp3"},
                    {"format": "wav", "url": "https://cdn1.suno.ai/a.wav"},
                ]
            }
        },
    ],
)
def test_a_wav_is_found_wherever_it_stands_and_is_what_its_song_was(body):
    request = Request("/sonic/wav", {}, "file", {"kind": "tail", "covers": "tail", "duration_s": 9.0})
    told = accepted(request, 200, body)
    assert told.report is not None
    made = mix(told.report)
    assert (made.kind, made.covers, made.ref) == (Kind.TAIL, "tail", "https://cdn1.suno.ai/a.wav")


def test_notes_go_before_the_midi_file_which_serves_where_there_are_none():
    request, url = Request("/sonic/midi", {}, "midi"), "https://cdn.sunoapi.com/a.mid"
    note = {"start": 0.5, "end": 1.0, "pitch": 60, "velocity": 0.5}
    told = accepted(request, 200, {"data": {"midi_url": url, "instruments": [{"name": "Bass", "notes": [note]}]}})
    assert told.report is not None
    assert (mix(told.report).ref, len(mix(told.report).tracks)) == ("", 1)
    assert told.report.takes[0].told == {"midi_url": url}
    bare = accepted(request, 200, {"data": {"midi_url": url, "instruments": []}})
    assert bare.report is not None
    assert (mix(bare.report).ref, mix(bare.report).tracks) == (url, None)


@pytest.mark.parametrize(
    ("path", "reads", "says"),
    [
        ("/sonic/wav", "file", "WAV"),
        ("/sonic/midi", "midi", "notes"),
        ("/sonic/upload", "upload", "id"),
        ("/sonic/aligned-lyrics", "timing", "timed words"),
        ("/sonic/vox", "vox", "voice"),
        ("/sonic/bpm", "bpm", "tempo"),
        ("/sonic/lyrics", "lyrics", "lyrics"),
        ("/sonic/upsample-tags", "tags", "style"),
        ("/sonic/persona", "persona", "persona"),
    ],
)
def test_an_immediate_result_without_what_was_asked_for_is_an_error(path, reads, says):
    with pytest.raises(ServiceError) as raised:
        accepted(Request(path, {}, reads), 200, {"code": 200, "message": "success", "data": {}})
    assert says in raised.value.what


def test_timed_words_are_an_lrc_file_and_are_told():
    word = {"word": "[Verse]\nHello ", "success": True, "start_s": 1.0, "end_s": 1.5, "p_align": 0.9}
    told = accepted(Request("/sonic/aligned-lyrics", {}, "timing"), 200, {"code": 200, "data": {"alignment": [word]}})
    assert told.report is not None
    assert (mix(told.report).ref, mix(told.report).text) == ("words.lrc", "[00:01.00]Hello\n")
    assert told.report.takes[0].told == {"aligned_words": [{"word": "[Verse]\nHello ", "start_s": 1.0, "end_s": 1.5}]}
