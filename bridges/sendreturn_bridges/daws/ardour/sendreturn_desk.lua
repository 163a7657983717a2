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

--@include ardour/placing.lua

  local patience = 30  -- ticks of a tenth of a second until a selection that no daemon takes is told
  local session        -- the session that the mailbox is about
  local sent = {}      -- what the action has put into the mailbox, by its request
  local seen = 0       -- the number of the latest note that was told
  local stands = {}    -- what was told of a send's state
  local to_show = {}   -- sentences that wait until nothing plays
  local left_over = {} -- placements that an Ardour that ended did not finish
  local is_told        -- whether the daemon knows that the session is open
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
    left_over, is_told = box:left (), false
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

  local function folder_of (placement)
    return placement.files[1] and placement.files[1].path:match ('^(.*)[/\\]') or session
  end

  local function tell_placed (placement, count, problems)
    if #problems == 0 then
      box:write { kind = 'placed', send = placement.send_id, session = session }
    else
      to_show[#to_show + 1] = 'Not all of ' .. placement.title .. ' could be placed: ' .. table.concat (problems, '; ')
        .. '. It is offered again when the session is opened anew.'
    end
    say (string.format ('%s (%s): %d new tracks.', placement.title, placement.send_id, count))
  end

  -- Only when the session is saved with the new tracks and their marks is the placement finished. One that fails on the
  -- way stays claimed, and is tried again when the session is opened anew.
  local function place (placement, number)
    local ok, count, problems = pcall (placing.place, placement)
    local why = not ok and tostring (count)
    if ok and count > 0 and Session:save_state ('', false, false, false, false, false) ~= 0 then
      why = 'Ardour cannot save the session'
    end
    if why then
      to_show[#to_show + 1] = placement.title .. ' could not be placed: ' .. why .. '. It is kept in '
        .. folder_of (placement) .. ', and tried again when the session is opened anew.'
      return
    end
    tell_placed (placement, count, problems)
    box:finish (number)
  end

  -- What an Ardour that ended has left comes first, and only then does the daemon hear of the session: it would offer
  -- the same again.
  local function place_next ()
    local waiting = table.remove (left_over, 1)
    if waiting and waiting.placement then return place (waiting.placement, waiting.number) end
    if waiting then return box:finish (waiting.number) end
    if not is_told then
      is_told = box:write { kind = 'opened', session = session } ~= nil
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
