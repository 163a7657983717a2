"""What MusicAPI objects to, and what that means; and whose call backs are believed."""

from __future__ import annotations

import pytest
from sendreturn.errors import Outcome
from sendreturn.net.answers import Answer
from sendreturn_bridges.services.musicapi.faults import (
    NoTaskError,
    TaskError,
    classify,
    classify_look,
    classify_request,
    sentence,
)
from sendreturn_bridges.services.musicapi.webhooks import is_genuine, signature

ASK, GIVE_UP, RETRY, UNKNOWN = Outcome.ASK, Outcome.GIVE_UP, Outcome.RETRY, Outcome.UNKNOWN


@pytest.mark.parametrize("place", ["error", "detail", "message"])
@pytest.mark.parametrize(
    ("status", "kind", "message", "outcome", "says"),
    [
        (400, "validation_error", "The 'mv' field is invalid. The model should be 'sonic-v5'.", ASK, "model"),
        (400, "validation_error", "The tags character length should be less than 200.", ASK, "style is too long"),
        (400, "validation_error", "The title character length should be less than 80.", ASK, "title is too long"),
        (400, "validation_error", "The prompt character length should be less than 3000.", ASK, "lyrics are too long"),
        (
            400,
            "validation_error",
            "The 'gpt_description_prompt' character length should be less than 200.",
            ASK,
            "prompt is too long",
        ),
        (400, "validation_error", "The 'persona_id' field is required when …", ASK, "persona"),
        (400, "validation_error", "The 'make_instrumental' field should be boolean.", GIVE_UP, "refused"),
        (400, "", "Audio URL is not accessible. Please provide a public direct audio file URL.", ASK, "fetch the clip"),
        (400, "", "Upload request failed (HTTP 400) — Invalid audio file", ASK, "read the clip"),
        (400, "", "It matches an existing recording in our catalog.", GIVE_UP, "published recording"),
        (401, "unauthorized", "Authorization header is missing.", ASK, "API key"),
        (401, "unauthorized", "Invalid authorization format.", ASK, "API key"),
        (402, "insufficient_credits", "No credits.", ASK, "used up"),
        (403, "forbidden", "The remaining credits are not enough. You can buy more …", ASK, "used up"),
        (403, "forbidden", "You do not have an active subscription.", ASK, "subscription"),
        (403, "forbidden", "The lyrics format is invalid. Please check and try again.", ASK, "sense of the lyrics"),
        (403, "forbidden", "The lyrics contain copyrighted content: 'x'.", ASK, "somebody else's"),
        (403, "forbidden", "The lyrics contain inappropriate content: 'x'.", ASK, "moderation"),
        (403, "forbidden", "The song description needs moderation review.", ASK, "moderation"),
        (403, "forbidden", "The song description contains artist names: 'x'", ASK, "artist"),
        (403, "forbidden", "The tags contain producer tags: 'x' which is not allowed.", ASK, "producer tag"),
        (403, "forbidden", "Something else.", ASK, "does not allow"),
        (404, "not_found", "The clip was purged.", ASK, "no longer has"),
        (410, "endpoint_retired", "Gone.", GIVE_UP, "no longer offers"),
        (429, "rate_limit", "Slow down.", RETRY, "too many requests"),
        (500, "server_error", "The song description needs moderation review.", ASK, "moderation"),
    ],
)
def test_every_documented_error_says_what_to_do(place, status, kind, message, outcome, says):
    error = classify(Answer(status, {}, {"type": kind, place: message}))
    assert error is not None
    assert error.outcome is outcome
    assert says in error.what
    assert message[:100] in error.detail


@pytest.mark.parametrize("said", ["Too long", [{"msg": "Too long"}], {"message": "Too long"}])
def test_the_text_of_an_error_may_lie_deeper(said):
    error = classify(Answer(400, {}, {"detail": said}))
    assert error is not None
    assert "Too long" in error.detail


def test_an_error_that_says_that_it_passes_may_be_repeated():
    error = classify(Answer(400, {}, {"error": "Busy.", "retriable": True}))
    assert error is not None
    assert error.outcome is RETRY


