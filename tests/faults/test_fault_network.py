"""Faults 40 and 52–57: services that turn away, that cannot be reached, and that somebody else pretends to be."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import stamina
from bad_server import BadServer, Drip, Send, as_json, head, page
from engine_rig import Rig
from fake_service import write_tone
from paying_service import Till, assert_well, paying
from sendreturn.contract import Clip
from sendreturn.engine.make import Pauses
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.api import Api
from sendreturn.net.limiter import Limiter
from sendreturn.testing.catalogue import simulator_of
from sendreturn.testing.contract_base import ContractBase, billed
from sendreturn.words import State
from sendreturn_bridges.services.sunoapi import wire
from sendreturn_bridges.services.sunoapi.simulated_upload import UploadHost
from starlette.responses import Response


@pytest.fixture
async def server() -> AsyncIterator[BadServer]:
    async with BadServer() as server:
        yield server


@pytest.fixture
async def api(server: BadServer) -> AsyncIterator[Api]:
    with stamina.set_testing(True, attempts=2, cap=True):
        api = api_at(server.url)
        yield api
        await api.close()


def api_at(base_url: str) -> Api:
    key = "key-0123456789"
    return Api(base_url=base_url, title="Studio", key=lambda: key, limiter=Limiter(0, 0), classify=lambda _: None)


async def failure(asked: Any) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await asked
    return caught.value


# Turned away, row 40


SOON = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=100), usegmt=True)


@pytest.mark.parametrize(
    ("said", "least_s", "most_s"),
    [
        ("3", 3.0, 3.3),
        (SOON, 30.0, 111.0),
        ("0", 2.0, 2.2),
        ("-1", 2.0, 2.2),
        ("1000000000", 300.0, 330.0),
        ("9" * 5000, 300.0, 330.0),
        ("soon", 2.0, 2.2),
        (None, 2.0, 2.2),
    ],
)
async def test_a_paid_request_that_is_turned_away_comes_back_when_it_may(
    server: BadServer, api: Api, said: str | None, least_s: float, most_s: float
):
    server.plays(as_json({}, 429, {"Retry-After": said} if said is not None else {}))
    error = await failure(api.post("generate", {}))
    assert error.outcome is Outcome.RETRY
    waits: list[float] = []

    async def pause(seconds: float) -> None:
        waits.append(seconds)

    await Pauses().after(error, SimpleNamespace(pause=pause, tell=lambda *_: None))  # type: ignore[arg-type]
    assert len(server.seen) == 1
    assert least_s <= waits[0] <= most_s


# Somebody else, row 54


def certificate(folder: Path, *, name: str, days: int, authority: bool) -> tuple[Path, Path, Path]:
    """A key, a certificate for this machine under `name`, and the authority that has signed it, if one has."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def make(subject: str, key: Any, issuer: str, signer: Any, until: dt.datetime, *, ca: bool) -> Any:
        names = [x509.NameAttribute(x509.NameOID.COMMON_NAME, text) for text in (subject, issuer)]
        alternatives: list[Any] = [x509.DNSName(subject)]
        if subject == "127.0.0.1":
            alternatives = [x509.IPAddress(ipaddress.ip_address(subject))]
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name(names[:1]))
            .issuer_name(x509.Name(names[1:]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(dt.datetime.now(dt.UTC) - dt.timedelta(days=50))
            .not_valid_after(until)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .sign(signer, hashes.SHA256())
        )

    root, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    signed_by_root = make("Root", root, "Root", root, now + dt.timedelta(days=9), ca=True)
    until = now + dt.timedelta(days=days)
    issued = make(name, own, "Root" if authority else name, root if authority else own, until, ca=False)
    paths = folder / "key.pem", folder / "cert.pem", folder / "root.pem"
    plain = serialization.NoEncryption()
    paths[0].write_bytes(own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    paths[1].write_bytes(issued.public_bytes(serialization.Encoding.PEM))
    paths[2].write_bytes(signed_by_root.public_bytes(serialization.Encoding.PEM))
    return paths


@pytest.mark.parametrize(
    ("name", "days", "authority", "is_trusted"),
    [
        ("127.0.0.1", 9, True, True),
        ("127.0.0.1", -9, True, False),
        ("www.example.com", 9, True, False),
        ("127.0.0.1", 9, False, False),
    ],
    ids=["good", "expired", "wrong name", "self-signed"],
)
async def test_who_cannot_prove_to_be_the_service_hears_nothing_and_counts_as_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, days: int, authority: bool, is_trusted: bool
):
    key, own, root = certificate(tmp_path, name=name, days=days, authority=authority)
    monkeypatch.setattr("sendreturn.net.http.trusted", lambda: ssl.create_default_context(cafile=str(root)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own, key)
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(head(402, {"Content-Length": 0}))
        await writer.drain()
        writer.close()

    stranger = await asyncio.start_server(listen, "127.0.0.1", 0, ssl=context)
    api = api_at(f"https://127.0.0.1:{stranger.sockets[0].getsockname()[1]}")
    error = await failure(api.post("generate", {}))
    await api.close()
    stranger.close()
    await stranger.wait_closed()
    assert bool(heard) is is_trusted
    assert error.of_account is is_trusted
    assert error.is_offline is not is_trusted
    assert error.outcome is (Outcome.ASK if is_trusted else Outcome.RETRY)


async def test_the_sign_in_page_of_a_network_is_no_network_and_never_makes_a_paid_request_repeat(
    server: BadServer, api: Api
):
    server.plays(page(200))
    asked = await failure(api.get("task"))
    assert (asked.outcome, asked.is_offline) == (Outcome.RETRY, True)
    assert "sign in" in asked.hint
    paid = await failure(api.post("generate", {}))
    assert (paid.outcome, paid.is_offline) == (Outcome.UNKNOWN, False)
    assert [seen.path for seen in server.seen].count("/generate") == 1


# No way there, row 55


async def test_a_name_or_a_port_that_is_not_there_is_no_network(api: Api, server: BadServer):
    async with BadServer() as closed:
        pass
    for base_url in (closed.url, "https://no-such-name.invalid"):
        away = api_at(base_url)
        for asked in (away.get("x"), away.post("x", {})):
            error = await failure(asked)
            assert (error.outcome, error.is_offline) == (Outcome.RETRY, True)
        await away.close()


async def test_a_proxy_that_is_not_there_is_no_network(monkeypatch: pytest.MonkeyPatch):
    async with BadServer() as closed:
        pass
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, closed.url)
    api = api_at("https://api.example.com")
    error = await failure(api.post("generate", {}))
    await api.close()
    assert (error.outcome, error.is_offline) == (Outcome.RETRY, True)


# What cannot be read, row 57


DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000


@pytest.mark.parametrize(
    "steps",
    [
        [Send(b"HTTP/1.1 200 OK\r\n"), Drip(b"X-A: b\r\n", 0.01)],
        [Send(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200_000 + b"\r\n")],
        [Send(head(200, {"Content-Length": 100 * 2**20})), Drip(b" " * 65536)],
        [Send(head(200, {"Content-Length": len(DEEP)}) + DEEP)],
        [Send(head(200, {"Content-Length": 10}) + b'{"a": NaN}')],
        [Send(head(200, {"Content-Length": 11}) + b'{"\xff\xfe": 1e9999}'[:11])],
    ],
    ids=["header drip", "200 000 headers", "100 MB", "deep", "NaN", "bad UTF-8"],
)
async def test_nothing_that_a_service_says_hangs_or_fills_the_memory(server: BadServer, api: Api, steps: list[Any]):
    server.plays(steps)
    error = await failure(api.post("generate", {}, timeout_s=0.5))
    assert error.outcome is Outcome.UNKNOWN
    assert len(server.seen) == 1


# The clip's way, rows 52 and 53


@dataclass
class Hosted(Till):
    """Takes clips by an address at its own host."""

    uploads: list[Exception | None] = field(default_factory=list)
    uploaded: int = 0

    async def upload(self, clip: Clip, folder: Path) -> str:
        self.uploaded += 1
        trouble = self.uploads.pop(0) if self.uploads else None
        if trouble is not None:
            raise trouble
        return f"https://files.example.com/{self.uploaded}.wav"


async def test_a_clip_that_is_brought_again_and_a_request_that_is_refused_are_billed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sendreturn.engine.make.PAUSES_S", (0.001, 0.001, 0.001))
    (tmp_path / "Song").mkdir()
    clip = write_tone(tmp_path / "Song" / "riff.wav")
    expired = ServiceError("The address for the upload has expired.", outcome=Outcome.RETRY)
    unfetched = ServiceError("The clip could not be fetched.", outcome=Outcome.GIVE_UP)
    hosted = paying(clip_as="url", own_upload=True)
    till = Hosted(manifest=hosted, uploads=[expired, expired], submits=[unfetched])
    async with Rig(tmp_path, till) as rig:
        send = await rig.ended(rig.send(clip).id)
        assert (send.state, send.cost_credits) == (State.FAILED, 0.0)
        rig.desk.retry(send.id)
        await rig.reach(send.id, State.DONE)
    assert (till.uploaded, till.posts, len(till.bills)) == (4, 2, 1)
    assert_well(tmp_path, till)


@pytest.mark.slow
async def test_a_clip_that_has_not_arrived_whole_is_brought_once_more_and_billed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class Bridge(ContractBase):
        pass

    Bridge.service, Bridge.simulator = "sunoapi", simulator_of("sunoapi")
    told, kept = UploadHost._kept, list[str]()

    async def keep_less(self: UploadHost, data: bytes | Path, folder: str, name: str) -> Response:
        kept.append(name)
        content = data.read_bytes() if isinstance(data, Path) else data
        return await told(self, content[: -1 if len(kept) == 1 else None], folder, name)

    monkeypatch.setattr(UploadHost, "_kept", keep_less)
    async with Bridge().bench(tmp_path, {"song_s": 2.0}) as bench:
        clip = write_tone(bench.session / "riff.wav", seconds=8.0)
        send = await bench.run("cover", clip, {"style": "jazz"})
        assert send.state is State.DONE, send.text
        assert len(kept) == 2
        assert max(billed(bench.simulator).values()) == 1


def test_a_clip_that_has_not_arrived_whole_is_not_worked_on():
    told = {"data": {"downloadUrl": "https://files.example.com/a.wav", "fileSize": 99}}
    assert wire.uploaded_at(told, 99) == "https://files.example.com/a.wav"
    with pytest.raises(ServiceError, match="did not arrive whole") as caught:
        wire.uploaded_at(told, 100)
    assert caught.value.outcome is Outcome.RETRY
