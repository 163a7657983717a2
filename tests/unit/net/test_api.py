from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import socket
import ssl
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import stamina
from bad_server import BadServer, Drip, Hang, Keep, Reset, Send, Step, answer, as_json, head, moved, page
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.answers import Answer, pause_s
from sendreturn.net.api import Api
from sendreturn.net.limiter import Limiter

KEY = "sk-canary-0123456789abcdef"


def by_body_code(answer: Answer) -> ServiceError | None:
    """A classify as a bridge has one: the code in the body wins over the status."""
    code = answer.body.get("code") if isinstance(answer.body, dict) else None
    if code == 429:
        return ServiceError("Too many requests.", outcome=Outcome.RETRY)
    if code == 402:
        return ServiceError("Not enough credits.", detail=str(answer.body), outcome=Outcome.ASK)
    if code == 503:
        return ServiceError("Busy.", outcome=Outcome.RETRY)
    return None


@asynccontextmanager
async def opened(server: BadServer, **more: Any) -> AsyncIterator[Api]:
    given: dict[str, Any] = {
        "base_url": f"{server.url}/v1",
        "title": "Example",
        "key": lambda: KEY,
        "limiter": Limiter(0, 0),
        "classify": by_body_code,
        **more,
    }
    api = Api(**given)
    try:
        yield api
    finally:
        await api.close()


def port_of_nobody() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def api(server: BadServer, few_tries: None) -> AsyncIterator[Api]:
    async with opened(server) as api:
        yield api


async def failure(asked: Any) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await asked
    return caught.value


# What is sent


async def test_a_question_carries_the_key_in_a_header_and_nowhere_else(server: BadServer, api: Api) -> None:
    server.plays(as_json({"ok": True}))
    assert (await api.get("tasks/7", {"page": 2})).body == {"ok": True}
    (seen,) = server.seen
    assert (seen.method, seen.path) == ("GET", "/v1/tasks/7?page=2")
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["accept-encoding"] == "identity"


async def test_each_paid_request_has_a_connection_of_its_own(server: BadServer, api: Api) -> None:
    kept: list[Step] = [Send(head(200, {"Content-Length": 2}) + b"{}"), Keep()]
    server.plays(kept)
    for number in range(3):
        assert (await api.post("generate", {"number": number})).body == {}
    assert [seen.json for seen in server.seen] == [{"number": 0}, {"number": 1}, {"number": 2}]
    assert len({seen.connection for seen in server.seen}) == 3
    assert {seen.headers["connection"] for seen in server.seen} == {"close"}


async def test_a_paid_request_says_that_it_is_about_to_leave_once_it_is_connected(server: BadServer, api: Api) -> None:
    server.plays([Send(head(200, {"Content-Length": 2}) + b"{}")])
    told: list[int] = []
    await api.post("generate", {}, about_to_send=lambda: told.append(len(server.seen)))
    assert (told, len(server.seen)) == ([0], 1)
    with pytest.raises(ServiceError) as nobody:
        async with opened(server, base_url=f"http://127.0.0.1:{port_of_nobody()}") as other:
            await other.post("generate", {}, about_to_send=lambda: told.append(-1))
    assert (told, nobody.value.outcome) == ([0], Outcome.RETRY)


async def test_a_paid_request_that_is_held_at_the_last_moment_does_not_leave(server: BadServer, api: Api) -> None:
    server.plays([Send(head(200, {"Content-Length": 2}) + b"{}")])

    def hold() -> None:
        raise LookupError("not now")

    with pytest.raises(LookupError, match="not now"):
        await api.post("generate", {}, about_to_send=hold)
    assert await server.scraps.get() == b""
    assert server.seen == []


async def test_questions_share_a_connection(server: BadServer, api: Api) -> None:
    server.plays([Send(head(200, {"Content-Length": 2}) + b"{}"), Keep()])
    for _ in range(3):
        await api.get("tasks/7")
    assert len({seen.connection for seen in server.seen}) == 1


