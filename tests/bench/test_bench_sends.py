"""How much a large clip and a thousand waiting sends take."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HELPERS = Path(__file__).parents[1] / "helpers"
CLIP_MB = 500
MOST_MB = 200
"""Above idle, for a clip of that size."""
SENDS = 1000
MOST_WAITING_MB = 250


def run(program: str, *words: object) -> str:
    command = [sys.executable, str(HELPERS / program), *map(str, words)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()[-1]


@pytest.mark.bench
@pytest.mark.timeout(900)
@pytest.mark.parametrize("way", ["prepare", "convert", "upload", "base64", "base64_refused", "url"])
def test_a_large_clip_on_its_way(way: str, capsys: pytest.CaptureFixture[str]) -> None:
    peak_mb = float(run("large_clips.py", way, CLIP_MB))
    with capsys.disabled():
        print(f"\n{way}: {CLIP_MB} MB take {peak_mb:.1f} MB above idle")
    assert peak_mb <= MOST_MB


@pytest.mark.bench
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("title", "requests", "per_s"), [("20 requests in 10 s", 20, 10.0), ("1 request in 3 s", 1, 3.0)]
)
def test_a_thousand_sends_wait_at_once(
    title: str, requests: int, per_s: float, capsys: pytest.CaptureFixture[str]
) -> None:
    told = json.loads(run("many_waiting.py", SENDS, requests, per_s, 4))
    with capsys.disabled():
        print(f"\n{SENDS} sends, {title}: {told}")
    assert told["done"] == SENDS
    assert told["looks_per_send_and_minute"] <= 1
    assert told["most_in_a_window"] <= requests
    assert told["peak_mb"] <= MOST_WAITING_MB
