from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import clips
import pytest
from dawproject_reader import read_dawproject, validate
from sendreturn.audio.midi import write_midi
from sendreturn.audio.notes import Meter, Note, NoteTrack, TempoChange
from sendreturn.errors import ClipError, DeliveryError
from sendreturn.returns import dawproject, files
from sendreturn.returns.arrangement import Arrangement, Section, SentClip, arrange
from sendreturn.returns.dawproject import write_dawproject
from sendreturn.returns.deliver import DeliveredFile
from sendreturn.words import TEMP_PREFIX, Kind

METER = Meter(96.0, 3, 4)
DRUMS = NoteTrack("drums", (Note(0.0, 0.1, 36, 127), Note(0.625, 0.7, 38, 64)), is_drums=True)
BASS = NoteTrack("bass", (Note(0.0, 0.625, 40, 100), Note(1.25, 1.875, 43, 90)), program=33)
NAME = "riff_extend_0a1b2c3d.dawproject"
SAMPLE_S = 0.01 / 48_000
"""A hundredth of a sample: nothing that is placed may be further off."""


def delivered(
    path: Path, kind: Kind, take: int = 1, stem: str | None = None, position: int | None = None
) -> DeliveredFile:
    rate = None if kind is Kind.MIDI else 48_000
    return DeliveredFile(path, kind, stem, take, "0" * 64, path.stat().st_size, position, rate)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "Returns"
    folder.mkdir()
    return folder


@pytest.fixture
def clip(tmp_path: Path) -> SentClip:
    return SentClip("riff", clips.write_clip(tmp_path / "source.wav", clips.music(2.0)), 10.0)


@pytest.fixture
def returned(folder: Path) -> list[DeliveredFile]:
    """Two takes of an extension: a mix and its tail, stems, notes."""
    found = []
    for take in (1, 2):
        base = f"riff_extend_0a1b2c3d_t{take}"
        for ending, kind, stem, length_s, position in (
            ("", Kind.MIX, None, 3.0, 480_000),
            ("_tail", Kind.TAIL, None, 1.0, 576_000),
            ("_vocals", Kind.STEM, "vocals", 3.0, 480_000),
            ("_drums", Kind.STEM, "drums", 3.0, 480_000),
        ):
            path = clips.write_clip(folder / f"{base}{ending}.wav", clips.music(length_s, seed=take))
            found.append(delivered(path, kind, take, stem, position))
        notes = folder / f"{base}.mid"
        write_midi(notes, (DRUMS, BASS), METER, duration_s=3.0)
        found.append(delivered(notes, Kind.MIDI, take))
        lyrics = folder / f"{base}.txt"
        lyrics.write_text("la la")
        found.append(delivered(lyrics, Kind.LYRICS, take))
    return found


@pytest.fixture
def arrangement(returned: list[DeliveredFile], clip: SentClip) -> Arrangement:
    made = arrange(returned, clip, METER, name="riff extend", comment="Made by sendreturn.")
    return replace(made, sections=(Section("join", 12.0),))


def test_the_project_is_as_the_published_schema_has_it(arrangement: Arrangement, folder: Path) -> None:
    if not validate(write_dawproject(arrangement, folder, NAME)):
        pytest.skip("the published schema is not beside this repository")


def test_no_number_is_a_negative_nothing(arrangement: Arrangement, folder: Path) -> None:
    with ZipFile(write_dawproject(arrangement, folder, NAME)) as archive:
        assert b'"-0.0"' not in archive.read("project.xml")


def test_every_return_and_the_clip_lie_in_their_place_to_the_sample(arrangement: Arrangement, folder: Path) -> None:
    project = read_dawproject(write_dawproject(arrangement, folder, NAME))
    assert list(project.tracks) == [
        "riff (sent)",
        *(
            f"take {take}{lane}"
            for take in (1, 2)
            for lane in ("", " tail", " vocals", " drums", " drums (notes)", " bass (notes)")
        ),
    ]
    starts = {name: track.start_s for name, track in project.tracks.items()}
    assert starts.pop("take 1 tail") == pytest.approx(12.0, abs=SAMPLE_S)
    assert starts.pop("take 2 tail") == pytest.approx(12.0, abs=SAMPLE_S)
    assert all(start == pytest.approx(10.0, abs=SAMPLE_S) for start in starts.values())
    assert project.tracks["take 1"].length_s == pytest.approx(3.0, abs=SAMPLE_S)
    assert project.tracks["riff (sent)"].length_s == pytest.approx(2.0, abs=SAMPLE_S)
    assert project.markers == {"join": pytest.approx(12.0, abs=SAMPLE_S)}
    assert (project.bpm, project.signature, project.title) == (96.0, (3, 4), "riff extend")


