"""A Live with AbletonOSC: it answers over UDP as AbletonOSC does, from a set with Live's documented objects.

Answers go to a fixed port and not to where a question came from; getters repeat the numbers of the track and the clip;
setters and methods answer nothing; whatever goes wrong is told as /live/error, without saying of which question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from live_clips import MidiNoteSpecification
from live_set import Song
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

Params = tuple[Any, ...]


class AbletonOsc(asyncio.DatagramProtocol):
    """One run of it.

    Attributes:
        messages: What the status bar has shown.
        asked: The addresses that were asked, in order.
        breaks: An address that answers with an error.
    """

    def __init__(self, song: Song, answer_port: int) -> None:
        self.song, self._answer_port = song, answer_port
        self.messages: list[str] = []
        self.asked: list[str] = []
        self.breaks = ""
        self.version = (12, 1)

    @property
    def port(self) -> int:
        return int(self._transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        message = OscMessage(data)
        self.asked.append(message.address)
        try:
            if message.address == self.breaks:
                raise RuntimeError("broken")
            answer = self._handler(message.address)(tuple(message.params))
        except Exception as error:
            self._say("/live/error", f"Error handling OSC message: {error}")
            return
        if answer is not None:
            self._say(message.address, *answer)

    def close(self) -> None:
        self._transport.close()

    def _say(self, address: str, *params: Any) -> None:
        builder = OscMessageBuilder(address)
        for param in params:
            builder.add_arg(param)
        self._transport.sendto(builder.build().dgram, ("127.0.0.1", self._answer_port))

    def _handler(self, address: str) -> Callable[[Params], Params | None]:
        found = self._table().get(address)
        if found is not None:
            return found
        _, live, thing, verb, *name = address.split("/")
        assert live == "live"
        reach = {"song": self._song, "track": self._track, "clip_slot": self._slot, "clip": self._clip}[thing]
        if verb == "get":
            return lambda params: self._get(reach, name[0], params)
        if verb == "set":
            return lambda params: self._set(reach, name[0], params)
        return lambda params: self._call(reach, verb, params)

    def _table(self) -> dict[str, Callable[[Params], Params | None]]:
        return {
            "/live/test": lambda _: ("ok",),
            "/live/application/get/version": lambda _: self.version,
            "/live/api/show_message": lambda params: self.messages.append(params[0]),
            "/live/view/get/selected_clip": self._selected,
            "/live/song/get/num_tracks": lambda _: (len(self.song.tracks),),
            "/live/song/get/track_names": lambda _: tuple(track.name for track in self.song.tracks),
            "/live/clip/add/notes": self._notes,
        }

    def _selected(self, _: Params) -> Params:
        view = self.song.view
        track = list(self.song.tracks).index(view.selected_track)
        scene = view.selected_track._slots.index(view.highlighted_clip_slot)
        return track, scene

    def _notes(self, params: Params) -> None:
        clip, _, rest = self._clip(params)
        rows = [rest[at : at + 5] for at in range(0, len(rest), 5)]
        specs = [
            MidiNoteSpecification(pitch=pitch, start_time=start, duration=length, velocity=velocity, mute=mute)
            for pitch, start, length, velocity, mute in rows
        ]
        clip.add_new_notes(tuple(specs))

    def _get(self, reach: Any, name: str, params: Params) -> Params:
        thing, ids, _ = reach(params)
        try:
            value = getattr(thing, name)
        except RuntimeError:
            value = None
        return (*ids, value)

    def _set(self, reach: Any, name: str, params: Params) -> None:
        thing, _, rest = reach(params)
        setattr(thing, name, rest[0])

    def _call(self, reach: Any, name: str, params: Params) -> None:
        thing, _, rest = reach(params)
        getattr(thing, name)(*rest)

    def _song(self, params: Params) -> tuple[Any, Params, Params]:
        return self.song, (), params

    def _track(self, params: Params) -> tuple[Any, Params, Params]:
        return self.song.tracks[int(params[0])], params[:1], params[1:]

    def _slot(self, params: Params) -> tuple[Any, Params, Params]:
        return self.song.tracks[int(params[0])].clip_slots[int(params[1])], params[:2], params[2:]

    def _clip(self, params: Params) -> tuple[Any, Params, Params]:
        slot, ids, rest = self._slot(params)
        return slot.clip, ids, rest
