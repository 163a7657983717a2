"""The whole loop with the built-in service: what goes in by each way, and what lies in the session afterwards."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import jsonschema
import mido
import numpy as np
import pytest
import soundfile
import wavinfo
from living_daemon import LivingDaemon
from sendreturn.audio.buffer import Audio
from sendreturn.demo.song import render_demo
from sendreturn.returns.sidecar import verify
from sendreturn.settings import ReturnsSettings
from sendreturn.words import State

SECONDS = 4.8
RATE_HZ = 48_000
SCHEMA = json.loads((resources.files("sendreturn_config") / "sidecar.schema.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def song() -> Audio:
    """Two bars of the demo's song: music with drums, bass, chords and a melody."""
    return render_demo(RATE_HZ).cut(9.6, 9.6 + SECONDS)


def write(path: Path, song: Audio, subtype: str = "PCM_24") -> Path:
    soundfile.write(path, song.samples, song.rate_hz, subtype=subtype)
    return path


def sidecar_of(folder: Path) -> dict:
    (path,) = folder.glob("*.json")
    assert verify(path) == []
    table = json.loads(path.read_text("utf-8"))
    jsonschema.validate(table, SCHEMA)
    return table


def names(folder: Path) -> set[str]:
    return {path.name.removeprefix(folder.name) for path in folder.iterdir()}


async def test_a_dropped_clip_is_extended_and_its_tail_butt_joins_it(tmp_path: Path, song: Audio):
    async with LivingDaemon(tmp_path, returns=ReturnsSettings(stems=2, midi=True)) as life:
        (life.sends / "extend" / "riff.wav.yaml").write_text("extend_s: 2.4\nposition_s: 4.8\ntime_signature: 3/4\n")
        clip = write(life.sends / "extend" / "riff.wav", song)
        (send,) = await life.ended()
    assert send.state is State.DONE, send.text
    assert not clip.exists()
    assert (life.sends / "sent" / "riff.wav").exists()
    folder = life.session / "Returns" / f"riff_extend_{send.id}"
    assert names(folder) == {
        *("_t1.wav", "_t1_tail.wav", "_t1_vocals.wav", "_t1_instrumental.wav", "_t1.mid", "_t1.json"),
        *(".dawproject", ".RTrackTemplate"),
    }

    base = folder / folder.name
    mix, rate_hz = soundfile.read(f"{base}_t1.wav", dtype="int32")
    tail, _ = soundfile.read(f"{base}_t1_tail.wav", dtype="int32")
    source, _ = soundfile.read(life.sends / "sent" / "riff.wav", dtype="int32")
    assert rate_hz == RATE_HZ
    assert soundfile.info(f"{base}_t1.wav").subtype == "PCM_24"
    assert np.array_equal(mix[: len(source)], source)
    assert np.array_equal(mix[len(source) :], tail)
    assert len(tail) == round(2.4 * RATE_HZ)
    stems = [soundfile.read(f"{base}_t1_{stem}.wav")[0] for stem in ("vocals", "instrumental")]
    residual = sum(stems) - mix / 2**31
    assert 10 * np.log10(np.mean(residual**2) / np.mean((mix / 2**31) ** 2)) < -60

    sidecar = sidecar_of(folder)
    by_kind = {(file["kind"], file["stem"]): file for file in sidecar["returns"]}
    assert by_kind["tail", None]["position_samples"] == round(4.8 * RATE_HZ) + len(source)
    assert by_kind["mix", None]["position_samples"] == round(4.8 * RATE_HZ)
    assert sidecar["source"]["path"] == "Sends/sent/riff.wav"
    assert sidecar["source"]["time_signature"] == "3/4"
    assert sidecar["source"]["bpm"] == pytest.approx(100, abs=1)
    assert sidecar["ai"] == {"generated": False, "digital_source_type": sidecar["ai"]["digital_source_type"]}
    assert any("signal processing" in check for check in by_kind["mix", None]["checks"])
    bext = wavinfo.WavInfoReader(f"{base}_t1_tail.wav").bext
    assert bext.time_reference == round(4.8 * RATE_HZ) + len(source)
    midi = mido.MidiFile(f"{base}_t1.mid")
    assert (midi.type, midi.ticks_per_beat) == (1, 960)
    meta = {message.type: message for message in midi.tracks[0]}
    assert mido.tempo2bpm(meta["set_tempo"].tempo) == pytest.approx(sidecar["source"]["bpm"], abs=0.01)
    assert (meta["time_signature"].numerator, meta["time_signature"].denominator) == (3, 4)


