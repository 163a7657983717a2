"""How objects of Live behave towards a script: Boost.Python checks calls, and what a version lacks is not there."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar

Version = tuple[int, int, int]

SINCE: dict[tuple[str, str], Version] = {
    ("Song", "file_path"): (11, 3, 42),
    ("ClipSlot", "create_audio_clip"): (12, 0, 5),
    ("Track", "create_midi_clip"): (12, 1, 0),
    ("Track", "create_audio_clip"): (12, 2, 0),
    ("Track", "create_take_lane"): (12, 2, 0),
}
"""What came when, as far as it is known; see the Live Object Model at docs.cycling74.com."""


class ArgumentError(TypeError):
    """Boost.Python.ArgumentError: a call with arguments that the signature does not have."""


class LimitationError(Exception):
    """Live.Base.LimitationError: the edition does not have so many."""


class CrashError(BaseException):
    """Live would be gone."""


def takes(*kinds: Any, optional: int = 0) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A call with positional arguments of these kinds, of which the last ones may be missing."""

    def checked(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(self: Any, *arguments: Any) -> Any:
            if not len(kinds) - optional <= len(arguments) <= len(kinds):
                raise ArgumentError(f"{function.__name__} takes {len(kinds)} arguments, not {len(arguments)}")
            for argument, kind in zip(arguments, kinds, strict=False):
                if not _fits(argument, kind):
                    raise ArgumentError(f"{function.__name__} does not take {argument!r}")
            return function(self, *arguments)

        return call

    return checked


def _fits(argument: Any, kind: Any) -> bool:
    if kind is object:
        return True
    if kind is float:
        return isinstance(argument, int | float)
    return isinstance(argument, kind) and not (kind is int and isinstance(argument, bool))


class LiveObject:
    """Has what it declares, and nothing else; a script that sets something unknown fails."""

    _version: ClassVar[Version] = (12, 4, 5)

    def __getattribute__(self, name: str) -> Any:
        since = SINCE.get((type(self).__name__, name))
        if since is not None and LiveObject._version < since:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not isinstance(getattr(type(self), name, None), property):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        object.__setattr__(self, name, value)


def reads(name: str) -> Any:
    """A property that scripts can only read."""
    return property(lambda self: getattr(self, f"_{name}"))


def holds(name: str, *kinds: type) -> Any:
    """A property that scripts can set."""

    def put(self: Any, value: Any) -> None:
        if not any(_fits(value, kind) for kind in kinds):
            raise ArgumentError(f"{name} does not take {value!r}")
        self._changes()
        setattr(self, f"_{name}", value)

    return property(lambda self: getattr(self, f"_{name}"), put)
