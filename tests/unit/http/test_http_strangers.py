"""Who is turned away: other machines, other names, other people's pages."""

from __future__ import annotations

import pytest
from http_rig import ADDRESS, TOKEN, HttpRig
from sendreturn.sends.http_openapi import openapi

OURS = ("127.0.0.1", "127.0.0.1:7374", "localhost", "localhost:7374", "LOCALHOST:1", "[::1]", "[::1]:7374")
NOT_OURS = (
    "evil.example", "evil.example:7374", "localhost.evil.com", "127.0.0.1.evil", "127.0.0.1.", "localhost.",
    "user@127.0.0.1", "127.0.0.1@evil.example", "127.0.0.1:7374@evil.example", "127.0.0.1:port", "127.0.0.1/x",
    "127.0.0.1?x", "127.0.0.1#x", "127.0.0.2", "0.0.0.0", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "[::1", "",
    "127.0.0.1, evil.example", "127.0.0.1\\evil.example",
)  # fmt: skip


@pytest.fixture
def rig() -> HttpRig:
    return HttpRig()


async def status(
    rig: HttpRig, path: str = "/health", method: str = "GET", peer: str = "127.0.0.1", **headers: str
) -> int:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with rig.client(f"Bearer {TOKEN}", peer=peer) as client:
        return (await client.request(method, path, headers=sent)).status_code


@pytest.mark.parametrize("host", OURS)
async def test_loopback_names_are_answered(rig: HttpRig, host: str):
    assert await status(rig, Host=host) == 200


@pytest.mark.parametrize("host", NOT_OURS)
async def test_other_names_are_turned_away_whatever_they_look_like(rig: HttpRig, host: str):
    assert await status(rig, Host=host) == 403


async def test_every_route_turns_strangers_away_before_anything_else(rig: HttpRig):
    for path, item in openapi()["paths"].items():
        for method in item.keys() & {"get", "post"}:
            assert await status(rig, path.replace("{id}", "0000beef"), method.upper(), Host="evil.example") == 403
    assert await status(rig, "/nowhere", Host="evil.example") == 403
    assert (rig.desk.handed_in, rig.rescans) == (0, 0)


@pytest.mark.parametrize("hosts", [(), ("127.0.0.1", "127.0.0.1"), ("127.0.0.1", "evil.example")])
async def test_a_request_has_one_host(rig: HttpRig, hosts: tuple[str, ...]):
    sent: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": "/health", "root_path": "",
        "query_string": b"", "client": ("127.0.0.1", 5), "headers": [(b"host", host.encode()) for host in hosts],
    }  # fmt: skip
    await rig.door.app(scope, receive, send)
    assert sent[0]["status"] == 403


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:3000", "http://127.0.0.1", "http://[::1", "file://"]
)
async def test_pages_from_elsewhere_get_nothing(rig: HttpRig, origin: str):
    for path, method in (("/health", "GET"), ("/api/events", "GET"), ("/api/rescan", "POST")):
        assert await status(rig, path, method, Origin=origin) == 403
    assert rig.rescans == 0


async def test_the_daemons_own_page_is_answered(rig: HttpRig):
    assert await status(rig, "/api/rescan", "POST", Origin=ADDRESS, Sec_Fetch_Site="same-origin") == 202


async def test_no_answer_lets_other_pages_read_it(rig: HttpRig):
    asked_before = await rig.http.options("/api/sends", headers={"Access-Control-Request-Method": "POST"})
    assert asked_before.status_code == 405
    for answer in (asked_before, await rig.http.get("/health", headers={"Origin": ADDRESS})):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("site", "dest", "wanted"),
    [
        ("cross-site", "image", 403),
        ("cross-site", "iframe", 403),
        ("same-site", "empty", 403),
        ("cross-site", "document", 200),
        ("none", "document", 200),
        ("same-origin", "empty", 200),
    ],
)
async def test_other_sites_may_link_here_and_not_more(rig: HttpRig, site: str, dest: str, wanted: int):
    assert await status(rig, Sec_Fetch_Site=site, Sec_Fetch_Dest=dest) == wanted


@pytest.mark.parametrize(
    ("peer", "wanted"),
    [
        ("127.0.0.1", 200),
        ("127.8.9.1", 200),
        ("::1", 200),
        ("::ffff:127.0.0.1", 200),
        ("192.168.1.7", 403),
        ("::ffff:192.168.1.7", 403),
        ("fe80::1%eth0", 403),
    ],
)
async def test_other_machines_are_turned_away_also_where_the_daemon_listens_to_them(
    rig: HttpRig, peer: str, wanted: int
):
    assert await status(rig, peer=peer) == wanted
