from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from sendreturn.errors import Refusal
from sendreturn.sends.osc import QUEUE_LENGTH, OscDoor
from sendreturn.sends.wiring import osc_door
from sendreturn.sends.wish import Event, Origin, Returned, Wish
from sendreturn.settings.models import OscSettings, SessionSettings, Settings
from sendreturn.words import Kind, State
from ways_in_fakes import FakeDesk, HandClock, wav_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sendreturn.sends.wish import SendView


class Controller(asyncio.DatagramProtocol):
    """A phone or a DAW: sends messages and hears answers."""

    def __init__(self, door: OscDoor) -> None:
        self._door = door
        self._heard: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue()
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, _: Any) -> None:
        message = OscMessage(data)
        self._heard.put_nowait((message.address.removeprefix("/sendreturn/"), *message.params))

    @property
    def port(self) -> int:
        return int(self.transport.get_extra_info("sockname")[1])

    def send(self, word: str, *args: Any) -> None:
        builder = OscMessageBuilder(word if word.startswith("/") else f"/sendreturn/{word}")
        for arg in args:
            builder.add_arg(arg)
        self.send_raw(builder.build().dgram)

    def send_raw(self, data: bytes) -> None:
        self.transport.sendto(data, ("127.0.0.1", self._door.port))

    async def hear(self) -> tuple[Any, ...]:
        async with asyncio.timeout(10):
            return await self._heard.get()

    async def ask(self, word: str, *args: Any) -> tuple[Any, ...]:
        self.send(word, *args)
        return await self.hear()

    async def hear_nothing(self) -> None:
        """Everything that was sent before has been handled without an answer."""
        assert (await self.ask("ping", "req", "nothing"))[-1] == "nothing"
        assert self._heard.empty()


class Rig:
    def __init__(self, door: OscDoor, desk: FakeDesk, clock: HandClock) -> None:
        self.door = door
        self.desk = desk
        self.clock = clock
        self.told: list[tuple[str, str | None]] = []
        self.well = asyncio.Event()
        self._controllers: list[Controller] = []

    async def controller(self) -> Controller:
        _, controller = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Controller(self.door), local_addr=("127.0.0.1", 0)
        )
        return self.keep(controller)

    def keep(self, controller: Controller) -> Controller:
        self._controllers.append(controller)
        return controller

    async def close(self) -> None:
        await self.door.stop()
        for controller in self._controllers:
            controller.transport.close()
        await asyncio.sleep(0)


@asynccontextmanager
async def rig_of(sessions: tuple[Path, ...] = (), **options: Any) -> AsyncIterator[Rig]:
    desk, clock = FakeDesk(), HandClock()
    told: list[tuple[str, str | None]] = []
    well = asyncio.Event()

    def tell(topic: str, sentence: str | None) -> None:
        told.append((topic, sentence))
        if sentence is None:
            well.set()

    options.setdefault("port", 0)
    door = OscDoor(
        "127.0.0.1",
        options.pop("port"),
        options.pop("reply", ()),
        desk,
        "1.2.3",
        tell,
        sessions=lambda: sessions,
        clock=clock,
        **options,
    )
    rig = Rig(door, desk, clock)
    rig.told, rig.well = told, well
    await door.start()
    try:
        yield rig
    finally:
        await rig.close()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with rig_of() as made:
        yield made


@pytest.fixture
async def phone(rig: Rig) -> Controller:
    return await rig.controller()


async def test_a_ping_is_answered_with_the_version(phone: Controller) -> None:
    assert await phone.ask("ping") == ("pong", "1.2.3")
    assert await phone.ask("ping", "req", 7) == ("pong", "1.2.3", "req", 7)


async def test_an_operation_with_a_path_and_keys_becomes_a_confined_wish(rig: Rig, phone: Controller) -> None:
    answer = await phone.ask("extend", "/song/riff.wav", "prompt", "warm", "extend_s", 8.0, "service", "sunoapi")
    assert answer == ("accepted", "00000001", "extend", "/song/riff.wav")
    (wish,) = rig.desk.wishes
    assert (wish.operation, wish.clip, wish.service) == ("extend", Path("/song/riff.wav"), "sunoapi")
    assert wish.params == {"prompt": "warm", "extend_s": 8.0}
    assert wish.origin is Origin.OSC
    assert wish.confined is True


