"""The troubles that a simulator makes on request, around the handlers that know nothing of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from sendreturn.testing.hearing import hang_up, note_paid
from sendreturn.testing.switches import Switches

Handler = Callable[[Request], Awaitable[Response]]
SayNo = Callable[[int, str], Response]


class Faults:
    """Puts handlers into a bad world.

    Args:
        end: Set when the simulator ends.
    """

    def __init__(self, switches: Switches, say_no: SayNo, end: asyncio.Event) -> None:
        self._switches = switches
        self._say_no = say_no
        self._end = end

    def of_paid_requests(self, handler: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            note_paid(request)
            if self._switches["redirect_requests"] == "paid":
                return _sent_on(request)
            before = await self._trouble_before(request)
            if before is not None:
                return before
            response = await handler(request)
            return await self._trouble_after(request, response) if _is_billed(request) else response

        return answer

    async def _trouble_before(self, request: Request) -> Response | None:
        if self._switches["die_before_answer"] == "before_billing":
            del self._switches["die_before_answer"]
            await hang_up(request)
            return Response()
        if self._switches.take("rate_limited_once"):
            return self._rate_limited()
        planned = self._switches["fail_next"]
        if planned and not planned.get("billed"):
            return _planned(self._switches.take("fail_next"))
        return None

    async def _trouble_after(self, request: Request, response: Response) -> Response:
        """What may still go wrong once the request has been billed."""
        await self._dawdle(request)
        if self._switches.take("die_before_answer"):
            await hang_up(request)
        if self._switches.take("http_500_after_billing"):
            return self._say_no(500, "Internal server error.")
        if self._switches["fail_next"]:
            return _planned(self._switches.take("fail_next"))
        return response

    async def _dawdle(self, request: Request) -> None:
        """Answer late; a client that has gone, or the end of the simulator, ends the wait."""
        seconds = float(self._switches["answer_slowly"])
        if not seconds:
            return
        waits = {asyncio.ensure_future(self._end.wait()), asyncio.ensure_future(request.receive())}
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)

    def of_looks(self, handler: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            if self._switches["redirect_requests"] == "looks":
                return _sent_on(request)
            if self._switches.count_down("rate_limited_looks"):
                return self._rate_limited()
            if self._switches.count_down("fail_looks"):
                return self._say_no(500, "Internal server error.")
            planned = self._switches.take("fail_next_look")
            return _planned(planned) if planned else await handler(request)

        return answer

    def of_free_requests(self, handler: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            if self._switches["redirect_requests"] == "free":
                return _sent_on(request)
            if self._switches.count_down("fail_free"):
                return self._say_no(500, "Internal server error.")
            planned = self._switches.take("fail_next_free")
            return _planned(planned) if planned else await handler(request)

        return answer

    def _rate_limited(self) -> Response:
        response = self._say_no(429, "Too many requests.")
        response.headers["Retry-After"] = f"{self._switches['retry_after']:g}"
        return response


def mark_billed(request: Request) -> None:
    """Note that this request has been billed: from here on its trouble is another."""
    request.state.billed = True


def _is_billed(request: Request) -> bool:
    return bool(getattr(request.state, "billed", False))


def _sent_on(request: Request) -> Response:
    # The same server under a name that nobody has allowed: whoever follows is heard.
    address = request.url.replace(hostname="localhost")
    return RedirectResponse(str(address), 307)


def _planned(plan: Mapping[str, Any]) -> Response:
    return JSONResponse(plan.get("body", {}), int(plan.get("status", 500)), headers=plan.get("headers"))
