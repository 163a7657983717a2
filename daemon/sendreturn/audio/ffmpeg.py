"""Decoding through an installed ffmpeg: only for what libsndfile cannot read (AAC and ALAC in M4A, FLAC in Ogg).

ffmpeg is told which demuxer to use and may open nothing but files, because by itself it follows playlists to other
places. Its exit status proves nothing (it is 0 for most cut files), so callers compare the frames that come out with
those that the container promises.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from sendreturn.audio.opening import shown
from sendreturn.errors import ClipError

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEMUXERS = {"M4A": "mov", "OGG": "ogg"}
STALL_S = 30.0
"""ffmpeg is killed when it has given nothing for so long."""

_AU_HEADER = struct.Struct(">4sIIIII")
_FLOAT_32_IN_AU = 6


def find_ffmpeg() -> str | None:
    """The ffmpeg on the PATH, else the one of the imageio-ffmpeg package; None where there is neither."""
    return shutil.which("ffmpeg") or _packaged_ffmpeg()


class FfmpegStream:
    """The decoded samples of one file, in order. Close it, or use it as a context manager.

    Attributes:
        rate_hz: The rate as decoded, which for HE-AAC is twice what the container says.
        channels: Number of channels, in the order of WAV files.
    """

    def __init__(self, path: Path, container: str, stall_s: float = STALL_S) -> None:
        """Starts ffmpeg and reads the head of its output.

        Raises:
            ClipError: There is no ffmpeg, or it cannot read the file.
        """
        self._path = path
        self._stall_s = stall_s
        self._stalled = False
        self._complaints: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed in close()
        try:
            self._process = _start(_required_ffmpeg(path), path, DEMUXERS[container], self._complaints)
        except BaseException:
            self._complaints.close()
            raise
        try:
            self.rate_hz, self.channels = self._read_head()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> FfmpegStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, frames: int) -> NDArray[np.float32]:
        """Up to `frames` frames, shape (frames, channels); fewer only at the end.

        Raises:
            ClipError: ffmpeg hung.
        """
        width = 4 * self.channels
        data = self._read_bytes(frames * width)
        whole = len(data) - len(data) % width
        samples = np.frombuffer(data[:whole], dtype=">f4").reshape(-1, self.channels)
        return np.asarray(samples, dtype=np.float32)

    def complaints(self) -> str:
        """What ffmpeg wrote to its standard error, shortened; for developers."""
        self._complaints.seek(0)
        return self._complaints.read(2000).decode("utf-8", "replace").strip()

    def close(self) -> None:
        """Ends ffmpeg, with everything that it started."""
        _kill_group(self._process)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.wait()
        self._complaints.close()

    def _read_head(self) -> tuple[int, int]:
        head = self._read_bytes(_AU_HEADER.size)
        if len(head) < _AU_HEADER.size:
            raise self._unreadable()
        magic, offset, _, encoding, rate_hz, channels = _AU_HEADER.unpack(head)
        if (
            magic != b".snd"
            or encoding != _FLOAT_32_IN_AU
            or not 1 <= channels <= 64
            or not _AU_HEADER.size <= offset <= 4096
        ):
            raise self._unreadable()
        self._read_bytes(offset - _AU_HEADER.size)
        return rate_hz, channels

    def _read_bytes(self, count: int) -> bytes:
        stream = self._process.stdout
        assert stream is not None
        guard = threading.Timer(self._stall_s, self._give_up)
        guard.start()
        try:
            data = stream.read(count)
        finally:
            guard.cancel()
            guard.join()
        if self._stalled:
            what = f"ffmpeg hung while it decoded {shown(self._path)}."
            raise ClipError(what, "Bounce the clip as WAV instead.", self.complaints())
        return data

    def _give_up(self) -> None:
        self._stalled = True
        _kill_group(self._process)

    def _unreadable(self) -> ClipError:
        what = f"ffmpeg could not decode {shown(self._path)}."
        return ClipError(what, "Bounce the clip as WAV instead.", self.complaints())


def _packaged_ffmpeg() -> str | None:
    try:
        package = importlib.import_module("imageio_ffmpeg")
        return str(package.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        # It raises RuntimeError where its wheel carries no program for this platform.
        return None


def _required_ffmpeg(path: Path) -> str:
    program = find_ffmpeg()
    if program is None:
        what = f"{shown(path)} can be read only with ffmpeg, which is not installed."
        hint = "Install ffmpeg (or `pip install imageio-ffmpeg`), or bounce the clip as WAV."
        raise ClipError(what, hint)
    return program


def _start(program: str, path: Path, demuxer: str, complaints: IO[bytes]) -> subprocess.Popen[bytes]:
    # "file:" keeps names with a colon or a leading dash from being read as a protocol or an option.
    source = b"file:" + os.fsencode(Path(path).absolute())
    options = ["-nostdin", "-hide_banner", "-v", "error", "-protocol_whitelist", "file,pipe", "-f", demuxer, "-i"]
    output = ["-map", "0:a:0", "-vn", "-sn", "-dn", "-c:a", "pcm_f32be", "-f", "au", "pipe:1"]
    arguments: list[str | bytes] = [program, *options, source, *output]
    if sys.platform == "win32":
        arguments = [os.fsdecode(argument) for argument in arguments]
    try:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=_bare_environment(),
            start_new_session=True,
        )
    except OSError as problem:
        what = f"ffmpeg could not be started for {shown(path)} ({problem.strerror})."
        raise ClipError(what, "Reinstall ffmpeg, or bounce the clip as WAV.") from problem


def _bare_environment() -> dict[str, str]:
    """No keys of ours in a foreign program's environment."""
    kept = ("PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        elif process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
