"""A small delivery of two takes, and what must be true of it whatever happens on the way.

Run as a program (`python delivery_samples.py SESSION STAGING`) it delivers once, so that it can be killed.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from sendreturn.errors import SendReturnError
from sendreturn.returns.deliver import Delivery, StagedFile, StagedTake, deliver
from sendreturn.returns.files import CHUNK_BYTES
from sendreturn.returns.sidecar import Facts, verify
from sendreturn.words import TEMP_PREFIX, Kind, SendId
from sidecar_samples import SEND_ID, WAV_FACTS, about

NAME = f"riff_extend_{SEND_ID}"
CONTENTS = {
    f"{NAME}_t1.wav": b"mix" * (CHUNK_BYTES // 2),
    f"{NAME}_t1_tail.wav": b"tail" * 1000,
    f"{NAME}_t1.mid": b"midi",
    f"{NAME}_t2.wav": b"other mix" * 1000,
}
SIDECARS = {f"{NAME}_t1.json", f"{NAME}_t2.json"}


def stage(staging: Path) -> None:
    staging.mkdir()
    for name, content in CONTENTS.items():
        (staging / name).write_bytes(content)


def delivery(session: Path, staging: Path) -> Delivery:
    def staged(name: str, kind: Kind) -> StagedFile:
        path = staging / f"{NAME}{name}"
        return StagedFile(kind, path, path.suffix, Facts() if kind is Kind.MIDI else WAV_FACTS)

    first = (staged("_t1.wav", Kind.MIX), staged("_t1_tail.wav", Kind.TAIL), staged("_t1.mid", Kind.MIDI))
    takes = (StagedTake(1, first), StagedTake(2, (staged("_t2.wav", Kind.MIX),)))
    return Delivery(session, "Returns", "riff", "extend", SendId(SEND_ID), takes, about())


def assert_only_whole_files(folder: Path) -> None:
    """Everything under a final name is complete, and a sidecar tells the truth."""
    whole = {hashlib.sha256(content).hexdigest() for content in CONTENTS.values()}
    for path in final_files(folder):
        if path.suffix == ".json":
            assert verify(path) == []
        else:
            assert hashlib.sha256(path.read_bytes()).hexdigest() in whole, path.name


def assert_complete(folder: Path) -> None:
    """Exactly the whole set is there, once."""
    assert {path.name for path in folder.iterdir()} == CONTENTS.keys() | SIDECARS
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name in CONTENTS} == CONTENTS
    assert all(verify(folder / name) == [] for name in SIDECARS)


def final_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if not path.name.startswith(TEMP_PREFIX)]


if __name__ == "__main__":
    try:
        deliver(delivery(Path(sys.argv[1]), Path(sys.argv[2])))
    except SendReturnError as error:
        sys.exit(error.sentence)
