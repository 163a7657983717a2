"""A reader of DAWproject files that shares nothing with what writes them.

It takes a file as a DAW would: it unpacks the ZIP, follows the ids, turns beats into seconds along the tempo map, and
fails where the document is not as the published schema 1.0 has it. The schema itself is not part of this repository;
where it lies beside it, or where SENDRETURN_DAWPROJECT_SCHEMA says, `validate` holds the documents against it too.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import ZipFile

import soundfile
from lxml import etree

ORDER = {
    "Project": ["Application", "Transport", "Structure", "Arrangement", "Scenes"],
    "Transport": ["Tempo", "TimeSignature"],
    "Channel": ["Devices", "Mute", "Pan", "Sends", "Volume"],
    "Arrangement": ["Lanes", "Markers", "TempoAutomation", "TimeSignatureAutomation"],
}
REQUIRED = {
    "Project": {"version"},
    "Application": {"name", "version"},
    "Tempo": {"unit"},
    "Pan": {"unit"},
    "Volume": {"unit"},
    "TimeSignature": {"numerator", "denominator"},
    "Clip": {"time"},
    "Audio": {"channels", "sampleRate", "duration"},
    "File": {"path"},
    "Note": {"time", "duration", "channel", "key"},
    "Marker": {"time"},
    "RealPoint": {"time", "value"},
    "TimeSignaturePoint": {"time", "numerator", "denominator"},
}
VALUES = {
    "unit": {"linear", "normalized", "percent", "decibel", "hertz", "semitones", "seconds", "beats", "bpm"},
    "timeUnit": {"beats", "seconds"},
    "contentTimeUnit": {"beats", "seconds"},
    "role": {"regular", "master", "effect", "submix", "vca"},
    "interpolation": {"hold", "linear"},
    "external": {"true", "false"},
    "loaded": {"true", "false"},
    "solo": {"true", "false"},
}


@dataclass
class ReadTrack:
    """One track: its clip's start and length in seconds, and what is on it."""

    name: str
    colour: str
    content: str
    muted: bool
    start_s: float | None = None
    length_s: float | None = None
    audio: str | None = None
    skipped_s: float = 0.0
    notes: list[tuple[float, float, int, int, float]] = field(default_factory=list)
    """Start and length in beats from the clip's start, key, channel, velocity from 0 to 1."""


@dataclass
class ReadProject:
    title: str
    bpm: float
    signature: tuple[int, int]
    tracks: dict[str, ReadTrack]
    markers: dict[str, float]
    tempo_map: list[tuple[float, float]]
    signatures: list[tuple[float, int, int]]
    sounds: dict[str, tuple[int, int, int]]
    """Rate, channels and frames of each audio file in the ZIP."""


def read_dawproject(path: Path) -> ReadProject:
    with ZipFile(path) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(names) == len(set(names))
        assert names[:2] == ["project.xml", "metadata.xml"]
        root = etree.fromstring(archive.read("project.xml"))
        metadata = etree.fromstring(archive.read("metadata.xml"))
        sounds = {name: _sound(archive.read(name)) for name in names[2:]}
    check(root, set(sounds))
    points = [(float(p.get("time")), float(p.get("value"))) for p in root.iterfind(".//TempoAutomation/RealPoint")]
    bpm = float(root.find("Transport/Tempo").get("value"))
    signature = root.find("Transport/TimeSignature")
    beats = _Beats(points or [(0.0, bpm)])
    return ReadProject(
        metadata.findtext("Title"),
        bpm,
        (int(signature.get("numerator")), int(signature.get("denominator"))),
        {track.name: track for track in _tracks(root, beats)},
        {m.get("name"): beats.seconds(float(m.get("time"))) for m in root.iterfind("Arrangement/Markers/Marker")},
        points,
        [
            (float(p.get("time")), int(p.get("numerator")), int(p.get("denominator")))
            for p in root.iterfind(".//TimeSignatureAutomation/TimeSignaturePoint")
        ],
        sounds,
    )


