"""Clips that turn out to be unusable when they were taken already."""

from __future__ import annotations

from pathlib import Path

import pytest
from sendreturn.sends.rejects import put_aside

SENTENCE = "“riff.wav” is silent."


@pytest.fixture
def session(tmp_path: Path) -> Path:
    for name in ("cover", "sent"):
        (tmp_path / "Sends" / name).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("folder", ["cover", "sent"])
def test_a_clip_is_put_aside_from_where_it_is_on_its_way(session: Path, folder: str):
    sent, found = session / "Sends" / "sent" / "riff.wav", session / "Sends" / "cover" / "riff.wav"
    (session / "Sends" / folder / "riff.wav").write_bytes(b"clip")
    put = put_aside(sent, found, session, "Sends", SENTENCE)
    assert put == session / "Sends" / "rejected" / "riff.wav"
    assert put.read_bytes() == b"clip"
    assert put.with_name("riff.wav.why.txt").read_text() == SENTENCE + "\n"
    assert not sent.exists()
    assert not found.exists()


def test_a_clip_that_was_put_aside_before_a_crash_stays_where_it_is(session: Path):
    sent = session / "Sends" / "sent" / "riff.wav"
    sent.write_bytes(b"clip")
    put = put_aside(sent, None, session, "Sends", SENTENCE)
    assert put is not None
    assert put_aside(put, None, session, "Sends", SENTENCE) == put
    assert {path.name for path in put.parent.iterdir()} == {"riff.wav", "riff.wav.why.txt"}


def test_a_clip_that_is_gone_is_not_put_aside(session: Path):
    assert put_aside(session / "Sends" / "sent" / "riff.wav", None, session, "Sends", SENTENCE) is None
