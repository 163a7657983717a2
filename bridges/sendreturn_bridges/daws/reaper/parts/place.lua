-- Where the daemon's mailbox is: `bridge install` writes it down; scripts that came by ReaPack alone look where it usually is.
local MAILBOX

do
  local function state_folder ()
    local chosen = os.getenv ('SENDRETURN_HOME')
    if chosen then return chosen end
    local home, system = os.getenv ('HOME') or '', reaper.GetOS ()
    if system:match ('^Win') then return (os.getenv ('LOCALAPPDATA') or ''):gsub ('\\', '/') .. '/sendreturn' end
    if system:match ('^OSX') or system:match ('^macOS') then return home .. '/Library/Application Support/sendreturn' end
    return (os.getenv ('XDG_DATA_HOME') or home .. '/.local/share') .. '/sendreturn'
  end

  local _, script = reaper.get_action_context ()
  local written = loadfile (script:match ('^.*[/\\]') .. 'sendreturn_mailbox.lua')
  MAILBOX = written and written () or state_folder () .. '/daws/reaper'
end
