"""The sidecar: the JSON file beside a take's files that says what they are and where everything came from.

`Sidecar` is the whole document; what all takes of a send have in common is `About`. Whatever goes in is cleaned on the
way to the disk: no address keeps its query, no key gets in, and no number is NaN. `sidecar.schema.json` in the config
package describes the same document for other programs.
"""

from __future__ import annotations

import json
import math
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from sendreturn.errors import SendReturnError
from sendreturn.pasted_keys import take_out_keys
from sendreturn.returns.files import sha256_of
from sendreturn.returns.scrub import readable, scrubbed
from sendreturn.words import STEMS, Kind, State

SCHEMA: Final = "sendreturn/sidecar/1"


def utc_text(moment: datetime | str) -> str:
    """A moment as UTC in ISO 8601, say "2026-03-01T12:00:00.000Z"; one without a zone is taken as UTC."""
    when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    zoned = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return zoned.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def source_path(clip: Path, session: Path) -> str:
    """The clip's path for `source.path`: relative to the session where it lies inside, else absolute; forward slashes.

    A name that is not valid UTF-8 shows its odd bytes as `\\xe9`.
    """
    path = Path(os.path.abspath(clip))  # noqa: PTH100 (a link inside the session keeps its own name)
    for base, inner in ((Path(os.path.abspath(session)), path), (session.resolve(), clip.resolve())):  # noqa: PTH100
        if inner.is_relative_to(base):
            path = inner.relative_to(base)
            break
    return path.as_posix()


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _readable(value: object) -> object:
    return readable(value) if isinstance(value, str) else value


def _bare(name: str) -> str:
    if not name or name in {".", ".."} or "/" in name or "\\" in name:
        raise ValueError("must be the name of a file beside the sidecar")
    return name


def _known_stem(stem: str) -> str:
    if stem not in STEMS:
        raise ValueError(f"must be one of {', '.join(STEMS)}")
    return stem


def _moment(value: object) -> object:
    return utc_text(value) if isinstance(value, str | datetime) else value


