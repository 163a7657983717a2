"""The API of a music service: JSON over HTTP, with its key, at its pace, and nothing that may be billed twice."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import stamina

from sendreturn import __version__
from sendreturn.errors import Outcome, ServiceError
from sendreturn.keys import redact
from sendreturn.net.addresses import is_near
from sendreturn.net.answers import Answer, Words, pause_s
from sendreturn.net.enclosed import Enclosed, encoded_bytes
from sendreturn.net.http import Exchanged, HttpClient, NoAnswerError, Order, Part, Patience
from sendreturn.net.json_body import NotJsonError, read_json
from sendreturn.net.limiter import Limiter

__all__ = ["Answer", "Api"]

TRIES = 4
"""Of a request that may be repeated; the engine asks again later by itself."""
LONGEST_SILENCE_S = 60.0
SLOWEST_UPLOAD_BYTES_PER_S = 32 * 1024
TEXT_CHARACTERS = 2000
LARGE_BYTES = 256 * 1024
"""From here on JSON is read in a thread."""
AGENT = f"sendreturn/{__version__}"

_KEY = re.compile(r"[!-~]{1,4096}")
_PATH = re.compile(r"[A-Za-z0-9/._~%!$&'()*+,;=@-]{0,2000}")
_ASK = Outcome.ASK


@dataclass(frozen=True)
class _Kind:
    """How a request is made: whether it may be billed, statuses from 500 on that the service does not bill, and who
    hears when it is about to leave.
    """

    paid: bool = False
    unbilled: frozenset[int] = frozenset()
    about_to_send: Callable[[], None] = lambda: None


_FREE = _Kind()


class Api:
    """One service's API.

    Args:
        base_url: Where its paths begin. Plain http is for this machine and the network around it only.
        title: The service's name, for sentences.
        key: Finds the API key, which may take a moment; None for an API without a key.
        limiter: The service's rate limit, for all requests together.
        classify: Says what is wrong with an answer; None for a good one. What it says of a request that may be billed
            goes, except that it may not call an answer of 500 or more passing trouble (see `post`).
        key_hint: How the user sets the key, where there is none.

    Failures are ServiceErrors. None of them, nor any log, holds the key.
    """

    def __init__(
        self,
        *,
        base_url: str,
        title: str,
        key: Callable[[], str | None] | None,
        limiter: Limiter,
        classify: Callable[[Answer], ServiceError | None],
        key_hint: str = "",
        max_json_bytes: int = 8 * 1024 * 1024,
    ) -> None:
        parts = urlsplit(base_url)
        self._base_url = base_url.rstrip("/")
        self._host = parts.hostname or ""
        self._is_safe = parts.scheme == "https" or is_near(self._host)
        self._words = Words(title, self._host, key_hint)
        self._title = title
        self._find_key = key
        self._key: str | None = None
        self._keys_used: set[str] = set()
        self._limiter = limiter
        self._classify = classify
        self._most_bytes = max_json_bytes
        use_proxies = not is_near(self._host)
        self._kept = HttpClient(keep_alive=True, use_proxies=use_proxies)
        self._fresh = HttpClient(keep_alive=False, use_proxies=use_proxies)

    def __repr__(self) -> str:
        return f"Api({self._base_url!r})"

    async def get(self, path: str, params: Mapping[str, Any] | None = None, timeout_s: float = 30) -> Answer:
        """Read something. Passing trouble is tried again a few times, and then raised with Outcome.RETRY.

        Args:
            timeout_s: For each try, once connected, to the last byte of the answer.
        """
        order = self._order("GET", path, params=params)
        return await self._repeated(order, timeout_s)

    async def ask(self, path: str, body: Mapping[str, Any], *, timeout_s: float = 60) -> Answer:
        """Post something that costs nothing and may be repeated, such as a question for a task. Raises as `get`."""
        order = self._order("POST", path, body=body)
        return await self._repeated(order, timeout_s)

    async def post(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        timeout_s: float = 120,
        unbilled: Collection[int] = (),
        enclosed: Enclosed | None = None,
        about_to_send: Callable[[], None] = lambda: None,
    ) -> Answer:
        """Post something that may be billed: once, on a connection of its own.

        Raises ServiceError with Outcome.RETRY only where the request has certainly not been accepted: nothing has left,
        or `classify` says so of an answer below 500. Without a whole answer the outcome is UNKNOWN, and so it is with
        one of 500 or more that `classify` says nothing of, or calls passing trouble.

        Args:
            unbilled: Statuses from 500 on of which the service says that it never bills them: for these, `classify`
                may say RETRY.
            enclosed: A file that goes along as a field of the body, in base64, read from disk as it goes. The time that
                its size takes on a slow line is added to `timeout_s`.
            about_to_send: Called right before the first byte leaves; what it raises is raised, and nothing has left.
        """
        order = replace(self._order("POST", path, body=body), enclosed=enclosed)
        order = replace(order, headers={**order.headers, "Connection": "close"})
        kind = _Kind(paid=True, unbilled=frozenset(unbilled), about_to_send=about_to_send)
        try:
            total_s = timeout_s if enclosed is None else timeout_s + _slow_upload_s(enclosed.file)
            return _good(*await self._once(self._fresh, order, total_s, kind))
        except OSError as error:  # of the file: a body that breaks off is no JSON, and is not accepted
            raise self._unreadable_clip(error) from error

    async def upload(
        self, path: str, *, file: Path, field: str, name: str, fields: Mapping[str, str], timeout_s: float = 600
    ) -> Answer:
        """Upload a file as a form, read from disk as it goes; free, and repeated like `get`.

        Args:
            field, name: What the form calls the file, and the name that the service is told.
            timeout_s: Beside the time that its size takes on a slow line.
        """
        order = replace(self._order("POST", path), part=Part(file, field, name, dict(fields)))
        try:
            return await self._repeated(order, timeout_s + _slow_upload_s(file))
        except OSError as error:
            raise self._unreadable_clip(error) from error

    async def close(self) -> None:
        await self._kept.close()
        await self._fresh.close()

    # One request

    async def _once(
        self, client: HttpClient, order: Order, total_s: float, kind: _Kind
    ) -> tuple[Answer | None, ServiceError | None]:
        """The answer, and what is wrong with it; without an answer, why there is none."""
        headers = {**order.headers, **await self._authorization()}
        patience = Patience(total_s, total_s if kind.paid else min(total_s, LONGEST_SILENCE_S), self._most_bytes)
        try:
            async with self._limiter.slot(urgent=kind.paid) as left:
                came = await client.exchange(replace(order, headers=headers), patience, left, kind.about_to_send)
        except NoAnswerError as fault:
            clean = NoAnswerError(fault.fault, fault.began, self._clean(fault.reason))
            return None, self._words.no_answer(clean, paid=kind.paid)
        answer, why = await self._read(came)
        return answer, self._judge(answer, why, order.url, kind)

    async def _repeated(self, order: Order, total_s: float) -> Answer:
        """Make a free request until it is answered for good or the tries are used up."""
        try:
            async for attempt in stamina.retry_context(
                on=_pause_before_another, attempts=TRIES, timeout=None, wait_initial=0.5, wait_max=10.0
            ):
                with attempt:
                    answer, error = await self._once(self._kept, order, total_s, _FREE)
                    if error is not None and error.outcome is Outcome.RETRY:
                        raise _PassingError(error, pause_s(answer) if answer else None)
                    return _good(answer, error)
        except _PassingError as passing:
            last = passing.error
        raise last

    def _order(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> Order:
        if not self._is_safe:
            what = f"The address of {self._title} begins with http://, which anybody on the way can read."
            raise ServiceError(
                what, "Write https:// in the configuration; the key is not sent otherwise.", outcome=_ASK
            )
        if not _is_path(path):
            raise ServiceError(f"{self._title} has no address {self._clean(path)[:100]!r}; nothing was sent.")
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": AGENT}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return Order(method, f"{self._base_url}/{path.lstrip('/')}", headers, params, self._written(body))

    def _written(self, body: Mapping[str, Any] | None) -> bytes | None:
        try:
            return None if body is None else json.dumps(body, allow_nan=False).encode("ascii")
        except ValueError as error:
            raise ServiceError(
                f"What {self._title} is to be sent cannot be written as JSON.", "", str(error)
            ) from error

    def _unreadable_clip(self, error: OSError) -> ServiceError:
        return ServiceError(f"The clip could not be read for {self._title}.", "`retry` sends it anew.", str(error))

    async def _authorization(self) -> dict[str, str]:
        if self._find_key is None:
            return {}
        if self._key is None:
            self._key = await asyncio.to_thread(self._find_key)
        if not self._key:
            raise self._words.no_key()
        if not _KEY.fullmatch(self._key):
            self._key = None
            raise self._words.bad_key()
        self._keys_used.add(self._key)
        return {"Authorization": f"Bearer {self._key}"}

    # Its answer

    async def _read(self, came: Exchanged) -> tuple[Answer, str]:
        """The answer without the key in it, and what is wrong with its body."""
        text = self._clean(came.body.decode("utf-8-sig", "replace"))
        headers = {name: self._clean(value) for name, value in came.headers.items()}
        answer = Answer(came.status, headers, None, text[:TEXT_CHARACTERS])
        if not text.strip():
            return answer, ""
        try:
            large = len(came.body) > LARGE_BYTES
            body = await asyncio.to_thread(read_json, text) if large else read_json(text)
        except NotJsonError as error:
            return answer, "" if _is_plain(headers) else str(error)
        return replace(answer, body=body), ""

    def _judge(self, answer: Answer, why: str, url: str, kind: _Kind) -> ServiceError | None:
        if 300 <= answer.status < 400:
            return self._words.redirect(answer, url, paid=kind.paid)
        error = self._classify(answer) or self._words.status(
            answer, paid=kind.paid and answer.status not in kind.unbilled
        )
        if error is None:
            return self._words.unreadable(answer, why, paid=kind.paid) if why else None
        error.wanted_pause_s = pause_s(answer)
        if error.outcome is Outcome.ASK or answer.status == 401:
            self._key = None  # the user is asked to do something, and may have set another key by the next time
        is_doubtful = kind.paid and answer.status >= 500 and answer.status not in kind.unbilled
        if is_doubtful and error.outcome is Outcome.RETRY:
            return self._words.unknown(error.what, error.detail)
        return error

    def _clean(self, text: str) -> str:
        """Without any key that was ever sent: an answer to one may come when there is another already."""
        return redact(text, self._keys_used)


class _PassingError(Exception):
    """Trouble that is worth another try, and the pause that the service wants before it."""

    def __init__(self, error: ServiceError, wanted_pause_s: float | None) -> None:
        super().__init__(error.what)
        self.error = error
        self.wanted_pause_s = wanted_pause_s


def _pause_before_another(error: Exception) -> bool | float:
    if not isinstance(error, _PassingError):
        return False
    return True if error.wanted_pause_s is None else error.wanted_pause_s


def _slow_upload_s(file: Path) -> float:
    """How long a file takes on a slow line, should it have to be encoded."""
    return encoded_bytes(file.stat().st_size) / SLOWEST_UPLOAD_BYTES_PER_S


def _good(answer: Answer | None, error: ServiceError | None) -> Answer:
    if error is not None:
        raise error
    assert answer is not None
    return answer


def _is_path(path: str) -> bool:
    """Whether `path` stays below the base address: no other host, no way up, no query, nothing that is not printed."""
    parts = path.split("/")
    return _PATH.fullmatch(path) is not None and not path.startswith("//") and not {".", ".."} & set(parts)


def _is_plain(headers: Mapping[str, str]) -> bool:
    """Whether the service says that this is a plain text: then that is what it wants to say."""
    return headers.get("content-type", "").startswith("text/plain")
