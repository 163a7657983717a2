"""Tempo, time signature and sample rate out of the project files of four DAWs."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from project_samples import live_set, write_ardour, write_dawproject, write_live, write_reaper
from sendreturn.audio.notes import Meter, TempoChange
from sendreturn.project_files.ardour import read_ardour
from sendreturn.project_files.dawproject import read_dawproject
from sendreturn.project_files.live import read_live
from sendreturn.project_files.project_file import Project
from sendreturn.project_files.reaper import read_reaper
from sendreturn.project_files.tempo_map import TempoPoint, glided, lay_out

A_DAY_S = 86_400.0


def whole(project: Project) -> Meter:
    """The whole map of a project, from the session's start on."""
    assert project.tempo_map is not None
    return project.tempo_map.meter_at(0.0, A_DAY_S)


def close(changes: tuple[TempoChange, ...]) -> list[tuple[float, float, int, int]]:
    return [(pytest.approx(c.at_s), pytest.approx(c.bpm), c.numerator, c.denominator) for c in changes]


# REAPER


def test_a_reaper_project_tells_its_tempo_and_signature_and_not_those_in_its_notes(tmp_path: Path) -> None:
    project = read_reaper(write_reaper(tmp_path / "Song.rpp", bpm="97.5", signature="6 8 0"))

    assert whole(project) == Meter(97.5, 6, 8)
    assert project.tempo_map is not None
    assert project.tempo_map.is_steady


@pytest.mark.parametrize(("line", "rate_hz"), [("96000 1 0", 96_000), ("96000 0 0", None), ("7 1 0", None)])
def test_reaper_has_a_rate_of_its_own_only_where_it_is_ticked(tmp_path: Path, line: str, rate_hz: int | None) -> None:
    assert read_reaper(write_reaper(tmp_path / "Song.rpp", rate=line)).sample_rate_hz == rate_hz


def test_reapers_tempo_envelope_goes_before_the_tempo_line(tmp_path: Path) -> None:
    points = ["0 120 1 262148 0 1", "8 140 1", "21.5 90.5 1 524294 0 1"]

    meter = whole(read_reaper(write_reaper(tmp_path / "Song.rpp", bpm="66", points=points)))

    assert (meter.bpm, meter.signature) == (120.0, "4/4")
    assert list(meter.changes) == [TempoChange(8.0, 140.0, 4, 4), TempoChange(21.5, 90.5, 6, 8)]


def test_a_reaper_marker_may_change_the_signature_alone(tmp_path: Path) -> None:
    points = ["0 100 1 262148 0 1", "4.8 120 1 262147 0 3"]

    meter = whole(read_reaper(write_reaper(tmp_path / "Song.rpp", points=points)))

    assert list(meter.changes) == [TempoChange(4.8, 100.0, 3, 4)]


def test_a_glide_of_reapers_has_the_mean_of_its_ends_over_its_time(tmp_path: Path) -> None:
    points = ["0 100 1", "6 100 0", "16 200 1"]

    timeline = whole(read_reaper(write_reaper(tmp_path / "Song.rpp", points=points))).timeline

    at_start, at_end = timeline.quarters(6.0), timeline.quarters(16.0)
    assert at_end - at_start == pytest.approx(10 * 150 / 60)
    # Half way in time, the tempo is 150, so that far it was 125 on average.
    assert timeline.quarters(11.0) - at_start == pytest.approx(5 * 125 / 60, abs=0.01)
    assert timeline.quarters(17.0) - at_end == pytest.approx(200 / 60)


# Ardour


def test_an_ardour_7_session_tells_tempo_signature_and_rate(tmp_path: Path) -> None:
    project = read_ardour(write_ardour(tmp_path / "Song.ardour"))

    assert whole(project) == Meter(97.5, 3, 4)
    assert project.sample_rate_hz == 48_000


def test_a_tempo_of_ardours_counts_the_notes_of_its_type(tmp_path: Path) -> None:
    tempo = '<Tempos><Tempo npm="180" enpm="180" note-type="8" quarters="0:0" omega="0"/></Tempos>'

    assert whole(read_ardour(write_ardour(tmp_path / "Song.ardour", tempo))).bpm == 90.0


def test_an_ardour_7_glide_lasts_as_its_logarithm_says(tmp_path: Path) -> None:
    tempi = """<Tempos>
      <Tempo npm="120" enpm="180" note-type="4" active="1" quarters="4:960" omega="4.7e-10"/>
      <Tempo npm="180" enpm="180" note-type="4" active="1" quarters="12:960" omega="0"/>
    </Tempos>"""

    timeline = whole(read_ardour(write_ardour(tmp_path / "Song.ardour", tempi))).timeline

    lasts_s = timeline.seconds(12.5) - timeline.seconds(4.5)
    assert lasts_s == pytest.approx(60 * 8 / 60 * math.log(1.5))
    assert timeline.seconds(8.5) - timeline.seconds(4.5) == pytest.approx(8 * math.log(1.25))


