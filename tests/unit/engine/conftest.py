"""What tests of the engine begin with."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_service import write_tone


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A clip in a session of its own."""
    (tmp_path / "Song").mkdir()
    return write_tone(tmp_path / "Song" / "riff.wav")
