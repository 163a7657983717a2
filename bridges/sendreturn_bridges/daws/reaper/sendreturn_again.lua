-- @description sendreturn: what the panel is set to
-- @version @VERSION@
-- @noindex
-- sendreturn-bridge: sends what is selected with what was last chosen in the panel, without opening it.
local _, path = reaper.get_action_context ()
local core = dofile (path:match ('^.*[/\\]') .. 'sendreturn_core.lua')
local settings = core.desk.settings ()
core.desk.press (settings.word or 'extend', core.desk.asked (settings), { dry = settings.dry })
