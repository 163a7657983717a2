"""What the answers of a service mean where its bridge has nothing to say of them, as sentences."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.http import Fault, NoAnswerError

LONGEST_PAUSE_S = 300.0
PASSING = frozenset({408, 425, 429})
"""Statuses below 500 that are worth another try."""
LOOK_FIRST = (
    "It may or may not have been accepted, and billed: look at your account there. "
    "`sendreturn retry` with the send's id makes the request anew."
)
SET_KEY = "`sendreturn key set` keeps another one; api_key_env names the environment variable that goes before it."


@dataclass(frozen=True)
class Answer:
    """What a service has answered.

    Attributes:
        headers: Names in lower case.
        body: The JSON, or None where the body is none.
        text: The start of the body.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    text: str = ""


def pause_s(answer: Answer, now: float | None = None) -> float | None:
    """What Retry-After asks for, at most 300 s; None where it says nothing that can be understood (RFC 9110 10.2.3)."""
    wanted = answer.headers.get("retry-after", "").strip()
    if wanted.isascii() and wanted.isdigit():
        return min(float(wanted[:9]), LONGEST_PAUSE_S)
    try:
        at_s = parsedate_to_datetime(wanted).timestamp()
    except (ValueError, OverflowError):
        return None
    return min(max(at_s - (time.time() if now is None else now), 0.0), LONGEST_PAUSE_S)


class Words:
    """The sentences of one service: `title` is its name, `host` where it is asked, `key_hint` how to set its key."""

    def __init__(self, title: str, host: str, key_hint: str = "") -> None:
        self._title = title
        self._host = host
        self._key_hint = key_hint or SET_KEY

    def no_answer(self, fault: NoAnswerError, *, paid: bool) -> ServiceError:
        """No answer came. A request that may be billed and had begun has an unknown fate."""
        certainly_not_sent = not fault.began or fault.fault is Fault.PROXY
        if paid and not certainly_not_sent:
            return self.unknown(f"{self._title} was asked, but its answer did not come back whole.", fault.reason)
        what, hint = _FAULTS[fault.fault]
        sentence, is_offline = what.format(title=self._title, host=self._host), fault.fault in _OFFLINE
        return ServiceError(sentence, hint, fault.reason, Outcome.RETRY, is_offline=is_offline)

    def redirect(self, answer: Answer, url: str, *, paid: bool) -> ServiceError:
        """A service that sends us elsewhere. 307 and 308 say that the request was not looked at (RFC 9110 15.4)."""
        elsewhere = _host_of(url, answer.headers.get("location", ""))
        what = (
            f"{self._title} at {self._host} points to {elsewhere}; that was not followed, so as not to give it the key."
        )
        if paid and answer.status not in (301, 307, 308):
            return self.unknown(what, f"HTTP {answer.status}")
        hint = "If the service has moved there, set its address under `services` in the configuration."
        return ServiceError(what, hint, f"HTTP {answer.status}", Outcome.GIVE_UP)

    def status(self, answer: Answer, *, paid: bool) -> ServiceError | None:
        """An answer on which the bridge said nothing; None where its status is good."""
        if answer.status < 400:
            return None
        detail = f"HTTP {answer.status}: {answer.text[:500]}"
        if paid and (answer.status >= 500 or answer.status == 408):
            return self.unknown(f"{self._title} broke down over the request (HTTP {answer.status}).", detail)
        if answer.status >= 500 or answer.status in PASSING:
            what = f"{self._title} cannot answer at the moment (HTTP {answer.status})."
            return ServiceError(what, "", detail, Outcome.RETRY)
        what, hint, outcome = _STATUSES.get(answer.status, _OTHER)
        of_account = answer.status in OF_ACCOUNT
        return ServiceError(
            what.format(title=self._title, status=answer.status), hint, detail, outcome, of_account=of_account
        )

    def unreadable(self, answer: Answer, why: str, *, paid: bool) -> ServiceError:
        """A good status with a body that cannot be used: a gateway's page, or the sign-in page of a network."""
        is_page = "html" in answer.headers.get("content-type", "") or answer.text.lstrip().startswith("<")
        held = "a web page in place of data" if is_page else "something that cannot be read"
        what = f"{self._title} at {self._host} answered with {held}."
        detail = f"HTTP {answer.status}, {why}: {answer.text[:200]}"
        if paid:
            return self.unknown(what, detail)
        hint = "If this network wants you to sign in, do that in a web browser." if is_page else ""
        return ServiceError(what, hint, detail, Outcome.RETRY, is_offline=is_page)

    def unknown(self, what: str, detail: str) -> ServiceError:
        return ServiceError(what, LOOK_FIRST, detail, Outcome.UNKNOWN)

    def no_key(self) -> ServiceError:
        what = f"There is no API key for {self._title}."
        return ServiceError(what, self._key_hint, outcome=Outcome.ASK, of_account=True)

    def bad_key(self) -> ServiceError:
        what = f"The API key for {self._title} has characters that no key has; it was not sent."
        return ServiceError(what, "Copy it again from the service. " + SET_KEY, outcome=Outcome.ASK, of_account=True)


_OFFLINE = frozenset({Fault.NO_NAME, Fault.NO_CONNECTION, Fault.NO_TRUST, Fault.PROXY})
_FAULTS = {
    Fault.NO_NAME: ("{title} cannot be reached: the name {host} is not found.", "This computer may be offline."),
    Fault.NO_CONNECTION: ("{title} cannot be reached at {host}.", "This computer may be offline, or the service down."),
    Fault.NO_TRUST: (
        "{title} was not asked: what answers at {host} does not prove to be it.",
        "A network that wants you to sign in does this, and so do a wrong clock and a company's proxy that opens TLS.",
    ),
    Fault.PROXY: ("{title} cannot be reached through the proxy of this computer.", "Look at HTTPS_PROXY and NO_PROXY."),
    Fault.SLOW: ("{title} took too long to answer.", ""),
    Fault.CUT: ("The connection to {title} broke.", ""),
    Fault.NONSENSE: ("What answers at {host} in place of {title} cannot be understood.", ""),
    Fault.OURS: ("The request to {title} could not be made.", ""),
}
"""What happened, and what to do; all of it passes."""

OF_ACCOUNT = frozenset({401, 402, 403})
_STATUSES = {
    401: ("{title} does not take the API key.", SET_KEY, Outcome.ASK),
    402: ("{title} says that there are not enough credits.", "Buy credits there, then `retry`.", Outcome.ASK),
    403: ("{title} does not allow this with the API key.", SET_KEY, Outcome.ASK),
    413: ("{title} says that this is too large.", "Send less of the clip, with range_s.", Outcome.GIVE_UP),
}
_OTHER = ("{title} refused the request (HTTP {status}).", "", Outcome.GIVE_UP)


def _host_of(url: str, location: str) -> str:
    try:
        parts = urlsplit(urljoin(url, location))
        return f"{parts.scheme}://{parts.hostname}" if parts.hostname else "another address"
    except ValueError:
        return "another address"
