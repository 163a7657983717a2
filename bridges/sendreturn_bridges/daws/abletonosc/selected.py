"""The clip that is selected in Live's Session, as AbletonOSC tells it.

It is the slot where the selected track and scene cross. AbletonOSC tells no warp markers, so that only clips that are
not warped can be cut; their times come as 32-bit floating point, which is a sample in a few minutes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sendreturn.audio.decode import open_decoder
from sendreturn.daws.selection import Piece, Selection, SourceFile, TempoPoint
from sendreturn.errors import UsageError

from sendreturn_bridges.daws.abletonosc.client import LiveError
from sendreturn_bridges.daws.abletonosc.placing import Home

if TYPE_CHECKING:
    from sendreturn.daws.contract import Press

    from sendreturn_bridges.daws.abletonosc.client import Conversation

CLIP = (
    "file_path",
    "warping",
    "loop_start",
    "loop_end",
    "pitch_coarse",
    "pitch_fine",
    "gain_display_string",
    "name",
)
OWN_SCRIPT = "`sendreturn bridge install live` puts sendreturn's own script in its place, which can."
NOTHING = UsageError("Nothing is selected.", "Select an audio clip in the Session, and try again.")


@dataclass(frozen=True)
class Selected:
    """What is to be sent of a clip, and where it lies."""

    selection: Selection
    home: Home


async def read_selected(live: Conversation, press: Press) -> Selected:
    """What is selected in Live now.

    Raises:
        UsageError: with a sentence for the user.
        NotNow: nothing answers.
    """
    track, scene = await _slot(live)
    values, (name,), (tempo,), (beats,), (unit,) = await _values(live, track, scene)
    path = Path(str(values["file_path"]))
    _check(values, path)
    selection = Selection(
        request=press.request,
        session=str(_project_of(path, values["name"])),
        operation=press.operation,
        params=dict(press.params),
        track=str(name),
        rate_hz=_rate_of(path),
        pieces=(_piece(values, path),),
        tempo=(TempoPoint(position=0, bpm=float(tempo), time_signature=f"{beats}/{unit}"),),
    )
    return Selected(selection, Home(str(name), scene, str(path), float(tempo)))


async def _slot(live: Conversation) -> tuple[int, int]:
    try:
        track, scene = await live.ask("/live/view/get/selected_clip")
        (is_audio,) = await live.ask("/live/clip/get/is_audio_clip", track, scene)
    except LiveError:
        raise NOTHING from None  # a return track is selected, or the slot is empty
    if not is_audio:
        raise UsageError(
            "The selected clip holds notes and no audio.", "Select an audio clip, or freeze and flatten it."
        )
    return int(track), int(scene)


async def _values(live: Conversation, track: int, scene: int) -> tuple[dict[str, Any], Any, Any, Any, Any]:
    *clip, name, tempo, beats, unit = await live.ask_all(
        *((f"/live/clip/get/{word}", track, scene) for word in CLIP),
        ("/live/track/get/name", track),
        ("/live/song/get/tempo",),
        ("/live/song/get/signature_numerator",),
        ("/live/song/get/signature_denominator",),
    )
    return {word: value for word, (value,) in zip(CLIP, clip, strict=True)}, name, tempo, beats, unit


def _check(values: dict[str, Any], path: Path) -> None:
    name = values["name"]
    if not path.is_file():
        raise UsageError(f"The file of “{name}” is missing: {path} is not there.", "Find it with File, Manage Files.")
    if values["warping"]:
        raise UsageError(f"“{name}” is warped, and AbletonOSC does not tell how.", f"Switch Warp off. {OWN_SCRIPT}")
    if values["pitch_coarse"] or values["pitch_fine"]:
        raise UsageError(f"“{name}” is played at another pitch.", "Freeze and flatten its track, then try again.")


def _project_of(path: Path, name: str) -> Path:
    """AbletonOSC does not tell the set's file; the project's folder lies above a file that was collected into it."""
    for folder in path.parents:
        if (folder / "Ableton Project Info").is_dir():
            return folder
    raise UsageError(
        f"The file of “{name}” lies in no Live project.", f"Save the set, then File, Collect All and Save. {OWN_SCRIPT}"
    )


def _rate_of(path: Path) -> int:
    with open_decoder(path) as decoder:
        return decoder.info.sample_rate_hz


def _piece(values: dict[str, Any], path: Path) -> Piece:
    with open_decoder(path) as decoder:
        rate, frames = decoder.info.sample_rate_hz, decoder.info.frames
    start = min(max(round(values["loop_start"] * rate), 0), frames - 1)
    end = min(round(values["loop_end"] * rate), frames)
    files = (SourceFile(path=str(path)),)
    return Piece(files=files, start=start, length=max(end - start, 1), position=0, gain=_gain(values))


def _gain(values: dict[str, Any]) -> float:
    try:
        return math.pow(10, float(str(values["gain_display_string"]).split(" ")[0]) / 20)
    except ValueError:
        return 1.0
