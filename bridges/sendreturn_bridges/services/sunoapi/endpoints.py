"""Suno API's paths: what is posted where, and where one looks how it stands."""

from __future__ import annotations

from dataclasses import dataclass

API = "/api/v1"
UPLOAD = "/api/file-stream-upload"
UPLOAD_FOLDER = "sendreturn"
CREDITS = (f"{API}/get-credits", f"{API}/generate/credit")
"""The service's own guide names the first; its reference, and most clients, the second."""
NO_CALLBACK = "https://example.com/callback"
"""The field is mandatory; where nobody can call us, any address does."""
MUSIC = f"{API}/generate/record-info"


@dataclass(frozen=True)
class Endpoint:
    """One request.

    Attributes:
        reader: Who reads its answers; see `records`.
        record: Where one looks how the task stands; empty where the first answer holds the result.
        task_field: What the task is called in the query of `record`.
        callback_field: Where the request names the address for call backs; empty where there are none.
    """

    path: str
    reader: str
    record: str = ""
    task_field: str = "taskId"
    callback_field: str = "callBackUrl"


def _music(path: str) -> Endpoint:
    return Endpoint(f"{API}/{path}", "music", MUSIC)


def _side(path: str, reader: str) -> Endpoint:
    return Endpoint(f"{API}/{path}/generate", reader, f"{API}/{path}/record-info")


def _at_once(path: str, reader: str) -> Endpoint:
    return Endpoint(f"{API}/{path}", reader, callback_field="")


ENDPOINTS = {
    "generate": _music("generate"),
    "extend": _music("generate/extend"),
    "upload_cover": _music("generate/upload-cover"),
    "upload_extend": _music("generate/upload-extend"),
    "add_vocals": _music("generate/add-vocals"),
    "add_instrumental": _music("generate/add-instrumental"),
    "replace_section": _music("generate/replace-section"),
    "mashup": _music("generate/mashup"),
    "sounds": _music("generate/sounds"),
    "lyrics": Endpoint(f"{API}/lyrics", "lyrics", f"{API}/lyrics/record-info"),
    "separation": _side("vocal-removal", "separation"),
    "wav": _side("wav", "wav"),
    "notes": _side("midi", "notes"),
    "video": _side("mp4", "video"),
    "cover_art": _side("suno/cover", "cover_art"),
    "recovery": Endpoint(f"{API}/suno/recovery", "recovery", f"{API}/suno/recovery/record-info", "task_id"),
    "timed_lyrics": _at_once("generate/get-timestamped-lyrics", "timed_lyrics"),
    "style": _at_once("style/generate", "style"),
    "persona": _at_once("generate/generate-persona", "persona"),
    "voice_validate": Endpoint(f"{API}/voice/validate", "voice_phrase", f"{API}/voice/validate-info"),
    "voice_generate": Endpoint(f"{API}/voice/generate", "voice", f"{API}/voice/record-info"),
    # The misspelt field is the service's own.
    "voice_regenerate": Endpoint(
        f"{API}/voice/regenerate", "voice_phrase", f"{API}/voice/validate-info", callback_field="calBackUrl"
    ),
    "voice_check": _at_once("voice/check-voice", "voice_check"),
}
