"""What Sonauto answers, in every shape in which it may come."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sendreturn.errors import Outcome, ServiceError
from sendreturn.words import Kind
from sendreturn_bridges.services.sonauto import answers
from sendreturn_bridges.services.sonauto.answers import Standing, ended, kept_song, running, standing_in, task_id_in
from sendreturn_bridges.services.sonauto.timings import as_lrc, timings_in

RECORD: dict[str, Any] = {
    "id": "abc-1",
    "created_at": "2026-11-20T10:00:00Z",
    "status": "SUCCESS",
    "alignment_status": None,
    "model_version": "v2.2",
    "song_paths": [
        "https://cdn.sonauto.ai/generations2/audio_a_0.wav",
        "https://cdn.sonauto.ai/generations2/audio_a_1.wav",
    ],
    "error_message": None,
    "lyrics": "[Verse 1]\nrain",
    "v2_params": {"balance_strength": 0.7, "seed": 42, "bpm": 92},
}


def report_of(**other: Any):
    return ended({**RECORD, **other}, "abc-1", "all", aligned=False, sung=True)


@pytest.mark.parametrize(
    ("body", "text"),
    [("GENERATING", '"GENERATING"'), (None, "GENERATING"), ({"status": "GENERATING"}, ""), (None, "'generating'")],
)
def test_a_status_is_read_from_a_text_a_bare_word_or_an_object(body: Any, text: str):
    standing = standing_in(body, text)
    assert standing == Standing("GENERATING")
    assert not standing.has_ended


@pytest.mark.parametrize(
    "status",
    ["RECEIVED", "TRANSCRIBE_ANYTHING", "PROMPT", "TASK_SENT", "GENERATE_TASK_STARTED", "LOADING_SOURCE",
     "BEGINNING_GENERATION", "GENERATING", "GENERATING_STREAMING_READY", "DECOMPRESSING", "SAVING", "A_NEW_ONE", ""],
)  # fmt: skip
def test_every_status_but_two_means_that_the_task_is_running(status: str):
    standing = Standing(status)
    assert not standing.has_ended
    report = running(standing)
    assert not report.done
    assert report.text


def test_progress_only_grows_in_the_documented_order():
    order = ["RECEIVED", "TRANSCRIBE_X", "PROMPT", "TASK_SENT", "GENERATE_TASK_STARTED", "LOADING_SOURCE",
             "BEGINNING_GENERATION", "GENERATING", "GENERATING_STREAMING_READY", "DECOMPRESSING", "SAVING"]  # fmt: skip
    steps = [running(Standing(status)).progress for status in order]
    assert steps == sorted(steps)
    assert len(set(steps)) == len(steps)


def test_the_stream_is_told_only_once_it_is_there():
    url = "https://api-stream.sonauto.ai/stream/abc-1"
    assert url not in running(Standing("GENERATING"), url).text
    assert url in running(Standing("GENERATING_STREAMING_READY"), url).text
    assert url not in running(Standing("GENERATING_STREAMING_READY"), None).text


@pytest.mark.parametrize(
    ("aligning", "has_ended"),
    [
        (None, True),
        ("REQUESTED", False),
        ("TASK_SENT", False),
        ("ALIGNING", False),
        ("SUCCESS", True),
        ("FAILURE", True),
    ],
)
def test_a_song_whose_lyrics_are_aligned_ends_with_the_alignment(aligning: str | None, has_ended: bool):
    standing = standing_in({"status": "SUCCESS", "alignment_status": aligning}, "")
    assert standing.has_ended is has_ended
    assert running(standing).text == "aligning the lyrics"


def test_both_songs_come_back_with_their_lyrics_and_names():
    report = report_of()
    assert report.done
    assert [take.clip_id for take in report.takes] == ["abc-1/0", "abc-1/1"]
    song, lyrics = report.takes[1].files
    assert song.ref == "https://cdn.sonauto.ai/generations2/audio_a_1.wav#abc-1/1"
    assert (song.kind, song.covers, song.made_by) == (Kind.MIX, "all", "Sonauto v2.2")
    assert (lyrics.kind, lyrics.text) == (Kind.LYRICS, "[Verse 1]\nrain\n")
    assert report.takes[0].bpm == 92


@pytest.mark.parametrize(
    "missing", [{}, {"v2_params": None, "lyrics": None}, {"v2_params": {"bpm": "auto"}, "lyrics": 3}]
)
def test_everything_but_the_songs_may_be_missing(missing: dict[str, Any]):
    record = {"status": "SUCCESS", "song_paths": RECORD["song_paths"][:1], **missing}
    (take,) = ended(record, "abc-1", "section", aligned=False, sung=True).takes
    (song,) = take.files
    assert (song.covers, song.made_by, take.bpm) == ("section", "Sonauto", None)


def test_a_failure_is_told_in_sonautos_words_and_costs_nothing():
    report = report_of(status="FAILURE", song_paths=None, error_message="GPU worker lost")
    assert report.failed == "Sonauto could not make it: GPU worker lost. Nothing was billed."
    assert report.cost_credits == 0.0
    silent = report_of(status="FAILURE", song_paths=None, error_message=None).failed
    assert silent == "Sonauto could not make it, and does not say why. Nothing was billed."
    moderated = report_of(status="FAILURE", error_message="Blocked by moderation").failed
    assert moderated is not None
    assert "Change prompt, lyrics or style" in moderated


def test_a_record_that_lags_behind_its_status_is_waited_for():
    assert not report_of(status="SAVING", song_paths=None).done
    assert not ended(None, "abc-1", "all", aligned=False, sung=True).done


def test_a_finished_song_without_an_address_is_a_failure():
    failed = report_of(song_paths=[]).failed
    assert failed == "Sonauto says that the song is finished, but not where it is."


@pytest.mark.parametrize("body", [None, {}, {"task_id": ""}, {"task_id": 7}, {"task_id": "../up"}, ["abc"]])
def test_an_accepted_request_without_a_name_has_an_unknown_fate(body: Any):
    with pytest.raises(ServiceError) as caught:
        task_id_in(body)
    assert caught.value.outcome is Outcome.UNKNOWN
    assert task_id_in({"task_id": "abc123-def456"}) == "abc123-def456"


@pytest.mark.parametrize(
    ("now", "is_kept"),
    [(datetime(2026, 11, 27, 8, 59, tzinfo=UTC), True), (datetime(2026, 11, 27, 9, 1, tzinfo=UTC), False)],
)
def test_a_song_is_asked_for_at_its_place_only_while_it_lies_there(now: datetime, is_kept: bool):
    song = kept_song(RECORD, 1, now)
    assert song == (RECORD["song_paths"][1] if is_kept else None)
    assert kept_song(RECORD, 2, now) is None
    assert kept_song({**RECORD, "status": "SAVING"}, 0, now) is None
    assert kept_song(None, 0, now) is None


def test_a_songs_name_leads_back_to_it():
    assert answers.song_of(answers.song_id("abc-1", 1)) == ("abc-1", 1)
    assert answers.song_of("a/b/0") is None
    assert answers.song_of("0b7f") is None


def test_credits_are_the_sum_of_their_pots():
    balance = answers.balance_in({"num_credits": 900, "num_credits_payg": 200})
    assert balance.credits == 1100
    assert balance.parts == {"subscription": 900, "pay as you go": 200}
    assert answers.balance_in({"num_credits": 5}).credits == 5
    with pytest.raises(ServiceError, match="did not say how many credits"):
        answers.balance_in({"credits": 900})


# Times of words


@pytest.mark.parametrize(
    "record",
    [
        {"aligned_lyrics": [{"word": "rain", "start": 1.5, "end": 2}, {"word": "falls", "start": 2.0}]},
        {"alignment": {"words": [{"text": "falls", "start_s": 2.0}, {"text": "rain", "start_s": 1.5}]}},
    ],
)
def test_times_of_words_are_found_wherever_they_stand(record: dict[str, Any]):
    found = timings_in({**RECORD, **record})
    assert [(timed["word"], timed["start_s"]) for timed in found] == [("rain", 1.5), ("falls", 2.0)]
    (take, _) = ended({**RECORD, **record}, "abc-1", "all", aligned=True, sung=True).takes
    assert take.files[1].ref == "lyrics.lrc"
    assert take.told["aligned_words"] == found
    assert take.files[1].text == "[00:01.50]<00:01.50>rain <00:02.00>falls\n"


def test_an_alignment_without_times_is_told_and_the_lyrics_stay():
    (take, _) = ended(RECORD, "abc-1", "all", aligned=True, sung=True).takes
    assert take.files[1].ref == "lyrics.txt"
    assert take.notes == ("Sonauto was asked to align the lyrics, but gave no times along.",)


def test_lines_end_at_line_breaks_and_pauses():
    rows = [{"word": "one\n", "start": 0.5}, {"word": "two", "start": 0.9}, {"word": "three", "start": "65.254"}]
    lines = "[00:00.50]<00:00.50>one\n[00:00.90]<00:00.90>two\n[01:05.25]<01:05.25>three\n"
    assert as_lrc(timings_in({"words": rows})) == lines
