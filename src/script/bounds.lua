--- The functions of Lua's library that could run for ever in C, where nothing
-- interrupts them, or whose results have no bound: the same functions, in a
-- form that ends.
--
-- They call the library's by tail calls, so that what is raised there names the
-- function, and points at the line, of whoever called.
-- @module script.bounds
local match = require "script.match"

local RESULT_MAX = 16 * 1024 * 1024  -- bytes of what rep makes
local CHUNK_MAX = 256 * 1024         -- bytes of text that load compiles
local DATE_MAX = 1000                -- bytes of a date's format
local PIECE = 4096                   -- items that C handles at a time
local SORT_MAX = 500                 -- likewise, as sorting may be quadratic
local SORT_TEXT_MAX = 256            -- bytes of each that C compares
local PLACE_MAX = 2 ^ 31 - 1         -- what C takes for a place in a list
local FIND_MAX = 1024                -- bytes that a plain find compares

local is_deep, is_over = match.is_deep, match.is_over
local native_concat, native_insert = table.concat, table.insert
local native_create, native_resume = coroutine.create, coroutine.resume
local native_date, native_find = os.date, string.find
local native_format = string.format
local native_rep = string.rep
local native_sort, native_xpcall = table.sort, xpcall
local bounded_find = match.find

local _M = { string = {}, table = {}, coroutine = {}, os = {} }


-- --- strings -----------------------------------------------------------------

for name, original in pairs(string) do
  _M.string[name] = original
end
_M.string.dump = nil
_M.string.match = match.match
_M.string.gmatch = match.gmatch
_M.string.gfind = nil
_M.string.gsub = match.gsub


-- A short plain search is the library's, which LuaJIT compiles.
function _M.string.find(text, pattern, init, plain)
  if plain and type(text) == "string" and #text <= FIND_MAX then
    return native_find(text, pattern, init, true)
  end
  return bounded_find(text, pattern, init, plain)
end


function _M.string.rep(text, count, separator)
  if type(text) == "string" and type(count) == "number" then
    local each = #text
    if type(separator) == "string" then
      each = each + #separator
    end
    if each * count > RESULT_MAX then
      error("resulting string too large", 2)
    end
  end
  return native_rep(text, count, separator)
end


-- Whether format may call a function of the script's: __tostring.  Arguments
-- behind the fourth are rare, and not looked at.
local function may_call(a, b, c, d, ...)
  return type(a) == "table" or type(b) == "table" or type(c) == "table"
    or type(d) == "table" or select("#", ...) > 0
end


-- Deep in C, what is raised takes a time that grows with the square of the
-- depth until it is caught.
function _M.string.format(format, ...)
  if may_call(...) and is_deep() then
    error("C stack overflow", 2)
  end
  return native_format(format, ...)
end


function _M.os.date(format, time)
  if type(format) == "string" and #format > DATE_MAX then
    error(("bad argument #1 to 'date' (at most %d bytes expected)")
      :format(DATE_MAX), 2)
  end
  return native_date(format, time)
end


-- --- tables ------------------------------------------------------------------

-- Piece by piece, so that what is too much is interrupted in between.
local function concat_pieces(list, separator, from, to)
  local pieces = {}
  for first = from, to, PIECE do
    local last = first + PIECE - 1
    pieces[#pieces + 1] = native_concat(list, separator, first,
      last < to and last or to)
  end
  return _M.table.concat(pieces, separator)
end


function _M.table.concat(list, separator, from, to)
  if type(list) == "table" then
    local first, last = from or 1, to or #list
    if type(first) == "number" and type(last) == "number"
      and last - first >= PIECE then
      return (concat_pieces(list, separator, first, last))
    end
  end
  return native_concat(list, separator, from, to)
end


function _M.table.insert(list, ...)
  if select("#", ...) ~= 2 or type(list) ~= "table" then
    return native_insert(list, ...)
  end
  local given, value = ...
  local place = tonumber(given)
  local last = #list + 1
  if place == nil then
    return native_insert(list, given, value)
  end
  -- C would take a place that is no whole number of its own for a low one.
  if place > PLACE_MAX then
    error("bad argument #2 to 'insert' (position out of bounds)", 2)
  end
  if last - place < PIECE then
    return native_insert(list, place, value)
  end
  for i = last, place + 1, -1 do
    list[i] = list[i - 1]
  end
  list[place] = value
end


local function is_less(a, b)
  return a < b
end


-- Whether C may sort a list by itself: there is little to compare.
local function is_quick(list)
  if #list > SORT_MAX then
    return false
  end
  for i = 1, #list do
    local value = list[i]
    if type(value) == "string" and #value > SORT_TEXT_MAX then
      return false
    end
  end
  return true
end


function _M.table.sort(list, less)
  if is_deep() then
    error("C stack overflow", 2)
  end
  if less == nil and type(list) == "table" and not is_quick(list) then
    return native_sort(list, is_less)
  end
  return native_sort(list, less)
end


-- --- coroutines --------------------------------------------------------------

-- LuaJIT does not count how deep coroutines resume each other, and the C stack
-- ends.
function _M.coroutine.resume(co, ...)
  if is_deep() then
    error("C stack overflow", 2)
  end
  return native_resume(co, ...)
end


local function give(ok, ...)
  if not ok then
    error((...), 3)
  end
  return ...
end


function _M.coroutine.wrap(body)
  local co = native_create(body)
  local resume = _M.coroutine.resume
  return function(...)
    return give(resume(co, ...))
  end
end


-- --- errors and chunks -------------------------------------------------------

--- xpcall: no handler of the script's runs once its time is over, as nothing
-- would interrupt it.
function _M.xpcall(body, handler, ...)
  if type(handler) ~= "function" then
    return native_xpcall(body, handler, ...)
  end
  return native_xpcall(body, function(raised)
    if is_over() then
      return raised
    end
    return handler(raised)
  end, ...)
end


--- The text of a chunk that is given as a string or as a function, whole; nil
-- and a reason when it is too long.
function _M.chunk_text(chunk)
  if type(chunk) ~= "function" then
    if type(chunk) == "string" and #chunk > CHUNK_MAX then
      return nil, ("a chunk has at most %d bytes"):format(CHUNK_MAX)
    end
    return chunk
  end
  local pieces, len = {}, 0
  while true do
    local piece = chunk()
    if piece == nil or piece == "" then
      return native_concat(pieces)
    end
    if type(piece) ~= "string" then
      return nil, "reader function must return a string"
    end
    len = len + #piece
    if len > CHUNK_MAX then
      return nil, ("a chunk has at most %d bytes"):format(CHUNK_MAX)
    end
    pieces[#pieces + 1] = piece
  end
end


return _M
