"""Timed words as LRC."""

from __future__ import annotations

from sendreturn.lrc import TimedWord, lines_of, lrc
from sendreturn.net.word_rows import timed_rows, timed_words


def timed(*words: tuple[str, float]) -> list[TimedWord]:
    return [TimedWord(word, start_s) for word, start_s in words]


def written(*words: tuple[str, float]) -> str:
    return lrc(lines_of(timed(*words)))


def test_a_line_has_the_time_of_its_first_word():
    song = ("Walking ", 61.234), ("home\n", 61.5), ("Oh ", 63.0), ("yes", 63.2)
    assert written(*song) == "[01:01.23]Walking home\n[01:03.00]Oh yes\n"


def test_words_without_white_space_are_set_apart():
    assert written(("Waggin'", 1.0), ("tails", 1.5)) == "[00:01.00]Waggin' tails\n"


def test_section_tags_are_left_out_before_after_and_across_words():
    assert written(("[Verse]\nOh ", 2.0), ("yes\n[Chorus]\n", 2.5)) == "[00:02.00]Oh yes\n"
    assert written(("[Verse ", 1.0), ("1]\n", 1.2), ("Oh ", 2.0), ("yes\n\n", 2.5)) == "[00:02.00]Oh yes\n"
    assert written(("[Instrumental]", 0.0)) == ""


def test_a_bracket_that_never_closes_takes_no_lines_with_it():
    song = written(("[oh ", 1.0), ("no\n", 1.2), ("and ", 2.0), ("[Verse]\n", 2.2), ("on", 3.0))
    assert song == "[00:01.00][oh no\n[00:02.00]and\n[00:03.00]on\n"


def test_a_word_with_a_line_end_inside_belongs_to_both_lines():
    assert written(("one\ntwo", 5.0), ("three", 6.0)) == "[00:05.00]one\n[00:05.00]two three\n"


def test_no_words_are_an_empty_file():
    assert written() == ""
    assert written((" \n ", 1.0)) == ""


def test_times_are_rounded_to_hundredths_and_minutes_may_pass_99():
    assert written(("a", 59.999), ("\nb", 6001.0), ("\nc", -0.2)) == "[01:00.00]a\n[100:01.00]b\n[00:00.00]c\n"


def test_pauses_and_many_words_break_lines_where_asked():
    words = timed(("one", 0.5), ("two", 0.9), ("three", 2.0), ("four", 2.1), ("five", 2.2))
    broken = lines_of(words, pause_s=1.0, most_words=2)
    assert [[w.word for w in line] for line in broken] == [["one", "two"], ["three", "four"], ["five"]]


def test_enhanced_lrc_has_the_time_of_every_word():
    lines = lines_of(timed(("one", 0.5), ("two\n", 0.9), ("three", 65.25)))
    assert lrc(lines, each_word=True) == "[00:00.50]<00:00.50>one <00:00.90>two\n[01:05.25]<01:05.25>three\n"


def test_rows_of_services_become_timed_words():
    rows = [
        {"word": "a", "start_s": "1.5", "end_s": 2, "p_align": 0.9},
        {"word": "b", "startS": 2.5, "endS": None},
        {"word": "c", "start_s": None},
        {"word": 7, "start_s": 1.0},
        "nonsense",
    ]
    kept = timed_rows(rows)
    assert kept == [{"word": "a", "start_s": 1.5, "end_s": 2.0}, {"word": "b", "start_s": 2.5, "end_s": None}]
    assert timed_words(kept) == timed(("a", 1.5), ("b", 2.5))
    assert timed_rows(None) == []
