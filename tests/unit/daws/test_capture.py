"""From a selection to a clip: exactly what is heard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from clips import music
from daw_side import selection
from sendreturn.audio.decode import open_decoder
from sendreturn.daws.capture import capture
from sendreturn.daws.selection import read_selection
from sendreturn.errors import ClipError, SendReturnError, UsageError

RATE = 48_000


def selected(tmp_path: Path, *pieces: dict[str, Any], **more: Any) -> Any:
    return read_selection(selection("r1", tmp_path, "extend", RATE, pieces=list(pieces), **more))


def written(path: Path, samples: Any, subtype: str = "PCM_24", rate_hz: int = RATE) -> str:
    soundfile.write(path, samples, rate_hz, subtype)
    return str(path)


def integers(path: Path) -> Any:
    with open_decoder(path) as decoder:
        return decoder.read(decoder.info.frames, "int32")


def test_an_item_that_is_one_file_is_not_copied(tmp_path: Path) -> None:
    file = written(tmp_path / "riff.wav", music(2.0))
    taken = capture(
        selected(tmp_path, {"files": [{"path": file}], "start": 4803, "length": 71_999, "position": 144_001}),
        tmp_path / "sent",
    )
    assert taken.path == Path(file)
    assert taken.range_s == (4803 / RATE, (4803 + 71_999) / RATE)
    assert (taken.position, taken.length) == (144_001, 71_999)
    assert not (tmp_path / "sent").exists()


def test_the_whole_of_a_file_needs_no_range(tmp_path: Path) -> None:
    file = written(tmp_path / "riff.wav", music(1.0))
    taken = capture(selected(tmp_path, {"files": [{"path": file}], "length": RATE, "position": 0}), tmp_path / "sent")
    assert taken.range_s is None


def test_one_mono_file_per_channel_becomes_one_clip_sample_for_sample(tmp_path: Path) -> None:
    sound = music(2.0)
    files = [
        {"path": written(tmp_path / f"riff%{side}.wav", sound[:, index], "FLOAT"), "channel": 0}
        for index, side in enumerate("LR")
    ]
    piece = {"files": files, "start": 4803, "length": 71_999, "position": 144_001}
    taken = capture(selected(tmp_path, piece, track="Lead Gtr"), tmp_path / "sent")
    assert taken.path.parent == tmp_path / "sent"
    assert taken.path.name.startswith("Lead")
    got, _ = soundfile.read(taken.path, dtype="float32")
    assert np.array_equal(got, sound[4803 : 4803 + 71_999].astype(np.float32))
    assert soundfile.info(taken.path).subtype == "FLOAT"


def test_items_in_a_row_keep_the_gap_between_them(tmp_path: Path) -> None:
    first, second = music(1.0, seed=1), music(1.0, seed=2)
    one = {"files": [{"path": written(tmp_path / "a.wav", first)}], "length": RATE, "position": 1000}
    two = {"files": [{"path": written(tmp_path / "b.wav", second)}], "length": 100, "position": 1000 + RATE + 37}
    taken = capture(selected(tmp_path, two, one), tmp_path / "sent")
    got = integers(taken.path)
    assert len(got) == RATE + 37 + 100
    assert np.array_equal(got[:RATE], integers(tmp_path / "a.wav"))
    assert not got[RATE : RATE + 37].any()
    assert np.array_equal(got[RATE + 37 :], integers(tmp_path / "b.wav")[:100])
    assert taken.position == 1000


def test_channels_of_another_order_are_taken_as_the_daw_plays_them(tmp_path: Path) -> None:
    sound = music(1.0)
    file = written(tmp_path / "a.wav", sound)
    piece = {"files": [{"path": file, "channel": 1}, {"path": file, "channel": 0}], "length": RATE, "position": 0}
    taken = capture(selected(tmp_path, piece), tmp_path / "sent")
    assert np.array_equal(integers(taken.path), integers(Path(file))[:, ::-1])


def test_the_same_request_makes_the_same_file_once(tmp_path: Path) -> None:
    sound = music(1.0)
    file = written(tmp_path / "a.wav", sound)
    piece = {"files": [{"path": file, "channel": 0}], "length": RATE, "position": 0}
    paths = {capture(selected(tmp_path, piece), tmp_path / "sent").path for _ in range(2)}
    assert len(paths) == 1
    assert len(list((tmp_path / "sent").iterdir())) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"why_render": "reversed"}, "reversed"),
        ({"play_rate": 1.5}, "another speed"),
    ],
)
def test_what_a_cut_would_get_wrong_is_to_be_rendered(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    file = written(tmp_path / "a.wav", music(1.0))
    piece = {"files": [{"path": file}], "length": RATE, "position": 0, **change}
    with pytest.raises(UsageError, match=words) as told:
        capture(selected(tmp_path, piece), tmp_path / "sent")
    assert "bounce" in told.value.hint


def test_what_the_daw_has_rendered_is_the_clip(tmp_path: Path) -> None:
    file = written(tmp_path / "rendered.wav", music(1.0))
    taken = capture(selected(tmp_path, rendered=file, position=777), tmp_path / "sent")
    assert (taken.path, taken.position, taken.range_s) == (Path(file), 777, None)


@pytest.mark.parametrize("pieces", [[], "missing", "short", "midi", "overlap", "rates"])
def test_a_selection_that_is_no_clip_is_told_in_a_sentence(tmp_path: Path, pieces: Any) -> None:
    a = {"files": [{"path": written(tmp_path / "a.wav", music(1.0))}], "length": RATE, "position": 0}
    b = {
        "files": [{"path": written(tmp_path / "b.wav", music(1.0), rate_hz=44_100)}],
        "length": 44_100,
        "position": RATE,
    }
    (tmp_path / "notes.mid").write_bytes(b"MThd\0\0\0\6\0\1\0\1\3\xc0")
    chosen: dict[str, list[dict[str, Any]]] = {
        "missing": [{**a, "files": [{"path": str(tmp_path / "gone.wav")}]}],
        "short": [{**a, "start": 2 * RATE}],
        "midi": [{**a, "files": [{"path": str(tmp_path / "notes.mid")}]}],
        "overlap": [a, {**a, "position": RATE - 1}],
        "rates": [a, b],
    }
    with pytest.raises((UsageError, ClipError)) as told:
        capture(selected(tmp_path, *(chosen[pieces] if pieces else [])), tmp_path / "sent")
    assert told.value.sentence.endswith(".")


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "Sends").write_text("in the way")
    piece = {
        "files": [{"path": written(tmp_path / "a.wav", music(1.0)), "channel": 0}],
        "length": RATE,
        "position": 0,
    }
    with pytest.raises(SendReturnError, match="cannot be made") as told:
        capture(selected(tmp_path, piece), tmp_path / "Sends" / "sent")
    assert told.value.sentence.endswith(".")


def test_a_document_of_another_shape_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="bridge install"):
        read_selection({"request": "r", "operation": "extend", "rate_hz": "fast"})


def test_lua_tables_and_floating_samples_are_taken(tmp_path: Path) -> None:
    """Lua's JSON writers cannot tell an empty list from an empty mapping, nor 3 from 3.0."""
    file = written(tmp_path / "a.wav", music(1.0))
    document = selection("r", tmp_path, "extend", 48_000, params=[], tempo={})
    document["pieces"] = [{"files": [{"path": file}], "start": 3.0, "length": 100.0, "position": 12.0}]
    found = read_selection(document)
    assert (found.params, found.tempo, found.pieces[0].start) == ({}, (), 3)
