"""What is in force, and from where, for `sendreturn doctor`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from sendreturn.keys import FoundKey, how_to_set, mask

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sendreturn.places import Places
    from sendreturn.settings.models import Settings


class InForce(NamedTuple):
    """One line of what is in force: a key such as `osc.port`, its value as text, and where the value comes from."""

    key: str
    value: str
    source: str


def describe(settings: Settings, places: Places, keys: Mapping[str, FoundKey]) -> list[InForce]:
    """Every setting, place and API key in force. Secrets are masked.

    Args:
        keys: For each service what `keys.find_key` found.
    """
    return [
        *(InForce(key, _text(key, value), settings.source_of(key)) for key, value in _settings_of(settings)),
        *(InForce(f"state.{name}", str(path), "SENDRETURN_HOME or the platform") for name, path in _places_of(places)),
        *(InForce(f"services.{name}.key", *_key_text(name, found, settings)) for name, found in sorted(keys.items())),
    ]


def _settings_of(settings: Settings) -> Iterator[tuple[str, Any]]:
    yield from _flat(settings.model_dump(mode="json", exclude_none=False, exclude={"presets"}), "")
    for name, preset in settings.presets.items():
        yield f"presets.{name}", {"operation": preset.operation, **preset.params.given()}


def _flat(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    """Mappings become dotted keys; what an entry under `services` leaves to its bridge is passed over."""
    if not isinstance(value, dict) or not value:
        yield key, value
        return
    for name, inner in value.items():
        here = f"{key}.{name}" if key else name
        if not (key.startswith("services.") and inner in (None, [], {})):
            yield from _flat(inner, here)


def _places_of(places: Places) -> Iterator[tuple[str, object]]:
    for name in ("state", "journal", "token", "models", "staging", "log"):
        yield name, getattr(places, name)


def _key_text(name: str, found: FoundKey, settings: Settings) -> tuple[str, str]:
    if found.secret is not None:
        return mask(found.secret), found.source
    advice = how_to_set(name, settings.service_settings(name).api_key_env)
    return "not set", " ".join(part for part in (found.trouble, advice) if part)


def _text(key: str, value: Any) -> str:
    if value == 0 and key.endswith(".stems"):
        return "none"
    if isinstance(value, str):
        return re.sub(r"(://[^/@:]*):[^/@]*@", r"\1:***@", value)
    return json.dumps(value, ensure_ascii=False)
