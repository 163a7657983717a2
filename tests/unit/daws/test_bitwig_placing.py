"""The real script for Bitwig in a real JavaScript engine, and its link: what comes back lies in the launcher, once."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from bitwig_side import Song, Track
from bitwig_studio import Desk, Studio, project_in, studio
from sendreturn_bridges.daws.bitwig import script

SEND = "0a1b2c3d"


async def placed(found: Studio) -> None:
    await found.until(lambda: SEND in found.desk.placed_sends)


async def test_each_file_lies_on_a_new_named_and_coloured_track(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        found.desk.waiting = [found.placement("vocals.wav", "notes.mid")]
        await placed(found)
        assert found.clips == [("Gtr", "riff.wav"), ("Gtr vocals", "vocals.wav"), ("Gtr notes", "notes.mid")]
        vocals, notes = found.bitwig.song.tracks[2:]
        assert (vocals.type, notes.type) == ("Audio", "Instrument")
        assert [round(part * 255) for part in vocals.color] == [0x33, 0x66, 0x99]
        await found.until(lambda: found.bitwig.popups)
        assert found.bitwig.popups == ["sendreturn: Gtr cover: 2 of 2 files lie in the launcher."]


async def test_the_project_file_is_named_for_the_arranger(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        found.desk.waiting = [found.placement("vocals.wav")]
        (found.session / "Returns" / "Gtr_cover_0a1b2c3d.dawproject").touch()
        await found.until(lambda: found.bitwig.popups)
        assert found.bitwig.popups[-1].endswith("For the arranger: Gtr_cover_0a1b2c3d.dawproject.")


async def test_the_cursor_is_let_go_again_so_that_the_next_file_gets_its_own_track(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        names = [f"stem{number}.wav" for number in range(6)]
        found.desk.waiting = [found.placement(*names)]
        await placed(found)
        assert [clip for _, clip in found.clips[1:]] == names
        await found.until(lambda: found.bitwig.pinned is None)


async def test_a_file_that_bitwig_passes_over_without_a_word_is_noticed_and_the_others_are_placed(
    tmp_path: Path,
) -> None:
    async with studio(tmp_path) as found:
        placement = found.placement("odd.wav", "fine.wav")
        found.bitwig.refuses.add(str(placement.files[0].path))
        found.desk.waiting = [placement]
        await found.until(lambda: found.bitwig.popups)
        assert [clip for _, clip in found.clips[1:]] == ["fine.wav"]
        said = found.bitwig.popups[-1]
        assert "1 of 2 files" in said
        assert "“odd.wav”: Bitwig did not take the file." in said
        assert str(found.session / "Returns") in said
        assert found.desk.placed_sends == [SEND]


async def test_a_file_that_is_gone_or_cut_off_is_not_given_to_bitwig(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        placement = found.placement("gone.wav", "cut.wav")
        placement.files[0].path.unlink()
        placement.files[1].path.write_bytes(b"RI")
        found.desk.waiting = [placement]
        await found.until(lambda: found.bitwig.popups)
        assert len(found.bitwig.song.tracks) == 2
        assert "It is not there any more." in found.bitwig.popups[-1]
        assert "It is not as it was delivered." in found.bitwig.popups[-1]


async def test_no_track_of_the_users_is_touched_where_bitwig_does_not_select_the_new_one(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        found.bitwig.selects_new = False
        found.desk.waiting = [found.placement("vocals.wav", "drums.wav", "bass.wav")]
        await found.until(lambda: found.bitwig.popups)
        assert found.clips == [("Gtr", "riff.wav")]
        assert "did not select it" in found.bitwig.popups[-1]
        assert len(found.bitwig.song.tracks) == 3  # the others would only have left empty tracks, too


async def test_a_user_who_selects_another_track_meanwhile_loses_nothing(tmp_path: Path) -> None:
    song = Song("Song", [Track("Empty"), Track("Gtr", clip="riff.wav")])
    async with studio(tmp_path, song) as found:
        found.desk.waiting = [found.placement("vocals.wav")]
        await found.until(lambda: len(song.tracks) == 3)
        found.bitwig.selected = song.tracks[0]
        await found.until(lambda: found.bitwig.popups)
        assert song.tracks[0] == Track("Empty")
        assert found.desk.placed_sends == [SEND]


async def test_a_project_without_scenes_gets_one(tmp_path: Path) -> None:
    async with studio(tmp_path, Song("Song", [], scenes=0)) as found:
        found.desk.waiting = [found.placement("vocals.wav")]
        await placed(found)
        assert found.clips == [("Gtr vocals", "vocals.wav")]


async def test_nothing_is_placed_while_bitwig_records(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        found.bitwig.is_playing = found.bitwig.is_recording = True
        found.desk.waiting = [found.placement("vocals.wav")]
        await found.until(lambda: found.desk.opened_sessions)
        await found.pass_time(100)
        assert len(found.bitwig.song.tracks) == 2
        found.bitwig.is_recording = False
        await placed(found)


@pytest.mark.parametrize("method", ["insertFile", "createAudioTrack", "replaceInsertionPoint"])
async def test_an_exception_inside_bitwig_is_not_the_end_of_the_script(tmp_path: Path, method: str) -> None:
    async with studio(tmp_path) as found:
        found.bitwig.throws.add(method)
        found.desk.waiting = [found.placement("a.wav", "b.wav")]
        await found.until(lambda: found.bitwig.popups)
        assert [clip for _, clip in found.clips[1:]] == ["b.wav"]
        assert "“a.wav”: It was left off in the middle" in found.bitwig.popups[-1]


async def test_a_full_disk_holds_nothing_up_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with studio(tmp_path) as found:
        placed_once, failures = found.desk.placed, [OSError(28, "No space left on device")] * 2

        def placed_at_last(daw: str, send_id: str) -> None:
            if failures:
                raise failures.pop()
            placed_once(daw, send_id)

        monkeypatch.setattr(found.desk, "placed", placed_at_last)
        found.desk.waiting = [found.placement("a.wav")]
        await placed(found)
        assert [clip for _, clip in found.clips[1:]] == ["a.wav"]


# Once


async def test_what_the_project_holds_already_is_not_placed_again(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        placement = found.placement("a.wav", "b.wav")
        found.desk.waiting = [placement]
        await placed(found)
        found.desk.waiting = [placement]  # the daemon has crashed before it could write it down
        found.restart()
        await found.until(lambda: len(found.desk.placed_sends) == 2)
        assert [clip for _, clip in found.clips[1:]] == ["a.wav", "b.wav"]


async def test_a_project_that_was_closed_unsaved_gets_it_again(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        saved = found.bitwig.song.copy()
        placement = found.placement("a.wav")
        found.desk.waiting = [placement]
        await found.until(lambda: found.clips[1:])
        found.restart(saved)  # before Bitwig's answer was heard
        found.desk.placed_sends.clear()
        found.desk.waiting = [placement]
        await placed(found)
        assert [clip for _, clip in found.clips[1:]] == ["a.wav"]


async def test_bitwig_that_quits_in_the_middle_places_the_rest_when_it_is_back(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        found.desk.waiting = [found.placement("a.wav", "b.wav", "c.wav")]
        await found.until(lambda: len(found.clips) == 3)
        found.restart(found.bitwig.song.copy())
        await placed(found)
        names = [clip for _, clip in found.clips[1:]]
        assert len(names) == len(set(names))
        assert set(names) <= {"a.wav", "b.wav", "c.wav"}


@pytest.mark.parametrize("ticks", range(1, 40, 3))
async def test_a_daemon_that_ends_at_any_time_places_each_file_once_when_it_is_back(tmp_path: Path, ticks: int) -> None:
    async with studio(tmp_path) as found:
        found.desk.waiting = [found.placement("a.wav", "b.wav")]
        await found.until(lambda: len(found.bitwig.song.tracks) == 3)
        await found.pass_time(ticks)
        assert found.desk.link is not None
        await found.desk.link.stop()
        await found.pass_time(5)
        link = found.open_link()
        await link.start()
        await placed(found)
        assert [clip for _, clip in found.clips[1:]] == ["a.wav", "b.wav"]
        await link.stop()


@pytest.mark.parametrize("ticks", range(1, 20, 3))
async def test_bitwig_that_quits_at_any_time_has_each_file_at_most_once_and_says_what_is_unsure(
    tmp_path: Path, ticks: int
) -> None:
    async with studio(tmp_path) as found:
        found.desk.waiting = [found.placement("a.wav", "b.wav")]
        await found.until(lambda: len(found.bitwig.song.tracks) == 3)
        await found.pass_time(ticks)
        before = found.bitwig
        found.restart(found.bitwig.song.copy())
        await placed(found)
        await found.until(lambda: before.popups or found.bitwig.popups)
        names = [clip for _, clip in found.clips[1:]]
        assert len(names) == len(set(names))
        said = " ".join(before.popups + found.bitwig.popups)
        unsure = [name for name in ("a.wav", "b.wav") if f"“{name}”: It was left off" in said]
        assert set(names) | set(unsure) == {"a.wav", "b.wav"}


async def test_a_file_that_was_left_off_in_the_middle_is_told_and_not_doubled(tmp_path: Path) -> None:
    song = Song("Song", settings={"Placed": f"{SEND}.0?"})
    async with studio(tmp_path, song) as found:
        found.desk.waiting = [found.placement("a.wav")]
        await found.until(lambda: found.bitwig.popups)
        assert found.clips == [("Gtr", "riff.wav")]
        assert "may lie there" in found.bitwig.popups[-1]


async def test_another_project_gets_nothing_of_this_one(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        song, other = found.bitwig.song, Song("Other")
        found.sessions.append(project_in(tmp_path / "Other", "Other"))
        await found.until(lambda: found.desk.opened_sessions)
        found.bitwig.open(other)
        found.desk.waiting = [found.placement("a.wav")]
        await found.until(lambda: len(found.desk.opened_sessions) == 2)
        await found.pass_time(50)
        assert len(other.tracks) == 2
        found.bitwig.open(song)
        await placed(found)
        assert [clip for _, clip in found.clips[1:]] == ["a.wav"]


async def test_a_project_that_is_left_in_the_middle_gets_each_file_at_most_once(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        song = found.bitwig.song
        found.desk.waiting = [found.placement("a.wav", "b.wav")]
        await found.until(lambda: len(song.tracks) == 3)
        found.bitwig.open(Song("Other"))
        await found.pass_time(50)
        found.bitwig.open(song)
        await placed(found)
        names = [clip for _, clip in found.clips[1:]]
        assert len(names) == len(set(names))
        assert "b.wav" in names


@pytest.mark.slow
async def test_a_hundred_sends_are_placed_once_each_where_every_third_message_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = Song("Song", [])
    async with studio(tmp_path, song) as found:
        monkeypatch.setattr(script, "REPEAT_S", 0.05)
        dice = random.Random(7)
        found.bitwig.loses = lambda: dice.random() < 1 / 3
        sends = [f"{number:08x}" for number in range(100)]
        found.desk.waiting = [found.placement(f"{send}.wav", send_id=send) for send in sends]
        await found.until(lambda: len(found.desk.placed_sends) == 100)
        assert [clip for _, clip in found.clips] == [f"{send}.wav" for send in sends]
        assert found.desk.placed_sends == sends


# The project's folder


async def test_a_project_of_an_unknown_folder_waits_until_it_is_watched(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        found.sessions.clear()
        found.desk.waiting = [found.placement("a.wav")]
        await found.pass_time(60)
        assert found.desk.opened_sessions == []
        found.sessions.append(found.session)
        await placed(found)


async def test_the_folder_that_the_user_has_written_into_the_project_counts(tmp_path: Path) -> None:
    elsewhere = project_in(tmp_path / "Elsewhere")
    song = Song("Song", settings={"Project folder": str(elsewhere)})
    async with studio(tmp_path, song) as found:
        await found.until(lambda: found.desk.opened_sessions)
        assert found.desk.opened_sessions == [str(elsewhere)]


async def test_two_projects_of_one_name_are_told_apart_by_the_user_only(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        other = project_in(tmp_path / "Other")
        found.sessions.append(other)
        await found.pass_time(60)
        assert found.desk.opened_sessions == []
        found.bitwig.song.settings["Project folder"] = str(other / "Song.bwproject")
        await found.until(lambda: found.desk.opened_sessions)
        assert found.desk.opened_sessions == [str(other)]


async def test_only_what_is_sent_from_the_first_time_on_is_adopted(tmp_path: Path) -> None:
    async with studio(tmp_path) as found:
        await found.until(lambda: found.desk.adopted)
    again = Studio(tmp_path, tmp_path / "Song", Desk(), Song("Song"))
    link = again.open_link()
    await link.start()
    await again.until(lambda: again.desk.adopted)
    assert again.desk.adopted == found.desk.adopted
    await link.stop()
    again.bitwig.quit()
