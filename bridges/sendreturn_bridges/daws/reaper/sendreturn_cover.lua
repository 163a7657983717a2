-- @description sendreturn: cover
-- @version @VERSION@
-- @noindex
-- sendreturn-bridge: the selected clip in another style.
local _, path = reaper.get_action_context ()
local core = dofile (path:match ('^.*[/\\]') .. 'sendreturn_core.lua')
core.desk.press ('cover', {}, { dry = core.desk.settings ().dry })
