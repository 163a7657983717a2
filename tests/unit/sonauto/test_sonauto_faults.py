"""What Sonauto objects to, as sentences."""

from __future__ import annotations

from typing import Any

import pytest
from sendreturn.errors import Outcome
from sendreturn.net.answers import Answer
from sendreturn_bridges.services.sonauto.faults import classify


def fault(status: int, detail: Any = None):
    error = classify(Answer(status, {}, {"detail": detail} if detail is not None else None, str(detail or "")))
    assert error is not None
    return error


@pytest.mark.parametrize("status", [200, 201, 408, 500, 502, 503])
def test_good_answers_and_broken_servers_are_left_to_others(status: int):
    assert classify(Answer(status, {}, {"detail": "x"}, "x")) is None


@pytest.mark.parametrize(
    ("status", "outcome", "words"),
    [
        (401, Outcome.ASK, "does not take the API key"),
        (402, Outcome.ASK, "not enough credits"),
        (403, Outcome.ASK, "does not allow this"),
        (404, Outcome.GIVE_UP, "does not know this task"),
        (413, Outcome.GIVE_UP, "too large"),
        (429, Outcome.RETRY, "too many requests"),
    ],
)
def test_each_status_has_its_sentence(status: int, outcome: Outcome, words: str):
    error = fault(status, "no")
    assert error.outcome is outcome
    assert words in error.what
    assert error.detail == f"HTTP {status}: no"


@pytest.mark.parametrize("status", [400, 402, 403, 422, 429])
def test_used_up_credits_are_never_waited_for(status: int):
    error = fault(status, "You do not have enough credits.")
    assert error.outcome is Outcome.ASK
    assert "credits" in error.what


@pytest.mark.parametrize(
    "detail",
    [
        "Tag 'male vocals' not recognized",
        [{"loc": ["body", "tags", 0], "msg": "unknown tag 'male vocals'", "type": "value_error"}],
        [{"loc": ["body", "tags"], "msg": '"male vocals" is not in the vocabulary', "type": "value_error"}],
    ],
)
def test_an_unknown_tag_is_named_with_what_to_change(detail: Any):
    error = fault(422, detail)
    assert error.what == "Sonauto does not take the style “male vocals”."
    assert "Change style" in error.hint
    assert error.outcome is Outcome.ASK


def test_a_tag_that_is_not_quoted_is_told_in_sonautos_words():
    assert fault(422, "Invalid tags: foo").what == "Sonauto does not take a style: Invalid tags: foo."
    placed = fault(422, [{"loc": ["body", "tags", 1], "msg": "Invalid tag", "type": "value_error"}])
    assert placed.what == "Sonauto does not take a style (number 2 of those in style): Invalid tag."


def test_a_field_that_only_service_options_can_hold_is_named_so():
    error = fault(422, [{"loc": ["body", "style_scale"], "msg": "extra fields not permitted", "type": "x"}])
    assert error.what == "Sonauto objects to style_scale in service_options: extra fields not permitted."


@pytest.mark.parametrize(
    ("loc", "ours"),
    [
        (["body", "sections"], "section_s"),
        (["body", "extend_duration"], "extend_s"),
        (["body", "audio_base64"], "the clip"),
    ],
)
def test_a_field_is_told_by_the_users_name_for_it(loc: list[str], ours: str):
    error = fault(422, [{"loc": loc, "msg": "ensure this value is less than 85", "type": "x"}])
    assert error.what == f"Sonauto objects to {ours}: ensure this value is less than 85."
    assert error.hint == f"Change {ours}, then send it again."
    assert loc[1] in error.detail


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Prompt flagged by moderation", "moderation objects"),
        ("Lyrics filter: too close to an existing song", "somebody else's work"),
        ("Duplicate upload", "has this clip already"),
        ("Could not decode audio", "cannot read the clip"),
        ("Audio URL is not accessible: 403", "cannot fetch the clip"),
        ("Only two of prompt, lyrics and style", "refused the request: Only two"),
    ],
)
def test_known_objections_say_what_to_change(message: str, words: str):
    error = fault(422, message)
    assert words in error.what
    assert error.hint
    assert message in error.detail


@pytest.mark.parametrize("detail", [None, [], {}, 7, ["  "], [{"loc": None, "msg": None}]])
def test_odd_bodies_are_still_a_refusal(detail: Any):
    error = fault(422, detail)
    assert error.what.startswith("Sonauto refused the request")
