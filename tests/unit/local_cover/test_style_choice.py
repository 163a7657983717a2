"""Free text finds its style, and what it cannot find is said."""

from __future__ import annotations

import pytest
from sendreturn.audio.notes import Meter, Note, NoteTrack
from sendreturn.synth.kits import KITS
from sendreturn.synth.patches import PATCHES
from sendreturn.words import STEMS
from sendreturn_bridges.services.local.arrangement import Role
from sendreturn_bridges.services.local.cover import cover
from sendreturn_bridges.services.local.style_words import choose_style, read_wish, style_names
from sendreturn_bridges.services.local.styles import STYLES


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("smooth jazz", "jazz trio"),
        ("A slow JAZZ ballad trio, brushes", "jazz trio"),
        ("80s synth-pop with neon", "synthwave"),
        ("Lo-Fi hip-hop beats to study to", "lo-fi"),
        ("epic orchestra", "orchestral"),
        ("acoustic campfire song", "acoustic folk"),
        (["ethereal", "drone"], "ambient"),
        ("8-bit video game", "chiptune"),
        ("techno", "house"),
        ("indie rock", "rock"),
        ("ambient, then jazz", "ambient"),
        ("jazz without piano", "jazz trio"),
        ("lullaby", "music box"),
    ],
)
def test_words_find_their_style(text: str | list[str], name: str) -> None:
    choice = choose_style(read_wish(text))
    assert (choice.style.name, choice.asked) == (name, True)


@pytest.mark.parametrize("name", style_names())
def test_every_style_is_found_by_its_own_name(name: str) -> None:
    assert choose_style(read_wish(name)).style.name == name


def test_words_are_found_whole() -> None:
    assert not choose_style(read_wish("housewarming rocket")).asked


def test_unknown_text_gets_the_same_style_each_time_and_another_by_seed() -> None:
    wish = read_wish("zither krautpunk")
    names = [choose_style(wish, seed=seed).style.name for seed in (0, 0, 1, 2)]
    assert names[0] == names[1]
    assert len(set(names)) == 3


def test_an_unwanted_style_is_not_taken() -> None:
    assert choose_style(read_wish("jazz, rock", "jazz")).style.name == "rock"
    for seed in range(30):
        assert choose_style(read_wish("", "chiptune, hip hop"), seed=seed).style.name not in ("chiptune", "lo-fi")


@pytest.mark.parametrize(
    ("style", "negative", "roles"),
    [
        ("jazz, no drums", "", {Role.DRUMS}),
        ("jazz", "no drums, without bass", {Role.DRUMS, Role.BASS}),
        ("drumless jazz", "", {Role.DRUMS}),
        ("jazz", ["percussion"], {Role.DRUMS}),
        ("jazz with drums", "", set()),
    ],
)
def test_negative_words_name_roles(style: str, negative: str | list[str], roles: set[Role]) -> None:
    assert read_wish(style, negative).roles == roles


def test_negative_words_name_instruments() -> None:
    assert "sax" in read_wish("jazz", "saxophone").patches
    assert {"nylon_guitar", "steel_guitar"} <= read_wish("folk without guitars").patches
    assert {"ooh", "choir"} <= read_wish("folk", "vocals").patches


def test_the_notes_say_which_style_was_taken_and_why() -> None:
    notes = (NoteTrack("keys", (Note(0.0, 0.2, 60),)),)
    known = cover(notes, style="moody jazz", duration_s=0.3, rate_hz=8000, meter=Meter())
    assert "jazz trio" in known.notes[0]
    assert "moody" in known.notes[0]
    unknown = cover(notes, style="krautpunk", duration_s=0.3, rate_hz=8000, meter=Meter())
    assert unknown.style_name in unknown.notes[0]
    assert all(name in unknown.notes[0] for name in style_names())


@pytest.mark.parametrize("style", STYLES, ids=style_names())
def test_a_style_names_real_sounds_and_stems_of_its_own(style: object) -> None:
    assert style in STYLES
    parts = next(s for s in STYLES if s is style).parts
    assert {part.stem for part in parts.values()} <= set(STEMS)
    assert len({part.stem for part in parts.values()}) == len(parts)
    for role, part in parts.items():
        assert all(sound.patch in (KITS if role is Role.DRUMS else PATCHES) for sound in part.sounds)
