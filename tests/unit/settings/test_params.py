"""Parameters from every way in: what is taken, what is refused and with which sentence."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sendreturn.errors import UsageError
from sendreturn.params import PARAMETERS, Params, ParamsError, merge_params, parse_params, read_params_file

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = [
    "prompt",
    "lyrics",
    "style",
    "negative_style",
    "title",
    "instrumental",
    "vocal_gender",
    "model",
    "seed",
    "bpm",
    "weirdness",
    "style_strength",
    "audio_strength",
    "from_s",
    "extend_s",
    "side",
    "section_s",
    "range_s",
    "takes",
    "stems",
    "midi",
    "wav",
    "position_s",
    "position_samples",
    "time_signature",
    "track",
    "service",
    "service_options",
]


def problems(values: dict[str, Any], where: str = "") -> tuple[str, ...]:
    with pytest.raises(ParamsError) as caught:
        parse_params(values, where)
    return caught.value.problems


def test_every_parameter_of_the_contract_and_no_other_is_known() -> None:
    assert set(PARAMETERS) == set(CONTRACT)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("extend_s", 30, 30.0),
        ("extend_s", "30", 30.0),
        ("extend_s", " 7.5 ", 7.5),
        ("takes", 2.0, 2),
        ("takes", "2.0", 2),
        ("seed", "9007199254740993", 9007199254740993),
        ("position_samples", 2**40, 2**40),
        ("instrumental", "Yes", True),
        ("instrumental", 0, False),
        ("midi", 1.0, True),
        ("wav", "off", False),
        ("stems", "none", 0),
        ("stems", "12", 12),
        ("stems", 4.0, 4),
        ("section_s", "10-20", (10.0, 20.0)),
        ("section_s", "10,20.5", (10.0, 20.5)),
        ("section_s", "0 4", (0.0, 4.0)),
        ("section_s", "[1.5, 2]", (1.5, 2.0)),
        ("section_s", ["1", 2], (1.0, 2.0)),
        ("range_s", (0, 0.5), (0.0, 0.5)),
        ("style", "smooth jazz, brushes", ("smooth jazz", "brushes")),
        ("style", ["rock, but slow", 1990], ("rock, but slow", "1990")),
        ("title", 1999, "1999"),
        ("vocal_gender", "Female", "f"),
        ("side", "LEFT", "left"),
        ("time_signature", "6 / 8", "6/8"),
        ("service", "SunoAPI", "sunoapi"),
        ("service_options", '{"a": [1, null, {"b": true}]}', {"a": [1, None, {"b": True}]}),
        (
            "service_options",
            " {clip_id: 0f-3a, video: true, ids: [a, b]}",
            {"clip_id": "0f-3a", "video": True, "ids": ["a", "b"]},
        ),
    ],
)
def test_a_value_is_taken_in_the_forms_that_people_and_protocols_give_it(key: str, value: Any, expected: Any) -> None:
    assert getattr(parse_params({key: value}), key) == expected


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("weirdness", 1.01, "weirdness: expected a number from 0 to 1, found 1.01."),
        ("weirdness", True, "weirdness: expected a number from 0 to 1, found true."),
        ("audio_strength", math.nan, "audio_strength: expected a number from 0 to 1, found NaN."),
        ("style_strength", "nan", "style_strength: expected a number from 0 to 1, found 'nan'."),
        ("extend_s", 0, "extend_s: expected a number greater than 0, found 0."),
        ("extend_s", "inf", "extend_s: expected a number greater than 0, found 'inf'."),
        ("extend_s", 10**400, "extend_s: expected a number greater than 0, found 1" + "0" * 58 + "…."),
        ("from_s", -0.1, "from_s: expected a number of at least 0, found -0.1."),
        ("bpm", "fast", "bpm: expected a number from 20 to 400, found 'fast'."),
        ("seed", -1, "seed: expected a whole number from 0 to 9223372036854775807, found -1."),
        ("takes", 1.5, "takes: expected a whole number from 1 to 16, found 1.5."),
        ("position_samples", 2**63, f"position_samples: expected a whole number from 0 to {2**63 - 1}, found {2**63}."),
        ("side", "rigth", "side: expected right or left, found 'rigth'. Did you mean 'right'?"),
        ("vocal_gender", "x", "vocal_gender: expected m or f, found 'x'."),
        ("midi", "yess", "midi: expected yes or no, found 'yess'. Did you mean 'yes'?"),
        ("midi", 2, "midi: expected yes or no, found 2."),
        ("stems", 3, "stems: expected none, 2, 4 or 12, found 3."),
        ("stems", True, "stems: expected none, 2, 4 or 12, found true."),
        ("section_s", [5, 2], "section_s: expected [start, end] in seconds with 0 ≤ start < end, found [5, 2]."),
        ("section_s", [3, 3], "section_s: expected [start, end] in seconds with 0 ≤ start < end, found [3, 3]."),
        ("range_s", "-3-5", "range_s: expected [start, end] in seconds with 0 ≤ start < end, found '-3-5'."),
        ("range_s", [1, 2, 3], "range_s: expected [start, end] in seconds with 0 ≤ start < end, found [1, 2, 3]."),
        (
            "range_s",
            [0, math.inf],
            "range_s: expected [start, end] in seconds with 0 ≤ start < end, found [0, Infinity].",
        ),
        ("time_signature", "3/5", "time_signature: expected a time signature such as \"3/4\", found '3/5'."),
        ("time_signature", "0/4", "time_signature: expected a time signature such as \"3/4\", found '0/4'."),
        ("title", "a\nb", "title: expected one line of text, found 'a\\nb'."),
        ("title", True, "title: expected one line of text, found true. Put it in quotes."),
        ("prompt", "half \ud800", "prompt: expected text of at most 20000 characters, found 'half \\\\ud800'."),
        ("style", {"a": 1}, "style: expected text, or a list of texts, found a mapping."),
        ("service", "a b", "service: expected the name of a service, found 'a b'."),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_was_expected(key: str, value: Any, sentence: str) -> None:
    assert problems({key: value}) == (sentence,)


@pytest.mark.parametrize(
    "value", ["[1]", "{", '{"a": NaN}', {"a": math.nan}, {1: 2}, {"a": object()}, 5, "[" * 5000, "1" * 9000]
)
def test_service_options_are_keys_and_values_and_nothing_else(value: Any) -> None:
    (sentence,) = problems({"service_options": value})
    assert sentence.startswith("service_options: expected keys and values of plain text, numbers, yes/no and lists")


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("weirdnes", "weirdness"),
        ("extend-s", "extend_s"),
        ("Prompt", "prompt"),
        ("duration", "extend_s"),
        ("tags", "style"),
        ("tempo", "bpm"),
        ("sections_s", "section_s"),
    ],
)
def test_an_unknown_parameter_comes_with_the_one_that_was_perhaps_meant(key: str, meant: str) -> None:
    assert problems({key: 1}) == (f"{key}: expected a known key, found {key!r}. Did you mean {meant!r}?",)


def test_an_unknown_parameter_without_a_neighbour_comes_with_the_whole_list() -> None:
    (sentence,) = problems({"qqq": 1})
    assert all(name in sentence for name in PARAMETERS)


def test_all_problems_are_told_at_once_and_say_where() -> None:
    found = problems({"weirdness": 2, "sidee": "left", "stems": 5}, "riff.wav.yaml")
    assert len(found) == 3
    assert all(sentence.startswith("riff.wav.yaml: ") for sentence in found)


def test_the_error_is_a_usage_error_whose_sentence_holds_every_problem() -> None:
    with pytest.raises(UsageError) as caught:
        parse_params({"weirdness": 2, "stems": 5})
    assert "weirdness: expected" in caught.value.sentence
    assert "stems: expected" in caught.value.sentence


def test_the_clip_starts_at_one_position_only() -> None:
    assert problems({"position_s": 1, "position_samples": 48000}) == (
        "expected position_s or position_samples, found both.",
    )


def test_a_key_is_not_repeated_in_the_sentence_about_it() -> None:
    for sentence in problems({"bpm": "sk-1234567890abcdefghij", "range_s": ["sk-1234567890abcdefghij", 2]}):
        assert "1234567890" not in sentence


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"prompt": "sk-1234567890abcdefghij"}, "prompt"),
        ({"api_key": "x"}, "api_key"),
        ({"service_options": {"nested": [{"token": "1234"}]}}, "service_options.nested[0].token"),
        ({"service_options": '{"token": "1234"}'}, "service_options.token"),
        ({"style": "rock, sk-1234567890abcdefghij"}, "style[1]"),
    ],
)
def test_a_key_among_parameters_is_refused_because_the_sidecar_holds_them(values: dict[str, Any], path: str) -> None:
    (sentence,) = problems(values)
    assert sentence.startswith(f"{path}: expected no API key here, found one: parameters are written into the sidecar.")


def test_very_deep_values_are_refused_and_not_followed() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    found = problems({"service_options": {"a": deep}, "range_s": deep, "qqq": {"a": deep}})
    assert len(found) == 3


def test_none_counts_as_not_given() -> None:
    assert parse_params({"seed": None, "takes": 2}).given() == {"takes": 2}


def test_given_speaks_the_words_of_the_contract() -> None:
    params = parse_params({"stems": "none", "style": "a,b", "section_s": "1-2", "midi": "no"})
    assert params.given() == {"stems": "none", "style": ["a", "b"], "section_s": [1.0, 2.0], "midi": False}


def test_the_same_wishes_have_the_same_canonical_json_however_they_arrived() -> None:
    one = parse_params({"extend_s": 16, "style": "a, b", "midi": True, "range_s": [0, 4]})
    other = parse_params({"range_s": "0 4", "midi": "on", "style": ["a", "b"], "extend_s": "16.0"})
    assert one.canonical_json() == other.canonical_json()
    assert json.loads(one.canonical_json()) == one.given()


def test_params_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Params().seed = 3  # type: ignore[misc]


def test_what_stands_in_a_later_layer_wins() -> None:
    merged = merge_params({"seed": 1, "bpm": 120}, Params(seed=2), {"takes": 3})
    assert merged.given() == {"seed": 2, "bpm": 120.0, "takes": 3}


def test_a_later_position_replaces_an_earlier_one_of_the_other_kind() -> None:
    assert merge_params({"position_s": 3}, {"position_samples": 96000}).given() == {"position_samples": 96000}
    assert merge_params({"position_samples": 5}, {"seed": 1}).given() == {"position_samples": 5, "seed": 1}


def test_style_parts_join_to_one_text() -> None:
    assert parse_params({"style": ["slow", "dark"]}).style_text == "slow, dark"
    assert Params().negative_style_text == ""


def test_a_file_beside_a_clip_is_read(tmp_path: Path) -> None:
    file = tmp_path / "riff.wav.yaml"
    file.write_text("extend_s: 30\nstyle: [slow, dark]\nmidi: yes\ntitle: No\nstems: none\n", encoding="utf-8")
    assert read_params_file(file) == {
        "extend_s": 30.0,
        "style": ["slow", "dark"],
        "midi": True,
        "title": "No",
        "stems": "none",
    }


def test_no_file_and_an_empty_file_are_no_parameters(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing yet\n", encoding="utf-8")
    assert read_params_file(tmp_path / "missing.yaml") == {}
    assert read_params_file(tmp_path / "empty.yaml") == {}


def test_the_problems_of_a_file_come_with_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "riff.wav.yaml"
    file.write_text("extend_s: 30\n\nweirdness: 3\nstyl: x\nextend_s: 4\noperation: cover\n", encoding="utf-8")
    with pytest.raises(ParamsError) as caught:
        read_params_file(file)
    found = caught.value.problems
    assert "riff.wav.yaml:3: weirdness: expected a number from 0 to 1, found 3." in found
    assert "riff.wav.yaml:4: styl: expected a known key, found 'styl'. Did you mean 'style'?" in found
    assert "riff.wav.yaml:5: extend_s: expected each key once, found it again (first on line 1)." in found
    assert any(sentence.startswith("riff.wav.yaml:6: operation: expected a known key") for sentence in found)


def test_a_huge_parameter_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "defaults.yaml"
    file.write_text("prompt: " + "x" * 70_000, encoding="utf-8")
    with pytest.raises(ParamsError, match="expected at most 64 KB of YAML"):
        read_params_file(file)


seconds = st.floats(0, 1e6, allow_nan=False)
spans = st.tuples(seconds, seconds).filter(lambda s: s[0] < s[1])
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
valid = st.fixed_dictionaries(
    {},
    optional={
        "prompt": words,
        "style": st.lists(words, max_size=4),
        "instrumental": st.booleans(),
        "vocal_gender": st.sampled_from(["m", "f"]),
        "seed": st.integers(0, 2**63 - 1),
        "bpm": st.floats(20, 400),
        "weirdness": st.floats(0, 1),
        "extend_s": st.floats(1e-6, 1e6),
        "from_s": seconds,
        "side": st.sampled_from(["left", "right"]),
        "section_s": spans,
        "range_s": spans,
        "takes": st.integers(1, 16),
        "stems": st.sampled_from(["none", 2, 4, 12]),
        "midi": st.booleans(),
        "position_samples": st.integers(0, 2**63 - 1),
        "time_signature": st.builds("{}/{}".format, st.integers(1, 64), st.sampled_from([2, 4, 8, 16])),
        "service_options": st.dictionaries(words, json_values, max_size=3),
    },
)


@settings(max_examples=150, deadline=None)
@given(valid)
def test_what_was_given_parses_to_the_same_again(values: dict[str, Any]) -> None:
    params = parse_params(values)
    assert parse_params(params.given()) == params
    assert parse_params(json.loads(params.canonical_json())).canonical_json() == params.canonical_json()


@settings(max_examples=100, deadline=None)
@given(valid)
def test_text_from_the_command_line_means_the_same_as_typed_values(values: dict[str, Any]) -> None:
    params = parse_params({key: value for key, value in values.items() if key != "style"})
    as_text = {key: value if isinstance(value, str) else json.dumps(value) for key, value in params.given().items()}
    assert parse_params(as_text) == params


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(PARAMETERS) | st.text(), anything, max_size=4))
@example({"[key]": None})
@example({"service_options": {"[key]": {1, 2}}})
def test_no_value_whatever_raises_anything_but_a_usage_error(values: dict[str, Any]) -> None:
    try:
        params = parse_params(values)
    except UsageError as error:
        error.sentence.encode()
    else:
        assert parse_params(params.given()) == params
