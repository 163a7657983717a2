  -- Puts what comes back on new tracks. What the session holds already is only read.
  --
  --   placing.place (placement)     how many tracks are new, and sentences for the files that have none
  --
  -- Ardour's own import onto tracks would be an undo step for each file, which no other step may surround
  -- (HistoryOwner::begin_reversible_command). So the files are imported into its list of regions, where nothing of a
  -- session that is saved in between is heard yet, and then laid on tracks all at once, in one step.
  local placing = {}

  do
    local _, no_group = pcall (function () return ARDOUR.RouteGroup () end)
    if type (no_group) ~= 'userdata' then no_group = nil end  -- before Ardour 9

    local function samples (count, rate, own)
      return count and math.floor (count * rate / own + 0.5)
    end

    -- A file with its mark, and what of it is shown, in the session's samples.
    local function item_of (placement, index, rate)
      local file = placement.files[index]
      local own = file.sample_rate_hz or rate
      return {
        file = file, mark = string.format ('[sendreturn %s/%d]', placement.send_id, index),
        offset = samples (file.offset_samples or 0, rate, own), length = samples (file.length_samples, rate, own),
      }
    end

    local function why_not (file)
      local opened = io.open (file.path, 'rb')
      if not opened then return 'is missing' end
      local size = opened:seek ('end')
      opened:close ()
      if file.size_bytes and size ~= file.size_bytes then return 'is not whole' end
    end

    local function number_of (region)
      return tonumber (region:to_stateful ():id ():to_s ())
    end

    -- Imports files in one go; the regions of audio and those of notes that they have become, in that order. Ardour leaves
    -- off at a file that it cannot read (gtk2_ardour/editor_audio_import.cc, the same from 7.3 to 9.8). It runs its main
    -- loop meanwhile.
    local function import (items)
      local before, made, files = {}, {}, C.StringVector ()
      for _, region in ARDOUR.RegionFactory.regions ():iter () do before[number_of (region)] = true end
      for _, item in ipairs (items) do files:push_back (item.file.path) end
      Editor:do_import (files, Editing.ImportDistinctFiles, Editing.ImportAsRegion, ARDOUR.SrcQuality.SrcBest,
        ARDOUR.MidiTrackNameSource.SMFTrackName, ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore,
        Temporal.timepos_t (0), ARDOUR.PluginInfo (), ARDOUR.Track (), false)
      for _, region in ARDOUR.RegionFactory.regions ():iter () do
        if not before[number_of (region)] and region:whole_file () then made[#made + 1] = region end
      end
      table.sort (made, function (one, other) return number_of (one) < number_of (other) end)
      local audio, notes = {}, {}
      for _, region in ipairs (made) do
        local kind = region:to_audioregion ():isnil () and notes or audio
        kind[#kind + 1] = region
      end
      return audio, notes
    end

    -- Audio files become one region each; a MIDI file, the last of its run, as many as it has tracks with notes. What stood
    -- behind a file that cannot be read gets its own turn.
    local function read (items)
      local audio, notes = import (items)
      local is_broken = false
      for index, item in ipairs (items) do
        if is_broken then
          read { item }
        else
          item.regions = item.file.kind == 'midi' and notes or { audio[index] }
          is_broken = #item.regions == 0
        end
      end
    end

    -- Neighbours that Ardour takes in one go, in the placement's order.
    local function runs_of (items)
      local runs = {}
      for _, item in ipairs (items) do
        local run = runs[#runs]
        if run and run[#run].file.kind ~= 'midi' then run[#run + 1] = item else runs[#runs + 1] = { item } end
      end
      return runs
    end

    -- Ardour names the region of one of several tracks of a MIDI file "<file>.<track>-<n>".
    local function name_of (item, region)
      local own = #item.regions > 1 and region:name ():match ('%.([^.]+)%-t?%d+$')
      return ((own and item.file.name .. ' ' .. own or item.file.name):gsub ('[:/]', '-'))
    end

    local function new_track (audio, name)
      local last, normal = ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal
      if audio:isnil () then
        local midi = ARDOUR.ChanCount (ARDOUR.DataType ('midi'), 1)
        return Session:new_midi_track (midi, midi, true, ARDOUR.PluginInfo (), nil, no_group, 1, name, last, normal, true)
      end
      local master = Session:master_out ()
      local outputs = master:isnil () and audio:n_channels () or master:n_inputs ():n_audio ()
      return Session:new_audio_track (audio:n_channels (), outputs, no_group, 1, name, last, normal, true)
    end

    local function dress (route, item)
      route:set_comment (item.mark .. ' ' .. item.file.path, nil)
      local color = tonumber ((item.file.color or ''):match ('^#(%x%x%x%x%x%x)$') or '', 16)
      if color then route:presentation_info_ptr ():set_color (color << 8 | 0xFF) end
    end

    -- Of an audio region, what the placement says of it.
    local function trim (region, audio, item)
      if item.offset > 0 or item.length then
        local shown = math.min (item.length or math.maxinteger, region:length ():samples () - item.offset)
        local from = region:position ():samples () + item.offset
        region:trim_to (Temporal.timepos_t (from), Temporal.timecnt_t (shown))
      end
      if item.file.gain and item.file.gain ~= 1 then audio:set_scale_amplitude (item.file.gain) end
    end

    -- A copy of an imported region, and a track of its own to lie on.
    local function prepared (imported, item)
      local region = ARDOUR.RegionFactory.clone_region (imported, true, false)
      local audio = region:to_audioregion ()
      if not audio:isnil () then trim (region, audio, item) end
      for track in new_track (audio, name_of (item, imported)):iter () do
        return { region = region, track = track, item = item }
      end
      error ('Ardour makes no track for ' .. item.file.path, 0)
    end

    local function lay (part)
      local playlist = part.track:playlist ()
      playlist:to_stateful ():clear_changes ()
      playlist:add_region (part.region, Temporal.timepos_t (part.item.file.position_samples), 1, false)
      Session:add_stateful_diff_command (playlist:to_statefuldestructible ())
    end

    local function bounds_of (parts)
      local first, last = math.maxinteger, 0
      for _, part in ipairs (parts) do
        local position = part.region:position ():samples ()
        first, last = math.min (first, position), math.max (last, position + part.region:length ():samples ())
      end
      return first, last
    end

    -- Ardour itself does so for commands of its own, where the user has not set the range (session_range_is_free).
    local function let_session_reach (parts)
      local range = Session:locations ():session_range_location ()
      if not range or not Session:session_range_is_free () then return end
      local first, last = bounds_of (parts)
      if first < range:start ():samples () then range:set_start (Temporal.timepos_t (first), false) end
      if last > range:_end ():samples () then range:set_end (Temporal.timepos_t (last), false) end
    end

    local function lay_all (title, items)
      local parts = {}
      for _, item in ipairs (items) do
        for _, region in ipairs (item.regions) do parts[#parts + 1] = prepared (region, item) end
      end
      Session:begin_reversible_command ('sendreturn: ' .. title)
      local ok, wrong = pcall (function () for _, part in ipairs (parts) do lay (part) end end)
      Session:commit_reversible_command (nil)
      if not ok then error (wrong, 0) end
      for _, part in ipairs (parts) do dress (part.track, part.item) end
      let_session_reach (parts)
      return #parts
    end

    -- The marks of all returns that lie in the session: a return is placed once, whatever was interrupted.
    local function marks ()
      local comments = {}
      for _, route in ipairs (tracks ()) do comments[#comments + 1] = route:comment () end
      return table.concat (comments, '\n')
    end

    local function sentence (item, why)
      return string.format ('“%s” %s (%s)', item.file.name, why, item.file.path)
    end

    function placing.place (placement)
      if not is_writable (session_path ()) then error ('the session is read-only', 0) end
      local there, rate = marks (), Session:nominal_sample_rate ()
      local waiting, problems = {}, {}
      for index in ipairs (placement.files) do
        local item = item_of (placement, index, rate)
        local is_there = there:find (item.mark, 1, true) ~= nil
        local why = not is_there and why_not (item.file)
        if why then
          problems[#problems + 1] = sentence (item, why)
        elseif not is_there then
          waiting[#waiting + 1] = item
        end
      end
      for _, run in ipairs (runs_of (waiting)) do read (run) end
      for _, item in ipairs (waiting) do
        if #item.regions == 0 then problems[#problems + 1] = sentence (item, 'cannot be imported') end
      end
      return #waiting > 0 and lay_all (placement.title, waiting) or 0, problems
    end
  end
