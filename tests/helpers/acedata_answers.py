"""What AceData documents of its errors: the table of codes, and the messages of its songs."""

from __future__ import annotations

from documented import Body, Row, failed_tasks, look_troubles, troubles, upload_troubles
from sendreturn.words import State

CODES = (
    Row(400, "bad_request", "style is not understood", ("AceData",)),
    Row(400, "no_token", "No token.", ("key",)),
    Row(400, "api_not_implemented", "Not built yet.", ("AceData", "operation")),
    Row(400, "token_mismatched", "The token belongs to another service.", ("key", "another")),
    Row(401, "token_mismatched", "The token is of another kind.", ("key", "another")),
    Row(401, "invalid_token", "The token is invalid.", ("key",)),
    Row(401, "token_expired", "The token has expired.", ("key", "expired")),
    Row(400, "disabled", "The application is disabled.", ("disabled",)),
    Row(403, "disabled", "The credential is disabled.", ("disabled",)),
    Row(403, "used_up", "Your balance is used up.", ("used up",)),
    Row(403, "forbidden", "The content is not allowed.", ("moderation", "lyrics")),
    Row(404, "no_api", "There is no such path.", ("address",)),
    Row(429, "too_many_requests", "Too many requests.", (), State.DONE),
    Row(500, "api_error", "The upstream broke.", ("AceData", "console"), State.UNCERTAIN),
    Row(504, "timeout", "timeout while waiting for audio generation", ("AceData", "console"), State.UNCERTAIN),
)
MESSAGES = (
    Row(400, "bad_request", "The song id does not exist or has been taken offline.", ("no longer", "clip")),
    Row(400, "bad_request", "Prompt too long.", ("prompt", "too long")),
    Row(400, "bad_request", "Tags too long.", ("style", "too long")),
    Row(400, "bad_request", "Title too long.", ("title", "too long")),
    Row(400, "bad_request", "Topic too long.", ("prompt", "too long")),
    Row(400, "bad_request", "Uploaded audio matches existing work of art.", ("recording", "own material")),
    Row(400, "bad_request", "instrumental must be a boolean", ("AceData",)),
    Row(400, "bad_request", "custom must be a boolean", ("AceData",)),
    Row(400, "bad_request", "style must be less than or equal 120", ("style", "too long")),
    Row(400, "bad_request", "audio_id is required when extend audio", ("AceData",)),
    Row(400, "bad_request", "continue_at is required when extend audio", ("from_s",)),
    Row(400, "bad_request", "continue_at must be a number greater than 0", ("from_s",)),
    Row(400, "bad_request", "lyric is required when extend audio and instrumental is false", ("lyrics",)),
    Row(400, "bad_request", "prompt is required when generate audio", ("prompt",)),
    Row(400, "bad_request", "lyric is required when generate custom audio", ("lyrics",)),
    Row(400, "bad_request", "model is invalid.", ("model",)),
    Row(400, "bad_request", "style_weight must be between 0-1", ("style_strength", "between 0 and 1")),
    Row(400, "bad_request", "weirdness_constraint must be between 0-1", ("weirdness", "between 0 and 1")),
    Row(403, "forbidden", "Prompt likely malformed", ("words", "plainly")),
    Row(403, "forbidden", "Prompt likely copyrighted", ("somebody else",)),
    Row(403, "forbidden", "Prompt contained inappropriate material", ("moderation",)),
    Row(403, "forbidden", "Song Description flagged for moderation", ("moderation",)),
    Row(403, "forbidden", "Song Description contained artist name: Nobody", ("artist",)),
    Row(403, "forbidden", "Tags contained artist name", ("artist",)),
    Row(403, "forbidden", "Lyrics contained copyrighted material", ("lyrics", "somebody else")),
    Row(403, "forbidden", "Song Description contained producer tag", ("producer tag",)),
    Row(403, "forbidden", "Generic openAI error", ("moderation",)),
    Row(403, "forbidden", "Prompt flagged for moderation", ("moderation",)),
    Row(500, "api_error", "Unable to generate lyrics from song description", ("lyrics", "prompt")),
    Row(500, "api_error", "job failed with unknown error", ("console",), State.UNCERTAIN),
    Row(500, "api_error", "no available worker in system", (), State.DONE),
    Row(500, "api_error", "service under maintenance, generation paused", (), State.DONE),
    Row(500, "api_error", "fetch failed", ("console",), State.UNCERTAIN),
)
LOOKS = (
    Row(429, "too_many_requests", "Too many requests.", (), State.DONE),
    Row(500, "api_error", "fetch failed", (), State.DONE),
    Row(504, "timeout", "timeout", (), State.DONE),
    Row(401, "invalid_token", "The token is invalid.", ("key",), State.DONE),
)
UPLOADS = (
    Row(401, "invalid_token", "The token is invalid.", ("platform", "key")),
    Row(403, "forbidden", "A platform token is needed.", ("platform", "token")),
    Row(413, "bad_request", "Request entity too large.", ("too large",)),
    Row(500, "api_error", "The store broke.", (), State.DONE),
)
FATES = {
    "job failed with unknown error": ("job failed with unknown error",),
    "Lyrics contained copyrighted material": ("somebody else",),
    "timeout while waiting for audio generation": ("timeout",),
}


def gateway(row: Row) -> Body:
    return Body(row.status, {"error": {"code": row.kind, "message": row.message}, "trace_id": "trace"})


def worker(row: Row) -> Body:
    return Body(row.status, {**gateway(row).json, "success": False, "task_id": "task"})


def at_ease(row: Row) -> Body:
    """The workers' envelope with a good status, as it also comes."""
    return Body(200, worker(row).json)


def as_text(row: Row) -> Body:
    return Body(row.status, {"success": False, "error": row.message})


PAYMENT = Body(402, {"x402Version": 2, "error": "Payment Required", "accepts": []})
"""What a request without a token is told where AceData asks for payment in its place."""
REFUSED = tuple(row for row in MESSAGES if row.status < 500)
ANSWERS = (
    *troubles([(Row(402, "x402", "Payment Required", ("key",)), PAYMENT)], operation="generate"),
    *troubles(((row, gateway(row)) for row in (*CODES, *MESSAGES)), operation="generate"),
    *troubles(((row._replace(kind="of a worker"), worker(row)) for row in MESSAGES[:1]), operation="generate"),
    *troubles(((row._replace(kind="with 200"), at_ease(row)) for row in REFUSED[:1]), operation="generate"),
    *troubles(((row._replace(kind="as text"), as_text(row)) for row in REFUSED[:1]), operation="generate"),
    *look_troubles(((row, gateway(row)) for row in LOOKS), operation="generate"),
    *upload_troubles((row, gateway(row)) for row in UPLOADS),
    *failed_tasks(FATES, operation="generate"),
)
