"""The kinds of value that users write, from YAML, OSC, HTTP or the command line.

Each kind is a pydantic validator that takes what any of these ways in may carry (a number as text, yes for true) and
otherwise says what it expected; `problems.problems_of` makes the sentence.
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NoReturn
from urllib.parse import urlsplit

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

LONGEST_TEXT = 20_000
"""Characters. Longer than any service's longest lyrics field; it only keeps nonsense out."""


def refuse(expected: str, choices: Sequence[str] = (), hint: str = "", found: str = "") -> NoReturn:
    """Raise the error that `problems_of` turns into "expected …, found …", with a suggestion from `choices`."""
    context = {"expected": expected, "choices": list(choices), "hint": hint, "found": found}
    raise PydanticCustomError("expected", "expected {expected}", context)


def number(low: float | None = None, high: float | None = None, above: float | None = None) -> BeforeValidator:
    """A finite number from `low` to `high`, or greater than `above`."""

    def check(value: object) -> float:
        found = _finite(value)
        if found is None or not _within(found, low, high, above):
            refuse(_range_words("a number", low, high, above))
        return found

    return BeforeValidator(check)


def whole(low: int, high: int | None = None) -> BeforeValidator:
    """A whole number from `low` to `high`; 3.0 and "3" are whole."""

    def check(value: object) -> int:
        found = _whole(value)
        if found is None or not _within(found, low, high, None):
            refuse(_range_words("a whole number", low, high, None))
        return found

    return BeforeValidator(check)


def choice(names: Sequence[str], aliases: Mapping[str, str] | None = None) -> BeforeValidator:
    """One of `names`, in any case, or one of the `aliases` for them."""
    also = dict(aliases or {})
    expected = "one of " + ", ".join(names) if len(names) > 2 else " or ".join(names)

    def check(value: object) -> str:
        word = value.strip().casefold() if isinstance(value, str) else ""
        word = also.get(word, word)
        if word not in names:
            refuse(expected, choices=[*names, *also])
        return word

    return BeforeValidator(check)


def named(pattern: str, expected: str) -> BeforeValidator:
    """Text that matches `pattern` as a whole."""
    shape = re.compile(pattern)

    def check(value: object) -> str:
        word = _text(value)
        if word is None or not shape.fullmatch(word.strip()):
            refuse(expected)
        return word.strip()

    return BeforeValidator(check)


def _check_service_name(value: object) -> str:
    word = value.strip().casefold() if isinstance(value, str) else ""
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,40}", word):
        refuse("the name of a service")
    return word


def _check_text(value: object) -> str:
    found = _text(value)
    if found is None or len(found) > LONGEST_TEXT:
        hint = " Put it in quotes." if isinstance(value, bool) else ""
        refuse(f"text of at most {LONGEST_TEXT} characters", hint=hint)
    return found.strip()


def _check_line(value: object) -> str:
    found = _text(value)
    if found is None or not found.strip() or len(found) > 200 or "\n" in found or "\r" in found:
        hint = " Put it in quotes." if isinstance(value, bool) else ""
        refuse("one line of text", hint=hint)
    return found.strip()


def _check_yes_no(value: object) -> bool:
    word = str(value).strip().casefold() if isinstance(value, str | bool | int) else ""
    if isinstance(value, float) and value in (0.0, 1.0):
        return bool(value)
    if word not in _YES_NO:
        refuse("yes or no", choices=[*_YES_NO])
    return _YES_NO[word]


_YES_NO = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}


def _check_span(value: object) -> tuple[float, float]:
    ends = _span_ends(value)
    if ends is None or not 0 <= ends[0] < ends[1]:
        refuse("[start, end] in seconds with 0 ≤ start < end")
    return ends


def _span_ends(value: object) -> tuple[float, float] | None:
    if isinstance(value, str):
        match = _SPAN.fullmatch(value.strip())
        value = list(match.groups()) if match else None
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    start, end = _finite(value[0]), _finite(value[1])
    return None if start is None or end is None else (start, end)


