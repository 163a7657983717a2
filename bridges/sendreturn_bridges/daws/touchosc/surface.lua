-- @MARK@
-- What the buttons of this document do, and what the daemon answers. It is the script of the document's root.
-- TouchOSC's connection sends to port @PORT@. Its functions: hexler.net/touchosc/manual/script-functions-global and script-objects-control.
local TOKEN = '@TOKEN@'          -- what messages from other machines end with
local LISTENS_AT = @LISTENS_AT@  -- the receive port of TouchOSC's connection
local RENEW_MS, SILENCE_MS = 10000, 25000
local SLIDERS = { @SLIDERS@ }
local GREEN, AMBER, DARK, WHITE, RED =
  Color (0.3, 0.8, 0.4, 1), Color (0.95, 0.7, 0.2, 1), Color (0.25, 0.27, 0.3, 1), Color (1, 1, 1, 1), Color (1, 0.5, 0.45, 1)
local ENDED = { done = true, failed = true, cancelled = true }
local CAN_BE_TRIED_AGAIN = { failed = true, cancelled = true, uncertain = true }

local moved = {}                      -- the sliders that count; the others are left to the preset and the service
local named = {}                      -- what each send is, by its id
local sends = { approve = '', cancel = '', retry = '' }  -- the id that each of these buttons is about
local renewed_at, heard_at

local function say (word, ...)
  local message = {}
  for _, value in ipairs ({ ... }) do
    message[#message + 1] = { tag = type (value) == 'number' and 'f' or 's', value = value }
  end
  if TOKEN ~= '' then
    message[#message + 1] = { tag = 's', value = 'token' }
    message[#message + 1] = { tag = 's', value = TOKEN }
  end
  sendOSC ({ '/sendreturn/' .. word, message })
end

local function tell (text, color)
  local line = self.children.text
  line.values.text = text
  line.textColor = color or WHITE
end

local function light (name, color)
  self.children[name].color = color
end

local function is_linked ()
  return heard_at ~= nil and getMillis () - heard_at < SILENCE_MS
end

-- Which send a button is about now; '' for none.
local function point (button, id, color)
  sends[button] = id
  light (button, id ~= '' and color or DARK)
end

local function title_of (id)
  return named[id] and named[id] .. ' ' .. id or id
end

local function show (id, state, progress, text)
  self.children.title.values.text = title_of (id)
  self.children.progress.values.x = progress
  self.children.percent.values.text = string.format ('%d %%', math.floor (progress * 100 + 0.5))
  tell (text ~= '' and text or (state:gsub ('_', ' ')))
end

local function follow (id, state)
  if state == 'waiting_approval' then point ('approve', id, GREEN) elseif sends.approve == id then point ('approve', '', DARK) end
  if not ENDED[state] then point ('cancel', id, AMBER) elseif sends.cancel == id then point ('cancel', '', DARK) end
  if CAN_BE_TRIED_AGAIN[state] then point ('retry', id, AMBER) elseif sends.retry == id then point ('retry', '', DARK) end
end

local hear = {}

function hear.pong ()
  if not is_linked () then say ('list', 'waiting_approval', 'uncertain') end
  heard_at = getMillis ()
  light ('link', GREEN)
end

function hear.accepted (id, operation)
  named[id] = operation
  show (id, 'accepted', 0, '')
end

function hear.state (id, state, progress, text)
  follow (id, state)
  show (id, state, progress, text)
end

function hear.done (id, _, count)
  show (id, 'done', 1, string.format ('Done: %d files came back.', count))
end

function hear.failed (id, text)
  self.children.title.values.text = title_of (id)
  tell (text, RED)
end

function hear.error (text)
  tell (text, RED)
end

local function slide (name, counts)
  local fader = self.children[name]
  moved[name] = counts or nil
  if not counts then fader.values.x = 0.5 end
  fader.color = counts and GREEN or DARK
  self.children[name .. '_value_text'].values.text = counts and string.format ('%.2f', fader.values.x) or 'as set'
end

local press = {}

function press.selected (word)
  local values = {}
  for _, name in ipairs (SLIDERS) do
    if moved[name] then
      values[#values + 1] = name
      values[#values + 1] = math.floor (self.children[name].values.x * 100 + 0.5) / 100
    end
  end
  say ('selected', word, unpack (values))
  tell (word .. ': what is selected in the DAW is asked for.')
end

function press.turn (word)
  if sends[word] == '' then return tell ('There is nothing to ' .. word .. '.') end
  say (word, sends[word])
end

function press.reset (name)
  slide (name, false)
end

function press.moved (name)
  slide (name, true)
end

function init ()
  for _, name in ipairs (SLIDERS) do slide (name, false) end
  for _, name in ipairs ({ 'approve', 'cancel', 'retry' }) do point (name, '', DARK) end
  light ('link', DARK)
end

-- A subscription ends with the daemon, so that it is renewed; the answer shows that the daemon is there.
function update ()
  local now = getMillis ()
  if renewed_at and now - renewed_at < RENEW_MS then return end
  if heard_at and not is_linked () then
    light ('link', DARK)
    tell ('The daemon does not answer. Start it with `sendreturn run`.', RED)
  end
  renewed_at = now
  say ('reply', LISTENS_AT)
  say ('subscribe', LISTENS_AT)
end

function onReceiveNotify (key, value)
  if press[key] then press[key] (value) end
end

function onReceiveOSC (message)
  local word = message[1]:match ('^/sendreturn/(%w+)$')
  if not word or not hear[word] then return false end
  local values = {}
  for index, argument in ipairs (message[2]) do values[index] = argument.value end
  hear[word] (unpack (values))
  return true
end
