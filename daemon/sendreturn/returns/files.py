"""The one place that puts a file under its final name, so that nobody ever sees half of it and nothing is overwritten.

The order is always: write to a temporary name in the target's own folder, fsync the file, rename it without
overwriting, fsync the folder. A temporary name begins with `TEMP_PREFIX`, is short, and lies beside the final one, so
that the rename never crosses file systems.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import sys
import threading
import time
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from sendreturn.errors import DeliveryError, Stalled
from sendreturn.words import TEMP_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

CHUNK_BYTES = 1 << 20
PATIENCE_S = 2.5
"""How long a file that another program holds (a DAW, a virus scanner, an indexer) is waited for."""


def place(temp: Path, final: Path) -> None:
    """Make `temp` durable and give it its final name; `temp` is then gone.

    Raises:
        FileExistsError: `final` is there already; both files are as they were.
        OSError: it could not be done; `temp` is still there.
    """
    _sync_file(temp)
    try:
        _rename(temp, final)
    except OSError as error:
        if error.errno != errno.EXDEV or temp.parent == final.parent:
            raise
        copy_in(temp, final)
        temp.unlink()
    else:
        sync_folder(final.parent)


def move(source: Path, final: Path) -> None:
    """Give a user's file another name on the same drive, and see that it is on disk.

    A name that the very same file has already (a move that a crash has cut in two) is fine.

    Raises:
        FileExistsError: another file has the name.
        OSError: it cannot be moved.
    """
    try:
        _rename(source, final)
    except FileExistsError:
        if not os.path.samestat(source.lstat(), final.lstat()):
            raise
        source.unlink()
    for folder in dict.fromkeys((final.parent, source.parent)):
        with suppress(OSError):  # the move itself has happened
            sync_folder(folder)


@contextmanager
def held(folder: Path) -> Iterator[Path]:
    """A path that leads to this very folder while the block runs, though its name be given to another or to a link.

    Only Linux has such paths; elsewhere it is the folder's own.
    """
    if not Path(_HANDLES).is_dir():
        yield folder
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Path(_HANDLES, str(handle))
    finally:
        os.close(handle)


def named(path: Path) -> Path:
    """The name by which a user knows a folder that is held, or a file in it; any other path is its own."""
    if not path.is_relative_to(_HANDLES):
        return path
    handle, *rest = path.relative_to(_HANDLES).parts
    return Path(_HANDLES, handle).readlink().joinpath(*rest)


def share(path: Path) -> None:
    """Let those who use the folder around `path` read, change and delete it too.

    Where the daemon has an account of its own, what it makes gets the folder's group, with the rights that the group
    has in the folder; where it is root, the folder's owner as well. In a folder of one's own, and of one's own group,
    nothing is changed.
    """
    if sys.platform == "win32":
        return
    around = path.parent.stat()
    if (around.st_uid, around.st_gid) == (os.geteuid(), os.getegid()):
        return
    mode = stat.S_IMODE(path.lstat().st_mode)
    owner = around.st_uid if os.geteuid() == 0 else -1
    wanted = mode | (around.st_mode & stat.S_IRWXG & (~0 if path.is_dir() else ~stat.S_IXGRP))
    with suppress(OSError):  # the group may be one that this account is not in
        os.chown(path, owner, around.st_gid, follow_symlinks=False)
    with suppress(OSError):
        path.chmod(wanted)


def copy_in(source: Path, final: Path) -> str:
    """Copy `source` to `final`, contents only, and return their sha256.

    Raises:
        FileExistsError: `final` is there already.
        DeliveryError: the disk is full; the sentence says how much is wanted.
        OSError: anything else. In every case nothing of ours is left behind.
    """
    with source.open("rb") as stream:
        return _write(final, iter(lambda: stream.read(CHUNK_BYTES), b""), os.fstat(stream.fileno()).st_size)


def write_with(final: Path, write: Callable[[BinaryIO], None], wanted_bytes: int) -> None:
    """Write a new file through `write`, which may seek; raises like `copy_in`. `wanted_bytes` is about its size."""
    with _room_for(final, wanted_bytes), _temporary(final) as temp:
        with temp.open("x+b") as stream:
            share(temp)
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        _rename(temp, final)
        sync_folder(final.parent)


def write_bytes(final: Path, content: bytes) -> str:
    """Write a new file and return its sha256; raises like `copy_in`."""
    return _write(final, [content], len(content))


def write_text(final: Path, text: str) -> str:
    """Write a new UTF-8 file with "\\n" line ends and return its sha256; raises like `copy_in`."""
    return write_bytes(final, text.encode())


def sha256_of(path: Path) -> str:
    """The sha256 of a file's contents, in lower-case hex."""

    def read() -> str:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    return _patiently(read)


