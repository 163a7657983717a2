from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import clips
import numpy as np
import psutil
import pytest
from sendreturn.audio import ffmpeg
from sendreturn.audio.decode import open_decoder, read_audio
from sendreturn.audio.ffmpeg import FfmpegStream
from sendreturn.audio.probe import Complete, Incomplete, completeness, probe
from sendreturn.errors import ClipError

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 44_100
M4A_BOX = b"\0\0\0\x18ftypM4A \0\0\2\0isomiso2"
TONE = """
import struct, sys
open({log!r}, "w").write(chr(10).join(sys.argv[1:]))
out = sys.stdout.buffer
out.write(struct.pack(">4sIIIII", b".snd", 28, 0xFFFFFFFF, 6, 44100, 2) + bytes(4))
out.write(struct.pack(">ff", 0.5, -0.25) * {frames})
"""


def box(name: bytes, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    return (8 + len(body)).to_bytes(4, "big") + name + body


def made_up_m4a(path: Path, frames: int = 88_200) -> Path:
    """A file with all the boxes of an M4A of two channels at 44.1 kHz, and no real audio."""
    numbers = lambda *values: b"".join(value.to_bytes(4, "big") for value in values)  # noqa: E731
    entry = numbers(0, 0, 0, 1, 0, 0) + b"\0\2\0\x10" + numbers(0, RATE_HZ << 16)
    described = box(b"stsd", numbers(0, 1), numbers(8 + len(entry)), b"mp4a", entry[8:], numbers(0, 0))
    table = box(b"stbl", described, box(b"stts", numbers(0, 1, 1, frames)))
    media = box(
        b"mdia",
        box(b"mdhd", numbers(0, 0, 0, RATE_HZ, frames, 0)),
        box(b"hdlr", numbers(0, 0), b"soun", bytes(12)),
        box(b"minf", table),
    )
    movie = box(b"moov", box(b"mvhd", numbers(0, 0, 0, 1000, 2000), bytes(80)), box(b"trak", media))
    path.write_bytes(M4A_BOX + movie + box(b"mdat", b"\x21" * 500))
    return path


@pytest.fixture
def no_ffmpeg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)


