from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

import clips
import pytest
from sendreturn.audio.probe import Complete, Incomplete, completeness, inspect, probe
from sendreturn.errors import ClipError

AUDIO = b"\1\0" * 20_000


def refusal(path: Path, **limits: float) -> ClipError:
    """The error of `probe`, which always names the file and what to do."""
    with pytest.raises(ClipError) as caught:
        probe(path, **limits)
    assert path.name in caught.value.what
    assert caught.value.what.endswith(".")
    assert caught.value.hint.endswith(".")
    return caught.value


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "There is no file" in refusal(tmp_path / "gone.wav").what


def test_a_folder_named_like_a_clip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.wav").mkdir()
    assert "is a folder" in refusal(tmp_path / "folder.wav").what


def test_an_empty_file_is_refused_and_still_to_come(tmp_path: Path) -> None:
    path = written(tmp_path / "empty.wav", b"")
    assert "0 bytes" in refusal(path).what
    assert isinstance(completeness(path), Incomplete)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert "named pipe" in refusal(tmp_path / "pipe.wav").what
    with pytest.raises(ClipError):
        completeness(tmp_path / "pipe.wav")


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no socket files")
def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket may be only about 100 bytes long
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("plug.wav")
        assert "a socket" in refusal(Path("plug.wav")).what


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no /dev/zero")
def test_a_device_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "endless.wav"
    link.symlink_to("/dev/zero")
    assert "a device" in refusal(link).what


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "loop.wav"
    link.symlink_to(link)
    assert "could not be opened" in refusal(link).what


def test_a_file_that_may_not_be_read_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clips.write_clip(tmp_path / "locked.wav", clips.music(0.5))

    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    assert "may not be read" in refusal(path).what


@pytest.mark.parametrize(
    ("content", "look"),
    [
        (b"Meeting notes, Tuesday. Bring the tape.\n" * 50, "text"),
        ("Höchste Zeit für Kaffee.\n".encode() * 40, "text"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "a web page"),
        (b'{"error": "expired"}' * 9, "JSON text"),
        (b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n", "a playlist"),
        (b"ffconcat version 1.0\nfile 'other.wav'\n", "a playlist"),
        (b"MThd\0\0\0\6\0\1\0\1\3\xc0MTrk", "a MIDI file"),
        (b"PK\3\4" + b"\0" * 40, "a ZIP archive"),
        (b"caff\0\1\0\0" + b"\0" * 40, "Core Audio"),
        (b"RIFF\0\1\0\0AVI LIST" + b"\0" * 40, "RIFF file without wave audio"),
        (b"\xff\xf1\x50\x80\x02\x1f\xfc" + b"\x21" * 60, "AAC"),
        (bytes(range(256)) * 8, "unknown kind"),
    ],
)
@pytest.mark.parametrize("name", ["song.wav", "song.mp3"])
def test_what_is_no_audio_is_called_what_it_looks_like(tmp_path: Path, name: str, content: bytes, look: str) -> None:
    path = written(tmp_path / name, content)
    error = refusal(path)
    assert look in error.what
    assert "WAV" in error.hint
    assert completeness(path) == Complete()


def test_random_bytes_are_no_mp3(tmp_path: Path) -> None:
    noise = clips.np.random.default_rng(5).bytes(2_000_000)
    assert "unknown kind" in refusal(written(tmp_path / "noise.mp3", noise)).what


@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 0.97])
@pytest.mark.parametrize("kind", clips.CONTAINERS)
def test_a_cut_file_looks_unfinished(tmp_path: Path, kind: str, part: float) -> None:
    path = clips.write_kind(tmp_path, kind, clips.music(1.5))
    os.truncate(path, max(int(path.stat().st_size * part), 600))
    error = refusal(path)
    assert "unfinished" in error.what or "damaged" in error.what
    assert isinstance(completeness(path), Incomplete)


@pytest.mark.parametrize("kind", [kind for kind in clips.CONTAINERS if kind != "mp3"])
def test_not_even_the_last_bytes_may_be_missing(tmp_path: Path, kind: str) -> None:
    path = clips.write_kind(tmp_path, kind, clips.music(1.5))
    os.truncate(path, path.stat().st_size - 2)
    assert isinstance(completeness(path), Incomplete)
    assert "unfinished" in refusal(path).what


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_wav_whose_header_was_never_completed_looks_unfinished(tmp_path: Path, size: int) -> None:
    content = clips.wave_file(clips.wave_format(), clips.chunk(b"data", AUDIO, size), size=size)
    path = written(tmp_path / "recording.wav", content)
    assert "never completed" in refusal(path).what
    assert isinstance(completeness(path), Incomplete)


def test_an_rf64_whose_lengths_were_never_written_looks_unfinished(tmp_path: Path) -> None:
    sizes = clips.chunk(b"ds64", struct.pack("<QQQI", 0, 0, 0, 0))
    data = clips.chunk(b"data", AUDIO, 0xFFFFFFFF)
    content = clips.wave_file(sizes, clips.wave_format(), data, magic=b"RF64", size=0xFFFFFFFF)
    assert "never completed" in refusal(written(tmp_path / "recording.wav", content)).what


def test_a_wav_that_has_grown_beyond_its_header_looks_unfinished(tmp_path: Path) -> None:
    noise = clips.np.random.default_rng(3).bytes(200_000)
    content = clips.wave_file(clips.wave_format(), clips.chunk(b"data", AUDIO)) + noise
    path = written(tmp_path / "growing.wav", content)
    assert isinstance(completeness(path), Incomplete)