_SECONDS = r"((?:\d{1,12}(?:\.\d{0,20})?|\.\d{1,20})(?:e[-+]?\d{1,3})?)"
_SPAN = re.compile(rf"\[?\s*{_SECONDS}\s*(?:-|–|,|;|\.\.|\s)\s*{_SECONDS}\s*\]?", re.IGNORECASE)


def _check_texts(value: object) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if isinstance(parts, int | float) and not isinstance(parts, bool):
        parts = [parts]
    texts = [_text(part) for part in parts] if isinstance(parts, list | tuple) else [None]
    if any(text is None for text in texts) or sum(len(text or "") for text in texts) > LONGEST_TEXT:
        refuse("text, or a list of texts")
    return tuple(text.strip() for text in texts if text and text.strip())


def _check_stems(value: object) -> int:
    count = 0 if isinstance(value, str) and value.strip().casefold() == "none" else _whole(value)
    if count not in (0, 2, 4, 12):
        refuse("none, 2, 4 or 12")
    return count


def _check_time_signature(value: object) -> str:
    match = re.fullmatch(r"(\d{1,2})\s*/\s*(\d{1,2})", value.strip()) if isinstance(value, str) else None
    beats, unit = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= beats <= 64 or unit not in (1, 2, 4, 8, 16, 32, 64):
        refuse('a time signature such as "3/4"')
    return f"{beats}/{unit}"


def _check_json(value: object) -> dict[str, Any]:
    given = _table_of(value) if isinstance(value, str) else value
    copy = _json_of(json.dumps(given)) if isinstance(given, Mapping) and _is_json(given) else None
    if not isinstance(copy, dict):
        refuse(
            "keys and values of plain text, numbers, yes/no and lists, as text such as {clip_id: 0f3a, video: true}"
            f" of at most {LONGEST_TEXT} characters"
        )
    return copy


def _check_web_url(value: object) -> str:
    if not isinstance(value, str) or not _is_web_url(value.strip()):
        refuse("an address such as https://example.com, without a user name, a ? or a #")
    return value.strip().rstrip("/")


def _check_host(value: object) -> str:
    host = value.strip() if isinstance(value, str) else ""
    if not _is_host(host):
        refuse("a host name or an IP address")
    return host


def _check_network(value: object) -> str:
    try:
        return str(ipaddress.ip_network(str(value).strip() if isinstance(value, str) else "", strict=False))
    except ValueError:
        refuse("the IP address of a machine, or a network such as 192.168.1.0/24")


def _check_endpoint(value: object) -> str:
    host, port = _host_and_port(value)
    if not _is_host(host) or port is None:
        refuse('"host:port"')
    return str(value).strip()


def _check_host_maybe_port(value: object) -> str:
    host, port = _host_and_port(value)
    whole_value = str(value).strip()
    if not isinstance(value, str) or not (_is_host(whole_value) or (_is_host(host) and port is not None)):
        refuse('"host" or "host:port"')
    return whole_value.casefold()


def _no_list_is_empty(value: object) -> object:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        refuse("a list")
    return value


ServiceName = Annotated[str, BeforeValidator(_check_service_name)]
Text = Annotated[str, BeforeValidator(_check_text)]
Line = Annotated[str, BeforeValidator(_check_line)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_check_texts)]
"""Text that is split at commas, or a list of texts."""
YesNo = Annotated[bool, BeforeValidator(_check_yes_no)]
Fraction = Annotated[float, number(0, 1)]
Port = Annotated[int, whole(0, 65535)]
"""0 asks the operating system for a free one."""
Span = Annotated[tuple[float, float], BeforeValidator(_check_span)]
"""Start and end in seconds: a list, or text such as "10-20", "10,20" or "10 20"."""
Stems = Annotated[int, BeforeValidator(_check_stems)]
"""0 (written `none`), 2, 4 or 12."""
TimeSignature = Annotated[str, BeforeValidator(_check_time_signature)]
JsonObject = Annotated[dict[str, Any], BeforeValidator(_check_json)]
WebUrl = Annotated[str, BeforeValidator(_check_web_url)]
Host = Annotated[str, BeforeValidator(_check_host)]
Network = Annotated[str, BeforeValidator(_check_network)]
"""An address is a network of one: "192.168.1.20/32"."""
Endpoint = Annotated[str, BeforeValidator(_check_endpoint)]
MediaHost = Annotated[str, BeforeValidator(_check_host_maybe_port)]
OrEmpty = BeforeValidator(_no_list_is_empty)
"""For lists: a key with nothing behind it is an empty list."""


