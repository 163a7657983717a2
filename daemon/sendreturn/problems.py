"""What is wrong with values that a user wrote, as sentences: where, what was expected and found, what was meant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from sendreturn.keys import mask
from sendreturn.pasted_keys import KeyPath, looks_like_key


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        path: The key path of the value; empty where it concerns the whole.
        text: What was expected and what was found, as a sentence.
        line, column: Counted from 1, where they are known from elsewhere than the key path.
    """

    path: KeyPath
    text: str
    line: int | None = None
    column: int | None = None

    @property
    def sentence(self) -> str:
        """The key path and the text."""
        return f"{dotted(self.path)}: {self.text}" if self.path else self.text


def dotted(path: KeyPath) -> str:
    """`("sessions", 0, "path")` as `sessions[0].path`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """The sentence " Did you mean 'x'?" with its leading space, or nothing where no known word is near."""
    words = {name.casefold().replace("-", "_"): name for name in known}
    near = get_close_matches(str(word).casefold().replace("-", "_"), words, n=1, cutoff=0.6)
    return f" Did you mean {words[near[0]]!r}?" if near else ""


def shown(value: object) -> str:
    """A value as it may stand in a sentence: short, on one line, and never a key."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return mask(value) if looks_like_key(value) else repr(_short(_without_credentials(value)))
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, bool | int | float) or (isinstance(value, list | tuple) and _is_plain(value)):
        return _short(json.dumps(value, ensure_ascii=False))
    return "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"


def problems_of(
    error: ValidationError, model: type[BaseModel], synonyms: Mapping[str, str] | None = None
) -> list[Problem]:
    """The problems that pydantic found while it validated `model`; `synonyms` are other people's words for our keys."""
    return [_problem(details, model, synonyms or {}) for details in error.errors(include_url=False)]


def unknown_key(key: object, known: Iterable[str], synonyms: Mapping[str, str] | None = None) -> str:
    """The sentence for a key that does not exist."""
    names = sorted(known)
    other = (synonyms or {}).get(str(key).casefold())
    hint = f" Did you mean {other!r}?" if other in names else did_you_mean(key, names)
    return f"expected a known key, found {_short(str(key))!r}.{hint or ' Known here: ' + ', '.join(names) + '.'}"


def _problem(details: Any, model: type[BaseModel], synonyms: Mapping[str, str]) -> Problem:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    path: KeyPath = details["loc"]
    if path[-1:] == ("[key]",) and kind != "extra_forbidden":  # pydantic's mark for the name of an entry
        path = path[:-1]
    if kind == "extra_forbidden":
        return Problem(path, unknown_key(path[-1], _keys_at(model, path[:-1]), synonyms))
    if kind == "missing":
        return Problem(path, "expected a value, found nothing: this key is needed.")
    expected = context.get("expected") or _EXPECTED.get(kind) or details["msg"]
    hint = did_you_mean(value, context.get("choices", ())) if isinstance(value, str) else context.get("hint", "")
    return Problem(path, f"expected {expected}, found {context.get('found') or shown(value)}.{hint}")


_EXPECTED = {
    "model_type": "keys and values",
    "model_attributes_type": "keys and values",
    "dict_type": "keys and values",
    "tuple_type": "a list",
    "list_type": "a list",
}


def _keys_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys that the part of `model` at `path` knows."""
    kind: Any = model
    for step in path:
        kind = _inside(kind, step)
    return list(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def _inside(kind: Any, step: str | int) -> Any:
    """The type of what stands under `step` in a value of type `kind`."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(str(step))
        return field.annotation if field else None
    arguments = [argument for argument in get_args(kind) if argument not in (type(None), Ellipsis)]
    if get_origin(kind) is dict:
        return arguments[1]
    return arguments[0] if arguments else None


def _is_plain(values: Iterable[object]) -> bool:
    return not any(
        looks_like_key(value) if isinstance(value, str) else not isinstance(value, bool | int | float | None)
        for value in values
    )


def _without_credentials(text: str) -> str:
    """An address without the user name, password and query, which may hold secrets."""
    return re.sub(r"\?\S*", "?***", re.sub(r"//[^/\s]*@", "//***@", text)) if "://" in text else text


def _short(text: str, longest: int = 60) -> str:
    """At most `longest` characters, and none that a terminal cannot print."""
    printable = text[: longest + 1].encode("utf-8", "backslashreplace").decode()
    return printable if len(printable) <= longest else printable[: longest - 1] + "…"
