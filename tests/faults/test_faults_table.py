"""The table in README.md is true: every row is there once, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROWS = 135
STARRED = frozenset(
    {1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 14, 16, 20, 21, 24, 25, 26, 27, 28, 30, 35, 36, 37, 39, 41, 43, 44, 45, 46, 48}
    | {61, 63, 65, 66, 68, 72, 73, 74, 75, 76, 77, 79, 80, 81, 82, 83, 86, 87, 89, 90, 91, 92, 93, 99, 101, 102, 107}
    | {108, 114, 115, 116, 117, 118, 119, 122, 123, 124, 125, 130, 131, 133}
)
REASON = "No test:"
"""How the last but one cell of a row begins that has none; a sentence follows."""


@dataclass(frozen=True)
class Row:
    number: int
    starred: bool
    fault: str
    how: str
    test: str
    oracles: str

    @property
    def tests(self) -> list[str]:
        return re.findall(r"`([\w/]+\.py::\w+)`", self.test)


def read_rows() -> dict[str, list[Row]]:
    """The rows of each section, in order."""
    sections: dict[str, list[Row]] = {}
    title = ""
    for line in Path(__file__).with_name("README.md").read_text("utf-8").splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
        found = re.fullmatch(r"\| (\d+)(★?) \|(.*)\|(.*)\|(.*)\|(.*)\|", line)
        if found:
            number, star, *cells = found.groups()
            sections.setdefault(title, []).append(Row(int(number), bool(star), *(cell.strip() for cell in cells)))
    return sections


SECTIONS = read_rows()


@cache
def functions_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_row_of_the_catalogue_is_there_once_with_its_star():
    rows = [row for section in SECTIONS.values() for row in section]
    assert [row.number for row in rows] == list(range(1, ROWS + 1))
    assert {row.number for row in rows if row.starred} == STARRED


@pytest.mark.parametrize("section", SECTIONS)
def test_every_row_says_what_fails_and_has_a_test_or_a_reason(section: str):
    for row in SECTIONS[section]:
        assert row.fault, row.number
        if row.test.startswith(REASON):
            assert len(row.test) > len(REASON) + 20, row.number
        else:
            assert row.tests, row.number
            assert row.how, row.number
            assert re.fullmatch(r"O[1-9]( O[1-9])*", row.oracles), row.number


@pytest.mark.parametrize("section", SECTIONS)
def test_every_test_that_is_named_exists(section: str):
    for row in SECTIONS[section]:
        for named in row.tests:
            path, _, name = named.partition("::")
            assert (TESTS / path).is_file(), named
            assert name in functions_in(TESTS / path), named


def test_only_few_rows_have_no_test():
    without = [row for section in SECTIONS.values() for row in section if not row.tests]
    assert len(without) <= ROWS - 115, [row.number for row in without]
