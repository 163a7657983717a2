"""Versions of Suno's models, by the names that services give them: chirp-v4-5-plus, sonic-v5."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sendreturn.errors import Refusal


def version_of(model: str) -> float | None:
    """4.5 for chirp-v4-5-plus; None for names that tell no version."""
    found = re.fullmatch(r"(?:sonic|chirp)-v(\d+)(?:-(\d))?(?:-\w+)?", model)
    return float(f"{found[1]}.{found[2] or 0}") if found else None


def is_at_least(model: str, version: float) -> bool:
    """Whether a model has what came with `version`; names that tell no version count as new."""
    found = version_of(model)
    return found is None or found >= version


def check_model(title: str, model: str, known: Sequence[str]) -> None:
    """Refuse a name that cannot be a model of the service; newer ones of the same family may be unknown here.

    Args:
        title: The service's name.
        known: Its models, all of one family.
    """
    family = f"{known[0].partition('-')[0]}-v"
    if model in known or (model.startswith(family) and version_of(model) is not None):
        return
    alike = f"{family}{model.partition('-v')[2]}"
    hint = f"Did you mean {alike}?" if alike in known else f"It has {', '.join(known)}."
    raise Refusal(f"{title} has no model {model}.", hint)
