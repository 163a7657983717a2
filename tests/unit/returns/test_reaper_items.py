from __future__ import annotations

from typing import TYPE_CHECKING

import clips
import pytest
import rpp
from sendreturn.audio.midi import write_midi
from sendreturn.audio.notes import Meter, Note, NoteTrack
from sendreturn.returns.arrangement import Arrangement, SentClip, arrange
from sendreturn.returns.deliver import DeliveredFile
from sendreturn.returns.reaper_items import track_template, write_track_template
from sendreturn.words import Kind

if TYPE_CHECKING:
    from pathlib import Path

METER = Meter(120.0)
BASS = NoteTrack("bass", (Note(0.0, 0.5, 40, 100), Note(0.5, 1.0, 40, 90), Note(1.0, 1.25, 43, 1)), program=33)
DRUMS = NoteTrack("drums", (Note(0.25, 0.3, 36, 127),), is_drums=True)
NAME = "riff_cover_0a1b2c3d.RTrackTemplate"


def tracks_of(text: str) -> dict[str, rpp.Element]:
    """The template's tracks by name, as another parser reads them inside a project."""
    project = rpp.loads(f'<REAPER_PROJECT 0.1 "7.0/linux-x86_64" 0\n{text}>\n')
    return {track.find("NAME")[1]: track for track in project.findall("TRACK")}


def number(element: rpp.Element, tag: str) -> float:
    return float(element.find(tag)[1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / 'My "best" Song'
    folder.mkdir()
    return folder


@pytest.fixture
def arrangement(folder: Path, tmp_path: Path) -> Arrangement:
    found = []
    for take, length_s in ((1, 2.0), (2, 3.0)):
        for ending, kind, stem in (("", Kind.MIX, None), ("_vocals", Kind.STEM, "vocals")):
            path = clips.write_clip(folder / f"riff_t{take}{ending}.wav", clips.music(length_s))
            found.append(DeliveredFile(path, kind, stem, take, "", 0, 480_000, 48_000))
    notes = folder / "riff_t1.mid"
    write_midi(notes, (BASS, DRUMS), METER, duration_s=2.0)
    found.append(DeliveredFile(notes, Kind.MIDI, None, 1, "", 0, None, None))
    clip = SentClip("riff", clips.write_clip(tmp_path / "source.wav", clips.music(2.0)), 10.0)
    return arrange(found, clip, METER, name="riff cover", comment="")


def test_both_mixes_are_takes_of_one_item_in_their_place(arrangement: Arrangement, folder: Path) -> None:
    tracks = tracks_of(track_template(arrangement))
    item = tracks["riff cover mix"].find("ITEM")
    assert (number(item, "POSITION"), number(item, "LENGTH")) == (10.0, 3.0)
    assert item.children.count("TAKE") == 1
    assert [name[1] for name in item.findall("NAME")] == ["take 1", "take 2"]
    sources = item.findall("SOURCE")
    assert [source.attrib for source in sources] == [["WAVE"], ["WAVE"]]
    assert [source.find("FILE")[1] for source in sources] == [str(folder / f"riff_t{take}.wav") for take in (1, 2)]


def test_stems_and_notes_have_tracks_of_their_own_and_only_the_mix_sounds(arrangement: Arrangement) -> None:
    tracks = tracks_of(track_template(arrangement))
    assert list(tracks) == [
        "riff cover mix",
        "take 1 vocals",
        "take 1 bass (notes)",
        "take 1 drums (notes)",
        "take 2 vocals",
    ]
    muted = {name: track.find("MUTESOLO")[1] for name, track in tracks.items() if "notes" not in name}
    assert muted == {"riff cover mix": "0", "take 1 vocals": "1", "take 2 vocals": "1"}
    assert all(int(track.find("PEAKCOL")[1]) & 0x1000000 for track in tracks.values())


def test_notes_come_as_events_in_ticks_with_releases_first(arrangement: Arrangement) -> None:
    tracks = tracks_of(track_template(arrangement))
    source = tracks["take 1 bass (notes)"].find("ITEM").find("SOURCE")
    assert source.find("HASDATA")[1:] == ["1", "960", "QN"]
    # At 120 bpm half a second is one quarter note of 960 ticks.
    assert [event[1:] for event in source.findall("E")] == [
        ["0", "90", "28", "64"],
        ["960", "80", "28", "00"],
        ["0", "90", "28", "5a"],
        ["960", "80", "28", "00"],
        ["0", "90", "2b", "01"],
        ["480", "80", "2b", "00"],
        ["0", "b0", "7b", "00"],
    ]
    drums = tracks["take 1 drums (notes)"].find("ITEM").find("SOURCE")
    assert drums.findall("E")[0][1:] == ["480", "99", "24", "7f"]


def test_an_item_before_the_session_starts_later_and_skips_what_is_left_off(folder: Path) -> None:
    path = clips.write_clip(folder / "head.wav", clips.music(2.0))
    some = [DeliveredFile(path, Kind.MIX, None, 1, "", 0, -24_000, 48_000)]
    text = track_template(arrange(some, None, METER, name="x", comment=""))
    item = tracks_of(text)["x mix"].find("ITEM")
    assert (number(item, "POSITION"), number(item, "LENGTH"), number(item, "SOFFS")) == (0.0, 1.5, 0.5)


@pytest.mark.parametrize("name", ['a "b"', 'it\'s "c"', "`all` 'three' \"marks\"", "line\nbreak", "Größe 夜"])
def test_any_name_stays_one_name(folder: Path, name: str) -> None:
    path = clips.write_clip(folder / "a.wav", clips.music(0.5))
    some = [DeliveredFile(path, Kind.MIX, None, 1, "", 0, 0, 48_000)]
    (found,) = tracks_of(track_template(arrange(some, None, METER, name=name, comment="")))
    plain = name.replace("\n", " ")
    assert found == f"{plain.replace(chr(96), chr(39)) if chr(96) in plain else plain} mix"


def test_writing_again_finds_it_and_what_is_somebody_elses_stays(arrangement: Arrangement, folder: Path) -> None:
    (folder / NAME).write_text("mine")
    path = write_track_template(arrangement, folder, NAME)
    assert path.name == "riff_cover_0a1b2c3d (2).RTrackTemplate"
    assert write_track_template(arrangement, folder, NAME) == path
    assert (folder / NAME).read_text() == "mine"
    assert path.read_text(encoding="utf-8") == track_template(arrangement)