def use_fake(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    monkeypatch.setenv("PATH", str(clips.fake_ffmpeg(folder, script)))


@clips.needs_ffmpeg
@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("codec", ["aac", "alac"])
def test_m4a_comes_out_sample_by_sample(tmp_path: Path, codec: str, channels: int) -> None:
    sound = clips.music(2.345, RATE_HZ, channels)
    path = clips.ffmpeg_clip(tmp_path / "a.m4a", sound, RATE_HZ, "-c:a", codec)
    info = probe(path)
    audio = read_audio(path)
    assert (info.container, info.subtype, info.channels) == ("M4A", codec.upper(), channels)
    assert audio.frames == info.frames == len(sound)
    assert abs(clips.lag_of(sound, audio.samples)) <= 1
    assert completeness(path) == Complete()


@clips.needs_ffmpeg
def test_a_24_bit_alac_loses_nothing(tmp_path: Path) -> None:
    steps = np.random.default_rng(4).integers(-(2**23), 2**23, (30_000, 2))
    path = clips.ffmpeg_clip(tmp_path / "a.m4a", steps / 2.0**23, 48_000, "-c:a", "alac", "-sample_fmt", "s32p")
    assert np.array_equal(read_audio(path).samples * 2.0**23, steps)


@clips.needs_ffmpeg
def test_flac_in_ogg_comes_out_sample_by_sample(tmp_path: Path) -> None:
    sound = clips.music(1.0, RATE_HZ)
    path = clips.ffmpeg_clip(tmp_path / "a.oga", sound, RATE_HZ, "-c:a", "flac")
    assert probe(path).frames == len(sound)
    assert np.abs(read_audio(path).samples - sound).max() < 2**-14


@clips.needs_ffmpeg
@pytest.mark.parametrize("options", [(), ("-movflags", "+faststart"), ("-movflags", "+frag_keyframe+empty_moov")])
def test_m4a_is_whole_wherever_its_index_lies_and_unfinished_when_it_is_cut(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    path = clips.ffmpeg_clip(tmp_path / "a.m4a", clips.music(3.0, RATE_HZ), RATE_HZ, *options)
    assert completeness(path) == Complete()
    assert read_audio(path).frames == probe(path).frames
    assert isinstance(completeness(clips.cut(path, 0.7)), Incomplete)
    with pytest.raises(ClipError, match="looks unfinished"):
        probe(path)


@clips.needs_ffmpeg
def test_a_range_of_m4a_is_a_slice_of_the_whole(tmp_path: Path) -> None:
    path = clips.ffmpeg_clip(tmp_path / "a.m4a", clips.music(2.0, RATE_HZ), RATE_HZ)
    whole = read_audio(path).samples
    assert np.array_equal(read_audio(path, 0.5, 1.5).samples, whole[22_050:66_150])
    with open_decoder(path) as decoder:
        decoder.seek(50_000)
        decoder.read(10)
        decoder.seek(100)
        assert np.array_equal(decoder.read(50), whole[100:150])


@clips.needs_ffmpeg
def test_m4a_that_is_damaged_inside_is_not_passed_off_as_whole(tmp_path: Path) -> None:
    path = clips.ffmpeg_clip(tmp_path / "a.m4a", clips.music(3.0, RATE_HZ), RATE_HZ, "-c:a", "alac")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 60_000] = b"\xff" * 60_000
    path.write_bytes(content)
    with pytest.raises(ClipError, match="ends early"):
        read_audio(path)


def test_without_ffmpeg_the_sentence_says_what_to_install(tmp_path: Path, no_ffmpeg: None) -> None:
    path = made_up_m4a(tmp_path / "voice memo.m4a")
    assert probe(path).frames == 88_200
    with pytest.raises(ClipError) as caught:
        read_audio(path)
    assert "voice memo.m4a" in caught.value.what
    assert "Install ffmpeg" in caught.value.hint
    assert "WAV" in caught.value.hint


def test_ffmpeg_is_bound_to_the_one_file_and_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "arguments"
    use_fake(monkeypatch, tmp_path / "bin", TONE.format(log=str(log), frames=88_200))
    monkeypatch.chdir(tmp_path)
    path = made_up_m4a(tmp_path / "-i http:x.m4a")
    audio = read_audio(path.relative_to(tmp_path))
    arguments = log.read_text().splitlines()
    at = arguments.index("-i")
    assert arguments[at - 2 : at] == ["-f", "mov"]
    assert arguments[at + 1] == f"file:{path}"
    assert arguments[arguments.index("-protocol_whitelist") + 1] == "file,pipe"
    assert "-nostdin" in arguments
    assert np.array_equal(np.unique(audio.samples, axis=0), [[0.5, -0.25]])


def test_ffmpeg_hears_nothing_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "environment"
    script = f"import os\nopen({str(log)!r}, 'w').write(repr(dict(os.environ)))\n"
    use_fake(monkeypatch, tmp_path / "bin", script)
    monkeypatch.setenv("SUNOAPI_API_KEY", "canary")
    with pytest.raises(ClipError, match="could not decode"):
        FfmpegStream(made_up_m4a(tmp_path / "a.m4a"), "M4A")
    assert "canary" not in log.read_text()


def test_fewer_samples_than_promised_are_an_error_whatever_ffmpeg_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake(monkeypatch, tmp_path / "bin", TONE.format(log=str(tmp_path / "log"), frames=60_000))
    with pytest.raises(ClipError, match=r"a\.m4a.* ends early: it promises 88,200 samples, and 60,000 came out"):
        read_audio(made_up_m4a(tmp_path / "a.m4a"))


def test_what_is_more_than_promised_is_left_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake(monkeypatch, tmp_path / "bin", TONE.format(log=str(tmp_path / "log"), frames=89_000))
    assert read_audio(made_up_m4a(tmp_path / "a.m4a")).frames == 88_200


@pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX")
def test_a_hung_ffmpeg_is_killed_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pids = tmp_path / "pids"
    script = f"""
import os, time
if os.fork() == 0:
    open({str(pids)!r}, "a").write(f"{{os.getpid()}} ")
    time.sleep(600)
open({str(pids)!r}, "a").write(f"{{os.getpid()}} ")
time.sleep(600)
"""
    use_fake(monkeypatch, tmp_path / "bin", script)
    with pytest.raises(ClipError, match="ffmpeg hung"):
        FfmpegStream(made_up_m4a(tmp_path / "a.m4a"), "M4A", stall_s=1.5)
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) == 2
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in started) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(alive(pid) for pid in started)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_program_that_cannot_be_started_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: str(tmp_path / "not there"))
    with pytest.raises(ClipError, match="could not be started"):
        read_audio(made_up_m4a(tmp_path / "a.m4a"))
