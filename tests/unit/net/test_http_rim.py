from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import httpcore
import httpx
import pytest
import sendreturn
import sendreturn_bridges
from sendreturn.net.answers import _FAULTS
from sendreturn.net.guarded import TROUBLES
from sendreturn.net.http import FAULTS, Fault, fault_of
from sendreturn.net.json_body import DEEPEST, NotJsonError, read_json

ROOTS = [Path(inspect.getfile(package)).parent for package in (sendreturn, sendreturn_bridges)]


def importers(library: str) -> set[str]:
    imported = re.compile(rf"^\s*(import|from) {library}\b", re.MULTILINE)
    files = [path for root in ROOTS for path in root.rglob("*.py")]
    return {path.name for path in files if imported.search(path.read_text("utf-8"))}


@pytest.mark.parametrize(("library", "module"), [("httpx", "http.py"), ("httpcore", "guarded.py")])
def test_each_http_library_is_imported_in_one_module(library: str, module: str) -> None:
    assert importers(library) == {module}


def test_every_exception_of_httpx_has_a_counterpart() -> None:
    public = {getattr(httpx, name) for name in httpx.__all__}
    exceptions = {kind for kind in public if isinstance(kind, type) and issubclass(kind, Exception)}
    assert len(exceptions) > 20
    assert exceptions <= set(FAULTS)
    assert {fault_of(kind.__new__(kind)) for kind in exceptions} <= set(Fault)


def test_every_fault_has_a_sentence() -> None:
    assert set(_FAULTS) == set(Fault)


def test_every_exception_of_httpcore_is_passing_trouble() -> None:
    public = {getattr(httpcore, name) for name in httpcore.__all__}
    exceptions = {kind for kind in public if isinstance(kind, type) and issubclass(kind, Exception)}
    assert len(exceptions) > 10
    assert all(issubclass(kind, TROUBLES) for kind in exceptions)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1),
        '{"a": NaN}',
        "[Infinity]",
        "[-Infinity]",
        "[1e999]",
        "[" + "9" * 10_000 + "]",
        "{'a': 1}",
        '{"a": 1',
        "<html>",
    ],
)
def test_json_that_would_break_something_later_is_refused(text: str) -> None:
    with pytest.raises(NotJsonError):
        read_json(text)


def test_json_as_services_send_it_is_read() -> None:
    deep = "[" * DEEPEST + "]" * DEEPEST
    assert json.dumps(read_json(deep)) == deep
    assert read_json('{"a": [1, 2.5, null, true, "\\ud83c\\udfb5"]}') == {"a": [1, 2.5, None, True, "🎵"]}
    assert read_json('"SUCCESS"') == "SUCCESS"


def test_half_a_character_becomes_a_question_mark() -> None:
    value = read_json('{"title": "x\\ud83cy", "path": "C:\\\\udata"}')
    assert value == {"title": "x?y", "path": "C:\\udata"}
    json.dumps(value, ensure_ascii=False).encode("utf-8")
