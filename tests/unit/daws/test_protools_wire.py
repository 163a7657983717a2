"""PTSL's words, against the protobuf that py-ptsl publishes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ptsl import PTSL_pb2 as pt
from sendreturn_bridges.daws.protools import colors, paths, wire

NAMES = {
    "TrackType": (
        wire.track_type,
        {wire.MIDI: "TType_Midi", wire.AUDIO: "TType_Audio", wire.INSTRUMENT: "TType_Instrument"},
    ),
    "BitDepth": (wire.bit_depth, {2: "BDepth_16", 3: "BDepth_24", wire.FLOAT: "BDepth_32Float"}),
    "TransportState": (
        wire.transport_state,
        {3: "TState_TransportRecording", 5: "TState_TransportRecordingHalfSpeed"},
    ),
}


@pytest.mark.parametrize(("name", "number"), list(wire.COMMANDS.items()))
def test_commands_have_their_numbers(name: str, number: int) -> None:
    assert pt.CommandId.Value(f"CId_{name}") == number


@pytest.mark.parametrize("family", NAMES)
def test_every_name_of_a_value_is_known_and_no_other(family: str) -> None:
    read, wanted = NAMES[family]
    for value in pt.DESCRIPTOR.enum_types_by_name[family].values:
        expected = value.number if value.number in wanted else 0
        assert read(value.name) == expected, value.name
        assert read(value.number) == value.number
    assert all(pt.DESCRIPTOR.enum_types_by_name[family].values_by_name[name].number == n for n, name in wanted.items())


@pytest.mark.parametrize("value", list(pt.DESCRIPTOR.enum_types_by_name["TrackAttributeState"].values))
def test_a_track_is_selected_by_itself_or_by_its_folder(value: object) -> None:
    assert wire.is_set(value.name) is (value.number > 1)  # type: ignore[attr-defined]
    assert wire.is_set(value.number) is (value.number > 1)  # type: ignore[attr-defined]


def test_older_versions_say_whether_a_track_is_selected_with_a_truth_value() -> None:
    assert wire.is_set(True)
    assert not wire.is_set(False)
    assert not wire.is_set(None)


@pytest.mark.parametrize("value", list(pt.DESCRIPTOR.enum_types_by_name["SampleRate"].values))
def test_sample_rates_are_their_own_numbers(value: object) -> None:
    number = value.number  # type: ignore[attr-defined]
    assert wire.sample_rate(value.name) == (number if number > 1 else 0)  # type: ignore[attr-defined]
    assert wire.sample_rate(number) == number


@pytest.mark.parametrize(("number", "name"), list(wire._ERRORS.items()))
def test_errors_have_their_numbers(number: int, name: str) -> None:
    assert pt.CommandErrorType.Value(name) == number


@pytest.mark.parametrize("kind", [109, "109", "PT_NoSelection", "CEType_PT_NoSelection"])
def test_an_error_is_read_by_number_and_by_name(kind: object) -> None:
    text = json.dumps({"errors": [{"command_error_type": kind, "command_error_message": "nothing"}]})
    assert wire.read_problem(text) == wire.Problem("PT_NoSelection", "nothing")


def test_an_error_of_the_first_version_is_read_too() -> None:
    told = wire.read_problem('{"command_error": "PT_InvalidParameter"}')
    assert told.kind == "PT_InvalidParameter"
    assert wire.read_problem("no JSON").message == "no JSON"


@pytest.mark.parametrize("event", ["EId_MenuItemSelected", 5])
def test_a_click_is_read(event: object) -> None:
    text = json.dumps({"event": {"event_id": event, "event_data_json": '{"menu_item_id": "7"}'}})
    assert wire.read_event(text) == wire.Event(wire.MENU_ITEM_SELECTED, "7")


@pytest.mark.parametrize("name", ["EId_SessionOpened", "EId_SessionCreated", "EId_SessionClosed"])
def test_sessions_are_told_of(name: str) -> None:
    told = wire.read_event(json.dumps({"event": {"event_id": name, "event_data_json": ""}}))
    assert told == wire.Event(pt.EventId.Value(name))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"event": 3}', '{"event": {"event_id": "EId_Unknown"}}'])
def test_what_says_nothing_is_no_event(text: str) -> None:
    assert wire.read_event(text) is None


@pytest.mark.parametrize(
    ("text", "number"), [("144001", 144_001), (" -5 ", -5), ("1|1|000", None), ("", None), (None, None)]
)
def test_samples_are_whole_numbers(text: object, number: int | None) -> None:
    assert wire.samples(text) == number


def test_an_empty_list_may_come_as_an_object() -> None:
    assert wire.table({"track_list": {}}, "track_list") == []
    assert wire.table({"clips": [{"a": 1}, 2]}, "clip_list", "clips") == [{"a": 1}]


# Files


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    """A Mac's drives."""
    folder = tmp_path / "Volumes"
    (folder / "Tapes").mkdir(parents=True)
    (folder / "Macintosh HD").symlink_to("/")
    return folder


def test_a_path_with_colons_is_one_of_a_drive(volumes: Path) -> None:
    assert paths.native("Macintosh HD:Users:me:Song:Song.ptx", volumes) == Path("/Users/me/Song/Song.ptx")
    assert paths.native("Tapes:Song:Song.ptx", volumes) == volumes.resolve() / "Tapes/Song/Song.ptx"


def test_a_path_with_slashes_is_what_it_is(volumes: Path) -> None:
    assert paths.native("/Users/me/a:b/Song.ptx", volumes) == Path("/Users/me/a:b/Song.ptx")
    assert paths.native("", volumes) is None
    assert paths.native("Song.ptx", volumes) is None


def test_paths_go_back_into_colons(volumes: Path) -> None:
    assert paths.with_colons(Path("/Users/me/Song"), volumes) == "Macintosh HD:Users:me:Song"
    assert paths.with_colons(volumes / "Tapes" / "Song", volumes) == "Tapes:Song"


def test_a_folder_is_first_spelled_as_the_session_is(volumes: Path) -> None:
    folder = Path("/Users/me/Song")
    slashes, colons = "/Users/me/Song/", "Macintosh HD:Users:me:Song:"
    assert paths.folder_spellings(folder, "/Users/me/Song.ptx", volumes) == [slashes, colons]
    assert paths.folder_spellings(folder, "Macintosh HD:Users:me:Song.ptx", volumes) == [colons, slashes]
    assert paths.file(folder, "Macintosh HD:x.ptx", volumes) == "Macintosh HD:Users:me:Song"
    assert paths.file(folder, "/x.ptx", volumes) == "/Users/me/Song"


# Colors


def test_the_nearest_color_of_the_palette_is_taken() -> None:
    palette = ["#ff000000", "#ffffffff", "#ffd02020", "#ff2020d0"]
    assert colors.nearest("#d93025", palette) == 2
    assert colors.nearest("#5b8def", palette) == 3
    assert colors.nearest("#000000", palette) == 0


@pytest.mark.parametrize("palette", [[], ["red"], [None, 3]])
def test_without_a_palette_there_is_no_color(palette: list[object]) -> None:
    assert colors.nearest("#d93025", palette) is None