def test_where_ardours_clock_says_otherwise_its_clock_is_believed(tmp_path: Path) -> None:
    # As Ardour 7.3 saves a ramp that it never calculated: it plays 8 quarter notes in 4 s.
    tempi = """<Tempos>
      <Tempo npm="100" enpm="180" note-type="4" type="Tempo::Ramped" sclock="0" quarters="0:0" omega="0"/>
      <Tempo npm="180" enpm="180" note-type="4" type="Tempo::Constant" sclock="1128960000" quarters="8:0" omega="0"/>
    </Tempos>"""

    meter = whole(read_ardour(write_ardour(tmp_path / "Song.ardour", tempi)))

    assert meter.bpm == 120.0
    assert list(meter.changes) == [TempoChange(4.0, 180.0)]


def test_an_ardour_6_session_counts_in_whole_notes(tmp_path: Path) -> None:
    tempi = """
    <Tempo pulse="0" frame="0" movable="0" lock-style="AudioTime" beats-per-minute="120" note-type="4" clamped="0"
      end-beats-per-minute="120" active="1" locked-to-meter="1"/>
    <Meter pulse="0" frame="0" movable="0" lock-style="AudioTime" bbt="1|1|0" beat="0" note-type="4"
      divisions-per-bar="4"/>
    <Tempo pulse="2" frame="176400" movable="1" lock-style="MusicTime" beats-per-minute="90" note-type="4" clamped="0"
      end-beats-per-minute="90" active="1" locked-to-meter="0"/>
    <Meter pulse="2" frame="176400" movable="1" bbt="3|1|0" beat="8" note-type="8" divisions-per-bar="7"/>"""

    meter = whole(read_ardour(write_ardour(tmp_path / "Song.ardour", tempi)))

    assert meter == Meter(120.0, 4, 4, (TempoChange(4.0, 90.0, 7, 8),))


@pytest.mark.skipif(shutil.which("ardour7-lua") is None, reason="Ardour is not installed")
def test_a_session_that_ardour_itself_wrote_is_read_as_it_was_set(tmp_path: Path) -> None:
    script = tmp_path / "create.lua"
    script.write_text(
        """local s = create_session (arg[1], "Song", 44100)
        local tm = Temporal.TempoMap.fetch_writable ()
        tm:set_tempo (Temporal.Tempo (97.5, 97.5, 4), Temporal.timepos_t (0))
        tm:set_meter (Temporal.Meter (3, 4), Temporal.timepos_t (0))
        tm:set_tempo (Temporal.Tempo (150, 150, 4), Temporal.timepos_t.from_ticks (1920 * 12))
        tm:set_meter (Temporal.Meter (6, 8), Temporal.timepos_t.from_ticks (1920 * 12))
        Temporal.TempoMap.update (tm) tm = nil
        s:save_state ("", false, false, false, false, false)
        s:close ()"""
    )
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config"), "ARDOUR_FPU_FLAGS": "0"}
    subprocess.run(
        ["ardour7-lua", str(script), str(tmp_path / "Song")], env=env, check=True, capture_output=True, timeout=60
    )

    project = read_ardour(tmp_path / "Song" / "Song.ardour")

    assert project.sample_rate_hz == 44_100
    meter = whole(project)
    assert (meter.bpm, meter.signature) == (97.5, "3/4")
    assert [(c.at_s, c.bpm, c.numerator, c.denominator) for c in meter.changes] == close(
        (TempoChange(12 * 60 / 97.5, 150.0, 6, 8),)
    )


# Live


@pytest.mark.parametrize("track", ["MainTrack", "MasterTrack"])
def test_a_live_set_tells_the_tempo_of_its_main_track(tmp_path: Path, track: str) -> None:
    project = read_live(write_live(tmp_path / "Song.als", live_set(track=track, bpm="84.25")))

    assert whole(project) == Meter(84.25, 4, 4)
    assert project.sample_rate_hz is None


@pytest.mark.parametrize(
    ("code", "signature"),
    [("201", "4/4"), ("200", "3/4"), ("302", "6/8"), ("100", "2/2"), ("0", "1/1"), ("494", "99/16")],
)
def test_lives_number_for_a_signature_is_understood(tmp_path: Path, code: str, signature: str) -> None:
    xml = live_set(meters=[("-63072000", code)])

    assert whole(read_live(write_live(tmp_path / "Song.als", xml))).signature == signature


def test_lives_automation_jumps_and_glides(tmp_path: Path) -> None:
    tempi = [("-63072000", "120"), ("8", "120"), ("8", "60"), ("12", "60"), ("16", "120")]
    xml = live_set(bpm="140", tempi=tempi, meters=[("-63072000", "201"), ("8", "200")])

    meter = whole(read_live(write_live(tmp_path / "Song.als", xml)))

    assert (meter.bpm, meter.signature) == (120.0, "4/4")
    assert meter.changes[0] == TempoChange(4.0, 60.0, 3, 4)
    assert meter.timeline.seconds(12.0) == pytest.approx(8.0)
    assert meter.timeline.seconds(16.0) == pytest.approx(8.0 + 4 * math.log(2))
    assert meter.changes[-1].bpm == 120.0


