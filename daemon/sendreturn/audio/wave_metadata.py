"""What a WAV or FLAC file says beside its audio, whichever chunks or tags say it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from sendreturn.audio.cue import Marker


@dataclass(frozen=True)
class WaveMetadata:
    """What is written beside the audio.

    Attributes:
        description: One line about the file.
        originated_at: When it was made, in the studio's local time.
        time_reference_samples: Where it starts on the session's timeline, in samples at the file's own rate.
        originator: Who made it.
        originator_reference: The maker's own name for it, such as the id of a send.
        coding_history: What the audio went through, a line for each step (EBU R 98).
        loudness_lufs: Integrated loudness.
        loudness_range_lu: Loudness range (EBU Tech 3342).
        true_peak_dbtp: Highest true peak.
        max_momentary_lufs: Highest momentary loudness.
        max_short_term_lufs: Highest short-term loudness.
        project: Name of the session.
        scene: The clip's name.
        take: Which take it is.
        tape: What the clip was taken from.
        note: Free text.
        tracks: A name for each channel, or one for all.
        info: LIST/INFO texts by their four-letter names, such as INAM (title), ISFT (software), ICMT (comment).
        markers: Places and sections with a name; where there are some, they replace those that the file had.
    """

    description: str = ""
    originated_at: datetime | None = None
    time_reference_samples: int = 0
    originator: str = "sendreturn"
    originator_reference: str = ""
    coding_history: str = ""
    loudness_lufs: float | None = None
    loudness_range_lu: float | None = None
    true_peak_dbtp: float | None = None
    max_momentary_lufs: float | None = None
    max_short_term_lufs: float | None = None
    project: str = ""
    scene: str = ""
    take: str = ""
    tape: str = ""
    note: str = ""
    tracks: tuple[str, ...] = ()
    info: dict[str, str] = field(default_factory=dict)
    markers: tuple[Marker, ...] = ()
