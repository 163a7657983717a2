"""What can be configured, as frozen models. The values of `sendreturn_config/sendreturn.yaml` are the defaults here.

A model made by hand checks each value; `load_settings` also checks how they go together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from sendreturn.audio.quantize import MOST_SWING, STRAIGHT, Quantizing
from sendreturn.fields import (
    Endpoint,
    Host,
    JsonObject,
    Line,
    MediaHost,
    Network,
    OrEmpty,
    Port,
    ServiceName,
    Stems,
    WebUrl,
    YesNo,
    choice,
    named,
    number,
    refuse,
    whole,
)
from sendreturn.params import PARAMETERS, Params
from sendreturn.places import expand
from sendreturn.settings.kinds import (
    BitDepth,
    Credits,
    DatabaseUrl,
    Folder,
    Grid,
    Operation,
    Pattern,
    PresetName,
    SampleRate,
    SessionPath,
)

FORMATS = ("wav", "flac")
CONFORM = ("none", "offset", "stretch")


class Part(BaseModel):
    """One part of the configuration: frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Preset(Params):
    """A named operation with its parameters, one of which may be the service."""

    operation: Operation

    @property
    def params(self) -> Params:
        """The parameters alone."""
        return Params.model_validate({name: getattr(self, name) for name in PARAMETERS})


class Rule(Part):
    """Files elsewhere in a session that are sent when they appear: `match` is a glob relative to the session."""

    match: Pattern
    preset: Line | None = None
    operation: Operation | None = None
    params: Params = Params()

    @model_validator(mode="after")
    def _check_one_action(self) -> Rule:
        if (self.preset is None) == (self.operation is None):
            refuse("a preset or an operation", found="none of them" if self.preset is None else "both")
        return self


class SessionSettings(Part):
    """A session folder, or with `each` a folder whose subfolders are sessions."""

    path: SessionPath
    each: YesNo = False
    rules: Annotated[tuple[Rule, ...], OrEmpty] = ()


class _Unknown(NamedTuple):
    value: object


def _check_extra(value: object) -> object:
    if isinstance(value, _Unknown):
        raise PydanticCustomError("extra_forbidden", "unknown key")
    return value


class ServiceSettings(BaseModel):
    """A service: where it is and how it is asked. None means "as its bridge has it".

    Besides the fields any key that ends in `_url` is taken; `url(name)` gives it.

    Attributes:
        poll_s: Seconds between two questions whether a task is done.
        timeout_s: After how many seconds a task is given up.
        max_parallel: Tasks that may run at the service at the same time.
        prices: Credits per operation, in place of the bridge's price table.
        options: What only this service's bridge understands.
        media_hosts: "host" or "host:port" that results may also come from.
    """

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)
    __pydantic_extra__: dict[str, Annotated[WebUrl, BeforeValidator(_check_extra)]]

    api_key_env: Annotated[str, named(r"[A-Za-z_][A-Za-z0-9_]{0,99}", "the name of an environment variable")] | None = (
        None
    )
    base_url: WebUrl | None = None
    model: Line | None = None
    poll_s: Annotated[float, number(0.05, 3600)] | None = None
    timeout_s: Annotated[float, number(above=0)] | None = None
    max_parallel: Annotated[int, whole(1, 1000)] | None = None
    prices: dict[str, Credits] = {}
    options: JsonObject = {}
    media_hosts: Annotated[tuple[MediaHost, ...], OrEmpty] = ()

    @model_validator(mode="before")
    @classmethod
    def _mark_unknown_keys(cls, data: object) -> object:
        """Only keys that end in `_url` are extras; the mark lets the others be reported with all other problems."""
        if not isinstance(data, Mapping):
            return data
        return {str(k): v if k in cls.model_fields or str(k).endswith("_url") else _Unknown(v) for k, v in data.items()}

    @property
    def urls(self) -> dict[str, str]:
        """Every address, by the name of its key."""
        base = {"base_url": self.base_url} if self.base_url else {}
        return base | dict(self.__pydantic_extra__)

    def url(self, name: str) -> str | None:
        """The address under the key `name`, say "upload_url"; without a slash at its end."""
        return self.urls.get(name)


class Hosting(Part):
    """How a clip reaches a service that takes only URLs. The keys for S3 come from the environment."""

    kind: Annotated[str, choice(("auto", "service", "serve", "s3"))] = "auto"
    endpoint: WebUrl | None = None
    bucket: Line | None = None
    region: Line | None = None


class Budget(Part):
    """Limits in credits; None means no limit."""

    per_send_credits: Credits | None = None
    per_hour_credits: Credits | None = None
    per_day_credits: Credits | None = None
    ask_above_credits: Credits | None = None


class OscSettings(Part):
    """Where OSC arrives.

    Attributes:
        reply: "host:port" that hear every event.
        allow: Other machines that may send, if what they send ends with the token of the file `osc-token`.
        announce: Whether programs are helped to find the port (zeroconf and OSCQuery), wherever it is heard.
    """

    host: Host = "127.0.0.1"
    port: Port = 7373
    reply: Annotated[tuple[Endpoint, ...], OrEmpty] = ()
    allow: Annotated[tuple[Network, ...], OrEmpty] = ()
    announce: YesNo = True


class WebSettings(Part):
    """Where the local page and the HTTP interface answer.

    Attributes:
        open_to_network: Whether `host` may be an address that other machines reach. They get what public_url is for,
            and nothing else.
        public_port: A port of its own for what public_url is for; None: it shares `port`.
    """

    host: Host = "127.0.0.1"
    port: Port = 7374
    open_to_network: YesNo = False
    public_port: Port | None = None


