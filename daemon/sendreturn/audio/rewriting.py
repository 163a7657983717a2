"""Writing an audio file anew beside itself, so that it is never seen half and stays as it is where that fails."""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING, BinaryIO

from sendreturn.audio.opening import shown
from sendreturn.errors import SendReturnError
from sendreturn.words import TEMP_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def rewritten(path: Path, what: str) -> Iterator[BinaryIO]:
    """The new file, which takes the old one's place, durably, when the block ends well.

    Args:
        what: What the file is being given, for the sentence where that fails: "its tags".

    Raises:
        SendReturnError: It cannot be written; the file is as it was then.
    """
    scratch = path.with_name(f"{TEMP_PREFIX}{secrets.token_hex(8)}")
    try:
        with scratch.open("xb") as target:
            yield target
            target.flush()
            os.fsync(target.fileno())
        scratch.replace(path)
    except OSError as problem:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
        raise SendReturnError(
            f"{shown(path)} could not be given {what} ({problem.strerror}).",
            "Check that its folder is there and its disk has room.",
        ) from problem
