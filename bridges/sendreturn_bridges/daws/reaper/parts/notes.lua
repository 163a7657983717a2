-- The notes of a Standard MIDI File, in seconds from its start by its own tempo map. REAPER's import of a .mid asks in a
-- dialog what to do with its tempo; notes that are inserted ask nothing.
local notes = {}

do
  local usual_tempo = 500000  -- microseconds in a quarter note

  local function read_variable (text, at)
    local value = 0
    for _ = 1, 4 do
      local byte = text:byte (at) or error ('ends too early', 0)
      value, at = (value << 7) | (byte & 0x7F), at + 1
      if byte < 0x80 then return value, at end
    end
    error ('holds a number that is too long', 0)
  end

  local two_bytes = { [0x80] = true, [0x90] = true, [0xA0] = true, [0xB0] = true, [0xE0] = true }

  local function close_note (found, open, key, tick)
    local waiting = open[key]
    if not waiting or #waiting == 0 then return end
    local note = table.remove (waiting, 1)
    note.last = tick
    found.notes[#found.notes + 1] = note
  end

  local function take_voice (found, open, status, one, two, tick)
    local kind, channel = status & 0xF0, status & 0x0F
    local key = channel * 128 + one
    if kind == 0x90 and two > 0 then
      open[key] = open[key] or {}
      table.insert (open[key], { first = tick, channel = channel, pitch = one, velocity = two })
    elseif kind == 0x80 or kind == 0x90 then
      close_note (found, open, key, tick)
    end
  end

  -- A meta event or a system exclusive one; the position after it.
  local function take_other (found, status, text, at, tick)
    local kind = nil
    if status == 0xFF then kind, at = text:byte (at), at + 1 end
    local length
    length, at = read_variable (text, at)
    if kind == 0x51 and length == 3 then
      found.tempi[#found.tempi + 1] = { tick = tick, tempo = string.unpack ('>I3', text, at) }
    end
    return at + length
  end

  local function read_track (found, text)
    local at, tick, status, open = 1, 0, nil, {}
    while at <= #text do
      local wait
      wait, at = read_variable (text, at)
      tick = tick + wait
      local byte = text:byte (at) or error ('ends too early', 0)
      if byte >= 0x80 then status, at = byte, at + 1 end
      if not status then error ('begins an event with no status', 0) end
      if status >= 0xF0 then
        at, status = take_other (found, status, text, at, tick), nil
      else
        local one, two = text:byte (at, at + 1)
        if not one then error ('ends too early', 0) end
        local is_long = two_bytes[status & 0xF0]
        take_voice (found, open, status, one & 0x7F, is_long and (two or 0) & 0x7F or 0, tick)
        at = at + (is_long and 2 or 1)
      end
    end
    for key, waiting in pairs (open) do
      for _ = 1, #waiting do close_note (found, open, key, tick) end
    end
  end

  local function read_file (text)
    if text:sub (1, 4) ~= 'MThd' then error ('is no MIDI file', 0) end
    local length, _, _, division = string.unpack ('>I4I2I2I2', text, 5)
    if division == 0 or division >= 0x8000 then error ('counts its time in frames', 0) end
    local found, at = { notes = {}, tempi = {}, division = division }, 9 + length
    while at + 7 <= #text do
      local name, size = text:sub (at, at + 3), string.unpack ('>I4', text, at + 4)
      if name == 'MTrk' then read_track (found, text:sub (at + 8, at + 7 + size)) end
      at = at + 8 + size
    end
    return found
  end

  -- A function from ticks to seconds.
  local function clock_of (found)
    table.sort (found.tempi, function (one, other) return one.tick < other.tick end)
    local points = { { tick = 0, at_s = 0, tempo = usual_tempo } }
    for _, change in ipairs (found.tempi) do
      local last = points[#points]
      local at_s = last.at_s + (change.tick - last.tick) * last.tempo / found.division / 1e6
      points[#points + 1] = { tick = change.tick, at_s = at_s, tempo = change.tempo }
    end
    return function (tick)
      local index = #points
      while index > 1 and points[index].tick > tick do index = index - 1 end
      local point = points[index]
      return point.at_s + (tick - point.tick) * point.tempo / found.division / 1e6
    end
  end

  -- A list of { start_s, end_s, channel, pitch, velocity } in order, or nil and what is wrong with the file.
  function notes.read (path)
    local file = io.open (path, 'rb')
    if not file then return nil, 'cannot be read' end
    local text = file:read ('a')
    file:close ()
    local ok, found = pcall (read_file, text)
    if not ok then return nil, tostring (found) end
    local seconds = clock_of (found)
    for _, note in ipairs (found.notes) do
      note.start_s, note.end_s = seconds (note.first), seconds (note.last)
    end
    table.sort (found.notes, function (one, other)
      if one.first ~= other.first then return one.first < other.first end
      return one.pitch < other.pitch
    end)
    return found.notes
  end
end
