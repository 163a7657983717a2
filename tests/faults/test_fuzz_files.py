"""Whatever stands in a file that somebody else wrote: it is read, or it is told in a sentence, and nothing else."""

from __future__ import annotations

import gzip
import json
import math
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import mido
import project_samples
import pytest
from clips import ffmpeg_clip, music
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_json import odd_json, spoiled, words_of
from sendreturn.audio.decode import read_audio
from sendreturn.audio.midi import read_midi
from sendreturn.audio.midi_reading import read_content
from sendreturn.audio.probe import completeness, probe
from sendreturn.daws.selection import Selection, read_json, read_selection
from sendreturn.errors import ClipError, SendReturnError, SettingsError, UsageError
from sendreturn.params import merge_params, read_params_file
from sendreturn.project_files.find import read_session
from sendreturn.project_files.tempo_map import is_tempo
from sendreturn.returns.sidecar import verify
from sendreturn.settings import load_settings

FEW, MANY = 100, 600


def examples(most: int) -> Callable[[Any], Any]:
    return settings(
        max_examples=most,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )  # fmt: skip


@dataclass(frozen=True)
class Format:
    """A kind of file: one that is whole, the odd pieces that are put into it, and who reads it."""

    suffix: str
    whole: bytes
    pieces: tuple[bytes, ...]
    read: Callable[[Path], object]
    packs: Callable[[bytes], bytes] = bytes


def _read_project(path: Path) -> None:
    found = read_session(path.parent)
    assert found is not None
    if found.project is None:
        assert path.name in found.note
    elif found.project.tempo_map is not None:
        meter = found.project.tempo_map.meter_at(0.0, 600.0)
        assert all(is_tempo(part.bpm) and part.at_s >= 0 for part in meter.changes)
        assert is_tempo(meter.bpm)


def _read_midi(path: Path) -> None:
    with suppress(SendReturnError):
        content = read_content(path)
        assert content is not None
    with suppress(SendReturnError):
        tracks, _ = read_midi(path)
        assert all(math.isfinite(note.start_s) and note.start_s >= 0 for track in tracks for note in track.notes)


def _read_audio(path: Path) -> None:
    with suppress(ClipError):
        completeness(path)
        if probe(path).frames < 10_000_000:
            read_audio(path)


def _read_settings(path: Path) -> None:
    with suppress(SettingsError):
        load_settings(path, {})


def _read_params(path: Path) -> None:
    with suppress(UsageError):
        merge_params(read_params_file(path)).given()


def _zipped(xml: bytes) -> bytes:
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("project.xml", xml)
        file.seek(0)
        return file.read()


NUMBERS = tuple(b"-1 0 1e308 1e999 nan inf 99999999999999999999 1/0 0x10 -0.0 5e-324 4294967296".split())
XML = (
    *NUMBERS,
    b"<!DOCTYPE a [<!ENTITY b 'bbbb'>]>",
    b"&b;",
    b"<![CDATA[",
    b"\xff",
    b'"',
    b"<Tempo>" * 300,
    b"</Session>",
)
LINES = (*NUMBERS, b"\n>", b"\n<", b"<TEMPOENVEX\n", b"PT ", b'"', b"\r", b"\0", b"|", b"\xff\xfe")
YAML = (
    *NUMBERS,
    b": ",
    b"\n",
    b"- ",
    b"[",
    b"{",
    b"*a",
    b"&a ",
    b"!!python/object:os.system ",
    b"\t",
    b"? ",
    b"<<: ",
    b"|\n",
)
BYTES = (
    b"\0" * 4,
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\0\0\0\1",
    b"LIST",
    b"data",
    b"MTrk",
    b"moov",
    b"trak",
)


@cache
def formats() -> dict[str, Format]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rpp = project_samples.write_reaper(folder / "a.rpp", points=["0 120 0 262148", "4 90 1"]).read_bytes()
        ardour = project_samples.write_ardour(folder / "a.ardour").read_bytes()
        live = project_samples.live_set(tempi=[("0", "120"), ("16", "90")], meters=[("0", "201")]).encode()
        project_samples.write_dawproject(folder / "a.dawproject")
        daw = zipfile.ZipFile(folder / "a.dawproject").read("project.xml")
        mid = mido.MidiFile(ticks_per_beat=96)
        track = [mido.MetaMessage("set_tempo", tempo=400_000), mido.MetaMessage("time_signature", numerator=3)]
        track += [mido.Message("note_on", note=60, velocity=9), mido.Message("note_off", note=60, time=96)]
        mid.tracks.append(mido.MidiTrack(track))
        mid.save(folder / "a.mid")
        clip = {**_mp4(folder), "midi": Format(".mid", (folder / "a.mid").read_bytes(), BYTES, _read_midi)}
    return {
        "reaper": Format(".rpp", rpp, LINES, _read_project),
        "ardour": Format(".ardour", ardour, XML, _read_project),
        "live": Format(".als", live, XML, _read_project, gzip.compress),
        "live packed": Format(".als", gzip.compress(live), BYTES, _read_project),
        "dawproject": Format(".dawproject", daw, XML, _read_project, _zipped),
        "dawproject packed": Format(".dawproject", _zipped(daw), BYTES, _read_project),
        "parameters": Format(".yaml", b"prompt: warm\nstyle: [a, b]\nsection_s: [1, 2]\nbpm: 90\n", YAML, _read_params),
        "configuration": Format(".yaml", CONFIG, YAML, _read_settings),
        **clip,
    }


