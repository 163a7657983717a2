"""Project files that cannot be trusted: damaged, half written, hostile; and which file of a folder is taken."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from project_samples import live_set, write_ardour, write_dawproject, write_live, write_reaper
from sendreturn.project_files import find_project_file, read_session

SAMPLES: dict[str, Callable[[Path], Path]] = {
    "Song.rpp": write_reaper,
    "Song.ardour": write_ardour,
    "Song.als": write_live,
    "Song.dawproject": write_dawproject,
}


def note_of(session: Path) -> str:
    """What is told of a project file that could not be read."""
    found = read_session(session)
    assert found is not None
    assert found.project is None
    return found.note


@pytest.mark.parametrize("name", SAMPLES)
def test_a_project_file_that_is_half_written_is_told_in_a_sentence(tmp_path: Path, name: str) -> None:
    path = SAMPLES[name](tmp_path / name)
    path.write_bytes(path.read_bytes()[:300])

    note = note_of(tmp_path)

    assert name in note
    assert "written" in note or "damaged" in note
    assert note.endswith(".")


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("content", [b"", b"\0" * 500, b"not a project\n", b"<a/>", b"PK\x03\x04junk", b"\x1f\x8bjunk"])
def test_a_file_of_another_kind_is_told_in_a_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)

    assert note_of(tmp_path).startswith(f"The session's project file {name} ")


def test_elements_of_the_same_name_elsewhere_are_passed_over(tmp_path: Path) -> None:
    elsewhere = (
        "<LiveSet><MainTrack><X><DeviceChain/></X><DeviceChain><Mixer><Y><Tempo/></Y></Mixer></DeviceChain></MainTrack>"
    )
    xml = live_set(bpm="84").replace("<LiveSet>", elsewhere, 1)
    write_live(tmp_path / "Song.als", xml)

    found = read_session(tmp_path)

    assert found is not None
    assert found.project is not None
    assert found.project.tempo_map is not None
    assert found.project.tempo_map.tempo.bpm == 84.0


@pytest.mark.parametrize("name", SAMPLES)
def test_damage_anywhere_never_gets_out_as_an_exception(tmp_path: Path, name: str) -> None:
    path = SAMPLES[name](tmp_path / name)
    sound, chance = path.read_bytes(), random.Random(7)
    for _ in range(150):
        damaged = bytearray(sound)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged[: chance.choice([len(damaged), chance.randrange(len(damaged))])])
        found = read_session(tmp_path)
        assert found is not None
        assert (found.project is None) == bool(found.note)


@pytest.mark.parametrize("bpm", ["0", "-120", "nan", "inf", "1e308", "12O", ""])
def test_a_tempo_that_no_music_has_is_damage(tmp_path: Path, bpm: str) -> None:
    write_live(tmp_path / "Song.als", live_set(bpm=bpm))

    assert "damaged" in note_of(tmp_path)


def test_a_document_type_is_refused_before_anything_in_it_counts(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("149")
    doctype = f'<!DOCTYPE Session [<!ENTITY rate SYSTEM "file://{secret}">]>\n'
    write_ardour(tmp_path / "Song.ardour", rate="&rate;", before=doctype)

    assert "document type" in note_of(tmp_path)


def test_entities_that_multiply_are_refused(tmp_path: Path) -> None:
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    write_ardour(tmp_path / "Song.ardour", rate="&l9;", before=f'<!DOCTYPE Session [<!ENTITY l0 "ha">{laughs}]>\n')

    assert "document type" in note_of(tmp_path)


def test_a_set_that_unpacks_to_more_than_any_session_is_left_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendreturn.project_files.live.MAX_XML_BYTES", 1 << 20)
    write_live(tmp_path / "Song.als", "<Ableton>" + " " * (2 << 20) + "</Ableton>")

    assert "larger than 1 MB" in note_of(tmp_path)


def test_an_archive_that_unpacks_to_more_than_any_session_is_left_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendreturn.project_files.dawproject.MAX_XML_BYTES", 1 << 20)
    arrangement = "<!--" + " " * (2 << 20) + "-->"
    write_dawproject(tmp_path / "Song.dawproject", arrangement=arrangement)

    assert "larger than 1 MB" in note_of(tmp_path)


def test_a_document_nested_without_end_is_left_off(tmp_path: Path) -> None:
    (tmp_path / "Song.ardour").write_text("<Session>" + "<a>" * 5000)

    assert "nested" in note_of(tmp_path)


def test_a_map_of_a_million_changes_is_left_off(tmp_path: Path) -> None:
    write_reaper(tmp_path / "Song.rpp", points=[f"{i} {100 + i % 50} 1" for i in range(30_000)])

    assert "20,000 tempo changes" in note_of(tmp_path)


def test_the_newest_project_file_is_taken_and_backups_are_passed_over(tmp_path: Path) -> None:
    names = ["old.rpp", "Song.rpp", "Song.rpp-bak", "Song.ardour.bak", "Song.pending", "._Song.rpp"]
    for age, name in enumerate(reversed(names)):
        write_reaper(tmp_path / name)
        os.utime(tmp_path / name, (1_700_000_000 - age, 1_700_000_000 - age))
    (tmp_path / "Backup").mkdir()
    write_live(tmp_path / "Backup" / "Song [2026-01-01 120000].als")
    (tmp_path / "folder.rpp").mkdir()
    os.utime(tmp_path / "Song.rpp", (1_700_000_500, 1_700_000_500))

    assert find_project_file(tmp_path) == tmp_path / "Song.rpp"


def test_the_end_of_the_name_may_be_in_capitals(tmp_path: Path) -> None:
    write_reaper(tmp_path / "SONG.RPP")

    found = read_session(tmp_path)

    assert found is not None
    assert found.project is not None
    assert found.project.daw == "REAPER"


def test_a_project_file_that_was_saved_again_is_read_again(tmp_path: Path) -> None:
    tempi = []
    for bpm in ("100", "100", "90.5"):
        write_reaper(tmp_path / "Song.rpp", bpm=bpm)
        found = read_session(tmp_path)
        assert found is not None
        assert found.project is not None
        assert found.project.tempo_map is not None
        tempi.append(found.project.tempo_map.tempo.bpm)

    assert tempi == [100.0, 100.0, 90.5]


def test_a_folder_without_a_project_file_has_none(tmp_path: Path) -> None:
    assert read_session(tmp_path) is None
    assert read_session(tmp_path / "nowhere") is None


def test_a_project_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_reaper(tmp_path / "Song.rpp")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)

    assert "cannot be read (Permission denied)" in note_of(tmp_path)
