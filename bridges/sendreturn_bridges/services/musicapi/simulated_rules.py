"""What the simulated MusicAPI takes: the rules of its requests, in its own words, and its prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sendreturn_bridges.services.musicapi.texts import SAMPLES_ONLY
from sendreturn_bridges.suno.models import is_at_least

SEED, OCTOBER = 0, 1
PRICES: Mapping[str, tuple[float, float]] = {
    "song": (15, 15),
    "create_music": (15, 20),
    "persona_music": (15, 20),
    "concat_music": (2, 2),
    "stems/basic": (15, 30),
    "stems/full": (75, 75),
    "wav": (2, 2),
    "midi": (1, 1),
    "aligned-lyrics": (1, 1),
    "bpm": (1, 1),
    "vox": (1, 1),
    "persona": (1, 1),
    "upsample-tags": (1, 1),
    "upload": (2, 2),
    "download": (2, 2),
    "create-voice": (4, 4),
    "lyrics": (0, 0),
    "producer": (12, 12),
}
"""What is done → credits by the service's introduction, and by its table of October 2026."""
MODELS = ("sonic-v3-5", "sonic-v4", "sonic-v4-5", "sonic-v4-5-plus", "sonic-v5")
LATER_MODELS = frozenset({"sonic-v5-5", "sonic-v6", "sonic-v6-wild", "sonic-v6-mini"})
TASK_TYPES = frozenset(
    {
        "create_music",
        "extend_music",
        "cover_music",
        "concat_music",
        "persona_music",
        "extend_upload_music",
        "cover_upload_music",
        "remaster",
        "add_instrumental",
        "add_vocals",
    }
)
FROM_SCRATCH = frozenset({"create_music", "persona_music", "upload-extend", "upload-cover"})
WITHOUT_SONG = FROM_SCRATCH | {"lyrics", "upsample-tags", "upload", "create-voice"}
"""These name no song that is known already."""
WITH_MODE = FROM_SCRATCH | {
    "sample",
    "mashup",
    "extend_music",
    "cover_music",
    "extend_upload_music",
    "cover_upload_music",
}
OWN_SONGS = frozenset({"extend_music", "cover_music"})
UPLOADS = frozenset({"extend_upload_music", "cover_upload_music", "add_instrumental", "add_vocals"})
PRODUCER_TASKS = frozenset({"create_music", "extend_music", "replace_music", "cover_music"})
RETIRED = frozenset({"music_variation", "swap_music_vocals", "swap_music_sound"})
REQUIRED = {
    "stems/basic": ("clip_id",),
    "stems/full": ("clip_id",),
    "wav": ("clip_id",),
    "download": ("clip_id", "formats"),
    "midi": ("clip_id",),
    "aligned-lyrics": ("clip_id",),
    "bpm": ("clip_id",),
    "vox": ("clip_id", "vocal_start_s", "vocal_end_s"),
    "persona": ("name", "clip_id"),
    "lyrics": ("description",),
    "upsample-tags": ("tags",),
    "create-voice": ("audio_url",),
    "replace-section": ("clip_id", "mv", "infill_start_s", "infill_end_s", "prompt"),
    "upload": ("url",),
    "upload-extend": ("url", "continue_at", "mv"),
    "upload-cover": ("url", "mv"),
    "sample": ("mv", "chop_sample_start_s", "chop_sample_end_s"),
    "mashup": ("mv", "mashup_clip_ids"),
}
BOOLEANS = ("custom_mode", "make_instrumental", "auto_lyrics", "use_suno_cdn", "auto_concat")
WEIGHTS = ("style_weight", "weirdness_constraint", "audio_weight")
INVALID_MODEL = (
    "The 'mv' field is invalid. The model should be 'sonic-v3-5', 'sonic-v4', 'sonic-v4-5', 'sonic-v4-5-plus', or "
    "'sonic-v5'."
)


def price(kind: str, table: str) -> float:
    own = PRICES.get(kind, PRICES["song"])
    return float(own[OCTOBER if table == "2026-10" else SEED])


