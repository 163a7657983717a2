"""Row 56: a line that loses packets, or is as slow as a modem; made by the kernel in a network of the test's own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import bad_lines
import pytest

WHY_NOT = bad_lines.why_not() if sys.platform.startswith("linux") else "lines are made bad by Linux's own means"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]


def sent_over(line: str, folder: Path, *sends: tuple[str, str]) -> list[dict[str, Any]]:
    command = [*bad_lines.APART, sys.executable, str(Path(bad_lines.__file__)), str(folder), line]
    words = [word for send in sends for word in send]
    run = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    return [json.loads(text) for text in run.stdout.splitlines()]


def test_a_line_that_loses_one_packet_in_twenty_loses_no_send_and_pays_once(tmp_path: Path):
    sends = (("sonauto", "extend"), ("acedata", "cover"), ("musicapi", "cover"), ("sunoapi", "cover"))
    *stories, line = sent_over("lossy", tmp_path / "daemons", *sends)
    assert [(story["broken"], story["uncertain"]) for story in stories] == [([], 0)] * len(sends)
    assert all(story["bills"] for story in stories)
    assert line["lost"] >= 20


def test_a_line_as_slow_as_a_modem_is_waited_for(tmp_path: Path):
    (story, _) = sent_over("slow", tmp_path / "daemons", ("sunoapi", "generate"))
    assert (story["broken"], story["uncertain"], story["bills"]) == ([], 0, 1)
