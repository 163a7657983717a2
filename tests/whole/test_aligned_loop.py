"""What services give back, through the real engine: the clip is found in it, and everything lands where it belongs."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
import wavinfo
from other_readers import ffprobe, mediainfo, sndfile_cues
from random_songs import random_song
from returning_service import PLAIN, Returned, Treated, encoded, level, mix, returned, stem
from seam_measures import usual_step
from sendreturn.audio.buffer import Audio
from sendreturn.audio.midi import write_midi
from sendreturn.audio.notes import Meter, Note, NoteTrack
from sendreturn.audio.tempo_track import track_tempo
from sendreturn.contract import Made
from sendreturn.synth.kits import KITS
from sendreturn.words import Kind

pytestmark = pytest.mark.slow

RATE_HZ = 44_100
PEAK = 0.2
"""Of the song, so that 12 dB more stay under full scale."""


@lru_cache(maxsize=1)
def parts() -> dict[str, Audio]:
    """The stems of a song of eight bars, at 126 bpm."""
    stems = random_song(3, tuple(KITS), bars=8, rate_hz=RATE_HZ).stems
    peak = float(np.abs(np.sum([part.samples for part in stems.values()], axis=0)).max())
    return {name: level(part, PEAK / peak) for name, part in stems.items()}


@lru_cache(maxsize=1)
def song() -> Audio:
    return Audio(np.sum([part.samples for part in parts().values()], axis=0), RATE_HZ)


BPM = 126.0
HALF = 336_000
"""The song's middle, in frames."""


def cut(audio: Audio, start: int, end: int) -> Audio:
    return Audio(audio.samples[start:end], audio.rate_hz)


def clip_file(folder: Path, audio: Audio, subtype: str = "PCM_24", suffix: str = ".wav") -> Path:
    (folder / "Song").mkdir(exist_ok=True)
    path = folder / "Song" / f"riff{suffix}"
    soundfile.write(path, audio.samples, audio.rate_hz, subtype=subtype)
    return path


def likeness_db(got: np.ndarray, truth: np.ndarray) -> float:
    """How far what differs lies under the truth."""
    frames = min(len(got), len(truth))
    got, truth = got[:frames], truth[:frames].astype(np.float64)
    return float(10 * np.log10(np.sum((got - truth) ** 2) / np.sum(truth**2)))


SERVICES = {
    "mp3": (Treated(gain_db=-6), "lame 192", 0.0, -30),
    "mp3 without a tag, turned over": (
        Treated(delay=1000.3, gain_db=5, inverted=True), "lame 192 untagged", 2105.3, -30,
    ),
    "opus at 48 kHz": (Treated(rate_hz=48_000, delay=500, gain_db=-3), "opus 160", 500 * 44_100 / 48_000, -22),
    "wav at 48 kHz, between samples": (
        Treated(rate_hz=48_000, delay=2256.37, gain_db=12), "wav", 2256.37 * 44_100 / 48_000, -60,
    ),
    "vorbis after an intro": (Treated(delay=3 * RATE_HZ + 77.5, gain_db=-12), "vorbis 6", 3 * RATE_HZ + 77.5, -20),
}  # fmt: skip


@pytest.mark.parametrize("how", SERVICES)
async def test_a_song_that_goes_on_is_joined_to_the_clip_where_the_clip_ends(tmp_path: Path, how: str):
    treated, codec, lag, likeness = SERVICES[how]
    clip = clip_file(tmp_path, cut(song(), 0, HALF))
    back = await returned(
        tmp_path, clip, "extend", (mix(encoded(tmp_path / "song", treated(song()), codec)),), bpm=BPM, position_s=10
    )
    whole, tail = back.samples("mix", dtype="int32"), back.samples("tail", dtype="int32")
    assert np.array_equal(whole[:HALF], soundfile.read(clip, dtype="int32")[0])
    assert np.array_equal(whole[HALF:], tail)
    assert likeness_db(tail / 2**31, song().samples[HALF:]) < likeness
    alignment = back.entry("mix")["alignment"]
    assert alignment["lag_samples"] == pytest.approx(lag, abs=0.1)
    assert alignment["confidence"] > 0.9
    assert alignment["residual_db"] < -20
    assert back.entry("mix")["position_samples"] == 10 * RATE_HZ
    assert back.entry("tail")["position_samples"] == 10 * RATE_HZ + HALF
    assert_no_click(whole / 2**31, HALF)
    assert "join" in back.checks()
    said = back.checks()
    assert ("polarity" in said) == treated.inverted
    assert ("3.002 s before the clip" in said) == ("intro" in how)


