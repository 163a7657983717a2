"""libsndfile on an open file: the one place where soundfile reads."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, BinaryIO

import soundfile

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

from sendreturn.audio.opening import open_regular

SOUND_ERRORS = (soundfile.SoundFileError, OSError, ValueError, MemoryError)
"""What soundfile raises for bytes that it cannot make sense of."""


class Sound:
    """An open sound file. Close it, or use it as a context manager.

    It is opened through the descriptor that was checked, never by name: soundfile takes the format from some names and
    cannot open names that are no UTF-8.

    Raises:
        ClipError: The file cannot be opened.
        SOUND_ERRORS: libsndfile cannot read it.
    """

    def __init__(self, path: Path) -> None:
        self._file = open_regular(path)
        try:
            self._sound = soundfile.SoundFile(_handle(self._file), closefd=False)
        except BaseException:
            self._file.close()
            raise
        self.rate_hz = int(self._sound.samplerate)
        self.channels = int(self._sound.channels)
        self.frames = int(self._sound.frames)
        self.subtype = str(self._sound.subtype)

    def __enter__(self) -> Sound:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def seek(self, frame: int) -> None:
        self._sound.seek(frame)

    def read(self, frames: int, dtype: str = "float32") -> NDArray[np.generic]:
        """Up to `frames` frames, shape (frames, channels)."""
        data: NDArray[np.generic] = self._sound.read(frames, dtype=dtype, always_2d=True)
        return data

    def close(self) -> None:
        self._sound.close()
        self._file.close()


def _handle(file: BinaryIO) -> int | BinaryIO:
    file.seek(0)
    magic = file.read(4)
    file.seek(0)
    if magic == b"BW64":
        return io.BufferedReader(_AsRf64(file))
    # A descriptor is faster than Python's callbacks, but on Windows it belongs to another C library.
    if sys.platform == "win32":
        return file
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    return file.fileno()


class _AsRf64(io.RawIOBase):
    """A BW64 file under its older name, RF64: libsndfile 1.2.2 does not know the new one (ITU-R BS.2088)."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        at = self._file.tell()
        data = bytearray(self._file.read(len(buffer)))
        for index in range(at, min(4, at + len(data))):
            data[index - at] = b"RF64"[index]
        buffer[: len(data)] = data
        return len(data)