def validate(path: Path) -> bool:
    """Hold both documents against the published schema; False where it is not there."""
    beside = Path(__file__).parents[3] / "shared" / "daws" / "dawproject"
    folder = Path(os.environ.get("SENDRETURN_DAWPROJECT_SCHEMA", beside))
    if not (folder / "Project.xsd").is_file():
        return False
    with ZipFile(path) as archive:
        for document, name in (("project.xml", "Project.xsd"), ("metadata.xml", "MetaData.xsd")):
            schema = etree.XMLSchema(etree.parse(folder / name))
            schema.assertValid(etree.fromstring(archive.read(document)))
    return True


def check(root: etree._Element, files: set[str]) -> None:
    """Fail where the document is not as the schema has it, as far as it uses it."""
    ids = [element.get("id") for element in root.iter() if element.get("id") is not None]
    assert len(ids) == len(set(ids))
    for element in root.iter():
        assert set(element.attrib) >= REQUIRED.get(element.tag, set()), element.tag
        for name, values in VALUES.items():
            assert element.get(name) is None or element.get(name) in values, (element.tag, name)
        order = ORDER.get(element.tag)
        if order is not None:
            places = [order.index(child.tag) for child in element]
            assert places == sorted(places), element.tag
        for name in ("track", "destination", "parameter"):
            assert element.get(name) is None or element.get(name) in ids, (element.tag, name)
    for file in root.iter("File"):
        assert file.get("external") != "true"
        assert file.get("path") in files
    assert all(marker.tag == "Marker" for markers in root.iter("Markers") for marker in markers)
    assert all(points[0].tag == "Target" for points in root.iter("TempoAutomation", "TimeSignatureAutomation"))


class _Beats:
    """Beats to seconds along a map of (beat, bpm) that holds each tempo until the next."""

    def __init__(self, points: list[tuple[float, float]]) -> None:
        assert points[0][0] == 0.0
        self._points = points

    def seconds(self, beat: float) -> float:
        total = 0.0
        ends = [start for start, _ in self._points[1:]] + [float("inf")]
        for (start, bpm), end in zip(self._points, ends, strict=True):
            if beat <= start:
                break
            total += (min(beat, end) - start) * 60 / bpm
        return total


def _tracks(root: etree._Element, beats: _Beats) -> list[ReadTrack]:
    assert root.find("Arrangement/Lanes").get("timeUnit") == "beats"
    found = []
    for track in root.iterfind("Structure/Track"):
        channel = track.find("Channel")
        if channel.get("role") == "master":
            continue
        muted = channel.find("Mute").get("value") == "true"
        read = ReadTrack(track.get("name"), track.get("color"), track.get("contentType"), muted)
        clips = root.findall(f"Arrangement/Lanes/Lanes[@track='{track.get('id')}']/Clips/Clip")
        assert len(clips) <= 1
        for clip in clips:
            _read_clip(clip, read, beats)
        found.append(read)
    assert len({track.name for track in found}) == len(found)
    return found


def _read_clip(clip: etree._Element, read: ReadTrack, beats: _Beats) -> None:
    start = float(clip.get("time"))
    read.start_s = beats.seconds(start)
    read.length_s = beats.seconds(start + float(clip.get("duration"))) - read.start_s
    audio = clip.find("Audio")
    if audio is not None:
        assert (clip.get("contentTimeUnit"), audio.get("timeUnit")) == ("seconds", "seconds")
        read.audio = audio.find("File").get("path")
        read.skipped_s = float(clip.get("playStart"))
    for note in clip.iterfind("Notes/Note"):
        numbers = (float(note.get("time")), float(note.get("duration")), int(note.get("key")))
        read.notes.append((*numbers, int(note.get("channel")), float(note.get("vel"))))


def _sound(content: bytes) -> tuple[int, int, int]:
    with soundfile.SoundFile(io.BytesIO(content)) as file:
        return file.samplerate, file.channels, file.frames
