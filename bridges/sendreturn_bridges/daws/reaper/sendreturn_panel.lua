-- @description sendreturn: panel
-- @version @VERSION@
-- @about Choose an operation or a preset, say what it should be like, send what is selected, and see how it stands.
-- sendreturn-bridge: a window that REAPER draws itself; it needs no extension.
local _, path = reaper.get_action_context ()
local core = dofile (path:match ('^.*[/\\]') .. 'sendreturn_core.lua')
local desk, mailbox, project = core.desk, core.mailbox, core.project

local width, margin, row, gap, label_width = 380, 12, 26, 6, 110
local colors = {
  back = { 0.16, 0.17, 0.19 }, field = { 0.24, 0.25, 0.28 }, fill = { 0.36, 0.55, 0.94 }, text = { 0.92, 0.92, 0.92 },
  faint = { 0.62, 0.63, 0.66 }, warn = { 0.96, 0.62, 0.42 },
}
local box = mailbox.open (desk.box.folder)
local settings = desk.settings ()
local words = desk.words ()
local shown = { sends = {}, notes = {} }
local mouse = { was_down = false }
local message = ''
local at_y = 0
local session = nil

settings.word = settings.word or 'extend'

local function paint (name, alpha)
  local color = colors[name]
  gfx.set (color[1], color[2], color[3], alpha or 1)
end

local function write_text (text, x, y, right, name, flags)
  paint (name or 'text')
  gfx.x, gfx.y = x, y
  gfx.drawstr (text, flags or 4, right, y + row)
end

local function is_over (x, y, w, h)
  return gfx.mouse_x >= x and gfx.mouse_x < x + w and gfx.mouse_y >= y and gfx.mouse_y < y + h
end

-- Whether a mouse button went down on this place in this moment: 1 left, 2 right.
local function is_clicked (x, y, w, h, button)
  return mouse.pressed & button ~= 0 and is_over (x, y, w, h)
end

local function box_at (x, y, w, name)
  paint (name or 'field')
  gfx.rect (x, y, w, row, 1)
end

local function next_row ()
  at_y = at_y + row + gap
  return at_y - row - gap
end

local function label (text)
  local y = next_row ()
  write_text (text, margin, y, label_width, 'faint')
  return margin + label_width, y, width - 2 * margin - label_width
end

local function button (text, x, y, w, name)
  box_at (x, y, w, name)
  write_text (text, x, y, x + w, 'text', 5)
  return is_clicked (x, y, w, row, 1)
end

-- Commas separate the fields of REAPER's own dialog unless another character is named.
local function ask (title, value)
  local ok, text = reaper.GetUserInputs ('sendreturn', 1, title .. ',extrawidth=320,separator=\n', value)
  return ok and text or nil
end

local function text_row (title, key)
  local x, y, w = label (title)
  box_at (x, y, w)
  write_text (settings[key] or '', x + 6, y, x + w - 6)
  if not is_clicked (x, y, w, row, 1) then return end
  local text = ask (title, settings[key] or '')
  if text then settings[key] = text ~= '' and text or nil end
  desk.keep (settings)
end

-- From 0 to 1; the right button leaves it to the service again.
local function slider_row (title, key)
  local x, y, w = label (title)
  box_at (x, y, w)
  if settings[key] then
    paint ('fill')
    gfx.rect (x, y, w * settings[key], row, 1)
  end
  write_text (settings[key] and string.format ('%.0f %%', settings[key] * 100) or 'as the service likes', x + 6, y, x + w)
  if is_clicked (x, y, w, row, 2) then settings[key] = nil end
  if is_clicked (x, y, w, row, 1) then mouse.drags = key end
  if mouse.drags == key then
    settings[key] = math.floor (math.max (0, math.min (1, (gfx.mouse_x - x) / w)) * 100 + 0.5) / 100
  end
end

local function tick_row (title, key)
  local x, y, w = label ('')
  box_at (x, y, row)
  if settings[key] then write_text ('x', x, y, x + row, 'text', 5) end
  write_text (title, x + row + gap, y, x + w)
  if is_clicked (x, y, w, row, 1) then
    settings[key] = not settings[key] or nil
    desk.keep (settings)
  end
