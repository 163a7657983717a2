-- As much of Ardour 7's Lua as the bridge's action looks at. `world` says what the session holds and what is selected.
local shown, sent = {}, {}

local function list (items)
  return { iter = function ()
    local at = 0
    return function () at = at + 1 return items[at] end
  end }
end

local function time (samples) return { samples = function () return samples end } end
local function nothing () return { isnil = function () return true end } end

local function source (file)
  local made = { isnil = function () return false end }
  made.path = function () return file.path end
  made.channel = function () return file.channel end
  made.to_filesource = function () return made end
  return made
end

local function region (entry)
  local made = {}
  function made.name () return entry.name end
  function made.position () return time (entry.position) end
  function made.length () return time (entry.length) end
  function made.start () return time (entry.start or 0) end
  function made.muted () return entry.muted or false end
  function made.is_compound () return entry.compound or false end
  function made.source (_, channel) return source (entry.files[channel + 1]) end
  function made.to_stateful () return { id = function () return entry end } end
  function made.to_audioregion ()
    if entry.midi then return nothing () end
    return {
      isnil = function () return false end,
      n_channels = function () return #entry.files end,
      scale_amplitude = function () return entry.gain or 1.0 end,
    }
  end
  return made
end

local function route (entry)
  local regions = {}
  for _, held in ipairs (entry.regions) do regions[#regions + 1] = region (held) end
  local playlist = {
    region_list = function () return list (regions) end,
    region_by_id = function (_, id)
      for _, held in ipairs (entry.regions) do
        if held == id then return { isnil = function () return false end } end
      end
      return nothing ()
    end,
  }
  local made = { name = function () return entry.name end }
  function made.to_track ()
    return { isnil = function () return false end, playlist = function () return playlist end }
  end
  return made
end

local routes, chosen, ranged = {}, {}, {}
for _, entry in ipairs (world.tracks) do
  local made = route (entry)
  routes[#routes + 1] = made
  if entry.ranged then ranged[#ranged + 1] = made end
  for _, held in ipairs (entry.regions) do
    if held.selected then chosen[#chosen + 1] = region (held) end
  end
end

Session = {
  path = function () return world.session end,
  get_tracks = function () return list (routes) end,
  nominal_sample_rate = function () return 48000 end,
  actively_recording = function () return false end,
  transport_rolling = function () return false end,
}
Editor = { get_selection = function ()
  return {
    time = {
      start_sample = function () return world.range and world.range[1] or 0 end,
      end_sample = function () return world.range and world.range[2] or 0 end,
    },
    tracks = { routelist = function () return list (ranged) end },
    regions = { regionlist = function () return list (chosen) end },
  }
end }

-- 120 in four quarters; from `world.slower` on it is 90 in three.
local function beats (count)
  return { count = count, next_beat = function () return beats (count + 1) end }
end
Temporal = {
  timepos_t = function (samples) return samples end,
  TempoMap = { read = function ()
    local function is_slow (samples) return world.slower and samples >= world.slower end
    return {
      quarters_at_sample = function (_, samples) return beats (math.floor (samples / 24000)) end,
      sample_at_beats = function (_, beat) return beat.count * 24000 end,
      quarters_per_minute_at = function (_, samples) return is_slow (samples) and 89.999999913 or 120.0 end,
      meter_at = function (_, samples)
        return {
          divisions_per_bar = function () return is_slow (samples) and 3 or 4 end,
          note_value = function () return 4 end,
        }
      end,
    }
  end },
}
ARDOUR = { LuaOSC = { Address = function (address)
  return { send = function (_, path, types, text) sent[#sent + 1] = { address, path, types, text } end }
end } }
LuaDialog = {
  MessageType = { Info = 0, Warning = 1 },
  ButtonType = { OK = 0 },
  Message = function (_, sentence)
    return { run = function () shown[#shown + 1] = sentence end }
  end,
  Dialog = function (title, rows)
    return { run = function () return world.answer end }
  end,
}
function ardour () end
function print () end

return shown, sent