async def test_numbers_of_every_type_arrive(rig: Rig, phone: Controller) -> None:
    builder = OscMessageBuilder("/sendreturn/jazz-cover")
    for value, tag in [("/a.wav", "s"), ("seed", "s"), (3, "i"), ("weirdness", "s"), (0.7, "f"), ("bpm", "s")]:
        builder.add_arg(value, tag)
    for value, tag in [(119.97, "d"), ("position_samples", "s"), (2**40, "h"), ("midi", "s"), (True, "T")]:
        builder.add_arg(value, tag)  # type: ignore[arg-type]
    builder.add_arg("section_s")
    builder.add_arg([1.5, 3.0])
    builder.add_arg("takes")
    builder.add_arg("2")
    phone.send_raw(builder.build().dgram)
    assert (await phone.hear())[0] == "accepted"
    assert rig.desk.wishes[0].params == {
        "seed": 3,
        "weirdness": pytest.approx(0.7),
        "bpm": 119.97,
        "position_samples": 2**40,
        "midi": True,
        "section_s": [1.5, 3.0],
        "takes": "2",
    }


async def test_an_operation_without_a_clip_takes_keys_alone(rig: Rig, phone: Controller) -> None:
    assert (await phone.ask("generate", "prompt", "warm"))[0] == "accepted"
    assert rig.desk.wishes[0].clip is None


async def test_what_is_set_holds_for_this_senders_next_sends_until_cleared(rig: Rig, phone: Controller) -> None:
    other = await rig.controller()
    phone.send("set", "prompt", "warm")
    phone.send("set", "bpm", 90)
    await phone.ask("cover", "/a.wav", "bpm", 120)
    await other.ask("cover", "/a.wav")
    phone.send("clear")
    await phone.ask("cover", "/b.wav")
    assert [wish.params for wish in rig.desk.wishes] == [{"prompt": "warm", "bpm": 120}, {}, {}]


async def test_the_same_message_within_two_seconds_is_one_send_and_is_answered_each_time(
    rig: Rig, phone: Controller
) -> None:
    other = await rig.controller()
    first = await phone.ask("cover", "/a.wav")
    rig.clock.pass_s(1.9)
    assert await phone.ask("cover", "/a.wav") == first
    assert await other.ask("cover", "/a.wav") == first
    assert len(rig.desk.wishes) == 1
    await phone.ask("cover", "/a.wav", "prompt", "other")
    rig.clock.pass_s(2.0)
    await phone.ask("cover", "/a.wav")
    assert len(rig.desk.wishes) == 3


async def test_a_thousand_repeats_of_a_stuck_button_are_one_send(rig: Rig, phone: Controller) -> None:
    for _ in range(10):
        for _ in range(100):
            phone.send("cover", "/a.wav")
        for _ in range(100):
            await phone.hear()
        rig.clock.pass_s(0.5)
    assert len(rig.desk.wishes) == 1


async def test_a_req_is_echoed_and_makes_a_late_repeat_the_same_send(rig: Rig, phone: Controller) -> None:
    first = await phone.ask("cover", "/a.wav", "req", "k1", "prompt", "warm")
    assert first == ("accepted", "00000001", "cover", "/a.wav", "req", "k1")
    rig.clock.pass_s(3600)
    assert await phone.ask("cover", "/a.wav", "prompt", "warm", "req", "k1") == first
    assert (await phone.ask("cover", "/a.wav", "prompt", "warm", "req", "k2"))[1] == "00000002"
    assert rig.desk.wishes[0].params == {"prompt": "warm"}


async def test_a_counter_that_starts_again_asks_for_something_new(rig: Rig, phone: Controller) -> None:
    await phone.ask("cover", "/a.wav", "req", 1)
    await phone.ask("cover", "/b.wav", "req", 1)
    assert [wish.clip for wish in rig.desk.wishes] == [Path("/a.wav"), Path("/b.wav")]


async def test_a_refusal_is_told_to_the_sender_with_its_req(rig: Rig, phone: Controller) -> None:
    rig.desk.refusal = Refusal("Suno API takes no seed.", "Leave seed out.")
    answer = await phone.ask("cover", "/a.wav", "seed", 3, "req", "x")
    assert answer == ("error", "Suno API takes no seed. Leave seed out.", "req", "x")


