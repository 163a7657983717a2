"""YAML with line numbers, and the files that are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sendreturn.yaml_lines import MAX_ALIASES, parse_document, read_document

if TYPE_CHECKING:
    from pathlib import Path


def data_of(text: str) -> dict[str, Any]:
    document = parse_document(text.encode(), "x.yaml")
    assert document.problems == ()
    return document.data


def sentences(content: str | bytes) -> list[str]:
    document = parse_document(content.encode() if isinstance(content, str) else content, "x.yaml")
    return [document.sentence(problem) for problem in document.problems]


def test_every_key_and_list_item_knows_its_line() -> None:
    document = parse_document(b"# a comment\na: 1\nb:\n  - c: 2\n    d: 3\n  - 4\n", "x.yaml")
    assert document.line(("a",)) == 2
    assert document.line(("b", 0, "d")) == 5
    assert document.line(("b", 1)) == 6


def test_a_key_that_is_not_there_has_the_line_of_the_nearest_above_it() -> None:
    document = parse_document(b"a:\n  b: 1\n", "x.yaml")
    assert document.line(("a", "missing", "deeper")) == 1
    assert document.line(("nowhere",)) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("off", "off"),
        ("true", True),
        ("~", None),
        ("", None),
        ("010", 10),
        ("0x1F", 31),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("1e3", 1000.0),
        ("-2.5", -2.5),
        ("'7'", "7"),
        ("1_000", "1_000"),
        ("=", "="),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    assert data_of(f"a: {text}\n") == {"a": value}


def test_a_few_aliases_are_taken() -> None:
    assert data_of("a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "~\n"])
def test_an_empty_file_is_an_empty_mapping(text: str) -> None:
    assert data_of(text) == {}


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parse_document(b"\xef\xbb\xbfa: 1", "x").data == {"a": 1}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("- 1\n", "x.yaml:1: expected keys and values at the top of the file, found a list."),
        ("hello\n", "x.yaml:1: expected keys and values at the top of the file, found a single value."),
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3: a: expected each key once, found it again (first on line 1)."),
        ("a:\n\tb: 1\n", "x.yaml:2:1: expected spaces before the key, found a tab."),
        (b"a: 1\nb: \xff\n", "x.yaml:2: expected UTF-8 text, found other bytes. Save the file as UTF-8."),
        ("a: 1".encode("utf-16"), "x.yaml:1: expected UTF-8 text, found other bytes. Save the file as UTF-8."),
        ("a: 1\nb: \x07\n", "x.yaml:2: expected text, found the control character U+0007."),
        (
            "a: !!python/name:os.system x\n",
            "x.yaml:1: a: expected a plain value, found one with the tag !!python/name:os.system.",
        ),
        ("a: !!binary aGk=\n", "x.yaml:1: a: expected a plain value, found one with the tag !!binary."),
        ("a: !!int x\n", "x.yaml:1: a: expected a plain value, found one with the tag !!int."),
        ('a: "\\ud800"\n', "x.yaml:1: a: expected a plain value, found one with the tag !!str."),
        ("? [1]\n: 2\n", "x.yaml:1: expected a name as a key, found a list or a mapping."),
        ("a: &a [*a]\n", "x.yaml:1:4: expected aliases that stay small, found a great many values."),
    ],
)
def test_what_cannot_be_taken_is_told_with_its_line(content: str | bytes, sentence: str) -> None:
    assert sentences(content) == [sentence]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("a: [1,\nb: 2\n", "x.yaml:3:1: "),
        ("a: 1\n b: 2\n", "x.yaml:2:3: "),
        ("a: 'x\n", "x.yaml:2:1: "),
        ("a: *unknown\n", "x.yaml:1:4: "),
        ("a: 1\n---\nb: 2\n", "x.yaml:2:1: "),
        ("a: @home\n", "x.yaml:1:4: "),
        ("a: {b: 1\n", "x.yaml:2:1: "),
    ],
)
def test_a_fault_of_form_is_told_with_line_and_column(content: str, place: str) -> None:
    (sentence,) = sentences(content)
    assert sentence.startswith(f"{place}expected YAML, found a fault in its form: ")


@pytest.mark.parametrize("path", [r"C:\Users\me", r"D:\Musik"])
def test_a_windows_path_in_double_quotes_comes_with_the_way_to_write_it(path: str) -> None:
    (sentence,) = sentences(f'a: "{path}"')
    assert sentence.endswith("In double quotes a \\ begins an escape: use single quotes.")
    assert data_of(f"a: '{path}'") == {"a": path}


def test_a_bomb_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    (sentence,) = sentences("\n".join(lines))
    assert f"expected at most {MAX_ALIASES} aliases (*name), found more" in sentence


def test_few_aliases_that_grow_large_are_refused() -> None:
    lines = [f"a0: &a0 [{', '.join(['x'] * 200)}]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 5)}]" for i in range(1, 4)]
    (sentence,) = sentences("\n".join(lines))
    assert "expected aliases that stay small" in sentence


def test_deep_nesting_and_very_many_values_are_refused() -> None:
    assert "expected at most 24 levels, found more." in sentences("[" * 100_000)[0]
    assert "expected at most 20000 values, found more." in sentences("- 1\n" * 20_001)[0]


def test_a_missing_file_is_no_problem(tmp_path: Path) -> None:
    document = read_document(tmp_path / "no" / "such.yaml", 100)
    assert document.missing
    assert document.problems == ()


def test_a_file_that_is_too_large_or_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_text("a: " + "x" * 5000, encoding="utf-8")
    large = read_document(tmp_path / "large.yaml", 4096)
    assert [p.text for p in large.problems] == ["expected at most 4 KB of YAML, found a larger file."]
    folder = read_document(tmp_path, 4096)
    assert folder.problems[0].text.startswith("expected a file that can be read, found none: ")


def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    document = read_document(tmp_path / "a\0b", 4096)
    assert document.problems[0].text == "expected a file that can be read, found none: its name cannot be used."


yaml_pieces = st.sampled_from(
    [
        "a",
        "b",
        ": ",
        "- ",
        "\n",
        "  ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&x ",
        "*x",
        "!!int ",
        "!t ",
        "'",
        '"',
        "\\",
        "| ",
        "> ",
        "? ",
        "%",
        "#",
        "---",
        "...",
        "<<",
        "1",
        ".5",
        "~",
        "\t",
        "é",
        "\u2028",
        "\\U",
        "FFFF",
        "@",
        "`",
        "0x",
        ".inf",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(yaml_pieces, max_size=25).map("".join) | st.text(max_size=60))
def test_no_text_whatever_raises(text: str) -> None:
    document = parse_document(text.encode("utf-8", "replace"), "x.yaml")
    for problem in document.problems:
        document.sentence(problem).encode()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80))
def test_no_bytes_whatever_raise(content: bytes) -> None:
    assert isinstance(parse_document(content, "x.yaml").data, dict)
