from __future__ import annotations

from pathlib import Path

import pytest
from bad_server import BadServer, answer, moved
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.addresses import is_near, is_public
from sendreturn.net.download import Patience, download
from sendreturn.net.hosts import Hosts, hosts_for

MEDIA = Hosts(["cdn.example.com", "*.media.example.com", "files.example.com:8443"])

INNER = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "ff02::1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "",
    "localhost",
]


@pytest.mark.parametrize("ip", INNER)
def test_an_address_of_this_machine_or_its_network_is_not_public(ip: str) -> None:
    assert not is_public(ip)


@pytest.mark.parametrize("ip", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_an_address_of_the_open_internet_is_public(ip: str) -> None:
    assert is_public(ip)


def test_near_hosts_are_known_by_their_names() -> None:
    assert all(is_near(host) for host in ("localhost", "127.0.0.1", "[::1]", "192.168.1.5", "studio", "nas.local"))
    assert not any(is_near(host) for host in ("api.example.com", "8.8.8.8", "", "localhost.example.com"))


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.example.com/a.wav?sig=1",
        "https://CDN.Example.com./a.wav",
        "https://cdn.example.com:443/a.wav",
        "https://eu.media.example.com/a.wav",
        "https://a.b.media.example.com/a.wav",
        "https://files.example.com:8443/a.wav",
    ],
)
def test_a_named_host_may_give_results(url: str) -> None:
    assert MEDIA.check(url).scheme == "https"


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.example.com/a.wav",
        "https://example.com/a.wav",
        "https://cdn.example.com.evil.example/a.wav",
        "https://evilmedia.example.com/a.wav",
        "https://media.example.com/a.wav",
        "https://cdn.example.com:8443/a.wav",
        "https://files.example.com/a.wav",
        "https://cdn.example.com@evil.example/a.wav",
        "https://user:password@cdn.example.com/a.wav",
        "https://evil.example\\@cdn.example.com/a.wav",
        "https://evil.example#@cdn.example.com/a.wav",
        "https://127.0.0.1/a.wav",
        "https://2130706433/a.wav",
        "https://0x7f.1/a.wav",
        "https://[::ffff:127.0.0.1]/a.wav",
        "ftp://cdn.example.com/a.wav",
        "file:///etc/passwd",
        "data:audio/wav;base64,AAAA",
        "//cdn.example.com/a.wav",
        "cdn.example.com/a.wav",
        "https://",
        "https://cdn.example.com:99999/a.wav",
        "https://[::1/a.wav",
        "",
        "https://cdn.example.com/a\r\nHost: evil",
    ],
)
def test_other_addresses_are_refused_and_no_signature_is_told(url: str) -> None:
    with pytest.raises(ServiceError) as caught:
        MEDIA.check(url)
    assert caught.value.outcome is Outcome.GIVE_UP
    assert "password" not in caught.value.sentence + caught.value.detail


def test_any_host_may_be_allowed_but_not_an_inner_one() -> None:
    anywhere = Hosts(["*"])
    anywhere.check("https://whatever.example/a.wav")
    with pytest.raises(ServiceError):
        anywhere.check_ips("whatever.example", 443, ["93.184.216.34", "127.0.0.1"])


def test_what_the_user_has_named_may_be_near_and_plain() -> None:
    hosts = hosts_for(
        ["cdn.example.com"],
        {
            "media_hosts": ("nas.local", "10.0.0.5:9000"),
            "base_url": "http://127.0.0.1:8123/v1",
            "stream_url": "https://[fd00::1]:8443",
            "upload_url": None,
            "model": "x",
        },
    )
    for url in (
        "http://127.0.0.1:8123/a",
        "http://nas.local:81/a",
        "http://10.0.0.5:9000/a",
        "https://[fd00::1]:8443/",
    ):
        address = hosts.check(url)
        hosts.check_ips(address.host, address.port, ["192.168.0.1", "::1"])
    for url in ("http://127.0.0.1:8124/a", "http://10.0.0.5/a", "https://[fd00::1]/"):
        with pytest.raises(ServiceError):
            hosts.check(url)


