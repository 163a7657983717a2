"""What each step of a send hands to the next, as the journal keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sendreturn.audio.notes import Meter
from sendreturn.contract import Call, Clip, EarlierTake, MadeTake
from sendreturn.words import Kind


@dataclass(frozen=True)
class Source:
    """The user's clip as it was when the send was taken.

    Attributes:
        path: Where it lies for the user.
        staged: Our own copy, cut to its range, sample for sample.
        sha256: Of the user's file.
        frames: Of the cut.
        position_samples: Where the cut starts on the session's timeline, at `sample_rate_hz`.
    """

    path: Path
    staged: Path
    sha256: str
    sample_rate_hz: int
    channels: int
    frames: int
    subtype: str
    range_s: tuple[float, float] | None
    position_samples: int

    @property
    def duration_s(self) -> float:
        return self.frames / self.sample_rate_hz


@dataclass(frozen=True)
class Prepared:
    """A send that is ready to be planned. `clip` is what the service gets; it and `source` are None without a clip.

    Attributes:
        tempo_from: Who says the tempo: "send", "project" (the DAW's project file), "file" (the clip's own tag),
            "measured" or "default".
        notes: Sentences for `checks`.
        earlier: Set where the clip came back from this very service.
        signature_from: Who says the time signature: "send", "project" or "default".
        session_rate_hz: The session's sample rate; None where it is not known.
        project_file: The DAW's project file that was read, in the session.
        session: The session's tempo map, counted from the start of its timeline; `meter` is the same from the clip on.
            None in what an earlier version has written down.
    """

    source: Source | None
    clip: Clip | None
    meter: Meter
    tempo_from: str
    notes: tuple[str, ...] = ()
    earlier: EarlierTake | None = None
    signature_from: str = "default"
    session_rate_hz: int | None = None
    project_file: Path | None = None
    session: Meter | None = None

    @property
    def start_s(self) -> float:
        """Where the clip starts on the session's timeline."""
        return self.source.position_samples / self.source.sample_rate_hz if self.source else 0.0


@dataclass(frozen=True)
class Approval:
    """That a send may be made: why the user had to be asked, or None where they had not."""

    asked: str | None


@dataclass(frozen=True)
class Hosted:
    """Where a service finds the clip; None where it takes files."""

    url: str | None


@dataclass(frozen=True)
class Requested:
    """A request that was made.

    Attributes:
        can_look: Whether the service tells its result anew, free of charge.
        failed: Why the send goes on without what it was to make; empty where it does not.
        attempt: The attempt of the send in which it was made.
    """

    call: Call
    task_id: str
    can_look: bool
    failed: str = ""
    attempt: int = 1


@dataclass(frozen=True)
class Origin:
    """Where a file of a take came from: the call, and the take and the file in its report, counted from 0."""

    call: str
    take: int
    file: int


@dataclass(frozen=True)
class Takes:
    """Everything that the service has made.

    Attributes:
        requests: The calls that made it, by which a result can be asked for anew.
        origins: For each file of each take, where it came from.
        task_ids: The service's names of the tasks, in order.
        cost_credits: What they cost: as the service says, else as estimated.
        is_estimate: Whether that is an estimate.
    """

    takes: tuple[MadeTake, ...]
    task_ids: tuple[str, ...]
    cost_credits: float
    is_estimate: bool
    requests: tuple[Requested, ...] = ()
    origins: tuple[tuple[Origin, ...], ...] = ()


@dataclass(frozen=True)
class FetchedFile:
    """One file of a take, in the staging folder. The fields are those of `contract.Made`."""

    kind: Kind
    path: Path
    stem: str | None
    covers: str
    made_by: str


@dataclass(frozen=True)
class FetchedTake:
    number: int
    files: tuple[FetchedFile, ...]
    clip_id: str | None
    bpm: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Fetched:
    takes: tuple[FetchedTake, ...]


@dataclass(frozen=True)
class Aligned:
    """Where the clip was found in what came back: `lag_samples` at the clip's rate, None where nothing is claimed."""

    lag_samples: float | None
    confidence: float
    residual_db: float | None


@dataclass(frozen=True)
class FinishedFile:
    """One return, ready to be delivered.

    Attributes:
        alignment: None where there is nothing to be aligned.
        position_samples: Where it starts on the timeline, at its own rate; None for what is not audio.
        checks: What the user should know of it, as sentences.
        warnings: Those of them that are told when the send is done, in words that need no file beside them.
    """

    kind: Kind
    path: Path
    stem: str | None
    made_by: str
    sample_rate_hz: int | None = None
    bit_depth: int | None = None
    channels: int | None = None
    duration_s: float | None = None
    position_samples: int | None = None
    loudness_lufs: float | None = None
    true_peak_dbtp: float | None = None
    checks: tuple[str, ...] = ()
    alignment: Aligned | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class FinishedTake:
    """A take, ready to be delivered; `warnings` are those of its checks that are told when the send is done."""

    number: int
    files: tuple[FinishedFile, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finished:
    takes: tuple[FinishedTake, ...]


@dataclass(frozen=True)
class DeliveredFile:
    take: int
    kind: Kind
    path: Path
    position_samples: int
    sample_rate_hz: int


@dataclass(frozen=True)
class Handed:
    """What lies in the session now; `notes` say, in sentences, what should lie there too and does not."""

    folder: Path
    files: tuple[DeliveredFile, ...]
    notes: tuple[str, ...] = ()
