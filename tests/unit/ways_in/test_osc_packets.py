from __future__ import annotations

import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket
from sendreturn.sends import osc_messages
from sendreturn.sends.osc_packets import MAX_BYTES, check, type_tags

BUNDLE = b"#bundle\0"
NOW = b"\0" * 7 + b"\1"
HANGS = BUNDLE + NOW + struct.pack(">i", -4)
"""Keeps python-osc 1.10.2 busy for ever."""


def message(address: str, *args: tuple[str, object]) -> bytes:
    builder = OscMessageBuilder(address)
    for tag, value in args:
        builder.add_arg(value, tag)  # type: ignore[arg-type]
    return builder.build().dgram


def element(data: bytes) -> bytes:
    return struct.pack(">i", len(data)) + data


def nested(depth: int) -> bytes:
    packet = message("/a")
    for _ in range(depth):
        packet = BUNDLE + NOW + element(packet)
    return packet


ALL_TYPES = message(
    "/sendreturn/extend",
    *[("s", "a.wav"), ("i", 1), ("h", 2**40), ("f", 0.5), ("d", 0.1), ("T", True), ("F", False), ("N", None)],
    *[("b", b"12345"), ("m", (1, 2, 3, 4))],
)


def test_every_usual_packet_passes() -> None:
    builder = OscBundleBuilder(IMMEDIATELY)
    for _ in range(3):
        builder.add_content(OscMessageBuilder("/a").build())
    for packet in (ALL_TYPES, message("/a"), b"/bare\0\0\0", builder.build().dgram, nested(8)):
        assert check(packet) is None
    assert type_tags(ALL_TYPES) == "sihfdTFNbm"
    assert type_tags(b"/bare\0\0\0") == ""


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (b"", "neither"),
        (b"hello\0\0\0", "neither"),
        (HANGS, "claims -4"),
        (BUNDLE + NOW + struct.pack(">i", 0), "claims 0"),
        (BUNDLE + NOW + struct.pack(">i", 2**31 - 1), "claims"),
        (BUNDLE + NOW + b"\0\0", "cut off"),
        (BUNDLE + b"\0\0", "time tag"),
        (nested(9), "deep"),
        (nested(500), "deep"),
        (b"/abc", "does not end"),
        (b"/a\xff\0", "UTF-8"),
        (b"/a\0\0,s\0\0abcd", "does not end"),
        (b"/a\0\0,i\0\0", "shorter"),
        (b"/a\0\0,i\0\0\0\0", "shorter"),
        (b"/a\0\0,b\0\0\xff\xff\xff\xfc", "blob"),
        (b"/a\0\0,b\0\0\0\0\0\x09abcd", "shorter"),
        (b"/a\0\0,Q\0\0", "unknown type"),
        (b"/a\0\0i\0\0\0", "comma"),
        (b"/a\0\0,]\0\0", "arrays"),
        (b"/a\0\0,[\0\0", "arrays"),
        (b"/a\0\0,\0\0\0\0\0\0\0", "longer"),
        (b"/a\0\0," + b"T" * 300 + b"\0\0\0", "arguments"),
        (b"/a\0\0," + b"[" * 100 + b"]" * 100 + b"\0\0\0", "arrays"),
        (b"/" + b"a" * MAX_BYTES, "bytes"),
        (BUNDLE + NOW + element(message("/a")) * 65, "messages"),
    ],
)
def test_what_is_malformed_is_named(packet: bytes, reason: str) -> None:
    assert reason in str(check(packet))


def test_a_time_tag_in_the_future_is_read_at_once() -> None:
    packet = BUNDLE + struct.pack(">II", 2**32 - 1, 0) + element(message("/sendreturn/ping"))
    assert check(packet) is None
    assert [found.word for found in osc_messages.read(packet)] == ["ping"]


def test_a_32_bit_float_is_the_decimal_that_was_meant_and_a_double_stays_exact() -> None:
    packet = message("/a", ("f", 0.7), ("d", 0.699999988079071), ("f", 44100.0), ("f", 123.456))
    (found,) = osc_messages.read(packet)
    assert found.args == (0.7, 0.699999988079071, 44100.0, 123.456)


fragments = st.one_of(
    st.binary(max_size=24),
    st.sampled_from(
        [b"/a\0\0", b",i\0\0", b",[s]\0\0\0\0", BUNDLE, NOW, b"\0\0\0\4", b"\xff\xff\xff\xfc", b"\0\0\0\x10"]
    ),
)


@settings(max_examples=600, deadline=None)
@given(st.lists(fragments, max_size=12).map(b"".join))
@example(HANGS)
@example(ALL_TYPES)
def test_whatever_passes_is_parsed_without_an_exception(packet: bytes) -> None:
    if check(packet) is None:
        OscPacket(packet)
        list(osc_messages.read(packet))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_good_packet_with_some_bytes_changed_is_refused_or_parsed(data: st.DataObject) -> None:
    packet = bytearray(BUNDLE + NOW + element(ALL_TYPES) + element(nested(3)))
    for _ in range(data.draw(st.integers(1, 4))):
        packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
    if check(bytes(packet)) is None:
        list(osc_messages.read(bytes(packet)))


@given(st.text(max_size=3000))
def test_a_text_of_any_length_is_cut_to_what_an_answer_holds(text: str) -> None:
    cut = osc_messages.cut(text)
    assert len(cut.encode()) <= osc_messages.TEXT_BYTES
    assert cut == text or cut.endswith("…")
