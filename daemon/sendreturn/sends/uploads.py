"""Clips that come by HTTP: kept in the session's `sent` folder, as dropped clips are."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sendreturn.errors import SendReturnError, UsageError
from sendreturn.returns.files import place
from sendreturn.returns.naming import numbered, safe_stem
from sendreturn.sends.layout import SENT
from sendreturn.words import TEMP_PREFIX

if TYPE_CHECKING:
    from starlette.datastructures import UploadFile

MOST_BYTES = 4 << 30
BLOCK = 1 << 20


async def keep_upload(upload: UploadFile, session: Path, hot_folder: str) -> Path:
    """Write an upload into the session under a name of its own, never over another file.

    Raises:
        UsageError: the session is not there, or the upload is too large.
        SendReturnError: the session cannot be written.
    """
    if not session.is_dir():
        raise UsageError(f"The session folder {session} is not there.", "Name a folder that exists.")
    folder = session / hot_folder / SENT
    try:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        temp = await _write(upload, folder)
    except OSError as error:
        raise SendReturnError(
            f"The upload could not be kept in {folder}: {error.strerror}.", "Free the disk or make it writable."
        ) from error
    try:
        return await asyncio.to_thread(_settle, temp, folder, upload.filename or "clip.wav")
    finally:
        temp.unlink(missing_ok=True)


async def _write(upload: UploadFile, folder: Path) -> Path:
    handle, name = tempfile.mkstemp(prefix=TEMP_PREFIX, dir=folder)
    size = 0
    try:
        with os.fdopen(handle, "wb") as out:
            while block := await upload.read(BLOCK):
                size += len(block)
                if size > MOST_BYTES:
                    raise UsageError("The upload is larger than 4 GB.", "Name the clip by its path instead.")
                await asyncio.to_thread(out.write, block)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _settle(temp: Path, folder: Path, name: str) -> Path:
    given = Path(name.replace("\\", "/")).name
    for candidate in numbered(f"{safe_stem(Path(given).stem)}{Path(given).suffix.lower()}"):
        target = folder / candidate
        try:
            place(temp, target)
        except FileExistsError:
            continue
        return target
    raise AssertionError("there is always another number")
