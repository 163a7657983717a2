"""How well and how fast stems are separated, by each means that is there.

`SENDRETURN_TEST_MODELS` names a models folder, `SENDRETURN_TEST_HTDEMUCS` an HTDemucs network; what is not named is
left out. Songs: a synthetic one with a sung voice, the demo's with its lead, and the demo's with a voice for the lead.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from sendreturn.audio.buffer import Audio
from sendreturn.demo.song import render_demo_stems
from sendreturn_bridges.services.local.separate import separate
from stem_mixes import mixed, sdr_db, si_sdr_db, song_with_voice, sung_voice

FOUR = ("vocals", "drums", "bass", "other")
RATE_HZ = 44_100


def songs() -> dict[str, dict[str, Audio]]:
    demo = render_demo_stems(RATE_HZ)
    rest = [part.samples for name, part in demo.items() if name not in FOUR]
    lead = {name: demo[name] for name in ("vocals", "drums", "bass")}
    lead["other"] = Audio(np.sum(rest, axis=0, dtype=np.float32), RATE_HZ)
    voice = sung_voice(lead["vocals"].duration_s, RATE_HZ)
    sung = Audio(np.column_stack([voice, voice]) * np.float32(0.7), RATE_HZ)
    return {"synthetic": song_with_voice(24.0, RATE_HZ), "demo, lead": lead, "demo, sung": {**lead, "vocals": sung}}


def means() -> dict[str, dict[str, Path | None]]:
    nowhere = Path("nowhere")
    found: dict[str, dict[str, Path | None]] = {"classical": {"models": nowhere}}
    if models := os.environ.get("SENDRETURN_TEST_MODELS"):
        found["spleeter-2"] = {"models": Path(models)}
    if network := os.environ.get("SENDRETURN_TEST_HTDEMUCS"):
        found["htdemucs"] = {"models": nowhere, "htdemucs": Path(network)}
    return found


@pytest.mark.bench
@pytest.mark.timeout(600)
def test_stems_against_the_truth(capsys: pytest.CaptureFixture[str]) -> None:
    rows = []
    for title, truth in songs().items():
        mix = mixed(truth)
        rows.append(_row(title, "(the mix)", 0.0, truth, dict.fromkeys(FOUR, mix)))
        for tier, using in means().items():
            started = time.perf_counter()
            made = separate(mix, stems=4, **using)  # type: ignore[arg-type]
            taken_s = time.perf_counter() - started
            assert made.tier == tier
            rows.append(_row(title, tier, taken_s, truth, made.stems))
            assert sdr_db(mix.samples, mixed(dict(made.stems)).samples) > 60
    with capsys.disabled():
        print("\n" + "\n".join([_heading(), *rows]))


def _heading() -> str:
    return f"{'SDR / SI-SDR in dB':<18}" + "".join(f"{name:>15}" for name in ("", *FOUR, "seconds"))


def _row(title: str, tier: str, taken_s: float, truth: Mapping[str, Audio], made: Mapping[str, Audio]) -> str:
    pairs = [(truth[name].samples, made[name].samples) for name in FOUR]
    cells = "".join(f"{f'{sdr_db(*pair):.1f} / {si_sdr_db(*pair):.1f}':>15}" for pair in pairs)
    return f"{title:<18}{tier:>15}{cells}{taken_s:>15.1f}"
