"""Audio of the simulators: real, of the right length, and the same when it is asked for again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clips import lag_of, music
from sendreturn.audio.buffer import Audio
from sendreturn.audio.decode import read_audio
from sendreturn.testing.audio_maker import AudioMaker, Traits
from sendreturn.words import STEMS

RATE_HZ = 24_000
CLIP = Audio(music(3.0, RATE_HZ).astype(np.float32), RATE_HZ)
MAKER = AudioMaker()


def rms(audio: Audio) -> float:
    return float(np.sqrt(np.mean(audio.samples**2)))


@pytest.mark.parametrize(("side", "part"), [("right", slice(0, 60_000)), ("left", slice(-60_000, None))])
async def test_an_extension_keeps_the_clip_and_adds_sound(side: str, part: slice):
    made = await MAKER.extend(CLIP, extend_s=0.5, side=side)
    new = await MAKER.extend(CLIP, extend_s=0.5, side=side, whole=False)
    assert (made.frames, new.frames) == (CLIP.frames + 12_000, 12_000)
    assert np.array_equal(made.samples[part], CLIP.samples[part])
    assert rms(new) > 0.01


async def test_an_extension_starts_where_it_is_told_to():
    assert (await MAKER.extend(CLIP, extend_s=1.0, from_s=2.0)).frames == 3 * RATE_HZ
    assert (await MAKER.extend(CLIP, extend_s=1.0, crop_s=0.5)).frames == round(3.5 * RATE_HZ)


async def test_an_inpainting_changes_its_section_alone():
    made = await MAKER.inpaint(CLIP, section_s=(1.0, 2.0))
    section = await MAKER.inpaint(CLIP, section_s=(1.0, 2.0), whole=False)
    assert np.array_equal(made.samples[: RATE_HZ - 1000], CLIP.samples[: RATE_HZ - 1000])
    assert not np.array_equal(section.samples, CLIP.samples[RATE_HZ : 2 * RATE_HZ])
    assert section.frames == RATE_HZ


async def test_takes_differ_and_are_made_once():
    first, second = [await MAKER.remaster(CLIP, seed=seed) for seed in (1, 2)]
    assert not np.array_equal(first.samples, second.samples)
    assert await MAKER.remaster(CLIP, seed=1) is first


async def test_a_cover_is_as_long_as_its_clip_and_other_music():
    made = await MAKER.cover(CLIP, style="jazz")
    assert (made.frames, made.rate_hz) == (CLIP.frames, RATE_HZ)
    assert rms(made) > 0.01
    assert abs(np.corrcoef(made.mono(), CLIP.mono())[0, 1]) < 0.9
    assert rms(await MAKER.add_backing(CLIP, style="jazz")) > rms(CLIP)


@pytest.mark.parametrize("count", [2, 4, 12])
async def test_stems_differ_and_sum_to_the_clip(count: int):
    stems = await MAKER.stems(CLIP, STEMS[:count])
    assert list(stems) == list(STEMS[:count])
    assert np.allclose(sum(stem.samples for stem in stems.values()), CLIP.samples, atol=1e-5)
    assert all(rms(stem) > 1e-4 for stem in stems.values())


async def test_songs_are_joined_and_mixed():
    joined = await MAKER.concat(CLIP, Audio(CLIP.samples[:, :1], RATE_HZ))
    assert (joined.frames, joined.channels) == (2 * CLIP.frames, 2)
    assert (await MAKER.mashup(CLIP, joined)).frames == CLIP.frames


async def test_a_song_without_a_clip_has_its_length_and_its_seed():
    one, other = [await MAKER.song(2.0, seed) for seed in (1, 2)]
    assert one.duration_s == 2.0
    assert not np.array_equal(one.samples, other.samples)
    assert rms(one) > 0.01


async def test_something_is_heard_in_everything():
    tracks = await MAKER.notes(Audio(np.full((RATE_HZ, 1), 1e-6, np.float32), RATE_HZ))
    assert [len(track.notes) for track in tracks] == [1]


@pytest.mark.parametrize("codec", ["mp3", "ogg", "wav", "flac"])
async def test_what_services_do_to_audio_can_be_measured(tmp_path: Path, codec: str):
    made = await MAKER.encode(CLIP, Traits(codec, 48_000, delay_s=0.02, gain_db=-6.0))
    path = tmp_path / f"a{made.suffix}"
    path.write_bytes(made.data)
    back = read_audio(path)
    assert back.rate_hz == 48_000
    assert back.duration_s == pytest.approx(made.duration_s, abs=0.06)
    assert rms(back) == pytest.approx(rms(CLIP) / 2, rel=0.05)
    plain = await MAKER.encode(CLIP, Traits("wav", 48_000))
    (tmp_path / "plain.wav").write_bytes(plain.data)
    assert lag_of(read_audio(tmp_path / "plain.wav").samples, back.samples) == pytest.approx(960, abs=2)
