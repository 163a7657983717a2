"""DrivenByMoss's OSC as its source has it: what changed is told in one bundle, `/refresh` tells all."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket


@dataclass
class MossTrack:
    name: str
    type: str = "audio"
    color: str = "rgb(1,2,3)"
    clip: str = ""


@dataclass
class FakeMoss:
    """Bitwig with DrivenByMoss. Its own port is free, `tells` is where it tells what has changed."""

    project: str = "Song"
    tracks: list[MossTrack] = field(default_factory=lambda: [MossTrack("Drums", "instrument"), MossTrack("Gtr")])
    selected: int = 1
    selects_new: bool = True
    is_mute: bool = False
    refuses: set[str] = field(default_factory=set)
    bpm: float = 97.5
    heard: list[str] = field(default_factory=list)
    tells: int = 0
    _told: dict[str, Any] = field(default_factory=dict)

    async def __aenter__(self) -> FakeMoss:
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: _Protocol(self), local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.transport.close()

    @property
    def port(self) -> int:
        return int(self.transport.get_extra_info("sockname")[1])

    @property
    def clips(self) -> list[tuple[str, str]]:
        return [(track.name, Path(track.clip).name) for track in self.tracks if track.clip]

    def take(self, packet: bytes) -> None:
        for _, message in OscPacket(packet).messages:
            self.heard.append(message.address)
            self._obey(message.address, message.params)
        self.flush()

    def flush(self, *, is_all: bool = False) -> None:
        now = self._state()
        changed = now if is_all else {key: value for key, value in now.items() if self._told.get(key) != value}
        self._told = now
        if changed and self.tells and not self.is_mute:
            bundle = OscBundleBuilder(IMMEDIATELY)  # type: ignore[arg-type]
            for address, value in changed.items():
                message = OscMessageBuilder(address)
                message.add_arg(value)
                bundle.add_content(message.build())
            self.transport.sendto(bundle.build().dgram, ("127.0.0.1", self.tells))

    def _obey(self, address: str, args: list[Any]) -> None:
        track = self.tracks[self.selected]
        if address == "/refresh":
            self.flush(is_all=True)
        elif address.startswith("/track/add/"):
            self.tracks.append(MossTrack("Neu", address.rpartition("/")[2]))
            self.selected = len(self.tracks) - 1 if self.selects_new else self.selected
        elif address == "/track/selected/name":
            track.name = args[0]
        elif address == "/track/selected/color":
            track.color = args[0]
        elif address == "/track/selected/clip/1/insertFile":
            fits = args[0].endswith(".mid") == (track.type == "instrument")
            if fits and Path(args[0]).is_file() and args[0] not in self.refuses:
                track.clip = args[0]

    def _state(self) -> dict[str, Any]:
        track = self.tracks[self.selected]
        bank = {
            f"/track/{n}/send/{m}/volume": 0 for n in range(1, 9) for m in range(1, 12)
        }  # a hundred and more at once
        return {
            **bank,
            "/project/name": self.project.encode("ascii", "replace").decode(),
            "/tempo/raw": self.bpm,
            "/time/signature": "3 / 4",
            "/track/selected/type": track.type,
            "/track/selected/position": self.selected,
            "/track/selected/name": track.name,
            "/track/selected/clip/1/hasContent": int(bool(track.clip)),
        }


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, moss: FakeMoss) -> None:
        self._moss = moss

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._moss.take(data)
