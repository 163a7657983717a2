"""A clip takes no more memory on its way for being large."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "helpers" / "large_clips.py"
LARGE_MB = 64
MOST_MB = 24
"""Less than half of the clip, and more than buffers and the allocator's moods."""


@pytest.mark.parametrize(
    "way",
    [
        "prepare",
        "upload",
        "url",
        pytest.param("base64", marks=pytest.mark.slow),
        pytest.param("base64_refused", marks=pytest.mark.slow),
        pytest.param("convert", marks=pytest.mark.slow),
    ],
)
def test_a_clip_goes_its_way_in_pieces(way: str) -> None:
    ran = subprocess.run(
        [sys.executable, str(PROGRAM), way, str(LARGE_MB)], capture_output=True, text=True, check=False, timeout=110
    )
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) < MOST_MB