@pytest.mark.parametrize(
    "subtype", ["PCM_24", pytest.param("PCM_16", marks=pytest.mark.slow), pytest.param("FLOAT", marks=pytest.mark.slow)]
)
async def test_an_inpaint_over_osc_leaves_everything_else_bit_identical(tmp_path: Path, song: Audio, subtype: str):
    async with LivingDaemon(tmp_path) as life:
        clip = write(life.session / "bounce.wav", song, subtype)
        async with life.osc() as osc:
            osc.say("/sendreturn/inpaint", str(clip), "section_s", "1.2,2.4", "req", "a1")
            send_id, operation, path, *echo = await osc.hear("/sendreturn/accepted")
            assert (operation, path, echo) == ("inpaint", str(clip), ["req", "a1"])
            done_id, folder, count, *_ = await osc.hear("/sendreturn/done")
            returned = await osc.hear("/sendreturn/return")
    assert (done_id, count) == (send_id, 1)
    assert returned[:3] == [send_id, 1, "mix"]
    before, _ = soundfile.read(clip, dtype="float64")
    after, rate_hz = soundfile.read(next(Path(folder).glob("*.wav")), dtype="float64")
    start, end = round(1.2 * rate_hz), round(2.4 * rate_hz)
    assert after.shape == before.shape
    assert np.array_equal(after[:start], before[:start])
    assert np.array_equal(after[end:], before[end:])
    assert not np.array_equal(after[start:end], before[start:end])
    assert np.array_equal(soundfile.read(clip, dtype="float64")[0], before)


@pytest.mark.slow
async def test_a_cover_over_http_sounds_otherwise_and_lasts_as_long(tmp_path: Path, song: Audio):
    async with LivingDaemon(tmp_path) as life, life.http() as http:
        clip = write(life.session / "idea.wav", song)
        body = {"path": str(clip), "operation": "cover", "params": {"style": "synthwave", "seed": 3}}
        answer = await http.post("/api/sends", json=body)
        assert answer.status_code == 202
        (send,) = await life.ended()
        shown = (await http.get(f"/api/sends/{answer.json()['id']}")).json()
    assert send.state is State.DONE, send.text
    assert shown["state"] == "done"
    assert shown["returns"] == [str(path) for path in send.returns]
    assert shown["history"][0]["state"] == "queued"
    mix = next(path for path in send.returns if path.name.endswith("_t1.wav"))
    samples, rate_hz = soundfile.read(mix)
    assert (len(samples), rate_hz) == (song.frames, song.rate_hz)
    assert 0.01 < np.abs(samples).max() <= 1.0
    assert any(path.suffix == ".mid" for path in send.returns)
    assert sidecar_of(mix.parent)["params"] == {"style": ["synthwave"], "seed": 3}


@pytest.mark.slow
async def test_stems_and_midi_are_operations_of_their_own(tmp_path: Path, song: Audio):
    async with LivingDaemon(tmp_path) as life:
        write(life.sends / "stems" / "a.wav", song)
        write(life.sends / "midi" / "b.wav", song)
        sends = {send.operation: send for send in await life.ended(2)}
    stems = {path.stem.rsplit("_", 1)[-1] for path in sends["stems"].returns}
    assert stems == {"vocals", "drums", "bass", "other"}
    parts = [soundfile.read(path)[0] for path in sends["stems"].returns]
    assert {part.shape for part in parts} == {song.samples.shape}
    residual = sum(parts) - song.samples
    assert 10 * np.log10(np.mean(residual**2) / np.mean(song.samples**2)) < -60
    (notes,) = sends["midi"].returns
    assert any(message.type == "note_on" for track in mido.MidiFile(notes).tracks for message in track)


