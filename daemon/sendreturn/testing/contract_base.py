"""What the parts of the contract suite share: the bridge, its samples, and what has to hold after everything."""

from __future__ import annotations

import importlib
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, cast

from sendreturn.audio.writer import SoundWriter
from sendreturn.contract import Manifest, OperationSpec, ServiceBridge, Setup
from sendreturn.returns.sidecar import Sidecar, read_sidecar
from sendreturn.sends.wish import SendView
from sendreturn.services import PACKAGE, load_manifests
from sendreturn.testing.bench import KEY, POLL_S, Bench
from sendreturn.testing.cases import Limit, Sample, Trouble
from sendreturn.testing.simulator import Simulator
from sendreturn.testing.sounds import song
from sendreturn.words import Kind

PLAIN = "plain"
RATE_HZ = 24_000
DEMANDED: Mapping[str, object] = {
    "section_s": [1.0, 2.0],
    "extend_s": 2.0,
    "prompt": "a quiet song",
    "lyrics": "one\ntwo",
    "style": "folk",
    "title": "One",
    "stems": 2,
}
"""Values for what an operation demands, where a bridge's test gives no sample of its own."""


class ContractBase:
    """A bridge under test. Its own test sets what differs from these.

    Attributes:
        service: The bridge's folder name.
        simulator: Its simulator.
        switches: Of the simulator, in all tests.
        profiles: Sets of switches under which every sample has to succeed, for sources that conflict.
        options: Of the service in the configuration.
        samples: Sends that succeed; an operation without one is sent with what it demands.
        quirks: Further sends that succeed, each with a peculiarity of the service switched on.
        limits: Sends that are refused; those that the manifest states need not be named.
        troubles: What may go wrong at the service.
        main: The operation that is used where any will do.
        failing: The one whose task fails where that is tried; `main` where it is empty.
        clip_s: Length of the clip that is sent.
        counts_like_simulator: Whether the cost in the sidecar has to be what the simulator has billed.
        ids_are_songs: Whether a take's id at the service is the id of one of the simulator's songs.
    """

    service: ClassVar[str] = ""
    simulator: ClassVar[type[Simulator]] = Simulator
    switches: ClassVar[Mapping[str, object]] = {}
    profiles: ClassVar[Mapping[str, Mapping[str, object]]] = {}
    options: ClassVar[Mapping[str, object]] = {}
    samples: ClassVar[Sequence[Sample]] = ()
    quirks: ClassVar[Sequence[Sample]] = ()
    limits: ClassVar[Sequence[Limit]] = ()
    troubles: ClassVar[Sequence[Trouble]] = ()
    main: ClassVar[str] = "cover"
    failing: ClassVar[str] = ""
    clip_s: ClassVar[float] = 3.0
    counts_like_simulator: ClassVar[bool] = True
    ids_are_songs: ClassVar[bool] = True

    def manifest(self) -> Manifest:
        """The bridge's manifest."""
        return load_manifests()[self.service]

    def open_bridge(self, setup: Setup) -> ServiceBridge:
        """The bridge, opened."""
        module = importlib.import_module(f"{PACKAGE}.{self.service}.client")
        return cast("ServiceBridge", module.open_bridge(setup))

    # For the parts

    @asynccontextmanager
    async def bench(
        self,
        folder: Path,
        switches: Mapping[str, object] | None = None,
        *,
        key: str | None = KEY,
        balance: float | None = None,
        in_step: bool = False,
        **manifest: Any,
    ) -> AsyncIterator[Bench]:
        """A workplace; what has to hold after everything is looked at when it closes.

        Args:
            in_step: Keep the service's rate limit.
            manifest: Fields that differ from the bridge's own manifest.
        """
        turned = {"looks": 1, **self.switches, **(switches or {})}
        more: dict[str, Any] = {} if balance is None else {"credits": balance}
        simulator = self.simulator(turned, key=KEY, **more)
        free_pace = {} if in_step else {"requests": 0, "per_s": 0.0}
        own = replace(self.manifest(), **{"poll_s": POLL_S, **free_pace, **manifest})
        bench = Bench(folder, own, simulator, self.open_bridge, self.options, key)
        async with bench.running():
            yield bench
        assert_no_secret(bench)

    def all_samples(self) -> list[Sample]:
        """The bridge's samples, and one for each operation that has none."""
        named = {sample.operation for sample in self.samples}
        others = (spec for name, spec in self.manifest().operations.items() if name not in named)
        return [*self.samples, *(_default_sample(spec) for spec in others)]

    def main_sample(self, operation: str = "") -> Sample:
        """The first sample of an operation, or of `main`; else any."""
        samples = self.all_samples()
        return next((sample for sample in samples if sample.operation == (operation or self.main)), samples[0])

    def spec(self, operation: str) -> OperationSpec:
        return self.manifest().operations[operation]

    async def sent(self, bench: Bench, sample: Sample) -> SendView:
        """Send a sample, with what has to come before it, and wait for its end."""
        clip = await self.clip_for(bench, sample)
        return await bench.run(sample.operation, clip, params_of(sample, bench))

    async def clip_for(self, bench: Bench, sample: Sample) -> Path | None:
        """The clip of a sample, where it needs one."""
        if sample.after:
            earlier = next(other for other in self.all_samples() if other.operation == sample.after)
            return part_of(await self.sent(bench, earlier), sample.part)
        if not self.spec(sample.operation).needs_clip:
            return None
        return self.clip(bench, sample.clip_s)

    def clip(self, bench: Bench, seconds: float | None = None, name: str = "riff.wav", seed: int = 0) -> Path:
        """A clip in the session."""
        return write_clip(bench.session / name, seconds or self.clip_s, seed)


