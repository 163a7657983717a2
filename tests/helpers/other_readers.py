"""What programs that are not ours read in a file; a test that needs one that is absent is passed over."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def mediainfo(path: Path) -> dict[str, dict[str, Any]]:
    """MediaInfo's tracks by their type ("General", "Audio")."""
    found = json.loads(_output("mediainfo", "--Output=JSON", str(path)))
    return {track["@type"]: track for track in found["media"]["track"]}


def ffprobe(path: Path) -> dict[str, Any]:
    """ffprobe's format and chapters."""
    shown: dict[str, Any] = json.loads(
        _output("ffprobe", "-v", "error", "-show_format", "-show_streams", "-show_chapters", "-of", "json", str(path))
    )
    return shown


def sndfile_metadata(path: Path) -> dict[str, str]:
    """libsndfile's names and values, such as {"Loudness value": "-16.74"}."""
    lines = _output("sndfile-metadata-get", "--all", str(path)).splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs}


def sndfile_cues(path: Path) -> list[tuple[int, str]]:
    """Place and label of each cue point, as sndfile-info shows them."""
    text = _output("sndfile-info", str(path))
    labels = dict(re.findall(r"labl : (\d+) : (.*)", text))
    points = re.findall(r"Cue ID : +(\d+) +Pos : +(\d+) .* Offset : +(\d+)", text)
    assert all(position == offset for _, position, offset in points)
    return [(int(offset), labels[number]) for number, _, offset in points]


def _output(program: str, *arguments: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"no {program} on this machine")
    done = subprocess.run([found, *arguments], capture_output=True, check=True, timeout=60)
    return done.stdout.decode("utf-8", "replace")
