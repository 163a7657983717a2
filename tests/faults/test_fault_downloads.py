"""Faults 72–85: results that do not come, come cut, or are something else. Nothing of them is ever called done."""

from __future__ import annotations

import gzip
import io
import re
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest
import soundfile
from bad_server import BadServer, Drip, Reset, Send, Step, answer, head, moved, page
from engine_rig import Rig
from fake_service import FakeService, write_tone
from oracles import harmed, manifest, results_there, strays, untrue
from sendreturn.contract import Made, MadeTake, Report
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.download import Patience, download
from sendreturn.net.hosts import Hosts
from sendreturn.returns.sidecar import Sidecar, read_sidecar
from sendreturn.sends.wish import SendView
from sendreturn.words import Kind, State

SECONDS = 2.0


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("sendreturn.engine.make.PAUSES_S", (0.0, 0.0))
    hasty = {"patience": Patience(silence_s=0.3, pauses_s=(0.0, 0.0))}
    with mock.patch.dict(download.__kwdefaults__, hasty):
        yield


@dataclass
class Studio(FakeService):
    """Gives out one song, at the address that it tells at each look; `made` changes what it says of it."""

    server: BadServer = field(default_factory=BadServer)
    path: Callable[[int], str] = lambda look: "/song.wav"
    made: Mapping[str, object] = field(default_factory=dict)
    looks: int = 0

    async def look(self, call: object, task_id: str, folder: Path) -> Report:
        self.looks += 1
        given = {"ref": f"{self.server.url}{self.path(self.looks)}", "duration_s": SECONDS, **self.made}
        return Report(done=True, takes=(MadeTake((Made(Kind.MIX, **given),), clip_id="song"),))  # type: ignore[arg-type]

    async def fetch(self, made: Made, target: Path, folder: Path) -> None:
        await download(made.ref, target, hosts=Hosts([], [self.server.host]), most_bytes=4_000_000)


@pytest.fixture
def sound(tmp_path: Path) -> bytes:
    return write_tone(tmp_path / "song.wav", SECONDS).read_bytes()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    (tmp_path / "Song").mkdir()
    return write_tone(tmp_path / "Song" / "riff.wav")


async def sent(folder: Path, clip: Path, studio: Studio) -> SendView:
    """Send, and hold the outcome against the oracles: nothing of the user's is touched, and "done" is true."""
    before = manifest(folder / "Song")
    async with Rig(folder, studio) as rig:
        send = await rig.ended(rig.send(clip).id)
    assert len(studio.ledger) == 1
    assert harmed(before) == []
    assert strays(before, folder / "Song", [folder / "Song" / "Returns"]) == []
    assert untrue(folder / "journal.db", folder / "Song") == []
    assert (send.state is State.DONE) == bool(send.returns)
    return send


def sidecars_of(send: SendView) -> list[Sidecar]:
    assert send.folder is not None
    return [read_sidecar(path) for path in sorted(send.folder.glob("*.json"))]


async def retried(folder: Path, send: SendView, studio: Studio) -> SendView:
    """The user's `retry` brings what was paid for, without paying."""
    async with Rig(folder, studio) as rig:
        rig.desk.retry(send.id)
        ended = await rig.reach(send.id, State.DONE)
    assert len(studio.ledger) == 1
    assert results_there(folder / "journal.db") == []
    return ended


def flac(seconds: float, folder: Path) -> bytes:
    path = folder / "made.flac"
    samples, rate_hz = soundfile.read(write_tone(folder / "long.wav", seconds))
    soundfile.write(path, samples, rate_hz, format="FLAC")
    return path.read_bytes()


def lying(content: bytes) -> bytes:
    """A FLAC that claims 2³⁶ − 1 samples."""
    place = content.index(b"fLaC") + 8 + 10
    (bits,) = struct.unpack(">Q", content[place : place + 8])
    return content[:place] + struct.pack(">Q", bits | (2**36 - 1)) + content[place + 8 :]


