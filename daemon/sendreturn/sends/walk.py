"""Finding files: in hot folders, and where rules point. Links to folders are not followed."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from sendreturn.sends.ignore import AUDIO_SUFFIXES, is_passed_over
from sendreturn.sends.layout import REJECTED, SENT, Rule, Session
from sendreturn.sends.naming import folded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def files_under(folder: Path) -> Iterator[Path]:
    """Everything below a folder that is not a folder itself, in order of name; what cannot be read is left out."""
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_passed_over(name))
        for name in sorted(names):
            yield Path(where, name)


def hot_files(session: Session) -> Iterator[Path]:
    """The files in a session's hot folders."""
    for folder in folders_in(session.sends):
        if folder.name not in (SENT, REJECTED) and session.folders.operation_of(folder.name):
            yield from files_under(folder)


def rule_files(session: Session, rule: Rule) -> Iterator[Path]:
    """The files that a rule matches now. Only folders that the pattern can reach are opened."""
    yield from _expand(session.path, rule.pattern)


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, in order of name, without hidden ones and links; none where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            found = [Path(entry) for entry in entries if not is_passed_over(entry.name) and _is_folder(entry)]
    except OSError:
        return []
    return sorted(found)


def looks_like_session(folder: Path) -> bool:
    """Whether a folder among sessions is one: audio lies in it, or in one of its folders."""
    return any(_has_audio(place) for place in (folder, *folders_in(folder)))


def _has_audio(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(os.path.splitext(entry.name)[1].casefold() in AUDIO_SUFFIXES for entry in entries)  # noqa: PTH122
    except OSError:
        return False


def _expand(folder: Path, pattern: Sequence[str]) -> Iterator[Path]:
    if not pattern:
        return
    first, rest = pattern[0], pattern[1:]
    if first == "**":
        yield from _expand(folder, rest or ("*",))
        for inner in folders_in(folder):
            yield from _expand(inner, pattern)
    elif rest:
        for inner in folders_in(folder):
            if fnmatchcase(folded(inner.name), first):
                yield from _expand(inner, rest)
    else:
        yield from _files_in(folder, first)


def _files_in(folder: Path, pattern: str) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(e) for e in entries if fnmatchcase(folded(e.name), pattern) and not _is_folder(e))
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
