"""What a service gives back and should not have: it is delivered, nothing untrue is claimed of it, and it is said."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from random_songs import random_song
from returning_service import Returned, Treated, encoded, level, mix, returned, stem
from sendreturn.audio.buffer import Audio
from sendreturn.contract import Made
from sendreturn.synth.kits import KITS
from sendreturn.words import Kind

RATE_HZ = 44_100
CLIP = 5 * RATE_HZ
OPERATIONS = {"extend": {}, "inpaint": {"section_s": [1, 2]}, "cover": {}, "remaster": {}}


@lru_cache(maxsize=2)
def song(seed: int = 3) -> Audio:
    made = random_song(seed, tuple(KITS), bars=5, rate_hz=RATE_HZ).mix
    return level(made, 0.2 / float(np.abs(made.samples).max()))


@lru_cache(maxsize=1)
def parts() -> dict[str, Audio]:
    return random_song(3, tuple(KITS), bars=3, rate_hz=RATE_HZ).stems


async def sent(folder: Path, operation: str, files: tuple[Made, ...], channels: int = 2, **params: object) -> Returned:
    (folder / "Song").mkdir()
    clip = folder / "Song" / "riff.wav"
    soundfile.write(clip, song().samples[:CLIP, :channels], RATE_HZ, subtype="PCM_24")
    return await returned(folder, clip, operation, files, bpm=126, **(OPERATIONS.get(operation, {}) | params))


def original(folder: Path) -> np.ndarray:
    return soundfile.read(folder / "Song" / "riff.wav")[0]


def assert_nothing_is_claimed(back: Returned) -> None:
    alignments = [file["alignment"] for table in back.sidecars for file in table["returns"] if file["alignment"]]
    assert {(one["lag_samples"], one["residual_db"]) for one in alignments} <= {(None, None)}


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_another_song_is_delivered_and_not_called_aligned(tmp_path: Path, operation: str):
    other = song(5)
    back = await sent(tmp_path, operation, (mix(encoded(tmp_path / "other", other)),))
    assert_nothing_is_claimed(back)
    whole = back.samples("mix")
    if operation == "inpaint":
        assert np.array_equal(np.delete(whole, np.s_[RATE_HZ : 2 * RATE_HZ], 0), outside(tmp_path))
    else:
        assert holds(whole, other.samples), "all of what was paid for is there"
    if operation == "extend":
        assert np.array_equal(back.samples("tail"), whole[CLIP:])
        assert "not joined to the clip" in back.send.text
    if operation != "cover":
        assert "The clip was not found in what came back" in back.checks()
        assert "The clip was not found in what came back" in back.send.text


def outside(folder: Path) -> np.ndarray:
    return np.delete(original(folder), np.s_[RATE_HZ : 2 * RATE_HZ], 0)


def holds(whole: np.ndarray, audio: np.ndarray) -> bool:
    """Whether all of `audio` is in `whole`, at whatever place."""
    shift = len(whole) - len(audio)
    moved = whole[shift:] if shift >= 0 else whole
    return bool(np.allclose(moved, audio[max(-shift, 0) :], atol=1e-6))


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_silence_is_called_silence(tmp_path: Path, operation: str):
    silence = Audio(np.zeros((CLIP + RATE_HZ, 2), np.float32), RATE_HZ)
    back = await sent(tmp_path, operation, (mix(encoded(tmp_path / "silence", silence)),))
    assert_nothing_is_claimed(back)
    assert "What came back is silent." in back.checks()
    assert "What came back is silent." in back.send.text


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_mono_at_another_rate_is_found_and_told(tmp_path: Path, operation: str):
    made = Treated(channels=1, rate_hz=22_050, delay=111)(song())
    back = await sent(tmp_path, operation, (mix(encoded(tmp_path / "song", made)),))
    assert back.entry("mix")["sample_rate_hz"] == RATE_HZ
    assert back.entry("mix")["alignment"]["lag_samples"] == pytest.approx(222, abs=0.2)
    for sentence in ("What came back is mono, and the clip is stereo.", "nothing above 11.025 kHz"):
        assert sentence in back.checks()
        assert sentence in back.send.text


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_half_of_it_is_delivered_and_told(tmp_path: Path, operation: str):
    half = Audio(song().samples[: CLIP // 2], RATE_HZ)
    back = await sent(tmp_path, operation, (mix(encoded(tmp_path / "half", half)),))
    assert "What came back is 2.5 s long, and the clip 5.0 s." in back.send.text
    if operation == "extend":
        assert "Nothing of what came back is new" in back.send.text
        assert {file["kind"] for file in back.sidecars[0]["returns"]} == {"mix"}
    if operation == "inpaint":
        assert len(back.samples("mix")) == CLIP
    else:
        assert np.allclose(back.samples("mix"), half.samples, atol=1e-6)


async def test_where_the_section_ends_early_the_clip_goes_on(tmp_path: Path):
    short = Audio(song().samples[: RATE_HZ + RATE_HZ // 2], RATE_HZ)
    back = await sent(tmp_path, "inpaint", (mix(encoded(tmp_path / "short", short)),))
    after = back.samples("mix")
    assert np.array_equal(after[RATE_HZ + RATE_HZ // 2 :], original(tmp_path)[RATE_HZ + RATE_HZ // 2 :])
    assert "The new section ends 0.50 s too early; the clip goes on there." in back.send.text


async def test_what_clips_is_told_and_brought_to_the_clips_level_where_they_join(tmp_path: Path):
    loud = Audio(np.clip(song().samples * 20, -1, 1), RATE_HZ)
    back = await sent(tmp_path, "extend", (mix(encoded(tmp_path / "loud", loud)),))
    assert "What came back clips" in back.send.text
    assert 0.3 < np.std(back.samples("tail")) / np.std(original(tmp_path)) < 3


async def test_the_clip_itself_is_no_extension(tmp_path: Path):
    unchanged = Audio(song().samples[:CLIP], RATE_HZ)
    back = await sent(tmp_path, "extend", (mix(encoded(tmp_path / "same", unchanged)),))
    assert "Nothing of what came back is new" in back.send.text
    assert np.allclose(back.samples("mix"), original(tmp_path), atol=1e-6)


async def test_stereo_beside_a_mono_clip_is_folded_and_told(tmp_path: Path):
    back = await sent(tmp_path, "extend", (mix(encoded(tmp_path / "song", song())),), channels=1)
    assert back.entry("mix")["channels"] == 1
    assert "folded to mono" in back.checks("tail")


async def test_notes_that_cannot_be_read_are_delivered_as_they_came(tmp_path: Path):
    garbled = tmp_path / "notes.mid"
    garbled.write_bytes(b"MThd\0\0\0\6\0\1\0\1\3\xc0MTrk\0\0\1\0\x90garbled")
    files = (mix(encoded(tmp_path / "song", song())), Made(Kind.MIDI, str(garbled), made_by="Studio"))
    back = await sent(tmp_path, "extend", files)
    assert back.path("midi").read_bytes() == garbled.read_bytes()
    assert "as the service made it" in back.checks("midi")
    assert "MIDI" in back.send.text


async def test_exchanged_doubled_and_empty_stems_are_named_when_it_is_done(tmp_path: Path):
    own = parts()
    labels = {"vocals": own["drums"], "drums": own["vocals"], "bass": own["bass"], "keyboard": own["bass"]}
    labels["other"] = level(own["bass"], 0.0)
    total = Audio(np.sum([part.samples for part in own.values()], axis=0) * np.float32(0.2), RATE_HZ)
    files = (mix(encoded(tmp_path / "mix", total)), *(
        stem(encoded(tmp_path / name, level(part, 0.2)), name) for name, part in labels.items()
    ))  # fmt: skip
    back = await sent(tmp_path, "cover", files)
    assert "The stems drums and vocals seem to be exchanged" in back.send.text
    assert "Stem keyboard: it is the same audio as bass." in back.send.text
    assert "It is empty" in back.checks("stem", "other")
    assert {file["stem"] for file in back.sidecars[0]["returns"]} == {None, *labels}


async def test_what_is_said_of_a_take_stands_with_its_mix_and_not_with_its_lyrics(tmp_path: Path):
    lyrics = Made(Kind.LYRICS, text="la la", made_by="Studio")
    silence = Audio(np.zeros((CLIP + RATE_HZ, 2), np.float32), RATE_HZ)
    back = await sent(tmp_path, "remaster", (lyrics, mix(encoded(tmp_path / "silence", silence))))
    assert "silent" in back.checks()
    assert "silent" not in back.checks("lyrics")
