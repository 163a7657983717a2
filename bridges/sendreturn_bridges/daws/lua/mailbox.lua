-- The DAW's side of sendreturn's mailbox of files, for any DAW with Lua 5.3 or 5.4. It needs io and os only: no require,
-- no listing of folders. `bridge install` puts this text in the place of the line `--@include lua/mailbox.lua`.
--
--   mailbox.encode (value)     JSON text; an empty table becomes {}, mailbox.list {} becomes []
--   mailbox.decode (text)      the value, or nil and a sentence; null becomes nil
--   mailbox.key (session)      the name of the session's folder in the mailbox
--   mailbox.unique ()          a word that no other call gives again; sorted, words of one program are in their order
--   local box = mailbox.open (folder)
--   box:write (message)        puts a message into `out`; the file's path, or nil and a sentence
--   box:waits (path)           whether a message still lies there, so that no daemon has taken it yet
--   box:enter (session)        from now on `take`, `left`, `finish` and `status` are about this session
--   box:take ()                claims the next placement: it and its number, or nil where none waits
--   box:left ()                what was claimed and never finished: a list of { number = …, placement = … }
--   box:finish (number)        the placement lies on tracks
--   box:status ()              the status, where it is new since it was last asked for; else nil
--   box:press ()               a wish from outside to send what is selected: { operation, params, request }; else nil
--   box:refuse (press, text)   why nothing can be sent now, for whoever has pressed
--   box:ping ()                the nonce of a ping that was not answered yet; else nil
local mailbox = {}

