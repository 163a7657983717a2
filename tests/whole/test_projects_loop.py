"""What a DAW opens after a send through the real daemon: the project beside the returns, and the markers in them."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
import soundfile
from dawproject_reader import read_dawproject, validate
from living_daemon import LivingDaemon
from sendreturn.audio.broadcast_wave import read_metadata
from sendreturn.audio.buffer import Audio
from sendreturn.audio.cue import Marker
from sendreturn.demo.song import render_demo
from sendreturn.returns import dawproject
from sendreturn.settings import ReturnsSettings
from sendreturn.words import State

pytestmark = pytest.mark.slow

RATE_HZ = 48_000
SAMPLE_S = 0.01 / RATE_HZ


@pytest.fixture(scope="module")
def song() -> Audio:
    return render_demo(RATE_HZ).cut(9.6, 14.4)


def write(path: Path, song: Audio) -> Path:
    soundfile.write(path, song.samples, song.rate_hz, subtype="PCM_24")
    return path


def project_of(folder: Path):
    path = folder / f"{folder.name}.dawproject"
    validate(path)
    return read_dawproject(path)


async def test_an_extension_opens_as_a_project_in_its_place(tmp_path: Path, song: Audio):
    async with LivingDaemon(tmp_path, returns=ReturnsSettings(stems=2, midi=True)) as life:
        (life.sends / "extend" / "riff.wav.yaml").write_text(
            "extend_s: 2.4\nposition_s: 4.8\ntime_signature: 3/4\nbpm: 100\n"
        )
        write(life.sends / "extend" / "riff.wav", song)
        (send,) = await life.ended()
    assert send.state is State.DONE, send.text
    assert send.text == f"5 files in {send.folder}"
    project = project_of(send.folder)
    assert (project.bpm, project.signature) == (100.0, (3, 4))
    assert project.markers == {"join": pytest.approx(9.6, abs=SAMPLE_S)}
    tracks = project.tracks
    for name in ("riff (sent)", "take 1", "take 1 vocals", "take 1 instrumental"):
        assert tracks[name].start_s == pytest.approx(4.8, abs=SAMPLE_S), name
    assert tracks["take 1 tail"].start_s == pytest.approx(9.6, abs=SAMPLE_S)
    assert tracks["take 1 tail"].length_s == pytest.approx(2.4, abs=SAMPLE_S)
    assert any(track.notes and track.start_s == pytest.approx(4.8, abs=SAMPLE_S) for track in tracks.values())
    assert set(project.sounds) == {track.audio for track in tracks.values() if track.audio}
    for path in send.returns:
        if path.suffix == ".wav":
            has_join = not path.name.endswith("_tail.wav")
            assert read_metadata(path).markers == ((Marker(len(song.samples), "join"),) if has_join else ())


async def test_an_inpaint_marks_its_section_and_a_left_extension_its_join(tmp_path: Path, song: Audio):
    async with LivingDaemon(tmp_path, returns=ReturnsSettings(stems=0, midi=False, sample_rate=44_100)) as life:
        (life.sends / "inpaint" / "riff.wav.yaml").write_text("section_s: [1.2, 2.4]\nposition_s: 10\n")
        (life.sends / "extend" / "tune.wav.yaml").write_text("side: left\nextend_s: 2\nposition_s: 1\n")
        write(life.sends / "inpaint" / "riff.wav", song)
        write(life.sends / "extend" / "tune.wav", song)
        sends = {send.operation: send for send in await life.ended(2)}
    inpaint, extend = sends["inpaint"], sends["extend"]
    assert (inpaint.state, extend.state) == (State.DONE, State.DONE)
    section = Marker(round(1.2 * RATE_HZ), "inpainted section", round(1.2 * RATE_HZ))
    assert read_metadata(inpaint.returns[0]).markers == (section,)
    assert project_of(inpaint.folder).markers == {
        "inpainted section": pytest.approx(11.2, abs=SAMPLE_S),
        "inpainted section end": pytest.approx(12.4, abs=SAMPLE_S),
    }
    assert read_metadata(extend.returns[0]).markers == (Marker(2 * 44_100, "join"),)
    project = project_of(extend.folder)
    # The new head begins a second before the session does.
    assert (project.tracks["take 1"].start_s, project.tracks["take 1"].skipped_s) == (0.0, 1.0)
    assert project.markers == {"join": pytest.approx(1.0, abs=SAMPLE_S)}


@pytest.mark.slow
async def test_a_clip_in_a_lossy_format_lies_in_the_project_as_plain_audio(tmp_path: Path, song: Audio):
    async with LivingDaemon(tmp_path, returns=ReturnsSettings(stems=0, midi=False, reaper=False)) as life:
        (life.sends / "extend" / "defaults.yaml").write_text("extend_s: 1\n")
        soundfile.write(life.sends / "extend" / "idea.mp3", song.samples, song.rate_hz, format="MP3")
        (send,) = await life.ended()
    assert send.state is State.DONE, send.text
    project = project_of(send.folder)
    rate_hz, channels, frames = project.sounds["audio/idea.wav"]
    assert (rate_hz, channels, frames) == (RATE_HZ, 2, len(song.samples))
    assert not list(send.folder.glob("*.RTrackTemplate"))


async def test_a_project_that_cannot_be_written_does_not_fail_the_send(
    tmp_path: Path, song: Audio, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(dawproject, "write_with", broken)
    async with LivingDaemon(tmp_path) as life:
        (life.sends / "extend" / "defaults.yaml").write_text("extend_s: 1\n")
        write(life.sends / "extend" / "idea.wav", song)
        (send,) = await life.ended()
    assert send.state is State.DONE
    assert send.text.endswith("The DAWproject could not be written: Input/output error.")
    assert {path.suffix for path in send.folder.iterdir()} == {".wav", ".json", ".RTrackTemplate"}
    assert np.abs(soundfile.read(send.returns[0])[0]).max() > 0


@pytest.mark.slow
async def test_neither_is_written_where_the_settings_say_so(tmp_path: Path, song: Audio):
    returns = ReturnsSettings(stems=0, midi=False, dawproject=False, reaper=False)
    async with LivingDaemon(tmp_path, returns=returns) as life:
        (life.sends / "extend" / "defaults.yaml").write_text("extend_s: 1\n")
        write(life.sends / "extend" / "idea.wav", song)
        (send,) = await life.ended()
    assert {path.suffix for path in send.folder.iterdir()} == {".wav", ".json"}
