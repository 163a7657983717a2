  -- What the action and the hook share. They run in two Lua states of one Ardour, and know of each other by files.
  local folder = [==[@MAILBOX@]==]
  local box = mailbox.open (folder)

  -- Ardour knows a session by its folder; the name of the project file changes with every snapshot.
  local function session_path ()
    return (Session:path ():gsub ('(.)[/\\]+$', '%1'))
  end

  -- The action writes here what it has put into the mailbox, and the hook looks whether the daemon takes it.
  local function sent_file ()
    return folder .. '/sent-' .. mailbox.key (session_path ())
  end

  local function is_there (path)
    local file = io.open (path, 'rb')
    if file then file:close () end
    return file ~= nil
  end

  -- Whether something can be kept in a folder.
  local function is_writable (folder)
    local probe = folder .. '/.sendreturn-probe'
    local file = io.open (probe, 'w')
    if not file then return false end
    file:close ()
    os.remove (probe)
    return true
  end

  -- Into Ardour's log (Window > Log), which no one has to close.
  local function say (sentence)
    print ('sendreturn: ' .. sentence)
  end

  local function show (sentence, kind)
    say (sentence)
    LuaDialog.Message ('sendreturn', sentence, kind or LuaDialog.MessageType.Warning, LuaDialog.ButtonType.OK):run ()
  end

  local function tracks ()
    local found = {}
    for route in Session:get_tracks ():iter () do
      if not route:to_track ():isnil () then found[#found + 1] = route end
    end
    return found
  end
