"""YAML that remembers on which line every key stands, and refuses what could harm or surprise.

The scalars are those of YAML 1.2: `no`, `off` and `12:30` are text, `010` is ten. What a file may hold is capped
(bytes, values, depth, aliases), so that no file can take the daemon's memory or time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from sendreturn.pasted_keys import KeyPath
from sendreturn.problems import Problem, dotted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_ALIASES = 16
MAX_VALUES = 20_000
MAX_DEPTH = 24


@dataclass(frozen=True)
class Document:
    """A YAML file: its data, the line of every key path, and what is wrong with it as YAML.

    Attributes:
        name: What the file is called in sentences.
        data: The keys and values; empty where the file could not be read as YAML.
        lines: For every key path its line, counted from 1.
        problems: Duplicate keys, syntax errors and so on.
        missing: The file is not there.
    """

    name: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    missing: bool = False

    def line(self, path: KeyPath) -> int | None:
        """The line of a key, or of the nearest key above it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def sentence(self, problem: Problem) -> str:
        """`file:line: key.path: text`."""
        line = problem.line or self.line(problem.path)
        place = [self.name, *(str(n) for n in (line, problem.column) if n is not None)]
        return ": ".join(part for part in (":".join(place), dotted(problem.path), problem.text) if part)


def read_document(path: Path, max_bytes: int) -> Document:
    """Read a YAML file. Never raises for what the file holds; `problems` says it."""
    name = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except (FileNotFoundError, NotADirectoryError):
        return Document(name, missing=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name cannot be used"
        return _faulty(name, f"expected a file that can be read, found none: {reason}.")
    if len(content) > max_bytes:
        return _faulty(name, f"expected at most {max_bytes // 1024} KB of YAML, found a larger file.")
    return parse_document(content, name)


def parse_document(content: bytes, name: str) -> Document:
    """Parse YAML whose top is keys and values. Never raises for what it holds; `problems` says it."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _faulty(name, "expected UTF-8 text, found other bytes. Save the file as UTF-8.", line)
    try:
        return _document(text, name)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return _faulty(name, f"expected text, found the control character U+{int(error.character):04X}.", line)
    except yaml.MarkedYAMLError as error:
        return Document(name, problems=(_syntax_problem(error, text),))
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # PyYAML lets "\UFFFFFFFF" through to chr()
        return _faulty(name, f"expected YAML, found what cannot be read: {error}.")


def _document(text: str, name: str) -> Document:
    loader = _LineLoader(text)
    try:
        node = loader.get_single_node()
    finally:
        loader.dispose()
    reader = _Reader()
    data = {} if node is None else reader.value(node, ())
    if data is None:
        data = {}
    if not isinstance(data, dict):
        kind = "a list" if isinstance(data, list) else "a single value"
        return _faulty(name, f"expected keys and values at the top of the file, found {kind}.", 1)
    return Document(name, data, reader.lines, tuple(reader.problems))


class _LineLoader(yaml.SafeLoader):
    """Composes nodes within the caps above; `_Reader` makes values of them."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML keeps them on the class

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = self.count = self.aliases = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.count += 1
        self.aliases += bool(self.check_event(yaml.AliasEvent))
        self._cap(self.aliases, MAX_ALIASES, "aliases (*name)")
        self._cap(self.count, MAX_VALUES, "values")
        self._cap(self.depth, MAX_DEPTH, "levels")
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def _cap(self, found: int, most: int, what: str) -> None:
        if found > most:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, f"expected at most {most} {what}, found more", mark)


_CORE_SCHEMA = (  # https://yaml.org/spec/1.2.2/#103-core-schema
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("tag:yaml.org,2002:int", r"[-+]?[0-9]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+0123456789."),
    ),
)
for _tag, _pattern, _first in _CORE_SCHEMA:
    _LineLoader.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})\Z"), _first)


class _Reader:
    """Makes plain values of nodes and notes lines and problems on the way."""

    def __init__(self) -> None:
        self.lines: dict[KeyPath, int] = {}
        self.problems: list[Problem] = []
        self._count = 0

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self._count += 1
        if self._count > MAX_VALUES or len(path) > MAX_DEPTH:  # aliases can multiply values, or contain themselves
            mark = node.start_mark
            said = "expected aliases that stay small, found a great many values"
            raise yaml.composer.ComposerError(None, None, said, mark)
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return self._sequence(node, path)
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem(path, "expected a name as a key, found a list or a mapping.", line))
            elif key_node.value in found:
                first = self.lines[*path, key_node.value]
                text = f"expected each key once, found it again (first on line {first})."
                self.problems.append(Problem((*path, key_node.value), text, line))
            else:
                self.lines[*path, key_node.value] = line
                found[key_node.value] = self.value(value_node, (*path, key_node.value))
        return found

    def _sequence(self, node: yaml.SequenceNode, path: KeyPath) -> list[Any]:
        for index, item in enumerate(node.value):
            self.lines[*path, index] = item.start_mark.line + 1
        return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]

    def _scalar(self, node: yaml.Node, path: KeyPath) -> Any:
        make = _SCALARS.get(node.tag)
        try:
            if make is None or not isinstance(node, yaml.ScalarNode):
                raise ValueError("unknown tag")
            return make(node.value)
        except (ValueError, KeyError):
            text = f"expected a plain value, found one with the tag {_plain(node.tag)}."
            self.problems.append(Problem(path, text, node.start_mark.line + 1))
            return None


def _text(value: str) -> str:
    value.encode()  # "\ud800" is YAML, yet no text that a file or a service can take
    return value


_SCALARS: Mapping[str, Any] = {
    "tag:yaml.org,2002:str": _text,
    "tag:yaml.org,2002:null": lambda value: None,
    "tag:yaml.org,2002:bool": lambda value: {"true": True, "false": False}[value.lower()],
    "tag:yaml.org,2002:int": lambda value: int(value, 16 if value.lower().startswith("0x") else 10),
    "tag:yaml.org,2002:float": lambda value: float(re.sub(r"\.(?=inf|nan)", "", value.lower())),
}


def _plain(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")[:60].encode("ascii", "backslashreplace").decode()


def _faulty(name: str, text: str, line: int | None = None) -> Document:
    return Document(name, problems=(Problem((), text, line),))


def _syntax_problem(error: yaml.MarkedYAMLError, text: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    said = " ".join(part for part in (error.context, error.problem) if part)
    line_text = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
    if "\t" in line_text[: len(line_text) - len(line_text.lstrip())] or "'\\t'" in said:
        said = "expected spaces before the key, found a tab"
    elif not said.startswith("expected at most") and not said.startswith("expected aliases"):
        said = f"expected YAML, found a fault in its form: {said}"
    hint = (
        " In double quotes a \\ begins an escape: use single quotes."
        if "escape sequence" in said or "unknown escape" in said
        else ""
    )
    position = (mark.line + 1, mark.column + 1) if mark else (None, None)
    return Problem((), f"{said}.{hint}", *position)
