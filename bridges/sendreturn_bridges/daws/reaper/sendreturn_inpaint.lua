-- @description sendreturn: inpaint
-- @version @VERSION@
-- @noindex
-- sendreturn-bridge: make the time selection within the selected clip anew.
local _, path = reaper.get_action_context ()
local core = dofile (path:match ('^.*[/\\]') .. 'sendreturn_core.lua')
core.desk.press ('inpaint', {}, { dry = core.desk.settings ().dry })
