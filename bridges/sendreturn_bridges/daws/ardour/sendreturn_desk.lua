ardour {
  ["type"] = "EditorHook",
  name = "sendreturn",
  license = "MIT",
  author = "sendreturn",
  description = [[
    Places on new tracks what comes back, and tells in the log how sends stand. (sendreturn-bridge @VERSION@)
  ]]
}

function signals ()
  return LuaSignal.Set ():add ({ [LuaSignal.LuaTimerDS] = true })
end

function factory (params)
--@include lua/mailbox.lua
--@include ardour/common.lua

  local patience = 30  -- ticks of a tenth of a second until a selection that no daemon takes is told
  local session        -- the session that the mailbox is about
  local sent = {}      -- what the action has put into the mailbox, by its request
  local seen = 0       -- the number of the latest note that was told
  local stands = {}    -- what was told of a send's state
  local to_show = {}   -- sentences that wait until nothing plays
  local left_over = {} -- placements that an Ardour that ended did not finish
  local told           -- the last error of this script
  local pressed = {}   -- the requests of presses from outside: nobody may be at the screen to close a dialog

  local send           -- the action, as it runs when its key is pressed
  do
    local ardour, action_params, factory = function () end
--@include ardour/sendreturn_send.lua
    send = factory ()
  end

  local function enter (path)
    session = path
    box:enter (path)
    local status = box:status ()
    seen = status and status.count or 0
    left_over = box:left ()
    box:write { kind = 'opened', session = path }
  end

  local function answer_ping ()
    local nonce = box:ping ()
    if nonce then
      box:write { kind = 'pong', nonce = nonce, session = session, daw = 'Ardour with ' .. Session:name (), script = '@VERSION@' }
    end
  end

  -- What was sent

  local function read_sent ()
    local file = io.open (sent_file (), 'rb')
    if not file then return end
    local text = file:read ('a')
    file:close ()
    os.remove (sent_file ())
    for line in text:gmatch ('[^\n]+') do
      local entry = mailbox.decode (line)
      if entry then sent[entry.request] = { path = entry.path, operation = entry.operation, ticks = 0 } end
    end
  end

  local function obey (press)
    pressed[press.request] = true
    local sentence = send (press)
    if not sentence then return end
    say (sentence)
    box:refuse (press, sentence)
  end

  local function look_after_sent ()
    for request, entry in pairs (sent) do
      entry.ticks = entry.ticks + 1
      if not box:waits (entry.path) then
        entry.ticks = 0
      elseif entry.ticks == patience then
        to_show[#to_show + 1] = 'The sendreturn daemon does not run. The selection is kept, and goes out once it runs: '
          .. 'start it with `sendreturn run`.'
      end
    end
  end

  -- How sends stand

  local function tell_note (note)
    local of = note.send_id and ' (' .. note.send_id .. ')' or ''
    if (note.kind == 'error' or note.kind == 'failed') and not pressed[note.request or ''] then
      to_show[#to_show + 1] = (note.text or 'The send has failed') .. of
    else
      say ((note.text or note.kind) .. of)
    end
    if note.request then sent[note.request] = nil end
  end

  local function tell_state (entry)
    local stand = string.format ('%s %d', entry.state or '', math.floor ((entry.progress or 0) * 10))
    if stands[entry.send_id] == stand then return end
    stands[entry.send_id] = stand
    say (string.format ('%s: %s, %d %%', entry.send_id, entry.state or '', math.floor ((entry.progress or 0) * 100)))
  end

  local function read_status ()
    local status = box:status ()
    if not status then return end
    for _, note in ipairs (status.notes or {}) do
      if note.number > seen then tell_note (note) end
    end
    seen = status.count or seen
    for _, entry in ipairs (status.sends or {}) do tell_state (entry) end
  end

  -- Placing

  local function why_not (file)
    local opened = io.open (file.path, 'rb')
    if not opened then return 'is missing' end
    local size = opened:seek ('end')
    opened:close ()
    if file.size_bytes and size ~= file.size_bytes then return 'is not whole' end
  end

  local function id_of (route)
    return route:to_stateful ():id ():to_s ()
  end

  -- Imports a file at a sample; the tracks that it has become. Ardour runs its main loop while it imports.
  local function import (path, position)
    local before, made, files = {}, {}, C.StringVector ()
    for _, route in ipairs (tracks ()) do before[id_of (route)] = true end
    files:push_back (path)
    Editor:do_import (files, Editing.ImportDistinctFiles, Editing.ImportAsTrack, ARDOUR.SrcQuality.SrcBest,
      ARDOUR.MidiTrackNameSource.SMFTrackName, ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore,
      Temporal.timepos_t (position), ARDOUR.PluginInfo (), ARDOUR.Track (), false)
    for _, route in ipairs (tracks ()) do
      if not before[id_of (route)] then made[#made + 1] = route end
    end
    return made
  end

  -- Shows of a region what the placement says, at its place. One undo step takes it back together with the import.
  local function fit (region, file, at, offset, length)
    local audio = region:to_audioregion ()
    if audio:isnil () then return end
    region:to_stateful ():clear_changes ()
    if offset > 0 or length then
      local shown = math.min (length or math.maxinteger, region:length ():samples () - offset)
      region:trim_to (Temporal.timepos_t (at + offset), Temporal.timecnt_t (shown))
    end
    if region:position ():samples () ~= file.position_samples then
      region:set_position (Temporal.timepos_t (file.position_samples))
    end
    if file.gain and file.gain ~= 1 then audio:set_scale_amplitude (file.gain) end
    Session:add_stateful_diff_command (region:to_statefuldestructible ())
  end

  -- Ardour gives every track of a MIDI file a track of its own, and names its region "<file>.<track>-<n>".
  local function dress (route, file, mark, of_several)
    local own = of_several and route:name ():match ('%.([^.]+)%-t?%d+$')
    route:set_name (((own and file.name .. ' ' .. own or file.name):gsub ('[:/]', '-')))
    route:set_comment (mark .. ' ' .. file.path, nil)
    local color = tonumber ((file.color or ''):match ('^#(%x%x%x%x%x%x)$') or '', 16)
    if color then route:presentation_info_ptr ():set_color (color << 8 | 0xFF) end
  end

  local function place_file (file, mark, rate)
    local own = file.sample_rate_hz or rate
    local offset = math.floor ((file.offset_samples or 0) * rate / own + 0.5)
    local length = file.length_samples and math.floor (file.length_samples * rate / own + 0.5)
    local at = math.max (file.position_samples - offset, 0)
    local made = import (file.path, at)
    for _, route in ipairs (made) do
      for region in route:to_track ():playlist ():region_list ():iter () do fit (region, file, at, offset, length) end
      dress (route, file, mark, #made > 1)
    end
    return #made > 0
  end

  -- The marks of all returns that lie in the session: a return is placed once, whatever was interrupted.
  local function marks ()
    local comments = {}
    for _, route in ipairs (tracks ()) do comments[#comments + 1] = route:comment () end
    return table.concat (comments, '\n')
  end

  local function place_all (placement, problems)
    local there, count = marks (), 0
    for index, file in ipairs (placement.files) do
      local mark = string.format ('[sendreturn %s/%d]', placement.send_id, index)
      local why = why_not (file)
      if there:find (mark, 1, true) then
        why = nil
      elseif not why and place_file (file, mark, Session:nominal_sample_rate ()) then
        count = count + 1
      else
        problems[#problems + 1] = string.format ('“%s” %s (%s)', file.name, why or 'cannot be imported', file.path)
      end
    end
    return count
  end

  -- Ardour itself saves the session when it imports; saved once more, it holds the tracks with their names and marks,
  -- and only then is the placement finished.
  local function place (placement, number)
    local problems = {}
    Session:begin_reversible_command ('sendreturn: ' .. placement.title)
    local ok, count = pcall (place_all, placement, problems)
    Session:commit_reversible_command (nil)
    if not ok then problems[#problems + 1], count = tostring (count), 0 end
    if count > 0 then Session:save_state ('', false, false, false, false, false) end
    box:finish (number)
    if #problems == 0 then
      box:write { kind = 'placed', send = placement.send_id, session = session }
    else
      to_show[#to_show + 1] = 'Not all of ' .. placement.title .. ' could be placed: ' .. table.concat (problems, '; ')
        .. '. It is offered again when the session is opened anew.'
    end
    say (string.format ('%s (%s): %d new tracks.', placement.title, placement.send_id, count))
  end

  local function place_next ()
    local waiting = table.remove (left_over, 1)
    if waiting then
      if waiting.placement then place (waiting.placement, waiting.number) else box:finish (waiting.number) end
      return
    end
    local placement, number = box:take ()
    if placement then place (placement, number) end
  end

  local function tick ()
    if session ~= session_path () then enter (session_path ()) end
    answer_ping ()
    local press = box:press ()
    if press then obey (press) end
    read_sent ()
    read_status ()
    look_after_sent ()
    if not Session:actively_recording () then place_next () end
    if #to_show > 0 and not Session:transport_rolling () then show (table.remove (to_show, 1)) end
  end

  -- A dialog and an import run Ardour's main loop, and with it the timer. Ardour unloads a hook that raises.
  local busy = false
  return function ()
    if busy or not Session then return end
    busy = true
    local ok, problem = pcall (tick)
    busy = false
    if ok or tostring (problem) == told then return end
    told = tostring (problem)
    say ('the hook has failed: ' .. told)
  end
end
