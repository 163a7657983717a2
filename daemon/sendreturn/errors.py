"""Everything that can go wrong, as sentences for the user.

    SendReturnError
    ├── UsageError            the user asked for something that cannot be: exit code 2, HTTP 400
    │   ├── SettingsError     the configuration file; carries every problem found
    │   ├── ClipError         the clip cannot be used
    │   └── Refusal           a service cannot do this, said before anything is spent
    ├── UnknownSend           no send has this id
    ├── NotNow                the send is in a state in which this cannot be done
    ├── ServiceError          a service bridge failed; `outcome` says what to do about it
    ├── DeliveryError         the session folder could not be written
    ├── Stalled               something outside holds the work up; it goes on by itself
    ├── ModelError            a model's weights could not be fetched or used
    └── Busy                  another daemon holds the state folder

`what` is one finished sentence for the user: what happened, to what. `hint` says what to do next. `detail` is for the
developer (a service's own words, a parser's message) and is shown only where it helps.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from sendreturn.unsigned import unsigned


class SendReturnError(Exception):
    """Base of all errors that are told to a user.

    Args:
        what: One sentence: what happened, and to what.
        hint: What to do next, as a sentence; empty where nothing can be done.
        detail: For developers; never holds a secret.
    """

    def __init__(self, what: str, hint: str = "", detail: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.detail = detail

    def __str__(self) -> str:
        return self.sentence

    @property
    def sentence(self) -> str:
        """`what` and `hint` on one line."""
        return f"{self.what} {self.hint}".strip()


class UsageError(SendReturnError):
    """The user asked for something that cannot be."""


class SettingsError(UsageError):
    """The configuration cannot be used; `problems` holds one sentence for each thing that is wrong with it."""

    def __init__(self, what: str, problems: Sequence[str] = (), hint: str = "") -> None:
        super().__init__(what, hint, "\n".join(problems))
        self.problems = tuple(problems)


class ClipError(UsageError):
    """A clip that cannot be used, with the reason."""


class Refusal(UsageError):
    """A service cannot do what was asked; nothing was sent and nothing was spent."""


class UnknownSend(SendReturnError):
    """No send has this id."""

    def __init__(self, send_id: str) -> None:
        super().__init__(f"No send has the id {send_id!r}.", "`sendreturn list` shows all sends.")


class NotNow(SendReturnError):
    """The send is in a state in which this cannot be done."""


class DeliveryError(SendReturnError):
    """The returns are kept in the state folder, because the session folder could not be written."""


class Stalled(SendReturnError):
    """Something outside holds the work up, which goes on by itself when that is over.

    Attributes:
        folder: Where room is wanted, as text; empty where it is not about room.
        wanted_bytes: About how much.
    """

    def __init__(self, what: str, hint: str = "", detail: str = "", folder: str = "", wanted_bytes: int = 0) -> None:
        super().__init__(what, hint, detail)
        self.folder = folder
        self.wanted_bytes = wanted_bytes


class ModelError(SendReturnError):
    """A model's weights could not be fetched or used; what was installed before is untouched."""


class Busy(SendReturnError):
    """Another daemon holds the state folder."""


class Outcome(StrEnum):
    """What a service's failure means for the send (Home Assistant's three set-up errors carry the same policy)."""

    RETRY = "retry"
    """Passing trouble; the request was certainly not billed and may be repeated."""
    ASK = "ask"
    """The user must do something first: a key, credits, other text."""
    GIVE_UP = "give_up"
    """The service will not do it."""
    UNKNOWN = "unknown"
    """A paid request went out and its fate is unknown."""


class ServiceError(SendReturnError):
    """A service bridge failed. What it holds of the service's own words has no signed address in it.

    Args:
        of_account: Whether it is the key or the credits that are missing: then it concerns all sends to the service.
        is_offline: Whether the service could not be reached at all, so that nothing is known of what it would say.

    Attributes:
        wanted_pause_s: How long the service wants to be left alone, where it says so.
    """

    def __init__(
        self,
        what: str,
        hint: str = "",
        detail: str = "",
        outcome: Outcome = Outcome.GIVE_UP,
        *,
        of_account: bool = False,
        is_offline: bool = False,
    ) -> None:
        super().__init__(unsigned(what), hint, unsigned(detail))
        self.outcome = outcome
        self.of_account = of_account
        self.is_offline = is_offline
        self.wanted_pause_s: float | None = None
