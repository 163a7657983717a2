from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import clips
import pytest
from sendreturn.audio.probe import Complete, completeness, probe
from sendreturn.audio.silence import is_silent

if TYPE_CHECKING:
    from pathlib import Path

SIX_CHANNELS = ("wav16", "wav24", "float", "rf64", "aiff", "flac", "ogg", "opus")
ANY_RATE = tuple(kind for kind in clips.CONTAINERS if kind not in ("opus", "mp3"))


def check(path: Path, kind: str, rate_hz: int, channels: int, frames: int) -> None:
    _, fmt, subtype = clips.CONTAINERS[kind]
    info = probe(path)
    assert (info.container, info.subtype) == (fmt, subtype)
    assert (info.sample_rate_hz, info.channels, info.frames) == (rate_hz, channels, frames)
    assert info.duration_s == pytest.approx(frames / rate_hz)
    assert completeness(path) == Complete()


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", clips.CONTAINERS)
def test_every_container_is_told_by_its_content(tmp_path: Path, kind: str, channels: int) -> None:
    path = clips.write_kind(tmp_path, kind, clips.music(0.5001, 48_000, channels))
    disguised = path.rename(tmp_path / "clip.txt")
    check(disguised, kind, 48_000, channels, 24_005)


@pytest.mark.parametrize("kind", SIX_CHANNELS)
def test_six_channels_are_taken(tmp_path: Path, kind: str) -> None:
    check(clips.write_kind(tmp_path, kind, clips.music(0.3, 48_000, 6)), kind, 48_000, 6, 14_400)


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 88_200, 96_000, 192_000])
@pytest.mark.parametrize("kind", ANY_RATE)
def test_rates_from_8_to_192_khz_are_taken(tmp_path: Path, kind: str, rate_hz: int) -> None:
    path = clips.write_kind(tmp_path, kind, clips.music(0.2, rate_hz), rate_hz)
    check(path, kind, rate_hz, 2, round(0.2 * rate_hz))


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100])
def test_mp3_is_counted_exactly_at_every_rate(tmp_path: Path, rate_hz: int) -> None:
    path = clips.write_kind(tmp_path, "mp3", clips.music(1.234, rate_hz, 2), rate_hz)
    check(path, "mp3", rate_hz, 2, round(1.234 * rate_hz))


def test_a_bext_chunk_tells_where_the_clip_starts(tmp_path: Path) -> None:
    bext = b"\0" * 338 + struct.pack("<Q", 5_000_000_000) + b"\0" * 256
    path = tmp_path / "spotted.wav"
    audio = clips.chunk(b"data", b"\1\0" * 20_000)
    path.write_bytes(clips.wave_file(clips.chunk(b"bext", bext), clips.wave_format(), audio))
    assert probe(path).time_reference_samples == 5_000_000_000


@pytest.mark.parametrize(("flags", "bpm"), [(0, 92.5), (1, None)])
def test_an_acid_chunk_tells_the_tempo_of_a_loop_but_not_of_a_one_shot(
    tmp_path: Path, flags: int, bpm: float | None
) -> None:
    acid = struct.pack("<IHHfIHHf", flags, 60, 0x8000, 0.0, 8, 4, 4, 92.5)
    path = tmp_path / "loop.wav"
    audio = clips.chunk(b"data", b"\1\0" * 20_000)
    path.write_bytes(clips.wave_file(clips.wave_format(), audio, clips.chunk(b"acid", acid)))
    assert probe(path).bpm == bpm


def test_an_id3_tag_tells_the_tempo(tmp_path: Path) -> None:
    path = clips.write_kind(tmp_path, "mp3", clips.music(0.5))
    frame = b"TBPM" + struct.pack(">IH", 4, 0) + b"\x00128"
    path.write_bytes(b"ID3\3\0\0" + bytes([0, 0, 0, len(frame)]) + frame + path.read_bytes())
    info = probe(path)
    assert (info.bpm, info.frames) == (128.0, 24_000)


@pytest.mark.parametrize(("name", "codec"), [("a.ogg", "libvorbis"), ("a.opus", "libopus"), ("a.flac", "flac")])
@clips.needs_ffmpeg
def test_a_vorbis_comment_tells_the_tempo(tmp_path: Path, name: str, codec: str) -> None:
    sound = clips.music(0.5)
    path = clips.ffmpeg_clip(tmp_path / name, sound, 48_000, "-c:a", codec, "-metadata", "BPM=93.5")
    assert probe(path).bpm == 93.5


def test_a_tail_of_tags_behind_the_audio_does_no_harm(tmp_path: Path) -> None:
    mp3 = clips.write_kind(tmp_path, "mp3", clips.music(0.5))
    mp3.write_bytes(mp3.read_bytes() + b"TAG" + b"x" * 125)
    wav = clips.write_kind(tmp_path, "wav24", clips.music(0.5))
    wav.write_bytes(wav.read_bytes() + b"\0" * 1000)
    assert probe(mp3).frames == probe(wav).frames == 24_000


def test_an_rf64_beyond_4_gb_is_measured_from_its_header(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    frames = 5_400 * 192_000
    data_bytes = frames * 6
    sizes = clips.chunk(b"ds64", struct.pack("<QQQI", data_bytes + 72, data_bytes, frames, 0))
    with path.open("wb") as file:
        file.write(clips.wave_file(sizes, clips.wave_format(192_000, 2, 24), magic=b"RF64", size=0xFFFFFFFF))
        file.write(struct.pack("<4sI", b"data", 0xFFFFFFFF))
        file.truncate(file.tell() + data_bytes)
    assert data_bytes > 1 << 32
    info = probe(path)
    assert (info.container, info.frames, info.duration_s) == ("RF64", frames, 5_400.0)
    assert completeness(path) == Complete()


def test_bw64_is_taken_for_the_rf64_that_it_is(tmp_path: Path) -> None:
    path = clips.write_kind(tmp_path, "rf64", clips.music(0.5))
    path.write_bytes(b"BW64" + path.read_bytes()[4:])
    check(path, "rf64", 48_000, 2, 24_000)


def test_silence_is_told_from_the_softest_sound(tmp_path: Path) -> None:
    soft = clips.write_clip(tmp_path / "soft.wav", clips.sine(1.0, level=10 ** (-80 / 20)))
    dither = clips.write_clip(tmp_path / "dither.wav", clips.sine(1.0, level=10 ** (-100 / 20)))
    assert not is_silent(soft)
    assert is_silent(dither)
    assert is_silent(soft, below_dbfs=-70)
