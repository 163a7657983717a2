"""Notes and project files follow the session's tempo map from its start on, not only from the clip's."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from dawproject_reader import read_dawproject
from project_samples import write_reaper
from returning_service import PLAIN, returned
from sendreturn.audio.midi import write_midi
from sendreturn.audio.notes import Meter, Note, NoteTrack
from sendreturn.contract import Made
from sendreturn.settings.models import QuantizeSettings
from sendreturn.words import Kind

RATE_HZ = 44_100
POINTS = ["0 100 1 262148 0 1", "3 90 1"]
"""Five quarter notes at 100 bpm, and from 3 s on one every two thirds of a second."""


def starts_s(path: Path) -> list[float]:
    at_s, starts = 0.0, []
    for message in mido.MidiFile(path):
        at_s += message.time
        if message.type == "note_on" and message.velocity:
            starts.append(at_s)
    return starts


async def test_tempi_before_the_clip_count_for_the_grid_and_for_the_project_file(tmp_path: Path) -> None:
    (tmp_path / "Song").mkdir()
    clip = tmp_path / "Song" / "riff.wav"
    noise = np.random.default_rng(1).normal(0, 0.1, (2 * RATE_HZ, 1)).astype(np.float32)
    soundfile.write(clip, noise, RATE_HZ, subtype="PCM_24")
    write_reaper(tmp_path / "Song" / "Song.rpp", points=POINTS)
    notes = tmp_path / "notes.mid"
    track = NoteTrack("Lead", (Note(0.1, 0.4, 60), Note(0.8, 1.2, 62)))
    write_midi(notes, [track], Meter(120.0), duration_s=2.0)
    settings = PLAIN.model_copy(update={"quantize": QuantizeSettings(grid="1/4"), "dawproject": True})
    files = (Made(Kind.MIDI, str(notes), made_by="Studio"),)

    back = await returned(tmp_path, clip, "midi", files, settings, position_s=3.5)

    assert starts_s(back.path("midi")) == pytest.approx([1 / 6, 5 / 6], abs=0.001)
    assert back.send.folder is not None
    project = read_dawproject(next(back.send.folder.glob("*.dawproject")))
    assert project.tempo_map == [(0.0, 100.0), (pytest.approx(5.0), 90.0)]
    assert project.tracks["riff (sent)"].start_s == pytest.approx(3.5)
