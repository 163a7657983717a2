-- @description sendreturn: extend
-- @version @VERSION@
-- @noindex
-- sendreturn-bridge: go on where the selected clip or the time selection ends.
local _, path = reaper.get_action_context ()
local core = dofile (path:match ('^.*[/\\]') .. 'sendreturn_core.lua')
core.desk.press ('extend', {}, { dry = core.desk.settings ().dry })