def remove_leftovers(folder: Path, listed: Collection[str] = ()) -> tuple[str, ...]:
    """Remove what an earlier, killed process of ours left half-written in `folder`, and return the names.

    Only plain files go, whose names are exactly of our making, and which are either older than this process or named in
    `listed`. What this process is writing at the moment stays.
    """
    removed = []
    for entry in sorted(folder.iterdir()):
        if _TEMP_NAME.fullmatch(entry.name) and entry not in _being_written and _is_leftover(entry, listed):
            entry.unlink(missing_ok=True)
            removed.append(entry.name)
    return tuple(removed)


def make_folder(folder: Path) -> None:
    """Make `folder` inside an existing one, durably; one that is there already is fine."""
    with suppress(FileExistsError):
        folder.mkdir()
        share(folder)
    if not folder.is_dir():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(folder))
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable. Windows does so by itself, and some network file systems cannot be asked."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC_FOLDERS:
            raise
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Make all files below `folder` durable, with their names."""
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # something temporary of a worker, such as its progress
                _sync_file(Path(place, name))
        sync_folder(Path(place))


_T = TypeVar("_T")
_TEMP_NAME = re.compile(re.escape(TEMP_PREFIX) + r"[0-9a-f]{8}")
_STARTED_AT_S = time.time()
_HANDLES = "/proc/self/fd"
_being_written: set[Path] = set()

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_CANNOT_SYNC_FOLDERS = frozenset({errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF})
_PASSING = frozenset({errno.EBUSY, errno.EACCES, errno.ETXTBSY})
_PASSING_WINDOWS = frozenset({5, 32, 33})
"""ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION: what a scanner or an open file leads to."""


def _write(final: Path, chunks: Iterable[bytes], wanted_bytes: int) -> str:
    digest = hashlib.sha256()
    with _room_for(final, wanted_bytes), _temporary(final) as temp:
        with temp.open("xb", buffering=0) as stream:
            share(temp)
            for chunk in chunks:
                digest.update(chunk)
                _write_all(stream.fileno(), chunk)
            os.fsync(stream.fileno())
        _rename(temp, final)
        sync_folder(final.parent)
    return digest.hexdigest()


def _write_all(handle: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(handle, rest) :]


@contextmanager
def _temporary(final: Path) -> Iterator[Path]:
    """A free temporary name beside `final`, shorter than any name that we give; nothing is left under it."""
    temp = final.parent / f"{TEMP_PREFIX}{secrets.token_hex(4)}"
    _being_written.add(temp)
    try:
        yield temp
    finally:
        with suppress(OSError):  # what went wrong before matters more, and a leftover is removed next time
            temp.unlink(missing_ok=True)
        _being_written.discard(temp)


@contextmanager
def _room_for(final: Path, wanted_bytes: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        free_bytes, folder = shutil.disk_usage(final.parent).free, named(final.parent)
        what = (
            f"The disk of {folder} is full: {final.name} needs {_megabytes(wanted_bytes)}, "
            f"and {_megabytes(free_bytes)} are free."
        )
        hint = "Make room on the disk."
        stall = Stalled(what, f"{hint} It goes on by itself then.", str(error), str(folder), wanted_bytes)
        raise DeliveryError(what, hint, str(error)) from stall


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _is_leftover(entry: Path, listed: Collection[str]) -> bool:
    with suppress(FileNotFoundError):
        status = entry.lstat()
        return stat.S_ISREG(status.st_mode) and (entry.name in listed or status.st_mtime < _STARTED_AT_S)
    return False


def _sync_file(path: Path) -> None:
    # A failed fsync is not repeated: Linux reports a lost page only once, and the next call would lie.
    # Windows flushes only what is open for writing; elsewhere a read-only file can be synced too.
    handle = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _patiently(act: Callable[[], _T]) -> _T:
    """Do `act`, again and again for PATIENCE_S where another program is in the way."""
    import stamina

    for attempt in stamina.retry_context(
        on=_is_passing, attempts=None, timeout=PATIENCE_S, wait_initial=0.05, wait_max=0.5, wait_jitter=0.05
    ):
        with attempt:
            return act()
    raise AssertionError("retry_context raises the last error itself")


def _is_passing(error: Exception) -> bool:
    if not isinstance(error, OSError) or isinstance(error, FileExistsError):
        return False
    windows_code = getattr(error, "winerror", None)
    return windows_code in _PASSING_WINDOWS if windows_code is not None else error.errno in _PASSING


def _rename(temp: Path, final: Path) -> None:
    _patiently(lambda: _rename_without_overwriting(temp, final))


def _rename_without_overwriting(temp: Path, final: Path) -> None:
    """Try the ways that a system may have, best first. Each raises FileExistsError where `final` is there."""
    if sys.platform == "win32":
        temp.rename(final)  # refuses by itself
    elif not (
        _is_able(_rename_noreplace, temp, final, _UNABLE_TO_RENAME)
        or _is_able(_link_and_unlink, temp, final, _UNABLE_TO_LINK)
    ):
        _look_and_rename(temp, final)


def _is_able(way: Callable[[Path, Path], None], temp: Path, final: Path, means_unable: Collection[int]) -> bool:
    try:
        way(temp, final)
    except OSError as error:
        if error.errno not in means_unable:
            raise
        return False
    return True


_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
"""Linux, renameat2(2). FUSE, NFS and others answer EINVAL where they cannot do it."""

_UNABLE_TO_RENAME = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP})
_UNABLE_TO_LINK = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""link(2): EPERM is a file system without hard links (FAT, exFAT)."""