def test_the_audio_is_inside_byte_by_byte_and_not_compressed(arrangement: Arrangement, folder: Path) -> None:
    path = write_dawproject(arrangement, folder, NAME)
    project = read_dawproject(path)
    assert project.tracks["take 2 tail"].audio == "audio/riff_extend_0a1b2c3d_t2_tail.wav"
    assert project.sounds["audio/riff_extend_0a1b2c3d_t2_tail.wav"] == (48_000, 2, 48_000)
    assert len(project.sounds) == 9
    with ZipFile(path) as archive:
        entry = archive.getinfo("audio/riff_extend_0a1b2c3d_t1.wav")
        assert archive.read(entry) == (folder / "riff_extend_0a1b2c3d_t1.wav").read_bytes()
        assert entry.compress_type == ZIP_STORED
        assert not entry.flag_bits & 0x08, "a reader must find lengths before the data"


def test_notes_are_those_of_the_midi_file_on_their_beats(arrangement: Arrangement, folder: Path) -> None:
    tracks = read_dawproject(write_dawproject(arrangement, folder, NAME)).tracks
    bass = tracks["take 1 bass (notes)"]
    assert (bass.content, bass.muted) == ("notes", False)
    # 0.625 s is one beat at 96 bpm.
    assert bass.notes == [(0.0, 1.0, 40, 0, pytest.approx(100 / 127)), (2.0, 1.0, 43, 0, pytest.approx(90 / 127))]
    assert [(start, key, channel) for start, _, key, channel, _ in tracks["take 1 drums (notes)"].notes] == [
        (0.0, 36, 9),
        (1.0, 38, 9),
    ]


def test_only_the_first_mix_sounds_when_the_project_is_opened(arrangement: Arrangement, folder: Path) -> None:
    tracks = read_dawproject(write_dawproject(arrangement, folder, NAME)).tracks
    assert [name for name, track in tracks.items() if track.content == "audio" and not track.muted] == ["take 1"]
    assert all(len(track.colour) == 7 for track in tracks.values())
    assert tracks["take 1 vocals"].colour != tracks["take 1 drums"].colour


def test_without_a_mix_the_stems_sound_and_without_either_the_clip(
    returned: list[DeliveredFile], clip: SentClip, folder: Path
) -> None:
    def sounding(kinds: set[Kind]) -> set[str]:
        some = [file for file in returned if file.kind in kinds]
        made = arrange(some, clip, METER, name="riff", comment="")
        return {lane.name for lane in made.lanes if not lane.muted and lane.kind is not Kind.MIDI}

    assert sounding({Kind.STEM}) == {"take 1 vocals", "take 1 drums"}
    assert sounding({Kind.MIDI}) == {"riff (sent)"}


def test_a_tempo_map_moves_the_beats_and_not_the_seconds(
    returned: list[DeliveredFile], clip: SentClip, folder: Path
) -> None:
    changes = (TempoChange(4.5, 133.7, 3, 4), TempoChange(11.75, 80.0, 7, 8))
    meter = replace(METER, changes=changes)
    made = replace(arrange(returned, clip, meter, name="riff", comment=""), sections=(Section("join", 12.0),))
    path = write_dawproject(made, folder, NAME)
    validate(path)
    project = read_dawproject(path)
    assert [bpm for _, bpm in project.tempo_map] == [96.0, 133.7, 80.0]
    assert [(n, d) for _, n, d in project.signatures] == [(3, 4), (7, 8)]
    assert project.tempo_map[1][0] == pytest.approx(4.5 * 96 / 60)
    assert project.tempo_map[2][0] == pytest.approx(4.5 * 96 / 60 + 7.25 * 133.7 / 60)
    assert project.signatures[1][0] == project.tempo_map[2][0]
    assert project.tracks["take 1 tail"].start_s == pytest.approx(12.0, abs=SAMPLE_S)
    assert project.tracks["take 1"].length_s == pytest.approx(3.0, abs=SAMPLE_S)
    assert project.markers["join"] == pytest.approx(12.0, abs=SAMPLE_S)


