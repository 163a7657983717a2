"""What the simulated Sonauto checks of a request, and what it writes into a record."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sendreturn.testing.simulator import Song, Task

MOST_AUDIO_BYTES = 40_000_000
FORMATS = ("ogg", "mp3", "flac", "wav", "m4a")
NOT_ON_V3 = ("seed", "balance_strength", "bpm", "num_songs")
EARLY = ("RECEIVED",)
WITH_CLIP = tuple(f"TRANSCRIBE_STEP_{number}" for number in range(1, 6))
"""Five statuses whose real names are not published."""
MIDDLE = ("PROMPT", "TASK_SENT", "GENERATE_TASK_STARTED")
LATE = ("BEGINNING_GENERATION", "GENERATING")
LAST = ("DECOMPRESSING", "SAVING")
STREAMING_READY = "GENERATING_STREAMING_READY"
ALIGNMENT = ("REQUESTED", "TASK_SENT", "ALIGNING")


class Wrong(Exception):  # noqa: N818 - an answer to the service's user, not an error of ours
    """A request that is refused with 422; `field` is what is wrong in it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


def check(kind: str, asked: Mapping[str, Any], switches: Mapping[str, Any]) -> None:
    """Raises Wrong for what the service refuses, in the order in which it would find it."""
    model = kind.partition("/")[0]
    _check_words(kind, asked, switches)
    _check_tags(asked, switches)
    _check_output(asked)
    if model == "v3":
        _check_v3(asked)
    elif asked.get("num_songs", 1) not in (1, 2):
        raise Wrong("num_songs", "num_songs must be 1 or 2")
    if kind == "v2/extend":
        _check_extend(asked)
    if kind == "v2/inpaint":
        _check_inpaint(asked, switches)


def audio_in(asked: Mapping[str, Any]) -> bytes | str:
    """The clip of a request: its bytes, or its address."""
    url, packed = asked.get("audio_url"), asked.get("audio_base64")
    if (url is None) == (packed is None):
        raise Wrong("audio_url", "exactly one of audio_url and audio_base64 is required")
    if url is not None:
        return str(url)
    try:
        data = base64.b64decode(str(packed), validate=True)
    except binascii.Error as error:
        raise Wrong("audio_base64", "not valid base64") from error
    if max(len(data), len(str(packed))) > MOST_AUDIO_BYTES:
        raise Wrong("audio_base64", "audio is larger than 40 MB")
    return data


def stages(task: Task) -> tuple[str, ...]:
    """The statuses that a task goes through before it ends."""
    has_clip = "clip" in task.facts
    streaming = (STREAMING_READY,) if task.request.get("enable_streaming") is True else ()
    before = (*EARLY, *(WITH_CLIP if has_clip else ()), *MIDDLE, *(("LOADING_SOURCE",) if has_clip else ()))
    return (*before, *LATE, *streaming, *LAST)


def status_of(task: Task) -> str:
    if task.ended:
        return "FAILURE" if task.outcome else "SUCCESS"
    return task.stage(stages(task))


def record_of(task: Task, addresses: list[str], aligning: str | None) -> dict[str, Any]:
    """The whole record of a task, as the service gives it."""
    asked, model = task.request, task.kind.partition("/")[0]
    record: dict[str, Any] = {
        "id": task.id,
        "created_at": task.facts["created_at"],
        "status": status_of(task),
        "alignment_status": aligning,
        "model_version": {"v2": "v2.2", "v3": "v3-preview"}[model],
        "song_paths": addresses or None,
        "error_message": task.outcome if task.ended and task.outcome else None,
        "lyrics": lyrics_of(asked),
        "prompt": asked.get("prompt"),
        "prompt_strength": asked.get("prompt_strength", 2.0),
        "tags": asked.get("tags") or ["pop"],
    }
    if model == "v2":
        record["v2_params"] = {"balance_strength": asked.get("balance_strength", 0.7), "seed": asked.get("seed")}
        record["v2_params"]["bpm"] = asked.get("bpm")
    if task.kind == "v2/inpaint":
        record["inpaint_params"] = {name: asked.get(name) for name in ("sections", "selection_crop", "audio_url")}
    if task.kind == "v2/extend":
        record["extend_params"] = {name: asked.get(name) for name in ("side", "crop_duration", "audio_url")}
        record["extend_params"]["duration"] = asked.get("extend_duration")
    return record


def lyrics_of(asked: Mapping[str, Any]) -> str:
    """The lyrics that were sung: the user's, or some that were made up."""
    if asked.get("instrumental"):
        return ""
    return str(asked.get("lyrics") or "[Verse 1]\nA line that nobody has written\nand another one")


