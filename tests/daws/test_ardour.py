"""The bridge in a real Ardour: one key out, tracks back in place."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from ardour_offers import Offers, is_laid, lies, lies_as, placed, returned_file, short_file, stems
from ardour_studio import LENGTH, POSITION, RATE, START, Studio, studio
from mido import Message, MetaMessage, MidiFile, MidiTrack
from real_ardour import RealArdour, Region, why_not

REASON = why_not()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(REASON is not None, reason=str(REASON)), pytest.mark.timeout(300)]
RUNS = int(os.environ.get("SENDRETURN_ARDOUR_RUNS", "3"))
"""How often the whole way is gone, each time with a new Ardour and a new session."""
FADE = 64
"""Ardour fades every region in and out over this many samples."""
MIDI_TOO = {"stems": 0, "midi": True}
RANGE_OF_SELECTED = "Editor:access_action ('Editor', 'select-from-regions')"
SPLIT = """
for route in Session:get_tracks ():iter () do
  for _, place in ipairs {{ {places} }} do
    local playlist = route:to_track ():playlist ()
    for region in playlist:region_list ():iter () do
      if region:covers (Temporal.timepos_t (place)) then playlist:split_region (region, Temporal.timepos_t (place)) end
    end
  end
end
"""
SELECT_AT = """
local list = ArdourUI.SelectionList ()
for route in Session:get_tracks ():iter () do
  for region in route:to_track ():playlist ():region_list ():iter () do
    local view = Editor:regionview_from_region (region)
    if region:position ():samples () == {position} and view then list:push_back (view) end
  end
end
Editor:set_selection (list, ArdourUI.SelectionOp.Set)
local count = 0
for _ in Editor:get_selection ().regions:regionlist ():iter () do count = count + 1 end
return count
"""

REGIONS = """
local names = ''
for route in Session:get_tracks ():iter () do
  for _ in route:to_track ():playlist ():region_list ():iter () do names = names .. route:name () .. '; ' end
end
return names
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Studio]:
    with studio(tmp_path, MIDI_TOO) as made:
        yield made


