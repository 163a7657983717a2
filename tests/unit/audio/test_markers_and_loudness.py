from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import clips
import pytest
import soundfile
from other_readers import ffprobe, mediainfo, sndfile_cues, sndfile_metadata
from sendreturn.audio import broadcast_wave
from sendreturn.audio.broadcast_wave import read_metadata, write_metadata
from sendreturn.audio.cue import Marker
from sendreturn.audio.probe import probe
from sendreturn.audio.wave_metadata import WaveMetadata
from wavinfo import WavInfoReader

if TYPE_CHECKING:
    from pathlib import Path

JOIN = Marker(48_000, "join")
SECTION = Marker(72_001, "inpainted seçtion", 24_000)
METADATA = WaveMetadata(
    description="riff: extend take 1",
    time_reference_samples=96_000,
    originator_reference="1a2b3c4d",
    loudness_lufs=-16.74,
    loudness_range_lu=5.5,
    true_peak_dbtp=-1.2,
    max_momentary_lufs=-10.25,
    max_short_term_lufs=-12.5,
    project="My Song",
    tracks=("left", "right"),
    info={"INAM": "Riff", "ISFT": "sendreturn"},
    markers=(JOIN, SECTION),
)


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    path = clips.write_clip(tmp_path / "riff.wav", clips.music(3.0))
    write_metadata(path, METADATA)
    return path


def test_markers_and_all_five_loudness_values_are_read_back(wav: Path) -> None:
    assert read_metadata(wav) == METADATA


def test_mediainfo_reads_the_loudness_the_place_and_the_title(wav: Path) -> None:
    found = mediainfo(wav)
    assert found["Audio"]["extra"] == {
        "LoudnessValue": "-16.74",
        "LoudnessRange": "5.50",
        "MaxTruePeakLevel": "-1.20",
        "MaxMomentaryLoudness": "-10.25",
        "MaxShortTermLoudness": "-12.50",
    }
    assert float(found["Audio"]["Delay"]) == 2.0
    assert found["Audio"]["Delay_Source"] == "Container (bext)"
    assert found["General"]["extra"]["bext_Version"] == "2"
    assert (found["General"]["Title"], found["General"]["Producer"]) == ("Riff", "sendreturn")


def test_sndfile_reads_the_loudness_and_the_markers(wav: Path) -> None:
    found = sndfile_metadata(wav)
    assert (found["Loudness value"], found["Loudness range"]) == ("-16.74", "5.50")
    assert (found["Max. true peak level"], found["Max. momentary level"]) == ("-1.20", "-10.25")
    assert (found["Max. short term level"], found["Origination ref"]) == ("-12.50", "1a2b3c4d")
    places = [(at, label.encode("ascii", "ignore").decode()) for at, label in sndfile_cues(wav)]
    assert places[0] == (48_000, "join")
    assert places[1][0] == 72_001


def test_ffprobe_shows_the_markers_as_chapters_and_the_time_reference(wav: Path) -> None:
    found = ffprobe(wav)
    assert [(chapter["start"], chapter["time_base"]) for chapter in found["chapters"]] == [
        (48_000, "1/48000"),
        (72_001, "1/48000"),
    ]
    assert found["chapters"][0]["tags"]["title"] == "join"
    assert found["format"]["tags"]["time_reference"] == "96000"
    assert found["format"]["tags"]["title"] == "Riff"


def test_wavinfo_reads_labels_and_lengths(wav: Path) -> None:
    cues = WavInfoReader(str(wav)).cues
    assert [(at, cues.label_and_note(number)[0], cues.range(number)) for number, at in cues.each_cue()] == [
        (48_000, "join", None),
        (72_001, "inpainted seçtion", 24_000),
    ]


def test_the_audio_stays_and_soundfile_still_reads_it(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "riff.wav", clips.music(1.0))
    before = soundfile.read(path, dtype="float64")[0].tobytes()
    write_metadata(path, METADATA)
    assert soundfile.read(path, dtype="float64")[0].tobytes() == before


def test_an_rf64_carries_the_same_and_others_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clips.write_clip(tmp_path / "long.wav", clips.music(3.0))
    monkeypatch.setattr(broadcast_wave, "_LARGEST_RIFF", 100_000)
    write_metadata(path, METADATA)
    assert path.read_bytes()[:4] == b"RF64"
    assert read_metadata(path) == METADATA
    assert probe(path).time_reference_samples == 96_000
    assert sndfile_metadata(path)["Loudness value"] == "-16.74"
    assert mediainfo(path)["Audio"]["SamplingCount"] == "144000"


def test_writing_again_replaces_the_markers_and_none_leave_them(wav: Path) -> None:
    write_metadata(wav, WaveMetadata(markers=(Marker(1, "first"),)))
    assert read_metadata(wav).markers == (Marker(1, "first"),)
    write_metadata(wav, WaveMetadata())
    assert read_metadata(wav).markers == (Marker(1, "first"),)


def test_markers_stand_in_the_order_of_time_and_inside_the_file(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "riff.wav", clips.music(1.0))
    write_metadata(path, WaveMetadata(markers=(Marker(9, "later"), Marker(-1, "before"), Marker(3, "夜"))))
    assert read_metadata(path).markers == (Marker(3, "夜"), Marker(9, "later"))


@pytest.mark.parametrize(
    "cue",
    [
        b"",
        b"\1",
        struct.pack("<I", 0xFFFFFFFF),
        struct.pack("<I", 5) + bytes(24),
        struct.pack("<I", 1) + bytes(23),
    ],
)
@pytest.mark.parametrize(
    "labels", [b"adtl", b"adtllabl\xff\xff\xff\xff", b"adtlltxt\4\0\0\0abcd", b"adtllabl\2\0\0\0ab"]
)
def test_broken_marker_chunks_do_no_harm(tmp_path: Path, cue: bytes, labels: bytes) -> None:
    path = tmp_path / "a.wav"
    audio = clips.chunk(b"data", b"\1\2" * 20_000)
    chunks = (clips.wave_format(), audio, clips.chunk(b"cue ", cue), clips.chunk(b"LIST", labels))
    path.write_bytes(clips.wave_file(*chunks))
    assert all(marker.at_frames == 0 for marker in read_metadata(path).markers)
