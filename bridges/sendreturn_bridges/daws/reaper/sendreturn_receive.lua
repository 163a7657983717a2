-- @description sendreturn: receive
-- @version @VERSION@
-- @noindex
-- sendreturn-bridge: places what comes back, for as long as REAPER runs. The other scripts start it where it does not run.
local _, path = reaper.get_action_context ()
local core = dofile (path:match ('^.*[/\\]') .. 'sendreturn_core.lua')
core.receiver.run ()
