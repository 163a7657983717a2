from __future__ import annotations

from typing import TYPE_CHECKING

import clips
import numpy as np
import pytest
import soundfile
from sendreturn.audio.stem_fit import fit_length

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("more", [-70_000, -1, 0, 1, 3_000])
def test_a_stem_gets_its_mixes_length_and_keeps_its_samples(tmp_path: Path, subtype: str, more: int) -> None:
    source = clips.write_clip(tmp_path / "in.wav", clips.music(2.0), subtype=subtype)
    target = tmp_path / "out.wav"
    told = fit_length(source, target, 96_000 + more)
    before, _ = soundfile.read(source, dtype="float64")
    after, _ = soundfile.read(target, dtype="float64")
    assert len(after) == 96_000 + more
    kept = min(len(before), len(after))
    np.testing.assert_array_equal(after[:kept], before[:kept])
    assert not after[kept:].any()
    assert (told is None) == (more == 0)


def test_what_was_done_is_told(tmp_path: Path) -> None:
    source = clips.write_clip(tmp_path / "in.wav", clips.music(1.0))
    assert fit_length(source, tmp_path / "a.wav", 47_520) == (
        "It was 480 samples (0.010 s) longer than the mix and was cut at its end."
    )
    assert fit_length(source, tmp_path / "b.wav", 52_800) == (
        "It was 4,800 samples (0.100 s) shorter than the mix and is silent at its end."
    )


def test_a_stem_is_never_fitted_onto_itself(tmp_path: Path) -> None:
    source = clips.write_clip(tmp_path / "in.wav", clips.music(1.0))
    with pytest.raises(ValueError, match="itself"):
        fit_length(source, source, 10)