def test_a_bent_automation_of_lives_runs_along_its_curve(tmp_path: Path) -> None:
    tempi = [("-63072000", "120"), ("8", "120"), ("16", "60")]
    bent = 'Time="8" Value="120" CurveControl1X="0" CurveControl1Y="1" CurveControl2X="0" CurveControl2Y="1"'
    straight = bent.replace('1X="0" CurveControl1Y="1"', '1X="0.5" CurveControl1Y="0.5"')
    straight = straight.replace('2X="0" CurveControl2Y="1"', '2X="0.5" CurveControl2Y="0.5"')
    lasts_s = []
    for event in (bent, straight):
        xml = live_set(tempi=tempi).replace('Time="8" Value="120"', event)
        timeline = whole(read_live(write_live(tmp_path / "Song.als", xml))).timeline
        lasts_s.append(timeline.seconds(16.0) - timeline.seconds(8.0))
    steps = (np.arange(200_000) + 0.5) / 200_000
    # x is t³ and y 1 − (1 − t)³ there: the tempo falls at once, and comes to rest.
    along, down = steps**3, 1.0 - (1.0 - steps) ** 3
    truth_s = float(np.sum(60.0 / (120.0 - 60.0 * down[1:]) * np.diff(8.0 * along)))
    assert lasts_s[0] == pytest.approx(truth_s, abs=0.01)
    assert lasts_s[1] == pytest.approx(8 * math.log(2))


# DAWproject


def test_a_dawproject_tells_tempo_and_signature(tmp_path: Path) -> None:
    assert whole(read_dawproject(write_dawproject(tmp_path / "Song.dawproject"))) == Meter(149.0, 6, 8)


def test_a_dawprojects_automations_are_its_tempo_map(tmp_path: Path) -> None:
    arrangement = """<TempoAutomation unit="bpm" timeUnit="beats"><Target parameter="id0"/>
      <RealPoint time="0" value="120" interpolation="hold"/>
      <RealPoint time="8" value="60" interpolation="linear"/>
      <RealPoint time="12" value="120" interpolation="hold"/></TempoAutomation>
    <TimeSignatureAutomation timeUnit="seconds"><Target parameter="id1"/>
      <TimeSignaturePoint time="4" numerator="5" denominator="4"/></TimeSignatureAutomation>"""

    meter = whole(read_dawproject(write_dawproject(tmp_path / "Song.dawproject", arrangement=arrangement)))

    assert (meter.bpm, meter.signature) == (120.0, "6/8")
    assert (meter.changes[0].at_s, meter.changes[0].numerator) == (4.0, 5)
    assert meter.timeline.seconds(12.0) == pytest.approx(4.0 + 4 * math.log(2))


def test_a_tempo_automation_may_count_in_seconds(tmp_path: Path) -> None:
    arrangement = """<TempoAutomation timeUnit="seconds"><Target parameter="id0"/>
      <RealPoint time="0" value="120"/><RealPoint time="3" value="90"/></TempoAutomation>"""

    meter = whole(read_dawproject(write_dawproject(tmp_path / "Song.dawproject", arrangement=arrangement)))

    assert meter.changes == (TempoChange(3.0, 90.0, 6, 8),)


# The map


def test_a_clip_gets_the_meter_of_its_place_and_the_changes_inside_it() -> None:
    tempo_map = lay_out(
        [TempoPoint(0.0, 120.0), TempoPoint(10.0, 90.0), TempoPoint(20.0, 60.0)], [(0.0, 4, 4), (10.0, 3, 4)], "seconds"
    )

    assert tempo_map.meter_at(12.0, 25.0) == Meter(90.0, 3, 4, (TempoChange(8.0, 60.0, 3, 4),))
    assert tempo_map.meter_at(2.0, 8.0) == Meter(120.0, 4, 4)
    assert tempo_map.meter_at(10.0, 20.0) == Meter(90.0, 3, 4)
    assert tempo_map.meter_at(500.0) == Meter(60.0, 3, 4)
    assert not tempo_map.is_steady


def test_what_changes_nothing_is_no_change() -> None:
    tempo_map = lay_out(glided([(0.0, 120.0, True), (64.0, 120.0, True)]), [(0.0, 4, 4), (16.0, 4, 4)])

    assert tempo_map.is_steady
    assert tempo_map.meter_at(0.0, A_DAY_S) == Meter(120.0)


def test_a_clip_in_the_middle_of_a_glide_keeps_the_beats_of_the_session() -> None:
    tempo_map = lay_out(glided([(0.0, 100.0, True), (32.0, 140.0, False)]), [])
    session = tempo_map.meter_at(0.0, A_DAY_S).timeline
    start_s = session.seconds(8.0)

    clip = tempo_map.meter_at(start_s, A_DAY_S).timeline

    for beat in (1, 7, 20, 40):
        assert clip.seconds(beat) == pytest.approx(session.seconds(8.0 + beat) - start_s, abs=1e-5)
