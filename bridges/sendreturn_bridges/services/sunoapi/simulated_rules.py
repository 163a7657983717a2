"""What the simulated Suno API objects to, and what it asks for its work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

PRICES: Mapping[str, float] = {
    "generate": 12.0,
    "extend": 12.0,
    "upload_cover": 12.0,
    "upload_extend": 12.0,
    "add_vocals": 12.0,
    "add_instrumental": 12.0,
    "replace_section": 12.0,
    "mashup": 12.0,
    "sounds": 2.5,
    "lyrics": 0.4,
    "separate_vocal": 10.0,
    "split_stem": 50.0,
    "split_stem_advanced": 20.0,
    "wav": 0.4,
    "notes": 0.0,
    "video": 2.0,
    "cover_art": 0.4,
    "timed_lyrics": 0.5,
    "style": 0.4,
}
"""By request; what is not here is free. The switch `prices` replaces single ones."""
COMMON = ("callBackUrl",)
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "generate": ("customMode", "instrumental", "model", *COMMON),
    "extend": ("audioId", "defaultParamFlag", "model", *COMMON),
    "upload_cover": ("uploadUrl", "customMode", "instrumental", "model", *COMMON),
    "upload_extend": ("uploadUrl", "defaultParamFlag", "model", *COMMON),
    "add_vocals": ("uploadUrl", "prompt", "title", "style", "negativeTags", *COMMON),
    "add_instrumental": ("uploadUrl", "title", "tags", "negativeTags", *COMMON),
    "replace_section": ("prompt", "tags", "title", "infillStartS", "infillEndS", "fullLyrics"),
    "mashup": ("uploadUrlList", "customMode", "model", *COMMON),
    "sounds": ("prompt", "model"),
    "lyrics": ("prompt", *COMMON),
    "separation": COMMON,
    "wav": ("taskId", "audioId", *COMMON),
    "notes": ("taskId", *COMMON),
    "video": ("taskId", "audioId", *COMMON),
    "cover_art": ("taskId", *COMMON),
    "recovery": ("sunoTaskId", *COMMON),
    "timed_lyrics": ("taskId", "audioId"),
    "style": ("content",),
    "persona": ("taskId", "audioId", "name", "description"),
    "voice_validate": ("voiceUrl", "vocalStartS", "vocalEndS", *COMMON),
    "voice_generate": ("taskId", "verifyUrl", *COMMON),
    "voice_regenerate": ("taskId", "calBackUrl"),
    "voice_check": ("task_id",),
}
PROMPT = {"V3_5": 3000, "V4": 3000}
STYLE = {"V3_5": 200, "V4": 200}
MODELS: Mapping[str, tuple[str, ...]] = {
    "add_vocals": ("V4_5PLUS", "V5", "V5_5"),
    "add_instrumental": ("V4_5PLUS", "V5", "V5_5"),
    "sounds": ("V5", "V5_5"),
    "": ("V3_5", "V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5", "V6", "V6_MINI", "V6_WILD"),
}
TAKES_DURATION = frozenset({"V5_5", "V6", "V6_MINI", "V6_WILD"})
SECTION_S = (10.0, 60.0)


def objections(kind: str, asked: Mapping[str, Any], titles: int) -> Iterator[tuple[int, str]]:
    """Everything that is wrong with a request by itself: code and message."""
    for name in REQUIRED[kind]:
        if asked.get(name) in (None, "", []):
            yield 400, f"{name} cannot be empty"
    model = str(asked.get("model") or "V4_5")
    if model not in MODELS.get(kind, MODELS[""]):
        yield 400, "model is invalid"
    yield from _custom(asked, kind, model)
    yield from _too_long(asked, kind, model, titles)
    for name in ("styleWeight", "weirdnessConstraint", "audioWeight"):
        value = asked.get(name, 0)
        if not 0 <= value <= 1 or round(value, 2) != value:
            yield 400, f"{name} must be between 0 and 1 in steps of 0.01"


def _custom(asked: Mapping[str, Any], kind: str, model: str) -> Iterator[tuple[int, str]]:
    if "customMode" in asked:
        wanted = ("style", "title") if asked["customMode"] else ("prompt",)
        if asked["customMode"] and not asked.get("instrumental"):
            wanted = (*wanted, "prompt")
        missing = [name for name in wanted if not asked.get(name)]
        if missing:
            yield 400, f"{missing[0]} is required with customMode {asked['customMode']}"
        if not asked["customMode"] and (asked.get("style") or asked.get("vocalGender")):
            yield 400, "style and vocalGender are for customMode only"
    if asked.get("defaultParamFlag"):
        missing = [name for name in ("style", "title", "continueAt") if not asked.get(name)]
        if missing:
            yield 400, f"{missing[0]} is required with defaultParamFlag"
    if kind == "extend" and asked.get("instrumental") and (asked.get("prompt") or asked.get("vocalGender")):
        yield 400, "prompt and vocalGender are not for instrumentals"
    if "duration" in asked and not (asked.get("customMode") and model in TAKES_DURATION):
        yield 400, "duration is not supported"


def _too_long(asked: Mapping[str, Any], kind: str, model: str, titles: int) -> Iterator[tuple[int, str]]:
    is_simple = asked.get("customMode") is False or kind == "sounds"
    prompt = 200 if kind == "lyrics" else 500 if is_simple else PROMPT.get(model, 5000)
    style = STYLE.get(model, 1000)
    limits = {"prompt": prompt, "style": style, "tags": style, "title": titles, "author": 50, "domainName": 50}
    for name, most in limits.items():
        if len(str(asked.get(name) or "")) > most:
            yield 413, f"{name} is too long: at most {most} characters"
    if kind in ("add_vocals", "add_instrumental") and len(str(asked.get("negativeTags") or "")) > 200:
        yield 413, "negativeTags is too long: at most 200 characters"


def section_objection(asked: Mapping[str, Any], duration_s: float) -> str | None:
    """What is wrong with the section of a song that is to be replaced."""
    start_s, end_s = float(asked["infillStartS"]), float(asked["infillEndS"])
    if not 0 <= start_s < end_s <= duration_s + 0.01:
        return "infillStartS and infillEndS must lie inside the audio"
    longest_s = min(SECTION_S[1], duration_s / 2)
    if not SECTION_S[0] - 0.01 <= end_s - start_s <= longest_s + 0.01:
        return "The section must be 10 to 60 seconds and at most half of the audio"
    return None