@pytest.mark.parametrize(
    ("word", "args"),
    [
        ("extend", ("/a.wav", "prompt")),
        ("extend", (7,)),
        ("extend", ("/a.wav", 3, 4)),
        ("extend", ("/a.wav", "bpm", float("nan"))),
        ("extend", ("/a.wav", "prompt", b"blob")),
        ("extend", ("\\\\server\\share\\a.wav",)),
        ("extend", ("//server/share/a.wav",)),
        ("extend", ("file://server/a.wav",)),
        ("extend", ("file:///a%00.wav",)),
        ("extend", ("nowhere.wav",)),
        ("extend", ("../../etc/passwd",)),
        ("extend", ("~nobody-of-this-name/a.wav",)),
        ("set", ("prompt",)),
        ("set", ()),
        ("cancel", ()),
        ("cancel", ("deadbeef",)),
        ("subscribe", ("eighty",)),
        ("subscribe", (70000,)),
        ("/sendreturn/*", ()),
        ("/sendreturn/{extend,cover}", ("/a.wav",)),
        ("/sendreturn/exten[d]", ("/a.wav",)),
    ],
)
async def test_what_cannot_be_understood_is_answered_with_one_error(
    rig: Rig, phone: Controller, word: str, args: tuple[Any, ...]
) -> None:
    answer = await phone.ask(word, *args)
    assert answer[0] == "error"
    assert str(answer[1]).endswith((".", "warm"))
    await phone.hear_nothing()
    assert rig.desk.handed_in == 0


@pytest.mark.parametrize("word", ["error", "state", "pong", "accepted", "failed", "done", "return"])
async def test_our_own_answers_are_never_answered(rig: Rig, phone: Controller, word: str) -> None:
    phone.send(word, "x")
    phone.send("/live/song/get/tempo")
    await phone.hear_nothing()
    assert rig.desk.handed_in == 0


async def test_relative_paths_home_and_file_urls_are_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        (folder / "both.wav").write_bytes(wav_bytes())
    (two / "my riff.wav").write_bytes(wav_bytes())
    monkeypatch.setenv("HOME", str(tmp_path))
    async with rig_of((one, two)) as rig:
        phone = await rig.controller()
        await phone.ask("cover", "my riff.wav")
        await phone.ask("cover", "~/two/my riff.wav", "bpm", 1)
        await phone.ask("cover", (two / "my riff.wav").as_uri(), "bpm", 2)
        assert {wish.clip for wish in rig.desk.wishes} == {two / "my riff.wav"}
        assert len(rig.desk.wishes) == 3
        assert (await phone.ask("cover", "both.wav"))[:2] == (
            "error",
            "2 sessions hold both.wav. Give the full path of the clip.",
        )


async def test_the_desks_calls_are_reached_by_id(rig: Rig, phone: Controller) -> None:
    _, send_id, *_ = await phone.ask("cover", "/a.wav")
    assert (await phone.ask("approve", send_id))[0] == "error"
    assert await phone.ask("cancel", send_id, "req", 3) == ("state", send_id, "cancelled", 0.0, "", "req", 3)
    assert (await phone.ask("retry", send_id))[:3] == ("state", send_id, "queued")
    rig.desk.sends[send_id] = replace(rig.desk.sends[send_id], state=State.WAITING_APPROVAL)
    assert (await phone.ask("approve", send_id))[:3] == ("state", send_id, "submitting")


async def test_all_sends_that_wait_are_let_go_or_cancelled_by_one_message(rig: Rig, phone: Controller) -> None:
    _, first, *_ = await phone.ask("cover", "/a.wav")
    _, second, *_ = await phone.ask("cover", "/b.wav")
    assert await phone.ask("approve", "all") == ("error", "No send waits for approval.")
    rig.desk.sends[first] = replace(rig.desk.sends[first], state=State.WAITING_APPROVAL)
    assert (await phone.ask("approve", "all"))[:3] == ("state", first, "submitting")
    rig.desk.sends[second] = replace(rig.desk.sends[second], state=State.WAITING_APPROVAL)
    assert (await phone.ask("cancel", "waiting"))[:3] == ("state", second, "cancelled")
    assert rig.desk.sends[first].state is State.SUBMITTING


