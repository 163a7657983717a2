"""What the script in Live does with what comes back: the real script, against a set with Live's documented objects."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from live_boost import Version
from live_clips import Clip
from live_returns import NOTES, clips_of, file, mid, placement, received, wav
from live_set import Song, TakeLane
from live_side import Live
from live_studio import RATE, LiveStudio, put, show, warp

LIVE_11: Version = (11, 3, 42)
LIVE_12_0: Version = (12, 0, 5)


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudio:
    return LiveStudio(tmp_path, monkeypatch)


def of_session(studio: LiveStudio, scene: int = 1) -> str:
    """A request for the clip in a slot."""
    show(studio.song, put(studio.song, "Gtr", studio.audio, scene))
    studio.live.view._focused_document_view = "Session"
    return str(studio.sent()["request"])


def names(song: Song) -> list[str]:
    return [track.name for track in song.tracks]


def shape(clip: Clip) -> dict[str, Any]:
    return {name: value for name, value in vars(clip).items() if name != "_parent"}


@pytest.mark.parametrize("version", [LIVE_12_0, (12, 4, 5)])
def test_a_return_lies_on_a_new_track_at_the_clips_beat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: Version
) -> None:
    studio = LiveStudio(tmp_path, monkeypatch, version)
    was = shape(studio.clip)
    request = studio.sent()["request"]
    (clip,) = received(studio, file(wav(tmp_path / "back")), request=request)
    assert (clip.start_time, clip.end_time, clip.name) == (6.0, 8.0, "Gtr cover mix")
    assert (clip.warping, clip.looping, clip.gain) == (False, False, studio.clip.gain)
    assert names(studio.song) == ["Drums", "Gtr", "Gtr cover mix", "Bass"]
    assert studio.song._track("Gtr cover mix").color == 0x5B8DEF
    assert all(slot.clip is None for slot in studio.song._track("Gtr cover mix").clip_slots)
    assert shape(studio.clip) == was
    assert [message["send"] for message in studio.out("placed")] == ["1a2b3c4d"]
    assert [path.name for path in studio.box.iterdir()] == ["1.done"]
    assert studio.live.log[-1] == "sendreturn: Gtr cover is placed"


def test_all_of_a_send_is_one_undo_step(studio: LiveStudio, tmp_path: Path) -> None:
    before = names(studio.song)
    received(
        studio, file(wav(tmp_path)), file(wav(tmp_path, "v.wav"), "stem", stem="vocals"), file(mid(tmp_path), "midi")
    )
    assert names(studio.song) == ["Drums", "Gtr", "Gtr cover mix", "Gtr cover vocals", "Gtr cover midi", "Bass"]
    assert len(studio.song._undo) == 1
    studio.song._undone()
    assert names(studio.song) == before
    assert clips_of(studio.song) == [studio.clip]


def test_what_was_selected_stays_selected(studio: LiveStudio, tmp_path: Path) -> None:
    received(studio, file(wav(tmp_path)))
    assert studio.song.view.selected_track is studio.song._track("Gtr")
    assert studio.song.view.detail_clip is studio.clip


def test_one_file_is_read_in_a_tick(studio: LiveStudio, tmp_path: Path) -> None:
    studio.lay(1, placement(*(file(wav(tmp_path, f"{n}.wav"), "stem", stem=f"s{n}") for n in range(4))))
    counts = []
    for _ in range(15):
        studio.live.tick()
        counts.append(len(clips_of(studio.song)))
    assert max(after - before for before, after in pairwise(counts)) == 1
    assert counts[-1] == 5


def test_notes_lie_in_a_clip_of_their_own(studio: LiveStudio, tmp_path: Path) -> None:
    (clip,) = received(studio, file(mid(tmp_path), "midi"))
    assert (clip.start_time, clip.end_time, clip.looping) == (6.0, 10.0, False)
    assert clip._rows == [
        (0.0, 1.0, 40, 100.0, False),
        (1.0, 1.0, 43, 90.0, False),
        (1.0, 1 / 128, 47, 1.0, False),
    ]
    assert not list(studio.box.glob("*.notes.json"))


def test_many_notes_come_a_few_at_a_time(studio: LiveStudio, tmp_path: Path) -> None:
    many = {"length_s": 100.0, "notes": [[n / 10, n / 10 + 0.1, 60, 90] for n in range(950)]}
    studio.lay(1, placement(file(mid(tmp_path), "midi")), {"notes.mid": many})
    counts = []
    for _ in range(12):
        studio.live.tick()
        counts += [len(clip._rows) for clip in clips_of(studio.song)[-1:]]
    assert counts[-1] == 950
    assert max(after - before for before, after in pairwise(counts)) == 200


def test_context_is_trimmed_off_in_the_arrangement(studio: LiveStudio, tmp_path: Path) -> None:
    part = file(wav(tmp_path, seconds=3.0), position_samples=4 * RATE, offset_samples=RATE, length_samples=RATE // 2)
    (clip,) = received(studio, part)
    assert (clip.start_time, clip.end_time) == (8.0, 9.0)
    assert (clip.loop_start, clip.loop_end) == (1.0, 1.5)


def test_what_lies_before_the_arrangement_is_cut_off(studio: LiveStudio, tmp_path: Path) -> None:
    (clip,) = received(studio, file(wav(tmp_path, seconds=3.0), "head", position_samples=-RATE))
    assert (clip.start_time, clip.loop_start, clip.loop_end) == (0.0, 1.0, 3.0)


def test_takes_are_lanes_of_one_track(studio: LiveStudio, tmp_path: Path) -> None:
    takes = [file(wav(tmp_path, f"{n}.wav"), take=n, name=f"Gtr cover t{n} mix") for n in (1, 2, 3)]
    clips = received(studio, *takes)
    track = studio.song._track("Gtr cover mix")
    assert track._clips[0].name == "Gtr cover t1 mix"
    assert [(lane.name, [clip.name for clip in lane._clips]) for lane in track._lanes] == [
        ("take 2", ["Gtr cover t2 mix"]),
        ("take 3", ["Gtr cover t3 mix"]),
    ]
    assert {clip.start_time for clip in clips} == {6.0}


def test_takes_that_begin_before_the_arrangement_have_tracks_of_their_own(studio: LiveStudio, tmp_path: Path) -> None:
    heads = [
        file(wav(tmp_path, f"{n}.wav", 3.0), "head", n, position_samples=-RATE, name=f"Gtr extend t{n} head")
        for n in (1, 2)
    ]
    clips = received(studio, *heads)
    assert [(clip.start_time, clip.loop_start) for clip in clips] == [(0.0, 1.0), (0.0, 1.0)]
    assert names(studio.song)[2:4] == ["Gtr extend t1 head", "Gtr extend t2 head"]


def test_takes_that_a_lane_refuses_have_tracks_of_their_own(
    studio: LiveStudio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("not on take lanes")

    monkeypatch.setattr(TakeLane, "create_audio_clip", refuse)
    received(studio, *(file(wav(tmp_path, f"{n}.wav"), take=n, name=f"Gtr cover t{n} mix") for n in (1, 2)))
    assert names(studio.song) == ["Drums", "Gtr", "Gtr cover t1 mix", "Gtr cover t2 mix", "Bass"]
    assert not any("cannot be placed" in line for line in studio.live.log)


def test_takes_have_tracks_of_their_own_where_there_are_no_lanes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = LiveStudio(tmp_path, monkeypatch, LIVE_12_0)
    received(studio, *(file(wav(tmp_path, f"{n}.wav"), take=n, name=f"Gtr cover t{n} mix") for n in (1, 2)))
    assert names(studio.song) == ["Drums", "Gtr", "Gtr cover t1 mix", "Gtr cover t2 mix", "Bass"]


def test_a_session_clip_gets_its_returns_in_its_scene(studio: LiveStudio, tmp_path: Path) -> None:
    request = of_session(studio)
    takes = [file(wav(tmp_path, f"{n}.wav"), take=n, name=f"Gtr cover t{n} mix") for n in (1, 2)]
    received(studio, *takes, file(mid(tmp_path), "midi"), request=request)
    slots = studio.song._track("Gtr cover mix").clip_slots
    assert [slot.clip.name if slot.clip else None for slot in slots] == [
        None,
        "Gtr cover t1 mix",
        "Gtr cover t2 mix",
        None,
    ]
    assert studio.song._track("Gtr cover midi").clip_slots[1].clip._rows
    assert not studio.song._track("Gtr cover mix")._clips


def test_scenes_are_added_for_the_takes_of_the_last_one(studio: LiveStudio, tmp_path: Path) -> None:
    request = of_session(studio, scene=3)
    received(studio, *(file(wav(tmp_path, f"{n}.wav"), take=n) for n in (1, 2)), request=request)
    assert len(studio.song.scenes) == 5


@pytest.mark.parametrize("imports", ["warped", "late"])
@pytest.mark.parametrize("in_session", [False, True])
def test_live_warps_long_files_by_itself_and_it_is_switched_off(
    studio: LiveStudio, tmp_path: Path, imports: str, in_session: bool
) -> None:
    request = of_session(studio) if in_session else studio.sent()["request"]
    studio.song._imports = imports
    (clip,) = received(studio, file(wav(tmp_path)), request=request)
    assert (clip.warping, clip.loop_start, clip.loop_end) == (False, 0.0, 1.0)
    if not in_session:
        assert (clip.start_time, clip.end_time) == (6.0, 8.0)


def test_a_clip_that_live_keeps_warping_is_named(studio: LiveStudio, tmp_path: Path) -> None:
    studio.song._imports = "stubborn"
    received(studio, file(wav(tmp_path)))
    assert any("Switch Warp off" in line for line in studio.live.log)


def test_returns_follow_the_tempo_where_the_user_wants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = LiveStudio(tmp_path, monkeypatch, keys={"warp": "tempo"})
    studio.song._imports = "warped"
    (clip,) = received(studio, file(wav(tmp_path, seconds=2.0)), bpm=90.0)
    assert clip.warping
    (s0, b0), (s1, b1) = clip._markers[0], clip._markers[-1]
    assert (b1 - b0) / (s1 - s0) * 60 == pytest.approx(90)
    assert clip._second_of(clip.loop_start) == pytest.approx(0, abs=1e-9)
    assert clip._second_of(clip.loop_end) == pytest.approx(2.0)
    assert clip.start_time == 6.0


@pytest.mark.parametrize(("tempo", "beat"), [(120.0, 14.0), (60.0, 10.0)])
def test_an_extension_begins_where_the_clip_ends_at_the_tempo_of_now(
    studio: LiveStudio, tmp_path: Path, tempo: float, beat: float
) -> None:
    request = studio.sent("extend")["request"]
    studio.song._tempo = tempo
    (clip,) = received(studio, file(wav(tmp_path), "tail", position_samples=7 * RATE), request=request)
    assert clip.start_time == pytest.approx(beat)
    assert any(f"is at {tempo:g} BPM now" in line for line in studio.live.log) == (tempo != 120.0)


def test_an_extension_begins_at_the_clips_edge_where_the_tempo_is_automated(
    studio: LiveStudio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.song._tempo_parameter._automation_state = 1
    with monkeypatch.context() as patched:  # the tempo falls within the clip, so that it ends before beat 14
        patched.setattr(Clip, "end_time", 13.25)
        request = studio.sent("extend")["request"]
    (tail,) = received(studio, file(wav(tmp_path), "tail", position_samples=7 * RATE), request=request)
    assert tail.start_time == pytest.approx(13.25)


def test_notes_keep_to_the_grid_of_the_tempo_that_they_were_played_at(studio: LiveStudio, tmp_path: Path) -> None:
    request = studio.sent("midi")["request"]
    studio.song._tempo = 60.0
    (clip,) = received(studio, file(mid(tmp_path), "midi"), request=request)
    assert clip._rows[1][:2] == (1.0, 1.0)


def test_a_send_of_which_nothing_is_kept_is_placed_by_its_samples(studio: LiveStudio, tmp_path: Path) -> None:
    (clip,) = received(studio, file(wav(tmp_path), position_samples=5 * RATE), request="from somewhere")
    assert clip.start_time == 10.0


def test_without_the_clips_track_returns_lie_behind_all_others(studio: LiveStudio, tmp_path: Path) -> None:
    received(studio, file(wav(tmp_path)), file(wav(tmp_path, "b.wav"), "stem", stem="bass"), track="Gone")
    assert names(studio.song)[3:] == ["Gtr cover mix", "Gtr cover bass"]


def test_a_group_of_the_same_name_is_passed_over(studio: LiveStudio, tmp_path: Path) -> None:
    group = studio.song._add("Vox")
    group._is_foldable = True
    studio.song._add("Strings")
    received(studio, file(wav(tmp_path)), track="Vox")
    assert names(studio.song)[-1] == "Gtr cover mix"


def test_an_older_live_places_notes_and_names_the_folder_of_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = LiveStudio(tmp_path, monkeypatch, LIVE_11)
    back = tmp_path / "back"
    (clip,) = received(studio, file(wav(back)), file(mid(back), "midi"))
    assert (clip.is_midi_clip, clip.start_time, clip.end_time) == (True, 6.0, 10.0)
    assert clip._rows
    assert names(studio.song) == ["Drums", "Gtr", "Gtr cover midi", "Bass"]
    (told,) = [line for line in studio.live.log if "cannot be placed" in line]
    assert "Live 12.0.5 can" in told
    assert f"It lies in {back}; drag it from there." in told
    assert studio.out("placed")


def test_audio_alone_stays_ready_for_a_newer_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = LiveStudio(tmp_path, monkeypatch, LIVE_11)
    assert received(studio, file(wav(tmp_path / "back"))) == []
    assert not studio.out("placed")
    assert (studio.box / "1.taken").exists()
    newer = Live(studio.script, studio.song)
    newer.tick(20)
    assert "Gtr cover mix" in names(studio.song)
    assert studio.out("placed")


@pytest.mark.parametrize("problem", ["missing", "no audio", "limit"])
def test_what_live_refuses_is_named_and_the_rest_is_placed(studio: LiveStudio, tmp_path: Path, problem: str) -> None:
    broken = wav(tmp_path, "broken.wav")
    if problem == "missing":
        broken.unlink()
    elif problem == "no audio":
        broken.write_bytes(b"nothing")
    else:
        studio.song._track_limit = 4
    good = file(wav(tmp_path), "stem", stem="vocals")
    clips = received(studio, *([good, file(broken)] if problem == "limit" else [file(broken), good]))
    assert [clip.name for clip in clips] == ["Gtr cover vocals"]
    assert names(studio.song) == ["Drums", "Gtr", "Gtr cover vocals", "Bass"]
    assert any("broken.wav" in line for line in studio.live.log)
    assert studio.out("placed")


def test_notes_that_cannot_be_read_are_named(studio: LiveStudio, tmp_path: Path) -> None:
    studio.lay(1, placement(file(mid(tmp_path), "midi")))
    studio.live.tick(10)
    assert any("notes.mid cannot be placed: its notes cannot be read" in line for line in studio.live.log)
    assert names(studio.song) == ["Drums", "Gtr", "Bass"]


def test_a_send_that_lies_in_the_set_is_not_placed_again(studio: LiveStudio, tmp_path: Path) -> None:
    received(studio, file(wav(tmp_path)))
    studio.lay(2, placement(file(tmp_path / "mix.wav")))
    studio.live.tick(10)
    assert names(studio.song).count("Gtr cover mix") == 1
    assert (studio.box / "2.done").exists()


def test_live_that_ends_amid_a_placement_goes_on_with_it(studio: LiveStudio, tmp_path: Path) -> None:
    stems = [file(wav(tmp_path, f"{n}.wav"), "stem", stem=f"s{n}") for n in range(4)]
    studio.lay(1, placement(*stems))
    studio.live.tick(5)
    studio.live.close()
    lay = len(clips_of(studio.song)) - 1
    assert 0 < lay < 4
    assert not studio.out("placed")
    again = Live(studio.script, studio.song)
    again.tick(30)
    assert sorted(names(studio.song)) == ["Bass", "Drums", "Gtr", *(f"Gtr cover s{n}" for n in range(4))]
    assert sorted(clip.name for clip in clips_of(studio.song)) == [*(f"Gtr cover s{n}" for n in range(4)), "riff"]
    assert len(studio.out("placed")) == 1


@pytest.mark.parametrize(
    ("ticks", "is_saved"), [*((n, True) for n in range(1, 16)), (4, False), (9, False), (14, False)]
)
def test_live_that_is_killed_at_any_moment_places_all_of_it_once(
    studio: LiveStudio, tmp_path: Path, ticks: int, is_saved: bool
) -> None:
    """The set is found as it was at that moment (it was saved, or recovered), or as it was before."""
    before = studio.song._kept()
    stems = [file(wav(tmp_path, f"{n}.wav"), "stem", stem=f"s{n}") for n in range(2)]
    takes = [file(wav(tmp_path, f"t{n}.wav"), take=n, name=f"Gtr cover t{n} mix") for n in (1, 2)]
    studio.lay(1, placement(*takes, *stems, file(mid(tmp_path), "midi")), {"notes.mid": NOTES})
    studio.live.tick(ticks)
    is_told = bool(studio.out("placed"))
    found = studio.song._kept() if is_saved else before
    studio.live.close()  # what it does to the set is not found again
    studio.song._found_again(found)
    Live(studio.script, studio.song).tick(40)
    if is_told and not is_saved:
        return  # Live had placed it, and the user's set was lost with it: it is kept in its folder
    wanted = ["Gtr cover mix", "Gtr cover s0", "Gtr cover s1", "Gtr cover midi"]
    assert sorted(names(studio.song)) == sorted(["Bass", "Drums", "Gtr", *wanted])
    assert sorted(clip.name for clip in clips_of(studio.song)) == sorted(
        ["riff", "Gtr cover t1 mix", "Gtr cover t2 mix", "Gtr cover s0", "Gtr cover s1", "Gtr cover midi"]
    )
    assert len(studio.out("placed")) == 1


def test_nothing_is_placed_while_live_records(studio: LiveStudio, tmp_path: Path) -> None:
    studio.song._is_playing = studio.song._record_mode = True
    assert received(studio, file(wav(tmp_path))) == []
    studio.song._record_mode = False
    studio.live.tick(10)
    assert "Gtr cover mix" in names(studio.song)


def test_a_hundred_placements_are_placed_in_order_and_once(studio: LiveStudio, tmp_path: Path) -> None:
    path = wav(tmp_path)
    for number in range(1, 101):
        one = file(path, name=f"track {number:03}", position_samples=number * RATE)
        studio.lay(number, placement(one, send_id=f"{number:08x}", request=f"r{number}"))
    studio.live.tick(700)
    found = [track.name for track in studio.song.tracks if track.name.startswith("track ")]
    assert sorted(found) == [f"track {number:03}" for number in range(1, 101)]
    assert [message["send"] for message in studio.out("placed")] == [f"{number:08x}" for number in range(1, 101)]
    starts = [clip.start_time for track in studio.song.tracks if track.name in found for clip in track._clips]
    assert sorted(starts) == [number * 2.0 for number in range(1, 101)]
    assert len(list(studio.box.glob("*.done"))) == 100


def test_two_lives_share_a_mailbox_without_placing_twice(studio: LiveStudio, tmp_path: Path) -> None:
    other = Live(studio.script, studio.song)
    path = wav(tmp_path)
    for number in range(1, 11):
        studio.lay(number, placement(file(path, name=f"t{number}"), send_id=f"{number:08x}", request=f"r{number}"))
    for _ in range(200):
        if studio.song._open is None:
            studio.live.tick()
        if studio.song._open is None:
            other.tick()
            while studio.song._open is not None:
                other.tick()
        else:
            studio.live.tick()
    found = [track.name for track in studio.song.tracks if track.name.startswith("t")]
    assert sorted(found) == sorted(f"t{number}" for number in range(1, 11))


def test_a_placement_that_is_no_json_stands_in_nobodys_way(studio: LiveStudio, tmp_path: Path) -> None:
    studio.box.mkdir(parents=True)
    (studio.box / "1.json").write_text("[" * 5000, "utf-8")
    studio.lay(2, placement(file(wav(tmp_path))))
    studio.live.tick(15)
    assert "Gtr cover mix" in names(studio.song)
    assert (studio.box / "1.done").exists()


def test_a_warped_clip_of_the_user_stays_warped(studio: LiveStudio, tmp_path: Path) -> None:
    warp(studio.clip, loop=(0.0, 4.0))
    was = shape(studio.clip)
    received(studio, file(wav(tmp_path)))
    assert shape(studio.clip) == was
