"""Whole sends through the engine and the Sonauto bridge to its simulator: what lies in the session afterwards."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from engine_rig import PLAIN_RETURNS, Rig
from sendreturn.sends.wish import SendView
from sendreturn.settings import ServiceSettings, Settings
from sendreturn.words import State
from sonauto_rig import CLIP_S, RATE_HZ, driven, write_clip


@asynccontextmanager
async def studio(folder: Path):
    """A session with a clip, an engine, and Sonauto's simulator."""
    (folder / "Song").mkdir()
    clip = write_clip(folder / "Song" / "riff.wav").path
    settings = Settings(service="sonauto", returns=PLAIN_RETURNS, services={"sonauto": ServiceSettings(poll_s=0.05)})
    async with driven(folder) as service, Rig(folder, service.bridge, settings=settings) as rig:
        yield rig, service, clip


async def returned(rig: Rig, send: SendView) -> tuple[dict[str, Path], dict[str, Any]]:
    """The send's files by kind, and its sidecar."""
    done = await rig.ended(send.id)
    assert done.state is State.DONE, done.text
    sidecar = next(rig.session.glob("Returns/*/*_t1.json"))
    table = json.loads(sidecar.read_text())
    return {entry["kind"]: sidecar.with_name(entry["path"]) for entry in table["returns"]}, table


def samples(path: Path):
    return soundfile.read(str(path), dtype="int32", always_2d=True)[0]


@pytest.mark.parametrize(
    ("side", "from_s", "kept"), [("right", None, (0.0, 4.0)), ("right", 3.0, (0.0, 3.0)),
                                 ("left", None, (0.0, 4.0)), ("left", 1.0, (1.0, 4.0))],
)  # fmt: skip
async def test_a_continuation_keeps_the_clip_bit_by_bit_and_is_as_long_as_wished(tmp_path: Path, side, from_s, kept):
    more = {} if from_s is None else {"from_s": from_s}
    async with studio(tmp_path) as (rig, service, clip):
        send = rig.send(clip, "extend", params={"extend_s": 2.0, "side": side, "style": "rock", **more})
        files, sidecar = await returned(rig, send)
    mix, new, own = samples(files["mix"]), samples(files["tail" if side == "right" else "head"]), samples(clip)
    first, last = (round(edge_s * RATE_HZ) for edge_s in kept)
    assert len(mix) == len(new) + last - first
    assert len(new) == pytest.approx(2 * RATE_HZ, abs=50)
    old = mix[: last - first] if side == "right" else mix[len(new) :]
    np.testing.assert_array_equal(old, own[first:last])
    mix_entry = next(entry for entry in sidecar["returns"] if entry["kind"] == "mix")
    assert mix_entry["position_samples"] == (0 if side == "right" else first - len(new))
    assert sidecar["cost"]["credits"] == 100.0
    assert len(service.simulator.ledger) == 1


async def test_a_new_section_leaves_the_rest_as_it_was(tmp_path: Path):
    async with studio(tmp_path) as (rig, service, clip):
        files, sidecar = await returned(rig, rig.send(clip, "inpaint", params={"section_s": [1.0, 2.0]}))
        (song,) = service.simulator.songs.values()
        address = service.simulator.address_of(song)
    mix, own = samples(files["mix"]), samples(clip)
    assert len(mix) == len(own) == CLIP_S * RATE_HZ
    np.testing.assert_array_equal(mix[:RATE_HZ], own[:RATE_HZ])
    np.testing.assert_array_equal(mix[2 * RATE_HZ :], own[2 * RATE_HZ :])
    assert not np.array_equal(mix[RATE_HZ : 2 * RATE_HZ], own[RATE_HZ : 2 * RATE_HZ])
    assert sidecar["service_refs"]["task_ids"]
    assert sidecar["service_refs"]["clip_ids"] == [f"{sidecar['service_refs']['task_ids'][0]}/0"]
    assert sidecar["service_refs"]["urls"] == [address]


async def test_a_song_needs_no_clip_and_brings_its_lyrics(tmp_path: Path):
    async with studio(tmp_path) as (rig, service, _):
        files, _ = await returned(rig, rig.send(None, "generate", params={"prompt": "a song", "lyrics": "rain"}))
        key = service.simulator.key
    assert files["lyrics"].read_text() == "rain\n"
    assert soundfile.info(str(files["mix"])).duration == pytest.approx(3.0, abs=0.01)
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert key.encode() not in everything


async def test_what_could_not_be_passed_on_stands_in_the_sidecar(tmp_path: Path):
    async with studio(tmp_path) as (rig, _, clip):
        send = rig.send(clip, "extend", params={"extend_s": 2.0, "bpm": 99.6, "style": "rock"})
        _, sidecar = await returned(rig, send)
    (told,) = [entry["checks"] for entry in sidecar["returns"] if entry["kind"] == "mix"]
    assert "Sonauto takes whole beats per minute: 100 stands for 99.6." in told


async def test_a_refusal_is_told_and_its_own_words_stand_in_the_history(tmp_path: Path):
    async with studio(tmp_path) as (rig, _, clip):
        failed = await rig.ended(rig.send(clip, "extend", params={"style": "male vocals"}).id)
    assert failed.text.startswith("Sonauto does not take the style “male vocals”.")
    assert "Unknown tag" not in failed.text
    assert failed.history[-1].note == f"{failed.text} [HTTP 422: Unknown tag 'male vocals']"
