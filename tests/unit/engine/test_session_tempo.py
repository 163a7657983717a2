"""Whose tempo the returns are made to, and what the sidecar says of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from engine_rig import Rig
from fake_service import FakeService
from project_samples import write_ardour, write_reaper
from sendreturn.audio.broadcast_wave import write_metadata
from sendreturn.audio.notes import Meter, TempoChange
from sendreturn.audio.wave_metadata import WaveMetadata
from sendreturn.contract import Ask, Plan

RATE_HZ = 44_100


@dataclass
class Listener(FakeService):
    """Remembers the meter that it was asked to keep."""

    meters: list[Meter] = field(default_factory=list)

    def plan(self, ask: Ask) -> Plan:
        self.meters.append(ask.meter)
        return super().plan(ask)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    (tmp_path / "Song").mkdir()
    path = tmp_path / "Song" / "riff.wav"
    noise = np.random.default_rng(1).normal(0, 0.1, (2 * RATE_HZ, 1)).astype(np.float32)
    soundfile.write(path, noise, RATE_HZ, subtype="PCM_24")
    return path


async def made(clip: Path, operation: str = "cover", **params: Any) -> tuple[Meter, dict[str, Any]]:
    """Have a send done; the meter that the service saw, and the sidecar."""
    service = Listener()
    async with Rig(clip.parents[1], service) as rig:
        chosen = None if operation == "generate" else clip
        sent = await rig.ended(rig.send(chosen, operation, params=params).id)
        assert sent.returns, sent.text
    sidecar: dict[str, Any] = json.loads(next((clip.parent / "Returns").glob("*/*.json")).read_text())
    return service.meters[-1], sidecar


def place_at(clip: Path, seconds: float) -> None:
    """Write a time reference into the clip, as a DAW does when it renders."""
    write_metadata(clip, WaveMetadata(time_reference_samples=round(seconds * RATE_HZ)))


async def test_without_a_project_file_nobody_says_the_tempo_of_noise(clip: Path) -> None:
    meter, sidecar = await made(clip)

    assert meter == Meter(120.0)
    assert sidecar["source"]["tempo_from"] == "default"
    assert sidecar["source"]["time_signature_from"] == "default"
    assert sidecar["source"]["project_file"] is None


async def test_the_sessions_project_file_says_tempo_signature_and_rate(clip: Path) -> None:
    write_ardour(clip.parent / "Song.ardour")

    meter, sidecar = await made(clip)

    assert meter == Meter(97.5, 3, 4)
    source = sidecar["source"]
    assert (source["bpm"], source["time_signature"]) == (97.5, "3/4")
    assert (source["tempo_from"], source["time_signature_from"]) == ("project", "project")
    assert source["project_file"] == "Song.ardour"
    assert source["sample_rate_hz"] == RATE_HZ
    assert sidecar["returns"][0]["sample_rate_hz"] == 48_000


async def test_what_the_send_says_goes_before_the_project_file(clip: Path) -> None:
    write_ardour(clip.parent / "Song.ardour")

    meter, sidecar = await made(clip, bpm=140)

    assert meter == Meter(140.0, 3, 4)
    assert (sidecar["source"]["tempo_from"], sidecar["source"]["time_signature_from"]) == ("send", "project")


async def test_a_send_without_a_clip_is_made_to_the_sessions_tempo(clip: Path) -> None:
    write_ardour(clip.parent / "Song.ardour")

    meter, sidecar = await made(clip, "generate", prompt="a song")

    assert meter == Meter(97.5, 3, 4)
    assert sidecar["source"]["tempo_from"] == "project"
    assert sidecar["source"]["path"] is None


async def test_a_clip_with_a_time_reference_gets_the_meter_of_its_place(clip: Path) -> None:
    points = ["0 120 1 262148 0 1", "8 90 1 262147 0 1", "20 60 1"]
    write_reaper(clip.parent / "Song.rpp", points=points)
    place_at(clip, 12.0)

    meter, sidecar = await made(clip)

    assert meter == Meter(90.0, 3, 4, (TempoChange(8.0, 60.0, 3, 4),))
    assert sidecar["source"]["bpm"] == 90.0
    assert not any("position_s" in check for check in sidecar["returns"][0]["checks"])


@pytest.mark.parametrize("position", [{"position_s": 12.0}, {"position_samples": 12 * 96_000}])
async def test_a_position_in_samples_counts_those_of_the_session(clip: Path, position: dict[str, Any]) -> None:
    points = ["0 120 1 262148 0 1", "8 90 1 262147 0 1", "20 60 1"]
    write_reaper(clip.parent / "Song.rpp", points=points, rate="96000 1 0")

    meter, sidecar = await made(clip, **position)

    assert meter.changes == (TempoChange(8.0, 60.0, 3, 4),)
    assert sidecar["source"]["position_samples"] == 12 * RATE_HZ
    assert sidecar["returns"][0]["position_samples"] == 12 * 96_000


async def test_a_clip_without_a_place_in_a_session_of_several_tempi_is_told(clip: Path) -> None:
    write_reaper(clip.parent / "Song.rpp", points=["0 120 1 262148 0 1", "8 90 1"])

    meter, sidecar = await made(clip)

    assert meter.bpm == 120.0
    assert any("Say where it lies with position_s" in check for check in sidecar["returns"][0]["checks"])


async def test_a_tempo_of_the_send_that_is_the_sessions_keeps_its_map(clip: Path) -> None:
    write_reaper(clip.parent / "Song.rpp", points=["0 120 1 262148 0 1", "8 90 1"])

    same, _ = await made(clip, bpm=120.01, position_s=0.0, time_signature="12/8")

    assert same == Meter(120.01, 12, 8, (TempoChange(8.0, 90.0, 12, 8),))


async def test_another_tempo_of_the_send_has_no_part_in_the_sessions_map(clip: Path) -> None:
    write_reaper(clip.parent / "Song.rpp", points=["0 120 1 262148 0 1", "8 90 1"])

    meter, _ = await made(clip, bpm=60, position_s=0.0)

    assert meter == Meter(60.0, 4, 4)


async def test_a_damaged_project_file_spoils_no_send_and_is_told(clip: Path) -> None:
    (clip.parent / "Song.rpp").write_text("<REAPER_PROJECT 0.1\n  SAMPLERATE 96000 1 0\n  TEM")

    meter, sidecar = await made(clip)

    assert meter == Meter(120.0)
    assert sidecar["source"]["tempo_from"] == "default"
    checks = sidecar["returns"][0]["checks"]
    assert any("Song.rpp is damaged or not yet completely written" in check for check in checks)
    assert sidecar["returns"][0]["sample_rate_hz"] == RATE_HZ
