"""The kinds of value that only the configuration has, beside those of `fields.py`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, ValidationInfo

from sendreturn.audio.quantize import GRIDS
from sendreturn.fields import choice, number, refuse
from sendreturn.places import expand
from sendreturn.words import OPERATION_ALIASES, OPERATIONS, TEMP_PREFIX

_OSC_WORDS = (
    "ping set clear subscribe unsubscribe reply cancel retry approve list selection selected"
    " pong accepted state return done failed error"
)
_HOT_FOLDER_WORDS = "sent rejected"
_WINDOWS_DEVICES = "con prn aux nul"
RESERVED_PRESETS = frozenset(
    {*OPERATIONS, *OPERATION_ALIASES, *f"{_OSC_WORDS} {_HOT_FOLDER_WORDS} {_WINDOWS_DEVICES}".split()}
)
"""A preset names a folder and an OSC address (`/sendreturn/<preset>`); these would mean something else there."""


def _check_preset_name(value: object) -> str:
    name = value if isinstance(value, str) else ""
    if not re.fullmatch(r"[^\W_][\w-]{0,63}", name):
        refuse("a preset name of letters, digits, - and _, since it names a folder and an OSC address")
    if name.casefold() in RESERVED_PRESETS:
        refuse("a preset name that is not an operation or a word of sendreturn's own")
    return name


def _check_folder(value: object) -> str:
    parts = value.strip().split("/") if isinstance(value, str) else []
    if not parts or any(not _is_folder_name(part) for part in parts):
        refuse("the name of a folder inside the session, such as Returns or AI/Returns")
    return "/".join(parts)


def _is_folder_name(name: str) -> bool:
    odd = re.search(r'[\\:*?"<>|\x00-\x1f]', name) or name != name.strip() or name.endswith(".")
    return bool(name) and not odd and not name.startswith(TEMP_PREFIX) and len(name.encode()) <= 120


def _check_session_path(value: object, info: ValidationInfo) -> Path:
    text = str(value) if isinstance(value, str | Path) else ""
    home = (info.context or {}).get("env")
    is_full = text == "~" or text.startswith(("~/", "~\\")) or Path(text).is_absolute()
    if not text.strip() or "\0" in text or not is_full:
        refuse("the full path of a folder (~ is your home folder)")
    return expand(text, home) if home is not None else expand(text)


def _check_sample_rate(value: object) -> str | int:
    if isinstance(value, str) and value.strip().casefold() == "session":
        return "session"
    rate = int(value) if isinstance(value, str) and re.fullmatch(r"\d{4,6}", value.strip()) else value
    if isinstance(rate, bool) or not isinstance(rate, int) or not 8000 <= rate <= 384_000:
        refuse("session, or a rate in Hz from 8000 to 384000")
    return rate


def _check_bit_depth(value: object) -> int:
    depth = str(value).strip()
    if isinstance(value, bool) or depth not in ("16", "24", "32"):
        refuse("16, 24 or 32")
    return int(depth)


def _check_grid(value: object) -> str:
    grid = value.replace(" ", "").upper() if isinstance(value, str) else ""
    if grid not in GRIDS:
        refuse(f"one of {', '.join(GRIDS)} (T: triplets)", choices=GRIDS)
    return grid


def _check_database(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"postgres(?:ql)?(?:\+\w+)?://\S+", value.strip()):
        refuse("nothing (SQLite in the state folder), or an address postgresql://…")
    return value.strip()


def _check_pattern(value: object) -> str:
    parts = value.strip().split("/") if isinstance(value, str) else []
    if not parts or not all(parts) or ".." in parts or "\\" in "".join(parts):
        refuse('a pattern relative to the session, with / between folders, such as "Bounces/*_cover.wav"')
    return "/".join(parts)


Operation = Annotated[str, choice(OPERATIONS, OPERATION_ALIASES)]
Folder = Annotated[str, BeforeValidator(_check_folder)]
SessionPath = Annotated[Path, BeforeValidator(_check_session_path)]
PresetName = Annotated[str, BeforeValidator(_check_preset_name)]
SampleRate = Annotated[str | int, BeforeValidator(_check_sample_rate)]
BitDepth = Annotated[int, BeforeValidator(_check_bit_depth)]
Grid = Annotated[str, BeforeValidator(_check_grid)]
DatabaseUrl = Annotated[str, BeforeValidator(_check_database)]
Pattern = Annotated[str, BeforeValidator(_check_pattern)]
"""A glob relative to the session."""
Credits = Annotated[float, number(low=0)]
