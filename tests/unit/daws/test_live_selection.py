"""What the script in Live says of a selection: the real script, against a set with the objects that Live documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from live_studio import RATE, LiveStudio, put, show, warp
from sendreturn.daws.capture import capture
from sendreturn.daws.selection import read_selection


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudio:
    return LiveStudio(tmp_path, monkeypatch)


def sounding(sent: dict[str, Any], folder: Path) -> Any:
    """The clip that the daemon makes of what was sent."""
    taken = capture(read_selection(sent), folder)
    sound, _ = soundfile.read(taken.path, always_2d=True)
    start, end = taken.range_s or (0, len(sound) / RATE)
    return sound[round(start * RATE) : round(end * RATE)]


def in_session(studio: LiveStudio, scene: int = 2) -> Any:
    """The file in a slot of "Gtr", chosen in the Session."""
    clip = put(studio.song, "Gtr", studio.audio, scene)
    studio.live.view._focused_document_view = "Session"
    show(studio.song, clip)
    return clip


@pytest.mark.parametrize("operation", ["extend", "cover", "stems", "midi"])
def test_a_key_sends_the_clip_that_is_shown(studio: LiveStudio, operation: str) -> None:
    sent = studio.sent(operation)
    assert (sent["operation"], sent["session"], sent["track"], sent["rate_hz"]) == (
        operation,
        studio.song._file_path,
        "Gtr",
        RATE,
    )
    (piece,) = sent["pieces"]
    assert piece["files"] == [{"path": str(studio.audio)}]
    assert (piece["position"], piece["start"], piece["length"]) == (3 * RATE, 0, 4 * RATE)
    assert sent["tempo"] == [{"position": 3 * RATE, "bpm": 120.0, "time_signature": "4/4"}]
    assert "range" not in sent
    read_selection(sent)


def test_two_presses_are_two_requests(studio: LiveStudio) -> None:
    assert studio.sent()["request"] != studio.sent()["request"]


def test_a_clip_that_was_cut_names_its_samples(studio: LiveStudio) -> None:
    clip = studio.clip
    clip._loop_start, clip._loop_end = 4803 / RATE, (4803 + 71_999) / RATE
    clip._shown_gain = "-6.0 dB"
    (piece,) = studio.sent()["pieces"]
    assert (piece["start"], piece["length"], piece["position"]) == (4803, 71_999, 3 * RATE)
    assert piece["gain"] == pytest.approx(10 ** (-6 / 20))


@pytest.mark.parametrize(("shown", "gain"), [("-inf dB", 0.0), ("3,5 dB", 10 ** (3.5 / 20)), ("loud", 1.0)])
def test_gains_are_read_as_live_shows_them(studio: LiveStudio, shown: str, gain: float) -> None:
    studio.clip._shown_gain = shown
    assert studio.sent()["pieces"][0]["gain"] == pytest.approx(gain)


def test_a_clip_warped_at_the_tempo_of_the_set_is_sent_as_its_file(studio: LiveStudio) -> None:
    warp(studio.clip)
    (piece,) = studio.sent()["pieces"]
    assert (piece["start"], piece["length"], piece["position"]) == (0, 4 * RATE, 3 * RATE)


def test_a_looping_clip_is_sent_round_after_round(studio: LiveStudio, tmp_path: Path) -> None:
    clip = warp(studio.clip, loop=(1.0, 3.0), start=0.5)
    clip._edge = 5.0  # beats: 0.5 to 3, 1 to 3, and half a beat more
    sent = studio.sent()
    starts = [(piece["start"], piece["length"], piece["position"]) for piece in sent["pieces"]]
    half = RATE // 2
    assert starts == [
        (half // 2, 5 * half // 2, 6 * half),
        (half, 2 * half, 6 * half + 5 * half // 2),
        (half, half // 2, 6 * half + 9 * half // 2),
    ]
    file, _ = soundfile.read(studio.audio, always_2d=True)
    heard = np.concatenate([file[start : start + length] for start, length, _ in starts])
    assert np.array_equal(sounding(sent, tmp_path), heard)


def test_a_clip_that_begins_behind_its_loop_plays_on(studio: LiveStudio) -> None:
    warp(studio.clip, loop=(0.0, 2.0), start=4.0)._edge = 3.0
    (piece,) = studio.sent()["pieces"]
    assert (piece["start"], piece["length"]) == (2 * RATE, RATE * 3 // 2)


def test_what_lies_beyond_the_file_is_no_part_of_it(studio: LiveStudio) -> None:
    clip = warp(studio.clip)
    clip._loop_start, clip._loop_end = -1.0, 20.0
    (piece,) = studio.sent()["pieces"]
    assert (piece["start"], piece["length"], piece["position"]) == (0, 4 * RATE, 3 * RATE + RATE // 2)


def test_a_session_clip_is_sent_from_its_slot(studio: LiveStudio) -> None:
    in_session(studio)
    (piece,) = studio.sent()["pieces"]
    assert (piece["start"], piece["length"], piece["position"]) == (0, 4 * RATE, 0)


def test_a_looping_session_clip_is_one_round(studio: LiveStudio) -> None:
    warp(in_session(studio), loop=(2.0, 4.0))
    (piece,) = studio.sent()["pieces"]
    assert (piece["start"], piece["length"]) == (RATE, RATE)


def test_the_highlighted_slot_is_meant_in_the_session(studio: LiveStudio) -> None:
    in_session(studio)
    studio.song._view._detail_clip = studio.clip
    assert studio.sent()["pieces"][0]["position"] == 0
    studio.live.view._focused_document_view = "Arranger"
    assert studio.sent()["pieces"][0]["position"] == 3 * RATE


def test_the_arrangement_loop_is_the_part_that_is_made_anew(studio: LiveStudio) -> None:
    studio.song._loop, studio.song._loop_start, studio.song._loop_length = True, 8.0, 2.0
    sent = studio.sent("inpaint")
    assert sent["range"] == [4 * RATE, RATE]
    assert (sent["pieces"][0]["position"], sent["pieces"][0]["length"]) == (3 * RATE, 4 * RATE)


def test_no_more_context_is_sent_than_is_of_use(studio: LiveStudio, tmp_path: Path) -> None:
    long = tmp_path / "long.wav"
    soundfile.write(long, np.zeros((80 * RATE, 1)), RATE, "PCM_16")
    show(studio.song, clip := put(studio.song, "Gtr", long, 0))
    warp(clip, loop=(80.0, 82.0))
    studio.live.view._focused_document_view = "Session"
    sent = studio.sent("inpaint")
    assert sent["range"] == [40 * RATE, RATE]
    assert (sent["pieces"][0]["position"], sent["pieces"][0]["length"]) == (10 * RATE, 61 * RATE)


def test_the_loop_of_a_session_clip_is_the_part_that_is_made_anew(studio: LiveStudio) -> None:
    warp(in_session(studio), loop=(2.0, 4.0))
    sent = studio.sent("inpaint")
    assert sent["range"] == [RATE, RATE]
    assert sent["pieces"][0]["length"] == 4 * RATE


@pytest.mark.parametrize("part", [None, (0.0, 100.0), (40.0, 2.0)])
def test_an_inpainting_wants_to_know_its_part(studio: LiveStudio, part: tuple[float, float] | None) -> None:
    if part is not None:
        studio.song._loop, (studio.song._loop_start, studio.song._loop_length) = True, part
    assert "which part is to be made anew" in studio.refused("inpaint")


def test_a_preset_is_taken_for_the_operation_it_stands_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = LiveStudio(tmp_path, monkeypatch, keys={"notes": {"10": "patch"}, "channel": 1})
    (studio.mailbox / "in" / "words.json").write_text('{"presets": {"patch": "inpaint"}}', "utf-8")
    studio.live.note(10, channel=1)
    assert "which part" in studio.live.messages[-1]


def nothing(studio: LiveStudio) -> None:
    show(studio.song, None)


def notes(studio: LiveStudio) -> None:
    track = studio.song._add("Keys", is_audio=False)
    show(studio.song, track.create_midi_clip(0.0, 4.0))


def being_recorded(studio: LiveStudio) -> None:
    studio.clip._recording = True


def missing(studio: LiveStudio) -> None:
    studio.audio.unlink()


def offline(studio: LiveStudio) -> None:
    studio.clip._frames = -1


def compressed(studio: LiveStudio) -> None:
    studio.clip._path = str(studio.audio.rename(studio.audio.with_suffix(".mp3")))


def transposed(studio: LiveStudio) -> None:
    studio.clip._pitch_coarse = 2


def at_another_tempo(studio: LiveStudio) -> None:
    warp(studio.clip, bpm=100)


def uneven(studio: LiveStudio) -> None:
    warp(studio.clip)._markers = [(0.0, 0.0), (1.0, 2.1), (2.0, 4.0), (2.015625, 4.03125)]


def uneven_at_the_end(studio: LiveStudio) -> None:
    warp(studio.clip)._markers = [(0.0, 0.0), (2.0, 4.0), (2.0156, 4.03125)]


def automated(studio: LiveStudio) -> None:
    warp(studio.clip)
    studio.song._tempo_parameter._automation_state = 1


def round_and_round(studio: LiveStudio) -> None:
    warp(studio.clip, loop=(0.0, 0.001))


def silent(studio: LiveStudio) -> None:
    clip = warp(studio.clip)
    clip._loop_start, clip._loop_end = 20.0, 24.0


def unsaved(studio: LiveStudio) -> None:
    studio.song._file_path = ""


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (nothing, "Nothing is selected. Select an audio clip"),
        (notes, "holds notes and no audio"),
        (being_recorded, "still being recorded"),
        (missing, "is missing"),
        (offline, "is offline"),
        (compressed, "every program decodes differently"),
        (transposed, "played at another pitch, so that its file is not what you hear. Consolidate it (Cmd+J"),
        (at_another_tempo, "warped from 100 to 120 BPM"),
        (uneven, "warped unevenly"),
        (uneven_at_the_end, "warped unevenly"),
        (automated, "warped to a tempo that changes"),
        (round_and_round, "looped very many times"),
        (silent, "is silent there"),
        (unsaved, "not saved yet"),
    ],
)
def test_what_cannot_be_sent_is_said_with_the_next_click(studio: LiveStudio, what: Any, words: str) -> None:
    what(studio)
    assert words in studio.refused()
    studio.live.tick(3)
    assert studio.out("send") == []


def test_in_the_session_a_track_is_frozen_and_flattened(studio: LiveStudio) -> None:
    warp(in_session(studio), bpm=90)
    assert "Freeze and flatten its track, then press again." in studio.refused()


def test_an_unwarped_clip_is_sent_where_the_tempo_is_automated(studio: LiveStudio) -> None:
    studio.song._tempo_parameter._automation_state = 1
    assert studio.sent()["pieces"][0]["length"] == 4 * RATE


@pytest.mark.parametrize("keeps_project", [True, False])
def test_an_older_live_does_not_tell_its_set_and_the_project_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keeps_project: bool
) -> None:
    studio = LiveStudio(tmp_path, monkeypatch, version=(11, 2, 0))
    if keeps_project:
        assert studio.sent()["session"] == str(tmp_path / "Song")
    else:
        (tmp_path / "Song" / "Ableton Project Info").rmdir()
        assert "not saved yet" in studio.refused()


def test_selecting_and_sending_changes_nothing_in_the_set(studio: LiveStudio) -> None:
    studio.sent()
    studio.live.tick(5)
    assert studio.song._loose == 0
    assert [track.name for track in studio.song.tracks] == ["Drums", "Gtr", "Bass"]
