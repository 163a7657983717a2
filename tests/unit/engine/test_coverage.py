"""Where a service does not say whether its audio begins with the clip, that is heard."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from returning_service import Returned, encoded, mix, returned
from sendreturn.audio.buffer import Audio
from sendreturn.contract import UNSAID
from sendreturn.engine.coverage import NEW_ALONE
from sendreturn.testing.sounds import extended, song

SLOW = pytest.mark.slow
RATE_HZ = 24_000
CLIP_S = 6.0


@lru_cache(maxsize=1)
def clip() -> Audio:
    made = song(CLIP_S, 1)
    return Audio(np.ascontiguousarray(made.samples[:: made.rate_hz // RATE_HZ]), RATE_HZ)


@lru_cache(maxsize=8)
def continued(from_s: float, *, whole: bool) -> Audio:
    """The local engine's continuation, whose new audio is made of the clip's own material."""
    return extended(clip(), 9.0, "right", from_s, 0.0, 0, whole)


def late(audio: Audio, seconds: float) -> Audio:
    silence = np.zeros((round(seconds * RATE_HZ), audio.channels), np.float32)
    return Audio(np.concatenate([silence, audio.samples]), RATE_HZ)


async def sent(folder: Path, operation: str, audio: Audio, codec: str = "wav", **params: object) -> Returned:
    (folder / "Song").mkdir()
    path = folder / "Song" / "riff.wav"
    soundfile.write(path, clip().samples, RATE_HZ, subtype="PCM_24")
    file = mix(encoded(folder / "made", audio, codec), UNSAID)
    return await returned(folder, path, operation, (file,), bpm=100, **params)


def length_s(back: Returned, kind: str) -> float:
    return float(back.entry(kind)["duration_s"])


@pytest.mark.parametrize("from_s", [CLIP_S, pytest.param(4.5, marks=SLOW)])
async def test_a_continuation_that_is_longer_than_the_clip_is_joined_to_it(tmp_path: Path, from_s: float):
    tail = continued(from_s, whole=False)
    back = await sent(tmp_path, "extend", tail, from_s=from_s)
    assert length_s(back, "tail") == pytest.approx(tail.duration_s, abs=0.01)
    assert length_s(back, "mix") == pytest.approx(from_s + tail.duration_s, abs=0.01)
    assert NEW_ALONE in back.checks()


@pytest.mark.parametrize(
    ("from_s", "late_s"), [(4.5, 0.05), *(pytest.param(*case, marks=SLOW) for case in ((CLIP_S, 0.0), (4.5, 0.0)))]
)
async def test_a_song_that_begins_with_the_clip_gives_only_what_is_new_of_it(
    tmp_path: Path, from_s: float, late_s: float
):
    whole = late(continued(from_s, whole=True), late_s)
    back = await sent(tmp_path, "extend", whole, "lame 192", from_s=from_s)
    assert length_s(back, "tail") == pytest.approx(whole.duration_s - late_s - from_s, abs=0.1)
    assert length_s(back, "mix") == pytest.approx(whole.duration_s - late_s, abs=0.1)
    assert NEW_ALONE not in back.checks()


async def test_what_is_shorter_than_the_clip_is_the_continuation(tmp_path: Path):
    back = await sent(tmp_path, "extend", continued(CLIP_S, whole=False).cut(0.0, 3.0))
    assert length_s(back, "mix") == pytest.approx(CLIP_S + 3.0, abs=0.01)


@pytest.mark.parametrize("end_s", [2.0, CLIP_S])
async def test_a_section_is_told_from_its_song_by_its_length(tmp_path: Path, end_s: float):
    other = song(CLIP_S, 5)
    made = Audio(np.ascontiguousarray(other.samples[:: other.rate_hz // RATE_HZ]), RATE_HZ).cut(0.0, end_s)
    back = await sent(tmp_path, "inpaint", made, section_s=[1.0, 3.0])
    mixed, own = back.samples("mix"), soundfile.read(tmp_path / "Song" / "riff.wav", always_2d=True)[0]
    first = RATE_HZ if end_s == CLIP_S else 0
    inside = slice(RATE_HZ + RATE_HZ // 2, 2 * RATE_HZ)
    expected = made.samples[first + RATE_HZ // 2 : first + RATE_HZ]
    assert np.array_equal(mixed[:RATE_HZ], own[:RATE_HZ])
    assert np.corrcoef(mixed[inside, 0], expected[:, 0])[0, 1] > 0.99
