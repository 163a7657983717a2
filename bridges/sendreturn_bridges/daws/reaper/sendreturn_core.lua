-- sendreturn-bridge @VERSION@: what all of sendreturn's scripts in REAPER share. It is no action of its own.
-- Everything that is said of REAPER here is from the ReaScript help that REAPER itself shows (Help, ReaScript documentation).
local SECTION = 'sendreturn'  -- of REAPER's extended state
local oldest = 6.47  -- in 6.24 some functions want a text to be filled as well, and nothing builds peaks

if (tonumber (reaper.GetAppVersion ():match ('^%d+%.%d+')) or 0) < oldest then
  error ('sendreturn needs REAPER ' .. oldest .. ' or newer, and this is ' .. reaper.GetAppVersion () .. '. Update REAPER.', 0)
end

--@include reaper/parts/place.lua

--@include lua/mailbox.lua

--@include reaper/parts/project.lua

--@include reaper/parts/selection.lua

--@include reaper/parts/render.lua

--@include reaper/parts/notes.lua

--@include reaper/parts/placing.lua

--@include reaper/parts/desk.lua

--@include reaper/parts/receiver.lua

return { mailbox = mailbox, project = project, desk = desk, receiver = receiver }
