-- Puts what comes back on new tracks, in one undo step. What is in the project already is only read.
local placing = {}

do
  local mark = 'P_EXT:sendreturn'  -- holds the send's id, on every item that is ours
  local fixed_lanes, lanes_since = 2, 7  -- I_FREEMODE, and REAPER's version that has it
  local plays_alone = 1  -- C_LANEPLAYS
  local keeps_time = 0  -- C_BEATATTACHMODE: samples stay where they are when the tempo is changed
  local own_color = 0x1000000
  local shortest_s = 0.1
  local all_changed = -1

  -- Whether the project holds the send's items already.
  function placing.is_there (proj, send_id)
    for index = 0, reaper.CountMediaItems (proj) - 1 do
      local has, id = reaper.GetSetMediaItemInfo_String (reaper.GetMediaItem (proj, index), mark, '', false)
      if has and id == send_id then return true end
    end
    return false
  end

  local function load_notes (file)
    local found, wrong = notes.read (file.path)
    if not found then return nil, file.path .. ' ' .. wrong .. '.' end
    local length = shortest_s
    for _, note in ipairs (found) do length = math.max (length, note.end_s) end
    return { notes = found, length = length }
  end

  local function load_audio (file)
    local source = reaper.PCM_Source_CreateFromFileEx (file.path, true)
    local length = source and reaper.GetMediaSourceLength (source) or 0
    if length <= 0 then
      if source then reaper.PCM_Source_Destroy (source) end
      return nil, 'REAPER cannot read ' .. file.path .. '.'
    end
    local rate = file.sample_rate_hz or reaper.GetMediaSourceSampleRate (source)
    local offset = (file.offset_samples or 0) / rate
    local shown = file.length_samples and file.length_samples / rate or length - offset
    return { source = source, offset = offset, length = math.max (math.min (shown, length - offset), 1 / rate) }
  end

  -- One return, opened; nil and a sentence where it cannot be.
  local function load (file, rate)
    if not reaper.file_exists (file.path) then return nil, file.path .. ' is not there any more.' end
    local loaded, wrong = (file.kind == 'midi' and load_notes or load_audio) (file)
    if not loaded then return nil, wrong end
    loaded.file, loaded.position = file, file.position_samples / rate
    return loaded
  end

  -- Returns of one kind and stem share a track: one take of the send beside the other.
  local function rows_of (placement)
    local rows, by_name, wrong = {}, {}, {}
    for _, file in ipairs (placement.files) do
      local loaded, sentence = load (file, placement.rate_hz)
      if not loaded then
        wrong[#wrong + 1] = sentence
      else
        local name = file.kind .. '/' .. (file.stem or '')
        if not by_name[name] then
          by_name[name] = {}
          rows[#rows + 1] = by_name[name]
        end
        table.insert (by_name[name], loaded)
      end
    end
    return rows, wrong
  end

  -- Behind the clip's own track where there is one of its name, else behind the last one. A track that is a folder is
  -- passed over, as what follows it would become part of it.
  local function place_for (proj, name)
    for index = 0, reaper.CountTracks (proj) - 1 do
      local track = reaper.GetTrack (proj, index)
      local _, found = reaper.GetTrackName (track)
      if name ~= '' and found == name and reaper.GetMediaTrackInfo_Value (track, 'I_FOLDERDEPTH') <= 0 then return index + 1 end
    end
    return reaper.CountTracks (proj)
  end

  local function native_color (color)
    local red, green, blue = color:match ('^#(%x%x)(%x%x)(%x%x)$')
    if not red then return 0 end
    return reaper.ColorToNative (tonumber (red, 16), tonumber (green, 16), tonumber (blue, 16)) | own_color
  end

  local function name_of (row)
    if #row == 1 then return row[1].file.name end
    local first = row[1].file  -- the takes share the track, so that its name tells none of them
    return (first.name:gsub ('^(.*) t' .. first.take .. ' ', '%1 '))
  end

  local function add_track (proj, index, row)
    reaper.InsertTrackAtIndex (index, true)
    local track = reaper.GetTrack (proj, index)
    reaper.GetSetMediaTrackInfo_String (track, 'P_NAME', name_of (row), true)
    reaper.SetMediaTrackInfo_Value (track, 'I_CUSTOMCOLOR', native_color (row[1].file.color or ''))
    return track
  end

  local function set_take (take, loaded, offset)
    if not reaper.SetMediaItemTake_Source (take, loaded.source) then error ('REAPER did not take ' .. loaded.file.path, 0) end
    reaper.SetMediaItemTakeInfo_Value (take, 'D_STARTOFFS', offset)
    reaper.GetSetMediaItemTakeInfo_String (take, 'P_NAME', loaded.file.name, true)
  end

  local function set_item (item, position, length, gain, send_id)
    reaper.SetMediaItemInfo_Value (item, 'D_POSITION', position)
    reaper.SetMediaItemInfo_Value (item, 'D_LENGTH', length)
    reaper.SetMediaItemInfo_Value (item, 'B_LOOPSRC', 0)
    reaper.SetMediaItemInfo_Value (item, 'C_BEATATTACHMODE', keeps_time)
    reaper.SetMediaItemInfo_Value (item, 'D_VOL', gain)
    reaper.GetSetMediaItemInfo_String (item, mark, send_id, true)
  end

  local function add_audio (track, loaded, send_id, added)
    local item = reaper.AddMediaItemToTrack (track)
    local take = reaper.AddTakeToMediaItem (item)
    set_take (take, loaded, loaded.offset)
    set_item (item, loaded.position, loaded.length, loaded.file.gain or 1, send_id)
    added[#added + 1] = take
    return item
  end

  local function add_notes (proj, track, loaded, send_id)
    local item = reaper.CreateNewMIDIItemInProj (track, loaded.position, loaded.position + loaded.length, false)
    local take = reaper.GetActiveTake (item)
    for _, note in ipairs (loaded.notes) do
      local first = reaper.MIDI_GetPPQPosFromProjTime (take, loaded.position + note.start_s)
      local last = reaper.MIDI_GetPPQPosFromProjTime (take, loaded.position + note.end_s)
      reaper.MIDI_InsertNote (take, false, false, first, last, note.channel, note.pitch, note.velocity, true)
    end
    reaper.MIDI_Sort (take)
    reaper.GetSetMediaItemTakeInfo_String (take, 'P_NAME', loaded.file.name, true)
    reaper.GetSetMediaItemInfo_String (item, mark, send_id, true)
    return item
  end

  local function add_lane (track, item, lane, loaded)
    reaper.SetMediaItemInfo_Value (item, 'I_FIXEDLANE', lane)
    reaper.GetSetMediaTrackInfo_String (track, 'P_LANENAME:' .. lane, 'take ' .. loaded.file.take, true)
  end

  -- A row on fixed lanes; the first take is heard.
  local function add_lanes (proj, track, row, send_id, added)
    if #row > 1 then
      reaper.SetMediaTrackInfo_Value (track, 'I_FREEMODE', fixed_lanes)
      reaper.SetMediaTrackInfo_Value (track, 'I_NUMFIXEDLANES', #row)
      reaper.UpdateTimeline ()
    end
    for index, loaded in ipairs (row) do
      local item = loaded.notes and add_notes (proj, track, loaded, send_id) or add_audio (track, loaded, send_id, added)
      if #row > 1 then add_lane (track, item, index - 1, loaded) end
    end
    if #row > 1 then reaper.SetMediaTrackInfo_Value (track, 'C_LANEPLAYS:0', plays_alone) end
  end

  -- A row as the takes of one item, for a REAPER without lanes: it lasts from the first beginning to the last end, and
  -- a take that begins later has silence before it.
  local function add_takes (track, row, send_id, added)
    local first, last = math.huge, -math.huge
    for _, loaded in ipairs (row) do
      first, last = math.min (first, loaded.position), math.max (last, loaded.position + loaded.length)
    end
    local item = reaper.AddMediaItemToTrack (track)
    set_item (item, first, last - first, row[1].file.gain or 1, send_id)
    for _, loaded in ipairs (row) do
      local take = reaper.AddTakeToMediaItem (item)
      set_take (take, loaded, loaded.offset - (loaded.position - first))
      added[#added + 1] = take
    end
    reaper.SetMediaItemInfo_Value (item, 'I_CURTAKE', 0)
  end

  -- What shares a track. Notes are no takes of one item, so that without lanes each gets its own.
  local function parts_of (row, has_lanes)
    if has_lanes or not row[1].notes then return { row } end
    local parts = {}
    for index, loaded in ipairs (row) do parts[index] = { loaded } end
    return parts
  end

  local function add_rows (proj, placement, rows, added)
    local index, has_lanes = place_for (proj, placement.track or ''), project.version () >= lanes_since
    for _, row in ipairs (rows) do
      for _, part in ipairs (parts_of (row, has_lanes)) do
        local track = add_track (proj, index, part)
        index = index + 1
        if has_lanes or #part == 1 then
          add_lanes (proj, track, part, placement.send_id, added)
        else
          add_takes (track, part, placement.send_id, added)
        end
      end
    end
  end

  -- Everything within one undo step; where it fails, that step is undone again.
  local function within_undo (proj, title, change)
    reaper.PreventUIRefresh (1)
    reaper.Undo_BeginBlock2 (proj)
    local ok, wrong = pcall (change)
    reaper.Undo_EndBlock2 (proj, 'sendreturn: ' .. title, all_changed)
    if not ok then reaper.Undo_DoUndo2 (proj) end
    reaper.PreventUIRefresh (-1)
    reaper.TrackList_AdjustWindows (false)
    if reaper.UpdateItemLanes then reaper.UpdateItemLanes (proj) end
    reaper.UpdateTimeline ()
    return ok, wrong
  end

  -- Places all files that can be read. The new takes and a list of sentences for those that cannot; nil and the
  -- sentences where nothing was placed.
  function placing.place (proj, placement)
    local rows, wrong = rows_of (placement)
    if #rows == 0 then return nil, wrong end
    local added = {}
    local ok, reason = within_undo (proj, placement.title, function () add_rows (proj, placement, rows, added) end)
    if ok then return added, wrong end
    wrong[#wrong + 1] = 'The returns cannot be placed: ' .. tostring (reason) .. '.'
    return nil, wrong
  end
end
