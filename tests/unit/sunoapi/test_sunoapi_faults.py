"""What Suno API's refusals mean: ask again, ask the user, or give up."""

from __future__ import annotations

from typing import Any

import pytest
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.answers import Answer
from sendreturn_bridges.services.sunoapi.faults import AlreadyThere, Doubtful, classify, failure


def said(code: Any, msg: str = "", status: int = 200, data: Any = None) -> ServiceError | None:
    return classify(Answer(status, body={"code": code, "msg": msg, "data": data}))


@pytest.mark.parametrize("code", [200, 201, "200"])
def test_a_good_answer_is_good(code: Any) -> None:
    assert said(code, "success") is None


@pytest.mark.parametrize(
    ("code", "msg", "outcome", "part"),
    [
        (400, "invalid parameter: style", Outcome.GIVE_UP, "invalid parameter: style"),
        (401, "Unauthorized", Outcome.ASK, "API key"),
        (402, "Insufficient", Outcome.ASK, "credits"),
        (404, "Not found", Outcome.GIVE_UP, "does not know"),
        (405, "limit exceeded", Outcome.RETRY, "fewer requests"),
        (409, "exists", Outcome.GIVE_UP, "already"),
        (413, "prompt too long", Outcome.GIVE_UP, "too long"),
        (413, "Uploaded audio matches existing work of art.", Outcome.GIVE_UP, "known work"),
        (422, "model: wrong", Outcome.GIVE_UP, "model: wrong"),
        (429, "The current credits are insufficient.", Outcome.ASK, "credits"),
        (429, "Too many requests.", Outcome.RETRY, "fewer requests"),
        (430, "Your call frequency is too high.", Outcome.RETRY, "fewer requests"),
        (451, "file fetch failed", Outcome.GIVE_UP, "could not fetch the clip"),
        (455, "maintenance", Outcome.RETRY, "maintenance"),
        (500, "The original Suno task does not exist.", Outcome.GIVE_UP, "does not know this task"),
    ],
)
def test_the_code_in_the_body_counts(code: int, msg: str, outcome: Outcome, part: str) -> None:
    error = said(code, msg)
    assert error is not None
    assert (error.outcome, part in error.what) == (outcome, True), error.what
    assert msg in error.detail


@pytest.mark.parametrize(
    ("code", "msg", "what", "hint"),
    [
        (400, "Your prompt contains sensitive words", "objects to words", "Change prompt, lyrics, style or title"),
        (400, "Tags contain an artist name", "names of artists", "Describe the sound"),
        (400, "The audio is longer than 60 seconds", "too long", "range_s"),
        (400, "audio file too short", "too short", "longer"),
        (400, "The audio does not exist", "does not know this song", "A copy of the file"),
        (422, "Unsupported audio format", "cannot read the clip", "MP3"),
        (413, "style is too long: at most 200 characters", "style is too long", "Shorten style"),
        (413, "The prompt is too long", "The prompt is too long", "Shorten prompt or lyrics"),
        (400, "continueAt must be inside the audio", "continueAt must be", "Change from_s"),
        (400, "infillStartS and infillEndS must lie inside the audio", "infillStartS", "Change section_s"),
        (422, "audioWeight must be at most 1", "audioWeight", "Change audio_strength"),
        (422, "styleWeight must be between 0 and 1", "styleWeight", "Change style_strength"),
        (400, "something odd", "something odd", "Change what it objects to"),
    ],
)
def test_an_objection_says_what_to_change_in_the_users_words(code: int, msg: str, what: str, hint: str) -> None:
    error = said(code, msg)
    assert error is not None
    assert what in error.what
    assert hint in error.hint
    assert msg in error.detail


def test_a_task_that_failed_over_words_says_which_texts_to_change() -> None:
    for sentence in (
        failure("SENSITIVE_WORD_ERROR", 501, "Sensitive"),
        failure("CREATE_TASK_FAILED", 400, "moderated"),
    ):
        assert "objects to words" in sentence
        assert "Change prompt, lyrics, style or title" in sentence


@pytest.mark.parametrize("code", [408, 500, 531])
def test_a_breakdown_is_asked_again_but_leaves_a_paid_request_in_doubt(code: int) -> None:
    error = said(code, "server error")
    assert isinstance(error, Doubtful)
    assert (error.outcome, error.paid.outcome) == (Outcome.RETRY, Outcome.UNKNOWN)


def test_a_429_that_gives_no_reason_does_not_repeat_a_paid_request() -> None:
    error = said(429, "")
    assert isinstance(error, Doubtful)
    assert error.paid.outcome is Outcome.ASK


def test_a_task_that_is_there_already_is_taken_up() -> None:
    error = said(409, "exists", data={"taskId": "t1"})
    assert isinstance(error, AlreadyThere)
    assert error.task_id == "t1"


def test_the_same_meanings_may_arrive_as_a_status() -> None:
    error = classify(Answer(402, body={"detail": "x"}))
    assert error is not None
    assert error.outcome is Outcome.ASK
    assert classify(Answer(503, body=None)) is None
    assert classify(Answer(200, body=None)) is None


def test_an_upload_says_by_itself_that_it_failed() -> None:
    error = classify(Answer(200, body={"success": False, "code": 200, "msg": "Missing required parameter"}))
    assert error is not None
    assert "Missing required parameter" in error.what
