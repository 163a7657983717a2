from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

import clips
import pytest
import soundfile
from other_readers import ffprobe, mediainfo
from sendreturn.audio.cue import Marker
from sendreturn.audio.flac_tags import read_tags, tags_of, write_tags
from sendreturn.audio.wave_metadata import WaveMetadata
from sendreturn.errors import ClipError, SendReturnError

if TYPE_CHECKING:
    from pathlib import Path

METADATA = WaveMetadata(
    originated_at=datetime(2026, 11, 21),  # noqa: DTZ001  bext knows no time zone
    time_reference_samples=96_000,
    originator_reference="1a2b3c4d",
    project="My Söng",
    take="2",
    note="Made by 夜.",
    info={"INAM": "riff cover mix"},
    markers=(Marker(48_000, "join"), Marker(72_048, "section", 9)),
)
TAGS = tags_of(METADATA, 48_000, 97.5)


@pytest.fixture
def flac(tmp_path: Path) -> Path:
    return clips.write_kind(tmp_path, "flac", clips.music(2.0))


def test_tags_are_read_back_and_the_audio_stays(flac: Path) -> None:
    before = soundfile.read(flac, dtype="int32")[0].tobytes()
    write_tags(flac, TAGS)
    assert TAGS.items() <= read_tags(flac).items()
    assert TAGS["CHAPTER002"] == "00:00:01.501"
    assert soundfile.read(flac, dtype="int32")[0].tobytes() == before


def test_ffprobe_and_mediainfo_read_them(flac: Path) -> None:
    write_tags(flac, TAGS)
    found = {name.upper(): value for name, value in ffprobe(flac)["format"]["tags"].items()}
    assert (found["TITLE"], found["ALBUM"], found["BPM"]) == ("riff cover mix", "My Söng", "97.5")
    assert found["TIME_REFERENCE"] == "96000"
    general = mediainfo(flac)["General"]
    assert (general["Title"], general["Album"], general["Comment"]) == ("riff cover mix", "My Söng", "Made by 夜.")
    assert (general["BPM"], general["Track_Position"]) == ("97.5", "2")


def test_tags_of_other_names_stay_and_ours_stand_once(flac: Path) -> None:
    write_tags(flac, {"artist": "Somebody", "TITLE": "old"})
    write_tags(flac, {"title": "new"})
    found = read_tags(flac)
    assert (found["ARTIST"], found["TITLE"]) == ("Somebody", "new")
    assert flac.read_bytes().count(b"TITLE=") == 1


def test_what_is_not_known_is_left_out() -> None:
    assert tags_of(WaveMetadata(), 48_000) == {"ENCODEDBY": "sendreturn", "TIME_REFERENCE": "0"}


@pytest.mark.parametrize("content", [b"", b"RIFF1234WAVE", b"fLaC", b"fLaC\x00\x00\x00\x22abc", b"fLaC" + bytes(9999)])
def test_only_whole_flacs_are_written_to(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(content)
    with pytest.raises(ClipError, match=r"a\.flac"):
        write_tags(path, TAGS)
    assert path.read_bytes() == content


def test_a_failure_leaves_the_file_as_it_was(flac: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = flac.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SendReturnError, match="could not be given its tags"):
        write_tags(flac, TAGS)
    assert flac.read_bytes() == before
    assert list(flac.parent.iterdir()) == [flac]