end

local function choices ()
  local names = {}
  for name in pairs (words.presets) do names[#names + 1] = name end
  table.sort (names)
  local found = { table.unpack (words.operations) }
  if #names > 0 then found[#found + 1] = '' end
  for _, name in ipairs (names) do found[#found + 1] = name end
  return found
end

local function word_row ()
  local x, y, w = label ('Do')
  if not button (settings.word, x, y, w) then return end
  local found, shown_words, chosen = choices (), {}, {}
  for _, word in ipairs (found) do
    shown_words[#shown_words + 1] = (word == settings.word and '!' or '') .. word
    if word ~= '' then chosen[#chosen + 1] = word end  -- an empty entry is a line of the menu and is not counted
  end
  gfx.x, gfx.y = x, y + row
  local number = gfx.showmenu (table.concat (shown_words, '|'))
  if number > 0 then settings.word = chosen[number] end
  desk.keep (settings)
end

local function send ()
  desk.keep (settings)
  message = desk.send (settings.word, desk.asked (settings), { dry = settings.dry }) or 'Sent.'
end

local function act (kind, send_id)
  message = desk.act (kind, send_id) or ''
end

local function send_row (entry)
  local y = next_row ()
  local is_waiting = entry.state == 'waiting_approval'
  local right = width - margin - 70 - (is_waiting and 76 or 0)
  box_at (margin, y, right - margin - gap)
  paint ('fill', 0.6)
  gfx.rect (margin, y, (right - margin - gap) * (entry.progress or 0), row, 1)
  write_text (entry.text or entry.state or '', margin + 6, y, right - gap)
  if is_waiting and button ('Approve', right, y, 70, 'fill') then act ('approve', entry.send_id) end
  if button ('Cancel', width - margin - 70, y, 70) then act ('cancel', entry.send_id) end
end

local function note_row (note)
  local y = next_row ()
  local is_bad = note.kind == 'failed' or note.kind == 'error'
  local can_retry = is_bad and note.send_id ~= nil
  local right = width - margin - (can_retry and 76 or 0)
  write_text (note.text or note.kind, margin, y, right, is_bad and 'warn' or 'faint')
  if can_retry and button ('Retry', width - margin - 70, y, 70) then act ('retry', note.send_id) end
end

local function list_rows ()
  for _, entry in ipairs (shown.sends or {}) do send_row (entry) end
  local notes = shown.notes or {}
  for index = #notes, math.max (1, #notes - 4), -1 do note_row (notes[index]) end
end

local function draw ()
  at_y = margin
  paint ('back')
  gfx.rect (0, 0, gfx.w, gfx.h, 1)
  word_row ()
  text_row ('Prompt', 'prompt')
  text_row ('Style', 'style')
  text_row ('Seconds', 'seconds')
  text_row ('Service', 'service')
  slider_row ('Weirdness', 'weirdness')
  slider_row ('Style strength', 'style_strength')
  slider_row ('Audio strength', 'audio_strength')
  tick_row ('before the clip', 'left')
  tick_row ('without take FX', 'dry')
  if button ('Send what is selected', margin, next_row (), width - 2 * margin, 'fill') then send () end
  write_text (message, margin, next_row (), width - margin, 'warn')
  list_rows ()
end

local function look ()
  local _, now = project.current ()
  if now ~= session then
    session, shown = now, { sends = {}, notes = {} }
    box:enter (session)
  end
  shown = box:status () or shown
end

local function read_mouse ()
  local down = gfx.mouse_cap & 3
  mouse.pressed = mouse.was_down and 0 or down
  if down == 0 and mouse.drags then
    mouse.drags = nil
    desk.keep (settings)
  end
  mouse.was_down = down ~= 0
end

local function loop ()
  desk.beat ('panel')
  look ()
  read_mouse ()
  draw ()
  gfx.update ()
  if gfx.getchar () >= 0 then reaper.defer (loop) end
end

gfx.init ('sendreturn', width, 620)
gfx.setfont (1, 'Arial', 15)
reaper.atexit (function ()
  reaper.DeleteExtState ('sendreturn', 'panel', false)
  gfx.quit ()
end)
desk.wake ()
loop ()
