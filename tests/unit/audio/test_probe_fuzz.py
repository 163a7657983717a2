from __future__ import annotations

import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import clips
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sendreturn.audio.clip import ClipInfo
from sendreturn.audio.decode import read_audio
from sendreturn.audio.probe import Complete, Incomplete, completeness, probe
from sendreturn.errors import ClipError

KINDS = ("wav16", "rf64", "aiff", "aifc", "flac", "ogg", "opus", "mp3")
EDITS = st.lists(st.tuples(st.integers(0, 400), st.binary(min_size=1, max_size=8)), min_size=1, max_size=4)


@cache
def whole(kind: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return clips.write_kind(Path(folder), kind, clips.music(0.12, 48_000, 1)).read_bytes()


def examine(content: bytes) -> None:
    """A result or a ClipError: nothing else may come of any bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip"
        path.write_bytes(content)
        assert isinstance(completeness(path), Complete | Incomplete)
        with suppress(ClipError):
            info = probe(path)
            assert isinstance(info, ClipInfo)
            assert read_audio(path).frames == info.frames


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(edits=EDITS, keep=st.integers(0, 4000))
def test_spoiled_headers_give_a_result_or_a_sentence(kind: str, edits: list[tuple[int, bytes]], keep: int) -> None:
    content = bytearray(whole(kind))
    for at, patch in edits:
        content[at : at + len(patch)] = patch
    examine(bytes(content[: keep if keep < 300 else len(content)]))


MAGICS = (
    b"RIFF\0\0\0\0WAVE",
    b"RF64\xff\xff\xff\xffWAVE",
    b"FORM\0\0\0\0AIFF",
    b"fLaC",
    b"OggS\0",
    b"\0\0\0\x18ftypM4A ",
    b"ID3\4",
    b"\xff\xfb",
)


@pytest.mark.parametrize("magic", MAGICS)
@settings(max_examples=60)
@given(rest=st.binary(max_size=300))
def test_made_up_files_give_a_result_or_a_sentence(magic: bytes, rest: bytes) -> None:
    examine(magic + rest)
