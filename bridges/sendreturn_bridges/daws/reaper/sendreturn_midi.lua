-- @description sendreturn: midi
-- @version @VERSION@
-- @noindex
-- sendreturn-bridge: write the selected clip down as notes.
local _, path = reaper.get_action_context ()
local core = dofile (path:match ('^.*[/\\]') .. 'sendreturn_core.lua')
core.desk.press ('midi', {}, { dry = core.desk.settings ().dry })
