--- Values at random for round trips: the same ones on every run, since LuaJIT's
-- generator begins the same.
local _M = {}


--- A whole number from 0 to before LIMIT.
function _M.number(limit)
  return math.floor(math.random() * limit)
end


--- So many bytes, any of them.
function _M.bytes(n)
  local out = {}
  for i = 1, n do
    out[i] = string.char(_M.number(256))
  end
  return table.concat(out)
end


--- A text of up to MAX bytes, without a NUL.
function _M.text(max)
  return (_M.bytes(_M.number(max + 1)):gsub("%z", "x"))
end


--- One time in two the value, else nil.
function _M.maybe(value)
  if _M.number(2) == 0 then
    return value
  end
  return nil
end


return _M
