"""Reading the configuration: the shipped defaults, over them the user's file, with everything that is wrong at once."""

from __future__ import annotations

import functools
import os
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from sendreturn.errors import SettingsError
from sendreturn.params import SYNONYMS
from sendreturn.pasted_keys import KeyPath, take_out_keys
from sendreturn.problems import Problem, dotted, problems_of
from sendreturn.settings.checks import cross_problems, key_problem, name_problems
from sendreturn.settings.models import Settings
from sendreturn.yaml_lines import Document, parse_document, read_document

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

MAX_FILE_BYTES = 1024 * 1024
_SHIPPED = "sendreturn_config"


def load_settings(
    path: Path | None, env: Mapping[str, str] = os.environ, *, services: Collection[str] = ()
) -> Settings:
    """The configuration of the file at `path` over the shipped defaults; all defaults where it is None or not there.

    Args:
        env: Where the home folder of `~` stands.
        services: Services that may be named without standing under `services:`, such as those of installed bridges.

    Raises:
        SettingsError: with every problem of the file, each as `file:line: key.path: what was expected and found`.
    """
    document = Document("") if path is None else read_document(path, MAX_FILE_BYTES)
    settings, problems = _checked(document, env, frozenset({*services, "local"}))
    if problems or settings is None:
        sentences = sorted(problems, key=lambda problem: problem.line or document.line(problem.path) or 0)
        raise _error(document.name, [document.sentence(problem) for problem in sentences])
    return settings.with_sources({dotted(key): f"{document.name}:{line}" for key, line in document.lines.items()})


def shipped_defaults() -> dict[str, Any]:
    """The values of the shipped `sendreturn.yaml`, and the shipped presets."""
    return _shipped_layer()


def _checked(
    document: Document, env: Mapping[str, str], services: frozenset[str]
) -> tuple[Settings | None, list[Problem]]:
    if document.problems and not document.data:
        return None, list(document.problems)
    data, keys = take_out_keys(document.data)
    merged = overlay(shipped_defaults(), data)
    problems = [key_problem(path, merged) for path in keys]
    settings, shape = _shaped(merged, env)
    known = [{*services, *_names(merged, "services")}, set(_names(merged, "presets"))]
    misshapen = {problem.path for problem in shape}
    names = [problem for problem in name_problems(merged, *known) if problem.path not in misshapen]
    broken = {_unit(problem.path) for problem in shape}
    cross = [problem for problem in cross_problems(settings) if _unit(problem.path) not in broken]
    return settings, [*document.problems, *problems, *shape, *names, *cross]


def _shaped(merged: dict[str, Any], env: Mapping[str, str]) -> tuple[Settings, list[Problem]]:
    """The settings, with the default of everything in which something is wrong, and what is wrong."""
    try:
        return Settings.model_validate(merged, context={"env": env}), []
    except ValidationError as error:
        problems = problems_of(error, Settings, SYNONYMS)
    sound = _without(merged, {_unit(problem.path) for problem in problems})
    return Settings.model_validate(sound, context={"env": env}), problems


def _unit(path: KeyPath) -> KeyPath:
    """What is left out when something at `path` is wrong: a key of a section, or a section that is a list."""
    return path[:1] if len(path) > 1 and isinstance(path[1], int) else path[:2]


def _without(merged: Mapping[str, Any], units: Collection[KeyPath]) -> dict[str, Any]:
    sound = {key: value for key, value in merged.items() if (key,) not in units}
    return {
        key: {name: inner for name, inner in value.items() if (key, name) not in units}
        if isinstance(value, dict)
        else value
        for key, value in sound.items()
    }


def _names(merged: Mapping[str, Any], section: str) -> list[str]:
    found = merged.get(section)
    return list(found) if isinstance(found, dict) else []


def overlay(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """`top` over `base`: mappings key by key, everything else and each preset as a whole.

    A top-level key or a service with nothing behind it stays as it is in `base`; a preset with nothing behind its name
    is taken away.
    """
    merged = {key: _over(base.get(key), value) for key, value in top.items() if value is not None or key not in base}
    result = {**base, **merged}
    if isinstance(top.get("presets"), dict):
        presets = {**base.get("presets", {}), **top["presets"]}
        result["presets"] = {name: preset for name, preset in presets.items() if preset is not None}
    if isinstance(result.get("services"), dict):
        result["services"] = {name: {} if entry is None else entry for name, entry in result["services"].items()}
    return result


def _over(base: Any, top: Any, depth: int = 3) -> Any:
    if not isinstance(base, dict):
        return top
    if top is None:
        return base
    if not isinstance(top, dict) or depth == 0:
        return top
    return {**base, **{key: _over(base.get(key), value, depth - 1) for key, value in top.items()}}


@functools.cache
def _shipped_layer() -> dict[str, Any]:
    root = files(_SHIPPED)
    data = _read_shipped(root / "sendreturn.yaml")
    presets = sorted((root / "presets").iterdir(), key=lambda entry: entry.name)
    shipped = {entry.name.removesuffix(".yaml"): _read_shipped(entry) for entry in presets if _is_yaml(entry.name)}
    return {**data, "presets": {**(data.get("presets") or {}), **shipped}}


def _is_yaml(name: str) -> bool:
    return name.endswith(".yaml") and not name.startswith(".")


def _read_shipped(entry: Any) -> dict[str, Any]:
    document = parse_document(entry.read_bytes(), entry.name)
    assert not document.problems, document.problems
    return document.data


def _error(name: str, sentences: list[str]) -> SettingsError:
    unique = list(dict.fromkeys(sentences))
    count = "a problem" if len(unique) == 1 else f"{len(unique)} problems"
    return SettingsError(f"The configuration {name} has {count}.", unique, "Nothing was started; correct the file.")
