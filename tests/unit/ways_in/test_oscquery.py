"""Programs find the OSC port by themselves: zeroconf names it, OSCQuery describes it, and nobody learns more."""

from __future__ import annotations

import asyncio
import builtins
import json
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from living_daemon import LivingDaemon
from pythonoscquery.osc_query_client import OSCQueryClient
from sendreturn.daws.installs import load_daws, recipe_of
from sendreturn.params import PARAMETERS
from sendreturn.sends import discovery as discovery_module
from sendreturn.sends.discovery import Discovery
from sendreturn.sends.osc_announce import announced_addresses, instance_name, keep_to_loopback
from sendreturn.sends.osc_query import OscQuery, host_info
from sendreturn.sends.osc_senders import Senders
from sendreturn.sends.osc_tree import SET, address_space, find
from sendreturn.sends.wish import Wish
from sendreturn.settings.models import OscSettings
from sendreturn.words import OPERATIONS
from ways_in_fakes import a_view
from zeroconf import IPVersion, ServiceInfo, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf

PRESETS = {"jazz": "cover"}
SECRET = Path("/music/Secret Song/riff.wav")
LOOPBACK = ("127.0.0.1", 4)


def tree() -> dict[str, Any]:
    return address_space(PRESETS, "1.2.3", a_view(Wish("cover", SECRET, SECRET.parent), "1a2b3c4d"))


def client(senders: Senders = Senders(), peer: tuple[str, int] = LOOPBACK) -> httpx.AsyncClient:  # noqa: B008
    app = OscQuery(tree, lambda: host_info("sendreturn on desk", 7373, "127.0.0.1"), senders)
    transport = httpx.ASGITransport(app, client=peer)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:7373")


def methods(node: dict[str, Any]) -> list[dict[str, Any]]:
    inner = [found for child in node.get("CONTENTS", {}).values() for found in methods(child)]
    return [*([node] if "TYPE" in node else []), *inner]


def test_every_node_is_as_the_proposal_wants_it() -> None:
    found = methods(tree())
    assert len({node["FULL_PATH"] for node in found}) == len(found)
    for node in found:
        assert node["DESCRIPTION"].endswith(".")
        assert find(tree(), node["FULL_PATH"]) == node
        for attribute in ("RANGE", "VALUE"):
            assert len(node.get(attribute, node["TYPE"])) == len(node["TYPE"])
        for allowed in filter(None, node.get("RANGE", ())):
            assert allowed.keys() <= {"MIN", "MAX", "VALS"}


def test_every_word_and_every_setting_is_there() -> None:
    contents = tree()["CONTENTS"]["sendreturn"]["CONTENTS"]
    assert {*OPERATIONS, *PRESETS, "selected", "state", "approve"} <= contents.keys()
    assert contents["selected"]["RANGE"] == [{"VALS": [*OPERATIONS, *PRESETS]}]
    assert set(SET) - {"daw"} <= set(PARAMETERS)
    weirdness = contents["set"]["CONTENTS"]["weirdness"]
    assert (weirdness["TYPE"], weirdness["RANGE"], weirdness["ACCESS"]) == ("f", [{"MIN": 0.0, "MAX": 1.0}], 2)


def test_what_the_page_on_control_surfaces_names_is_there() -> None:
    page = recipe_of(load_daws()["touchosc"])
    addresses = re.findall(r"/sendreturn[\w/]*\w", page)
    assert len(addresses) > 10
    assert [address for address in addresses if find(tree(), address) is None] == []


def test_nothing_of_the_users_is_in_it() -> None:
    text = json.dumps(tree())
    assert "Secret" not in text
    assert tree()["CONTENTS"]["sendreturn"]["CONTENTS"]["state"]["VALUE"] == ["1a2b3c4d", "queued", 0.0, ""]


