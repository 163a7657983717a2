"""Names of what comes back: safe on Linux, macOS and Windows alike, and the same on all three.

A name is made from the clip's own name, which is the only foreign text that ever becomes part of a path. Everything
else in it (operation, id, take, stem) comes from the house's own vocabulary.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import count
from pathlib import PurePath
from typing import TYPE_CHECKING

from sendreturn.words import STEMS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

STEM_BYTES = 80
STEM_UNITS = 60
"""Longest safe stem, in UTF-8 bytes and in UTF-16 units.

Most file systems allow 255 bytes for a name, eCryptfs 143, and Windows without long paths 260 units for a whole path.
The clip's name stands twice in a path (folder and file), so 60 units leave about 50 for the session folder.
"""

NAMELESS = "clip"


def safe_stem(name: str) -> str:
    """`name` (without its extension) as part of a file name that every system takes; never empty.

    Letters of any script and emoji stay. What Windows forbids becomes "_", invisible and control characters go, leading
    dots and dashes and trailing dots and spaces go, and a long name is cut between two visible characters. Doing it
    twice changes nothing more.
    """
    stem = _trimmed(_cut(_trimmed(_cleaned(name))))
    if _is_reserved(stem):
        stem = _trimmed(_cut(f"_{stem}"))
    return stem or NAMELESS


def set_folder(clip: str, operation: str, send_id: str) -> str:
    """The folder of a send's returns; `clip` is the clip's name without its extension."""
    return f"{safe_stem(clip)}_{operation}_{send_id}"


def file_name(clip: str, operation: str, send_id: str, take: int, kind: Kind, stem: str | None, suffix: str) -> str:
    """The name of one return, say `riff_extend_0a1b2c3d_t1_tail.wav`."""
    ending = _suffix(suffix)
    return f"{set_folder(clip, operation, send_id)}_t{take}{_marker(kind, stem, ending)}{ending}"


def sidecar_name(clip: str, operation: str, send_id: str, take: int) -> str:
    """The name of a take's sidecar."""
    return f"{set_folder(clip, operation, send_id)}_t{take}.json"


def numbered(name: str) -> Iterator[str]:
    """`name`, then `name (2)`, `name (3)` … before the extension: what to try where a name is taken."""
    yield name
    path = PurePath(name)
    for number in count(2):
        yield f"{path.stem} ({number}){path.suffix}"


def stem_word(label: str | None) -> str | None:
    """A stem's label in the house's words; one that it does not know is "other"."""
    if label is None:
        return None
    word = re.sub(r"[\s-]+", "_", label.strip().lower())
    return word if word in STEMS else "other"


_FORBIDDEN = frozenset('<>:"/\\|?*')
"""Windows, "Naming Files, Paths, and Namespaces"."""

_JOINERS = frozenset("\u200c\u200d")
"""Invisible, but part of the spelling of Persian and Indic words and of many emoji."""

_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])", re.IGNORECASE)
"""Device names of Windows, with any extension (same source)."""

_DROPPED = frozenset({"Cc", "Cf"})
_REPLACED = frozenset({"Cs", "Co"})
_SPACES = frozenset({"Zs", "Zl", "Zp"})
_LONGEST_CLUSTER = 16

_MARKERS = {Kind.TAIL: "_tail", Kind.HEAD: "_head"}


def _cleaned(name: str) -> str:
    kept = unicodedata.normalize("NFC", "".join(map(_clean_character, name)))
    return re.sub(r" +", " ", kept)


def _clean_character(character: str) -> str:
    category = unicodedata.category(character)
    if character in "\t\n\r\v\f" or category in _SPACES:
        return " "
    if character in _JOINERS:
        return character
    if category in _DROPPED:
        return ""
    return "_" if category in _REPLACED or character in _FORBIDDEN or _is_noncharacter(character) else character


def _is_noncharacter(character: str) -> bool:
    code = ord(character)
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def _trimmed(stem: str) -> str:
    edges = " .\u200c\u200d"
    return stem.lstrip(f"{edges}-").rstrip(edges)


def _is_reserved(stem: str) -> bool:
    return _RESERVED.fullmatch(stem.split(".")[0].rstrip()) is not None


def _cut(stem: str) -> str:
    fits = _fitting_length(stem)
    if fits == len(stem):
        return stem
    end = fits
    while end > max(1, fits - _LONGEST_CLUSTER) and _belongs_together(stem[end - 1], stem[end]):
        end -= 1
    return stem[: end if not _belongs_together(stem[end - 1], stem[end]) else fits]


def _fitting_length(stem: str) -> int:
    """How many characters of `stem` stay within both limits."""
    byte_count = unit_count = 0
    for index, character in enumerate(stem):
        byte_count += len(character.encode())
        unit_count += 2 if ord(character) > 0xFFFF else 1
        if byte_count > STEM_BYTES or unit_count > STEM_UNITS:
            return index
    return len(stem)


def _belongs_together(left: str, right: str) -> bool:
    """Whether the two are seen as one: an accent, a skin tone, or an emoji that is joined from several."""
    if left == "\u200d" or right in _JOINERS or "\U0001f3fb" <= right <= "\U0001f3ff":
        return True
    return unicodedata.category(right) in {"Mn", "Mc", "Me"}


def _marker(kind: Kind, stem: str | None, ending: str) -> str:
    if ending == ".json":
        return f"_{kind}"  # the bare name with .json is the sidecar's
    word = stem_word(stem)
    if word is not None and kind in (Kind.STEM, Kind.MIDI):
        return f"_{word}"
    return "_other" if kind is Kind.STEM else _MARKERS.get(kind, "")


def _suffix(suffix: str) -> str:
    letters = re.sub(r"[^a-z0-9]", "", suffix.lower())[:8]
    return f".{letters}" if letters else ""
