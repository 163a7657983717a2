-- What is open in REAPER: the project in front, its sample rate and its tempo.
local project = {}

do
  local usual_rate = 48000
  local slowest, fastest = 20, 999

  -- The project and its file; '' where it was never saved.
  function project.current ()
    local proj, path = reaper.EnumProjects (-1)
    return proj, path or ''
  end

  -- Where the project names no rate, the sound card's holds.
  function project.rate (proj)
    local rate = reaper.GetSetProjectInfo (proj, 'PROJECT_SRATE', 0, false)
    if reaper.GetSetProjectInfo (proj, 'PROJECT_SRATE_USE', 0, false) == 0 then
      local is_open, text = reaper.GetAudioDeviceInfo ('SRATE')
      rate = is_open and tonumber (text) or rate
    end
    return rate > 0 and project.round (rate) or usual_rate
  end

  function project.round (value)
    return math.floor (value + 0.5)
  end

  -- Seconds of the project as samples. They count from the project's start, whatever the ruler shows there: the start
  -- time that the project settings give the ruler (GetProjectTimeOffset) is in none of ReaScript's positions.
  function project.samples (seconds, rate)
    return project.round (seconds * rate)
  end

  local function point (position, bpm, above, below)
    if bpm < slowest or bpm > fastest then return nil end
    local signature = above > 0 and below > 0 and string.format ('%d/%d', above, below) or nil
    return { position = position, bpm = bpm, time_signature = signature }
  end

  -- The tempo where a clip starts, and every change up to its end. Between two points the tempo may glide, so that the
  -- one at the start is asked for by itself.
  function project.tempo (proj, rate, start, finish)
    local found = mailbox.list ()
    local above, below, bpm = reaper.TimeMap_GetTimeSigAtTime (proj, start)
    found[1] = point (project.samples (start, rate), bpm, above, below)
    for index = 0, reaper.CountTempoTimeSigMarkers (proj) - 1 do
      local ok, at, _, _, marked, top, bottom = reaper.GetTempoTimeSigMarker (proj, index)
      if ok and at > start and at < finish then
        found[#found + 1] = point (project.samples (at, rate), marked, top, bottom)
      end
    end
    return found
  end

  -- The time selection in seconds, or nil.
  function project.range (proj)
    local from, to = reaper.GetSet_LoopTimeRange2 (proj, false, false, 0, 0, false)
    if to > from then return from, to end
    return nil
  end

  -- REAPER's own number, such as 7.
  function project.version ()
    return tonumber (reaper.GetAppVersion ():match ('^%d+')) or 0
  end
end
