"""What of a send's returns goes where in the DAW's session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendreturn.daws.contract import PlacedFile, Placement
from sendreturn.words import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sendreturn.daws.asked import Asked
    from sendreturn.returns.sidecar import ReturnedFile, Sidecar

ORDER = (Kind.MIX, Kind.TAIL, Kind.HEAD, Kind.STEM, Kind.MIDI)
"""What is placed, in the order of the tracks; pictures and texts stay in the folder."""
COLORS = {
    "mix": "#5b8def",
    "tail": "#5b8def",
    "head": "#5b8def",
    "midi": "#9aa0a6",
    "vocals": "#e8710a",
    "backing_vocals": "#f29d49",
    "drums": "#d93025",
    "percussion": "#e57368",
    "bass": "#8430ce",
    "guitar": "#1e8e3e",
    "keyboard": "#12a4af",
    "strings": "#b08d57",
    "synth": "#e52592",
    "brass": "#c5a100",
    "woodwinds": "#7cb342",
    "fx": "#607d8b",
    "instrumental": "#3c78d8",
}
OTHER_COLOR = "#80868b"


def placement_of(asked: Asked, folder: Path, sidecars: Sequence[Sidecar]) -> Placement:
    """The placement of a finished send, from the sidecars of its takes."""
    files = [
        _placed(asked, folder, take, file, len(sidecars))
        for take in sorted(sidecars, key=lambda sidecar: sidecar.take)
        for file in _shown(take)
    ]
    source = sidecars[0].source if sidecars else None
    return Placement(
        send_id=asked.send_id,
        request=asked.request,
        session=asked.session,
        operation=asked.operation,
        title=f"{asked.track or 'clip'} {asked.operation}",
        rate_hz=asked.rate_hz,
        files=tuple(files),
        bpm=source.bpm if source else None,
        time_signature=source.time_signature if source else None,
        track=asked.track,
    )


def _shown(sidecar: Sidecar) -> list[ReturnedFile]:
    """The files that get a track: of an extension its new part, the mix only where there is none."""
    kinds = {file.kind for file in sidecar.returns}
    has_part = not kinds.isdisjoint({Kind.TAIL, Kind.HEAD})
    wanted = [kind for kind in ORDER if not (kind is Kind.MIX and has_part)]
    return sorted((f for f in sidecar.returns if f.kind in wanted), key=lambda file: wanted.index(file.kind))


def _placed(asked: Asked, folder: Path, take: Sidecar, file: ReturnedFile, takes: int) -> PlacedFile:
    position = _position(asked, take, file)
    rate = file.sample_rate_hz or asked.rate_hz
    first, last = _window(asked, take, file, position)
    label = file.stem or file.kind.value
    return PlacedFile(
        path=folder / file.path,
        kind=file.kind.value,
        take=take.take,
        stem=file.stem,
        name=" ".join(filter(None, (asked.track, asked.operation, f"t{take.take}" if takes > 1 else "", label))),
        position_samples=position + first,
        offset_samples=_scaled(first, rate, asked.rate_hz),
        length_samples=None if last is None else _scaled(last - first, rate, asked.rate_hz),
        sample_rate_hz=file.sample_rate_hz,
        channels=file.channels,
        gain=asked.gain,
        color=COLORS.get(label, OTHER_COLOR),
        checks=tuple(file.checks),
        size_bytes=file.bytes,
    )


def _position(asked: Asked, take: Sidecar, file: ReturnedFile) -> int:
    """Where the file starts, in the session's samples; notes start with the mix."""
    if file.position_samples is not None and file.sample_rate_hz:
        return _scaled(file.position_samples, asked.rate_hz, file.sample_rate_hz)
    mix = next((other for other in take.returns if other.kind is Kind.MIX), None)
    return asked.start if mix is None or mix is file else _position(asked, take, mix)


def _window(asked: Asked, take: Sidecar, file: ReturnedFile, position: int) -> tuple[int, int | None]:
    """The first and last of the file's samples (at the session's rate) that are shown: context is trimmed off again."""
    if file.kind in (Kind.TAIL, Kind.HEAD, Kind.MIDI):
        return 0, None
    is_left = any(other.kind is Kind.HEAD for other in take.returns)
    is_extension = is_left or any(other.kind is Kind.TAIL for other in take.returns)
    first = 0 if is_left else max(asked.range_start - position, 0)
    end = asked.range_start + asked.range_length
    has_context_after = end < asked.start + asked.length
    if (is_extension and not is_left) or not has_context_after:
        return first, None
    return first, max(end - position, first + 1)


def _scaled(samples: int, to_hz: int, from_hz: int) -> int:
    return round(samples * to_hz / from_hz)