def test_what_lies_before_the_start_of_the_session_is_left_off(folder: Path) -> None:
    path = clips.write_clip(folder / "head.wav", clips.music(2.0))
    notes = folder / "head.mid"
    write_midi(notes, (BASS,), METER, duration_s=2.0)
    some = [delivered(path, Kind.MIX, position=-48_000), delivered(notes, Kind.MIDI)]
    project = read_dawproject(write_dawproject(arrange(some, None, METER, name="x", comment=""), folder, NAME))
    mix, bass = project.tracks["take 1"], project.tracks["take 1 bass (notes)"]
    assert (mix.start_s, mix.skipped_s) == (0.0, 1.0)
    assert mix.length_s == pytest.approx(1.0, abs=SAMPLE_S)
    assert bass.start_s == 0.0
    # The note that begins at 1.25 s of the mix is 0.25 s, which is 0.4 beats, into the session.
    assert [(start, key) for start, _, key, *_ in bass.notes] == [(pytest.approx(0.4, abs=1 / 960), 43)]


@pytest.mark.parametrize("name", ["Größe & <夜> \x1b", "naïve\udce9"])
def test_any_name_makes_a_readable_document(folder: Path, clip: SentClip, name: str) -> None:
    made = arrange([], replace(clip, name=name), METER, name=name, comment=name)
    path = write_dawproject(made, folder, NAME)
    validate(path)
    (track,) = read_dawproject(path).tracks.values()
    assert track.name.startswith(name[:3])


def test_two_files_of_one_name_both_get_in(folder: Path, clip: SentClip) -> None:
    path = clips.write_clip(folder / "RIFF.wav", clips.music(1.0))
    made = arrange([delivered(path, Kind.MIX, position=0)], clip, METER, name="x", comment="")
    project = read_dawproject(write_dawproject(made, folder, NAME))
    assert {track.audio for track in project.tracks.values()} == {"audio/riff.wav", "audio/RIFF (2).wav"}


def test_writing_again_finds_the_same_file_and_touches_nothing(arrangement: Arrangement, folder: Path) -> None:
    path = write_dawproject(arrangement, folder, NAME)
    before = path.stat()
    assert write_dawproject(arrangement, folder, NAME) == path
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("content", [b"", b"somebody's", b"PK\5\6" + bytes(18)])
def test_what_is_somebody_elses_stays(arrangement: Arrangement, folder: Path, content: bytes) -> None:
    (folder / NAME).write_bytes(content)
    path = write_dawproject(arrangement, folder, NAME)
    assert path.name == "riff_extend_0a1b2c3d (2).dawproject"
    assert (folder / NAME).read_bytes() == content
    assert write_dawproject(arrangement, folder, NAME) == path


def test_a_nearly_full_disk_is_left_to_recordings(
    arrangement: Arrangement, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dawproject.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 0, 10**9))
    with pytest.raises(DeliveryError, match=r"It needs 6\.\d MB, and 1000\.0 MB are free"):
        write_dawproject(arrangement, folder, NAME)
    assert not list(folder.glob("*.dawproject"))


def test_midi_that_cannot_be_read_is_left_out(returned: list[DeliveredFile], clip: SentClip) -> None:
    broken = next(file for file in returned if file.kind is Kind.MIDI)
    broken.path.write_bytes(b"MThd")
    names = {lane.name for lane in arrange(returned, clip, METER, name="x", comment="").lanes}
    assert "take 2 bass (notes)" in names
    assert "take 1 bass (notes)" not in names


def test_a_full_disk_leaves_nothing_behind(
    arrangement: Arrangement, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(DeliveryError, match=r"is full: riff_extend_0a1b2c3d\.dawproject needs 6\.\d MB"):
        write_dawproject(arrangement, folder, NAME)
    assert not [path for path in folder.iterdir() if path.name.startswith(TEMP_PREFIX) or path.suffix == ".dawproject"]


def test_a_file_that_is_gone_is_said_plainly(returned: list[DeliveredFile], clip: SentClip) -> None:
    returned[0].path.unlink()
    with pytest.raises(ClipError, match=r"riff_extend_0a1b2c3d_t1\.wav"):
        arrange(returned, clip, METER, name="x", comment="")
