from __future__ import annotations

import os
import struct
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import clips
import pytest
import soundfile
from sendreturn.audio import broadcast_wave
from sendreturn.audio.broadcast_wave import read_metadata, write_metadata
from sendreturn.audio.probe import Complete, completeness, probe
from sendreturn.audio.wave_metadata import WaveMetadata
from sendreturn.errors import ClipError, SendReturnError
from wavinfo import WavInfoReader

if TYPE_CHECKING:
    from pathlib import Path

METADATA = WaveMetadata(
    description="riff_extend_1a2b3c4d_t1",
    originated_at=datetime(2026, 11, 21, 4, 5, 6),  # noqa: DTZ001  bext knows no time zone
    time_reference_samples=5_000_000_001,
    originator_reference="1a2b3c4d",
    coding_history="A=PCM,F=48000,W=24,M=stereo,T=original\nA=PCM,F=48000,W=24,M=stereo,T=sendreturn",
    loudness_lufs=-16.74,
    true_peak_dbtp=-1.2,
    project="My Söng & more",
    scene="riff",
    take="1",
    tape="riff.wav",
    note="a <b> & c",
    tracks=("left", "right"),
    info={"INAM": "Riff, verlängert", "ISFT": "sendreturn", "ICMT": "夜"},
)


def chunk_names(path: Path) -> list[str]:
    content = path.read_bytes()
    names, at = [], 12
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        names.append(name.decode())
        at += 8 + size + size % 2
    assert at == len(content)
    return names


def data_of(path: Path) -> bytes:
    content = path.read_bytes()
    at = content.index(b"data")
    (size,) = struct.unpack_from("<I", content, at + 4)
    return content[at + 8 : at + 8 + size]


@pytest.mark.parametrize("kind", ["wav16", "wav24", "wav32", "float", "rf64"])
@pytest.mark.parametrize("frames", [24_000, 24_001])
def test_what_is_written_is_read_back_and_the_audio_stays_byte_by_byte(tmp_path: Path, kind: str, frames: int) -> None:
    path = clips.write_kind(tmp_path, kind, clips.music(1.0, channels=1)[:frames])
    before = soundfile.read(path, dtype="float64")[0].tobytes()
    metadata = replace(METADATA, tracks=("only",))
    write_metadata(path, metadata)
    assert read_metadata(path) == metadata
    assert soundfile.read(path, dtype="float64")[0].tobytes() == before
    assert probe(path).frames == frames
    assert probe(path).time_reference_samples == 5_000_000_001
    assert completeness(path) == Complete()


def test_an_independent_reader_finds_every_field(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "a.wav", clips.music(1.0))
    write_metadata(path, METADATA)
    found = WavInfoReader(str(path))
    assert found.fmt.sample_rate == 48_000
    assert found.data.frame_count == 48_000
    bext = found.bext
    assert (bext.description, bext.originator, bext.originator_ref) == (
        "riff_extend_1a2b3c4d_t1",
        "sendreturn",
        "1a2b3c4d",
    )
    assert (bext.originator_date, bext.originator_time) == ("2026-11-21", "04:05:06")
    assert (bext.time_reference, bext.version) == (5_000_000_001, 2)
    assert (bext.loudness_value, bext.max_true_peak) == (-16.74, -1.2)
    assert bext.umid == bytes(64)
    assert bext.coding_history.splitlines() == METADATA.coding_history.splitlines()
    assert (found.ixml.project, found.ixml.scene, found.ixml.take, found.ixml.tape) == (
        "My Söng & more",
        "riff",
        "1",
        "riff.wav",
    )
    assert [track.name for track in found.ixml.track_list] == ["left", "right"]
    assert (found.info.title, found.info.software) == ("Riff, verlängert", "sendreturn")


def test_ixml_carries_the_time_to_the_sample(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "a.wav", clips.music(1.0))
    write_metadata(path, METADATA)
    content = path.read_bytes()
    high, low = 5_000_000_001 >> 32, 5_000_000_001 & 0xFFFFFFFF
    assert f"<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>{high}</".encode() in content
    assert f"<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>{low}</".encode() in content
    assert b"<TIMESTAMP_SAMPLE_RATE>48000</" in content
    assert b"<AUDIO_BIT_DEPTH>24</" in content


