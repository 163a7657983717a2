from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

import pytest
from bad_server import BadServer, Drip, Hang, Reset, Send, Step, answer, head, moved, page
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.download import Gone, Pace, Patience, download
from sendreturn.net.hosts import Hosts

SOUND = bytes(range(256)) * 40
CUT = 6000
QUICK = Patience(silence_s=0.3, pauses_s=(0.0, 0.0))


async def fetch(server: BadServer, folder: Path, **more: object) -> bytes:
    target = folder / "take.wav"
    hosts = Hosts([], [server.host])
    given = {"patience": QUICK, "timeout_s": 10.0, **more}
    size = await download(f"{server.url}/a.wav?sig=secret", target, hosts=hosts, **given)  # type: ignore[arg-type]
    assert size == target.stat().st_size
    assert list(folder.iterdir()) == [target]
    return target.read_bytes()


async def failure(server: BadServer, folder: Path, **more: object) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await fetch(server, folder, **more)
    assert not list(folder.iterdir()), "nothing stays behind"
    assert "secret" not in caught.value.sentence + caught.value.detail
    return caught.value


def whole(headers: Mapping[str, object] | None = None) -> list[Step]:
    return answer(200, SOUND, {"ETag": '"v1"', **(headers or {})})


def cut(headers: Mapping[str, object] | None = None, *more: Step) -> list[Step]:
    return [Send(head(200, {"Content-Length": len(SOUND), "ETag": '"v1"', **(headers or {})}) + SOUND[:CUT]), *more]


def rest(start: int = CUT, version: str = '"v1"', data: bytes | None = None) -> list[Step]:
    body = SOUND[start:] if data is None else data
    place = f"bytes {start}-{start + len(body) - 1}/{len(SOUND)}"
    return answer(206, body, {"Content-Range": place, "ETag": version})


async def test_a_result_is_fetched_without_anything_of_ours(server: BadServer, tmp_path: Path) -> None:
    server.plays(whole({"Set-Cookie": "a=b"}))
    assert await fetch(server, tmp_path) == SOUND
    (seen,) = server.seen
    assert seen.headers["accept-encoding"] == "identity"
    assert not {"authorization", "cookie", "range", "referer"} & set(seen.headers)


@pytest.mark.parametrize("breaks", [cut(), cut({}, Reset()), cut({}, Hang())])
async def test_a_transfer_that_breaks_is_gone_on_with(server: BadServer, tmp_path: Path, breaks: list[Step]) -> None:
    server.plays(breaks, rest())
    assert await fetch(server, tmp_path) == SOUND
    assert server.seen[1].headers["range"] == f"bytes={CUT}-"
    assert server.seen[1].headers["if-range"] == '"v1"'


async def test_it_is_gone_on_with_by_the_time_of_the_last_change_too(server: BadServer, tmp_path: Path) -> None:
    when = "Wed, 21 Oct 2026 07:28:00 GMT"
    dated = {"Content-Length": len(SOUND), "Last-Modified": when}
    more = {"Content-Range": f"bytes {CUT}-{len(SOUND) - 1}/{len(SOUND)}", "Last-Modified": when}
    server.plays([Send(head(200, dated) + SOUND[:CUT])], answer(206, SOUND[CUT:], more))
    assert await fetch(server, tmp_path) == SOUND
    assert server.seen[1].headers["if-range"] == when


async def test_many_breaks_are_survived_as_long_as_each_brings_more(server: BadServer, tmp_path: Path) -> None:
    step = 1000
    parts = [
        [
            Send(
                head(
                    206,
                    {
                        "Content-Length": len(SOUND) - start,
                        "Content-Range": f"bytes {start}-{len(SOUND) - 1}/{len(SOUND)}",
                        "ETag": '"v1"',
                    },
                )
                + SOUND[start : start + step]
            )
        ]
        for start in range(CUT, len(SOUND), step)
    ]
    server.plays(cut(), *parts)
    assert await fetch(server, tmp_path) == SOUND


@pytest.mark.parametrize(
    ("case", "second"),
    {
        "the whole file in place of the rest": whole(),
        "the file has changed": answer(200, SOUND, {"ETag": '"v2"'}),
        "the rest of another version": rest(version='"v2"', data=b"?" * 100),
        "the rest from elsewhere": rest(start=CUT + 10),
        "a rest that says nothing of its place": answer(206, SOUND[CUT:]),
        "no such rest": answer(416, b"", {"Content-Range": f"bytes */{len(SOUND)}"}),
    }.items(),
)
async def test_no_two_versions_are_ever_joined(
    server: BadServer, tmp_path: Path, case: str, second: list[Step]
) -> None:
    server.plays(cut(), second, whole())
    assert await fetch(server, tmp_path) == SOUND, case


@pytest.mark.parametrize("headers", [{"ETag": 'W/"v1"'}, {"ETag": ""}])
async def test_without_a_name_for_its_version_a_file_is_begun_anew(
    server: BadServer, tmp_path: Path, headers: dict[str, str]
) -> None:
    server.plays(cut(headers), whole())
    assert await fetch(server, tmp_path) == SOUND
    assert "range" not in server.seen[1].headers


async def test_a_part_that_was_not_asked_for_is_not_taken_for_the_whole(server: BadServer, tmp_path: Path) -> None:
    server.plays(rest(0, data=SOUND[:100]), whole())
    assert await fetch(server, tmp_path) == SOUND