CHUNKED = head(200, {"Transfer-Encoding": "chunked", "Content-Type": "audio/wav"})
BROKEN: Mapping[str, Callable[[bytes, Path], list[Step]]] = {
    "cut, with its length": lambda data, _: [Send(head(200, {"Content-Length": len(data)}) + data[:9000])],
    "reset": lambda data, _: [Send(head(200, {"Content-Length": len(data)}) + data[:9000]), Reset()],
    "cut chunk": lambda data, _: [Send(CHUNKED + b"ffff\r\n" + data[:9000])],
    "page as audio": lambda data, _: answer(200, b"<html>Forbidden</html>", {"Content-Type": "audio/wav"}),
    "page": lambda data, _: page(200),
    "json as audio": lambda data, _: answer(200, b'{"error": "gone"}', {"Content-Type": "audio/mpeg"}),
    "encrypted": lambda data, _: answer(200, bytes(b ^ 0x5A for b in data), {"Content-Type": "audio/mpeg"}),
    "empty": lambda data, _: answer(200, b""),
    "packed": lambda data, _: answer(200, gzip.compress(data), {"Content-Encoding": "gzip"}),
    "cut and packed": lambda data, _: answer(200, gzip.compress(data)[:-20], {"Content-Encoding": "gzip"}),
    "packed and not told": lambda data, _: answer(200, gzip.compress(data), {"Content-Type": "audio/wav"}),
    "endless": lambda data, _: [Send(CHUNKED), Drip(b"ffff\r\n" + bytes(0xFFFF) + b"\r\n")],
    "endless, with a length": lambda data, _: [Send(head(200, {"Content-Length": 10**13})), Drip(bytes(1000))],
    "headers without end": lambda data, _: [Send(b"HTTP/1.1 200 OK\r\n"), Drip(b"X-A: b\r\n" * 1000)],
    "a lie about its frames": lambda data, folder: answer(200, lying(flac(2.0, folder))),
    "to this machine": lambda data, _: moved("http://127.0.0.1:9/song.wav"),
    "to a file": lambda data, _: moved("file:///etc/passwd"),
    "to a number": lambda data, _: moved("http://2130706433/"),
    "to itself": lambda data, _: moved("/song.wav"),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_what_is_not_the_result_is_never_delivered_and_retry_fetches_it(
    tmp_path: Path, clip: Path, sound: bytes, case: str
):
    async with BadServer() as server:
        server.plays(BROKEN[case](sound, tmp_path))
        studio = Studio(server=server)
        send = await sent(tmp_path, clip, studio)
        assert send.state is State.FAILED
        assert "retry" in send.text
        if case in ("encrypted", "page as audio"):
            server.plays(answer(200, sound))
            await retried(tmp_path, send, studio)


SHORT: Mapping[str, Callable[[bytes], list[Step]]] = {
    "an early and valid end": lambda half: [Send(CHUNKED + f"{len(half):x}\r\n".encode() + half + b"\r\n0\r\n\r\n")],
    "closed in place of a length": lambda half: [Send(head(200, {"Content-Type": "audio/wav"}) + half)],
    "a length that lies": lambda half: [Send(head(200, {"Content-Length": len(half)}) + half)],
}


@pytest.mark.parametrize("case", SHORT)
async def test_half_a_file_is_seen_by_reading_it_whatever_the_transport_says(
    tmp_path: Path, clip: Path, sound: bytes, case: str
):
    async with BadServer() as server:
        server.plays(SHORT[case](sound[: len(sound) // 2]), answer(200, sound))
        send = await sent(tmp_path, clip, Studio(server=server))
        assert send.state is State.DONE
        assert len(server.seen) == 2
    (take,) = [path for path in send.returns if path.suffix == ".wav"]
    assert soundfile.info(take).duration == pytest.approx(SECONDS, abs=0.01)


async def test_an_mp3_that_breaks_off_is_not_taken_for_a_shorter_song(tmp_path: Path, clip: Path):
    song = tmp_path / "song.mp3"
    samples, rate_hz = soundfile.read(write_tone(tmp_path / "long.wav", 6.0))
    soundfile.write(song, samples, rate_hz, format="MP3")
    whole = song.read_bytes()
    async with BadServer() as server:
        server.plays(answer(200, whole[: len(whole) // 2]), answer(200, whole))
        studio = Studio(server=server, path=lambda _: "/song.mp3", made={"duration_s": 6.0})
        assert (await sent(tmp_path, clip, studio)).state is State.DONE
        assert len(server.seen) == 2


# Expiry, row 76


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_an_address_that_has_expired_is_told_anew_and_nothing_is_paid(
    tmp_path: Path, clip: Path, sound: bytes, status: int
):
    async with BadServer() as server:
        server.plays(answer(status), path="/1.wav")
        server.plays(answer(200, sound), path="/2.wav")
        studio = Studio(server=server, path=lambda look: f"/{look}.wav")
        assert (await sent(tmp_path, clip, studio)).state is State.DONE
        assert studio.looks == 2


@pytest.mark.parametrize(
    "trouble",
    [
        ServiceError("Studio broke down.", outcome=Outcome.RETRY),
        ServiceError("The key is not taken.", outcome=Outcome.ASK, of_account=True),
    ],
)
async def test_a_service_that_cannot_tell_the_new_address_now_has_not_lost_the_result(
    tmp_path: Path, clip: Path, sound: bytes, trouble: ServiceError
):
    class Silent(Studio):
        silent = True

        async def look(self, call: object, task_id: str, folder: Path) -> Report:
            if self.looks and self.silent:
                raise trouble
            return await super().look(call, task_id, folder)

    async with BadServer() as server:
        server.plays(answer(403), path="/1.wav")
        server.plays(answer(200, sound), path="/2.wav")
        studio = Silent(server=server, path=lambda look: f"/{look}.wav")
        send = await sent(tmp_path, clip, studio)
        assert send.state is State.FAILED
        assert "at no cost" in send.text
        studio.silent = False
        await retried(tmp_path, send, studio)


# Names, row 81


ODD = [
    "/../../../../etc/passwd",
    "/..%2f..%2fevil.wav",
    "/%00.wav",
    "/a.%00%0a",
    "/song." + "w" * 300,
    "/song.w a v",
    "/CON.wav",
]


@pytest.mark.parametrize("path", ODD)
async def test_names_are_ours_whatever_the_address_and_the_headers_say(
    tmp_path: Path, clip: Path, sound: bytes, path: str
):
    outside = manifest(tmp_path)
    async with BadServer() as server:
        server.plays(answer(200, sound, {"Content-Disposition": 'attachment; filename="../../../evil.wav"'}))
        send = await sent(tmp_path, clip, Studio(server=server, path=lambda _: path))
    assert send.state is State.DONE
    assert harmed({name: digest for name, digest in outside.items() if "journal" not in name.name}) == []
    names = [returned.name for returned in send.returns]
    assert not [name for name in names if "evil" in name or "passwd" in name or ".." in name]


@pytest.mark.parametrize("label", ["../../evil", "/etc/passwd", "a\x00b", "x" * 400, "CON", "‮gnp.exe", ""])
async def test_labels_of_stems_are_only_ever_told(tmp_path: Path, clip: Path, sound: bytes, label: str):
    async with BadServer() as server:
        server.plays(answer(200, sound))

        class Stems(Studio):
            async def look(self, call: object, task_id: str, folder: Path) -> Report:
                url = f"{server.url}/song.wav"
                files = (Made(Kind.MIX, url, duration_s=SECONDS), Made(Kind.STEM, url, stem=label, duration_s=SECONDS))
                return Report(done=True, takes=(MadeTake(files),))

        send = await sent(tmp_path, clip, Stems(server=server))
    assert send.state is State.DONE
    assert all(path.parent == send.folder for path in send.returns)


# Limits, rows 79 and 85


async def test_a_midi_file_of_a_hundred_megabytes_is_not_read(tmp_path: Path, clip: Path, sound: bytes):
    async with BadServer() as server:
        server.plays(answer(200, sound), path="/song.wav")
        server.plays(answer(200, b"MThd" + bytes(3_900_000)), path="/song.mid")

        class Notes(Studio):
            async def look(self, call: object, task_id: str, folder: Path) -> Report:
                files = (
                    Made(Kind.MIX, f"{server.url}/song.wav", duration_s=SECONDS),
                    Made(Kind.MIDI, f"{server.url}/song.mid"),
                )
                return Report(done=True, takes=(MadeTake(files),))

        with mock.patch("sendreturn.engine.verify.MOST_MIDI_BYTES", 1_000_000):
            send = await sent(tmp_path, clip, Notes(server=server))
    assert send.state is State.DONE
    assert [path for path in send.returns if path.suffix == ".mid"] == []
    assert "larger than any MIDI file" in send.text + str(sidecars_of(send))


async def test_a_song_of_other_length_and_rate_comes_with_its_own_told(tmp_path: Path, clip: Path):
    other = write_tone(tmp_path / "other.wav", 3.0, rate_hz=22_050).read_bytes()
    async with BadServer() as server:
        server.plays(answer(200, other))
        send = await sent(tmp_path, clip, Studio(server=server, made={"duration_s": 3.0}))
    assert send.state is State.DONE
    (sidecar,) = sidecars_of(send)
    assert all(file.duration_s and file.sample_rate_hz for file in sidecar.returns if file.kind is Kind.MIX)


# Keeping, the sidecar


async def test_the_sidecar_says_until_when_the_service_keeps_the_result(tmp_path: Path, clip: Path, sound: bytes):
    from datetime import datetime, timedelta

    from fake_service import manifest as made_manifest

    async with BadServer() as server:
        server.plays(answer(200, sound))
        send = await sent(tmp_path, clip, Studio(made_manifest(retention_h=168.0), server=server))
    (sidecar,) = sidecars_of(send)
    assert sidecar.service_refs.expires_at is not None
    kept = datetime.fromisoformat(sidecar.service_refs.expires_at) - datetime.fromisoformat(sidecar.created_at)
    assert timedelta(hours=167) < kept <= timedelta(hours=168, minutes=2)


# Archives, row 80


UNPACKS = re.compile(r"\.(extract|extractall|unpack_archive)\(|import (tarfile|rarfile|py7zr)")


def test_no_archive_is_ever_unpacked_by_the_names_inside():
    """What is read of one is a single member, asked for by name, into a file whose name is ours."""
    root = Path(__file__).parents[2]
    files = [path for part in ("daemon", "bridges") for path in (root / part).rglob("*.py")]
    assert len(files) > 100
    assert [path.name for path in files if UNPACKS.search(path.read_text("utf-8"))] == []


async def test_an_archive_in_place_of_a_song_is_no_song(tmp_path: Path, clip: Path, sound: bytes):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../evil.wav", sound)
        archive.writestr("/tmp/evil.wav", sound)
        archive.writestr("A.wav", sound)
        archive.writestr("a.wav", sound)
    async with BadServer() as server:
        server.plays(answer(200, packed.getvalue(), {"Content-Type": "audio/wav"}))
        send = await sent(tmp_path, clip, Studio(server=server))
    assert send.state is State.FAILED
    assert not list(tmp_path.rglob("evil.wav"))
