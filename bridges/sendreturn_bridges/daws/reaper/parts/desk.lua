-- What the scripts do with the daemon: send what is selected, act on a send, and remember what the panel was set to.
local desk = {}

do
  local box = mailbox.open (MAILBOX)
  local no_daemon = 'sendreturn is not installed for REAPER on this machine. Run `sendreturn bridge install reaper` there.'
  local alive_s = 2

  -- State that the scripts share; it lasts as long as REAPER runs.
  function desk.get (key) return reaper.GetExtState (SECTION, key) end
  function desk.set (key, value) reaper.SetExtState (SECTION, key, tostring (value), false) end

  -- Whether the script that beats under this name ran a moment ago.
  function desk.is_alive (name)
    local last = tonumber (desk.get (name))
    return last ~= nil and reaper.time_precise () - last < alive_s
  end

  function desk.beat (name) desk.set (name, reaper.time_precise ()) end

  local function read_json (path)
    local file = io.open (path, 'rb')
    if not file then return {} end
    local text = file:read ('a')
    file:close ()
    local found = mailbox.decode (text)
    return type (found) == 'table' and found or {}
  end

  -- The operations and presets that the daemon has: { operations = { … }, presets = { name = operation } }.
  function desk.words ()
    local found = read_json (MAILBOX .. '/in/words.json')
    return { operations = found.operations or { 'extend', 'cover', 'inpaint', 'stems', 'midi' }, presets = found.presets or {} }
  end

  function desk.settings () return read_json (MAILBOX .. '/panel.json') end

  function desk.keep (settings)
    local file = io.open (MAILBOX .. '/panel.json', 'wb')
    if not file then return end
    file:write (mailbox.encode (settings))
    file:close ()
  end

  -- What of the panel is asked for; a preset or the service decides on the rest.
  function desk.asked (settings)
    local found = {
      prompt = settings.prompt, style = settings.style, weirdness = settings.weirdness, service = settings.service,
      style_strength = settings.style_strength, audio_strength = settings.audio_strength,
    }
    local word = settings.word or 'extend'
    if (desk.words ().presets[word] or word) == 'extend' then
      found.extend_s = tonumber (settings.seconds)
      found.side = settings.left and 'left' or nil
    end
    return found
  end

  local function folder ()
    local _, path = reaper.get_action_context ()
    return path:match ('^.*[/\\]') or ''
  end

  -- Start the receiver where it does not run yet.
  function desk.wake ()
    if desk.is_alive ('receiver') then return end
    local command = reaper.NamedCommandLookup ('_sendreturn_receive')
    if command == 0 then command = reaper.AddRemoveReaScript (true, 0, folder () .. 'sendreturn_receive.lua', true) end
    if command ~= 0 then reaper.Main_OnCommand (command, 0) end
  end

  -- A file beside the project's own media, as a glued item would be.
  local function render_path (proj, track, request)
    local media = reaper.GetProjectPathEx (proj) .. '/sendreturn'
    reaper.RecursiveCreateDirectory (media, 0)
    local name = track:gsub ('[^%w%-]+', '_')
    return media .. '/' .. (name == '' and 'clip' or name) .. '-' .. request .. '.wav'
  end

  local function render_selection (proj, found, request)
    local path = render_path (proj, found.track, request)
    local wrong = render.write (path, found.render, found.rate_hz)
    if wrong then return wrong end
    found.rendered, found.position = path, project.samples (found.render.first, found.rate_hz)
    found.gain = render.gain (found.render)
    return nil
  end

  local function write (message)
    local path = box:write (message)
    if not path then return no_daemon end
    desk.set ('sent', path)
    return nil
  end

  -- Sends what is selected; nil, or a sentence. `word` is an operation or a preset.
  function desk.send (word, params, settings, request)
    desk.wake ()
    local proj, session = project.current ()
    if session == '' then return 'This project is not saved yet. Save it first: what comes back is kept in its folder.' end
    local found, wrong = selection.read (proj, desk.words ().presets[word] or word, settings or {})
    if not found then return wrong end
    found.request = request or mailbox.unique ()
    if found.render then wrong = render_selection (proj, found, found.request) end
    if wrong then return wrong end
    found.kind, found.session, found.operation, found.params, found.render = 'send', session, word, params or {}, nil
    desk.set ('request', found.request)
    return write (found)
  end

  -- `cancel`, `retry` or `approve`.
  function desk.act (kind, send_id)
    local _, session = project.current ()
    return write { kind = kind, send = send_id, session = session }
  end

  function desk.placed (send_id, session)
    return write { kind = 'placed', send = send_id, session = session }
  end

  -- One key: send, and say at once what is in the way.
  function desk.press (word, params, settings)
    local wrong = desk.send (word, params, settings)
    if wrong then
      reaper.ShowMessageBox (wrong, 'sendreturn', 0)
    else
      reaper.Help_Set ('sendreturn: ' .. word .. ' is on its way', true)
    end
  end

  desk.box = box
end