async def test_a_file_goes_out_as_a_form(server: BadServer, api: Api, tmp_path: Path) -> None:
    clip = tmp_path / "My Secret Song.wav"
    clip.write_bytes(b"RIFF" + bytes(300_000))
    server.plays(page(502), as_json({"url": "https://example.com/x.wav"}))
    got = await api.upload("files", file=clip, field="file", name="clip.wav", fields={"path": "in"})
    assert got.body == {"url": "https://example.com/x.wav"}
    first, second = server.seen
    assert len(first.body) == len(second.body) == int(second.headers["content-length"])
    assert clip.read_bytes() in second.body
    assert b'name="path"' in second.body
    assert b'filename="clip.wav"' in second.body
    assert b"Secret" not in second.body


async def test_a_missing_file_is_told_as_a_sentence(server: BadServer, api: Api, tmp_path: Path) -> None:
    error = await failure(api.upload("files", file=tmp_path / "no.wav", field="file", name="clip.wav", fields={}))
    assert error.outcome is Outcome.GIVE_UP
    assert not server.seen


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/x",
        "//evil.example/x",
        "http:evil",
        "../up",
        "a/../../b",
        "a?b=c",
        "a#b",
        "a b",
        "a\r\nX: y",
    ],
)
async def test_a_path_that_leaves_the_service_is_refused(server: BadServer, api: Api, path: str) -> None:
    for asked in (api.get(path), api.post(path, {}), api.ask(path, {})):
        error = await failure(asked)
        assert error.outcome is Outcome.GIVE_UP
    assert not server.seen


async def test_without_a_key_the_user_is_asked_for_one(server: BadServer, few_tries: None) -> None:
    for key in (None, "", "a key with spaces", "clé-à-sable-0123456789", "line\nbreak-0123456789"):
        async with opened(server, key=lambda key=key: key) as api:
            for asked in (api.get("x"), api.post("x", {})):
                error = await failure(asked)
                assert error.outcome is Outcome.ASK
                assert not key or key not in "".join(traceback.format_exception(error))
    assert not server.seen


async def test_the_key_is_not_sent_in_the_clear_to_a_distant_host(server: BadServer, few_tries: None) -> None:
    async with opened(server, base_url="http://api.example.com") as api:
        for asked in (api.get("x"), api.post("x", {})):
            assert (await failure(asked)).outcome is Outcome.ASK


async def test_a_new_key_is_looked_for_after_the_old_one_was_refused(server: BadServer, few_tries: None) -> None:
    keys = iter(["old-key-0123456789", "new-key-0123456789"])
    server.plays(as_json({}, 401), as_json({}))
    async with opened(server, key=lambda: next(keys)) as api:
        assert (await failure(api.get("x"))).outcome is Outcome.ASK
        await api.get("x")
        await api.get("x")
    assert [seen.headers["authorization"][7:10] for seen in server.seen] == ["old", "new", "new"]


async def test_a_key_that_is_refused_inside_a_good_answer_is_looked_for_anew_too(
    server: BadServer, few_tries: None
) -> None:
    keys = iter(["old-key-0123456789", "new-key-0123456789"])
    server.plays(as_json({"code": 402, "said": "old-key-0123456789"}), as_json({"said": "old-key-0123456789"}))
    async with opened(server, key=lambda: next(keys)) as api:
        refused = await failure(api.get("x"))
        assert refused.outcome is Outcome.ASK
        assert "old-key-0123456789" not in refused.detail
        echoed = await api.get("x")
    assert "old-key-0123456789" not in echoed.text
    assert [seen.headers["authorization"][7:10] for seen in server.seen] == ["old", "new"]


