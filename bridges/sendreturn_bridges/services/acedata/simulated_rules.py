"""What the simulated AceData takes: the rules of its actions, in its own words, and its list prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sendreturn_bridges.suno.models import is_at_least

GENERATE, UPLOAD, HELPER, ALL_STEMS = 0.56, 0.06, 0.06, 1.12
ACTIONS = {
    "generate": GENERATE,
    "inspo": GENERATE,
    "extend": GENERATE,
    "upload_extend": GENERATE,
    "cover": GENERATE,
    "upload_cover": GENERATE,
    "concat": GENERATE,
    "artist_consistency": GENERATE,
    "artist_consistency_vox": GENERATE,
    "stems": GENERATE,
    "all_stems": ALL_STEMS,
    "replace_section": GENERATE,
    "underpainting": GENERATE,
    "overpainting": GENERATE,
    "samples": GENERATE,
    "remaster": GENERATE,
    "mashup": GENERATE,
}
"""Action → credits. Only those of generate and upload are published."""
PRODUCER_ACTIONS = frozenset(
    {
        "generate",
        "cover",
        "upload_cover",
        "extend",
        "upload_extend",
        "variation",
        "swap_vocals",
        "swap_instrumentals",
        "replace_section",
        "stems",
    }
)
FROM_TEXT = frozenset({"generate", "inspo", "mashup"})
WINDOWS = {"underpainting": "underpainting_end", "overpainting": "overpainting_end", "samples": "samples_end"}
LIMITS = {"old": {"lyric": 3000, "title": 80, "style": 200}, "new": {"lyric": 5000, "title": 100, "style": 1000}}
TOO_LONG = {"lyric": "Prompt too long.", "title": "Title too long.", "style": "Tags too long."}
REQUIRED = {
    "/suno/wav": ("audio_id",),
    "/suno/mp3": ("audio_id",),
    "/suno/mp4": ("audio_id",),
    "/suno/midi": ("audio_id",),
    "/suno/timing": ("audio_id",),
    "/suno/vox": ("audio_id", "vocal_start", "vocal_end"),
    "/suno/persona": ("name", "audio_id"),
    "/suno/voices": ("audio_url",),
    "/suno/lyrics": ("prompt", "model"),
    "/suno/mashup-lyrics": ("lyrics_a", "lyrics_b"),
    "/suno/style": ("prompt",),
    "/suno/upload": ("audio_url",),
    "/producer/upload": ("audio_url",),
    "/producer/wav": ("audio_id",),
    "/producer/videos": ("audio_id",),
    "/producer/lyrics": ("prompt",),
}


def objections(asked: Mapping[str, Any], durations: Mapping[str, float], prompt_limit: int) -> Iterator[str]:
    """What /suno/audios says of a request, the first thing first.

    Args:
        durations: Length of every song that is known, by id.
    """
    action = asked.get("action") or "generate"
    if action not in ACTIONS:
        yield f"action {action} is invalid."
    yield from _kinds(asked)
    yield from _texts(asked, prompt_limit)
    yield from _sources(asked, action, durations)
    yield from _needs(asked, action)
    yield from _windows(asked, action, durations)


def _kinds(asked: Mapping[str, Any]) -> Iterator[str]:
    for name in ("instrumental", "custom"):
        if name in asked and not isinstance(asked[name], bool):
            yield f"{name} must be a boolean"
    if not str(asked.get("model") or "chirp-v4").startswith("chirp-v"):
        yield "model is invalid."
    for name, upstream in (("style_influence", "style_weight"), ("weirdness", "weirdness_constraint")):
        if not 0 <= (asked.get(name) or 0) <= 1:
            yield f"{upstream} must be between 0-1"


def _texts(asked: Mapping[str, Any], prompt_limit: int) -> Iterator[str]:
    limits = LIMITS["new" if is_at_least(str(asked.get("model") or "chirp-v4"), 4.5) else "old"]
    for name, most in limits.items():
        if len(asked.get(name) or "") > most:
            yield TOO_LONG[name]
    if len(asked.get("prompt") or "") > prompt_limit:
        yield "Topic too long."


def _sources(asked: Mapping[str, Any], action: str, durations: Mapping[str, float]) -> Iterator[str]:
    ids = asked.get("mashup_audio_ids") if action == "mashup" else [asked.get("audio_id")]
    if action == "mashup" and (not isinstance(ids, list) or len(ids) != 2):
        yield "mashup_audio_ids must hold two ids"
    elif action not in FROM_TEXT and not asked.get("audio_id"):
        yield f"audio_id is required when {action.removeprefix('upload_')} audio"
    elif any(one and one not in durations for one in ids or ()):
        yield "The song id does not exist or has been taken offline."
    if action == "inspo" and not 1 <= len(asked.get("audio_urls") or ()) <= 4:
        yield "audio_urls must hold 1 to 4 addresses"


def _needs(asked: Mapping[str, Any], action: str) -> Iterator[str]:
    has_words, plays = asked.get("lyric") or asked.get("lyric_prompt"), asked.get("instrumental")
    if action == "generate" and asked.get("custom") and not has_words and not plays:
        yield "lyric is required when generate custom audio"
    if action == "generate" and not asked.get("custom") and not asked.get("prompt"):
        yield "prompt is required when generate audio"
    if action in ("extend", "upload_extend"):
        if asked.get("continue_at") is None:
            yield "continue_at is required when extend audio"
        elif asked["continue_at"] <= 0:
            yield "continue_at must be a number greater than 0"
        if not asked.get("lyric") and not plays:
            yield "lyric is required when extend audio and instrumental is false"
    if action.startswith("artist_consistency") and not asked.get("persona_id"):
        yield "persona_id is required"


def _windows(asked: Mapping[str, Any], action: str, durations: Mapping[str, float]) -> Iterator[str]:
    length_s = durations.get(str(asked.get("audio_id")), 0.0)
    if action in WINDOWS and not 0 < (asked.get(WINDOWS[action]) or 0) < length_s:
        yield f"{WINDOWS[action]} must be less than the duration of the song"
    if action == "replace_section":
        start_s, end_s = asked.get("replace_section_start"), asked.get("replace_section_end")
        if start_s is None or end_s is None or not 0 <= start_s < end_s <= length_s + 0.2:
            yield "replace_section_start and replace_section_end must lie in the song"
    if (asked.get("continue_at") or 0) > length_s + 0.2 and action in ("extend", "upload_extend"):
        yield "continue_at must be less than the duration of the song"