CHUNKED = head(200, {"Transfer-Encoding": "chunked"})
PASSING: dict[str, list[Step]] = {
    "closed at once": [],
    "reset at once": [Reset()],
    "always cut at the same place": cut({"ETag": ""}),
    "cut chunk": [Send(CHUNKED + b"ff\r\n" + SOUND[:100])],
    "silent": [Hang()],
    "silent in the body": cut({"ETag": ""}, Hang()),
    "500": answer(500),
    "502 page": page(502),
    "429": answer(429, b"", {"Retry-After": 0}),
    "a page in place of the sound": page(200),
    "packed": answer(200, gzip.compress(SOUND)[:-20], {"Content-Encoding": "gzip"}),
    "not http": [Send(b"RIFF....WAVEfmt \r\n\r\n")],
    "endless headers": [Send(b"HTTP/1.1 200 OK\r\n"), Drip(b"X-A: b\r\n" * 1000)],
}


@pytest.mark.parametrize("case", PASSING)
async def test_what_may_pass_is_tried_a_few_times_and_leaves_nothing(
    server: BadServer, tmp_path: Path, case: str
) -> None:
    server.plays(PASSING[case])
    assert (await failure(server, tmp_path)).outcome is Outcome.RETRY
    assert 3 <= len(server.seen) <= 4


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_result_that_is_not_there_any_more_is_gone(server: BadServer, tmp_path: Path, status: int) -> None:
    server.plays(answer(status, b"<Error><Code>AccessDenied</Code></Error>"))
    error = await failure(server, tmp_path)
    assert isinstance(error, Gone)
    assert error.outcome is Outcome.GIVE_UP
    assert len(server.seen) == 1


async def test_an_address_that_expires_in_the_midst_is_gone(server: BadServer, tmp_path: Path) -> None:
    server.plays(cut(), answer(403))
    assert isinstance(await failure(server, tmp_path), Gone)


@pytest.mark.parametrize(
    "steps",
    [
        answer(400),
        answer(200, b"x" * 2000),
        [Send(head(200, {"Content-Length": 10**12}))],
        [Send(head(200, {"Content-Length": 9 * 10**14}))],
        [Send(CHUNKED), Drip(b"ff\r\n" + b"x" * 255 + b"\r\n")],
        [Send(head(200)), Drip(b"x" * 1000)],
    ],
)
async def test_what_is_refused_or_too_large_is_given_up(server: BadServer, tmp_path: Path, steps: list[Step]) -> None:
    server.plays(steps)
    assert (await failure(server, tmp_path, most_bytes=1000)).outcome is Outcome.GIVE_UP
    assert len(server.seen) == 1


async def test_a_host_that_drips_is_left(server: BadServer, tmp_path: Path) -> None:
    slow = Patience(silence_s=5, least_bytes_per_s=10_000, over_s=0.05, pauses_s=())
    server.plays([Send(head(200, {"Content-Length": len(SOUND)})), Drip(b"x", 0.002)])
    assert "too slowly" in (await failure(server, tmp_path, patience=slow)).what


async def test_all_of_it_has_an_end(server: BadServer, tmp_path: Path) -> None:
    server.plays([Send(head(200, {"Content-Length": len(SOUND)})), Drip(b"x", 0.002)])
    error = await failure(server, tmp_path, timeout_s=0.1)
    assert error.outcome is Outcome.RETRY


def test_a_slow_but_steady_transfer_is_waited_for() -> None:
    now_s = 0.0
    pace = Pace(1024, 60, clock=lambda: now_s)
    for _ in range(600):
        now_s += 1
        assert not pace.is_too_slow(1100)
    slow = []
    for _ in range(60):
        now_s += 1
        slow.append(pace.is_too_slow(1))
    assert slow == [False] * 59 + [True]


async def test_redirects_are_followed_a_few_times(server: BadServer, tmp_path: Path) -> None:
    async with BadServer() as cdn:
        cdn.plays(whole())
        server.plays(moved("/b.wav"), path="/a.wav")
        server.plays(moved(f"{cdn.url}/c.wav?sig=other", 307), path="/b.wav")
        target = tmp_path / "take.wav"
        await download(f"{server.url}/a.wav", target, hosts=Hosts([], [server.host, cdn.host]), patience=QUICK)
        assert target.read_bytes() == SOUND
        assert cdn.seen[0].path == "/c.wav?sig=other"


async def test_redirects_in_a_circle_are_left(server: BadServer, tmp_path: Path) -> None:
    server.plays(moved("/a.wav"))
    assert (await failure(server, tmp_path)).outcome is Outcome.GIVE_UP


async def test_an_earlier_file_is_untouched_by_a_failure(server: BadServer, tmp_path: Path) -> None:
    target = tmp_path / "take.wav"
    target.write_bytes(b"kept")
    server.plays(answer(404))
    with pytest.raises(Gone):
        await download(f"{server.url}/a.wav", target, hosts=Hosts([], [server.host]))
    assert target.read_bytes() == b"kept"


async def test_a_folder_that_is_gone_is_told_as_a_sentence(server: BadServer, tmp_path: Path) -> None:
    server.plays(whole())
    with pytest.raises(ServiceError) as caught:
        await download(f"{server.url}/a.wav", tmp_path / "no" / "take.wav", hosts=Hosts([], [server.host]))
    assert caught.value.outcome is Outcome.RETRY
