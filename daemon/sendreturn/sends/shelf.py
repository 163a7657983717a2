"""Where files go once they were looked at: `sent/`, or `rejected/` with the reason. Nothing is ever overwritten."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from sendreturn.returns import files
from sendreturn.sends.ignore import DEFAULTS_NAMES, PARAMS_SUFFIXES
from sendreturn.sends.naming import fitted, folded, free_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

WHY_SUFFIX = ".why.txt"


def params_files(clip: Path) -> Iterator[Path]:
    """The parameter files that lie beside a clip, such as `riff.wav.yaml`."""
    for suffix in PARAMS_SUFFIXES:
        candidate = clip.with_name(clip.name + suffix)
        with suppress(OSError):  # a name that becomes too long names no file
            if candidate.is_file():
                yield candidate


def misnamed_params(clip: Path) -> Iterator[Path]:
    """Files that look as if they were meant for the clip, such as `riff.yaml` beside `riff.wav`; nothing reads them."""
    for suffix in PARAMS_SUFFIXES:
        candidate = clip.with_suffix(suffix)
        with suppress(OSError):
            if candidate.name.casefold() not in DEFAULTS_NAMES and candidate.is_file():
                yield candidate


def choose_target(folder: Path, name: str, reserved: Collection[Path] = ()) -> Path:
    """A free name in a folder that need not exist, also free of names that were promised to others."""
    promised = {folded(path.name) for path in reserved if path.parent == folder}
    return folder / free_name(name, lambda new: folded(new) not in promised and _is_free(folder / new))


def move(source: Path, target: Path) -> None:
    """Move a file within one file system, and see that the move is on disk.

    A target that is the very same file (a move that a crash has cut in two) is finished.

    Raises:
        FileExistsError: another file has the target's name.
        OSError: the file cannot be moved.
    """
    _make_folder(target.parent)
    files.move(source, target)


def put_with_params(source: Path, target: Path) -> None:
    """Move a clip, and then its parameter files beside it. A parameter file that cannot be moved stays.

    Raises:
        OSError: the clip cannot be moved.
    """
    move(source, target)
    put_params(source, target)


def put_params(source: Path, target: Path) -> None:
    """Move the parameter files of the clip that lay at `source` beside `target`; one that cannot be moved stays."""
    for file in list(params_files(source)):
        wanted = fitted(target.name, file.suffix)
        with suppress(OSError):
            move(file, choose_target(target.parent, wanted))


def reject(source: Path, folder: Path, sentence: str) -> Path:
    """Move a file to `folder` with a `<name>.why.txt` of one sentence; the reason is written first.

    Raises:
        OSError: the file cannot be moved; then no reason lies there either.
    """
    _make_folder(folder)
    name = free_name(source.name, lambda new: _is_free(folder / new) and _is_free(folder / why_name(new)))
    why = folder / why_name(name)
    _write_new(why, sentence + "\n")
    try:
        put_with_params(source, folder / name)
    except OSError:
        why.unlink(missing_ok=True)
        raise
    return folder / name


def why_name(name: str) -> str:
    """The name of the reason beside a rejected file: valid text, and never too long for a file name."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return fitted(text, WHY_SUFFIX)


def _make_folder(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    files.make_folder(folder)


def _write_new(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        files.share(path)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _is_free(path: Path) -> bool:
    return not os.path.lexists(path)
