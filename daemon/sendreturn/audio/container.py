"""Which container a file is, told by its content; and whether it is whole."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, BinaryIO

from sendreturn.audio import mp4, mpeg, riff, xiph

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendreturn.audio.header import Header

_STRANGERS = (
    (b"#EXTM3U", "a playlist"),
    (b"ffconcat", "a playlist"),
    (b"MThd", "a MIDI file"),
    (b"caff", "a Core Audio (CAF) file"),
    (b"riff\x2e\x91\xcf\x11", "a Wave64 file"),
    (b".snd", "a Sun AU file"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM file"),
    (b"wvpk", "a WavPack file"),
    (b"MAC ", "a Monkey's Audio file"),
    (b"0&\xb2u", "a Windows Media file"),
    (b"ADIF", "a bare AAC stream"),
)
_TEXT_LOOKS = ((b"<!doctype html", "a web page"), (b"<html", "a web page"), (b"{", "JSON text"), (b"<?xml", "XML text"))
_PRINTABLE = frozenset(string.printable.encode())


def reader_of(file: BinaryIO, size: int) -> Callable[[BinaryIO, int], Header] | None:
    """What reads this file's header; None when it is none of the containers that are taken."""
    file.seek(0)
    head = file.read(16)
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return riff.read_wave
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return riff.read_aiff
    if head[:4] == b"OggS":
        return xiph.read_ogg
    if head[4:8] == b"ftyp":
        return mp4.read_mp4
    if _behind_tag(file, head) == b"fLaC":
        return xiph.read_flac
    if head.startswith(b"ID3") and not _behind_tag(file, head):
        # The tag fills the whole file: the rest of an MP3 is still to come.
        return mpeg.read_mp3
    return mpeg.read_mp3 if mpeg.begins_like_mp3(file, size) else None


def looks_like(file: BinaryIO) -> str:
    """What a file that is no audio of ours seems to be, as a noun."""
    file.seek(0)
    head = file.read(512)
    for magic, name in _STRANGERS:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF":
        return "a RIFF file without wave audio"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "a bare AAC stream"
    return _text_look(head) or "a file of unknown kind"


def _text_look(head: bytes) -> str | None:
    if not head.strip(b"\0"):
        return "a file of zeros"
    if not all(letter in _PRINTABLE or letter >= 0x80 for letter in head) or _is_binary(head):
        return None
    begin = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return next((name for magic, name in _TEXT_LOOKS if begin.startswith(magic)), "text")


def _is_binary(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as problem:
        return problem.start < len(head) - 4
    return False


def _behind_tag(file: BinaryIO, head: bytes) -> bytes:
    """The four letters behind an ID3 tag, or at the start."""
    if not head.startswith(b"ID3") or len(head) < 10:
        return head[:4]
    file.seek(10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]))
    return file.read(4)