do
  local escapes = { ['"'] = '\\"', ['\\'] = '\\\\', ['\b'] = '\\b', ['\f'] = '\\f', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t' }
  local meanings = { b = '\b', f = '\f', n = '\n', r = '\r', t = '\t', ['"'] = '"', ['\\'] = '\\', ['/'] = '/' }
  local list = {}
  local deepest = 100

  function mailbox.list (items)
    return setmetatable (items or {}, list)
  end

  local function quoted (text)
    return '"' .. text:gsub ('[%c"\\]', function (char)
      return escapes[char] or string.format ('\\u%04x', char:byte ())
    end) .. '"'
  end

  local function number (value)
    if value ~= value or value == math.huge or value == -math.huge then return 'null' end
    if math.type (value) == 'integer' then return tostring (value) end
    if value == math.floor (value) and math.abs (value) < 2 ^ 53 then return string.format ('%d', math.floor (value)) end
    return (string.format ('%.17g', value):gsub (',', '.'))  -- some languages of the system write a comma
  end

  function mailbox.encode (value)
    local kind, parts = type (value), {}
    if kind == 'string' then return quoted (value) end
    if kind == 'number' then return number (value) end
    if kind == 'boolean' then return tostring (value) end
    if kind ~= 'table' then return 'null' end
    if #value > 0 or getmetatable (value) == list then
      for index = 1, #value do parts[index] = mailbox.encode (value[index]) end
      return '[' .. table.concat (parts, ',') .. ']'
    end
    local names = {}
    for name in pairs (value) do names[#names + 1] = tostring (name) end
    table.sort (names)
    for index, name in ipairs (names) do parts[index] = quoted (name) .. ':' .. mailbox.encode (value[name]) end
    return '{' .. table.concat (parts, ',') .. '}'
  end

  -- UTF-8 of a code point; the utf8 library is not everywhere.
  local function char_of (code)
    if code < 0x80 then return string.char (code) end
    local tail = ''
    local first = code < 0x800 and 0xC0 or code < 0x10000 and 0xE0 or 0xF0
    local count = code < 0x800 and 1 or code < 0x10000 and 2 or 3
    for _ = 1, count do
      tail = string.char (0x80 | code & 0x3F) .. tail
      code = code >> 6
    end
    return string.char (first | code) .. tail
  end

  local function read_unicode (text, at)
    local code = tonumber (text:match ('^%x%x%x%x', at) or error ('a broken \\u', 0), 16)
    if code < 0xD800 or code > 0xDFFF then return char_of (code), at + 4 end
    local low = code < 0xDC00 and tonumber (text:match ('^\\u([dD][c-fC-F]%x%x)', at + 4) or '', 16)
    if not low then return char_of (0xFFFD), at + 4 end
    return char_of (0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF)), at + 10
  end

  local function read_string (text, at)
    local parts = {}
    while true do
      local plain, mark, after = text:match ('^([^"\\]*)(["\\])()', at)
      if not plain then error ('a text without an end', 0) end
      parts[#parts + 1] = plain
      if mark == '"' then return table.concat (parts), after end
      local letter = text:sub (after, after)
      if letter == 'u' then
        parts[#parts + 1], at = read_unicode (text, after + 1)
      else
        parts[#parts + 1], at = meanings[letter] or error ('a broken escape', 0), after + 1
      end
    end
  end

  local read

  local function skip (text, at)
    return text:match ('^[ \t\r\n]*()', at)
  end

  -- Reads what stands between brackets: `entry` reads one thing, and the position after it comes back.
  local function read_entries (text, at, closing, entry)
    at = skip (text, at)
    if text:sub (at, at) == closing then return at + 1 end
    while true do
      at = skip (text, entry (at))
      local mark = text:sub (at, at)
      if mark == closing then return at + 1 end
      if mark ~= ',' then error ('a comma is missing', 0) end
      at = skip (text, at + 1)
    end
  end

  local function read_list (text, at, depth)
    local found, count = mailbox.list (), 0
    at = read_entries (text, at, ']', function (place)
      count = count + 1
      found[count], place = read (text, place, depth)
      return place
    end)
    return found, at
  end

  local function read_table (text, at, depth)
    local found = {}
    at = read_entries (text, at, '}', function (place)
      if text:sub (place, place) ~= '"' then error ('a name is missing', 0) end
      local name
      name, place = read_string (text, place + 1)
      place = skip (text, place)
      if text:sub (place, place) ~= ':' then error ('a colon is missing', 0) end
      found[name], place = read (text, skip (text, place + 1), depth)
      return place
    end)
    return found, at
  end

  function read (text, at, depth)
    if depth > deepest then error ('too many brackets', 0) end
    local mark = text:sub (at, at)
    if mark == '"' then return read_string (text, at + 1) end
    if mark == '{' then return read_table (text, at + 1, depth + 1) end
    if mark == '[' then return read_list (text, at + 1, depth + 1) end
    local word, after = text:match ('^(%a+)()', at)
    if word == 'true' or word == 'false' then return word == 'true', after end
    if word == 'null' then return nil, after end
    local digits, behind = text:match ('^(%-?%d[%d%.eE+-]*)()', at)
    return tonumber (digits) or error ('something that is no JSON', 0), behind
  end

  function mailbox.decode (text)
    local ok, value, after = pcall (read, text, skip (text, 1), 0)
    if not ok then return nil, 'The message holds ' .. tostring (value) .. '.' end
    if skip (text, after) <= #text then return nil, 'The message holds more than one thing.' end
    return value
  end

  function mailbox.key (session)
    local value = 5381
    for index = 1, #session do value = (value * 33 + session:byte (index)) & 0xFFFFFFFF end
    return string.format ('%08x', value)
  end

  local count = 0

  -- The seconds, and the processor time of the program: scripts of one DAW share both.
  function mailbox.unique ()
    count = count + 1
    local place = tostring ({}):gsub ('[^%w]', ''):sub (-8)
    return string.format ('%d-%012d-%06d-%s', os.time (), math.floor (os.clock () * 1e6), count, place)
  end

  local function contents (path)
    local file = io.open (path, 'rb')
    if not file then return nil end
    local text = file:read ('a')
    file:close ()
    return text
  end

  local function is_there (path)
    local file = io.open (path, 'rb')
    if file then file:close () end
    return file ~= nil
  end

  local Box = {}
  Box.__index = Box

  function mailbox.open (folder)
    return setmetatable ({ folder = folder }, Box)
  end

  function Box:write (message)
    local name = self.folder .. '/out/' .. mailbox.unique ()
    local file, reason = io.open (name .. '.part', 'wb')
    if not file then return nil, 'The mailbox cannot be written: ' .. tostring (reason) .. '.' end
    local written = file:write (mailbox.encode (message))
    local closed = file:close ()
    if written and closed and os.rename (name .. '.part', name .. '.json') then return name .. '.json' end
    os.remove (name .. '.part')
    return nil, 'The mailbox cannot be written; the disk may be full.'
  end

  function Box:waits (path)
    return is_there (path)
  end

  function Box:enter (session)
    self.inbox = self.folder .. '/in/' .. mailbox.key (session) .. '/'
    self.told, self.next = nil, nil
  end

  -- The number before which nothing is looked at any more.
  function Box:first ()
    return tonumber (contents (self.inbox .. 'first') or '') or 1
  end

  local function read_placement (box, number, ending)
    local text = contents (box.inbox .. number .. ending)
    local placement, sentence = mailbox.decode (text or '')
    if type (placement) == 'table' then return placement end
    return nil, sentence
  end

  -- Numbers count up without a gap. What cannot be read is finished at once, or it would stand in the way for ever.
  function Box:take ()
    local number = math.max (self.next or 1, self:first ())
    while is_there (self.inbox .. number .. '.done') or is_there (self.inbox .. number .. '.taken') do number = number + 1 end
    self.next = number
    local stem = self.inbox .. number
    if not is_there (stem .. '.json') or not os.rename (stem .. '.json', stem .. '.taken') then return nil end
    self.next = number + 1
    local placement = read_placement (self, number, '.taken')
    if placement then return placement, number end
    self:finish (number)
    return nil
  end

  function Box:left ()
    local found, number = {}, self:first ()
    while true do
      if is_there (self.inbox .. number .. '.taken') then
        found[#found + 1] = { number = number, placement = read_placement (self, number, '.taken') }
      elseif not is_there (self.inbox .. number .. '.json') and not is_there (self.inbox .. number .. '.done') then
        return found
      end
      number = number + 1
    end
  end

  function Box:finish (number)
    return os.rename (self.inbox .. number .. '.taken', self.inbox .. number .. '.done')
  end

  function Box:status ()
    local text = contents (self.inbox .. 'status.json')
    if not text or text == self.told then return nil end
    local status = mailbox.decode (text)
    if type (status) ~= 'table' then return nil end
    self.told = text
    return status
  end

  -- Whoever renames it first has it: this script, another one of the same mailbox, or the daemon, which withdraws it.
  function Box:press ()
    local stem = self.folder .. '/in/press'
    if not is_there (stem .. '.json') then return nil end
    os.remove (stem .. '.taken')
    if not os.rename (stem .. '.json', stem .. '.taken') then return nil end
    local press = mailbox.decode (contents (stem .. '.taken') or '')
    os.remove (stem .. '.taken')
    if type (press) ~= 'table' or os.time () > (press.until_s or math.huge) then return nil end
    return press
  end

  function Box:refuse (press, text)
    return self:write { kind = 'refused', request = press.request, text = text }
  end

  function Box:ping ()
    local nonce = contents (self.folder .. '/in/ping')
    if not nonce or nonce == '' or nonce == self.answered then return nil end
    self.answered = nonce
    return nonce
  end
end
