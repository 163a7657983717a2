-- What is heard of items that no cut gives (reversed, looped, stretched, crossfaded): written by REAPER's own reading of
-- them, before any effects, as a WAV file of 32-bit floating point at the project's rate.
local render = {}

do
  local block_frames = 16384
  local packed_at_once = 256
  local most_bytes = 4000000000  -- what the header of a WAV file can count

  local function header (rate, channels, frames)
    local bytes = frames * channels * 4
    local format = string.pack ('<I2I2I4I4I2I2', 3, channels, rate, rate * channels * 4, channels * 4, 32)
    return 'RIFF' .. string.pack ('<I4', 4 + 8 + #format + 12 + 8 + bytes) .. 'WAVE'
      .. 'fmt ' .. string.pack ('<I4', #format) .. format
      .. 'fact' .. string.pack ('<I4I4', 4, frames)
      .. 'data' .. string.pack ('<I4', bytes)
  end

  local function packed (samples, count)
    local parts = {}
    for at = 1, count, packed_at_once do
      local last = math.min (at + packed_at_once - 1, count)
      parts[#parts + 1] = string.pack ('<' .. ('f'):rep (last - at + 1), table.unpack (samples, at, last))
    end
    return table.concat (parts)
  end

  -- A take's accessor gives its source as it is stretched and turned, without gains and fades, which returns are played
  -- with again; a track's gives the items with theirs.
  -- What is read from: each with its accessor, and where on the project's timeline the accessor's time 0 lies.
  local function voices_of (plan)
    if plan.track then
      return { { accessor = reaper.CreateTrackAudioAccessor (plan.track), zero = 0, first = plan.first, last = plan.last } }, 2
    end
    local voices, channels = {}, 1
    for index, clip in ipairs (plan.clips) do
      voices[index] = {
        accessor = reaper.CreateTakeAudioAccessor (clip.take), zero = clip.position,
        first = math.max (clip.position, plan.first), last = math.min (clip.position + clip.length, plan.last),
      }
      local is_mono = clip.channel_mode >= 2 and clip.channel_mode <= 66
      channels = math.max (channels, is_mono and 1 or math.min (clip.channels, 64))
    end
    return voices, channels
  end

  -- Adds one voice to the block that starts at a frame of the project; whether there was audio.
  local function add (voice, samples, buffer, rate, channels, frame, count)
    local first = math.max (project.samples (voice.first, rate), frame)
    local last = math.min (project.samples (voice.last, rate), frame + count)
    if last <= first then return false end
    buffer.clear ()
    local start = reaper.GetAudioAccessorStartTime (voice.accessor) + first / rate - voice.zero
    if reaper.GetAudioAccessorSamples (voice.accessor, rate, channels, start, last - first, buffer) ~= 1 then return false end
    local heard, at = buffer.table (1, (last - first) * channels), (first - frame) * channels
    for index = 1, #heard do samples[at + index] = samples[at + index] + heard[index] end
    return true
  end

  local function write_blocks (file, plan, voices, rate, channels, first, frames)
    local buffer, any = reaper.new_array (block_frames * channels), false
    for at = 0, frames - 1, block_frames do
      local count, samples = math.min (block_frames, frames - at), {}
      for index = 1, count * channels do samples[index] = 0 end
      for _, voice in ipairs (voices) do
        any = add (voice, samples, buffer, rate, channels, first + at, count) or any
      end
      if not file:write (packed (samples, count * channels)) then return false, any end
    end
    return true, any
  end

  -- Writes the file; nil, or a sentence.
  function render.write (path, plan, rate)
    local first = project.samples (plan.first, rate)
    local frames = project.samples (plan.last, rate) - first
    local voices, channels = voices_of (plan)
    local too_long = frames * channels * 4 > most_bytes
    local file, reason = nil, nil
    if not too_long then file, reason = io.open (path .. '.part', 'wb') end
    local written, any = false, false
    if file then
      file:write (header (rate, channels, frames))
      written, any = write_blocks (file, plan, voices, rate, channels, first, frames)
      written = file:close () and written
    end
    for _, voice in ipairs (voices) do reaper.DestroyAudioAccessor (voice.accessor) end
    if written and any and os.rename (path .. '.part', path) then return nil end
    os.remove (path .. '.part')
    if too_long then return 'The clip is too long to be rendered. Select less of it.' end
    if file and not any then
      return 'REAPER plays no sound for ' .. plan.clips[1].title .. '; its media may be offline. Set it online, and try again.'
    end
    return path .. ' cannot be written: ' .. tostring (reason or 'the disk may be full') .. '.'
  end

  -- What the file is played with in the project, so that returns sound as loud; a track's sound has its gains in it.
  function render.gain (plan)
    local gain = plan.clips[1].gain
    for _, clip in ipairs (plan.clips) do
      if plan.track or clip.gain ~= gain then return 1 end
    end
    return gain
  end
end