class QuantizeSettings(Part):
    """The grid to which notes are drawn; see `audio.quantize.Quantizing`."""

    grid: Grid = "1/16"
    strength: Annotated[float, number(0, 1)] = 1.0
    swing: Annotated[float, number(STRAIGHT, MOST_SWING)] = STRAIGHT

    @property
    def quantizing(self) -> Quantizing:
        """The same, as the notes' own code takes it."""
        return Quantizing(self.grid, self.strength, self.swing)


def _check_quantize(value: object) -> object:
    """`none`, a grid alone, or a table."""
    if isinstance(value, str):
        return None if value.strip().casefold() == "none" else {"grid": value}
    if value is not None and not isinstance(value, Mapping | QuantizeSettings):
        refuse("none, a grid such as 1/16, or { grid: 1/16, strength: 0.8 }")
    return value


class ReturnsSettings(Part):
    """What comes back, and how.

    Attributes:
        sample_rate: "session", or a rate in Hz.
        format: "wav" or "flac"; what FLAC cannot hold exactly is a WAV all the same.
        stems: 0, 2, 4 or 12, separated locally.
        conform: What is done to music with a tempo of its own: "none", "offset" or "stretch".
        quantize: None leaves notes where they were played.
        dawproject: Whether each send gets a project file for Bitwig, Cubase and Studio One.
        reaper: Whether each send gets a track template for REAPER.
    """

    folder: Folder = "Returns"
    sample_rate: SampleRate = "session"
    bit_depth: BitDepth = 24
    format: Annotated[str, choice(FORMATS)] = "wav"
    stems: Stems = 2
    midi: YesNo = True
    quantize: Annotated[QuantizeSettings | None, BeforeValidator(_check_quantize)] = None
    wav: YesNo = True
    align: YesNo = True
    conform: Annotated[str, choice(CONFORM)] = "offset"
    dawproject: YesNo = True
    reaper: YesNo = True

    @property
    def rate_hz(self) -> int | None:
        """The fixed rate, or None where it is the session's."""
        return self.sample_rate if isinstance(self.sample_rate, int) else None


class HotFolderSettings(Part):
    """The folder into which clips are dropped, and what happens to them afterwards ("move" or "leave").

    Attributes:
        ask_above_clips: More clips than this in one go wait for `approve` where they would cost something; None: never.
    """

    folder: Folder = "Sends"
    settle_s: Annotated[float, number(0, 3600)] = 2.0
    after: Annotated[str, choice(("move", "leave"))] = "move"
    ask_above_clips: Annotated[int, whole(1, 100_000)] | None = 25


class StagingSettings(Part):
    """The folder in which sends keep their files until they are delivered.

    Attributes:
        keep_days: So long those of a send are kept that failed or was cancelled and cost nothing; None: for ever.
    """

    keep_days: Annotated[float, number(low=0)] | None = 30.0


class Settings(Part):
    """The whole configuration. `load_settings` makes one from a file."""

    sessions: Annotated[tuple[SessionSettings, ...], OrEmpty] = ()
    service: ServiceName = "local"
    services: dict[ServiceName, ServiceSettings] = {}
    presets: dict[PresetName, Preset] = {}
    hosting: Hosting = Hosting()
    public_url: WebUrl | None = None
    budget: Budget = Budget()
    osc: OscSettings = OscSettings()
    web: WebSettings = WebSettings()
    returns: ReturnsSettings = ReturnsSettings()
    hot_folder: HotFolderSettings = HotFolderSettings()
    staging: StagingSettings = StagingSettings()
    database: DatabaseUrl | None = None

    _sources: Mapping[str, str] = PrivateAttr(default_factory=dict)

    def preset(self, name: str) -> Preset | None:
        """The preset of this name, in any case."""
        folded = {known.casefold(): preset for known, preset in self.presets.items()}
        return self.presets.get(name) or folded.get(name.casefold())

    def service_settings(self, name: str) -> ServiceSettings:
        """What is configured for a service; all defaults where nothing is."""
        return self.services.get(name) or ServiceSettings()

    def session_for(self, path: Path) -> Path | None:
        """The root of the session that a path belongs to, or None. Lexical: symbolic links are not followed."""
        found = self._belonging(path)
        return found[0] if found else None

    def rules_for(self, path: Path) -> tuple[Rule, ...]:
        """The rules of the session that a path belongs to."""
        found = self._belonging(path)
        return found[1].rules if found else ()

    def source_of(self, key: str) -> str:
        """Where the value of a key such as `osc.port` comes from: "file:line" or "default"."""
        return self._sources.get(key, "default")

    def with_sources(self, sources: Mapping[str, str]) -> Settings:
        """The same settings, knowing where their values come from."""
        known = self.model_copy()
        known._sources = dict(sources)
        return known

    def _belonging(self, path: Path) -> tuple[Path, SessionSettings] | None:
        """The innermost session around a path; one named itself goes before one found through `each`."""
        around = [(root, session) for session in self.sessions for root in _roots_around(path, session)]
        return max(around, key=lambda found: (len(found[0].parts), not found[1].each), default=None)


def _roots_around(path: Path, session: SessionSettings) -> Iterator[Path]:
    full = expand(path)
    if not full.is_relative_to(session.path):
        return
    below = full.relative_to(session.path).parts
    if not session.each:
        yield session.path
    elif below and not below[0].startswith(".") and not (len(below) == 1 and full.is_file()):
        yield session.path / below[0]
