-- @description sendreturn: stems
-- @version @VERSION@
-- @noindex
-- sendreturn-bridge: separate the selected clip into stems.
local _, path = reaper.get_action_context ()
local core = dofile (path:match ('^.*[/\\]') .. 'sendreturn_core.lua')
core.desk.press ('stems', {}, { dry = core.desk.settings ().dry })
