from __future__ import annotations

import pytest
from sendreturn.audio.stem_names import stem_in_title, stem_of
from sendreturn.words import STEMS


@pytest.mark.parametrize("stem", STEMS)
@pytest.mark.parametrize(
    "form", [str, str.upper, str.title, "{}Url".format, "{}.wav".format, "Isolated {} stem".format]
)
def test_our_own_words_are_known_in_any_dress(stem: str, form: object) -> None:
    assert stem_of(form(stem)) == stem  # type: ignore[operator]
    assert stem_of(form(stem.replace("_", " "))) == stem  # type: ignore[operator]


@pytest.mark.parametrize(
    ("stem", "labels"),
    [
        ("vocals", "Lead Vocal, vocalUrl, Synth Voice, Choir, lead_vocals"),
        ("backing_vocals", "Backing Vocals, backingVocalsUrl, backing_vocal"),
        ("drums", "Drum Kit, Kick, Snare, Electronic Drum Kit, Hi-Hat, Cymbals, drum"),
        ("bass", "Bass, Upright Bass, Electric Bass, Double Bass, Bass Guitar, 808"),
        ("guitar", "Electric Guitar, Acoustic Guitar, Pedal Steel Guitar, Banjo, Ukulele, Mandolin, guitars"),
        ("keyboard", "Piano, Organ, Electric Piano, Keyboards, Rhodes, Harpsichord, Accordion, keys"),
        ("percussion", "Percussion, Tambourine, Shaker, Hand Clap, Congas, Steel Drums, Timpani, Marimba, Taiko"),
        ("strings", "String Section, Violin, Cello, Fiddle, Harp, Sitar"),
        ("synth", "Synth, Synth Pad, Synth Bass, Synth Strings, Synth Brass, Arpeggiator, Theremin, synths"),
        ("fx", "Risers, Sound Effects, effects"),
        ("brass", "Brass Section, Horns, French Horn, Trumpet, Trombone, Tuba"),
        ("woodwinds", "Woodwinds, Flute, Clarinet, Tenor Saxophone, Oboe, Bassoon, Piccolo, woodwind"),
        ("instrumental", "instruments, accompaniment, instrumentalUrl"),
    ],
)
def test_the_instruments_that_services_separate_have_words_of_ours(stem: str, labels: str) -> None:
    assert {label: stem_of(label) for label in labels.split(", ")} == dict.fromkeys(labels.split(", "), stem)


@pytest.mark.parametrize(
    ("label", "stem"),
    [
        ("no_vocals.mp3", "instrumental"),
        ("Backing Track", "instrumental"),
        ("Lead Vocals", "vocals"),
        ("Harmony Vocals", "backing_vocals"),
        ("Background", "backing_vocals"),
        ("Bassoon", "woodwinds"),
        ("Bass Guitar", "bass"),
        ("808s", "bass"),
        ("Hi-Hats", "drums"),
        ("Synth Strings", "synth"),
        ("  GTR  ", "guitar"),
        ("others", "other"),
    ],
)
def test_labels_of_the_field_are_known(label: str, stem: str) -> None:
    assert stem_of(label) == stem


@pytest.mark.parametrize("label", ["", "   ", "take 3", "🎧", "bassanova", "Rapunzel", "url"])
def test_what_names_no_stem_stays_unnamed(label: str) -> None:
    assert stem_of(label) is None


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("My Song (Backing Vocals)", "backing_vocals"),
        ("My Song - Drums", "drums"),
        ("A - B – Electric Guitar", "guitar"),
        ("My Song [FX]", "fx"),
        ("Guitar Man", None),
        ("Drums (2024 Remix)", None),
        ("", None),
    ],
)
def test_a_title_names_a_stem_only_at_its_end(title: str, stem: str | None) -> None:
    assert stem_in_title(title) == stem
