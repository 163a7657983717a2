"""The switches of a simulator: what it does differently from the plain case, and which troubles it makes."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from sendreturn.errors import UsageError

COMMON: Mapping[str, object] = {
    # How a task goes on.
    "looks": 2,  # so many looks find a task unfinished; the next one finds it ready
    "seconds": 0.0,  # where above 0, a task is ready after this time instead
    "fail_task": "",  # the next task ends in this failure; its words are the service's own
    # Trouble with requests that are billed. Each is over once it has happened, but for answer_slowly.
    "fail_next": None,  # {"status": 503, "body": {…}, "headers": {…}, "billed": false}
    "die_before_answer": "",  # before_billing or after_billing: the connection breaks instead of an answer
    "http_500_after_billing": False,
    "rate_limited_once": False,
    "retry_after": 1.0,  # seconds, for the header of a 429
    "answer_slowly": 0.0,  # seconds between billing and the answer
    # Trouble with requests that are free: so many of the next ones fail; or the next one is answered as `fail_next`.
    "fail_free": 0,
    "fail_next_free": None,
    # Trouble with looks: so many of the next ones fail; or the next one is answered as `fail_next`.
    "fail_looks": 0,
    "fail_next_look": None,
    "rate_limited_looks": 0,
    # Requests of one kind (paid, looks or free) are sent on to a host that nobody has named.
    "redirect_requests": "",
    # Trouble with files: so many of the next requests are met with it.
    "expire_media": 0,
    "truncate_media": 0,
    "wrong_type_media": 0,
    "redirect_media": "",  # inside: to another path of the same host; elsewhere: to a host that nobody has named
    # How a clip is taken from an address.
    "probe_with_head": True,
    # What the made audio is like; see audio_maker.Traits.
    "codec": "mp3",
    "media_rate_hz": 44_100,
    "delay_ms": 0.0,
    "gain_db": 0.0,
}
"""What every simulator has; the defaults of a service's own stand in its `own_switches`."""


class Switches(MutableMapping[str, Any]):
    """Switches by name. Only those that the simulator has can be set, and only to values of their kind."""

    def __init__(self, own: Mapping[str, object], values: Mapping[str, object]) -> None:
        self._values: dict[str, Any] = {**COMMON, **own}
        self._default = dict(self._values)
        self.update(values)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: object) -> None:
        """Raises UsageError for an unknown name or a value of another kind."""
        if name not in self._values:
            near = difflib.get_close_matches(name, self._values, 1)
            hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(self._values)}."
            raise UsageError(f"There is no switch {name!r}.", hint)
        self._values[name] = _fitted(name, value, self._default[name])

    def __delitem__(self, name: str) -> None:
        """Back to its default."""
        self._values[name] = self._default[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def take(self, name: str) -> Any:
        """The value of a switch for trouble that happens once; afterwards it is off."""
        value = self._values[name]
        del self[name]
        return value

    def count_down(self, name: str) -> bool:
        """Whether a switch that counts still applies; it counts one down."""
        left = int(self._values[name])
        self._values[name] = max(left - 1, 0)
        return left > 0


def read_switch(text: str) -> tuple[str, object]:
    """`name=value` as on a command line; a value that is JSON is read as such.

    Raises:
        UsageError: there is no equals sign.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"{text!r} is no switch.", "Write it as name=value.")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value


def _fitted(name: str, value: object, default: object) -> object:
    if isinstance(default, bool):
        fits = isinstance(value, bool)
    elif isinstance(default, int | float):
        fits = (isinstance(value, int | float) and not isinstance(value, bool) and value >= 0) or name == "gain_db"
    elif isinstance(default, str):
        fits = isinstance(value, str)
    else:
        fits = True
    if not fits:
        raise UsageError(f"The switch {name} cannot be {value!r}.", f"Its default is {default!r}.")
    return value
