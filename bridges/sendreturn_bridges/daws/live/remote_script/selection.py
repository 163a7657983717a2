# sendreturn-bridge @VERSION@
"""The selected clip as sendreturn wants to hear of it: which samples of which file are heard, and when.

What Live plays sample for sample is told exactly: clips that are not warped, and those whose warping is straight and at
the set's tempo, looping ones too. Live cannot render for a script; where a cut would not be what is heard, the user is
told how to have Live write it to a file.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from .asked import ARRANGEMENT, SESSION, Anchor
from .live_api import Refused
from .mailbox import Message
from .project import is_tempo_automated, tempo_point
from .spans import Line, Piece, Stretch, line_of, passes, pieces_of, within

EXACT = (".wav", ".wave", ".bwf", ".aif", ".aiff", ".aifc", ".flac", ".w64", ".rf64")
"""Files of which a cut is what Live plays; others (MP3, AAC, Ogg) each program decodes differently."""
SAME_SPEED = 1e-6
CONTEXT_S = 30
NOTHING = "Nothing is selected. Select an audio clip, and try again."
FIND_IT = "Find it with File, Manage Files, and try again."
NO_PART = (
    "Nothing says which part is to be made anew. In the Arrangement, put the loop over a part of the clip and switch it"
    " on (Cmd+L, on Windows Ctrl+L); in the Session, the clip's own loop says it. Then try again."
)


class Found(NamedTuple):
    """What is to be sent of a selection, and where it lies."""

    document: Message
    anchor: Anchor


class _Content(NamedTuple):
    """What a clip plays.

    Attributes:
        stretches: In order, in seconds of its file.
        part: The stretch that its own loop marks, where that is less than all.
    """

    stretches: list[Stretch]
    part: Stretch | None = None


def read(song: Any, application: Any, operation: str) -> Found:
    """What is selected. `operation` is what the user's word stands for.

    Raises:
        Refused: with a sentence for the user.
    """
    clip = _chosen(song, application)
    _check(clip)
    rate = _rate_of(clip)
    content = _content_of(clip, song, rate, operation)
    begins = _position(clip, song, rate)
    pieces, ends = pieces_of(content.stretches, rate, int(clip.sample_length), begins)
    if not pieces:
        raise Refused(f"{_title(clip)} is silent there: its file does not reach that far.")
    document: Message = {"rate_hz": rate, "track": _track_of(clip).name, "tempo": [tempo_point(song, begins)]}
    if operation == "inpaint":
        first, last = _part(clip, song, content, begins, ends, rate)
        document["range"] = [first, last - first]
        pieces = within(pieces, first - CONTEXT_S * rate, last + CONTEXT_S * rate)
    document["pieces"] = [_whole(piece, clip) for piece in pieces]
    return Found(document, _anchor_of(clip, song, rate, begins, ends))


def _chosen(song: Any, application: Any) -> Any:
    """In the Session the clip of the highlighted slot, else the one that the Clip View shows."""
    slot = song.view.highlighted_clip_slot
    in_slot = slot.clip if slot is not None and slot.has_clip else None
    shown = song.view.detail_clip
    is_session = application.view.focused_document_view == "Session"
    clip = (in_slot or shown) if is_session else (shown or in_slot)
    if clip is None:
        raise Refused(NOTHING)
    return clip


def _check(clip: Any) -> None:
    if clip.is_midi_clip:
        raise Refused(
            f"{_title(clip)} holds notes and no audio. Select an audio clip, or freeze and flatten its track first."
        )
    if clip.is_recording:
        raise Refused(f"{_title(clip)} is still being recorded. Stop the recording, and try again.")
    path = str(clip.file_path or "")
    if not path or not Path(path).is_file():
        raise Refused(f"The file of {_title(clip)} is missing: {path or 'it'} is not there. {FIND_IT}")
    if int(clip.sample_length) <= 0:
        raise Refused(f"The media of {_title(clip)} is offline. {FIND_IT}")
    if Path(path).suffix.lower() not in EXACT:
        raise _not_heard(clip, "a file that every program decodes differently")
    if clip.pitch_coarse or clip.pitch_fine:
        raise _not_heard(clip, "played at another pitch")


def _not_heard(clip: Any, why: str) -> Refused:
    step = (
        "Consolidate it (Cmd+J, on Windows Ctrl+J), then press again."
        if clip.is_arrangement_clip
        else "Freeze and flatten its track, then press again."
    )
    return Refused(f"{_title(clip)} is {why}, so that its file is not what you hear. {step}")


def _rate_of(clip: Any) -> int:
    rate = round(getattr(clip, "sample_rate", 0) or 0)
    if rate <= 0:
        raise Refused("This Live does not tell the sample rate of a clip. sendreturn needs Live 11 or newer.")
    return rate


def _content_of(clip: Any, song: Any, rate: int, operation: str) -> _Content:
    if not clip.warping:  # then all of its times are seconds, and it cannot loop
        return _Content([(clip.loop_start, clip.loop_end)])
    line = _straight(clip, song)
    if not clip.looping:
        return _Content([_seconds(line, (clip.loop_start, clip.loop_end))])
    loop = (clip.loop_start, clip.loop_end)
    if clip.is_arrangement_clip:
        return _Content([_seconds(line, one) for one in _rounds(clip, loop)])
    if operation != "inpaint":
        return _Content([_seconds(line, loop)])
    around = (min(clip.start_marker, loop[0]), max(clip.end_marker, loop[1]))
    return _Content([_seconds(line, around)], part=_seconds(line, loop))


def _straight(clip: Any, song: Any) -> Line:
    """The clip's warping, where Live plays the file at its own speed all through."""
    line = line_of([(marker.sample_time, marker.beat_time) for marker in clip.warp_markers])
    if line is None:
        raise _not_heard(clip, "warped unevenly")
    if is_tempo_automated(song):
        raise _not_heard(clip, "warped to a tempo that changes")
    if abs(song.tempo / 60 / line.beats_per_s - 1) > SAME_SPEED:
        own = round(line.beats_per_s * 60, 2)
        raise _not_heard(clip, f"warped from {own:g} to {song.tempo:g} BPM")
    return line


