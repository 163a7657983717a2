-- What is selected, as sendreturn wants to hear of it: files with their samples, or what REAPER has to render.
local selection = {}

do
  -- Files of which a cut is what REAPER plays, sample for sample; of others, each program decodes something else.
  local exact_types = { WAVE = true, AIFF = true, FLAC = true }
  local normal, swapped, left, right = 0, 1, 3, 4  -- I_CHANMODE
  local context_s = 30
  -- What the services need to hear beyond the part that is meant.
  local wants_context = { extend = true, inpaint = true }

  local function title_of (take)
    local _, name = reaper.GetSetMediaItemTakeInfo_String (take, 'P_NAME', '', false)
    return '“' .. name .. '”'
  end

  -- A source may be a section of another one, or one that is played backwards.
  local function root_of (source)
    local length, in_beats = reaper.GetMediaSourceLength (source)
    local found = { offset = 0, length = length, in_beats = in_beats, reversed = false }
    while true do
      local is_section, offset, _, reversed = reaper.PCM_Source_GetSectionInfo (source)
      if is_section then
        found.offset = found.offset + offset
        found.reversed = found.reversed or reversed
      end
      local parent = reaper.GetMediaSourceParent (source)
      if not parent then break end
      source = parent
    end
    found.root = source
    return found
  end

  -- Why a cut out of the file would not be what is heard; '' where it is.
  local function why_render (clip, source)
    if source.reversed then return 'reversed' end
    local ends = clip.offset + clip.length * clip.play_rate
    if clip.loops and (clip.offset < 0 or ends > source.length + 0.5 / clip.file_rate) then return 'looped' end
    if reaper.GetTakeNumStretchMarkers (clip.take) > 0 then return 'stretched by markers' end
    if math.abs (clip.play_rate - 1) > 1e-9 then return 'played at another speed' end
    if clip.pitch ~= 0 then return 'played at another pitch' end
    if clip.channel_mode > right or clip.channel_mode == 2 then return 'played with some of its channels only' end
    if not exact_types[reaper.GetMediaSourceType (source.root)] then return 'a file that every program decodes differently' end
    return ''
  end

  local function check (item, take, settings)
    if not take then return 'An empty item is selected. Select an audio clip, or a time range over one, and try again.' end
    if reaper.TakeIsMIDI (take) then
      return title_of (take) .. ' holds notes and no audio. Select an audio clip, or render the notes to audio first.'
    end
    if reaper.TakeFX_GetCount (take) > 0 and not settings.dry then
      return title_of (take) .. ' plays through take FX, which are not in its file. Render it as a new take (Item, Apply'
        .. ' track/take FX to items), or tick “without take FX” in the sendreturn panel.'
    end
    return nil
  end

  local function files_of (path, mode)
    local channels = { [swapped] = { 1, 0 }, [left] = { 0 }, [right] = { 1 } }
    local files = mailbox.list ()
    for index, channel in ipairs (channels[mode] or {}) do files[index] = { path = path, channel = channel } end
    if #files == 0 then files[1] = { path = path } end
    return files
  end

  local function number (item, name) return reaper.GetMediaItemInfo_Value (item, name) end
  local function take_number (take, name) return reaper.GetMediaItemTakeInfo_Value (take, name) end

  -- One item, or nil and a sentence.
  local function clip_of (item, settings)
    local take = reaper.GetActiveTake (item)
    local wrong = check (item, take, settings)
    if wrong then return nil, wrong end
    local source = root_of (reaper.GetMediaItemTake_Source (take))
    local path = reaper.GetMediaSourceFileName (source.root)
    if path == '' or not reaper.file_exists (path) then
      return nil, 'The file of ' .. title_of (take) .. ' is missing: ' .. path .. ' is not there. Bring it back, or choose'
        .. ' another with Item, Item properties, Choose new file.'
    end
    local file_rate = reaper.GetMediaSourceSampleRate (source.root)
    if file_rate <= 0 then
      return nil, 'The media of ' .. title_of (take) .. ' is offline. Set it online (Item, Set selected media online).'
    end
    local clip = {
      item = item, take = take, title = title_of (take), path = path, file_rate = file_rate,
      position = number (item, 'D_POSITION'), length = number (item, 'D_LENGTH'), loops = number (item, 'B_LOOPSRC') ~= 0,
      gain = math.abs (number (item, 'D_VOL') * take_number (take, 'D_VOL')),
      fade_in = number (item, 'D_FADEINLEN'), fade_out = number (item, 'D_FADEOUTLEN'),
      offset = take_number (take, 'D_STARTOFFS'), play_rate = take_number (take, 'D_PLAYRATE'),
      pitch = take_number (take, 'D_PITCH'), channel_mode = math.floor (take_number (take, 'I_CHANMODE')),
      channels = reaper.GetMediaSourceNumChannels (source.root), section = source.offset, source_length = source.length,
    }
    clip.why = why_render (clip, source)
    return clip
  end

  local function selected_items (proj)
    local found = {}
    for index = 0, reaper.CountMediaItems (proj) - 1 do
      local item = reaper.GetMediaItem (proj, index)
      if number (item, 'B_UISEL') ~= 0 then found[#found + 1] = item end
    end
    return found
  end

  -- Items under the time selection: on the selected tracks, or on all where none is selected.
  local function items_under (proj, from, to)
    local on_selected, on_any = {}, {}
    for index = 0, reaper.CountMediaItems (proj) - 1 do
      local item = reaper.GetMediaItem (proj, index)
      local position = number (item, 'D_POSITION')
      if position < to and position + number (item, 'D_LENGTH') > from then
        on_any[#on_any + 1] = item
        local track = reaper.GetMediaItem_Track (item)
        if reaper.GetMediaTrackInfo_Value (track, 'I_SELECTED') ~= 0 then on_selected[#on_selected + 1] = item end
      end
    end
    return #on_selected > 0 and on_selected or on_any
  end

  -- The items, and the time selection where it holds for them.
  local function chosen (proj)
    local items = selected_items (proj)
    local from, to = project.range (proj)
    if #items == 0 then return from and items_under (proj, from, to) or {}, from, to end
    local first, last = math.huge, -math.huge
    for _, item in ipairs (items) do
      local position = number (item, 'D_POSITION')
      first, last = math.min (first, position), math.max (last, position + number (item, 'D_LENGTH'))
    end
    if from and (to <= first or from >= last) then from, to = nil, nil end
    return items, from, to
  end

  local function one_track (items)
    local track = reaper.GetMediaItem_Track (items[1])
    for _, item in ipairs (items) do
      if reaper.GetMediaItem_Track (item) ~= track then return nil end
    end
    return track
  end

  -- What a clip plays between two times of the project: as samples of its file and of the project.
  local function piece_of (clip, rate, from, to)
    local begins, ends = math.max (clip.position, from), math.min (clip.position + clip.length, to)
    local position = project.samples (begins, rate)
    local per_sample = clip.file_rate / rate
    local length = project.round ((project.samples (ends, rate) - position) * per_sample)
    local start = project.round ((clip.section + clip.offset + begins - clip.position) * clip.file_rate)
    local first = project.round (clip.section * clip.file_rate)
    if start < first then  -- the item begins before its source does: silence
      position = position + project.round ((first - start) / per_sample)
      length, start = length - (first - start), first
    end
    length = math.min (length, project.round ((clip.section + clip.source_length) * clip.file_rate) - start)
    if length <= 0 then return nil end
    return {
      files = files_of (clip.path, clip.channel_mode), start = start, length = length, position = position, gain = clip.gain,
      fade_in = project.samples (clip.fade_in, rate), fade_out = project.samples (clip.fade_out, rate),
    }
  end

  local function overlap (clips)
    for index = 2, #clips do
      local before = clips[index - 1]
      if before.position + before.length > clips[index].position + 1e-9 then return true end
    end
    return false
  end

  local function describe (proj, items, settings)
    local clips = {}
    for index, item in ipairs (items) do
      local clip, wrong = clip_of (item, settings)
      if not clip then return nil, wrong end
      clips[index] = clip
    end
    table.sort (clips, function (one, other) return one.position < other.position end)
    return clips
  end

  -- The part of the project that is sent, and the part of it that was chosen, or nil where that is all.
  local function window (clips, operation, from, to)
    local first, last = clips[1].position, -math.huge
    for _, clip in ipairs (clips) do last = math.max (last, clip.position + clip.length) end
    if not from then return first, last end
    from, to = math.max (from, first), math.min (to, last)
    if not wants_context[operation] then return from, to end
    return math.max (first, from - context_s), math.min (last, to + context_s), from, to
  end

  local function render_of (clips, first, last, track)
    local is_mixed = overlap (clips)
    local needed = is_mixed
    for _, clip in ipairs (clips) do needed = needed or clip.why ~= '' end
    if not needed then return nil end
    return { clips = clips, first = first, last = last, track = is_mixed and track or nil }
  end

  -- All that is selected: a table with `pieces`, or with `render` where REAPER has to render; or nil and a sentence.
  -- `operation` is what the word that the user chose stands for.
  function selection.read (proj, operation, settings)
    local items, from, to = chosen (proj)
    if #items == 0 then
      return nil, 'Nothing is selected. Select an audio clip, or a time range over one, and try again.'
    end
    local track = one_track (items)
    if not track then return nil, 'Clips of several tracks are selected. Select those of one track, and try again.' end
    local clips, wrong = describe (proj, items, settings)
    if not clips then return nil, wrong end
    local rate = project.rate (proj)
    local first, last, begins, ends = window (clips, operation, from, to)
    if operation == 'inpaint' and (not begins or (begins <= first and ends >= last)) then
      return nil, 'Nothing says which part is to be made anew. Set a time selection within the clip, and try again.'
    end
    local _, name = reaper.GetTrackName (track)
    local found = { rate_hz = rate, track = name, pieces = mailbox.list (), tempo = project.tempo (proj, rate, first, last) }
    if begins then
      local start = project.samples (begins, rate)
      found.range = { start, project.samples (ends, rate) - start }
    end
    found.render = render_of (clips, first, last, track)
    if found.render then return found end
    for _, clip in ipairs (clips) do found.pieces[#found.pieces + 1] = piece_of (clip, rate, first, last) end
    if #found.pieces == 0 then return nil, clips[1].title .. ' is silent there: its source does not reach that far.' end
    return found
  end
end
