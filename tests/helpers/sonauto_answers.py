"""What Sonauto documents of its errors, and what its clients have met."""

from __future__ import annotations

from documented import Body, Row, failed_tasks, look_troubles, troubles
from sendreturn.words import State

STATUSES = (
    Row(400, "", "The request is bad.", ("Sonauto",)),
    Row(401, "", "Invalid API key.", ("key",)),
    Row(402, "", "Not enough credits.", ("credits",)),
    Row(403, "", "Not enough credits.", ("credits",)),
    Row(403, "", "Forbidden", ("Sonauto", "account")),
    Row(404, "", "Not found.", ("Sonauto",)),
    Row(413, "", "Request entity too large.", ("too large",)),
    Row(429, "", "Rate limited.", (), State.DONE),
    Row(500, "", "Internal server error.", ("account",), State.UNCERTAIN),
    Row(502, "", "Bad gateway.", ("account",), State.UNCERTAIN),
    Row(503, "", "Unavailable.", ("account",), State.UNCERTAIN),
)
OBJECTIONS = (
    Row(422, "tags", "Unknown tag: 'male vocals'", ("style", "male vocals")),
    Row(422, "prompt", "Your prompt was flagged by moderation.", ("moderation",)),
    Row(422, "lyrics", "These lyrics match a copyrighted song.", ("somebody else",)),
    Row(422, "audio_base64", "Duplicate upload.", ("clip already",)),
    Row(422, "audio_url", "The audio url could not be fetched.", ("clip", "address")),
    Row(422, "audio_base64", "Could not decode audio.", ("clip",)),
    Row(422, "prompt_strength", "Input should be less than 5.", ("style_strength",)),
    Row(422, "extend_duration", "Input should be at most 85.", ("extend_s",)),
    Row(422, "sections", "Exactly one section is needed.", ("section_s",)),
)
LOOKS = (
    Row(429, "", "Rate limited.", (), State.DONE),
    Row(500, "", "Internal server error.", (), State.DONE),
    Row(401, "", "Invalid API key.", ("key",), State.DONE),
    Row(404, "", "Not found.", ("Sonauto",), State.DONE),
)
FATES = {"The generation broke down": ("The generation broke down",), "flagged by moderation": ("moderation",)}


def as_text(row: Row) -> Body:
    return Body(row.status, {"detail": row.message})


def as_list(row: Row) -> Body:
    entry = {"loc": ["body", row.kind], "msg": row.message, "type": "value_error"}
    return Body(row.status, {"detail": [entry]})


ANSWERS = (
    *troubles(((row, as_text(row)) for row in STATUSES), operation="generate"),
    *troubles(((row._replace(kind=""), as_text(row)) for row in OBJECTIONS[:6]), operation="generate"),
    *troubles(((row, as_list(row)) for row in OBJECTIONS), operation="generate"),
    *look_troubles(((row, as_text(row)) for row in LOOKS), operation="generate"),
    *failed_tasks(FATES, operation="generate"),
)