def _rounds(clip: Any, loop: Stretch) -> list[Stretch]:
    try:
        return passes(clip.start_marker, clip.end_time - clip.start_time, loop)
    except ValueError:
        raise _not_heard(clip, "looped very many times") from None


def _seconds(line: Line, stretch: Stretch) -> Stretch:
    return line.seconds(stretch[0]), line.seconds(stretch[1])


def _position(clip: Any, song: Any, rate: int) -> int:
    """Clips of the Session have no place in time: they begin at 0."""
    return round(clip.start_time * 60 / song.tempo * rate) if clip.is_arrangement_clip else 0


def _part(clip: Any, song: Any, content: _Content, begins: int, ends: int, rate: int) -> tuple[int, int]:
    """The part that is to be made anew."""
    first, last = begins, ends
    if content.part is not None:
        zero = begins - round(content.stretches[0][0] * rate)
        first, last = (zero + round(second * rate) for second in content.part)
    elif clip.is_arrangement_clip and song.loop:
        per_beat = 60 / song.tempo * rate
        first = begins + round((song.loop_start - clip.start_time) * per_beat)
        last = first + round(song.loop_length * per_beat)
    first, last = max(first, begins), min(last, ends)
    if first >= last or (first == begins and last == ends):
        raise Refused(NO_PART)
    return first, last


def _whole(piece: Piece, clip: Any) -> Message:
    return {**piece, "files": [{"path": str(clip.file_path)}], "gain": _gain(clip)}


def _gain(clip: Any) -> float:
    """Live's own scale from 0 to 1 bends; what it shows is dB."""
    text = str(clip.gain_display_string).replace(",", ".").replace("\u2212", "-").split(" ")[0]
    try:
        return math.pow(10, float(text) / 20)
    except ValueError:
        return 1.0


def _anchor_of(clip: Any, song: Any, rate: int, begins: int, ends: int) -> Anchor:
    is_arrangement = bool(clip.is_arrangement_clip)
    return Anchor(
        view=ARRANGEMENT if is_arrangement else SESSION,
        beat=float(clip.start_time) if is_arrangement else 0.0,
        end_beat=float(clip.end_time) if is_arrangement else (ends - begins) / rate * song.tempo / 60,
        position=begins,
        end_position=ends,
        rate_hz=rate,
        tempo=float(song.tempo),
        gain=float(clip.gain),
        scene=0 if is_arrangement else _scene_of(clip),
    )


def _scene_of(clip: Any) -> int:
    slots = list(_track_of(clip).clip_slots)
    return slots.index(clip.canonical_parent)


def _track_of(clip: Any) -> Any:
    """Above a clip lies its slot, its take lane or its track."""
    found = clip.canonical_parent
    while not hasattr(found, "clip_slots"):
        found = found.canonical_parent
    return found


def _title(clip: Any) -> str:
    return f"“{clip.name}”"