@pytest.mark.parametrize("ip", INNER[:26])
async def test_a_name_that_leads_to_an_inner_address_is_not_connected_to(tmp_path: Path, ip: str) -> None:
    async def lead_inside(host: str, port: int) -> list[str]:
        return ["93.184.216.34", ip]

    with pytest.raises(ServiceError) as caught:
        await download("https://cdn.example.com/a.wav", tmp_path / "a.wav", hosts=MEDIA, resolve=lead_inside)
    assert caught.value.outcome is Outcome.GIVE_UP
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "host", ["2130706433", "0177.0.0.1", "0x7f000001", "127.1", "localhost", "[::1]", "[::ffff:7f00:1]"]
)
async def test_every_way_to_write_loopback_is_seen_through(server: BadServer, tmp_path: Path, host: str) -> None:
    hosts = Hosts([f"{host}:{server.port}"])
    with pytest.raises(ServiceError) as caught:
        await download(f"https://{host}:{server.port}/a.wav", tmp_path / "a.wav", hosts=hosts)
    assert caught.value.outcome is Outcome.GIVE_UP
    assert not server.seen


async def test_the_address_that_was_checked_is_the_one_that_is_asked(server: BadServer, tmp_path: Path) -> None:
    server.plays(answer(200, b"sound"))
    asked: list[str] = []

    async def lead_once(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["203.0.113.1"]

    hosts = Hosts([], [f"cdn.example.com:{server.port}"])
    url = f"http://cdn.example.com:{server.port}/a.wav"
    assert await download(url, tmp_path / "a.wav", hosts=hosts, resolve=lead_once) == 5
    assert asked == ["cdn.example.com"]
    assert server.seen[0].headers["host"] == f"cdn.example.com:{server.port}"


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://evil.example/a.wav",
        "file:///etc/passwd",
        "//evil.example/a.wav",
        "http://localhost:1/",
        "",
    ],
)
async def test_each_redirect_is_checked_like_the_first_address(
    server: BadServer, tmp_path: Path, location: str
) -> None:
    server.plays(moved(location))
    no_pause = Patience(pauses_s=())
    with pytest.raises(ServiceError) as caught:
        await download(f"{server.url}/a.wav", tmp_path / "a", hosts=Hosts([], [server.host]), patience=no_pause)
    assert caught.value.outcome is Outcome.GIVE_UP
    assert not list(tmp_path.iterdir())


async def test_a_proxy_of_the_environment_is_used_for_public_hosts_only(
    server: BadServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with BadServer() as proxy:
        proxy.plays(answer(403))
        server.plays(answer(200, b"sound"))
        monkeypatch.setenv("https_proxy", f"http://user:secret@{proxy.host}")
        monkeypatch.setenv("http_proxy", f"http://user:secret@{proxy.host}")
        hosts = Hosts(["cdn.example.com", "127.1"], [server.host])
        await download(f"{server.url}/a.wav", tmp_path / "a", hosts=hosts)
        assert not proxy.seen
        with pytest.raises(ServiceError) as caught:
            await download("https://cdn.example.com/b", tmp_path / "b", hosts=hosts, patience=Patience(pauses_s=()))
        with pytest.raises(ServiceError) as inner:
            await download("https://127.1/b", tmp_path / "b", hosts=hosts, patience=Patience(pauses_s=()))
    assert [(seen.method, seen.path) for seen in proxy.seen] == [("CONNECT", "cdn.example.com:443")]
    assert "proxy-authorization" in proxy.seen[0].headers
    assert caught.value.outcome is Outcome.RETRY
    assert "secret" not in caught.value.detail
    assert inner.value.outcome is Outcome.GIVE_UP