async def test_an_address_gives_its_node_and_an_attribute_alone() -> None:
    async with client() as http:
        assert (await http.get("/")).json() == tree()
        assert (await http.get("/sendreturn/pong?VALUE")).json() == {"VALUE": ["1.2.3"]}
        assert (await http.get("/sendreturn/set/weirdness?RANGE")).json() == {"RANGE": [{"MIN": 0.0, "MAX": 1.0}]}
        assert (await http.get("/sendreturn/error?VALUE")).json() == {}
        told = (await http.get("/any/where?HOST_INFO")).json()
        assert (told["OSC_IP"], told["OSC_PORT"], told["OSC_TRANSPORT"]) == ("127.0.0.1", 7373, "UDP")
        assert told["EXTENSIONS"]["VALUE"]
        head = await http.head("/")
        assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/nowhere", 404),
        ("/sendreturn/set/nowhere", 404),
        ("/sendreturn/cover?VALUE", 204),  # it can only be sent to
        ("/?TYPE", 204),
        ("/sendreturn/state?UNIT", 400),
        ("/sendreturn/state?%00", 400),
    ],
)
async def test_what_is_not_there_is_answered_as_the_proposal_wants_it(url: str, status: int) -> None:
    async with client() as http:
        assert (await http.get(url)).status_code == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_it_can_only_be_read(method: str) -> None:
    async with client() as http:
        assert (await http.request(method, "/")).status_code == 405


@pytest.mark.parametrize(
    ("peer", "host", "status"),
    [
        ("127.0.0.1", "localhost:7373", 200),
        ("127.0.0.1", "evil.example:7373", 403),  # a page that has rebound its name to us
        ("127.0.0.1", "a@127.0.0.1", 403),
        ("192.168.1.7", "192.168.1.2:7373", 200),
        ("192.168.1.7", "desk.local:7373", 200),
        ("192.168.1.7", "evil.example", 403),
        ("192.168.2.7", "192.168.1.2:7373", 403),
    ],
)
async def test_only_who_may_send_is_answered(peer: str, host: str, status: int) -> None:
    async with client(Senders(("192.168.1.0/24",), "t"), (peer, 4)) as http:
        assert (await http.get("/", headers={"Host": host})).status_code == status


async def test_another_machine_is_not_answered_where_none_may_send() -> None:
    async with client(peer=("192.168.1.7", 4)) as http:
        assert (await http.get("/", headers={"Host": "192.168.1.2"})).status_code == 403


class Rig:
    def __init__(self, port: int | None) -> None:
        self.port = port
        self.told: list[tuple[str, str | None]] = []
        self.found = Discovery(
            "127.0.0.1", lambda: self.port, Senders(), tree, "1.2.3", lambda *said: self.told.append(said)
        )

    async def until_served(self) -> int:
        async with asyncio.timeout(30):
            while self.found.port is None:  # noqa: ASYNC110 - it is served in the background
                await asyncio.sleep(0.01)
        return self.found.port


@asynccontextmanager
async def rig_of(monkeypatch: pytest.MonkeyPatch, port: int | None) -> AsyncIterator[Rig]:
    monkeypatch.setattr(discovery_module, "WAIT_S", 0.01)
    rig = Rig(port)
    await rig.found.start()
    try:
        yield rig
    finally:
        await rig.found.stop()


@pytest.mark.usefixtures("no_leaks")
async def test_both_ports_are_found_on_this_machine_and_an_independent_client_reads_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as osc:
        osc.bind(("127.0.0.1", 0))
        async with rig_of(monkeypatch, osc.getsockname()[1]) as rig:
            query_port = await rig.until_served()
            services = await found_on_loopback({"_osc._udp.local.": rig.port, "_oscjson._tcp.local.": query_port})
            for info in services:
                assert info.parsed_addresses() == ["127.0.0.1"]
                assert info.name.startswith(instance_name())
                assert info.properties[b"version"] == b"1.2.3"
            reader = OSCQueryClient(services[1])
            told = await asyncio.to_thread(reader.get_host_info)
            assert (told.osc_ip, told.osc_port) == ("127.0.0.1", rig.port)
            node = await asyncio.to_thread(reader.query_node, "/sendreturn/pong")
            assert node.value == ["1.2.3"]
            assert rig.told == []


async def found_on_loopback(wanted: dict[str, int]) -> list[ServiceInfo]:
    """The services with these ports, in order."""
    names: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def heard(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        names.put_nowait((service_type, name))

    ears = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
    browser = AsyncServiceBrowser(ears.zeroconf, list(wanted), handlers=[heard])
    found: dict[str, ServiceInfo] = {}
    try:
        async with asyncio.timeout(30):
            while len(found) < len(wanted):
                kind, name = await names.get()
                info = await ears.async_get_service_info(kind, name)
                if info is not None and info.port == wanted[kind]:
                    found[kind] = info
    finally:
        await browser.async_cancel()
        await ears.async_close()
    return [found[kind] for kind in wanted]


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize("after_s", [0.0, 0.3, 1.0])
async def test_a_daemon_that_stops_while_it_is_announced_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, after_s: float
) -> None:
    async with rig_of(monkeypatch, 7373) as rig:
        await rig.until_served()
        await asyncio.sleep(after_s)
    assert rig.told == []