def assert_no_click(samples: np.ndarray, join: int) -> None:
    """The step at the join is one of those that the clip itself makes all the time."""
    step = np.abs(samples[join] - samples[join - 1]).max()
    assert step <= usual_step(samples[join - RATE_HZ // 5 : join])


async def test_a_continuation_from_within_the_clip_replaces_what_follows(tmp_path: Path):
    clip = clip_file(tmp_path, cut(song(), 0, HALF))
    file = encoded(tmp_path / "song", Treated(delay=300.25)(song()))
    back = await returned(tmp_path, clip, "extend", (mix(file),), bpm=BPM, from_s=3.0)
    whole, tail = back.samples("mix", dtype="int32"), back.samples("tail", dtype="int32")
    assert np.array_equal(whole[: 3 * RATE_HZ], soundfile.read(clip, dtype="int32")[0][: 3 * RATE_HZ])
    assert np.array_equal(whole[3 * RATE_HZ :], tail)
    assert likeness_db(tail / 2**31, song().samples[3 * RATE_HZ :]) < -60
    assert back.entry("tail")["position_samples"] == 3 * RATE_HZ


async def test_what_an_early_continuation_leaves_out_of_the_clip_is_not_looked_for(tmp_path: Path):
    clip = clip_file(tmp_path, cut(song(), 0, HALF))
    samples = song().samples.copy()
    samples[2 * RATE_HZ : -HALF] = samples[HALF + 2 * RATE_HZ :]  # other music than what the clip goes on with
    file = encoded(tmp_path / "song", Treated(delay=900.5, gain_db=-6)(Audio(samples, RATE_HZ)), "lame 192")
    back = await returned(tmp_path, clip, "extend", (mix(file),), bpm=BPM, from_s=2.0)
    assert back.entry("mix")["alignment"]["lag_samples"] == pytest.approx(900.5, abs=0.1)
    assert back.entry("mix")["alignment"]["confidence"] > 0.8
    assert "was found" not in back.checks()


async def test_a_loop_behind_a_new_head_is_taken_for_the_last_of_its_repeats(tmp_path: Path):
    bar = cut(song(), 0, 2 * RATE_HZ)
    loops = Audio(np.tile(bar.samples, (5, 1)), RATE_HZ)
    clip = clip_file(tmp_path, cut(loops, 0, 4 * RATE_HZ))
    back = await returned(
        tmp_path, clip, "extend", (mix(encoded(tmp_path / "song", loops)),), bpm=BPM, side="left", position_s=20
    )
    assert back.entry("mix")["alignment"]["lag_samples"] == pytest.approx(6 * RATE_HZ, abs=0.1)
    assert back.entry("head")["position_samples"] == 14 * RATE_HZ


async def test_a_head_ends_where_the_clip_starts(tmp_path: Path):
    clip = clip_file(tmp_path, cut(song(), HALF, song().frames))
    file = encoded(tmp_path / "song", Treated(delay=200.5, gain_db=-9)(song()), "lame 192")
    back = await returned(tmp_path, clip, "extend", (mix(file),), bpm=BPM, side="left", position_s=20)
    whole, head = back.samples("mix", dtype="int32"), back.samples("head", dtype="int32")
    assert np.array_equal(whole[-HALF:], soundfile.read(clip, dtype="int32")[0])
    assert np.array_equal(whole[:-HALF], head)
    assert likeness_db(head[-HALF:] / 2**31, song().samples[:HALF]) < -25
    assert back.entry("mix")["alignment"]["lag_samples"] == pytest.approx(HALF + 200.5, abs=0.1)
    assert back.entry("head")["position_samples"] == back.entry("mix")["position_samples"] == 20 * RATE_HZ - len(head)
    assert_no_click(whole[::-1] / 2**31, HALF)


async def test_a_continuation_alone_is_joined_without_a_step_and_not_called_aligned(tmp_path: Path):
    clip = clip_file(tmp_path, cut(song(), 0, HALF))
    loud = np.full((RATE_HZ, 2), 0.5, np.float32) * np.linspace(1, 0, RATE_HZ, dtype=np.float32)[:, None]
    file = encoded(tmp_path / "tail", Audio(loud, RATE_HZ))
    back = await returned(tmp_path, clip, "extend", (mix(file, covers="tail"),), bpm=BPM)
    whole = back.samples("mix")
    assert_no_click(whole, HALF)
    assert len(whole) == HALF + RATE_HZ
    assert "drawn to the clip over 5 ms" in back.checks("tail")
    assert back.entry("mix")["alignment"] is None


@pytest.mark.parametrize(
    ("subtype", "suffix"),
    [("PCM_16", ".wav"), ("PCM_24", ".wav"), ("FLOAT", ".wav"), ("PCM_24", ".flac"), ("PCM_16", ".aiff")],
)
async def test_outside_an_inpainted_section_nothing_is_left_of_a_null_test(tmp_path: Path, subtype: str, suffix: str):
    clip = clip_file(tmp_path, cut(song(), 0, HALF), subtype, suffix)
    file = encoded(tmp_path / "song", Treated(delay=700, gain_db=-6, rate_hz=48_000)(patched()), "lame 192")
    back = await returned(tmp_path, clip, "inpaint", (mix(file),), bpm=BPM, section_s=[2, 4])
    before, after = soundfile.read(clip)[0], back.samples("mix")
    assert after.shape == before.shape
    difference = after - before
    assert not difference[: 2 * RATE_HZ].any()
    assert not difference[4 * RATE_HZ :].any()
    inside = slice(2 * RATE_HZ + 441, 4 * RATE_HZ - 441)
    assert likeness_db(after[inside], patched().samples[inside]) < -25
    assert soundfile.info(back.path("mix")).subtype == ("FLOAT" if subtype == "FLOAT" else "PCM_24")
    alignment = back.entry("mix")["alignment"]
    assert alignment["lag_samples"] == pytest.approx(700 * 44_100 / 48_000, abs=0.1)
    assert alignment["residual_db"] < -25, "what is new in the section is no residue of the clip"
    assert sndfile_cues(back.path("mix")) == [(2 * RATE_HZ, "inpainted section")]


def patched() -> Audio:
    """The clip with another part of the song in its section."""
    samples = song().samples[:HALF].copy()
    samples[2 * RATE_HZ : 4 * RATE_HZ] = song().samples[HALF + RATE_HZ : HALF + 3 * RATE_HZ]
    return Audio(samples, RATE_HZ)


async def test_a_section_that_comes_alone_is_patched_in(tmp_path: Path):
    clip = clip_file(tmp_path, cut(song(), 0, HALF))
    section = cut(song(), HALF + RATE_HZ, HALF + 3 * RATE_HZ)
    back = await returned(
        tmp_path, clip, "inpaint", (mix(encoded(tmp_path / "s", section), covers="section"),), bpm=BPM, section_s=[2, 4]
    )
    after = back.samples("mix")
    inside = slice(2 * RATE_HZ + 441, 4 * RATE_HZ - 441)
    assert likeness_db(after[inside], patched().samples[inside]) < -100
    assert np.array_equal(after[4 * RATE_HZ :], soundfile.read(clip)[0][4 * RATE_HZ :])


def all_files(folder: Path) -> tuple[Made, ...]:
    """A mix as MP3 with its codec's delay, stems without it, and notes that belong to the mix."""
    delayed = Treated(delay=300, gain_db=-4)
    notes = folder / "notes.mid"
    track = NoteTrack("Lead", (Note(1.0, 1.5, 60, 100), Note(2.0, 2.4, 64, 100)))
    write_midi(notes, [track], Meter(120), duration_s=3.0)
    stems = [stem(encoded(folder / name, delayed(part)), name) for name, part in parts().items()]
    song_file = encoded(folder / "song", delayed(song()), "lame 192 untagged")
    return (mix(song_file), *stems, Made(Kind.MIDI, str(notes), made_by="Studio"))


@pytest.mark.parametrize(
    ("operation", "params"),
    [("extend", {}), ("inpaint", {"section_s": [2, 4]}), ("add_instrumental", {}), ("remaster", {})],
)
async def test_stems_and_notes_move_with_the_mix_that_they_belong_to(tmp_path: Path, operation: str, params: dict):
    clip = clip_file(tmp_path, cut(song(), 0, HALF))
    back = await returned(tmp_path, clip, operation, all_files(tmp_path), bpm=BPM, position_s=3, **params)
    whole = back.samples("mix")
    stems = {name: back.samples("stem", name) for name in parts()}
    assert {part.shape for part in stems.values()} == {whole.shape}
    residual_db = back.entry("stem", "drums")["alignment"]["residual_db"]
    assert residual_db < -30
    assert {back.entry("stem", name)["position_samples"] for name in stems} == {3 * RATE_HZ}
    assert back.entry("mix")["position_samples"] == 3 * RATE_HZ
    lag_s = back.entry("mix")["alignment"]["lag_samples"] / RATE_HZ
    assert lag_s * RATE_HZ == pytest.approx(300 + 1105, abs=0.1)
    assert starts_of(back.path("midi")) == pytest.approx([1.0 - lag_s, 2.0 - lag_s], abs=0.001)
    drums = parts()["drums"].samples[: len(whole)] * gain_of(stems["drums"], parts()["drums"].samples)
    assert likeness_db(stems["drums"], drums) < -60


def gain_of(got: np.ndarray, truth: np.ndarray) -> float:
    frames = min(len(got), len(truth))
    return float(np.sum(got[:frames] * truth[:frames]) / np.sum(truth[:frames].astype(np.float64) ** 2))


def starts_of(path: Path) -> list[float]:
    """When the notes begin, in seconds as a DAW counts them."""
    at_s, starts = 0.0, []
    for message in mido.MidiFile(path):
        at_s += message.time
        if message.type == "note_on" and message.velocity:
            starts.append(at_s)
    return starts


async def test_separated_stems_start_with_the_clip_and_last_as_long(tmp_path: Path):
    clip = clip_file(tmp_path, cut(song(), 0, HALF))
    late = Treated(delay=500)
    files = tuple(
        stem(encoded(tmp_path / name, late(cut(part, 0, HALF)), "lame 192 untagged"), name)
        for name, part in parts().items()
    )
    back = await returned(tmp_path, clip, "stems", files, bpm=BPM)
    assert {back.samples("stem", name).shape for name in parts()} == {(HALF, 2)}
    alignment = back.entry("stem", "bass")["alignment"]
    assert alignment["lag_samples"] == pytest.approx(1605, abs=0.1)
    assert alignment["residual_db"] < -25
    total = np.sum([back.samples("stem", name) for name in parts()], axis=0)
    assert likeness_db(total, song().samples[:HALF]) < -25


async def test_every_file_says_where_it_belongs_in_words_that_others_read(tmp_path: Path):
    clip = clip_file(tmp_path, cut(song(), 0, HALF))
    file = encoded(tmp_path / "song", Treated(delay=50)(song()), "lame 192")
    back = await returned(tmp_path, clip, "extend", (mix(file),), bpm=BPM, position_samples=123_456)
    for kind, position in (("mix", 123_456), ("tail", 123_456 + HALF)):
        found = wavinfo.WavInfoReader(str(back.path(kind)))
        assert found.bext.time_reference == position
        assert found.bext.version == 2
        assert found.bext.loudness_value == pytest.approx(back.entry(kind)["loudness_lufs"], abs=0.02)
        assert found.ixml.project == "Song"
        general = mediainfo(back.path(kind))["General"]
        assert "sendreturn" in str(general)
    assert sndfile_cues(back.path("mix")) == [(HALF, "join")]


async def test_flac_returns_hold_the_same_samples_and_say_where_they_belong(tmp_path: Path):
    clip = clip_file(tmp_path, cut(song(), 0, HALF))
    file = encoded(tmp_path / "song", song())
    flac = PLAIN.model_copy(update={"format": "flac"})
    back = await returned(tmp_path, clip, "extend", (mix(file),), flac, bpm=BPM, position_samples=123_456)
    assert {path.suffix for path in back.send.returns} == {".flac"}
    whole, tail = back.samples("mix", dtype="int32"), back.samples("tail", dtype="int32")
    assert np.array_equal(whole[:HALF], soundfile.read(clip, dtype="int32")[0])
    assert np.array_equal(whole[HALF:], tail)
    tags = {name.upper(): value for name, value in ffprobe(back.path("tail"))["format"]["tags"].items()}
    assert (tags["TIME_REFERENCE"], tags["BPM"]) == (str(123_456 + HALF), "126")
    assert mediainfo(back.path("tail"))["General"]["Album"] == "Song"


@pytest.mark.parametrize(("subtype", "suffix"), [("PCM_24", ".flac"), ("FLOAT", ".wav")])
async def test_an_inpainted_clip_is_a_flac_only_where_flac_holds_it_exactly(tmp_path: Path, subtype: str, suffix: str):
    clip = clip_file(tmp_path, cut(song(), 0, HALF), subtype)
    flac = PLAIN.model_copy(update={"format": "flac"})
    file = encoded(tmp_path / "song", patched())
    back = await returned(tmp_path, clip, "inpaint", (mix(file),), flac, bpm=BPM, section_s=[2, 4])
    assert back.path("mix").suffix == suffix
    difference = back.samples("mix") - soundfile.read(clip)[0]
    assert not np.delete(difference, np.s_[2 * RATE_HZ : 4 * RATE_HZ], axis=0).any()


@pytest.mark.parametrize("operation", ["extend", "cover", "remaster"])
async def test_with_alignment_off_nothing_is_moved_and_nothing_claimed(tmp_path: Path, operation: str):
    clip = clip_file(tmp_path, cut(song(), 0, HALF))
    made = Treated(delay=700)(song())
    plain = PLAIN.model_copy(update={"align": False, "conform": "none"})
    back = await returned(tmp_path, clip, operation, (mix(encoded(tmp_path / "song", made)),), plain, bpm=BPM)
    assert {file["alignment"] for file in back.sidecars[0]["returns"]} == {None}
    whole = back.samples("mix")
    start = HALF + 441 if operation == "extend" else 0
    assert likeness_db(whole[start:], made.samples[start : len(whole)]) < -80


async def test_a_clip_beyond_full_scale_is_never_clipped_in_what_comes_back(tmp_path: Path):
    hot = Audio(song().samples * np.float32(1.8 / PEAK), RATE_HZ)
    clip = clip_file(tmp_path, cut(hot, 0, HALF), "FLOAT")
    file = encoded(tmp_path / "song", level(hot, 0.5), "lame 192")
    back = await returned(tmp_path, clip, "extend", (mix(file),), bpm=BPM)
    whole, tail = back.samples("mix"), back.samples("tail")
    assert np.array_equal(whole[:HALF], soundfile.read(clip)[0])
    assert np.array_equal(whole[HALF:], tail)
    assert float(np.abs(tail).max()) > 1.0
    assert [back.entry(kind)["bit_depth"] for kind in ("mix", "tail")] == [32, 32]
    assert "nothing of it is clipped" in back.checks()


async def test_a_new_section_that_had_to_be_clipped_is_told(tmp_path: Path):
    clip = clip_file(tmp_path, cut(song(), 0, HALF))
    loud = Audio(patched().samples * np.float32(8), RATE_HZ)
    file = encoded(tmp_path / "section", cut(loud, 2 * RATE_HZ, 4 * RATE_HZ))
    back = await returned(tmp_path, clip, "inpaint", (mix(file, covers="section"),), bpm=BPM, section_s=[2, 4])
    assert "samples of the new audio were beyond full scale and were clipped" in back.checks()


async def test_two_takes_are_each_aligned_by_themselves(tmp_path: Path):
    clip = clip_file(tmp_path, cut(song(), 0, HALF))
    takes = [(mix(encoded(tmp_path / f"t{delay}", Treated(delay=delay)(song()))),) for delay in (100, 900)]
    back = await returned(tmp_path, clip, "extend", takes, bpm=BPM)
    lags = [back.entry("mix", take=take)["alignment"]["lag_samples"] for take in (1, 2)]
    assert lags == pytest.approx([100, 900], abs=0.05)
    assert tempo_of(back) == pytest.approx(BPM, abs=0.5)


def tempo_of(back: Returned) -> float | None:
    samples, rate_hz = soundfile.read(back.path("mix"), dtype="float32")
    return track_tempo(Audio(samples, rate_hz), Meter(BPM)).bpm