def part_of(send: SendView, kind: Kind | None) -> Path | None:
    """The first take's file of this kind."""
    assert send.folder is not None, send.text
    files = sidecars_of(send)[0].returns
    return next((send.folder / file.path for file in files if file.kind is kind), None)


def params_of(sample: Sample, bench: Bench) -> Mapping[str, object]:
    """The sample's parameters, filled with what the simulator has by now."""
    return {**sample.params, **(sample.fill(bench.simulator) if sample.fill else {})}


def write_clip(path: Path, seconds: float, seed: int = 0) -> Path:
    """Music of this length, in stereo with 24 bits; nothing is written where it is there already."""
    if not path.exists():
        music = song(seconds, seed)
        with SoundWriter(path, "WAV", "PCM_24", RATE_HZ, 2) as file:
            file.write(music.samples[:: music.rate_hz // RATE_HZ])
    return path


def sidecars_of(send: SendView) -> list[Sidecar]:
    """The sidecars of a send's takes, the first take's first."""
    paths = [path for path in send.returns if path.suffix == ".json"]
    assert send.folder is not None, send.text
    found = [read_sidecar(path) for path in (paths or sorted(send.folder.glob("*.json")))]
    return sorted(found, key=lambda sidecar: sidecar.take)


def billed(simulator: Simulator) -> Counter[str]:
    """How often each kind of request has been billed."""
    return Counter(line.call for line in simulator.ledger if line.credits >= 0)


def paid_posts(simulator: Simulator) -> int:
    """How many requests came in that may be billed."""
    return sum(heard.is_paid for heard in simulator.requests)


def assert_words(words: Sequence[str], sentence: str) -> None:
    missing = [word for word in words if word.casefold() not in sentence.casefold()]
    assert not missing, f"{missing} not in: {sentence}"
    assert sentence.strip().endswith((".", "!", "?", "”", ")")), f"no finished sentence: {sentence}"


def assert_no_secret(bench: Bench) -> None:
    """The key went to the API alone, as credentials, and is written down nowhere."""
    api = bench.simulator.address.removeprefix("http://")
    for heard in bench.simulator.requests:
        assert not heard.key_elsewhere, f"the key stood in the address or body of {heard}"
        assert heard.host == api or not (heard.had_key or heard.had_credentials), f"credentials for {heard}"
    for error in bench.seen.errors:
        assert KEY not in error, f"the key stood in an exception: {error}"
    for line in bench.logs:
        assert KEY not in line, f"the key was logged: {line}"
    for path, content in _files_below(bench.folder):
        assert KEY.encode() not in content, f"the key was written into {path}"


def _files_below(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file with its content; those that are being cleared away meanwhile are left out."""
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in names):
            with suppress(FileNotFoundError):
                yield path, path.read_bytes()


def demanded(spec: OperationSpec) -> dict[str, object]:
    """Values for what the operation demands, as far as any will do."""
    return {name: DEMANDED[name] for name in spec.demands if name in DEMANDED}


def _default_sample(spec: OperationSpec) -> Sample:
    return Sample(spec.name, demanded(spec))