async def test_list_tells_the_state_of_every_send(phone: Controller) -> None:
    for name in "abc":
        await phone.ask("cover", f"/{name}.wav")
    phone.send("list", "req", 9)
    heard = [await phone.hear() for _ in range(3)]
    assert heard == [("state", f"0000000{n}", "queued", 0.0, "", "req", 9) for n in (1, 2, 3)]
    await phone.hear_nothing()


def with_state(send: SendView, state: State, **changes: Any) -> SendView:
    return replace(send, state=state, **changes)


async def test_the_asker_hears_the_whole_story_with_its_req(rig: Rig, phone: Controller) -> None:
    await phone.ask("extend", "/a.wav", "req", "k")
    send = rig.desk.sends["00000001"]
    rig.desk.publish(Event(with_state(send, State.GENERATING, progress=0.5, text="take 1 of 2")))
    returned = Returned(1, Kind.TAIL, "a_t1_tail.wav", Path("/r/a_t1_tail.wav"), 2**33, 48_000)
    rig.desk.publish(Event(with_state(send, State.DELIVERING), returned))
    done = with_state(send, State.DONE, progress=1.0, folder=Path("/r"), returns=(Path("/r/a"), Path("/r/b")))
    rig.desk.publish(Event(done))
    assert [await phone.hear() for _ in range(4)] == [
        ("state", "00000001", "generating", 0.5, "take 1 of 2", "req", "k"),
        ("return", "00000001", 1, "tail", "a_t1_tail.wav", "/r/a_t1_tail.wav", 2**33, 48_000, "req", "k"),
        ("state", "00000001", "done", 1.0, "", "req", "k"),
        ("done", "00000001", "/r", 2, "req", "k"),
    ]


async def test_a_failed_send_is_told_with_a_text_that_fits(rig: Rig, phone: Controller) -> None:
    await phone.ask("extend", "/a.wav")
    rig.desk.publish(Event(with_state(rig.desk.sends["00000001"], State.FAILED, text="é" * 40_000)))
    assert (await phone.hear())[2] == "failed"
    word, send_id, text = await phone.hear()
    assert (word, send_id) == ("failed", "00000001")
    assert len(text.encode()) <= 1024


async def test_subscribers_and_configured_listeners_hear_every_event_once(rig: Rig) -> None:
    phone, daw = await rig.controller(), await rig.controller()
    assert await phone.ask("subscribe") == ("pong", "1.2.3")
    phone.send("subscribe", daw.port)
    assert await daw.hear() == ("pong", "1.2.3")
    await phone.ask("cover", "/a.wav")
    rig.desk.publish(Event(rig.desk.sends["00000001"]))
    assert await daw.hear() == ("accepted", "00000001", "cover", "/a.wav")
    assert (await phone.hear())[0] == (await daw.hear())[0] == "state"
    await phone.hear_nothing()
    phone.send("unsubscribe", daw.port)
    await phone.hear_nothing()
    rig.desk.publish(Event(rig.desk.sends["00000001"]))
    assert (await phone.hear())[0] == "state"
    await daw.hear_nothing()


async def test_configured_listeners_hear_without_asking() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        reply = (f"127.0.0.1:{listener.getsockname()[1]}",)
        async with rig_of(reply=reply) as rig:
            phone = await rig.controller()
            await phone.ask("cover", "/a.wav")
            rig.desk.publish(Event(rig.desk.sends["00000001"]))
            loop = asyncio.get_running_loop()
            heard = [await asyncio.wait_for(loop.sock_recv(listener, 65536), 10) for _ in range(2)]
    assert [OscMessage(data).address for data in heard] == ["/sendreturn/accepted", "/sendreturn/state"]


async def test_subscribers_hear_once_that_a_send_was_made_by_another_way_in(rig: Rig, phone: Controller) -> None:
    await phone.ask("subscribe")
    queued = rig.desk.accept(Wish("cover", Path("/song/riff.wav"), origin=Origin.FOLDER)).send
    for send in (queued, replace(queued, text="taken up again")):
        rig.desk.publish(Event(send))
    assert await phone.hear() == ("accepted", queued.id, "cover", "/song/riff.wav")
    assert [(await phone.hear())[0] for _ in range(2)] == ["state", "state"]
    await phone.hear_nothing()