def _mp4(folder: Path) -> dict[str, Format]:
    if shutil.which("ffmpeg") is None:
        return {}
    clip = ffmpeg_clip(folder / "a.m4a", music(0.3), 48_000, "-c:a", "aac")
    return {"mp4": Format(".m4a", clip.read_bytes(), BYTES, lambda path: suppress_clip(probe, path))}


def suppress_clip(work: Callable[[Path], object], path: Path) -> None:
    """ffmpeg itself is not under test here; our reading of the container is."""
    with suppress(ClipError):
        completeness(path)
        work(path)


CONFIG = b"""
sessions: [{path: /music, each: true, rules: [{match: "*.wav", operation: cover, params: {bpm: 90}}]}]
services: {sonauto: {poll_s: 1, prices: {extend: 10}, options: {a: 1}, media_hosts: ["a:1"]}}
presets: {mine: {operation: cover, style: jazz}}
osc: {host: 127.0.0.1, port: 1, reply: ["a:1"], allow: [10.0.0.0/8]}
budget: {per_day_credits: 3}
"""
KINDS = (
    *("reaper", "ardour", "live", "live packed", "dawproject", "dawproject packed", "midi", "mp4"),
    *("parameters", "configuration"),
)


def run_on(kind: str, most: int) -> None:
    made = formats().get(kind)
    if made is None:
        pytest.skip("no ffmpeg on this machine")

    @examples(most)
    @given(
        edits=st.lists(
            st.tuples(st.floats(0, 1), st.sampled_from(made.pieces) | st.binary(max_size=6), st.integers(0, 12)),
            min_size=1, max_size=5,
        ),
        keep=st.floats(0, 1) | st.just(1.0),
    )  # fmt: skip
    def read(edits: list[tuple[float, bytes, int]], keep: float) -> None:
        content = bytearray(made.whole)
        for place, piece, over in edits:
            at = round(place * len(content))
            content[at : at + over] = piece
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"a{made.suffix}"
            path.write_bytes(made.packs(bytes(content[: math.ceil(keep * len(content))])))
            made.read(path)

    read()


@pytest.mark.parametrize("kind", KINDS)
def test_a_spoiled_file_is_read_or_told_in_a_sentence(kind: str):
    run_on(kind, FEW)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", KINDS)
def test_very_many_spoiled_files_are_read_or_told_in_a_sentence(kind: str):
    run_on(kind, MANY)


# JSON that lies in files


WORDS = words_of("sendreturn.daws", "sendreturn.returns")
SELECTION = {
    "schema": "sendreturn/selection/1", "request": "r-1", "session": "/music/song", "operation": "cover",
    "params": {"style": "warm"}, "track": "Bass", "rate_hz": 48_000, "range": [0, 480], "position": 3,
    "pieces": [{"files": [{"path": "/a.wav", "channel": 0}], "start": 0, "length": 480, "position": 0, "gain": 1.0}],
    "tempo": [{"position": 0, "bpm": 90.0, "time_signature": "3/4"}],
}  # fmt: skip


@examples(300)
@given(spoiled((SELECTION,), odd_json(WORDS)) | odd_json(WORDS))
def test_whatever_a_daw_says_is_a_selection_or_a_sentence(document: Any):
    with suppress(UsageError):
        found = read_selection(document)
        assert isinstance(found, Selection)
        assert all(piece.length > 0 and math.isfinite(piece.gain) for piece in found.pieces)


@examples(200)
@given(st.text() | st.just("[" * 100_000) | st.just('{"a":' * 100_000) | odd_json(WORDS).map(json.dumps))
def test_whatever_a_daw_writes_is_an_object_or_a_sentence(text: str):
    with suppress(UsageError):
        assert isinstance(read_json(text), dict)


@examples(200)
@given(document=odd_json(WORDS) | st.binary(), ending=st.sampled_from((b"", b"}", b"\xff", b"\0")))
def test_whatever_stands_in_a_sidecar_is_judged_and_nothing_raises(document: Any, ending: bytes):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "riff_extend_0a1b2c3d_t1.json"
        path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode() + ending)
        assert verify(path) != []
