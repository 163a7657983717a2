  -- Puts what comes back on new tracks. What the session holds already is only read.
  --
  --   placing.place (placement, is_resumed)     how many tracks are new, and sentences for the files that have none
  --
  -- Ardour saves the session by itself with each file that it imports, before this script can name and mark the track.
  -- What an Ardour that ended in between has left is taken up by the name of its source.
  local placing = {}

  do
    local anything_of_ours = '[sendreturn '

    local function id_of (route)
      return tonumber (route:to_stateful ():id ():to_s ())
    end

    local function regions_of (route)
      return route:to_track ():playlist ():region_list ()
    end

    local function samples (count, rate, own)
      return count and math.floor (count * rate / own + 0.5)
    end

    -- A file with its mark, and what of it is shown where, in the session's samples.
    local function item_of (placement, index, rate)
      local file = placement.files[index]
      local own = file.sample_rate_hz or rate
      local offset = samples (file.offset_samples or 0, rate, own)
      return {
        file = file, mark = string.format ('%s%s/%d]', anything_of_ours, placement.send_id, index), offset = offset,
        length = samples (file.length_samples, rate, own), at = math.max (file.position_samples - offset, 0),
      }
    end

    local function why_not (file)
      local opened = io.open (file.path, 'rb')
      if not opened then return 'is missing' end
      local size = opened:seek ('end')
      opened:close ()
      if file.size_bytes and size ~= file.size_bytes then return 'is not whole' end
    end

    -- Imports files in one go; the tracks that they have become, in that order: Ardour leaves off at a file that it
    -- cannot read (gtk2_ardour/editor_audio_import.cc, the same from 7.3 to 9.8). It runs its main loop meanwhile.
    local function import (items)
      local before, made, files = {}, {}, C.StringVector ()
      for _, route in ipairs (tracks ()) do before[id_of (route)] = true end
      for _, item in ipairs (items) do files:push_back (item.file.path) end
      Editor:do_import (files, Editing.ImportDistinctFiles, Editing.ImportAsTrack, ARDOUR.SrcQuality.SrcBest,
        ARDOUR.MidiTrackNameSource.SMFTrackName, ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore,
        Temporal.timepos_t (items[1].at), ARDOUR.PluginInfo (), ARDOUR.Track (), false)
      for _, route in ipairs (tracks ()) do
        if not before[id_of (route)] then made[#made + 1] = route end
      end
      table.sort (made, function (one, other) return id_of (one) < id_of (other) end)
      return made
    end

    local function move (region, position)
      if region:position ():samples () ~= position then region:set_position (Temporal.timepos_t (position)) end
    end

    -- Shows of a region what the placement says, at its place. One undo step takes it back together with the import.
    local function fit (region, item)
      local audio = region:to_audioregion ()
      if audio:isnil () then return end
      region:to_stateful ():clear_changes ()
      move (region, item.at)
      if item.offset > 0 or item.length then
        local shown = math.min (item.length or math.maxinteger, region:length ():samples () - item.offset)
        region:trim_to (Temporal.timepos_t (item.at + item.offset), Temporal.timecnt_t (shown))
      end
      move (region, item.file.position_samples)
      if item.file.gain and item.file.gain ~= 1 then audio:set_scale_amplitude (item.file.gain) end
      Session:add_stateful_diff_command (region:to_statefuldestructible ())
    end

    -- Ardour gives every track of a MIDI file a track of its own, and names its region "<file>.<track>-<n>".
    local function dress (route, item, of_several)
      local file = item.file
      local own = of_several and route:name ():match ('%.([^.]+)%-t?%d+$')
      route:set_name (((own and file.name .. ' ' .. own or file.name):gsub ('[:/]', '-')))
      route:set_comment (item.mark .. ' ' .. file.path, nil)
      local color = tonumber ((file.color or ''):match ('^#(%x%x%x%x%x%x)$') or '', 16)
      if color then route:presentation_info_ptr ():set_color (color << 8 | 0xFF) end
    end

    local function finish (routes, item)
      for _, route in ipairs (routes) do
        for region in regions_of (route):iter () do fit (region, item) end
        dress (route, item, #routes > 1)
      end
    end

    -- Audio files become one track each; a MIDI file, which is imported alone, as many as it has. The items without one.
    local function add (items)
      local made, left = import (items), {}
      if items[1].file.kind == 'midi' then
        finish (made, items[1])
        return #made, #made > 0 and {} or items
      end
      for index, item in ipairs (items) do
        if made[index] then finish ({ made[index] }, item) else left[#left + 1] = item end
      end
      return #made, left
    end

    -- What stood behind a file that cannot be read gets its own turn.
    local function add_all (items)
      local count, left = add (items)
      if #items == 1 or #left == 0 then return count, left end
      local wrong = {}
      for _, item in ipairs (left) do
        local more, still = add ({ item })
        count = count + more
        wrong[#wrong + 1] = still[1]
      end
      return count, wrong
    end

    -- Whether a source is what a file was imported as: "<file>%L.wav", "<file>-2.wav", "<file>.<track>-1.mid".
    local function is_from (source, file)
      local own = source:to_filesource ()
      if own:isnil () then return false end
      local name, stem = own:path ():match ('[^/\\]*$'), file.path:match ('([^/\\]*)%.[^.]*$')
      local is_notes = name:match ('%.mid$') ~= nil
      return is_notes == (file.kind == 'midi') and name:sub (1, #stem) == stem and name:match ('^[%%.-]', #stem + 1) ~= nil
    end

    local function is_left_of (route, item)
      if route:comment ():find (anything_of_ours, 1, true) then return false end
      for region in regions_of (route):iter () do
        if is_from (region:source (0), item.file) then return true end
      end
      return false
    end

    local function left_of (item)
      local found = {}
      for _, route in ipairs (tracks ()) do
        if is_left_of (route, item) then found[#found + 1] = route end
      end
      return found
    end

    -- The marks of all returns that lie in the session: a return is placed once, whatever was interrupted.
    local function marks ()
      local comments = {}
      for _, route in ipairs (tracks ()) do comments[#comments + 1] = route:comment () end
      return table.concat (comments, '\n')
    end

    -- Neighbours that Ardour takes in one go, in the placement's order.
    local function runs_of (items)
      local runs = {}
      for _, item in ipairs (items) do
        local run = runs[#runs]
        if run and run[1].file.kind ~= 'midi' and item.file.kind ~= 'midi' then
          run[#run + 1] = item
        else
          runs[#runs + 1] = { item }
        end
      end
      return runs
    end

    local function sentence (item, why)
      return string.format ('“%s” %s (%s)', item.file.name, why, item.file.path)
    end

    function placing.place (placement, is_resumed)
      local there, rate, count = marks (), Session:nominal_sample_rate (), 0
      local waiting, problems = {}, {}
      for index in ipairs (placement.files) do
        local item = item_of (placement, index, rate)
        local is_there = there:find (item.mark, 1, true) ~= nil
        local left = not is_there and is_resumed and left_of (item) or {}
        local why = not is_there and #left == 0 and why_not (item.file)
        if why then
          problems[#problems + 1] = sentence (item, why)
        elseif #left > 0 then
          finish (left, item)
          count = count + #left
        elseif not is_there then
          waiting[#waiting + 1] = item
        end
      end
      for _, run in ipairs (runs_of (waiting)) do
        local more, wrong = add_all (run)
        count = count + more
        for _, item in ipairs (wrong) do problems[#problems + 1] = sentence (item, 'cannot be imported') end
      end
      return count, problems
    end
  end