def test_bext_stands_before_the_audio_and_each_chunk_once(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "a.wav", clips.music(0.5))
    write_metadata(path, METADATA)
    write_metadata(path, replace(METADATA, take="2"))
    names = chunk_names(path)
    assert names.index("bext") < names.index("data") < names.index("iXML")
    assert all(names.count(name) == 1 for name in ("bext", "fmt ", "data", "iXML", "LIST"))
    assert struct.unpack_from("<I", path.read_bytes(), 4)[0] == path.stat().st_size - 8
    assert read_metadata(path).take == "2"


def test_chunks_that_are_not_ours_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    cue = clips.chunk(b"cue ", struct.pack("<I", 1) + bytes(24))
    labels = clips.chunk(b"LIST", b"adtllabl" + struct.pack("<II", 5, 1) + b"A\0")
    odd = clips.chunk(b"odd ", b"xyz")
    audio = clips.chunk(b"data", b"\1\2" * 20_000)
    path.write_bytes(clips.wave_file(odd, clips.wave_format(), audio, cue, labels))
    write_metadata(path, METADATA)
    content = path.read_bytes()
    assert cue in content
    assert labels in content
    assert odd in content
    assert data_of(path) == b"\1\2" * 20_000


def test_what_is_not_known_is_left_open(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "a.wav", clips.music(0.5))
    write_metadata(path, WaveMetadata())
    assert read_metadata(path) == WaveMetadata()
    assert chunk_names(path) == ["bext", "fmt ", "data"]


def test_a_wav_without_metadata_says_nothing(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "a.wav", clips.music(0.5))
    assert read_metadata(path) == WaveMetadata(originator="sendreturn")


def test_letters_beyond_ascii_lose_their_accents_in_bext_and_lines_stay_lines(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "a.wav", clips.music(0.5))
    write_metadata(path, WaveMetadata(description="Größe\x1b[31m\n夜 " + "x" * 300))
    description = read_metadata(path).description
    assert description.startswith("Gro?e [31m ? xxx")
    assert len(description) == 256


def test_a_wav_that_no_longer_fits_becomes_an_rf64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clips.write_clip(tmp_path / "a.wav", clips.music(0.5))
    audio = data_of(path)
    monkeypatch.setattr(broadcast_wave, "_LARGEST_RIFF", 100_000)
    write_metadata(path, METADATA)
    info = probe(path)
    assert (info.container, info.frames) == ("RF64", 24_000)
    assert soundfile.info(path).frames == 24_000
    assert audio in path.read_bytes()
    assert read_metadata(path) == METADATA


def test_entities_in_foreign_ixml_are_not_expanded(tmp_path: Path) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><BWFXML><SCENE>&b;</SCENE></BWFXML>'
    path = tmp_path / "a.wav"
    audio = clips.chunk(b"data", b"\1\2" * 20_000)
    path.write_bytes(clips.wave_file(clips.wave_format(), audio, clips.chunk(b"iXML", bomb)))
    assert read_metadata(path).scene == ""


@pytest.mark.parametrize("body", [b"", b"<BWFXML", b"\xff\xfe\x00", b"<?xml version='1.0' encoding='none-such'?><a/>"])
def test_broken_ixml_says_nothing(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "a.wav"
    audio = clips.chunk(b"data", b"\1\2" * 20_000)
    path.write_bytes(clips.wave_file(clips.wave_format(), audio, clips.chunk(b"iXML", body)))
    assert read_metadata(path) == WaveMetadata()


def test_only_whole_wavs_are_written_to(tmp_path: Path) -> None:
    flac = clips.write_kind(tmp_path, "flac", clips.music(0.5))
    with pytest.raises(ClipError, match=r"clip\.flac.* is not a WAV"):
        write_metadata(flac, METADATA)
    wav = clips.cut(clips.write_clip(tmp_path / "cut.wav", clips.music(0.5)), 0.5)
    before = wav.read_bytes()
    with pytest.raises(ClipError, match=r"cut\.wav.* looks unfinished"):
        write_metadata(wav, METADATA)
    assert wav.read_bytes() == before


def test_a_failure_leaves_the_file_as_it_was_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = clips.write_clip(tmp_path / "a.wav", clips.music(0.5))
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SendReturnError, match=r"a\.wav.* could not be given its metadata \(No space left"):
        write_metadata(path, METADATA)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