def returned(desk: Studio, number: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(placed(desk, number).read_text("utf-8"))
    return found


def audio(regions: list[Region]) -> list[Region]:
    return [region for region in regions if region.kind == "audio"]


def sent_and_placed(desk: Studio, ardour: RealArdour, operation: str) -> tuple[float, float]:
    """Press the action, and wait until its returns lie on tracks; the two times that a user notices, in ms."""
    pressed_s = time.perf_counter()
    desk.press(ardour, operation)
    ardour.until(lambda: desk.notes("accepted"))
    accepted_s = time.perf_counter()
    ardour.until(lambda: is_laid(desk, 1))
    laid_s = time.perf_counter()
    ardour.until(lambda: placed(desk, 1).exists())
    return (accepted_s - pressed_s) * 1e3, (time.perf_counter() - laid_s) * 1e3


@pytest.mark.parametrize("run", range(RUNS))
def test_one_key_out_and_tracks_back_at_the_same_sample(desk: Studio, run: int, tmp_path: Path) -> None:
    desk.daemon.start()
    desk.daemon.until_ready()
    with desk.open() as ardour:
        desk.bring_in(ardour)
        desk.select(ardour, "Gtr")
        figures = sent_and_placed(desk, ardour, "extend")
    print(f"\nArdour, run {run}: key to accepted {figures[0]:.0f} ms, finished file to placed {figures[1]:.0f} ms")

    # What was sent is exactly what is heard of the region, from one mono file of each channel.
    (sent,) = (desk.bench.session / "Sends" / "sent").glob("*.wav")
    source, _ = soundfile.read(desk.clip, dtype="float32")
    assert np.array_equal(soundfile.read(sent, dtype="float32")[0], source[START : START + LENGTH])

    # The source lies as it lay; the tail begins where it ends, notes where it begins, on named and coloured tracks.
    regions = desk.bench.regions()
    assert next((r.position, r.length, r.start) for r in audio(regions)) == (POSITION, LENGTH, START)
    tail = returned(desk, 1)["files"][0]
    frames = soundfile.info(tail["path"]).frames
    assert [(r.position, r.length) for r in audio(regions)][1:] == [(POSITION + LENGTH, frames)]
    notes = [region for region in regions if region.kind == "midi"]
    assert notes
    assert all(abs(region.position - POSITION) <= 12 for region in notes)  # Ardour counts notes in ticks
    routes = desk.bench.routes()
    assert "Gtr extend tail" in routes
    color = routes["Gtr extend tail"].find("PresentationInfo")
    assert color is not None
    assert int(color.get("color") or 0) == int(tail["color"][1:] + "ff", 16)

    # Ardour's own tools open it again, and it sounds as it was delivered, to the bit.
    assert desk.bench.lua("local s = load_session (arg[1], arg[2]) print (s:name ()) s:close ()",
                          str(desk.bench.session), "Tune").strip().endswith("Tune")  # fmt: skip
    desk.bench.export(tmp_path / "mix.wav")
    mix, rate = soundfile.read(tmp_path / "mix.wav", dtype="float32")
    delivered, _ = soundfile.read(tail["path"], dtype="float32")
    start = POSITION + LENGTH - first_sample(desk)
    heard = mix[start + FADE : start + frames - FADE]
    assert rate == RATE
    assert np.array_equal(heard, delivered[FADE : FADE + len(heard)])
    assert len(heard) == frames - 2 * FADE


def first_sample(desk: Studio) -> int:
    """Where an export of the session begins."""
    locations = desk.bench.xml().iterfind("Locations/Location")
    whole = next(location for location in locations if "IsSessionRange" in (location.get("flags") or ""))
    return round(int((whole.get("start") or "a0")[1:]) * RATE / 282_240_000)


def test_a_range_is_made_anew_and_its_context_is_trimmed_off_again(desk: Studio) -> None:
    first, last = POSITION + 24_000, POSITION + 48_000
    length = last - first - 1  # Ardour ends a range that is made from a region at its last sample
    desk.daemon.start()
    desk.daemon.until_ready()
    with desk.open() as ardour:
        desk.bring_in(ardour)
        ardour.run(SPLIT.format(places=f"{first}, {last}"))
        ardour.until(lambda: ardour.run(SELECT_AT.format(position=first)) == "1")
        ardour.run(RANGE_OF_SELECTED)
        sent_and_placed(desk, ardour, "inpaint")
    (sent,) = (desk.bench.session / "Sends" / "sent").glob("*.wav")
    source, _ = soundfile.read(desk.clip, dtype="float32")
    assert np.array_equal(soundfile.read(sent, dtype="float32")[0], source[START : START + LENGTH])
    new = [region for region in audio(desk.bench.regions()) if "inpaint" in "".join(region.sources)]
    assert [(region.position, region.length, region.start) for region in new] == [(first, length, 24_000)]


def test_one_undo_takes_the_new_regions_back_and_ardour_keeps_the_tracks(desk: Studio, tmp_path: Path) -> None:
    offers = Offers(desk)
    with desk.open() as ardour:
        desk.bring_in(ardour)
        offers.offer("0badcafe", *stems(tmp_path, "0badcafe", 3))
        ardour.until(lambda: placed(desk, 1).exists())
        full = ardour.run(REGIONS)
        ardour.act("Editor/undo")
        ardour.until(lambda: ardour.run(REGIONS) == "Gtr; ")
        ardour.run("Session:save_state ('', false, false, false, false, false)")
        assert len([name for name in desk.bench.routes() if name.startswith("Gtr riff_stems")]) == 3
        ardour.act("Editor/redo")
        ardour.until(lambda: ardour.run(REGIONS) == full)


def two_instruments(folder: Path) -> Path:
    path = folder / "riff_midi_0badcafe_t1.mid"
    file = MidiFile()
    for channel, name in enumerate(("Piano", "Bass")):
        on, off = Message("note_on", note=60, channel=channel), Message("note_off", note=60, channel=channel, time=480)
        file.tracks.append(MidiTrack([MetaMessage("track_name", name=name), on, off]))
    file.save(path)
    return path


def test_each_instrument_lies_on_a_track_of_its_own_beside_the_audio(desk: Studio, tmp_path: Path) -> None:
    offers, files = Offers(desk), stems(tmp_path, "0badcafe", 2)
    notes = replace(returned_file(two_instruments(tmp_path), POSITION, "Gtr midi"), kind="midi")
    with desk.open() as ardour:
        offers.offer("0badcafe", *files, notes)
        ardour.until(offers.answers)
    regions = desk.bench.regions()
    assert lies(regions) == lies_as(files)
    placed_notes = [(region.track, region.position) for region in regions if region.kind == "midi"]
    assert placed_notes == [("Gtr midi Piano", POSITION), ("Gtr midi Bass", POSITION)]


def test_a_return_that_is_missing_not_whole_or_no_audio_is_told_and_the_others_are_placed(
    desk: Studio, tmp_path: Path
) -> None:
    offers, path = Offers(desk), short_file(tmp_path)
    odd = tmp_path / "odd.wav"
    odd.write_text("no audio at all")
    with desk.open() as ardour:
        offers.offer("00000001", returned_file(tmp_path / "gone.wav", 0))
        ardour.close_dialog()
        offers.offer("00000002", returned_file(path, 0, size_bytes=path.stat().st_size + 1))
        ardour.close_dialog()
        files = stems(tmp_path, "00000003", 3)
        offers.offer("00000003", files[0], returned_file(odd, 0), *files[1:])
        ardour.close_dialog()
        offers.offer("00000004", returned_file(path, 48_000, offset_samples=800, length_samples=1_600))
        ardour.until(offers.answers)
    assert lies(desk.bench.regions()) == sorted([*lies_as(files), (48_000, 1_600, 800)])
    assert offers.answers() == ["00000004"]
