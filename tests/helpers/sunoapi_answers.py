"""What Suno API documents of its codes, of its upload host, and of how tasks end."""

from __future__ import annotations

from documented import Body, Row, failed_tasks, look_troubles, troubles, upload_troubles
from sendreturn.words import State

CODES = (
    Row(400, "", "Invalid parameters", ("Suno API", "Invalid parameters")),
    Row(401, "", "You do not have access permissions", ("key",)),
    Row(402, "", "Insufficient credits", ("credits",)),
    Row(404, "", "The path is wrong", ("Suno API",)),
    Row(405, "", "Rate limit exceeded", (), State.DONE),
    Row(409, "", "The record already exists", ("already",)),
    Row(413, "", "The prompt is too long", ("too long",)),
    Row(413, "", "The audio matches existing work", ("known work",)),
    Row(422, "", "Validation failed", ("value",)),
    Row(429, "", "The current credits are insufficient. Please top up.", ("credits",)),
    Row(429, "", "Rate limited: too many requests", (), State.DONE),
    Row(429, "", "Sorry", ("credits", "requests")),
    Row(430, "", "Your call frequency is too high", (), State.DONE),
    Row(451, "", "file fetch failed", ("fetch", "clip")),
    Row(455, "", "The system is under maintenance", (), State.DONE),
    Row(500, "", "Server error", ("Suno API",), State.UNCERTAIN),
    Row(408, "", "Timeout", ("Suno API", "time"), State.UNCERTAIN),
    Row(531, "", "Generation failed and was refunded", ("Suno API",), State.UNCERTAIN),
)
UPLOADS = (
    Row(400, "", "Missing required parameter: uploadPath", ("Suno API", "uploadPath")),
    Row(401, "", "Authentication failed: Invalid API Key", ("key",)),
    Row(405, "", "Too many", (), State.DONE),
    Row(500, "", "Server error", (), State.DONE),
)
LOOKS = (
    Row(401, "", "You do not have access permissions", ("key",), State.DONE),
    Row(430, "", "Your call frequency is too high", (), State.DONE),
    Row(455, "", "The system is under maintenance", (), State.DONE),
    Row(500, "", "Server error", (), State.DONE),
)
FATES = {
    "SENSITIVE_WORD_ERROR": ("words", "lyrics"),
    "CREATE_TASK_FAILED": ("begin",),
    "GENERATE_AUDIO_FAILED": ("audio",),
}
FATES_OF_OTHERS = {
    ("lyrics", "GENERATE_LYRICS_FAILED"): ("lyrics",),
    ("wav", "GENERATE_WAV_FAILED"): ("WAV",),
    ("video", "GENERATE_MP4_FAILED"): ("video",),
    ("stems", "GENERATE_AUDIO_FAILED"): ("Suno API",),
    ("midi", "GENERATE_AUDIO_FAILED"): ("Suno API",),
    ("cover_art", "3"): ("Suno API",),
}


def in_body(row: Row) -> Body:
    return Body(200, {"code": row.status, "msg": row.message, "data": None})


def in_status(row: Row) -> Body:
    return Body(row.status, in_body(row).json)


def of_host(row: Row) -> Body:
    return Body(row.status, {"success": False, "code": row.status, "msg": row.message})


ANSWERS = (
    *troubles(((row, in_body(row)) for row in CODES), operation="generate"),
    *troubles(((row._replace(kind="as status"), in_status(row)) for row in CODES), operation="generate"),
    *look_troubles(((row, in_body(row)) for row in LOOKS), operation="generate"),
    *upload_troubles((row, of_host(row)) for row in UPLOADS),
    *failed_tasks(FATES, operation="generate"),
    *(
        trouble
        for (operation, fate), words in FATES_OF_OTHERS.items()
        for trouble in failed_tasks({fate: words}, operation=operation)
    ),
)