_looking = threading.Lock()


@cache
def _renameat2() -> Any:
    """The C library's renameat2, or None (macOS, older musl)."""
    if not sys.platform.startswith("linux"):
        return None
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is not None:
        function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    return function


def _rename_noreplace(temp: Path, final: Path) -> None:
    renameat2 = _renameat2()
    if renameat2 is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), str(temp))
    source, target = os.fsencode(temp), os.fsencode(final)
    if renameat2(_AT_FDCWD, source, _AT_FDCWD, target, _RENAME_NOREPLACE) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(temp), None, str(final))


def _link_and_unlink(temp: Path, final: Path) -> None:
    final.hardlink_to(temp)
    with suppress(OSError):  # the file is in place; a second name that stays is removed as a leftover
        temp.unlink()


def _look_and_rename(temp: Path, final: Path) -> None:
    """For file systems with neither (exFAT on macOS, some network shares): look, then rename.

    An empty placeholder would make the name ours for certain, but a DAW could import it, and a crash would leave it. So
    the name is looked at and taken in the same breath. Our own threads are kept apart by a lock, our own processes by
    the send's id in every name; only another program that makes a file of this very name in these microseconds could
    lose it.
    """
    with _looking:
        if os.path.lexists(final):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(final))
        temp.rename(final)