def test_an_aiff_whose_header_was_never_completed_looks_unfinished(tmp_path: Path) -> None:
    path = clips.write_kind(tmp_path, "aiff", clips.music(0.5))
    content = bytearray(path.read_bytes())
    at = content.index(b"SSND")
    content[at + 4 : at + 8] = b"\0" * 4
    assert "never completed" in refusal(written(path, bytes(content))).what


def test_a_flac_that_lies_about_its_length_is_refused_before_memory_is_asked_for(tmp_path: Path) -> None:
    path = clips.write_kind(tmp_path, "flac", clips.music(0.5))
    content = bytearray(path.read_bytes())
    for frames, why in ((2**36 - 1, "cannot hold"), (0, "never completed"), (24_100, "its end is not there")):
        packed = int.from_bytes(content[18:26], "big") >> 36 << 36 | frames
        content[18:26] = packed.to_bytes(8, "big")
        assert why in refusal(written(path, bytes(content))).what


def test_an_mp3_that_lies_about_its_length_is_refused(tmp_path: Path) -> None:
    path = clips.write_kind(tmp_path, "mp3", clips.music(0.5))
    content = bytearray(path.read_bytes())
    at = content.index(b"Xing") + 8
    content[at : at + 4] = (1_000_000).to_bytes(4, "big")
    assert "promises 1,000,000 frames" in refusal(written(path, bytes(content))).what


def test_an_aiff_that_lies_about_its_length_is_refused(tmp_path: Path) -> None:
    path = clips.write_kind(tmp_path, "aiff", clips.music(0.5))
    content = bytearray(path.read_bytes())
    at = content.index(b"COMM") + 10
    content[at : at + 4] = (2**31).to_bytes(4, "big")
    assert "need more bytes than are there" in refusal(written(path, bytes(content))).what


@pytest.mark.parametrize("rate_hz", [4_000, 384_000])
def test_a_rate_outside_8_to_192_khz_is_refused(tmp_path: Path, rate_hz: int) -> None:
    path = clips.write_clip(tmp_path / "odd.wav", clips.sine(0.5, rate_hz), rate_hz)
    error = refusal(path)
    assert f"{rate_hz:,} Hz" in error.what
    assert "44.1 or 48 kHz" in error.hint


def test_more_than_eight_channels_are_refused(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "wide.wav", clips.sine(0.2, channels=9))
    assert "9 channels" in refusal(path).what


@pytest.mark.parametrize("frames", [1, 2_400])
def test_a_clip_of_50_ms_is_too_short_to_send_but_can_be_looked_at(tmp_path: Path, frames: int) -> None:
    path = clips.write_clip(tmp_path / "blip.wav", clips.music(0.5)[:frames])
    assert "too short" in refusal(path).what
    assert inspect(path).frames == frames


def test_a_clip_beyond_the_cap_is_too_long(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "long.wav", clips.sine(3.0, 8_000), 8_000)
    error = refusal(path, longest_s=2.0)
    assert "too long" in error.what
    assert "shorter" in error.hint
    assert probe(path).duration_s == 3.0


def test_ten_hours_are_beyond_the_usual_cap(tmp_path: Path) -> None:
    data_bytes = 36_000 * 8_000
    path = tmp_path / "night.wav"
    with path.open("wb") as file:
        file.write(clips.wave_file(clips.wave_format(8_000, 1, 8), size=data_bytes + 36))
        file.write(struct.pack("<4sI", b"data", data_bytes))
        file.truncate(file.tell() + data_bytes)
    assert "600 minutes" in refusal(path).what


def test_more_than_one_stream_in_an_ogg_is_refused(tmp_path: Path) -> None:
    path = clips.write_kind(tmp_path, "ogg", clips.music(0.5))
    content = path.read_bytes()
    other = bytearray(content)
    serial = content[14:18]
    path.write_bytes(content + bytes(other).replace(serial, bytes(4), -1))
    assert "more than one stream" in refusal(path).what


def test_a_stretch_of_damage_inside_an_mp3_is_walked_over(tmp_path: Path) -> None:
    path = clips.write_kind(tmp_path, "mp3", clips.music(1.0))
    content = path.read_bytes()
    path.write_bytes(content[:3000] + b"\0" * 100 + content[3000:])
    assert isinstance(completeness(path), Complete | Incomplete)


@pytest.mark.skipif(os.name == "nt", reason="Windows does not allow such names")
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"two\nlines.wav", "two\\nlines.wav"),
        (b"esc\x1b[31m.wav", "esc\\x1b[31m.wav"),
        ("left\u202egnp.wav".encode(), "left\\u202egnp.wav"),
        (b"latin\xe9.wav", "latin\\udce9.wav"),
        (b"-rf.wav", "-rf.wav"),
        (b"x" * 251 + b".wav", "x" * 251 + ".wav"),
    ],
)
def test_any_name_can_be_opened_and_is_shown_without_harm(tmp_path: Path, name: bytes, shown: str) -> None:
    path = tmp_path / os.fsdecode(name)
    with pytest.raises(ClipError) as caught:
        probe(path)
    assert shown in caught.value.what
    assert caught.value.what.isprintable()
    clip = clips.write_clip(tmp_path / "plain.wav", clips.music(0.2)).rename(path)
    assert probe(clip).frames == 9_600
