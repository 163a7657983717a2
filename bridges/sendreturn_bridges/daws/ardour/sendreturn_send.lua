ardour {
  ["type"] = "EditorAction",
  name = "sendreturn: Send",
  license = "MIT",
  author = "sendreturn",
  description = [[
    Send the selected audio regions, or the selected range of a track, to a music service. What comes back lies on new
    tracks at the same place. (sendreturn-bridge @VERSION@)
  ]]
}

function action_params ()
  return {
    ["operation"] = { title = "Operation or preset (ask: choose every time)", default = "ask" },
  }
end

function factory (params)
--@include lua/mailbox.lua
--@include ardour/common.lua

  -- How much around a selected range is sent along, in seconds before and after it: what a section is to fit, or what
  -- is to go on. It is trimmed off again. Other operations are about the range alone.
  local context_s = { inpaint = { 30, 30 }, extend = { 30, 0 } }

  local function refuse (sentence, ...)
    error ({ sentence = string.format (sentence, ...) }, 0)
  end

  local function piece_of (region)
    local name, audio, files = region:name (), region:to_audioregion (), mailbox.list ()
    if audio:isnil () then
      refuse ('“%s” is a MIDI region. Bounce it to audio, and send that.', name)
    end
    if region:is_compound () then
      refuse ('“%s” is a compound of several regions. Bounce it (Region > Export > Bounce), and send that.', name)
    end
    for channel = 0, audio:n_channels () - 1 do
      local source = region:source (channel)
      local file = source:to_filesource ()
      if file:isnil () then refuse ('“%s” is no file on the disk. Bounce it, and send that.', name) end
      if not is_there (file:path ()) then refuse ('The source file of “%s” is missing: %s.', name, file:path ()) end
      files[#files + 1] = { path = file:path (), channel = file:channel () }
    end
    return {
      files = files,
      start = region:start ():samples (),
      length = region:length ():samples (),
      position = region:position ():samples (),
      gain = math.abs (audio:scale_amplitude ()),
    }
  end

  -- The part of a piece between two samples of the timeline; nil where there is none.
  local function cut (piece, first, last)
    local from = math.max (piece.position, first)
    local to = math.min (piece.position + piece.length, last)
    if to <= from then return nil end
    piece.start = piece.start + from - piece.position
    piece.position, piece.length = from, to - from
    return piece
  end

  local function names_of (routes)
    local names = {}
    for _, route in ipairs (routes) do names[#names + 1] = '“' .. route:name () .. '”' end
    return table.concat (names, ', ')
  end

  local function in_range (selection, first, last, around)
    local routes, rate = {}, Session:nominal_sample_rate ()
    for route in selection.tracks:routelist ():iter () do
      if not route:to_track ():isnil () then routes[#routes + 1] = route end
    end
    if #routes == 0 then refuse ('A range is selected, but no track. Select the range on the track that is to be sent.') end
    if #routes > 1 then refuse ('The range lies on several tracks (%s). Select it on one track.', names_of (routes)) end
    local from, to = math.max (first - around[1] * rate, 0), last + around[2] * rate
    local pieces, heard = mailbox.list (), false
    for region in routes[1]:to_track ():playlist ():region_list ():iter () do
      local position = region:position ():samples ()
      if not region:muted () and position < to and position + region:length ():samples () > from then
        local piece = cut (piece_of (region), from, to)
        pieces[#pieces + 1] = piece
        heard = heard or piece.position < last and piece.position + piece.length > first
      end
    end
    if not heard then refuse ('There is no audio in the selected range of “%s”.', routes[1]:name ()) end
    return pieces, routes[1]:name (), mailbox.list { first, last - first }
  end

  local function route_of (region)
    local id = region:to_stateful ():id ()
    for _, route in ipairs (tracks ()) do
      if not route:to_track ():playlist ():region_by_id (id):isnil () then return route end
    end
  end

  local function in_regions (selection)
    local pieces, routes, seen = mailbox.list (), {}, {}
    for region in selection.regions:regionlist ():iter () do
      pieces[#pieces + 1] = piece_of (region)
      local route = route_of (region)
      if route and not seen[route:name ()] then
        seen[route:name ()] = true
        routes[#routes + 1] = route
      end
    end
    if #pieces == 0 then refuse ('Nothing is selected. Select an audio region, or a range on a track, and try again.') end
    if #routes > 1 then
      refuse ('The selected regions lie on several tracks (%s). Send those of one track at a time.', names_of (routes))
    end
    return pieces, routes[1] and routes[1]:name () or ''
  end

  -- Ardour tells the tempo at a place, not where it changes: a look at every quarter note, and what has changed is told.
  local function tempo_of (first, last)
    local map, points, told = Temporal.TempoMap.read (), mailbox.list (), ''
    local beat, position = map:quarters_at_sample (first), first
    for _ = 1, 5000 do
      local place = Temporal.timepos_t (position)
      local meter = map:meter_at (place)
      local bpm = math.floor (map:quarters_per_minute_at (place) * 1e4 + 0.5) / 1e4
      local signature = string.format ('%d/%d', meter:divisions_per_bar (), meter:note_value ())
      if bpm >= 20 and bpm <= 999 and told ~= bpm .. signature then
        told = bpm .. signature
        points[#points + 1] = { position = position, bpm = bpm, time_signature = signature }
      end
      beat = beat:next_beat ()
      position = map:sample_at_beats (beat)
      if position >= last then break end
    end
    return points
  end

  local function span (pieces)
    local first, last = math.huge, 0
    for _, piece in ipairs (pieces) do
      first, last = math.min (first, piece.position), math.max (last, piece.position + piece.length)
    end
    return first, last
  end

  local function look_at_session ()
    local session = session_path ()
    -- Ardour marks a session that it may throw away when it ends with a file (Session::unnamed in session_state.cc).
    if session == '' or is_there (session .. '/.unnamed') then
      refuse ('This session has no name yet. Save it first (Session > Save): what comes back is kept in its folder.')
    end
    if not is_writable (session) then
      refuse ('This session is read-only: what comes back could not be kept in %s.', session)
    end
    return session
  end

  local function note_sent (path, request, operation)
    local file = io.open (sent_file (), 'a')
    if not file then return end
    file:write (mailbox.encode { path = path, request = request, operation = operation }, '\n')
    file:close ()
  end

  -- The daemon's words: the user's presets, and the operation that each stands for.
  local function presets ()
    local file = io.open (folder .. '/in/words.json', 'rb')
    local words = file and mailbox.decode (file:read ('a')) or {}
    if file then file:close () end
    return words.presets or {}
  end

  local function context_of (operation, side)
    local around = context_s[operation] or context_s[presets ()[operation]] or { 0, 0 }
    return side == 'left' and { around[2], around[1] } or around
  end

  local function send (operation, own_params, request)
    local session = look_at_session ()
    local selection = Editor:get_selection ()
    local first, last = selection.time:start_sample (), selection.time:end_sample ()
    local pieces, track, range
    if last > first then
      pieces, track, range = in_range (selection, first, last, context_of (operation, own_params.side))
    else
      pieces, track = in_regions (selection)
    end
    request = request or mailbox.unique ()
    local path, sentence = box:write {
      kind = 'send', request = request, session = session, operation = operation, params = own_params, track = track,
      rate_hz = Session:nominal_sample_rate (), pieces = pieces, range = range, tempo = tempo_of (span (pieces)),
    }
    if not path then refuse ('%s', sentence .. ' Start the daemon with `sendreturn run`.') end
    note_sent (path, request, operation)
    -- The daemon sees the file by itself; a word over OSC makes it instant where the system tells late of new files.
    ARDOUR.LuaOSC.Address ('osc.udp://127.0.0.1:@OSC_PORT@'):send ('/sendreturn/selection', 's', path)
    say (string.format ('%s of “%s” is on its way.', operation, track))
  end

  local function choices ()
    local values = { ['Extend'] = 'extend', ['Cover'] = 'cover', ['Inpaint'] = 'inpaint', ['Stems'] = 'stems', ['MIDI'] = 'midi' }
    for preset, operation in pairs (presets ()) do values[string.format ('Preset %s (%s)', preset, operation)] = preset end
    return values
  end

  local function ask ()
    local answer = LuaDialog.Dialog ('sendreturn: Send', {
      { type = 'dropdown', key = 'operation', title = 'Operation', values = choices (), default = 'Extend' },
      { type = 'entry', key = 'prompt', title = 'In words', default = '' },
      { type = 'number', key = 'extend_s', title = 'Extend by (s, 0 as set)', min = 0, max = 600, default = 0, step = 5 },
      { type = 'checkbox', key = 'left', title = 'Extend to the left', default = false },
    }):run ()
    if not answer then return end
    local chosen = {}
    if answer.prompt ~= '' then chosen.prompt = answer.prompt end
    if answer.extend_s > 0 and answer.operation == 'extend' then chosen.extend_s = answer.extend_s end
    if answer.left and answer.operation == 'extend' then chosen.side = 'left' end
    send (answer.operation, chosen)
  end

  local function show_sends ()
    box:enter (session_path ())
    local status = box:status () or {}
    local sends, rows = status.sends or {}, {}
    if #sends == 0 then return show ('Nothing is on its way.', LuaDialog.MessageType.Info) end
    local cancelled = { ['Leave all as they are'] = '' }
    for _, entry in ipairs (sends) do
      local text = string.format ('%s: %s, %d %%', entry.send_id, entry.state, math.floor ((entry.progress or 0) * 100))
      rows[#rows + 1] = { type = 'label', title = text, align = 'left' }
      cancelled['Cancel ' .. entry.send_id] = entry.send_id
    end
    rows[#rows + 1] = { type = 'dropdown', key = 'cancel', title = 'Then', values = cancelled, default = 'Leave all as they are' }
    local answer = LuaDialog.Dialog ('sendreturn: Sends', rows):run ()
    if answer and answer.cancel ~= '' then box:write { kind = 'cancel', send = answer.cancel, session = session_path () } end
  end

  local function run (press)
    local operation = params and params.operation or 'ask'
    if press then
      send (press.operation, press.params or {}, press.request)
    elseif operation == 'ask' then
      ask ()
    elseif operation == 'status' then
      show_sends ()
    else
      send (operation, {})
    end
  end

  -- Ardour unloads an action that raises. The hook runs it with a press from outside, and hears why nothing was sent.
  return function (press)
    local ok, problem = pcall (run, press)
    if ok then return nil end
    local sentence = type (problem) == 'table' and problem.sentence or 'The selection cannot be sent: ' .. tostring (problem)
    if press then return sentence end
    show (sentence)
  end
end
