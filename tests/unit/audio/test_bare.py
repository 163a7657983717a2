"""What is left of a clip that goes to somebody else: its sound, bit by bit, and no name."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clips import chunk, music, needs_ffmpeg, write_clip
from sendreturn.audio.bare import write_bare
from sendreturn.audio.probe import probe

CANARIES = (b"anna", b"secret-song", b"/home/")


def assert_bare(source: Path, target: Path) -> None:
    assert write_bare(source, target)
    content = target.read_bytes()
    assert not [canary for canary in CANARIES if canary in content]
    one, other = (soundfile.read(path, dtype="float64", always_2d=True)[0] for path in (source, target))
    assert np.array_equal(one, other)
    assert (probe(target).frames, probe(target).sample_rate_hz) == (probe(source).frames, probe(source).sample_rate_hz)
    assert not write_bare(target, target.with_name("again"))
    assert not target.with_name("again").exists()


@pytest.mark.parametrize("seconds", [1.0, 0.50001])
def test_a_wav_loses_what_its_daw_has_written_around_it(tmp_path: Path, seconds: float):
    plain = write_clip(tmp_path / "plain.wav", music(seconds, channels=1), subtype="PCM_24")
    content = plain.read_bytes()
    bext = chunk(b"bext", b"anna at /home/anna/secret-song".ljust(602, b"\0"))
    xml = chunk(b"iXML", b"<PROJECT>secret-song</PROJECT>")
    body = (
        content[12:36]
        + bext
        + content[36:]
        + b"\0" * (len(content) % 2)
        + xml
        + chunk(b"LIST", b"INFOIART\4\0\0\0anna")
    )
    source = tmp_path / "source.wav"
    source.write_bytes(b"RIFF" + (4 + len(body)).to_bytes(4, "little") + b"WAVE" + body)
    assert_bare(source, tmp_path / "bare.wav")


@needs_ffmpeg
@pytest.mark.parametrize("suffix", ["flac", "mp3"])
def test_tags_are_left_out(tmp_path: Path, suffix: str):
    plain = write_clip(tmp_path / "plain.wav", music(1.0))
    tagged = tmp_path / f"tagged.{suffix}"
    tags = ["-metadata", "artist=anna", "-metadata", "comment=/home/anna", "-metadata", "title=secret-song"]
    more = ["-write_id3v1", "1"] if suffix == "mp3" else []
    subprocess.run(["ffmpeg", "-v", "error", "-i", plain, *tags, *more, tagged], check=True)
    assert b"anna" in tagged.read_bytes()
    assert_bare(tagged, tmp_path / f"bare.{suffix}")


def test_other_files_and_damaged_ones_are_left_alone(tmp_path: Path):
    for number, content in enumerate(
        (b"", b"RIFF", b"OggS" + b"x" * 99, b"ID3", b"fLaC", b"ID3\4\0\0\x7f\x7f\x7f\x7f" * 3)
    ):
        source = tmp_path / f"{number}"
        source.write_bytes(content)
        assert not write_bare(source, tmp_path / "bare")
        assert not (tmp_path / "bare").exists()
