"""Which names in a session a watcher of ours looks at, and which it passes over."""

from __future__ import annotations

import re
from enum import StrEnum
from fnmatch import fnmatchcase

from sendreturn.words import TEMP_PREFIX

AUDIO_SUFFIXES = frozenset(
    {
        ".wav",
        ".wave",
        ".bwf",
        ".rf64",
        ".w64",
        ".aif",
        ".aiff",
        ".aifc",
        ".flac",
        ".mp3",
        ".ogg",
        ".oga",
        ".opus",
        ".m4a",
        ".mp4",
        ".aac",
    }
)
PARAMS_SUFFIXES = (".yaml", ".yml")
DEFAULTS_NAMES = tuple(f"defaults{suffix}" for suffix in PARAMS_SUFFIXES)


class NameKind(StrEnum):
    """What a file's name says about it."""

    CLIP = "clip"
    PARAMS = "params"
    PASSED_OVER = "passed_over"
    UNKNOWN = "unknown"


def kind_of(name: str) -> NameKind:
    """Judge a file by its name alone; names are compared without regard to case."""
    folded = name.casefold()
    if is_passed_over(folded):
        return NameKind.PASSED_OVER
    if folded.endswith(PARAMS_SUFFIXES):
        return NameKind.PARAMS
    dot = folded.rfind(".")
    return NameKind.CLIP if dot > 0 and folded[dot:] in AUDIO_SUFFIXES else NameKind.UNKNOWN


def is_passed_over(name: str) -> bool:
    """Hidden files, our own temporary files, and what other programs leave beside audio."""
    folded = name.casefold()
    return folded.startswith(_PREFIXES) or folded.endswith(_SUFFIXES) or any(fnmatchcase(folded, p) for p in _PATTERNS)


def clip_name_of_params(name: str) -> str | None:
    """`riff.wav.yaml` belongs to `riff.wav`; None for `defaults.yaml` and for names that belong to no clip."""
    match = re.fullmatch(r"(.+)\.ya?ml", name, re.IGNORECASE | re.DOTALL)
    if match is None or kind_of(match[1]) is not NameKind.CLIP:
        return None
    return match[1]


# A leading dot covers TEMP_PREFIX, AppleDouble files (`._x.wav`), `.DS_Store` and Syncthing's `.syncthing.x.tmp`.
_PREFIXES = (".", TEMP_PREFIX, "~$", "~syncthing~")
_SUFFIXES = (
    # Still arriving: browsers, rsync, aria2, file managers.
    ".crdownload",
    ".part",
    ".partial",
    ".filepart",
    ".download",
    ".aria2",
    ".tmp",
    ".temp",
    # Peak and analysis files that editors keep beside the audio.
    ".reapeaks",
    ".reapindex",
    ".asd",
    ".pkf",
    ".sfk",
    ".sfl",
    ".ovw",
    ".peak",
    ".wfm",
    # Editors' backups and locks.
    "~",
    ".bak",
    ".swp",
    ".lock",
)
_PATTERNS = ("*.sync-conflict-*", "thumbs.db", "desktop.ini", "icon\r", "*.why.txt")