async def test_a_left_extension_stands_before_the_clip(tmp_path: Path, song: Audio):
    async with LivingDaemon(tmp_path) as life:
        (life.sends / "extend" / "defaults.yaml").write_text("side: left\nextend_s: 2\nposition_s: 10\n")
        write(life.sends / "extend" / "riff.wav", song)
        (send,) = await life.ended()
    assert send.state is State.DONE, send.text
    by_name = {path.name.rsplit("_t1", 1)[-1]: path for path in send.returns}
    mix, _ = soundfile.read(by_name[".wav"], dtype="int32")
    head, _ = soundfile.read(by_name["_head.wav"], dtype="int32")
    source, _ = soundfile.read(life.sends / "sent" / "riff.wav", dtype="int32")
    assert np.array_equal(mix, np.concatenate([head, source]))
    positions = {file["kind"]: file["position_samples"] for file in sidecar_of(send.folder)["returns"]}
    assert positions == {"mix": 8 * RATE_HZ, "head": 8 * RATE_HZ}


@pytest.mark.slow
async def test_returns_come_at_the_configured_rate_and_depth(tmp_path: Path, song: Audio):
    returns = ReturnsSettings(stems=0, midi=False, sample_rate=44_100, bit_depth=16)
    async with LivingDaemon(tmp_path, returns=returns) as life:
        (life.sends / "extend" / "riff.wav.yaml").write_text("extend_s: 1\n")
        write(life.sends / "extend" / "riff.wav", song)
        (send,) = await life.ended()
    infos = {path.name.rsplit("_t1", 1)[-1]: soundfile.info(path) for path in send.returns}
    assert {(info.samplerate, info.subtype) for info in infos.values()} == {(44_100, "PCM_16")}
    mix, _ = soundfile.read(next(p for p in send.returns if p.name.endswith("_t1.wav")), dtype="int16")
    tail, _ = soundfile.read(next(p for p in send.returns if p.name.endswith("_tail.wav")), dtype="int16")
    assert np.array_equal(mix[-len(tail) :], tail)


async def test_only_the_range_is_sent_and_placed_where_it_was(tmp_path: Path, song: Audio):
    async with LivingDaemon(tmp_path) as life:
        (life.sends / "inpaint" / "riff.wav.yaml").write_text("range_s: [1.2, 3.6]\nsection_s: [0.6, 1.2]\n")
        write(life.sends / "inpaint" / "riff.wav", song)
        (send,) = await life.ended()
    assert send.state is State.DONE, send.text
    mix, _ = soundfile.read(send.returns[0], dtype="int32")
    source, _ = soundfile.read(life.sends / "sent" / "riff.wav", dtype="int32")
    cut = source[round(1.2 * RATE_HZ) : round(3.6 * RATE_HZ)]
    section = slice(round(0.6 * RATE_HZ), round(1.2 * RATE_HZ))
    assert len(mix) == len(cut)
    assert np.array_equal(np.delete(mix, section, axis=0), np.delete(cut, section, axis=0))
    sidecar = sidecar_of(send.folder)
    assert sidecar["source"]["range_s"] == [1.2, 3.6]
    assert sidecar["returns"][0]["position_samples"] == round(1.2 * RATE_HZ)


@pytest.mark.slow
async def test_another_drop_of_the_same_clip_is_another_take(tmp_path: Path):
    song = render_demo(RATE_HZ)  # long enough, with 90 s, for countless continuations
    async with LivingDaemon(tmp_path) as life:
        for count in (1, 2):
            (life.sends / "extend" / "riff.wav.yaml").write_text("extend_s: 90\n")
            write(life.sends / "extend" / "riff.wav", song)
            sends = await life.ended(count)
    assert [send.state for send in sends] == [State.DONE, State.DONE]
    tails = [soundfile.read(next(p for p in send.returns if "_tail" in p.name))[0] for send in sends]
    assert not np.array_equal(*tails)
    assert {path.name for path in (life.sends / "sent").iterdir() if path.suffix == ".wav"} == {
        "riff.wav",
        "riff (2).wav",
    }


async def test_what_came_while_the_daemon_was_down_is_sent_when_it_starts(tmp_path: Path, song: Audio):
    life = LivingDaemon(tmp_path)
    (life.sends / "midi" / "night").mkdir()
    write(life.sends / "midi" / "night" / "idea.wav", song)
    async with life:
        (send,) = await life.ended()
    assert send.state is State.DONE, send.text