@pytest.mark.usefixtures("no_leaks")
async def test_it_waits_until_the_osc_port_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery_module, "Announcement", Silent)
    async with rig_of(monkeypatch, None) as rig:
        await asyncio.sleep(0.05)
        assert rig.found.port is None
        rig.port = 7373
        await rig.until_served()


class Silent:
    """An announcement that nobody hears."""

    def __init__(self, *_: object) -> None:
        pass

    async def begin(self) -> None:
        pass

    async def end(self) -> None:
        pass


class Broken(Silent):
    async def begin(self) -> None:
        raise OSError(19, "No such device")


@pytest.mark.usefixtures("no_leaks")
async def test_a_network_that_cannot_be_used_is_told_and_oscquery_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery_module, "Announcement", Broken)
    async with rig_of(monkeypatch, 7373) as rig:
        port = await rig.until_served()
        async with asyncio.timeout(30):
            while not rig.told:  # noqa: ASYNC110 - it is told in the background
                await asyncio.sleep(0.01)
        (topic, sentence) = rig.told[0]
        assert topic == "discovery"
        assert "No such device" in str(sentence)
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"http://127.0.0.1:{port}/sendreturn/pong")).status_code == 200


async def test_without_the_library_oscquery_is_answered_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_zeroconf(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("zeroconf"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_zeroconf)
    async with rig_of(monkeypatch, 7373) as rig:
        await rig.until_served()
        await asyncio.sleep(0.05)
        assert rig.told == []


@pytest.mark.usefixtures("no_leaks")
async def test_the_daemon_describes_itself_unless_it_is_told_not_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery_module, "WAIT_S", 0.01)
    monkeypatch.setattr(discovery_module, "Announcement", Silent)
    async with LivingDaemon(tmp_path, osc=OscSettings(port=0)) as living, living.http() as http:
        async with asyncio.timeout(30):
            while (port := (await http.get("/health")).json()["oscquery_port"]) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        told = (await http.get(f"http://127.0.0.1:{port}/?HOST_INFO")).json()
        assert told["OSC_PORT"] == living.daemon.osc.port
    async with LivingDaemon(tmp_path, osc=OscSettings(port=0, announce=False)) as living, living.http() as http:
        await asyncio.sleep(0.05)
        assert (await http.get("/health")).json()["oscquery_port"] is None


async def test_one_value_is_set_where_a_controller_can_send_no_more(tmp_path: Path) -> None:
    async with LivingDaemon(tmp_path) as living, living.osc() as osc:
        osc.say("/sendreturn/set/weirdness", 0.25)
        osc.say("/sendreturn/set/daw", "reaper")
        osc.say("/sendreturn/set/nothing", 1.0)
        osc.say("/sendreturn/cover", str(living.session / "riff.wav"))
        assert "nothing" in (await osc.hear("/sendreturn/error"))[0]
        osc.answers.clear()
        osc.say("/sendreturn/set/weirdness")
        assert (await osc.hear("/sendreturn/error"))[0].startswith("The key 'weirdness' has no value.")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which device a socket is bound to")
@pytest.mark.usefixtures("no_leaks")
async def test_the_network_is_not_listened_to_where_only_this_machine_is_meant() -> None:
    ears = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
    try:
        await ears.zeroconf.async_wait_for_start()
        keep_to_loopback(ears.zeroconf)
        devices = {
            reader.sock.getsockopt(socket.SOL_SOCKET, 25, 16).strip(b"\0") for reader in ears.zeroconf.engine.readers
        }
        assert devices == {b"lo"}
    finally:
        await ears.async_close()


def test_the_addresses_are_those_where_osc_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    assert announced_addresses("127.0.0.1") == ["127.0.0.1"]
    assert announced_addresses("localhost")[0] in ("127.0.0.1", "::1")
    assert announced_addresses("192.0.2.7") == ["192.0.2.7"]
    everywhere = announced_addresses("0.0.0.0")
    assert everywhere
    assert all(":" not in address for address in everywhere)
