"""Clips that come by HTTP: kept in the session's `sent` folder, as dropped clips are."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from sendreturn.errors import SendReturnError, UsageError
from sendreturn.returns.files import place, share
from sendreturn.returns.naming import numbered, safe_stem
from sendreturn.sends.layout import SENT
from sendreturn.words import TEMP_PREFIX

if TYPE_CHECKING:
    from starlette.datastructures import UploadFile

BLOCK_BYTES = 1 << 20


async def keep_upload(upload: UploadFile, session: Path, hot_folder: str) -> Path:
    """Write an upload into the session under a name of its own, never over another file, and return its path.

    Raises:
        UsageError: the session is not there.
        SendReturnError: the session cannot be written.
    """
    if not os.path.isdir(session):  # noqa: PTH112 - False for what no name can be, too
        raise UsageError(f"The session folder {session} is not there.", "Name a folder that exists.")
    folder = session / hot_folder / SENT
    try:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        return await _keep(upload, folder)
    except OSError as error:
        what = f"The upload could not be kept in {folder}: {error.strerror}."
        raise SendReturnError(what, "Free the disk or make it writable.", repr(error)) from error


async def _keep(upload: UploadFile, folder: Path) -> Path:
    temp = folder / f"{TEMP_PREFIX}{secrets.token_hex(4)}"
    try:
        with temp.open("xb") as out:
            share(temp)
            while block := await upload.read(BLOCK_BYTES):
                await asyncio.to_thread(out.write, block)
        return await asyncio.to_thread(_settle, temp, folder, _safe_name(upload.filename or ""))
    finally:
        temp.unlink(missing_ok=True)


def _settle(temp: Path, folder: Path, name: str) -> Path:
    """Give `temp` the first name like `name` that is free."""
    for candidate in numbered(name):
        try:
            place(temp, folder / candidate)
        except FileExistsError:
            continue
        return folder / candidate
    raise AssertionError("there is always another number")


def _safe_name(given: str) -> str:
    """The last part of a foreign name, as a file name that every system takes."""
    name = PurePosixPath(given.replace("\\", "/"))
    suffix = name.suffix.lower()
    return f"{safe_stem(name.stem)}{suffix if re.fullmatch(r'[.][a-z0-9]{1,8}', suffix) else ''}"
