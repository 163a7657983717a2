"""The connection to a Pro Tools that is running.

Every call has a deadline: while a dialog is open in Pro Tools, it may not answer at all.
"""

from __future__ import annotations

import importlib.util
import json
import os
import socket
from typing import TYPE_CHECKING, Any

from sendreturn.errors import SendReturnError, Stalled, UsageError

from sendreturn_bridges.daws.protools.wire import (
    BUSY,
    COMMANDS,
    COMPLETED,
    FAILED,
    UNKNOWN_TO_IT,
    UNSUPPORTED,
    Event,
    Problem,
    read_body,
    read_event,
    read_problem,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ADDRESS = "localhost:31416"
ADDRESS_ENV = "SENDRETURN_PROTOOLS"
"""Where another "host:port" is named; Pro Tools itself knows only the one."""
COMPANY, APPLICATION = "sendreturn", "sendreturn"
NEEDED = "The bridge to Pro Tools needs the Python package py-ptsl, which is not installed."
NEEDED_HINT = 'Run `pip install "sendreturn[protools]"`.'
QUICK_S = 10.0
LONG_S = 300.0
"""For exports, bounces and imports."""
KNOCK_S = 1.0
FIRST_VERSIONS = ((5, 0, 0), (1, 0, 0))
"""What a version is greeted with, before it has told its own: what py-ptsl says, then what the oldest ones take."""
_OPTIONS = (("grpc.enable_http_proxy", 0), ("grpc.max_receive_message_length", 64 << 20))
"""Never by a proxy; a session with many clips passes gRPC's usual 4 MB."""


class Gone(Stalled):
    """Pro Tools does not run, or has quit. What was asked last may have been done."""


class Unanswered(Stalled):
    """Pro Tools is there but does not answer, or not to the end. What was asked may have been done."""


class Refused(SendReturnError):  # noqa: N818 - it is what is said of it
    """Pro Tools has not done what was asked."""

    def __init__(self, command: str, problem: Problem) -> None:
        hint = "Close its dialogs and try again." if problem.kind in BUSY else ""
        super().__init__(f"Pro Tools refuses {command}: {problem.message or problem.kind}.", hint, problem.kind)
        self.kind = problem.kind
        self.is_unsupported = problem.kind in UNSUPPORTED
        self.is_busy = problem.kind in BUSY


def is_possible() -> bool:
    """Whether what speaks PTSL is installed."""
    return all(importlib.util.find_spec(name) for name in ("grpc", "ptsl"))


class Host:
    """A Pro Tools that answers. `close` may be called from any thread, and ends a call that goes on.

    Attributes:
        version: Of its interface: (2025, 10, 0), and (1, 0, 0) to (5, 0, 0) before 2025.6.
        run: Its name of this connection, which no other run of it has.
    """

    def __init__(self, address: str) -> None:
        """
        Args:
            address: "host:port".

        Raises:
            Gone: nothing answers there.
        """
        knock(address)
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # that nobody answers is a status, not a line on stderr
        import grpc
        from ptsl import PTSL_pb2, PTSL_pb2_grpc

        self._grpc, self._messages = grpc, PTSL_pb2
        self._channel = grpc.insecure_channel(address, options=_OPTIONS)
        self._stub = PTSL_pb2_grpc.PTSLStub(self._channel)
        self.run = ""
        self.version = FIRST_VERSIONS[0]

    def greet(self) -> None:
        """Say who we are; nothing else can be asked before.

        Raises:
            UsageError: it is too old.
            Refused, Unanswered, Gone: it does not take us.
        """
        for version in FIRST_VERSIONS:
            self.version = version
            try:
                self._register()
            except Refused as refused:
                if refused.is_unsupported:
                    raise UsageError(
                        "This Pro Tools is too old.", "Version 2023.3 or newer is needed.", refused.kind
                    ) from refused
                if refused.kind != "SDK_VersionMismatch" or version == FIRST_VERSIONS[-1]:
                    raise
            else:
                self.version = self._own_version()
                return

    def call(
        self, command: str, body: Mapping[str, Any] | None = None, timeout_s: float | None = None
    ) -> dict[str, Any]:
        """Have something done; the answer's JSON object. It is waited for QUICK_S, unless more time is given.

        Raises:
            Refused: it was not done.
            Unanswered, Gone: it may have been done.
        """
        try:
            response = self._stub.SendGrpcRequest(self._request(command, body), timeout=timeout_s or QUICK_S)
        except (self._grpc.RpcError, ValueError) as error:
            raise self._lost(command, error) from error
        status = int(response.header.status)
        if status in COMPLETED:
            return read_body(response.response_body_json)
        if status in FAILED:
            raise _refusal(command, response.response_error_json)
        raise Unanswered(f"Pro Tools has not finished {command}.", "Close its dialogs.", f"status {status}")

    def events(self) -> Iterator[Event]:
        """What happens in Pro Tools, from now until the connection is closed.

        Raises:
            Gone: it has quit.
        """
        try:
            for response in self._stub.SendGrpcStreamingRequest(self._request("PollEvents", None)):
                if int(response.header.status) in FAILED:
                    raise _refusal("PollEvents", response.response_error_json)
                event = read_event(response.response_body_json)
                if event is not None:
                    yield event
        except (self._grpc.RpcError, ValueError) as error:
            raise self._lost("PollEvents", error) from error

    def speaks(self, *version: int) -> bool:
        """Whether its interface is at least of this version."""
        return self.version >= version

    def close(self) -> None:
        self._channel.close()

    def _register(self) -> None:
        if self.call("HostReadyCheck").get("is_host_ready") is False:
            raise Unanswered("Pro Tools is not ready yet.", "It is starting, or a dialog is open in it.")
        answer = self.call("RegisterConnection", {"company_name": COMPANY, "application_name": APPLICATION})
        self.run = str(answer.get("session_id") or "")

    def _own_version(self) -> tuple[int, int, int]:
        told = self.call("GetPTSLVersion")
        names = ("version", "version_minor", "version_revision")
        major, minor, revision = (int(told.get(name) or 0) for name in names)
        return (major, minor, revision) if major else self.version

    def _request(self, command: str, body: Mapping[str, Any] | None) -> Any:
        """In the host's own version, which it cannot fail to understand."""
        major, minor, revision = self.version
        header = self._messages.RequestHeader(
            session_id=self.run,
            command=COMMANDS[command],
            version=major,
            version_minor=minor,
            version_revision=revision,
        )
        return self._messages.Request(header=header, request_body_json=json.dumps(body) if body is not None else "")

    def _lost(self, command: str, error: Exception) -> Gone | Unanswered:
        code = error.code() if isinstance(error, self._grpc.Call) else None
        if code == self._grpc.StatusCode.DEADLINE_EXCEEDED:
            return Unanswered(
                f"Pro Tools does not answer to {command}.", "A dialog may be open in it: close it.", str(error)
            )
        return Gone("Pro Tools is not there any more.", "Start it; what is ready is placed then.", str(error))


def _refusal(command: str, error: str) -> Refused | Gone:
    problem = read_problem(error)
    if problem.kind == UNKNOWN_TO_IT:
        return Gone("Pro Tools was started anew.", "It is connected to again.", problem.message)
    return Refused(command, problem)


def address_of(options: Mapping[str, Any]) -> str:
    """Where Pro Tools is looked for."""
    return os.environ.get(ADDRESS_ENV) or str(options.get("address") or ADDRESS)


def knock(address: str) -> None:
    """See whether anything listens, which costs next to nothing.

    Raises:
        Gone: nothing does.
    """
    name, _, port = address.rpartition(":")
    try:
        socket.create_connection((name, int(port)), KNOCK_S).close()
    except (OSError, ValueError) as error:
        raise Gone("Pro Tools is not running.", "Start it and open the session.", str(error)) from error
