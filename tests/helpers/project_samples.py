"""Project files as DAWs write them, cut down to what surrounds the tempo."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Sequence
from pathlib import Path

REAPER_GUID = "{00000000-1111-2222-3333-444444444444}"


def write_reaper(
    path: Path, *, bpm: str = "120", signature: str = "4 4", points: Sequence[str] = (), rate: str = "44100 0 0"
) -> Path:
    """As REAPER 7 writes it; `points` are the lines of the tempo envelope."""
    lines = "".join(f"    PT {point}\n" for point in points)
    path.write_text(
        f"""<REAPER_PROJECT 0.1 "7.27/linux-x86_64" 1731000000
  <NOTES 0 2
    |TEMPO 33 3 4
  >
  RIPPLE 0
  PROJOFFS 0 0 0
  SAMPLERATE {rate}
  <METRONOME 6 2
    VOL 0.25 0.125
    FREQ 800 1600 1
  >
  TEMPO {bpm} {signature}
  PLAYRATE 1 0 0.25 4
  <MASTERPLAYSPEEDENV
    EGUID {REAPER_GUID}
    PT 0 1 0
  >
  <TEMPOENVEX
    EGUID {REAPER_GUID}
    ACT 1 -1
    VIS 1 0 1
    DEFSHAPE 1 -1 -1
{lines}  >
  <PROJBAY
  >
  <TRACK {REAPER_GUID}
    NAME "TEMPO 44 4 4"
    <VOLENV2
      PT 0 1 0
    >
  >
>
""",
        "utf-8",
    )
    return path


ARDOUR_7_STEADY = """<Tempos>
      <Tempo npm="97.499999913637325" enpm="97.499999913637325" note-type="4" type="Tempo::Constant" active="1"
        locked-to-meter="0" continuing="0" sclock="0" quarters="0:0" bbt="1|1|0" omega="0"/>
    </Tempos>
    <Meters>
      <Meter note-value="4" divisions-per-bar="3" sclock="0" quarters="0:0" bbt="1|1|0"/>
    </Meters>
    <MusicTimes/>"""


def write_ardour(path: Path, tempo_map: str = ARDOUR_7_STEADY, *, rate: str = "48000", before: str = "") -> Path:
    path.write_text(
        f"""<?xml version="1.0" encoding="UTF-8"?>
{before}<Session version="7002" name="Song" sample-rate="{rate}" id-counter="120">
  <ProgramVersion created-with="Ardour 7.3.0" modified-with="Ardour 7.3.0"/>
  <Config><Option name="frame-rate" value="30"/></Config>
  <Routes><Route id="1" name="Master"/></Routes>
  <TempoMap superclocks-per-second="282240000">
    {tempo_map}
  </TempoMap>
  <ControlProtocols/>
</Session>
""",
        "utf-8",
    )
    return path


def live_set(
    *,
    track: str = "MainTrack",
    bpm: str = "120",
    tempi: Sequence[tuple[str, str]] = (),
    meters: Sequence[tuple[str, str]] = (),
) -> str:
    """The XML inside an `.als`; `tempi` and `meters` are (place, value) of the arrangement's events."""
    floats = "".join(f'<FloatEvent Id="{i}" Time="{at}" Value="{value}" />' for i, (at, value) in enumerate(tempi))
    enums = "".join(f'<EnumEvent Id="{i}" Time="{at}" Value="{value}" />' for i, (at, value) in enumerate(meters))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Ableton MajorVersion="5" MinorVersion="12.0_12049" Creator="Ableton Live 12.0.5">
  <LiveSet>
    <Tracks><AudioTrack Id="12"><DeviceChain><Mixer><Tempo><Manual Value="33" /></Tempo></Mixer></DeviceChain>
      </AudioTrack></Tracks>
    <{track}>
      <AutomationEnvelopes><Envelopes>
        <AutomationEnvelope Id="0"><EnvelopeTarget><PointeeId Value="10" /></EnvelopeTarget>
          <Automation><Events>{enums}</Events></Automation></AutomationEnvelope>
        <AutomationEnvelope Id="1"><EnvelopeTarget><PointeeId Value="8" /></EnvelopeTarget>
          <Automation><Events>{floats}</Events></Automation></AutomationEnvelope>
        <AutomationEnvelope Id="2"><EnvelopeTarget><PointeeId Value="77" /></EnvelopeTarget>
          <Automation><Events><FloatEvent Id="0" Time="0" Value="0.5" /></Events></Automation></AutomationEnvelope>
      </Envelopes></AutomationEnvelopes>
      <DeviceChain><Mixer>
        <Tempo><LomId Value="0" /><Manual Value="{bpm}" /><AutomationTarget Id="8" /></Tempo>
        <TimeSignature><Manual Value="201" /><AutomationTarget Id="10" /></TimeSignature>
      </Mixer></DeviceChain>
    </{track}>
  </LiveSet>
</Ableton>
"""


def write_live(path: Path, xml: str | None = None) -> Path:
    path.write_bytes(gzip.compress((xml or live_set()).encode()))
    return path


def write_dawproject(path: Path, *, transport: str = "", arrangement: str = "") -> Path:
    start = transport or (
        '<Tempo max="666" min="20" unit="bpm" value="149" id="id0" name="Tempo"/>'
        '<TimeSignature denominator="8" numerator="6" id="id1"/>'
    )
    xml = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Project version="1.0">
  <Application name="Bitwig Studio" version="5.0"/>
  <Transport>{start}</Transport>
  <Structure/>
  <Arrangement id="id9"><Lanes timeUnit="beats" id="id10"/>{arrangement}</Arrangement>
</Project>
"""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("project.xml", xml)
        archive.writestr("metadata.xml", "<MetaData/>")
    return path
