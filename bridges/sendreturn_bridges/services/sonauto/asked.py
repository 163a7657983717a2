"""What a request to Sonauto is made from, and which of its two models makes it.

v3 makes whole songs and continues a clip at its end; v2 does that on both sides, and makes sections anew. Parameters
that only one of them has choose it by themselves where the user has named none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sendreturn.contract import Ask, Manifest, OperationSpec
from sendreturn.params import Params

Model = Literal["v2", "v3"]

NAMES: Mapping[str, Model] = {"v2": "v2", "v2.2": "v2", "2": "v2", "v3": "v3", "v3-preview": "v3", "3": "v3"}
"""What users and Sonauto call the models."""

_WORDS = frozenset({"prompt", "lyrics", "style", "instrumental", "vocal_gender", "style_strength"})
_ALWAYS = frozenset({"model", "stems", "midi", "wav"})
"""What the bridge looks after by itself, and what the daemon makes on this machine."""
REACHES: Mapping[tuple[str, Model], frozenset[str]] = {
    ("generate", "v3"): _WORDS | _ALWAYS | {"negative_style", "extend_s"},
    ("generate", "v2"): _WORDS | _ALWAYS | {"seed", "bpm", "takes"},
    ("extend", "v2"): _WORDS | _ALWAYS | {"from_s", "side", "extend_s", "seed", "bpm", "takes"},
    ("extend", "v3"): _WORDS | _ALWAYS | {"from_s", "side", "negative_style"},
    ("inpaint", "v2"): (_WORDS | _ALWAYS | {"section_s"}) - {"prompt", "style_strength"},
}
"""Which parameters have a field in a request."""

ONLY: Mapping[Model, frozenset[str]] = {
    "v2": frozenset({"seed", "balance_strength", "bpm", "num_songs"}),
    "v3": frozenset(
        {"enable_streaming", "stream_format", "length_range", "negative_tags", "style_scale", "context_seconds"}
    ),
}
"""Sonauto's own fields that only one of the models has; v3 refuses v2's."""


@dataclass(frozen=True)
class Asked:
    """What is asked, with everything that a request is made from.

    Attributes:
        clip_s: Length of the clip; None without one.
        settings: The service's settings from the configuration.
    """

    operation: str
    params: Params
    spec: OperationSpec
    limits: Mapping[str, Any]
    clip_s: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def options(self) -> Mapping[str, Any]:
        return self.params.service_options or {}


def asked_of(ask: Ask, manifest: Manifest, settings: Mapping[str, Any]) -> Asked:
    """A send, as requests are made from it."""
    clip_s = ask.clip.duration_s if ask.clip is not None else None
    return Asked(ask.operation, ask.params, manifest.operations[ask.operation], manifest.limits, clip_s, settings)


@dataclass(frozen=True)
class Choice:
    """The model of a request, and sentences on why it is this one and what it has no use for."""

    model: Model
    notes: tuple[str, ...] = ()


def choose(asked: Asked) -> Choice:
    """Which model makes it: the one that is named, if it can; else the one that has what is wished; else the usual."""
    named, usual = asked.params.model, _usual(asked)
    wanted = NAMES.get(named.casefold()) if named else None
    model = _possible(asked, wanted or _wished(asked, usual))
    if named and wanted != model:
        has_none = f"Sonauto has no model “{named}” for this" if wanted is None else _cannot(asked, wanted)
        notes = [f"{has_none}; {model} was asked."]
    elif not named and model != usual:
        notes = [f"Sonauto's {model} was asked, because only it has {listed(_wishes(asked, model))}."]
    else:
        notes = []
    unused = [name for name in _honoured(asked) if name not in REACHES[asked.operation, model]]
    return Choice(model, (*notes, *(left_out(model, unused) if unused else ())))


def left_out(model: Model, names: Iterable[str]) -> tuple[str, ...]:
    return (f"Sonauto's {model} has no use for {listed(names)}; that was left out.",)


def listed(names: Iterable[str]) -> str:
    """ "a, b and c"."""
    *first, last = sorted(names) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _usual(asked: Asked) -> Model:
    configured = NAMES.get(str(asked.settings.get("model") or "").casefold())
    usual: Model = NAMES[asked.spec.options["default_model"]]
    return _possible(asked, configured or usual)


def _possible(asked: Asked, model: Model) -> Model:
    """`model`, or v2 for what only v2 does."""
    before_the_clip = asked.operation == "extend" and asked.params.side == "left"
    return "v2" if before_the_clip or (asked.operation, model) not in REACHES else model


def _cannot(asked: Asked, model: Model) -> str:
    return (
        f"Sonauto's {model} continues a clip at its end only"
        if asked.operation == "extend"
        else (f"Sonauto's {model} has no {asked.operation}")
    )


def _wished(asked: Asked, usual: Model) -> Model:
    other: Model = "v3" if usual == "v2" else "v2"
    only_other = _wishes(asked, other) and not _wishes(asked, usual)
    # v3 continues in another way than v2, and is used for that where it is asked for by name only.
    return other if only_other and asked.operation == "generate" else usual


def _wishes(asked: Asked, model: Model) -> list[str]:
    """What is asked that only `model` has."""
    other: Model = "v3" if model == "v2" else "v2"
    mine, others = (REACHES.get((asked.operation, m), frozenset()) for m in (model, other))
    return [
        *(name for name in _honoured(asked) if name in mine - others),
        *(n for n in asked.options if n in ONLY[model]),
    ]


def _honoured(asked: Asked) -> list[str]:
    """The parameters that are given and that the manifest says Sonauto has a use for, with one model or the other."""
    given = asked.params.given()
    return [n for n in given if n in asked.spec.honours and not (n == "takes" and asked.params.takes == 1)]