Number = Annotated[float | None, BeforeValidator(_finite)]
"""A measured value; null where it is not known, or not a number."""
Count = Annotated[int, Field(ge=0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Moment = Annotated[str, BeforeValidator(_moment)]
Text = Annotated[str, BeforeValidator(_readable)]
TempoFrom = Literal["send", "project", "file", "measured", "default"]
FileName = Annotated[str, BeforeValidator(_readable), AfterValidator(_bare)]


class _Part(BaseModel):
    """Part of a sidecar. Keys that it does not know, which a user may have added, are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Source(_Part):
    """The clip that was sent; of an operation that needs none, only tempo and time signature are told.

    Attributes:
        tempo_from, time_signature_from: "send", "project" (the DAW's project file), "file" (the clip's own tag),
            "measured" (from the clip) or "default".
        project_file: The project file that was read for them, relative to the session.
    """

    path: Text | None = None
    sha256: Sha256 | None = None
    sample_rate_hz: Count | None = None
    channels: Count | None = None
    duration_s: Number = None
    range_s: tuple[float, float] | None = None
    position_samples: int | None = None
    bpm: Number = None
    time_signature: Text | None = None
    tempo_from: TempoFrom | None = None
    time_signature_from: TempoFrom | None = None
    project_file: Text | None = None


class Alignment(_Part):
    """How well a return lies on its clip: the lag that was found and taken out, how sure that is, and what remains."""

    lag_samples: Number = None
    confidence: Number = None
    residual_db: Number = None


class Facts(_Part):
    """What is measured of one returned file; null where a kind of file has no such thing."""

    sample_rate_hz: Count | None = None
    bit_depth: Count | None = None
    channels: Count | None = None
    duration_s: Number = None
    position_samples: int | None = None
    alignment: Alignment | None = None
    loudness_lufs: Number = None
    true_peak_dbtp: Number = None
    checks: tuple[Text, ...] = ()


class ReturnedFile(Facts):
    """One file of a take. `path` is the name of a file beside the sidecar."""

    path: FileName
    kind: Kind
    stem: Annotated[str, AfterValidator(_known_stem)] | None = None
    sha256: Sha256
    bytes: Count


class ServiceRefs(_Part):
    """The service's own names for what it made, and what else it told of it."""

    task_ids: tuple[Text, ...] = ()
    clip_ids: tuple[Text, ...] = ()
    urls: tuple[Text, ...] = ()
    expires_at: Moment | None = None
    told: dict[str, Any] = {}


class Cost(_Part):
    """What the send cost; `estimated` where the service did not say."""

    credits: Number = None
    currency: Text | None = None
    estimated: bool = True


class Ai(_Part):
    """Whether the returns count as generated by AI, and IPTC's term for what they are."""

    generated: bool
    digital_source_type: Text | None = None


class Step(_Part):
    """One step of the send."""

    at: Moment
    state: State
    note: Text = ""


class About(_Part):
    """What the sidecars of all takes of a send have in common."""

    send_id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    operation: Text
    service: Text
    model: Text | None = None
    params: dict[str, Any] = {}
    created_at: Moment
    source: Source = Source()
    service_refs: ServiceRefs = ServiceRefs()
    cost: Cost = Cost()
    ai: Ai
    history: tuple[Step, ...] = ()


class Sidecar(About):
    """The whole document of one take."""

    schema_: Literal["sendreturn/sidecar/1"] = Field(SCHEMA, alias="schema")
    take: Annotated[int, Field(ge=1)]
    delivered_at: Moment
    returns: tuple[ReturnedFile, ...]

    def text(self) -> str:
        """The document as it stands on the disk, cleaned."""
        plain = scrubbed(self.model_dump(by_alias=True))
        plain["params"], _ = take_out_keys(plain["params"])
        ordered = {key: plain[key] for key in _ORDER}
        return json.dumps(ordered, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def build_sidecar(
    about: About,
    take: int,
    returns: tuple[ReturnedFile, ...],
    delivered_at: datetime,
    service_refs: ServiceRefs | None = None,
) -> Sidecar:
    """The sidecar of one take; `service_refs` are the take's own, where it has some."""
    common = {name: getattr(about, name) for name in About.model_fields}
    common["service_refs"] = service_refs or about.service_refs
    return Sidecar(**common, take=take, delivered_at=utc_text(delivered_at), returns=returns)


def read_sidecar(path: Path) -> Sidecar:
    """Read a sidecar. Raises SendReturnError where it is none, and OSError where the file cannot be read."""
    try:
        return Sidecar.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise SendReturnError(f"{path.name} is not a sidecar of ours.", detail=str(error)) from error


def verify(sidecar_path: Path) -> list[str]:
    """What is wrong with a take, one sentence for each thing; empty where every listed file is there as it was."""
    try:
        sidecar = read_sidecar(sidecar_path)
    except SendReturnError as error:
        return [error.what]
    except OSError as error:
        return [f"{sidecar_path.name} cannot be read: {error.strerror}."]
    problems = (_problem(sidecar_path.parent / returned.path, returned) for returned in sidecar.returns)
    return [problem for problem in problems if problem is not None]


_ORDER = (
    "schema", "send_id", "take", "operation", "service", "model", "params", "created_at", "delivered_at",
    "source", "returns", "service_refs", "cost", "ai", "history",
)  # fmt: skip


def _problem(path: Path, returned: ReturnedFile) -> str | None:
    try:
        if path.stat().st_size == returned.bytes and sha256_of(path) == returned.sha256:
            return None
    except FileNotFoundError:
        return f"{path.name} is missing."
    except OSError as error:
        return f"{path.name} cannot be read: {error.strerror}."
    return f"{path.name} has changed since it was delivered."
