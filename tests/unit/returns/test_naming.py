from __future__ import annotations

import re
import unicodedata
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sendreturn.returns.naming import (
    file_name,
    numbered,
    safe_stem,
    set_folder,
    sidecar_name,
    stem_word,
)
from sendreturn.words import OPERATIONS, STEMS, Kind

ID = "0a1b2c3d"
REPEATABLE = settings(derandomize=True, deadline=None)
ANY_NAME = st.text(st.characters(), max_size=300)
NASTY_CHARACTERS = 'aé\u0301 .-_/\\:*?"<>|\x00\x1b\n\u202e\u200d\u200b\udce9\U0001f3b8\U0001f3fd漢'
NASTY_NAME = st.lists(st.sampled_from([*NASTY_CHARACTERS, "con", "nul", "com1"]), max_size=120).map("".join)
WINDOWS_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)\s*(\.|$)")


@REPEATABLE
@given(st.one_of(ANY_NAME, NASTY_NAME))
def test_any_name_becomes_one_that_all_three_systems_take(name: str) -> None:
    stem = safe_stem(name)
    assert stem
    assert not set(stem) & set('<>:"/\\|?*')
    assert stem[0] not in " .-"
    assert stem[-1] not in " ."
    assert not any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in stem)
    assert not set(stem) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\ufeff")
    assert unicodedata.is_normalized("NFC", stem)
    assert not WINDOWS_DEVICE.match(stem)


@REPEATABLE
@given(st.one_of(ANY_NAME, NASTY_NAME))
def test_a_safe_name_stays_as_it_is(name: str) -> None:
    assert safe_stem(safe_stem(name)) == safe_stem(name)


@REPEATABLE
@given(st.one_of(ANY_NAME, NASTY_NAME, st.text("🎸漢é", min_size=200, max_size=300)))
def test_the_longest_name_of_a_set_fits_every_file_system(name: str) -> None:
    longest = max(OPERATIONS, key=len)
    made = file_name(name, longest, ID, 12, Kind.STEM, "backing_vocals", ".wav")
    last = list(islice(numbered(made), 99))[-1]
    assert last.endswith("_t12_backing_vocals (99).wav")
    assert len(last.encode()) <= 143
    path = f"Returns/{set_folder(name, longest, ID)}/{last}"
    assert len(path.encode("utf-16-le")) // 2 <= 215


@REPEATABLE
@given(st.text(st.characters(categories=["Lu", "Ll", "Lo", "Nd"]), min_size=1, max_size=15))
def test_letters_and_digits_of_any_script_are_kept(name: str) -> None:
    normal = unicodedata.normalize("NFC", name)
    assert safe_stem(name) in (normal, f"_{normal}")


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("riff", "riff"),
        ("Bass (DI) #2 & sub", "Bass (DI) #2 & sub"),
        ("AC/DC: live?", "AC_DC_ live_"),
        ("...hidden", "hidden"),
        ("--help", "help"),
        ("take 1. . ", "take 1"),
        ("CON", "_CON"),
        ("nul.mix", "_nul.mix"),
        ("com1 .x", "_com1 .x"),
        ("lpt²", "_lpt²"),
        ("console", "console"),
        ("cafe\u0301", "café"),
        ("evil\u202efdp.exe", "evilfdp.exe"),
        ("a\x1b[31mb\x00c", "a[31mbc"),
        ("line\nbreak\t\ttab", "line break tab"),
        ("caf\udce9", "caf_"),
        ("👩\u200d🎤 vox 🎸", "👩\u200d🎤 vox 🎸"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("歌", "歌"),
        ("", "clip"),
        (" .. ", "clip"),
        ("\u200b", "clip"),
    ],
)
def test_a_name_is_made_safe(name: str, stem: str) -> None:
    assert safe_stem(name) == stem


def test_a_long_name_is_cut_between_two_visible_characters() -> None:
    assert safe_stem("x" * 200) == "x" * 60
    accented = safe_stem("x" * 59 + "q\u0323\u0307" + "y" * 20)
    assert accented == "x" * 59
    family = "👩\u200d👩\u200d👧"
    assert safe_stem(family * 20).replace(family, "") == ""


@pytest.mark.parametrize(
    ("kind", "stem", "suffix", "ending"),
    [
        (Kind.MIX, None, ".wav", "_t1.wav"),
        (Kind.TAIL, None, ".wav", "_t1_tail.wav"),
        (Kind.HEAD, None, ".wav", "_t1_head.wav"),
        (Kind.STEM, "vocals", ".wav", "_t1_vocals.wav"),
        (Kind.STEM, "Backing Vocals", ".wav", "_t1_backing_vocals.wav"),
        (Kind.STEM, "../../etc", ".wav", "_t1_other.wav"),
        (Kind.STEM, None, ".wav", "_t1_other.wav"),
        (Kind.MIDI, None, ".mid", "_t1.mid"),
        (Kind.MIDI, "bass", ".mid", "_t1_bass.mid"),
        (Kind.LYRICS, None, ".lrc", "_t1.lrc"),
        (Kind.LYRICS, None, ".txt", "_t1.txt"),
        (Kind.IMAGE, None, ".JPEG", "_t1.jpeg"),
        (Kind.VIDEO, None, "mp4", "_t1.mp4"),
        (Kind.IMAGE, None, ".pn/g?x=1", "_t1.pngx1"),
    ],
)
def test_a_return_is_named_as_the_contract_says(kind: Kind, stem: str | None, suffix: str, ending: str) -> None:
    assert file_name("riff", "extend", ID, 1, kind, stem, suffix) == f"riff_extend_{ID}{ending}"


def test_nothing_but_the_sidecar_has_the_sidecars_name() -> None:
    sidecar = sidecar_name("riff", "cover", ID, 2)
    assert sidecar == f"riff_cover_{ID}_t2.json"
    assert all(file_name("riff", "cover", ID, 2, kind, None, ".json") != sidecar for kind in Kind)


def test_a_taken_name_is_numbered_before_its_extension() -> None:
    assert list(islice(numbered("a_t1.wav"), 3)) == ["a_t1.wav", "a_t1 (2).wav", "a_t1 (3).wav"]


@REPEATABLE
@given(st.text())
def test_every_stem_label_becomes_one_of_the_houses_words(label: str) -> None:
    assert stem_word(label) in STEMS
