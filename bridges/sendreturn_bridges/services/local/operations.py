"""What the local service does: one function per operation, from a clip to files.

Every job is a new process, so each function imports its own means: a tempo is measured in a third of a second, and not
after a second of imports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import soundfile
from sendreturn.audio.buffer import Audio
from sendreturn.audio.decode import read_audio
from sendreturn.audio.midi import write_midi
from sendreturn.audio.notes import NoteTrack

from sendreturn_bridges.services.local.job import Job

if TYPE_CHECKING:
    from sendreturn_bridges.services.local.separate import Separation
    from sendreturn_bridges.services.local.transcribe import Transcription

Tell = Callable[[float, str], None]
File = dict[str, Any]
Take = dict[str, Any]

MADE_BY = "local: signal processing"
SURE_OF_TEMPO = 0.2
"""Below this confidence a clip counts as having no tempo."""


def perform(job: Job, out: Path, tell: Tell) -> list[Take]:
    """Do the job; returns its takes as JSON tables, their files in `out`.

    Raises:
        SendReturnError: the clip or a value cannot be used.
    """
    tell(0.0, "reading the clip")
    audio = read_audio(job.clip)
    return OPERATIONS[job.operation](job, audio, out, tell)


def _extend(job: Job, audio: Audio, out: Path, tell: Tell) -> list[Take]:
    from sendreturn_bridges.services.local.extend import extend

    side = job.fields.get("side", "right")
    takes = []
    for number, share in _takes(job, tell, "continuing the clip"):
        made = extend(
            audio,
            extend_s=float(job.fields["extend_s"]),
            side=side,
            from_s=job.fields.get("from_s"),
            bpm=job.fields.get("bpm"),
            seed=job.seed + number,
            progress=share,
        )
        kind = "tail" if side == "right" else "head"
        file = _wav(out / f"{number}-{kind}.wav", made.new, kind, covers=kind)
        takes.append({"files": [file], "bpm": made.bpm, "notes": list(made.notes)})
    return takes


def _inpaint(job: Job, audio: Audio, out: Path, tell: Tell) -> list[Take]:
    from sendreturn_bridges.services.local.inpaint import inpaint

    start_s, end_s = job.fields["section_s"]
    takes = []
    for number, share in _takes(job, tell, "patching the section"):
        made = inpaint(
            audio, section_s=(start_s, end_s), bpm=job.fields.get("bpm"), seed=job.seed + number, progress=share
        )
        file = _wav(out / f"{number}-mix.wav", made.audio, "mix")
        takes.append({"files": [file], "notes": list(made.notes)})
    return takes


def _cover(job: Job, audio: Audio, out: Path, tell: Tell) -> list[Take]:
    from sendreturn_bridges.services.local.cover import cover

    heard = _hear(job, audio, lambda share: tell(share * 0.6, "listening to the notes"))
    takes = []
    for number, share in _takes(job, tell, "playing the cover", start=0.6):
        made = cover(
            heard.tracks,
            style=job.fields.get("style") or "",
            negative_style=job.fields.get("negative_style") or "",
            duration_s=audio.duration_s,
            rate_hz=audio.rate_hz,
            meter=job.meter,
            seed=job.seed + number,
            source=audio,
            progress=share,
        )
        files = [_wav(out / f"{number}-mix.wav", made.mix, "mix")]
        files += [_wav(out / f"{number}-{stem}.wav", part, "stem", stem) for stem, part in made.stems.items()]
        files.append(_midi(job, out / f"{number}.mid", made.tracks, audio.duration_s))
        takes.append({"files": files, "notes": [*heard.notes, *made.notes]})
    return takes


def _stems(job: Job, audio: Audio, out: Path, tell: Tell) -> list[Take]:
    made = _separate(job, audio, int(job.fields["stems"]), lambda share: tell(share, "separating the stems"))
    by = f"local: {made.tier}"
    files = [_wav(out / f"{stem}.wav", part, "stem", stem, by=by) for stem, part in made.stems.items()]
    return [{"files": files, "notes": list(made.notes)}]


def _midi_of(job: Job, audio: Audio, out: Path, tell: Tell) -> list[Take]:
    heard = _hear(job, audio, lambda share: tell(share, "listening to the notes"))
    file = _midi(job, out / "notes.mid", heard.tracks, audio.duration_s)
    return [{"files": [{**file, "made_by": f"local: {heard.method}"}], "notes": list(heard.notes)}]


def _bpm(job: Job, audio: Audio, out: Path, tell: Tell) -> list[Take]:
    from sendreturn.audio.beats import track_beats

    beats = track_beats(audio)
    sure = beats.confidence >= SURE_OF_TEMPO
    return [{"files": [], "bpm": beats.bpm if sure else None, "notes": []}]


OPERATIONS: Mapping[str, Callable[[Job, Audio, Path, Tell], list[Take]]] = {
    "extend": _extend,
    "inpaint": _inpaint,
    "cover": _cover,
    "stems": _stems,
    "midi": _midi_of,
    "bpm": _bpm,
}


def _hear(job: Job, audio: Audio, progress: Callable[[float], None]) -> Transcription:
    """The notes of a clip, heard in the whole mix: separated stems hold too much of each other to do better."""
    from sendreturn_bridges.services.local.transcribe import transcribe

    return transcribe(audio, models=job.models, meter=job.meter, progress=progress)


def _separate(job: Job, audio: Audio, stems: int, progress: Callable[[float], None]) -> Separation:
    from sendreturn_bridges.services.local.separate import separate

    return separate(
        audio, stems=2 if stems == 2 else 4, models=job.models, htdemucs=job.htdemucs, seed=job.seed, progress=progress
    )


def _takes(job: Job, tell: Tell, text: str, start: float = 0.0) -> list[tuple[int, Callable[[float], None]]]:
    """The takes to make: the number of each, counted from 0, and how it tells its progress."""
    count = int(job.fields["takes"])
    width = (1.0 - start) / count

    def share(number: int) -> Callable[[float], None]:
        label = f"{text}, take {number + 1} of {count}" if count > 1 else text
        return lambda fraction: tell(start + width * (number + fraction), label)

    return [(number, share(number)) for number in range(count)]


def _wav(
    path: Path, audio: Audio, kind: str, stem: str | None = None, *, covers: str = "all", by: str = MADE_BY
) -> File:
    soundfile.write(path, audio.samples, audio.rate_hz, subtype="FLOAT", format="WAV")
    return {"kind": kind, "path": str(path), "stem": stem, "covers": covers, "made_by": by}


def _midi(job: Job, path: Path, tracks: Sequence[NoteTrack], duration_s: float) -> File:
    write_midi(path, tracks, job.meter, duration_s=duration_s)
    return {"kind": "midi", "path": str(path), "stem": None, "covers": "all", "made_by": MADE_BY}
