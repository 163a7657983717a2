"""OSCQuery: what our OSC port understands, told over HTTP to whoever may send there, and read-only.

It has a server of its own, since the HTTP interface answers this machine alone. A GET of an address gives its node,
with `?ATTRIBUTE` that attribute alone; `?HOST_INFO` says where OSC is heard. There are no WebSockets.
"""

from __future__ import annotations

import ipaddress
import json
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.responses import Response

from sendreturn.sends.http_door import LOOPBACK_NAMES, host_name
from sendreturn.sends.osc_tree import ATTRIBUTES, EXTENSIONS, READ, Node, find

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from sendreturn.sends.osc_senders import Senders


class OscQuery:
    """The ASGI application.

    Args:
        tree: The address space as it is now.
        host_info: What HOST_INFO tells.
        senders: Who may send OSC, and so may ask.
    """

    def __init__(self, tree: Callable[[], Node], host_info: Callable[[], Node], senders: Senders) -> None:
        self._tree = tree
        self._host_info = host_info
        self._senders = senders

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._response(scope)(scope, receive, send)

    def _response(self, scope: Scope) -> Response:
        if not self._is_for_us(scope):
            return Response(status_code=403)
        if scope["method"] not in ("GET", "HEAD"):
            return Response(status_code=405, headers={"Allow": "GET, HEAD"})
        attribute = scope["query_string"].decode("latin-1").partition("=")[0]
        if attribute == "HOST_INFO":
            return _json(self._host_info())
        node = find(self._tree(), unquote(scope["path"]))
        if node is None:
            return Response(status_code=404)
        return _json(node) if not attribute else _attribute(node, attribute)

    def _is_for_us(self, scope: Scope) -> bool:
        """A page that rebinds its own name to our address still sends its own name as Host."""
        client, hosts = scope.get("client"), Headers(scope=scope).getlist("host")
        if not client or not self._senders.admits(client[0]) or len(hosts) != 1:
            return False
        return _is_no_strangers_name(host_name(hosts[0]))


def host_info(name: str, port: int | None, ip: str | None) -> Node:
    """What HOST_INFO tells. `ip` is None where OSC is heard at every address of this machine."""
    where = {} if ip is None else {"OSC_IP": ip}
    return {"NAME": name, "EXTENSIONS": EXTENSIONS, "OSC_PORT": port, "OSC_TRANSPORT": "UDP", **where}


def _is_no_strangers_name(name: str | None) -> bool:
    if name is None:
        return False
    if name in LOOPBACK_NAMES or name.endswith(".local") or name == socket.gethostname().casefold():
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _attribute(node: Node, attribute: str) -> Response:
    if attribute not in ATTRIBUTES:
        return Response(status_code=400)
    if attribute == "VALUE" and not node["ACCESS"] & READ:
        return Response(status_code=204)
    if attribute == "VALUE" and "VALUE" not in node:
        return _json({})
    return _json({attribute: node[attribute]}) if attribute in node else Response(status_code=204)


def _json(table: Any) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(json.dumps(table), 200, headers, "application/json")
