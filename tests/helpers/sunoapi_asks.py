"""Sends as the Suno API bridge sees them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from sendreturn.contract import Ask, Clip, EarlierTake, Manifest
from sendreturn.engine.prepare import bought
from sendreturn.params import parse_params
from sendreturn.services import read_manifest
from sendreturn.words import SendId
from sendreturn_bridges.services.sunoapi.planning import Planner
from sendreturn_bridges.services.sunoapi.terms import Terms

RATE_HZ = 48_000


def manifest() -> Manifest:
    return read_manifest(
        resources.files("sendreturn_bridges.services.sunoapi").joinpath("bridge.toml").read_text("utf-8")
    )


def clip_of(seconds: float, path: Path = Path("riff.wav")) -> Clip:
    return Clip(path, RATE_HZ, 2, round(seconds * RATE_HZ), "ab" * 32)


def ask(operation: str, *, clip_s: float | None = 50.0, earlier: EarlierTake | None = None, **params: Any) -> Ask:
    parsed = parse_params(params)
    clip = None if clip_s is None else clip_of(clip_s)
    return Ask(SendId("1a2b3c4d"), operation, parsed, clip, buys=bought(parsed), earlier=earlier)


def planner(**options: Any) -> Planner:
    return Planner(Terms(manifest(), options))


def body_of(wanted: Ask, **options: Any) -> Mapping[str, Any]:
    """The body of the first request."""
    (call,) = planner(**options).plan(wanted).calls
    body: Mapping[str, Any] = call.fields["body"]
    return body
