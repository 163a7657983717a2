"""REAPER's `.rpp`: lines of words, in blocks that open with `<NAME` and close with `>`.

What is needed stands before the first track: `SAMPLERATE rate used …`, `TEMPO bpm numerator denominator …`, and in the
block `TEMPOENVEX` a line `PT seconds bpm shape [signature selected flags]` for every change. The shape 0 glides in a
straight line over time to the next point, 1 is steady. A signature holds its denominator in the upper 16 bits; a point
whose flags have 2 set only changes the signature. REAPER counts its tempo in quarter notes, whatever the signature.
(The state chunk reference of Ultraschall, and the notes in reaper-parser of charlesholbrow/rppp.)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sendreturn.project_files.project_file import (
    Project,
    Unreadable,
    checked_count,
    number,
    sample_rate,
    signature,
    tempo,
)
from sendreturn.project_files.tempo_map import TempoMap, glided, lay_out

MAX_HEAD_BYTES = 64 * 1024 * 1024
MAX_LINE_BYTES = 1 << 20
_LINEAR = 0
_ONLY_SIGNATURE = 2

Words = list[str]


def read_reaper(path: Path) -> Project:
    """Raises Unreadable where the file is none of REAPER's or ends too early, and OSError."""
    settings: dict[str, Words] = {}
    points: list[Words] = []
    for block, words in _head(path):
        if block == ("REAPER_PROJECT",):
            settings.setdefault(words[0], words[1:])
        elif block == ("REAPER_PROJECT", "TEMPOENVEX") and words[0] == "PT":
            points.append(words[1:])
    rate = settings.get("SAMPLERATE", [])
    # Without its second number, "project sample rate" is not ticked, and the sound card's rate holds.
    is_set = len(rate) > 1 and rate[1] != "0"
    return Project("REAPER", sample_rate(rate[0]) if is_set else None, _tempo_map(settings.get("TEMPO", []), points))


def _head(path: Path) -> Iterator[tuple[tuple[str, ...], Words]]:
    """Every line before the first track, as the names of the blocks around it and its words."""
    around: list[str] = []
    for line in _lines(path):
        words = line.split()
        if not words:
            continue
        if words == [">"]:
            if not around:
                raise Unreadable("is damaged")
            around.pop()
            if not around:
                return
        elif words[0].startswith("<") and (around or words[0] == "<REAPER_PROJECT"):
            if words[0] == "<TRACK" and len(around) == 1:
                return
            around.append(words[0][1:])
        elif around:
            yield tuple(around), words
        else:
            raise Unreadable("is no REAPER project")
    raise Unreadable("is damaged or not yet completely written")


def _lines(path: Path) -> Iterator[str]:
    total = 0
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE_BYTES):
            total += len(line)
            if total > MAX_HEAD_BYTES:
                raise Unreadable("is damaged", detail="no track within the first 64 MB")
            yield line.decode("utf-8", "replace")


def _tempo_map(settings: Words, lines: list[Words]) -> TempoMap | None:
    if len(settings) < 3:
        return None
    rows = [(0.0, tempo(settings[0]), False)]
    signatures = [(0.0, *signature(number(settings[1]), number(settings[2])))]
    for line in checked_count(lines):
        if len(line) < 3:
            raise Unreadable("is damaged")
        at_s = max(0.0, number(line[0]))
        if not _flags(line) & _ONLY_SIGNATURE:
            rows.append((at_s, tempo(line[1]), number(line[2]) == _LINEAR))
        if len(line) > 3 and (packed := int(number(line[3]))):
            signatures.append((at_s, *signature(packed & 0xFFFF, packed >> 16)))
    return lay_out(glided(rows), signatures, "seconds")


def _flags(line: Words) -> int:
    return int(number(line[5])) if len(line) > 5 else 0
