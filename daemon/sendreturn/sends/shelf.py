"""Where files go once they were looked at: `sent/`, or `rejected/` with the reason. Nothing is ever overwritten."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from sendreturn.sends.ignore import PARAMS_SUFFIXES
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
    target.parent.mkdir(parents=True, exist_ok=True)
    _move_without_overwriting(source, target)
    _sync_folder(target.parent)
    _sync_folder(source.parent)


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
    folder.mkdir(parents=True, exist_ok=True)
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


def _move_without_overwriting(source: Path, target: Path) -> None:
    if os.name == "nt":
        source.rename(target)  # Windows refuses where the target exists.
        return
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        if not os.path.samestat(source.lstat(), target.lstat()):
            raise
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        _rename_where_free(source, target)
        return
    source.unlink()


# exFAT, FAT and some network drives have no hard links; Linux protects other users' files (fs.protected_hardlinks).
_NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EINVAL})


def _rename_where_free(source: Path, target: Path) -> None:
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    source.rename(target)


def _write_new(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _is_free(path: Path) -> bool:
    return not os.path.lexists(path)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows has no handle for this.
    with suppress(OSError):  # Some network drives refuse; the rename itself has happened.
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