def timings_of(lyrics: str) -> list[dict[str, Any]]:
    """Two words for each second. The service does not document where it puts such a list, nor its names."""
    words = [word for line in lyrics.splitlines() if not line.startswith("[") for word in line.split()]
    return [{"word": word, "start": at / 2, "end": at / 2 + 0.4} for at, word in enumerate(words)]


def now_text() -> str:
    return datetime.now(UTC).isoformat()


def songs_of(task: Task) -> list[Song]:
    return list(task.result or [])


# Checks


def _check_words(kind: str, asked: Mapping[str, Any], switches: Mapping[str, Any]) -> None:
    given = [name for name in ("prompt", "tags", "lyrics") if asked.get(name) is not None]
    if not given:
        raise Wrong("", "At least one of tags, lyrics, or prompt is required")
    if kind != "v2/inpaint" and "prompt" not in given:
        raise Wrong("prompt", "tags or lyrics without a prompt are not supported")
    if asked.get("instrumental") and asked.get("lyrics"):
        raise Wrong("lyrics", "lyrics cannot be set when instrumental is true")
    filled = [name for name in given if asked[name]]
    if kind.startswith("v3") and len(filled) == 3 and switches["v3_three_texts"] == "refuse":
        raise Wrong("", "Only two of prompt, lyrics and style may be given")
    words = " ".join(str(asked.get(name) or "") for name in ("prompt", "lyrics")).casefold()
    if switches["moderated_word"] and str(switches["moderated_word"]).casefold() in words:
        raise Wrong("", "The text was flagged by moderation")


def _check_tags(asked: Mapping[str, Any], switches: Mapping[str, Any]) -> None:
    refused = {tag.strip() for tag in str(switches["refused_tags"]).split(",")}
    for name in ("tags", "negative_tags"):
        tags = asked.get(name) or []
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise Wrong(name, f"{name} must be a list of strings")
        unknown = next((tag for tag in tags if tag.casefold() in refused), None)
        if unknown is not None:
            raise Wrong(name, f"Unknown tag '{unknown}'")


def _check_output(asked: Mapping[str, Any]) -> None:
    chosen = asked.get("output_format", "ogg")
    if chosen not in FORMATS:
        raise Wrong("output_format", f"output_format must be one of {', '.join(FORMATS)}")
    rate = asked.get("output_bit_rate")
    if rate is not None and (chosen not in ("mp3", "m4a") or rate not in (128, 192, 256, 320)):
        raise Wrong("output_bit_rate", "output_bit_rate is not supported for this output_format")
    if asked.get("align_lyrics") and (asked.get("instrumental") or asked.get("num_songs", 1) != 1):
        raise Wrong("align_lyrics", "align_lyrics needs vocals and a single song")


def _check_v3(asked: Mapping[str, Any]) -> None:
    refused = next((name for name in NOT_ON_V3 if name in asked), None)
    if refused is not None:
        raise Wrong(refused, f"{refused} is not supported by v3")
    if asked.get("stream_format", "ogg") not in ("ogg", "mp3"):
        raise Wrong("stream_format", "stream_format must be ogg or mp3")
    span = asked.get("length_range")
    if span is None:
        return
    if not isinstance(span, list) or len(span) != 2 or not all(isinstance(edge, int) for edge in span):
        raise Wrong("length_range", "length_range must be [min, max]")
    least, most = span
    if least % 30 or most % 30 or not 0 <= least <= 270 or not 30 <= most <= 300 or most <= least:
        raise Wrong("length_range", "length_range must be multiples of 30 with max > min")


def _check_extend(asked: Mapping[str, Any]) -> None:
    if asked.get("side") not in ("left", "right"):
        raise Wrong("side", "side must be left or right")
    wanted_s = asked.get("extend_duration")
    if not isinstance(wanted_s, int | float) or not 0 < wanted_s <= 85:
        raise Wrong("extend_duration", "ensure this value is greater than 0 and less than or equal to 85")


def _check_inpaint(asked: Mapping[str, Any], switches: Mapping[str, Any]) -> None:
    if "prompt" in asked and switches["inpaint_prompt"] == "refuse":
        raise Wrong("prompt", "extra fields not permitted")
    if not asked.get("tags"):
        raise Wrong("tags", "tags are required")
    if asked.get("lyrics") is None and not asked.get("instrumental"):
        raise Wrong("lyrics", "lyrics are required")
    sections = asked.get("sections")
    if not isinstance(sections, list) or len(sections) != 1:
        raise Wrong("sections", "exactly one section is supported")
    if len(sections[0]) != 2 or not 0 <= sections[0][0] < sections[0][1]:
        raise Wrong("sections", "a section is [start, end] with start < end")