def test_an_error_may_come_with_status_200():
    assert classify(Answer(200, {}, {"code": 403, "message": "Something."})) is not None
    assert classify(Answer(200, {}, {"type": "forbidden", "error": "Something."})) is not None


def test_a_good_answer_is_none_and_so_is_one_that_asks_for_patience():
    assert classify(Answer(200, {}, {"code": 200, "message": "success", "task_id": "t"})) is None
    assert classify(Answer(202, {}, {"type": "not_ready", "error": "not ready"})) is None
    assert classify(Answer(200, {}, {"type": "not_ready", "error": "not ready"})) is None


@pytest.mark.parametrize(
    "body",
    [
        {"type": "server_error", "error": "Internal Server Error."},
        {"type": "upstream_error", "error": "Upstream failed."},
        {"type": "timeout", "error": "Timeout."},
        {"type": "server_error", "error": "Internal Server Error.", "retriable": True},
        None,
    ],
)
@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_breakdown_leaves_the_fate_of_a_paid_request_open(status, body):
    assert classify(Answer(status, {}, body)) is None
    error = classify_request(Answer(status, {}, body))
    assert error is not None
    assert error.outcome is UNKNOWN


def test_an_upload_that_broke_down_has_begun_nothing():
    steps = {"steps": {"upload": {"error": "upstream_error", "message": "Upload request failed"}}}
    error = classify_request(Answer(502, {}, {**steps, "error": "upload failed"}))
    assert error is not None
    assert error.outcome is RETRY
    steps["steps"]["upload"]["message"] = "This matches an existing recording in our catalog"
    refused = classify_request(Answer(502, {}, steps))
    assert refused is not None
    assert refused.outcome is GIVE_UP


def test_a_task_that_failed_or_is_not_there_is_told_apart_from_a_breakdown():
    refunded = {"type": "timeout", "error": "Task failed due to timeout. Credits were previously refunded."}
    assert isinstance(classify_look(Answer(504, {}, refunded)), TaskError)
    assert isinstance(classify_look(Answer(400, {}, {"error": "task not found."})), NoTaskError)
    assert isinstance(classify_look(Answer(404, {}, {"type": "not_found", "error": "?"})), NoTaskError)
    assert classify_look(Answer(500, {}, {"error": "Internal Server Error."})) is None


def test_why_a_clip_failed_is_said_in_both_words():
    assert sentence("odd") == "MusicAPI could not make it. Its own words: odd."
    assert sentence("") == "MusicAPI could not make it."
    assert "Change prompt" in sentence("The lyrics contain inappropriate content: 'x'.")


# Call backs

BODY, NOW = b'{"task_id": "t"}', 1_800_000_000.0


def signed(at=int(NOW), secret="secret", body=BODY, **more):
    return {"X-Webhook-Timestamp": str(at), "X-Webhook-Signature": signature(secret, str(at), body), **more}


def test_the_signature_is_the_documented_one():
    # printf '1800000000.{"task_id": "t"}' | openssl dgst -sha256 -hmac secret
    expected = "sha256=dcc4b25cd11e023875b454108fa59f9e05f71cb8a57c4429614e9b5a25e0205b"
    assert signature("secret", "1800000000", BODY) == expected


@pytest.mark.parametrize(
    ("headers", "genuine"),
    [
        (signed(), True),
        ({name.lower(): value for name, value in signed().items()}, True),
        (signed(at=int(NOW) - 299), True),
        (signed(at=int(NOW) - 301), False),
        (signed(at=int(NOW) + 301), False),
        (signed(secret="other"), False),
        (signed(body=b"{}"), False),
        ({**signed(), "X-Webhook-Timestamp": str(int(NOW) + 1)}, False),
        ({**signed(), "X-Webhook-Timestamp": "soon"}, False),
        ({**signed(), "X-Webhook-Signature": "é"}, False),
        ({}, False),
    ],
)
def test_only_fresh_calls_that_were_signed_with_our_secret_are_believed(headers, genuine):
    assert is_genuine(headers, BODY, "secret", NOW) is genuine
