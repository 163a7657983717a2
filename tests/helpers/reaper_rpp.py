"""A scripted session of REAPER as the text of its project file, as far as it matters here."""

from __future__ import annotations

from reaper_session import MediaItem, MediaItem_Take, MediaTrack, ReaProject


def project_text(project: ReaProject) -> str:
    """The `.rpp` of a session."""
    top, bottom = project.signature
    lines = [
        '<REAPER_PROJECT 0.1 "7.25/linux-x86_64" 0',
        f"  SAMPLERATE {project.rate_hz} {int(project.uses_rate)} 0",
        f"  TEMPO {project.bpm:g} {top} {bottom}",
        *_tempo(project),
        *(line for track in project.tracks for line in _track(track)),
        ">",
    ]
    return "\n".join(lines) + "\n"


def _tempo(project: ReaProject) -> list[str]:
    points = [
        f"    PT {at_s:.12f} {bpm:.10f} {0 if glides else 1} {bottom << 16 | top}"
        for at_s, bpm, top, bottom, glides in project.tempo
    ]
    return ["  <TEMPOENVEX", *points, "  >"] if points else []


def _track(track: MediaTrack) -> list[str]:
    lanes = [f"    LANENAME {_quoted(track.strings[key])}" for key in sorted(track.strings)]
    head = [
        "  <TRACK",
        f"    NAME {_quoted(track.name)}",
        f"    PEAKCOL {track.values['I_CUSTOMCOLOR']:.0f}",
        f"    FREEMODE {track.values['I_FREEMODE']:.0f}",
    ]
    return [*head, *lanes, *(line for item in track.items for line in _item(item)), "  >"]


def _item(item: MediaItem) -> list[str]:
    values = item.values
    head = [
        "    <ITEM",
        f"      POSITION {values['D_POSITION']:.12f}",
        f"      LENGTH {values['D_LENGTH']:.12f}",
        f"      LOOP {values['B_LOOPSRC']:.0f}",
        f"      VOLPAN {values['D_VOL']:.12f} 0 1 -1",
        f"      LANE {values.get('I_FIXEDLANE', 0):.0f}",
    ]
    if item.strings:
        ext = [f"        {key.removeprefix('P_EXT:')} {_quoted(value)}" for key, value in item.strings.items()]
        head += ["      <EXT", *ext, "      >"]
    takes = [line for number, take in enumerate(item.takes) for line in _take(take, number)]
    return [*head, *takes, "    >"]


def _take(take: MediaItem_Take, number: int) -> list[str]:
    head = ["      TAKE"] if number else []
    head += [f"      NAME {_quoted(take.name)}", f"      SOFFS {take.values['D_STARTOFFS']:.12f}"]
    source = take.source
    if source is None:
        return head
    if source.kind != "MIDI":
        return [*head, f"      <SOURCE {source.kind}", f"        FILE {_quoted(source.root.path)}", "      >"]
    return [*head, "      <SOURCE MIDI", "        HASDATA 1 960 QN", *_events(take), "      >"]


def _events(take: MediaItem_Take) -> list[str]:
    """Note events, each with its distance from the one before."""
    events = []
    for start, end, channel, pitch, velocity in take.notes:
        events += [(round(start), 1, 0x90 | channel, pitch, velocity), (round(end), 0, 0x80 | channel, pitch, 0)]
    lines, at = [], 0
    for tick, _, status, pitch, velocity in sorted(events):
        lines.append(f"        E {tick - at} {status:02x} {pitch:02x} {velocity:02x}")
        at = tick
    return lines


def _quoted(text: str) -> str:
    """REAPER takes whichever of three quotes the text does not hold."""
    quote = next((mark for mark in "\"'`" if mark not in text), "`")
    return f"{quote}{text}{quote}"
