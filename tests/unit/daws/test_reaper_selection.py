"""What the scripts in REAPER say of a selection: in a real Lua, against a session with REAPER's documented calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from reaper_api import WrongCallError, checked, signatures
from reaper_session import MediaItem, PCM_source, media
from reaper_studio import RATE, ReaperStudio
from sendreturn.daws.capture import capture
from sendreturn.daws.selection import read_selection


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReaperStudio]:
    found = ReaperStudio(tmp_path, monkeypatch)
    yield found
    assert found.reaper.wrong == []


def item_of(studio: ReaperStudio) -> MediaItem:
    return studio.project.track("Gtr").items[0]


def sounding(studio: ReaperStudio, sent: dict[str, Any], folder: Path) -> Any:
    """The clip that the daemon makes of what was sent, as floating point."""
    taken = capture(read_selection(sent), folder)
    sound, _ = soundfile.read(taken.path, always_2d=True)
    start, end = taken.range_s or (0, len(sound) / RATE)
    return sound[round(start * RATE) : round(end * RATE)]


def file_samples(studio: ReaperStudio) -> Any:
    source = item_of(studio).takes[0].source
    assert source is not None
    return soundfile.read(source.path, always_2d=True)[0]


@pytest.mark.parametrize("operation", ["extend", "cover", "stems", "midi"])
def test_a_key_sends_the_selected_item(studio: ReaperStudio, operation: str) -> None:
    sent = studio.sent(f"sendreturn_{operation}.lua")
    assert (sent["operation"], sent["session"], sent["track"], sent["rate_hz"]) == (
        operation,
        studio.project.path,
        "Gtr",
        RATE,
    )
    (piece,) = sent["pieces"]
    assert piece["files"] == [{"path": str(Path(studio.project.path).parent / "Media" / "riff.wav")}]
    assert (piece["position"], piece["start"], piece["length"]) == (144_001, 0, 4 * RATE)
    assert "range" not in sent
    read_selection(sent)


def test_two_presses_are_two_requests(studio: ReaperStudio) -> None:
    studio.sent()
    studio.sent()
    assert len({message["request"] for message in studio.out("send")}) == 2


def test_an_item_that_was_cut_names_its_samples(studio: ReaperStudio) -> None:
    item = item_of(studio)
    item.takes[0].values["D_STARTOFFS"] = 4803 / RATE
    item.values |= {"D_LENGTH": 71_999 / RATE, "D_VOL": 0.5, "D_FADEINLEN": 0.01}
    item.takes[0].values["D_VOL"] = -0.5  # the polarity is turned
    (piece,) = studio.sent()["pieces"]
    assert (piece["start"], piece["length"], piece["gain"], piece["fade_in"]) == (4803, 71_999, 0.25, 480)


def test_what_lies_beyond_the_end_of_a_file_is_not_sent(studio: ReaperStudio) -> None:
    item_of(studio).values |= {"D_LENGTH": 9.0, "B_LOOPSRC": 0}
    (piece,) = studio.sent()["pieces"]
    assert piece["length"] == 4 * RATE


def test_silence_before_the_beginning_of_a_file_is_not_sent(studio: ReaperStudio) -> None:
    item_of(studio).values["B_LOOPSRC"] = 0
    item_of(studio).takes[0].values["D_STARTOFFS"] = -1000 / RATE
    (piece,) = studio.sent()["pieces"]
    assert (piece["start"], piece["position"], piece["length"]) == (0, 145_001, 4 * RATE - 1000)


def test_a_section_of_a_source_is_found_in_its_file(studio: ReaperStudio) -> None:
    take = item_of(studio).takes[0]
    take.source = PCM_source(rate_hz=RATE, channels=2, length_s=1.0, parent=take.source, section=(0.5, 1.0, False))
    item_of(studio).values |= {"D_LENGTH": 2.0, "B_LOOPSRC": 0}
    (piece,) = studio.sent()["pieces"]
    assert (piece["start"], piece["length"]) == (RATE // 2, RATE)


@pytest.mark.parametrize(("mode", "channels"), [(1, [1, 0]), (3, [0]), (4, [1])])
def test_the_channels_that_are_played_are_named(studio: ReaperStudio, mode: int, channels: list[int]) -> None:
    item_of(studio).takes[0].values["I_CHANMODE"] = mode
    (piece,) = studio.sent()["pieces"]
    assert [file["channel"] for file in piece["files"]] == channels


def test_the_rate_is_the_projects_or_else_the_sound_cards(studio: ReaperStudio) -> None:
    assert studio.sent()["rate_hz"] == RATE
    studio.project.uses_rate = False
    assert studio.sent()["rate_hz"] == 44_100
    studio.reaper.device_rate = None
    assert studio.sent()["rate_hz"] == RATE


def test_the_tempo_is_that_of_the_clip_and_its_changes(studio: ReaperStudio) -> None:
    studio.project.tempo = [
        (0.0, 100.0, 4, 4, True),
        (5.0, 110.0, 3, 4, False),
        (6.0, 120.0, 0, 0, False),
        (20.0, 90.0, 4, 4, False),
    ]
    tempo = studio.sent()["tempo"]
    assert [point["position"] for point in tempo] == [144_001, 240_000, 288_000]
    assert tempo[0]["bpm"] == pytest.approx(100 + 10 * 144_001 / RATE / 5)
    assert [point.get("time_signature") for point in tempo] == ["4/4", "3/4", None]


def test_a_time_selection_over_an_item_is_cut_out_of_it(studio: ReaperStudio) -> None:
    studio.project.range_s = (4.0, 5.5)
    sent = studio.sent("sendreturn_cover.lua")
    (piece,) = sent["pieces"]
    assert (piece["position"], piece["start"], piece["length"]) == (4 * RATE, 4 * RATE - 144_001, 72_000)
    assert "range" not in sent


def test_what_needs_context_is_sent_with_it(studio: ReaperStudio) -> None:
    studio.project.range_s = (4.0, 5.5)
    sent = studio.sent("sendreturn_inpaint.lua")
    (piece,) = sent["pieces"]
    assert sent["range"] == [4 * RATE, 72_000]
    assert (piece["position"], piece["length"]) == (144_001, 4 * RATE)


@pytest.mark.parametrize("range_s", [(0.0, 0.0), (2.0, 9.0)])
def test_an_inpainting_wants_to_know_its_part(studio: ReaperStudio, range_s: tuple[float, float]) -> None:
    studio.project.range_s = range_s
    assert "Set a time selection within the clip" in studio.refused("sendreturn_inpaint.lua")


def test_no_more_context_is_sent_than_is_of_use(studio: ReaperStudio, tmp_path: Path) -> None:
    long = tmp_path / "long.wav"
    soundfile.write(long, np.zeros((80 * RATE, 1)), RATE, "PCM_16")
    studio.project.tracks[0].items, studio.project.track("Gtr").items = [], []
    studio.project.track("Gtr").add(media(long), 0.0)
    studio.project.range_s = (40.0, 42.0)
    (piece,) = studio.sent("sendreturn_extend.lua")["pieces"]
    assert (piece["start"], piece["length"]) == (10 * RATE, 62 * RATE)


def test_a_time_selection_alone_takes_the_selected_tracks_items(studio: ReaperStudio) -> None:
    riff = item_of(studio)
    riff.values["B_UISEL"] = 0
    assert riff.takes[0].source is not None
    studio.project.track("Bass").add(riff.takes[0].source, 3.0).values["B_UISEL"] = 0
    studio.project.range_s = (4.0, 5.0)
    assert "several tracks" in studio.refused()
    studio.project.track("Bass").values["I_SELECTED"] = 1
    studio.reaper.dialogs.clear()
    assert studio.sent()["track"] == "Bass"


def test_a_time_selection_elsewhere_does_not_matter(studio: ReaperStudio) -> None:
    studio.project.range_s = (50.0, 60.0)
    (piece,) = studio.sent()["pieces"]
    assert piece["length"] == 4 * RATE


def test_items_in_a_row_are_sent_as_one(studio: ReaperStudio, tmp_path: Path) -> None:
    riff = item_of(studio)
    source = riff.takes[0].source
    assert source is not None
    second = studio.project.track("Gtr").add(source, 8.0, 1.0)
    second.takes[0].values["D_STARTOFFS"] = 0.25
    sent = studio.sent()
    assert [piece["position"] for piece in sent["pieces"]] == [144_001, 8 * RATE]
    got, file = sounding(studio, sent, tmp_path / "sent"), file_samples(studio)
    assert np.array_equal(got[: 4 * RATE], file)
    assert np.array_equal(got[8 * RATE - 144_001 :], file[RATE // 4 : RATE // 4 + RATE])


# What REAPER has to render


def rendered(studio: ReaperStudio, sent: dict[str, Any]) -> Any:
    assert sent["pieces"] == []
    assert studio.reaper.open_accessors == 0
    info = soundfile.info(sent["rendered"])
    assert (info.samplerate, info.subtype) == (RATE, "FLOAT")
    assert Path(sent["rendered"]).parent == Path(studio.project.path).parent / "Media" / "sendreturn"
    assert capture(read_selection(sent), Path("unused")).position == sent["position"]
    return soundfile.read(sent["rendered"], always_2d=True)[0]


def test_a_looped_item_is_rendered_as_long_as_it_is(studio: ReaperStudio) -> None:
    item_of(studio).values["D_LENGTH"] = 6.0
    sent = studio.sent()
    file, got = file_samples(studio), rendered(studio, sent)
    assert sent["position"] == 144_001
    assert np.allclose(got, np.concatenate([file, file[: 2 * RATE]]), atol=1e-6)


def test_a_reversed_item_is_rendered(studio: ReaperStudio) -> None:
    take = item_of(studio).takes[0]
    take.source = PCM_source(rate_hz=RATE, channels=2, length_s=4.0, parent=take.source, section=(0.0, 4.0, True))
    sent = studio.sent()
    file = soundfile.read(take.source.root.path, always_2d=True)[0]
    assert np.allclose(rendered(studio, sent), file[::-1], atol=1e-6)


def test_an_item_at_another_speed_is_rendered(studio: ReaperStudio) -> None:
    item_of(studio).takes[0].values["D_PLAYRATE"] = 2.0
    item_of(studio).values |= {"D_LENGTH": 2.0, "D_VOL": 0.7}
    sent = studio.sent()
    assert np.allclose(rendered(studio, sent), file_samples(studio)[::2], atol=1e-6)
    assert capture(read_selection(sent), Path("unused")).gain == 0.7


@pytest.mark.parametrize("change", ["markers", "pitch", "mono", "mp3"])
def test_what_a_cut_would_get_wrong_is_rendered(studio: ReaperStudio, change: str) -> None:
    take = item_of(studio).takes[0]
    assert take.source is not None
    if change == "markers":
        take.stretch_markers = 2
    elif change == "pitch":
        take.values["D_PITCH"] = -2.0
    elif change == "mono":
        take.values["I_CHANMODE"] = 2
    else:
        take.source.kind = "MP3"
    got = rendered(studio, studio.sent())
    assert got.shape == (4 * RATE, 1 if change == "mono" else 2)


def test_crossfaded_items_are_rendered_as_their_track_plays_them(studio: ReaperStudio) -> None:
    source = item_of(studio).takes[0].source
    assert source is not None
    studio.project.track("Gtr").add(source, 144_001 / RATE + 3.9)
    sent = studio.sent()
    got, file = rendered(studio, sent), file_samples(studio)
    assert np.allclose(got[: 3 * RATE], file[: 3 * RATE], atol=1e-6)
    start = round(3.9 * RATE)
    assert np.allclose(got[start : 4 * RATE], file[start:] + file[: 4 * RATE - start], atol=1e-6)


def test_only_the_time_selection_is_rendered(studio: ReaperStudio) -> None:
    take = item_of(studio).takes[0]
    take.stretch_markers = 1
    studio.project.range_s = (4.0, 5.0)
    sent = studio.sent()
    assert sent["position"] == 4 * RATE
    first = 4 * RATE - 144_001
    assert np.allclose(rendered(studio, sent), file_samples(studio)[first : first + RATE], atol=1e-6)


# What cannot be sent


def spoil(studio: ReaperStudio, how: str) -> None:
    item, take = item_of(studio), item_of(studio).takes[0]
    assert take.source is not None
    if how == "nothing":
        item.values["B_UISEL"] = 0
    elif how == "unsaved":
        studio.project.path = ""
    elif how == "midi":
        take.source = PCM_source(kind="MIDI", length_s=4)
    elif how == "empty":
        item.takes = []
    elif how == "missing":
        Path(take.source.path).unlink()
    elif how == "offline":
        take.source.rate_hz = 0
    elif how == "fx":
        take.fx = 1
    elif how == "beyond":
        take.values["D_STARTOFFS"] = 30.0
        item.values["B_LOOPSRC"] = 0


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("nothing", "Nothing is selected. Select an audio clip"),
        ("unsaved", "not saved yet. Save it first"),
        ("midi", "holds notes and no audio"),
        ("empty", "An empty item is selected"),
        ("missing", "riff.wav is not there"),
        ("offline", "is offline. Set it online"),
        ("fx", "plays through take FX"),
        ("beyond", "is silent there"),
    ],
)
def test_what_cannot_be_sent_is_told_at_once_inside_reaper(studio: ReaperStudio, how: str, words: str) -> None:
    spoil(studio, how)
    told = studio.refused()
    assert words in told
    assert told.endswith(".")


def test_media_that_is_offline_is_not_rendered_as_silence(studio: ReaperStudio) -> None:
    take = item_of(studio).takes[0]
    take.stretch_markers = 1
    assert take.source is not None
    take.source.parent = PCM_source(take.source.path, 0, 2, 4.0)
    take.source.parent.rate_hz = 0
    assert "offline" in studio.refused()
    assert list((Path(studio.project.path).parent / "Media").rglob("*.part")) == []


def test_take_fx_can_be_left_out_by_the_panels_word(studio: ReaperStudio) -> None:
    item_of(studio).takes[0].fx = 1
    (studio.mailbox / "panel.json").write_text('{"dry": true}', "utf-8")
    assert studio.sent()["pieces"]


def test_a_rendering_that_cannot_be_written_is_told(studio: ReaperStudio) -> None:
    item_of(studio).takes[0].stretch_markers = 1
    (Path(studio.project.path).parent / "Media" / "sendreturn").write_text("in the way", "utf-8")
    assert "cannot be written" in studio.refused()
    assert studio.reaper.open_accessors == 0


def test_without_the_mailbox_the_user_is_told_what_to_run(studio: ReaperStudio) -> None:
    studio.found.folder.rename(studio.found.folder.with_name("gone"))
    studio.reaper.press("sendreturn_cover.lua")
    assert "bridge install reaper" in studio.reaper.dialogs[-1]


# The model itself


def test_a_wrong_call_of_reaper_fails(studio: ReaperStudio) -> None:
    wrong = [("GetTrack", (studio.project,)), ("GetTrack", (studio.project, "1")), ("GetTrack", (None, 1))]
    for name, given in wrong:
        with pytest.raises(WrongCallError):
            checked(name, lambda *_: studio.project.tracks[0], [])(*given)
    assert len(signatures()) > 60
