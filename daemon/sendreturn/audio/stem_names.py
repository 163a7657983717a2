"""What services call their stems, in the house's own words (`words.STEMS`)."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_NOISE = frozenset(("url", "audio", "stem", "file", "part", "only", "isolated", "solo"))
"""Words that say nothing of what is in a stem."""
_SUFFIXES = frozenset({".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aif", ".aiff"})

_MEANT = tuple(
    (re.compile(rf"\b(?:{words})\b"), stem)
    for words, stem in (
        # What is left when something is taken out.
        ("(?:no|non|without|minus) vocal", "instrumental"),
        ("instrumental|instrument|accompaniment|karaoke|backing track|playback|music", "instrumental"),
        ("(?:backing|back|background|harmon(?:y|ie))(?: vocal| voice| vox)?|bgv|bv", "backing_vocals"),
        ("vocal|vox|voice|acapella|acappella|singer|singing|choir|rap", "vocals"),
        # Names that hold the name of another instrument.
        ("steel drum|hand clap", "percussion"),
        ("pedal steel|lap steel", "guitar"),
        ("french horn", "brass"),
        ("drum|kick|snare|hihat|hi hat|cymbal|tom", "drums"),
        ("synth|synthesi[sz]er|arpeggiator|arp|theremin|pad|drone", "synth"),
        ("bass|subbass|sub|808", "bass"),
        ("guitar|gtr|banjo|mandolin|ukulele", "guitar"),
        (
            "keyboard|key|piano|epiano|organ|rhode|wurlitzer|clavinet|harpsichord|celesta|accordion|melodica",
            "keyboard",
        ),
        (
            "percussion|perc|shaker|tambourine|conga|bongo|cowbell|tabla|djembe|taiko|clap|timpani|triangle",
            "percussion",
        ),
        ("glockenspiel|marimba|vibraphone|xylophone|bell|maraca|music box", "percussion"),
        ("string|violin|viola|cello|fiddle|harp|sitar|koto|orchestra", "strings"),
        ("effect|fx|sfx|riser|sweep|impact|ambience|noise", "fx"),
        ("brass|horn|trumpet|trombone|tuba|flugelhorn|cornet", "brass"),
        ("woodwind|wind|sax|saxophone|flute|clarinet|oboe|bassoon|piccolo|recorder|whistle", "woodwinds"),
        ("bagpipe|didgeridoo", "woodwinds"),
        ("other|rest|residual|remainder|remaining|misc", "other"),
    )
)
"""What a label's words, in the singular, stand for; the first that fits is taken."""


def stem_of(label: str) -> str | None:
    """Our word for a service's label such as "Lead Vocals", "backing_vocals", "vocalUrl" or "no_vocals.wav".

    None where the label names nothing that is known; what that means is for the caller to say.
    """
    words = " ".join(_words(label))
    return next((stem for pattern, stem in _MEANT if pattern.search(words)), None)


def stem_in_title(title: str) -> str | None:
    """Our word for the stem that a title names at its end, as in "My Song (Backing Vocals)" or "My Song - Drums".

    A title that only sounds like a stem ("Guitar Man") names none.
    """
    match = re.search(r"(?:[(\[]([^()\[\]]+)[)\]]|\s[-–—|:]\s([^-–—|:]+))\s*$", title.strip())
    return stem_of(match[1] or match[2]) if match else None


def _words(label: str) -> list[str]:
    path = PurePosixPath(label.strip())
    name = path.stem if path.suffix.casefold() in _SUFFIXES else label
    # vocalUrl → vocal Url; what is no letter or digit parts words.
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    words = [_singular(word) for word in re.split(r"[^0-9a-z]+", parted.casefold()) if word]
    return [word for word in words if word not in _NOISE]


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