def _range_words(kind: str, low: float | None, high: float | None, above: float | None) -> str:
    if above is not None:
        return f"{kind} greater than {above:g}"
    if low is not None and high is not None:
        return f"{kind} from {low} to {high}"
    return kind if low is None else f"{kind} of at least {low}"


def _within(found: float, low: float | None, high: float | None, above: float | None) -> bool:
    return (low is None or found >= low) and (high is None or found <= high) and (above is None or found > above)


def _finite(value: object) -> float | None:
    """The value as a finite float; None where it is none. True and False are not numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found + 0.0 if math.isfinite(found) else None  # + 0.0 makes -0.0 a plain zero


def _whole(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d{1,20}", value.strip()):
        return int(value)
    found = _finite(value)
    return int(found) if found is not None and found.is_integer() else None


def _text(value: object) -> str | None:
    """The value as text that UTF-8 can hold; numbers count, since a title may be 1999."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value) if abs(value) < 1e15 else None
    if not isinstance(value, str) or "\0" in value:
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value


def _table_of(text: str) -> object:
    """What stands in JSON, or in YAML's braces, as on a command line and over OSC."""
    from sendreturn.yaml_lines import parse_document

    found = _json_of(text)
    if found is not None or len(text) > LONGEST_TEXT or not text.lstrip().startswith("{"):
        return found
    document = parse_document(text.encode("utf-8", "replace"), "")
    return None if document.problems else document.data


def _json_of(text: str) -> object:
    try:
        return json.loads(text) if len(text) <= LONGEST_TEXT else None
    except (ValueError, RecursionError):
        return None


def _is_json(value: object, depth: int = 16) -> bool:
    if depth == 0:
        return False
    if isinstance(value, Mapping):
        return all(
            isinstance(key, str) and _text(key) is not None and _is_json(v, depth - 1) for key, v in value.items()
        )
    if isinstance(value, list | tuple):
        return all(_is_json(item, depth - 1) for item in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return (
        value is None
        or isinstance(value, bool)
        or _is_whole_json(value)
        or (isinstance(value, str) and _text(value) is not None)
    )


def _is_whole_json(value: object) -> bool:
    return isinstance(value, int) and abs(value) < 2**64


def _is_web_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = parts.username is None and "?" not in text and "#" not in text and not re.search(r"[\s\x00-\x1f\\]", text)
    return parts.scheme in ("http", "https") and _is_host(parts.hostname or "") and port_is_fine and plain


def _is_host(text: str) -> bool:
    try:
        ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        labels = text.removesuffix(".").split(".")
        is_number = re.fullmatch(r"[\d.]+", text)  # a mistyped IP address is not a host name
        return len(text) <= 253 and not is_number and all(_LABEL.fullmatch(label) for label in labels)
    return True


_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def _host_and_port(value: object) -> tuple[str, int | None]:
    host, _, port = value.strip().rpartition(":") if isinstance(value, str) else ("", "", "")
    number_of_port = int(port) if re.fullmatch(r"[0-9]{1,5}", port) else 0
    bare_ipv6 = ":" in host and not host.startswith("[")
    return host, number_of_port if 1 <= number_of_port <= 65535 and not bare_ipv6 else None
