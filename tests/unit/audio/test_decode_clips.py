from __future__ import annotations

import shutil
import subprocess
import tracemalloc
from typing import TYPE_CHECKING

import clips
import numpy as np
import pytest
from sendreturn.audio.decode import blocks, open_decoder, read_audio
from sendreturn.audio.probe import probe
from sendreturn.errors import ClipError

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 44_100
LOSSY = {"ogg": 0.05, "mp3": 0.05}
"""The largest error that the codec itself may make, as a part of full scale."""


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("kind", ["wav24", "rf64", "aiff", "flac"])
def test_24_bits_come_out_of_every_container_without_a_difference(tmp_path: Path, kind: str, channels: int) -> None:
    steps = np.random.default_rng(4).integers(-(2**23), 2**23, (9_600, channels))
    path = clips.write_kind(tmp_path, kind, steps / 2.0**23)
    audio = read_audio(path)
    assert np.array_equal(audio.samples * 2.0**23, steps)
    whole = next(iter(blocks(path, block_frames=9_600, dtype="int32")))
    assert np.array_equal(whole >> 8, steps)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", LOSSY)
def test_lossy_audio_starts_and_ends_with_the_encoders_input(tmp_path: Path, kind: str, channels: int) -> None:
    sound = clips.music(2.345, RATE_HZ, channels)
    audio = read_audio(clips.write_kind(tmp_path, kind, sound, RATE_HZ))
    assert audio.samples.shape == sound.shape
    assert clips.lag_of(sound, audio.samples) == 0
    assert np.abs(audio.samples - sound).mean() < LOSSY[kind]


@pytest.mark.parametrize("channels", [1, 2])
def test_opus_starts_and_ends_with_the_encoders_input(tmp_path: Path, channels: int) -> None:
    sound = clips.music(2.345, 48_000, channels)
    audio = read_audio(clips.write_kind(tmp_path, "opus", sound))
    assert audio.samples.shape == sound.shape
    assert clips.lag_of(sound, audio.samples) == 0


@pytest.mark.parametrize("options", ["-b 128", "-b 320", "-V 2", "--abr 160", "-m m -V 6"])
@pytest.mark.skipif(shutil.which("lame") is None, reason="no lame on this machine")
def test_the_delay_of_lame_is_taken_away(tmp_path: Path, options: str) -> None:
    sound = clips.music(1.777, RATE_HZ)
    wav = clips.write_clip(tmp_path / "in.wav", sound, RATE_HZ, subtype="PCM_16")
    path = tmp_path / "out.mp3"
    subprocess.run(["lame", "--quiet", *options.split(), wav, path], check=True)
    audio = read_audio(path)
    assert audio.frames == len(sound)
    heard = sound if audio.channels == 2 else sound.mean(axis=1, keepdims=True)
    assert abs(clips.lag_of(heard, audio.samples)) <= 1
    assert probe(path).gapless


@clips.needs_ffmpeg
def test_an_mp3_without_a_lame_tag_says_that_its_delay_is_not_known(tmp_path: Path) -> None:
    path = clips.ffmpeg_clip(tmp_path / "bare.mp3", clips.music(2.0, RATE_HZ), RATE_HZ, "-write_xing", "0")
    info = probe(path)
    assert not info.gapless
    assert read_audio(path).frames == info.frames
    assert info.frames % 1152 == 0


@clips.needs_ffmpeg
def test_surround_in_ogg_comes_in_the_order_of_wav(tmp_path: Path) -> None:
    tones = np.concatenate([clips.sine(0.5, hz=200.0 * (place + 1), level=0.3) for place in range(6)], axis=1)
    for name, codec in (("a.ogg", "libvorbis"), ("b.opus", "libopus")):
        audio = read_audio(clips.ffmpeg_clip(tmp_path / name, tones, 48_000, "-c:a", codec, "-b:a", "600k"))
        spectrum = np.abs(np.fft.rfft(audio.samples[:24_000], axis=0))
        assert [round(peak / 100) for peak in spectrum.argmax(axis=0)] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("kind", clips.CONTAINERS)
def test_a_range_is_a_slice_of_the_whole(tmp_path: Path, kind: str) -> None:
    path = clips.write_kind(tmp_path, kind, clips.music(2.0))
    whole = read_audio(path).samples
    part = read_audio(path, 0.5, 1.25)
    assert np.array_equal(part.samples, whole[24_000:60_000])
    pieces = list(blocks(path, 12_345, 50_000, block_frames=7_000))
    assert max(len(piece) for piece in pieces) == 7_000
    assert np.array_equal(np.concatenate(pieces), whole[12_345:62_345])


def test_a_range_may_end_a_hair_behind_the_clip(tmp_path: Path) -> None:
    path = clips.write_kind(tmp_path, "wav24", clips.music(1.0))
    assert read_audio(path, 0.5, 1.001).frames == 24_000


@pytest.mark.parametrize("range_s", [(1.0, None), (0.5, 0.5), (0.7, 0.2), (-0.5, 0.5)])
def test_a_range_that_holds_nothing_is_refused(tmp_path: Path, range_s: tuple[float, float | None]) -> None:
    path = clips.write_kind(tmp_path, "wav24", clips.music(1.0))
    with pytest.raises(ClipError, match=r"clip\.wav.* has nothing from .*1\.000 s long"):
        read_audio(path, *range_s)


@pytest.mark.parametrize("kind", ["wav24", "flac", "mp3", "ogg"])
def test_a_clip_that_is_cut_while_it_is_read_is_an_error(tmp_path: Path, kind: str) -> None:
    path = clips.write_kind(tmp_path, kind, clips.music(20.0))
    with open_decoder(path) as decoder:
        decoder.read(1000)
        clips.cut(path, 0.3)
        with pytest.raises(ClipError, match=r"ends early|cannot be decoded"):
            list(decoder.blocks())


@pytest.mark.parametrize("kind", clips.CONTAINERS)
def test_every_jump_lands_on_its_sample(tmp_path: Path, kind: str) -> None:
    random = np.random.default_rng(6)
    path = clips.write_kind(tmp_path, kind, 0.2 * random.standard_normal((96_000, 2)))
    whole = read_audio(path).samples
    with open_decoder(path) as decoder:
        for start, frames in ((0, 24_000), (24_000, 480), (59_520, 480), (60_000, 5_000), (30_001, 777)):
            decoder.seek(start)
            assert np.array_equal(decoder.read(frames), whole[start : start + frames])


def test_a_decoder_goes_back_and_forth(tmp_path: Path) -> None:
    sound = clips.music(1.0)
    with open_decoder(clips.write_kind(tmp_path, "float", sound)) as decoder:
        decoder.seek(30_000)
        late = decoder.read(100)
        decoder.seek(0)
        assert np.array_equal(decoder.read(100), sound[:100].astype(np.float32))
        assert np.array_equal(late, sound[30_000:30_100].astype(np.float32))
        decoder.seek(47_990)
        assert len(decoder.read(100)) == 10
        assert len(decoder.read(100)) == 0


@pytest.mark.slow
def test_ten_minutes_are_read_in_bounded_memory(tmp_path: Path) -> None:
    minute = clips.music(60.0, 44_100)
    path = clips.write_clip(tmp_path / "long.wav", np.tile(minute, (10, 1)), 44_100, subtype="PCM_16")
    tracemalloc.start()
    frames = sum(len(block) for block in blocks(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert frames == 600 * 44_100
    assert peak < 8_000_000
