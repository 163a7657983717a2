"""The body of an iXML chunk (Gallery's iXML specification 1.61)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from sendreturn.audio.wave_metadata import WaveMetadata

_NAMES = {"project": "PROJECT", "scene": "SCENE", "take": "TAKE", "tape": "TAPE", "note": "NOTE"}


def pack(metadata: WaveMetadata, rate_hz: int, channels: int, bits: int) -> bytes:
    """The chunk's body; empty when there is nothing to say."""
    if not any(getattr(metadata, name) for name in _NAMES) and not metadata.tracks:
        return b""
    root = ElementTree.Element("BWFXML")
    _add(root, "IXML_VERSION", "1.61")
    for name, tag in _NAMES.items():
        if getattr(metadata, name):
            _add(root, tag, getattr(metadata, name))
    _add_speed(root, metadata.time_reference_samples, rate_hz, bits)
    if metadata.tracks:
        _add_tracks(root, metadata.tracks, channels)
    body: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return body


def unpack(body: bytes) -> dict[str, Any]:
    """The fields of `WaveMetadata` that the chunk holds; nothing from one that is no plain XML."""
    text = body.rstrip(b"\0")
    if b"<!" in text.replace(b"<!--", b""):
        # A document type has no business here, and its entities are how XML grows without bounds.
        return {}
    try:
        root = ElementTree.fromstring(text)  # noqa: S314  no document type, so nothing can be expanded
    except (ElementTree.ParseError, ValueError, LookupError):
        return {}
    found: dict[str, Any] = {name: (root.findtext(tag) or "") for name, tag in _NAMES.items()}
    names = tuple(track.findtext("NAME") or "" for track in root.iterfind("TRACK_LIST/TRACK"))
    return found | ({"tracks": names} if names else {})


def _add_speed(root: ElementTree.Element, position: int, rate_hz: int, bits: int) -> None:
    speed = _add(root, "SPEED")
    _add(speed, "FILE_SAMPLE_RATE", rate_hz)
    _add(speed, "DIGITIZER_SAMPLE_RATE", rate_hz)
    _add(speed, "AUDIO_BIT_DEPTH", bits)
    _add(speed, "TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI", position >> 32)
    _add(speed, "TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO", position & 0xFFFFFFFF)
    _add(speed, "TIMESTAMP_SAMPLE_RATE", rate_hz)


def _add_tracks(root: ElementTree.Element, names: tuple[str, ...], channels: int) -> None:
    tracks = _add(root, "TRACK_LIST")
    _add(tracks, "TRACK_COUNT", channels)
    for index in range(channels):
        track = _add(tracks, "TRACK")
        _add(track, "CHANNEL_INDEX", index + 1)
        _add(track, "INTERLEAVE_INDEX", index + 1)
        _add(track, "NAME", names[index] if index < len(names) else names[-1])


def _add(parent: ElementTree.Element, tag: str, value: object = None) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, tag)
    if value is not None:
        element.text = "".join(c if c.isprintable() or c == "\n" else " " for c in str(value))
    return element
