"""What MusicAPI documents of its errors: the table of types, and its messages."""

from __future__ import annotations

from documented import Body, Row, failed_tasks, look_troubles, troubles
from sendreturn.words import State

NO_CREDITS = "The remaining credits are not enough. You can buy more one-time credit packs or subscribe."
TYPES = (
    Row(400, "validation_error", "Something is wrong.", ("MusicAPI",)),
    Row(401, "unauthorized", "Authorization header is missing.", ("key",)),
    Row(401, "unauthorized", "Invalid authorization format.", ("key",)),
    Row(402, "insufficient_credits", "Not enough.", ("credits",)),
    Row(403, "forbidden", "No.", ("MusicAPI", "credits", "words")),
    Row(404, "not_found", "There is no such clip.", ("no longer",)),
    Row(410, "endpoint_retired", "This has been retired.", ("no longer",)),
    Row(429, "rate_limit", "Too many requests.", (), State.DONE),
    Row(500, "server_error", "Internal Server Error.", ("MusicAPI", "credits"), State.UNCERTAIN),
    Row(502, "upstream_error", "Bad upstream.", ("MusicAPI", "credits"), State.UNCERTAIN),
    Row(504, "timeout", "Gateway timeout.", ("MusicAPI", "credits"), State.UNCERTAIN),
)
MODELS = "The model should be 'sonic-v3-5', 'sonic-v4', 'sonic-v4-5', 'sonic-v4-5-plus', or 'sonic-v5'."
MESSAGES = (
    Row(400, "validation_error", f"The 'mv' field is invalid. {MODELS}", ("model",)),
    Row(400, "validation_error", "The 'persona_id' field is required when task_type = persona_music.", ("persona",)),
    Row(400, "validation_error", "The 'make_instrumental' field should be boolean.", ("MusicAPI",)),
    Row(400, "validation_error", "The 'custom_mode' field should be boolean.", ("MusicAPI",)),
    Row(400, "validation_error", "The prompt character length should be less than 3000.", ("lyrics", "too long")),
    Row(
        400,
        "validation_error",
        "The 'gpt_description_prompt' character length should be less than 200.",
        ("prompt", "too long"),
    ),
    Row(400, "validation_error", "The tags character length should be less than 200.", ("style", "too long")),
    Row(400, "validation_error", "The title character length should be less than 80.", ("title", "too long")),
    Row(400, "validation_error", "description is required.", ("MusicAPI",)),
    Row(400, "validation_error", "The description character length should be less than 120.", ("prompt", "too long")),
    Row(400, "validation_error", "name and continue_clip_id are required fields.", ("MusicAPI",)),
    Row(400, "validation_error", "The name character length should be less than 80.", ("title", "too long")),
    Row(403, "forbidden", NO_CREDITS, ("credits",)),
    Row(
        403,
        "forbidden",
        "You do not have an active subscription. Please check whether your renewal was successful.",
        ("subscription",),
    ),
    Row(403, "forbidden", "The lyrics format is invalid. Please check and try again.", ("lyrics",)),
    Row(
        403,
        "forbidden",
        "The lyrics contain copyrighted content: 'x'. Please use original lyrics.",
        ("somebody else", "lyrics"),
    ),
    Row(403, "forbidden", "The lyrics contain inappropriate content: 'x'.", ("moderation", "lyrics")),
    Row(403, "forbidden", "The song description needs moderation review.", ("moderation",)),
    Row(403, "forbidden", "The song description contains artist names: 'x' which is not allowed.", ("artist",)),
    Row(
        403,
        "forbidden",
        "The song description contains producer tags: 'x' which is not allowed.",
        ("producer tag",),
    ),
)
UPLOADS = (
    Row(
        400,
        "validation_error",
        "Audio URL is not accessible. Please provide a public direct audio file URL.",
        ("public_url",),
    ),
    Row(400, "validation_error", "Upload request failed (HTTP 400) — Invalid audio file", ("clip", "WAV")),
    Row(400, "validation_error", "This matches an existing recording in our catalog", ("recording", "own material")),
)
LOOKS = (
    Row(202, "not_ready", "The task is not ready.", (), State.DONE),
    Row(200, "not_ready", "The task is not ready.", (), State.DONE),
    Row(400, "validation_error", "task not found.", (), State.DONE),
    Row(404, "not_found", "There is no such task.", (), State.DONE),
    Row(429, "rate_limit", "Too many requests.", (), State.DONE),
    Row(500, "server_error", "Internal Server Error.", (), State.DONE),
    Row(401, "unauthorized", "Invalid authorization format.", ("key",), State.DONE),
    Row(504, "timeout", "Task failed due to timeout. Credits were previously refunded.", ("MusicAPI", "timeout")),
)
FIELDS = ("detail", "message")
FATES = {
    "Generation failed": ("Generation failed",),
    "The lyrics contain inappropriate content: 'x'.": ("moderation",),
}


def in_field(row: Row, field: str = "error") -> Body:
    return Body(row.status, {"type": row.kind, field: row.message})


def in_steps(row: Row) -> Body:
    """As the requests that begin with an upload tell what went wrong with it."""
    return Body(row.status, {"type": row.kind, "steps": {"upload": {"error": "failed", "message": row.message}}})


ANSWERS = (
    *troubles(((row, in_field(row)) for row in (*TYPES, *MESSAGES)), operation="generate"),
    *troubles(
        ((row._replace(kind=f"in {field}"), in_field(row, field)) for row in MESSAGES[:1] for field in FIELDS),
        operation="generate",
    ),
    *troubles((row, in_field(row)) for row in UPLOADS),
    *troubles((row._replace(kind="in steps"), in_steps(row)) for row in UPLOADS),
    *look_troubles(((row, in_field(row)) for row in LOOKS), operation="generate"),
    *failed_tasks(FATES, operation="generate"),
)
