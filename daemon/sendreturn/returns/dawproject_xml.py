"""The two XML documents of a DAWproject (schema 1.0).

Times are in quarter notes ("beats"), which every reader of the format takes; the content of an audio clip is in seconds
and says that it is not to be stretched.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from sendreturn import __version__
from sendreturn.audio.notes import DRUM_CHANNEL
from sendreturn.returns.arrangement import Part, Sound
from sendreturn.words import MIDI_PPQ

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path, PurePosixPath

    from sendreturn.returns.arrangement import Arrangement, Lane

VERSION = "1.0"
_LOWEST_BPM, _HIGHEST_BPM = 1.0, 1000.0


def metadata_xml(arrangement: Arrangement) -> Element:
    """The document `metadata.xml`."""
    root = Element("MetaData")
    _text(root, "Title", arrangement.name)
    _text(root, "Comment", arrangement.comment)
    return root


def project_xml(arrangement: Arrangement, members: Mapping[Path, PurePosixPath]) -> Element:
    """The document `project.xml`; `members` says where each audio file lies in the ZIP."""
    return _Writer(arrangement, members).project()


class _Writer:
    """Builds the document; the ids in it are counted."""

    def __init__(self, arrangement: Arrangement, members: Mapping[Path, PurePosixPath]) -> None:
        self._arrangement = arrangement
        self._members = members
        self._numbers = count()
        self._tempo, self._signature, self._master = self._id(), self._id(), self._id()
        self._tracks = [self._id() for _ in arrangement.lanes]

    def project(self) -> Element:
        root = Element("Project", version=VERSION)
        _add(root, "Application", name="sendreturn", version=__version__)
        self._transport(_add(root, "Transport"))
        structure = _add(root, "Structure")
        for track_id, lane in zip(self._tracks, self._arrangement.lanes, strict=True):
            self._track(structure, track_id, lane)
        self._master_track(structure)
        self._timeline(_add(root, "Arrangement", id=self._id()))
        _add(root, "Scenes")
        return root

    def _id(self) -> str:
        return f"id{next(self._numbers)}"

    def _transport(self, transport: Element) -> None:
        meter = self._arrangement.session
        self._real(
            transport, "Tempo", meter.bpm, unit="bpm", limits=(_LOWEST_BPM, _HIGHEST_BPM), element_id=self._tempo
        )
        _add(
            transport,
            "TimeSignature",
            denominator=str(meter.beat_unit),
            numerator=str(meter.beats),
            id=self._signature,
        )

    # Tracks

    def _track(self, structure: Element, track_id: str, lane: Lane) -> None:
        content = "audio" if isinstance(lane.content, Sound) else "notes"
        track = _add(
            structure, "Track", contentType=content, loaded="true", id=track_id, name=lane.name, color=lane.colour
        )
        channels = lane.content.channels if isinstance(lane.content, Sound) else 2
        self._channel(track, "regular", channels, lane.muted, {"destination": self._master, "id": self._id()})

    def _master_track(self, structure: Element) -> None:
        track = _add(structure, "Track", contentType="audio notes", loaded="true", id=self._id(), name="Master")
        self._channel(track, "master", 2, False, {"id": self._master})

    def _channel(self, track: Element, role: str, channels: int, muted: bool, more: dict[str, str]) -> None:
        channel = _add(track, "Channel", audioChannels=str(channels), role=role, solo="false", **more)
        _add(channel, "Mute", value="true" if muted else "false", id=self._id(), name="Mute")
        self._real(channel, "Pan", 0.5, unit="normalized", limits=(0.0, 1.0))
        self._real(channel, "Volume", 1.0, unit="linear", limits=(0.0, 2.0))

    def _real(
        self, parent: Element, tag: str, value: float, *, unit: str, limits: tuple[float, float], element_id: str = ""
    ) -> None:
        low, high = map(_number, limits)
        _add(parent, tag, max=high, min=low, unit=unit, value=_number(value), id=element_id or self._id(), name=tag)

    # The timeline

    def _timeline(self, arrangement: Element) -> None:
        lanes = _add(arrangement, "Lanes", timeUnit="beats", id=self._id())
        for track_id, lane in zip(self._tracks, self._arrangement.lanes, strict=True):
            track = _add(lanes, "Lanes", track=track_id, id=self._id())
            clips = _add(track, "Clips", id=self._id())
            if isinstance(lane.content, Sound):
                self._audio_clip(clips, lane, lane.content)
            else:
                self._note_clip(clips, lane, lane.content)
        self._markers(arrangement)
        self._tempo_map(arrangement)

    def _audio_clip(self, clips: Element, lane: Lane, sound: Sound) -> None:
        if lane.end_s <= 0:
            return
        play = {"playStart": _number(lane.left_off_s), "playStop": _number(sound.duration_s)}
        clip = self._clip(clips, lane, contentTimeUnit="seconds", **play)
        audio = _add(
            clip,
            "Audio",
            timeUnit="seconds",  # "should always be set to seconds" (bitwig/dawproject, Audio)
            algorithm="raw",
            channels=str(sound.channels),
            duration=_number(sound.duration_s),
            sampleRate=str(sound.rate_hz),
            id=self._id(),
        )
        _add(audio, "File", path=self._members[sound.path].as_posix(), external="false")

    def _note_clip(self, clips: Element, lane: Lane, part: Part) -> None:
        notes = part.notes_from(lane.left_off_s)
        if not notes:
            return
        written = _add(self._clip(clips, lane, playStart="0.0"), "Notes", id=self._id())
        origin = self._arrangement.quarters(lane.clip_start_s)
        channel = DRUM_CHANNEL if part.track.is_drums else 0
        for note in notes:
            start = _on_tick(self._arrangement.quarters(lane.start_s + note.start_s) - origin)
            end = _on_tick(self._arrangement.quarters(lane.start_s + note.end_s) - origin)
            _add(
                written,
                "Note",
                time=_number(start),
                duration=_number(end - start),
                channel=str(channel),
                key=str(note.pitch),
                vel=_number(note.velocity / 127),
            )

    def _clip(self, clips: Element, lane: Lane, **more: str) -> Element:
        start, end = self._arrangement.quarters(lane.clip_start_s), self._arrangement.quarters(lane.end_s)
        return _add(clips, "Clip", time=_number(start), duration=_number(end - start), **more, name=lane.name)

    def _markers(self, arrangement: Element) -> None:
        places = [(section.start_s, section.label) for section in self._arrangement.sections]
        places += [
            (section.start_s + section.length_s, f"{section.label} end")
            for section in self._arrangement.sections
            if section.length_s > 0
        ]
        shown = sorted(place for place in places if place[0] >= 0)
        if not shown:
            return  # the schema wants at least one in the list
        markers = _add(arrangement, "Markers", timeUnit="beats", id=self._id())
        for at_s, label in shown:
            _add(markers, "Marker", time=_number(self._arrangement.quarters(at_s)), name=label)

    def _tempo_map(self, arrangement: Element) -> None:
        meter = self._arrangement.session
        if not meter.changes:
            return
        starts = [0.0, *(self._arrangement.quarters(change.at_s) for change in meter.changes)]
        tempi = [meter.bpm, *(change.bpm for change in meter.changes)]
        signatures = [
            (meter.beats, meter.beat_unit),
            *((change.numerator, change.denominator) for change in meter.changes),
        ]
        tempo = _add(arrangement, "TempoAutomation", unit="bpm", timeUnit="beats", id=self._id())
        _add(tempo, "Target", parameter=self._tempo)
        for at, bpm in zip(starts, tempi, strict=True):
            _add(tempo, "RealPoint", time=_number(at), value=_number(bpm), interpolation="hold")
        signature = _add(arrangement, "TimeSignatureAutomation", timeUnit="beats", id=self._id())
        _add(signature, "Target", parameter=self._signature)
        before: tuple[int, int] | None = None
        for at, (numerator, denominator) in zip(starts, signatures, strict=True):
            if (numerator, denominator) != before:
                before = (numerator, denominator)
                point = {"numerator": str(numerator), "denominator": str(denominator)}
                _add(signature, "TimeSignaturePoint", time=_number(at), **point)


def _add(parent: Element, tag: str, **attributes: str) -> Element:
    return SubElement(parent, tag, {name: _printable(value) for name, value in attributes.items()})


def _text(parent: Element, tag: str, text: str) -> None:
    if text:
        SubElement(parent, tag).text = _printable(text)


def _printable(text: str) -> str:
    """What XML can hold: control characters and halves of letters become spaces."""
    return "".join(character if character.isprintable() else " " for character in text)


def _on_tick(quarters: float) -> float:
    """The place in the MIDI file that was meant: its tempo, in whole microseconds, shifts notes by less than a tick."""
    return round(quarters * MIDI_PPQ) / MIDI_PPQ


def _number(value: float) -> str:
    """Twelve decimals hold a sample at any rate after hours of session, and no reader stumbles over an exponent."""
    text = f"{round(value, 12) + 0.0:.12f}".rstrip("0")  # adding zero makes -0.0 a plain 0.0
    return f"{text}0" if text.endswith(".") else text