async def test_there_are_never_more_than_64_subscribers(phone: Controller) -> None:
    for port in range(20_000, 20_064):
        phone.send("subscribe", port)
    assert (await phone.ask("subscribe"))[0] == "error"


async def test_malformed_datagrams_are_counted_and_do_not_disturb(rig: Rig, phone: Controller) -> None:
    future = b"#bundle\0" + struct.pack(">IIi", 2**32 - 1, 0, 20) + b"/sendreturn/ping\0\0\0\0"
    for data in (b"#bundle\0" + b"\0" * 8 + struct.pack(">i", -4), b"\xff" * 100, b"/sendreturn/ping"):
        phone.send_raw(data)
    phone.send_raw(future)
    assert (await phone.hear())[0] == "pong"
    assert rig.door.counts.malformed == 3


async def test_a_full_queue_drops_messages_and_counts_them(rig: Rig, phone: Controller) -> None:
    ping = b"/sendreturn/ping\0\0\0\0"
    for _ in range(QUEUE_LENGTH + 10):
        rig.door._on_datagram(ping, ("127.0.0.1", phone.port))
    assert rig.door.counts.dropped == 10
    assert (await phone.hear())[0] == "pong"


async def test_one_message_that_makes_something_raise_does_not_end_the_door(
    rig: Rig, phone: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(rig.desk, "accept", fail)
        assert (await phone.ask("cover", "/a.wav"))[0] == "error"
    assert (await phone.ask("ping"))[0] == "pong"


async def test_a_port_that_is_taken_is_told_and_had_as_soon_as_it_is_free() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        async with rig_of(port=port, retry_s=0.01) as rig:
            assert rig.door.port is None
            assert "cannot listen" in str(rig.told[0][1])
            rig.desk.publish(Event(rig.desk.accept(Wish("cover", Path("/a.wav"))).send))
            other.close()
            async with asyncio.timeout(10):
                await rig.well.wait()
            phone = await rig.controller()
            assert (await phone.ask("ping"))[0] == "pong"
            assert rig.told[-1] == ("osc", None)


async def test_the_door_is_made_from_the_settings(tmp_path: Path) -> None:
    (tmp_path / "songs" / "one").mkdir(parents=True)
    (tmp_path / "songs" / "one" / "a.wav").write_bytes(wav_bytes())
    settings = Settings(
        osc=OscSettings(port=free_port()), sessions=(SessionSettings(path=tmp_path / "songs", each=True),)
    )
    desk = FakeDesk()
    door = osc_door(settings, tmp_path, desk, "1.2.3", lambda *_: None)
    await door.start()
    rig = Rig(door, desk, HandClock())
    phone = await rig.controller()
    assert await phone.ask("cover", "a.wav") == ("accepted", "00000001", "cover", str(tmp_path / "songs/one/a.wav"))
    await rig.close()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_answers_go_where_a_sender_listens(rig: Rig, phone: Controller) -> None:
    """Some control surfaces send from another port than they listen on."""
    ears = await rig.controller()
    phone.send("reply", ears.port)
    assert await ears.hear() == ("pong", "1.2.3")
    phone.send("cover", "clip.wav", "seed")
    assert (await ears.hear())[0] == "error"
    phone.send("reply")
    assert await phone.hear() == ("pong", "1.2.3")
    assert (await phone.ask("cover", "clip.wav", "seed"))[0] == "error"


async def test_a_list_may_be_of_some_states_only(rig: Rig, phone: Controller) -> None:
    for number, state in enumerate((State.DONE, State.WAITING_APPROVAL, State.UNCERTAIN)):
        view = rig.desk.accept(Wish(f"cover{number}", None)).send
        rig.desk.sends[view.id] = replace(view, state=state)
    phone.send("list", "waiting_approval", "uncertain", "req", 5)
    answers = [await phone.hear() for _ in range(2)]
    assert [(answer[2], answer[-1]) for answer in answers] == [("waiting_approval", 5), ("uncertain", 5)]
    assert "no state 'asleep'" in (await phone.ask("list", "asleep"))[1]
    phone.send("list", 1.0)
    assert [(await phone.hear())[0] for _ in range(3)] == ["state"] * 3


async def test_the_door_tells_who_listens(rig: Rig, phone: Controller) -> None:
    await phone.ask("subscribe")
    assert rig.door.subscribers == [f"127.0.0.1:{phone.port}"]