def objections(kind: str, asked: Mapping[str, Any], *, wants_cdn: bool) -> Iterator[str]:
    """What is wrong with a request, the first thing first."""
    for name in REQUIRED.get(kind, ()):
        if asked.get(name) in (None, ""):
            yield f"{name} is required."
    yield from _kinds(asked)
    if "mv" in asked or kind in TASK_TYPES | {"sample", "mashup"}:
        yield from _models(kind, asked)
    if kind in WITH_MODE:
        yield from _modes(asked, wants_cdn=wants_cdn)
    yield from _texts(asked)
    yield from _needs(kind, asked)


def _kinds(asked: Mapping[str, Any]) -> Iterator[str]:
    for name in BOOLEANS:
        if name in asked and not isinstance(asked[name], bool):
            yield f"The '{name}' field should be boolean."
    for name in WEIGHTS:
        if not 0 <= float(asked.get(name) or 0) <= 1:
            yield f"The '{name}' field should be between 0 and 1."
    if asked.get("vocal_gender") not in (None, "f", "m"):
        yield "The 'vocal_gender' field should be f or m."


def _models(kind: str, asked: Mapping[str, Any]) -> Iterator[str]:
    model = asked.get("mv")
    known = model in MODELS or model in LATER_MODELS or (model == SAMPLES_ONLY and kind in ("sample", "mashup"))
    if not known and kind != "concat_music":
        yield INVALID_MODEL


def _modes(asked: Mapping[str, Any], *, wants_cdn: bool) -> Iterator[str]:
    if "custom_mode" not in asked:
        yield "The 'custom_mode' field should be boolean."
    if wants_cdn and "use_suno_cdn" not in asked:
        yield "The 'use_suno_cdn' field should be boolean."
    if asked.get("custom_mode"):
        if not asked.get("prompt") and not asked.get("make_instrumental"):
            yield "The 'prompt' field is required when custom_mode = true."
    elif not asked.get("gpt_description_prompt"):
        yield "The 'gpt_description_prompt' field is required when custom_mode = false."
    if asked.get("auto_lyrics") and not asked.get("custom_mode"):
        yield "The 'auto_lyrics' field needs custom_mode = true."


def _texts(asked: Mapping[str, Any]) -> Iterator[str]:
    is_new = is_at_least(str(asked.get("mv") or "sonic-v5"), 4.5)
    most = {"prompt": 5000 if is_new else 3000, "tags": 1000 if is_new else 200, "title": 80}
    for name, limit in most.items():
        if len(str(asked.get(name) or "")) > limit:
            yield f"The {name} character length should be less than {limit}."
    if len(str(asked.get("gpt_description_prompt") or "")) > 400:
        yield "The 'gpt_description_prompt' character length should be less than 400."
    if len(str(asked.get("name") or "")) > 80:
        yield "The name character length should be less than 80."
    if len(str(asked.get("description") or "")) > 120:
        yield "The description character length should be less than 120."


def _needs(kind: str, asked: Mapping[str, Any]) -> Iterator[str]:
    if kind == "persona_music" and not asked.get("persona_id"):
        yield "The 'persona_id' field is required when task_type = persona_music."
    if kind in ("extend_music", "extend_upload_music") and asked.get("continue_at") is None:
        yield f"The 'continue_at' field is required when task_type = {kind}."
    if kind == "add_vocals" and not asked.get("prompt"):
        yield "The 'prompt' field is required when task_type = add_vocals."
    if kind == "mashup" and len(asked.get("mashup_clip_ids") or ()) != 2:
        yield "mashup_clip_ids must hold exactly 2 ids."
    if kind == "sample" and not (asked.get("url") or asked.get("sample_clip_id")):
        yield "url or sample_clip_id is required."
    if kind == "vox" and float(asked.get("vocal_end_s") or 0) - float(asked.get("vocal_start_s") or 0) > 30:
        yield "The vocal range should be at most 30 seconds."
    if asked.get("webhook_url") and len(str(asked["webhook_url"])) > 1024:
        yield "The webhook_url character length should be less than 1024."
