"""What the receiver in REAPER does with what comes back: in a real Lua, against a session with REAPER's own calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from clips import music
from reaper_session import MediaItem, ReaProject
from reaper_side import Reaper
from reaper_studio import RATE, ReaperStudio, resources
from sendreturn.audio.midi import write_midi
from sendreturn.audio.notes import Meter, Note, NoteTrack

MARK = "P_EXT:sendreturn"


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReaperStudio]:
    found = ReaperStudio(tmp_path, monkeypatch)
    yield found
    assert found.reaper.wrong == []


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReaperStudio]:
    found = ReaperStudio(tmp_path, monkeypatch, "6.83/win64")
    yield found
    assert found.reaper.wrong == []


def wav(folder: Path, name: str, seconds: float = 1.0, rate_hz: int = RATE) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / name, music(seconds), rate_hz, "PCM_24")
    return folder / name


def midi(folder: Path, name: str = "notes.mid") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    notes = (Note(0.0, 0.5, 40, 100), Note(0.5, 1.0, 43, 90), Note(0.5, 1.25, 47, 1))
    write_midi(folder / name, [NoteTrack("bass", notes, program=33)], Meter(90.0), duration_s=2.0)
    return folder / name


def file(path: Path, kind: str = "mix", take: int = 1, stem: str | None = None, **more: Any) -> dict[str, Any]:
    name = f"Gtr cover {stem or kind}"
    plain = {"kind": kind, "take": take, "name": name, "position_samples": 144_001, "color": "#5b8def", "gain": 1.0}
    return {**plain, "path": str(path), "offset_samples": 0, "sample_rate_hz": RATE, "stem": stem, **more}


def placement(*files: dict[str, Any], send_id: str = "1a2b3c4d", **more: Any) -> dict[str, Any]:
    plain = {"send_id": send_id, "request": "r", "operation": "cover", "title": "Gtr cover", "rate_hz": RATE}
    return {**plain, "track": "Gtr", "files": list(files), **more}


def received(studio: ReaperStudio, *files: dict[str, Any], **more: Any) -> list[MediaItem]:
    """The items that are new once one placement was laid ready and the receiver has looked."""
    before = studio.project.items
    studio.lay(1, placement(*files, **more))
    studio.reaper.press("sendreturn_receive.lua")
    studio.reaper.tick(20)
    assert studio.reaper.unblocked == []
    assert studio.reaper.refreshes == 0
    return [item for item in studio.project.items if item not in before]


def numbers(item: MediaItem, *names: str) -> list[float]:
    return [item.values[name] for name in names]


def test_a_return_lies_on_a_new_track_at_the_same_sample(studio: ReaperStudio, tmp_path: Path) -> None:
    source = studio.project.track("Gtr").items[0]
    was = dict(source.values)
    (item,) = received(studio, file(wav(tmp_path / "back", "mix.wav"), gain=0.5))
    assert round(item.values["D_POSITION"] * RATE) == 144_001
    assert numbers(item, "D_LENGTH", "D_VOL", "B_LOOPSRC", "C_BEATATTACHMODE") == [1.0, 0.5, 0.0, 0.0]
    assert item.strings[MARK] == "1a2b3c4d"
    take = item.active
    assert take is not None
    assert take.source is not None
    assert (take.source.path, take.name) == (str(tmp_path / "back" / "mix.wav"), "Gtr cover mix")
    assert [track.name for track in studio.project.tracks] == ["Drums", "Gtr", "Gtr cover mix", "Bass"]
    assert item.track.values["I_CUSTOMCOLOR"] == 0x1000000 | 0x5B8DEF
    assert source.values == was
    assert take.source.peaks == 0


def test_it_is_told_as_placed_and_never_placed_again(studio: ReaperStudio, tmp_path: Path) -> None:
    received(studio, file(wav(tmp_path, "mix.wav")))
    assert [message["send"] for message in studio.out("placed")] == ["1a2b3c4d"]
    assert [path.name for path in studio.box.iterdir()] == ["1.done"]
    studio.reaper.tick(10)
    assert len(studio.project.items) == 2


def test_all_of_it_is_one_undo_step(studio: ReaperStudio, tmp_path: Path) -> None:
    back = [
        file(wav(tmp_path, "mix.wav")),
        file(wav(tmp_path, "v.wav"), "stem", stem="vocals"),
        file(midi(tmp_path), "midi"),
    ]
    assert len(received(studio, *back)) == 3
    assert [title for title, _ in studio.project.undo] == ["sendreturn: Gtr cover"]
    assert studio.reaper.undo() == "sendreturn: Gtr cover"
    assert [track.name for track in studio.project.tracks] == ["Drums", "Gtr", "Bass"]
    studio.reaper.tick(20)
    assert len(studio.project.items) == 1


def test_what_was_undone_while_its_peaks_are_made_is_left_alone(studio: ReaperStudio, tmp_path: Path) -> None:
    studio.lay(1, placement(file(wav(tmp_path, "mix.wav"))))
    studio.reaper.press("sendreturn_receive.lua")
    studio.reaper.undo()
    studio.reaper.tick(20)
    assert len(studio.project.items) == 1


def test_context_is_not_shown(studio: ReaperStudio, tmp_path: Path) -> None:
    path = wav(tmp_path, "mix.wav", 4.0, 44_100)
    (item,) = received(studio, file(path, sample_rate_hz=44_100, offset_samples=44_100, length_samples=22_050))
    assert item.active is not None
    assert item.values["D_LENGTH"] == pytest.approx(0.5)
    assert item.active.values["D_STARTOFFS"] == pytest.approx(1.0)


def test_takes_lie_on_lanes_of_one_track_and_the_first_is_heard(studio: ReaperStudio, tmp_path: Path) -> None:
    back = [file(wav(tmp_path, f"{take}.wav"), take=take, name=f"Gtr cover t{take} mix") for take in (1, 2)]
    back += [file(midi(tmp_path, f"{take}.mid"), "midi", take, name=f"Gtr cover t{take} midi") for take in (1, 2)]
    items = received(studio, *back)
    assert [item.track.name for item in items] == ["Gtr cover mix", "Gtr cover mix", "Gtr cover midi", "Gtr cover midi"]
    assert [item.values["I_FIXEDLANE"] for item in items] == [0, 1, 0, 1]
    track = items[0].track
    assert [track.values[name] for name in ("I_FREEMODE", "I_NUMFIXEDLANES", "C_LANEPLAYS:0")] == [2, 2, 1]
    assert track.strings == {"P_LANENAME:0": "take 1", "P_LANENAME:1": "take 2"}


def test_before_reaper_7_takes_are_takes_of_one_item(older: ReaperStudio, tmp_path: Path) -> None:
    back = [
        file(wav(tmp_path, "1.wav", 1.0), name="Gtr cover t1 mix", position_samples=RATE),
        file(wav(tmp_path, "2.wav", 2.0), take=2, name="Gtr cover t2 mix", position_samples=RATE // 2),
        file(midi(tmp_path), "midi", name="Gtr cover t1 midi"),
        file(midi(tmp_path, "2.mid"), "midi", 2, name="Gtr cover t2 midi"),
    ]
    item, one, other = received(older, *back)
    assert numbers(item, "D_POSITION", "D_LENGTH", "I_CURTAKE") == [0.5, 2.0, 0]
    assert [take.values["D_STARTOFFS"] for take in item.takes] == [-0.5, 0.0]
    assert [take.name for take in item.takes] == ["Gtr cover t1 mix", "Gtr cover t2 mix"]
    assert one.track is not other.track


def test_notes_are_notes_in_the_project_at_their_times(studio: ReaperStudio, tmp_path: Path) -> None:
    (item,) = received(studio, file(midi(tmp_path), "midi"))
    take = item.active
    assert take is not None
    assert take.is_midi
    assert take.is_sorted
    seconds = [(start / 960 / 2, end / 960 / 2, pitch, velocity) for start, end, _, pitch, velocity in take.notes]
    assert seconds == [
        (pytest.approx(0.0, abs=1e-3), pytest.approx(0.5, abs=1e-3), 40, 100),
        (pytest.approx(0.5, abs=1e-3), pytest.approx(1.0, abs=1e-3), 43, 90),
        (pytest.approx(0.5, abs=1e-3), pytest.approx(1.25, abs=1e-3), 47, 1),
    ]
    assert item.values["D_LENGTH"] == pytest.approx(1.25, abs=1e-3)
    assert studio.reaper.dialogs == []


@pytest.mark.parametrize(
    "text", [b"", b"RIFF", b"MThd\0\0\0\6\0\1\0\1\3\xc0MTrk\0\0\0\4\x80", b"MThd\0\0\0\6\0\1\0\1\xe8\x28"]
)
def test_a_broken_midi_file_is_told_and_the_rest_is_placed(studio: ReaperStudio, tmp_path: Path, text: bytes) -> None:
    (tmp_path / "bad.mid").write_bytes(text)
    items = received(studio, file(wav(tmp_path, "mix.wav")), file(tmp_path / "bad.mid", "midi"))
    assert [item.track.name for item in items] == ["Gtr cover mix"]
    assert "bad.mid " in studio.reaper.console[0]


def test_notes_that_overlap_run_on_and_use_running_status_are_read(studio: ReaperStudio, tmp_path: Path) -> None:
    events = bytes.fromhex("00ff51030f4240 00903c40 60 3c40 60 3c00 60 3c00 00904050 60ff2f00".replace(" ", ""))
    head = b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk"
    (tmp_path / "n.mid").write_bytes(head + len(events).to_bytes(4, "big") + events)
    (item,) = received(studio, file(tmp_path / "n.mid", "midi"))
    assert item.active is not None
    found = [(round(s / 960, 3), round(e / 960, 3), p) for s, e, _, p, _ in item.active.notes]
    assert found == [(0, 4, 60), (2, 6, 60), (6, 8, 64)]


def test_a_file_that_is_gone_is_told_and_the_rest_is_placed(studio: ReaperStudio, tmp_path: Path) -> None:
    items = received(studio, file(tmp_path / "gone.wav"), file(wav(tmp_path, "v.wav"), "stem", stem="vocals"))
    assert [item.track.name for item in items] == ["Gtr cover vocals"]
    assert "gone.wav is not there any more." in studio.reaper.console[0]
    assert studio.out("placed")


def test_where_nothing_is_there_it_is_tried_again_the_next_time(studio: ReaperStudio, tmp_path: Path) -> None:
    assert received(studio, file(tmp_path / "back" / "mix.wav")) == []
    assert studio.out("placed") == []
    assert len(studio.project.tracks) == 3
    studio.reaper.quit()
    wav(tmp_path / "back", "mix.wav")
    again = Reaper(resources(tmp_path), studio.project)
    again.press("sendreturn_receive.lua")
    assert len(studio.project.items) == 2
    assert [path.name for path in studio.box.iterdir()] == ["1.done"]


def test_a_placement_that_goes_wrong_leaves_the_session_as_it_was(
    studio: ReaperStudio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reaper_calls.Api.SetMediaItemTake_Source", lambda *_: False)
    assert received(studio, file(wav(tmp_path, "mix.wav"))) == []
    assert [track.name for track in studio.project.tracks] == ["Drums", "Gtr", "Bass"]
    assert "cannot be placed" in studio.reaper.console[0]
    assert [path.name for path in studio.box.iterdir()] == ["1.taken"]


def test_what_the_project_holds_already_is_not_doubled(studio: ReaperStudio, tmp_path: Path) -> None:
    (item,) = received(studio, file(wav(tmp_path, "mix.wav")))
    studio.lay(2, placement(file(tmp_path / "mix.wav")))
    studio.reaper.tick(5)
    assert studio.project.items.count(item) == 1
    assert len(studio.project.items) == 2
    assert (studio.box / "2.done").is_file()


def test_a_reaper_that_quit_while_placing_places_once(studio: ReaperStudio, tmp_path: Path) -> None:
    studio.lay(1, placement(file(wav(tmp_path, "mix.wav")))).rename(studio.box / "1.taken")
    studio.lay(2, placement(file(wav(tmp_path, "b.wav")), send_id="bbbbbbbb"))
    studio.reaper.press("sendreturn_receive.lua")
    studio.reaper.tick(10)
    assert sorted(item.strings.get(MARK, "") for item in studio.project.items) == ["", "1a2b3c4d", "bbbbbbbb"]
    assert sorted(path.name for path in studio.box.iterdir()) == ["1.done", "2.done"]


def test_a_hundred_returns_are_each_placed_once(studio: ReaperStudio, tmp_path: Path) -> None:
    path = wav(tmp_path, "mix.wav", 0.1)
    for number in range(1, 101):
        studio.lay(number, placement(file(path), send_id=f"{number:08x}"))
    studio.reaper.press("sendreturn_receive.lua")
    studio.reaper.tick(110)
    marks = [item.strings[MARK] for item in studio.project.items if MARK in item.strings]
    assert marks == sorted(set(marks), reverse=True)
    assert len(marks) == 100


def test_a_return_waits_until_its_project_is_in_front(studio: ReaperStudio, tmp_path: Path) -> None:
    other = ReaProject(str(tmp_path / "Other.rpp"))
    studio.reaper.project = other
    studio.reaper.press("sendreturn_receive.lua")
    studio.lay(1, placement(file(wav(tmp_path, "mix.wav"))))
    studio.reaper.tick(10)
    assert other.items == []
    studio.reaper.project = studio.project
    studio.reaper.tick(3)
    assert len(studio.project.items) == 2
    assert [message["session"] for message in studio.out("opened")].count(studio.project.path) == 1


def test_while_it_records_nothing_is_placed(studio: ReaperStudio, tmp_path: Path) -> None:
    studio.reaper.play_state = 1 | 4
    assert received(studio, file(wav(tmp_path, "mix.wav"))) == []
    studio.reaper.play_state = 0
    studio.reaper.tick(2)
    assert len(studio.project.items) == 2


def test_the_receiver_goes_on_after_something_unforeseen(
    studio: ReaperStudio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_broken = True
    monkeypatch.setattr("reaper_calls.Api.GetPlayStateEx", lambda *_: 0 // (not is_broken))
    assert received(studio, file(wav(tmp_path, "mix.wav"))) == []
    assert len(studio.reaper.console) == 1
    assert "something is wrong" in studio.reaper.console[0]
    is_broken = False
    studio.reaper.tick(2)
    assert len(studio.project.items) == 2
    studio.reaper.wrong.clear()


def test_a_folder_track_keeps_its_children_to_itself(studio: ReaperStudio, tmp_path: Path) -> None:
    studio.project.track("Gtr").values["I_FOLDERDEPTH"] = 1
    (item,) = received(studio, file(wav(tmp_path, "mix.wav")))
    assert studio.project.tracks[-1] is item.track


def test_the_receiver_answers_a_ping_once(studio: ReaperStudio) -> None:
    (studio.mailbox / "in" / "ping").write_text("0123abcd", "utf-8")
    studio.reaper.press("sendreturn_receive.lua")
    studio.reaper.tick(5)
    assert [(pong["nonce"], pong["daw"], pong["script"]) for pong in studio.out("pong")] == [
        ("0123abcd", "REAPER 7.25/linux-x86_64", "1.2.3")
    ]


def test_only_one_receiver_runs(studio: ReaperStudio, tmp_path: Path) -> None:
    for _ in range(3):
        studio.reaper.press("sendreturn_receive.lua")
    studio.reaper.press("sendreturn_cover.lua")
    assert list(studio.reaper.running) == ["sendreturn_receive.lua"]
    studio.lay(1, placement(file(wav(tmp_path, "mix.wav"))))
    studio.reaper.tick(5)
    assert len(studio.project.items) == 2


def test_a_key_starts_the_receiver(studio: ReaperStudio) -> None:
    studio.sent()
    assert "sendreturn_receive.lua" in studio.reaper.running


def test_a_key_starts_the_receiver_where_it_is_no_action_yet(studio: ReaperStudio) -> None:
    studio.reaper.commands = {}
    studio.sent()
    assert "sendreturn_receive.lua" in studio.reaper.running


def test_an_answer_that_says_no_is_shown_once(studio: ReaperStudio) -> None:
    request = studio.sent()["request"]
    studio.tell({"kind": "error", "request": request, "text": "The key of Sonauto is missing."})
    studio.reaper.tick(10)
    studio.tell(
        {"kind": "error", "request": request, "text": "The key of Sonauto is missing."},
        {"kind": "failed", "send_id": "aa", "text": "No music came."},
    )
    studio.reaper.tick(10)
    assert studio.reaper.dialogs == ["The key of Sonauto is missing."]
    assert studio.reaper.console == ["sendreturn: No music came.\n"]


def test_what_was_told_before_reaper_started_is_not_told_again(studio: ReaperStudio) -> None:
    studio.tell({"kind": "error", "request": "old", "text": "Long ago."}, {"kind": "failed", "text": "Long ago."})
    studio.reaper.press("sendreturn_receive.lua")
    studio.reaper.tick(10)
    assert (studio.reaper.dialogs, studio.reaper.console) == ([], [])


def test_progress_is_shown_in_the_help_line(studio: ReaperStudio) -> None:
    studio.reaper.press("sendreturn_receive.lua")
    studio.tell(sends=[{"send_id": "aa", "state": "generating", "progress": 0.4, "text": "making music"}])
    studio.reaper.tick(3)
    assert "making music 40 %" in studio.reaper.help[-1]


def test_a_daemon_that_does_not_run_is_told_once(studio: ReaperStudio) -> None:
    studio.sent()
    studio.reaper.tick(120)
    assert len(studio.reaper.console) == 1
    assert "sendreturn run" in studio.reaper.console[0]
    assert len(studio.out("send")) == 1


def test_a_message_that_is_taken_is_not_complained_of(studio: ReaperStudio) -> None:
    studio.sent()
    studio.reaper.tick(5)
    for path in (studio.mailbox / "out").glob("*.json"):
        path.unlink()
    studio.reaper.tick(120)
    assert studio.reaper.console == []


def test_a_placement_that_is_no_json_does_not_stop_the_next_one(studio: ReaperStudio, tmp_path: Path) -> None:
    studio.box.mkdir(parents=True)
    (studio.box / "1.json").write_text("{", "utf-8")
    studio.lay(2, placement(file(wav(tmp_path, "mix.wav"))))
    studio.reaper.press("sendreturn_receive.lua")
    studio.reaper.tick(5)
    assert len(studio.project.items) == 2
    assert json.loads((studio.box / "2.done").read_text("utf-8"))["send_id"] == "1a2b3c4d"
