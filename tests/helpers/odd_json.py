"""JSON as no service should send it, made of the words that a bridge looks for."""

from __future__ import annotations

import ast
import importlib
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

HUGE = 10**400
"""A whole number that JSON may hold and no float does."""
ODD = (
    *(None, True, False, 0, -1, 1, 3.5, -0.0, 1e308, 2**63, HUGE, -HUGE, "", " ", "0", "-1", "1e999", "nan", "None"),
    *(
        "\0",
        "\n",
        "é",
        "\u202e",
        "x" * 5000,
        "../../etc/passwd",
        "https://",
        "http://[",
        "https://a/b.mp3",
        "file:///a",
    ),
    *("https://cdn.example.com/song.wav?sign=1#f", "2026-01-01T00:00:00Z", "9999-99-99", [], {}, [[]], [None], [{}]),
)


@cache
def words_of(*packages: str) -> tuple[str, ...]:
    """The short words in the sources of packages, their simulators left out: names of fields, states and errors."""
    found: set[str] = set()
    for package in packages:
        folder = Path(str(importlib.import_module(package).__file__)).parent
        for path in folder.glob("*.py"):
            if not path.name.startswith("simulat"):
                tree = ast.walk(ast.parse(path.read_text("utf-8")))
                found |= {n.value for n in tree if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return tuple(sorted(word for word in found if 0 < len(word) <= 40 and not set(word) & set("{}\n")))


def odd_json(words: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """Any JSON, with these words as its names and among its values."""
    names = st.sampled_from(words)
    leaves = st.sampled_from(ODD) | names | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=6),
        max_leaves=14,
    )


@st.composite
def spoiled(draw: st.DrawFn, samples: tuple[Any, ...], odd: st.SearchStrategy[Any]) -> Any:
    """One of the samples, with one to three of its values replaced, left out or doubled."""
    document = draw(st.sampled_from(samples))
    for _ in range(draw(st.integers(1, 3))):
        document = _replaced(document, draw(st.randoms(use_true_random=False)), draw(odd))
    return document


def _replaced(value: Any, random: Any, odd: Any, depth: int = 0) -> Any:
    if isinstance(value, dict) and value and random.random() < 0.9:
        name = random.choice(sorted(value, key=str))
        changed = {**value, name: _replaced(value[name], random, odd, depth + 1)}
        return {n: v for n, v in changed.items() if n != name or random.random() > 0.1}
    if isinstance(value, list) and value and random.random() < 0.8:
        at = random.randrange(len(value))
        return [*value[:at], _replaced(value[at], random, odd, depth + 1), *value[at + 1 :]]
    return odd
