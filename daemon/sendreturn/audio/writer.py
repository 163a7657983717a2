"""Writing sound files: the one place where soundfile writes."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

from sendreturn.audio.decode import VORBIS_ORDER
from sendreturn.audio.dither import Quantiser
from sendreturn.audio.opening import shown
from sendreturn.errors import SendReturnError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

RF64_FROM_BYTES = (1 << 32) - (1 << 20)
"""A RIFF file counts its bytes in 32 bits; from here on, with room for the metadata, it becomes an RF64."""

_BITS = {"PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
_BYTES = {"PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}
_BUFFER_BYTES = 1 << 18
"""libsndfile hands over 8 KB at a time."""
_LARGEST_WRITE = 8192
"""libsndfile's Vorbis encoder keeps a whole write on its stack (python-soundfile issue 130)."""


class SoundWriter:
    """Writes a sound file in blocks. As a context manager it removes the file when its block fails.

    Attributes:
        clipped: How many samples were beyond full scale so far.
    """

    def __init__(self, path: Path, fmt: str, subtype: str, rate_hz: int, channels: int, frames: int = 0) -> None:
        """
        Args:
            fmt: WAV, FLAC, MP3, OGG or AIFF; a WAV of `frames` frames that passes 4 GB becomes an RF64.
            subtype: soundfile's name.

        Raises:
            SendReturnError: The file cannot be created.
        """
        self._path = path
        self._order = _vorbis_places(channels) if fmt == "OGG" else None
        self._quantise = Quantiser(_BITS[subtype]) if subtype in _BITS else None
        options = _options(_real_format(fmt, subtype, channels, frames), subtype)
        try:
            self._file = _Target(path)
        except OSError as problem:
            raise _unwritable(path, problem) from problem
        try:
            self._sound = soundfile.SoundFile(self._file, "w", rate_hz, channels, **options)
        except (soundfile.SoundFileError, OSError) as problem:
            self.discard()
            raise self._failed(problem) from problem

    def __enter__(self) -> SoundWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.discard()
            return
        try:
            self.close()
        except SendReturnError:
            self.discard()
            raise

    @property
    def clipped(self) -> int:
        return self._quantise.clipped if self._quantise is not None else 0

    def write(self, samples: NDArray[Any]) -> None:
        """Appends frames of shape (n, channels): int32 as it is, floats quantised where the file holds integers.

        Raises:
            SendReturnError: The disk is full or gone.
        """
        try:
            for at in range(0, len(samples), _LARGEST_WRITE):
                self._sound.write(self._fitted(samples[at : at + _LARGEST_WRITE]))
        except (soundfile.SoundFileError, AssertionError) as problem:
            # soundfile asserts that everything was written, and a full disk breaks that.
            raise self._failed(problem) from self._file.problem or problem
        self._check()

    def close(self) -> None:
        """Completes the header."""
        try:
            self._sound.close()
            self._file.close()
        except (soundfile.SoundFileError, OSError) as problem:
            raise self._failed(problem) from self._file.problem or problem
        self._check()

    def discard(self) -> None:
        """Removes what was written."""
        sound = getattr(self, "_sound", None)
        # It is thrown away, so it does not matter when its header cannot be completed.
        with contextlib.suppress(soundfile.SoundFileError, OSError):
            if sound is not None:
                sound.close()
        with contextlib.suppress(OSError):
            self._file.close()
        self._path.unlink(missing_ok=True)

    def _fitted(self, samples: NDArray[Any]) -> NDArray[Any]:
        if self._quantise is not None and samples.dtype != np.int32:
            samples = self._quantise(samples)
        return samples if self._order is None else samples[:, self._order]

    def _check(self) -> None:
        if self._file.problem is not None:
            raise self._failed(self._file.problem) from self._file.problem

    def _failed(self, problem: BaseException) -> SendReturnError:
        return _unwritable(self._path, self._file.problem or problem)


def _unwritable(path: Path, problem: BaseException) -> SendReturnError:
    reason = getattr(problem, "strerror", None)
    what = f"{shown(path)} could not be written{f' ({reason})' if reason else ''}."
    return SendReturnError(what, "Check that its folder is there and its disk has room.", str(problem))


class _Target:
    """The file as soundfile writes it. Its callbacks cannot pass an exception on, so the first problem is kept here."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=_BUFFER_BYTES)
        self.problem: OSError | None = None

    def write(self, data: bytes) -> int:
        return self._tried(lambda: self._file.write(data))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._tried(lambda: self._file.seek(offset, whence))

    def tell(self) -> int:
        return self._tried(self._file.tell)

    def close(self) -> None:
        self._file.close()

    def _tried(self, action: Callable[[], int]) -> int:
        if self.problem is not None:
            return 0
        try:
            return action()
        except OSError as problem:
            self.problem = problem
            return 0


def _real_format(fmt: str, subtype: str, channels: int, frames: int) -> str:
    if fmt != "WAV":
        return fmt
    if frames * channels * _BYTES.get(subtype, 4) > RF64_FROM_BYTES:
        return "RF64"
    # More than two channels need the extensible form, which says where each belongs.
    return "WAVEX" if channels > 2 else "WAV"


def _options(fmt: str, subtype: str) -> dict[str, Any]:
    options: dict[str, Any] = {"format": fmt, "subtype": subtype}
    if fmt == "MP3":
        # 320 kbit/s: a service encodes again, and a second loss should find as little as possible of the first.
        options |= {"bitrate_mode": "CONSTANT", "compression_level": 0.0}
    elif fmt == "OGG":
        options["compression_level"] = 0.1
    return options


def _vorbis_places(channels: int) -> tuple[int, ...] | None:
    order = VORBIS_ORDER.get(channels)
    return tuple(order.index(place) for place in range(channels)) if order else None
