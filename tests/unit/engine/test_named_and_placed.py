"""What returns are called where there is no clip, and where stems of a part of the music stand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from engine_rig import Rig
from fake_service import RATE_HZ, write_tone
from returning_service import PLAIN, ReturningService, manifest, mix, returned
from sendreturn.audio.midi import write_midi
from sendreturn.audio.notes import Meter, Note, NoteTrack
from sendreturn.contract import Made
from sendreturn.settings import Settings
from sendreturn.words import Kind


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"title": "Blue Hour", "prompt": "a slow waltz"}, "Blue Hour"),
        ({"prompt": "A slow, warm waltz for two accordions"}, "A slow warm waltz"),
        ({"lyrics": "[Verse 1]\nUnder the bridge we go\nhome"}, "Under the bridge we"),
        ({"style": "jazz"}, "jazz"),
        ({"lyrics": "[Intro]"}, "song"),
    ],
)
async def test_returns_without_a_clip_are_named_after_what_was_asked(
    tmp_path: Path, params: Mapping[str, object], name: str
):
    song = write_tone(tmp_path / "song.wav")
    back = await returned(tmp_path, None, "generate", (mix(song),), **params)
    assert back.send.folder is not None
    assert back.send.folder.name == f"{name}_generate_{back.send.id}"


async def test_a_voice_of_a_section_stands_where_the_section_starts(tmp_path: Path):
    (tmp_path / "Song").mkdir()
    clip = write_tone(tmp_path / "Song" / "riff.wav", seconds=8.0)
    voice = write_tone(tmp_path / "voice.wav", seconds=3.0)
    made = Made(Kind.STEM, str(voice), stem="vocals", covers="section", made_by="Studio")
    back = await returned(tmp_path, clip, "stems", (made,), section_s=[2.5, 5.5])
    entry = back.entry("stem", "vocals")
    assert entry["position_samples"] == 2.5 * RATE_HZ
    assert entry["duration_s"] == pytest.approx(3.0, abs=0.01)
    assert "shorter" not in back.checks("stem", "vocals")


@pytest.mark.parametrize("has_mix", [True, False])
async def test_listeners_hear_where_the_notes_start(tmp_path: Path, has_mix: bool):
    (tmp_path / "Song").mkdir()
    clip = write_tone(tmp_path / "Song" / "riff.wav", seconds=4.0)
    notes = tmp_path / "notes.mid"
    write_midi(notes, [NoteTrack("Lead", (Note(0.5, 1.0, 60),))], Meter(120.0), duration_s=4.0)
    song = (mix(write_tone(tmp_path / "song.wav", seconds=4.0)),) if has_mix else ()
    service = ReturningService(manifest=manifest(), returns=((*song, Made(Kind.MIDI, str(notes), made_by="Studio")),))
    async with Rig(tmp_path, service, settings=Settings(service="studio", returns=PLAIN)) as rig:
        await rig.ended(rig.send(clip, "cover" if has_mix else "midi", params={"position_s": 2.0}).id)
        told = [event.returned for event in rig.events if event.returned is not None]
    starts = [(file.position_samples, file.sample_rate_hz) for file in told if file.kind is Kind.MIDI]
    assert starts == [(2 * RATE_HZ, RATE_HZ)]