async def test_a_number_that_json_does_not_know_is_not_sent(server: BadServer, api: Api) -> None:
    error = await failure(api.post("generate", {"weight": float("nan")}))
    assert error.outcome is Outcome.GIVE_UP
    assert not server.seen


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_its_host_is_named(server: BadServer, api: Api, status: int) -> None:
    async with BadServer() as elsewhere:
        elsewhere.plays(as_json({}))
        server.plays(moved(f"http://localhost:{elsewhere.port}/v1/x?token=abc", status))
        for asked in (api.get("x"), api.ask("x", {}), api.post("x", {})):
            error = await failure(asked)
            assert "http://localhost;" in error.what
            assert "token" not in error.sentence + error.detail
            assert error.outcome in (Outcome.GIVE_UP, Outcome.UNKNOWN)
        assert not elsewhere.seen
    assert len(server.seen) == 3


async def test_only_a_redirect_that_says_so_leaves_a_paid_request_unmade(server: BadServer, api: Api) -> None:
    for status, outcome in ((307, Outcome.GIVE_UP), (308, Outcome.GIVE_UP), (303, Outcome.UNKNOWN)):
        server.plays(moved("https://www.example.com/", status))
        assert (await failure(api.post("x", {}))).outcome is outcome


# A request that may be billed


BREAKS: dict[str, list[Step]] = {
    "closed without an answer": [],
    "reset without an answer": [Reset()],
    "cut in the head": [Send(b"HTTP/1.1 200 OK\r\nContent-Le")],
    "cut in the body": [Send(head(200, {"Content-Length": 100}) + b'{"a": 1')],
    "reset in the body": [Send(head(200, {"Content-Length": 100}) + b'{"a": 1'), Reset()],
    "cut chunk": [Send(head(200, {"Transfer-Encoding": "chunked"}) + b"20\r\n{")],
    "never answered": [Hang()],
    "never ending head": [Drip(b"X-A: b\r\n", 0.01)],
    "never ending body": [Send(head(200, {"Transfer-Encoding": "chunked"})), Drip(b"1\r\n \r\n", 0.01)],
    "not http": [Send(b"SSH-2.0-OpenSSH_9.2\r\n")],
    "200 000 headers": [Send(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200_000 + b"\r\n")],
    "half a body without a length": [Send(head(200, {"Content-Type": "application/json"}) + b'{"task_id": "7')],
    "500": as_json({"error": "broken"}, 500),
    "500 of a bridge that calls it passing": as_json({"code": 503}, 500),
    "502 page": page(502),
    "503 page": page(503, {"Retry-After": 1}),
    "504 page": page(504),
    "408": answer(408),
    "200 page": page(200),
    "deep json": answer(200, b"[" * 100_000 + b"]" * 100_000),
    "nan": answer(200, b'{"a": NaN}'),
    "gzip that is none": answer(200, b"nonsense", {"Content-Encoding": "gzip"}),
    "too large": answer(200, b'"' + b"x" * 20_000 + b'"'),
}


@pytest.mark.parametrize("case", BREAKS)
async def test_a_paid_request_without_a_good_answer_is_unknown_and_made_once(
    server: BadServer, few_tries: None, case: str
) -> None:
    server.plays(BREAKS[case])
    async with opened(server, max_json_bytes=10_000) as api:
        error = await failure(api.post("generate", {"prompt": "x"}, timeout_s=0.3))
    assert error.outcome is Outcome.UNKNOWN
    assert error.what.endswith(".")
    assert error.hint
    assert len(server.seen) == 1


