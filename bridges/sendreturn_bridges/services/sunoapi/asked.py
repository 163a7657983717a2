"""What a send says in words that only Suno API knows. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sendreturn.contract import Ask

OURS = frozenset(
    {"audio_id", "task_id", "upload_urls", "recover_task", "voice", "type", "stemName", "timed_lyrics", "video"}
)
"""Keys of `service_options` that say what to ask for; all others go into the body as they are."""


def options_of(ask: Ask) -> Mapping[str, Any]:
    return ask.params.service_options or {}


def passed_on(ask: Ask) -> dict[str, Any]:
    """What goes into the body untouched."""
    return {name: value for name, value in options_of(ask).items() if name not in OURS}


def is_draft(ask: Ask) -> bool:
    """A first look at a wish, before the clip was read: whether it is a song of the service is not known yet."""
    return ask.clip is not None and not ask.clip.sha256


def earlier_song(ask: Ask) -> dict[str, str] | None:
    """The ids of a song that this service has made: named in the send, or what the clip is a file of."""
    options = options_of(ask)
    if options.get("task_id") and options.get("audio_id"):
        return {"taskId": str(options["task_id"]), "audioId": str(options["audio_id"])}
    if ask.earlier is not None and ask.earlier.task_ids:
        return {"taskId": ask.earlier.task_ids[0], "audioId": ask.earlier.clip_id}
    return None
