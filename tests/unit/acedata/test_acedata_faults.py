"""What AceData objects to, and what that means."""

from __future__ import annotations

import pytest
from sendreturn.errors import Outcome
from sendreturn.net.answers import Answer
from sendreturn_bridges.services.acedata.faults import classify, classify_platform, classify_request

ASK, GIVE_UP, RETRY = Outcome.ASK, Outcome.GIVE_UP, Outcome.RETRY


def gateway(code, message):
    return {"error": {"code": code, "message": message}, "trace_id": "trace"}


def worker(code, message):
    return {"success": False, "error": {"code": code, "message": message}, "task_id": "t"}


@pytest.mark.parametrize("envelope", [gateway, worker])
@pytest.mark.parametrize(
    ("status", "code", "message", "outcome", "says"),
    [
        (400, "no_token", "", ASK, "API key"),
        (401, "invalid_token", "bad", ASK, "API key"),
        (401, "token_expired", "old", ASK, "expired"),
        (400, "token_mismatched", "", ASK, "another of AceData's services"),
        (401, "token_mismatched", "", ASK, "another of AceData's services"),
        (403, "disabled", "", ASK, "disabled"),
        (403, "used_up", "no balance", ASK, "used up"),
        (403, "forbidden", "Prompt flagged for moderation", ASK, "moderation"),
        (403, "forbidden", "Song Description contained artist name: Prince", ASK, "artist"),
        (403, "forbidden", "Lyrics contained copyrighted material", ASK, "lyrics"),
        (403, "forbidden", "Generic openAI error", ASK, "moderation"),
        (404, "no_api", "", GIVE_UP, "address"),
        (429, "too_many_requests", "", RETRY, "too many requests"),
        (400, "bad_request", "Tags too long.", ASK, "style is too long"),
        (400, "bad_request", "Prompt too long.", ASK, "prompt is too long"),
        (400, "bad_request", "Uploaded audio matches existing work of art.", GIVE_UP, "published recording"),
        (400, "bad_request", "continue_at must be a number greater than 0", ASK, "continue from that point"),
        (400, "bad_request", "model is invalid.", ASK, "model"),
        (400, "bad_request", "The song id does not exist or has been taken offline.", ASK, "no longer"),
        (400, "bad_request", "something new", GIVE_UP, "refused"),
        (400, "api_not_implemented", "", GIVE_UP, "does not offer"),
        (500, "api_error", "no available worker in system", RETRY, "nobody free"),
        (500, "api_error", "service under maintenance, generation paused", RETRY, "nobody free"),
        (500, "api_error", "Unable to generate lyrics from song description", ASK, "write lyrics"),
    ],
)
def test_every_documented_error_says_what_to_do(envelope, status, code, message, outcome, says):
    error = classify(Answer(status, {}, envelope(code, message)))
    assert error is not None
    assert error.outcome is outcome
    assert says in error.what
    assert code in error.detail
    assert message in error.detail


@pytest.mark.parametrize("status", [500, 504])
def test_a_breakdown_that_acedata_does_not_explain_is_left_to_the_caller(status):
    assert classify(Answer(status, {}, gateway("api_error", "Internal server error."))) is None
    assert classify(Answer(504, {}, gateway("timeout", "timeout while waiting for audio generation"))) is None
    assert classify(Answer(502, {}, None, "<html>")) is None


def test_a_demand_for_payment_is_about_the_key():
    error = classify(Answer(402, {}, {"x402Version": 2, "error": "Payment Required", "accepts": []}))
    assert error is not None
    assert error.outcome is ASK
    assert "API key" in error.what


@pytest.mark.parametrize("error", ["Prompt too long.", ["Prompt too long."], [{"message": "Prompt too long."}]])
def test_an_error_may_be_a_text_or_a_list_and_come_with_status_200(error):
    found = classify(Answer(200, {}, {"success": False, "error": error}))
    assert found is not None
    assert "prompt is too long" in found.what


def test_a_failure_without_a_reason_is_still_one():
    found = classify(Answer(200, {}, {"success": False, "error": None}))
    assert found is not None
    assert found.outcome is GIVE_UP


def test_a_good_answer_is_none():
    assert classify(Answer(200, {}, {"success": True, "data": []})) is None
    assert classify(Answer(200, {}, {"items": [], "count": 0})) is None


@pytest.mark.parametrize(("status", "code"), [(401, "invalid_token"), (403, "forbidden"), (400, "token_mismatched")])
def test_the_platform_may_want_another_kind_of_token(status, code):
    error = classify_platform(Answer(status, {}, gateway(code, "")))
    assert error is not None
    assert error.outcome is ASK
    assert "ACEDATA_PLATFORM_KEY" in error.hint
    assert classify_platform(Answer(200, {}, {"file_url": "https://cdn.acedata.cloud/uploads/x"})) is None


def test_a_file_that_is_too_large_is_told_so():
    error = classify_platform(Answer(413, {}, None, "<html>"))
    assert error is not None
    assert "too large" in error.what


@pytest.mark.parametrize("status", [500, 502, 504])
def test_an_unexplained_breakdown_over_a_paid_request_leaves_its_fate_open(status):
    error = classify_request(Answer(status, {}, worker("api_error", "job failed with unknown error")))
    assert error is not None
    assert error.outcome is Outcome.UNKNOWN