async def test_a_paid_request_that_could_not_leave_may_be_repeated(
    server: BadServer, few_tries: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def know_only_numbers(host: str, *rest: Any, **more: Any) -> Any:
        if str(host).endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", know_only_numbers)
    closed = BadServer()
    async with closed:
        pass
    for base_url in (closed.url, "https://nothing.invalid", f"https://{server.host}"):
        async with opened(server, base_url=base_url) as api:
            assert (await failure(api.post("generate", {}, timeout_s=0.5))).outcome is Outcome.RETRY
    assert not server.seen


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        (as_json({"code": 402}), Outcome.ASK),
        (as_json({"code": 429}), Outcome.RETRY),
        (as_json({"code": 402}, 500), Outcome.ASK),
        (as_json({}, 400), Outcome.GIVE_UP),
        (as_json({}, 401), Outcome.ASK),
        (as_json({}, 402), Outcome.ASK),
        (as_json({}, 422), Outcome.GIVE_UP),
        (as_json({}, 429), Outcome.RETRY),
    ],
)
async def test_a_refusal_of_a_paid_request_means_what_it_says(
    server: BadServer, api: Api, steps: list[Step], outcome: Outcome
) -> None:
    server.plays(steps)
    assert (await failure(api.post("generate", {}))).outcome is outcome
    assert len(server.seen) == 1


async def test_a_status_that_the_service_never_bills_may_be_called_passing(server: BadServer, api: Api) -> None:
    server.plays(as_json({"code": 503}, 503))
    assert (await failure(api.post("generate", {}, unbilled={503}))).outcome is Outcome.RETRY
    assert (await failure(api.post("generate", {}))).outcome is Outcome.UNKNOWN


# Questions, which may be repeated


@pytest.mark.parametrize("ask", [lambda api: api.get("task"), lambda api: api.ask("task", {"id": 7})])
@pytest.mark.parametrize(
    "trouble",
    [
        [],
        [Reset()],
        page(502),
        page(200),
        answer(429),
        as_json({"code": 429}),
        as_json({}, 503),
        BREAKS["cut in the body"],
    ],
)
async def test_a_question_is_repeated_through_passing_trouble(
    server: BadServer, api: Api, ask: Callable[[Api], Any], trouble: list[Step]
) -> None:
    server.plays(trouble, trouble, as_json({"state": "done"}))
    assert (await ask(api)).body == {"state": "done"}
    assert len(server.seen) == 3


async def test_a_question_is_given_up_for_now_after_a_few_tries(server: BadServer, api: Api) -> None:
    server.plays(page(502))
    error = await failure(api.get("task"))
    assert (error.outcome, len(server.seen)) == (Outcome.RETRY, 4)
    assert error.__context__ is None or not isinstance(error.__context__, ConnectionError)


async def test_a_question_that_is_refused_is_not_repeated(server: BadServer, api: Api) -> None:
    server.plays(as_json({}, 404))
    assert (await failure(api.get("task"))).outcome is Outcome.GIVE_UP
    assert len(server.seen) == 1


async def test_an_answer_that_drips_in_for_ever_is_not_waited_for(server: BadServer, api: Api) -> None:
    server.plays([Send(head(200, {"Content-Length": 1_000_000})), Drip(b" ", 0.005)])
    assert (await failure(api.get("task", timeout_s=0.05))).outcome is Outcome.RETRY


async def test_a_packed_bomb_is_not_unpacked_whole(server: BadServer, api: Api) -> None:
    import gzip

    server.plays(answer(200, gzip.compress(b" " * 20_000_000), {"Content-Encoding": "gzip"}))
    assert (await failure(api.get("task"))).outcome is Outcome.RETRY


async def test_what_is_not_utf8_and_what_is_plain_text_is_still_an_answer(server: BadServer, api: Api) -> None:
    server.plays(
        answer(200, b'{"title": "caf\xe9"}'), answer(200, b"SUCCESS", {"Content-Type": "text/plain"}), answer(204)
    )
    assert (await api.get("task")).body == {"title": "caf\ufffd"}
    plain = await api.get("task")
    assert (plain.body, plain.text) == (None, "SUCCESS")
    assert (await api.get("task")).body is None


# Retry-After


NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("said", "pause"),
    [
        ("3", 3.0),
        ("0", 0.0),
        ("1000000000", 300.0),
        ("9" * 5000, 300.0),
        (format_datetime(NOW + dt.timedelta(seconds=20), usegmt=True), 20.0),
        (format_datetime(NOW - dt.timedelta(days=20), usegmt=True), 0.0),
        (format_datetime(NOW + dt.timedelta(days=20), usegmt=True), 300.0),
        ("-1", None),
        ("soon", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
        ("Thu, 99 Foo 2026", None),
    ],
)
def test_retry_after_is_obeyed_within_bounds(said: str, pause: float | None) -> None:
    assert pause_s(Answer(429, {"retry-after": said}), NOW.timestamp()) == pause
    assert pause_s(Answer(429)) is None


async def test_the_pause_that_a_service_wants_is_made(server: BadServer) -> None:
    waits: list[float] = []
    slept = asyncio.Event()

    def note(details: stamina.instrumentation.RetryDetails) -> None:
        waits.append(details.wait_for)
        slept.set()

    before = stamina.instrumentation.get_on_retry_hooks()
    stamina.instrumentation.set_on_retry_hooks([note])
    server.plays(as_json({}, 429, {"Retry-After": 77}))
    try:
        async with opened(server) as api:
            asking = asyncio.create_task(api.get("task"))
            await slept.wait()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
    finally:
        stamina.instrumentation.set_on_retry_hooks(before)
    assert waits == [77.0]


# Secrets


async def test_the_key_is_in_no_error_log_or_repr(
    server: BadServer, few_tries: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = {"code": 402, "message": f"Bad key {KEY}"}
    told: list[str] = []
    async with opened(server) as api:
        for steps in (as_json(echo), answer(400, json.dumps(echo).encode()), answer(500, KEY.encode()), page(200)):
            server.plays(steps)
            for asked in (api.get("x"), api.post("x", {})):
                error = await failure(asked)
                told += ["".join(traceback.format_exception(error)), repr(error), error.detail, error.sentence]
        for steps in (
            [Send(f"HTTP/1.1 200 {KEY}\x00\r\nX {KEY}\r\n\r\n".encode())],
            [Reset()],
            moved(f"https://{KEY}/"),
        ):
            server.plays(steps)
            for asked in (api.get("x"), api.post("x", {})):
                error = await failure(asked)
                told += ["".join(traceback.format_exception(error)), repr(error), error.detail, error.sentence]
        server.plays(as_json({"key": KEY}, 200, {"X-Key": KEY}))
        good = await api.get("x")
        told += [repr(api), repr(good)]
    assert server.seen[0].headers["authorization"] == f"Bearer {KEY}"
    # What httpcore tells of an answer is the server's; only a server that knows the key can echo it.
    records = [record.getMessage() for record in caplog.records if record.name != "asyncio"]
    told += [text for text in records if not text.startswith("receive_response")]
    assert not [text for text in told if KEY in text]


# TLS


async def test_a_certificate_that_proves_nothing_ends_the_matter(
    server: BadServer, few_tries: None, tmp_path: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*_self_signed(tmp_path))
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(100))
        writer.close()

    stranger = await asyncio.start_server(listen, "127.0.0.1", 0, ssl=context)
    port = stranger.sockets[0].getsockname()[1]
    async with opened(server, base_url=f"https://localhost:{port}") as api:
        error = await failure(api.post("generate", {}))
    stranger.close()
    await stranger.wait_closed()
    assert error.outcome is Outcome.RETRY
    assert "does not prove" in error.what
    assert not any(heard)


def _self_signed(folder: Path) -> tuple[Path, Path]:
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private


# The pace


async def test_a_request_counts_against_the_limit_when_it_leaves(server: BadServer, few_tries: None) -> None:
    server.plays(as_json({}))
    async with opened(server, limiter=Limiter(2, 0.3)) as api:
        await asyncio.gather(*(api.get("x") for _ in range(3)), *(api.post("x", {}) for _ in range(3)))
    at_s = sorted(seen.at_s for seen in server.seen)
    assert len(at_s) == 6
    assert all(later - earlier >= 0.3 for earlier, later in zip(at_s, at_s[2:], strict=False))
