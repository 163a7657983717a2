"""How the values of a configuration go together: names that refer to each other, and folders that must stay apart."""

from __future__ import annotations

import ipaddress
import os
import unicodedata
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from sendreturn.keys import how_to_set
from sendreturn.pasted_keys import KeyPath
from sendreturn.problems import Problem, did_you_mean, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sendreturn.settings.models import Settings

_REFERENCES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("service",), "services", "a service that stands under services"),
    (("presets", "*", "service"), "services", "a service that stands under services"),
    (("sessions", "*", "rules", "*", "params", "service"), "services", "a service that stands under services"),
    (("sessions", "*", "rules", "*", "preset"), "presets", "a preset"),
)
"""Key paths whose values are names of what stands elsewhere; `*` is any one step."""


def key_problem(path: KeyPath, data: Mapping[str, Any]) -> Problem:
    """What is said of an API key that stood at `path` of the configuration `data`: why not, and what to do instead."""
    service = str(path[1]) if len(path) > 2 and path[0] == "services" else "SERVICE"
    services = data.get("services")
    entry = services.get(service) if isinstance(services, dict) else None
    variable = entry.get("api_key_env") if isinstance(entry, dict) else None
    text = (
        "expected no API key here, found one: this file is easily shared, synced or committed, and the key with it."
        f" {how_to_set(service, variable if isinstance(variable, str) else None)}"
    )
    return Problem(path, text)


def name_problems(data: Mapping[str, Any], services: Collection[str], presets: Collection[str]) -> list[Problem]:
    """References to services and presets that do not exist."""
    known = {"services": services, "presets": presets}
    folded = {kind: {name.casefold() for name in names} for kind, names in known.items()}
    problems = []
    for path, value in _leaves(data, ()):
        for pattern, kind, expected in _REFERENCES:
            if _fits(path, pattern) and isinstance(value, str) and value.strip().casefold() not in folded[kind]:
                text = f"expected {expected}, found {shown(value)}.{_suggest(value, known[kind])}"
                problems.append(Problem(path, text))
    return problems


def _suggest(value: str, known: Collection[str]) -> str:
    return did_you_mean(value, known) or f" Known here: {', '.join(sorted(known)) or 'none'}."


def _fits(path: KeyPath, pattern: tuple[str, ...]) -> bool:
    return len(path) == len(pattern) and all(p in ("*", step) for p, step in zip(pattern, path, strict=True))


def _leaves(data: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(data, list):
        for index, item in enumerate(data):
            yield from _leaves(item, (*path, index))
    else:
        yield path, data


def cross_problems(settings: Settings) -> list[Problem]:
    """What is wrong with values that are each fine for themselves."""
    return [
        *_folder_problems(settings),
        *_rule_problems(settings),
        *_session_problems(settings),
        *_preset_problems(settings),
        *_hosting_problems(settings),
        *_network_problems(settings),
    ]


def _folder_problems(settings: Settings) -> Iterator[Problem]:
    returns, sends = settings.returns.folder, settings.hot_folder.folder
    if _overlap(_folded(returns), _folded(sends)):
        text = (
            f"expected a folder apart from hot_folder.folder ({sends}), found {returns!r}: returns would be sent again."
        )
        yield Problem(("returns", "folder"), text)
        return
    for root in _existing_roots(settings):
        real = [Path(os.path.realpath(root / folder)) for folder in (returns, sends)]
        if _overlap(PurePosixPath(real[0].as_posix()), PurePosixPath(real[1].as_posix())):
            text = (
                f"expected a folder apart from hot_folder.folder, found that {returns!r} and {sends!r} lie within each"
                f" other in {root} (through a link): returns would be sent again."
            )
            yield Problem(("returns", "folder"), text)


def _existing_roots(settings: Settings) -> Iterator[Path]:
    for session in settings.sessions:
        try:
            yield from (entry for entry in session.path.iterdir() if entry.is_dir()) if session.each else [session.path]
        except OSError:  # not there yet, or not ours to list: the watcher will say so
            continue


def _rule_problems(settings: Settings) -> Iterator[Problem]:
    ours = [settings.returns.folder, settings.hot_folder.folder]
    for s, session in enumerate(settings.sessions):
        for r, rule in enumerate(session.rules):
            for folder in ours:
                if _folded(rule.match).is_relative_to(_folded(folder)):
                    text = (
                        f"expected a pattern outside {folder}, found {rule.match!r}: that folder is sendreturn's own."
                    )
                    yield Problem(("sessions", s, "rules", r, "match"), text)


def _session_problems(settings: Settings) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, session in enumerate(settings.sessions):
        real = os.path.realpath(session.path)
        if real in first:
            text = f"expected each folder once, found {session.path} again (first as sessions[{first[real]}])."
            yield Problem(("sessions", index, "path"), text)
        first.setdefault(real, index)


def _preset_problems(settings: Settings) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for name in settings.presets:
        other = first.setdefault(name.casefold(), name)
        if other != name:
            yield Problem(
                ("presets", name), f"expected names that differ in more than case, found {name!r} and {other!r}."
            )


def _hosting_problems(settings: Settings) -> Iterator[Problem]:
    hosting = settings.hosting
    if hosting.kind == "serve" and settings.public_url is None:
        yield Problem(("hosting", "kind"), "expected public_url to be set with kind: serve, found nothing.")
    if hosting.kind == "s3":
        for key in ("endpoint", "bucket"):
            if getattr(hosting, key) is None:
                yield Problem(("hosting", key), "expected a value with kind: s3, found nothing.")


def _network_problems(settings: Settings) -> Iterator[Problem]:
    """What other machines reach is open only where the configuration says so in a second place."""
    osc, web = settings.osc, settings.web
    if not _is_loopback(osc.host) and not osc.allow:
        text = f"expected osc.allow to name the machines that may send, where others reach {osc.host!r}; found none."
        yield Problem(("osc", "host"), text)
    if not _is_loopback(web.host) and not web.open_to_network:
        yield Problem(("web", "host"), f"expected web.open_to_network: yes, where others reach {web.host!r}; found no.")


def _is_loopback(host: str) -> bool:
    if host.casefold() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _folded(path: str) -> PurePosixPath:
    """As a file system that ignores case and the form of accents sees it."""
    return PurePosixPath(unicodedata.normalize("NFC", path).casefold())


def _overlap(one: PurePosixPath, other: PurePosixPath) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)
