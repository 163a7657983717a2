-- Runs in the background: places what has come back for the project in front, answers the daemon, tells how sends stand.
local receiver = {}

do
  local every_s = 0.1
  local patience_s = 10
  local is_recording = 4  -- GetPlayStateEx
  local box = desk.box
  local state = { seen = 0, peaks = {} }

  local function tell (text)
    reaper.ShowConsoleMsg ('sendreturn: ' .. text .. '\n')
  end

  local function finish (placement, number)
    if desk.placed (placement.send_id, state.session) then return end  -- it could not be written: said again next time
    box:finish (number)
  end

  -- What cannot be placed stays claimed, and is tried again when the project is opened the next time.
  local function place (placement, number)
    if placing.is_there (state.proj, placement.send_id) then return finish (placement, number) end
    local added, wrong = placing.place (state.proj, placement)
    for _, sentence in ipairs (wrong) do tell (sentence) end
    if not added then return end
    for _, take in ipairs (added) do state.peaks[#state.peaks + 1] = { take = take } end
    finish (placement, number)
    reaper.Help_Set ('sendreturn: ' .. placement.title .. ' is placed', true)
  end

  local function enter (proj, session)
    state.proj, state.session = proj, session
    box:enter (session)
    local status = box:status ()
    state.seen = status and status.count or 0
    if status then receiver.hear (status) end
    if session == '' then return end
    for _, left in ipairs (box:left ()) do
      if left.placement then place (left.placement, left.number) end
    end
    box:write { kind = 'opened', session = session }  -- only now: the daemon would offer the same again
  end

  -- A press from outside: whoever has pressed hears why not, and no dialog waits here for somebody at the screen.
  local function obey (press)
    state.pressed = press.request
    local ok, wrong = pcall (desk.send, press.operation, press.params, { dry = desk.settings ().dry }, press.request)
    if ok and not wrong then return end
    if not ok then wrong = 'The selection cannot be sent: ' .. tostring (wrong) end
    box:refuse (press, wrong)
    reaper.Help_Set ('sendreturn: ' .. wrong, true)
  end

  local function shows_dialog (note)
    return note.kind == 'error' and note.request ~= state.pressed and not desk.is_alive ('panel')
  end

  local function hear_note (note)
    if shows_dialog (note) then
      reaper.ShowMessageBox (note.text or '', 'sendreturn', 0)
    elseif note.kind == 'failed' then
      tell (note.text or 'a send has failed')
    elseif note.request == state.pressed and note.kind == 'error' then
      reaper.Help_Set ('sendreturn: ' .. (note.text or ''), true)
    end
  end

  -- Notes from before this run of the script are known, but for an answer to what was asked for a moment ago.
  function receiver.hear (status)
    for _, note in ipairs (status.notes or {}) do
      local is_answer = note.request and note.request == desk.get ('request') and note.request ~= state.request_seen
      if note.number > state.seen or is_answer then
        if is_answer then state.request_seen = note.request end
        hear_note (note)
      end
    end
    state.seen = math.max (state.seen, status.count or 0)
    for _, send in ipairs (status.sends or {}) do
      reaper.Help_Set (string.format ('sendreturn: %s %.0f %%', send.text or send.state or '', (send.progress or 0) * 100), true)
    end
  end

  -- Peaks are made a little at a time; a take that was undone meanwhile is gone.
  local function build_peaks ()
    local job = state.peaks[1]
    if not job then return end
    local source = reaper.ValidatePtr2 (state.proj, job.take, 'MediaItem_Take*') and reaper.GetMediaItemTake_Source (job.take)
    if source and not job.has_begun then
      job.has_begun = reaper.PCM_Source_BuildPeaks (source, 0) ~= 0
      if job.has_begun then return end
    elseif source and reaper.PCM_Source_BuildPeaks (source, 1) ~= 0 then
      return
    elseif source then
      reaper.PCM_Source_BuildPeaks (source, 2)
    end
    table.remove (state.peaks, 1)
    reaper.UpdateArrange ()
  end

  -- Whether the daemon takes what was sent; it is told once where it does not.
  local function look_after_sent ()
    local path = desk.get ('sent')
    if path == '' then return end
    if path ~= state.sent then state.sent, state.sent_at = path, reaper.time_precise () end
    if not box:waits (path) then return desk.set ('sent', '') end
    if reaper.time_precise () - state.sent_at < patience_s then return end
    desk.set ('sent', '')
    tell ('the daemon does not answer. Start it with `sendreturn run`; what was sent waits for it.')
  end

  local function answer_ping ()
    local nonce = box:ping ()
    if not nonce then return end
    box:write { kind = 'pong', nonce = nonce, daw = 'REAPER ' .. reaper.GetAppVersion (), script = '@VERSION@' }
  end

  function receiver.step ()
    desk.beat ('receiver')
    answer_ping ()
    local proj, session = project.current ()
    if proj ~= state.proj or session ~= state.session then enter (proj, session) end
    local press = box:press ()
    if press then obey (press) end
    if reaper.GetPlayStateEx (proj) & is_recording == 0 then  -- a take that is being recorded is not disturbed
      local placement, number = box:take ()
      if placement then place (placement, number) end
    end
    local status = box:status ()
    if status then receiver.hear (status) end
    look_after_sent ()
    build_peaks ()
  end

  local function loop ()
    local now = reaper.time_precise ()
    if now - (state.at or -every_s) >= every_s then
      state.at = now
      local ok, wrong = pcall (receiver.step)
      if not ok and tostring (wrong) ~= state.stumbled then
        state.stumbled = tostring (wrong)
        tell ('something is wrong with its receiver in REAPER: ' .. state.stumbled)
      end
    end
    reaper.defer (loop)
  end

  -- Runs until the script is ended; starting it again replaces the one that runs (REAPER 7.03 and newer).
  function receiver.run ()
    if reaper.set_action_options then reaper.set_action_options (1 | 2 | 4) end
    reaper.atexit (function () reaper.DeleteExtState (SECTION, 'receiver', false) end)
    loop ()
  end
end
