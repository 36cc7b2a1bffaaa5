--- Texts to send, of which a lost or repeated part shows.
local _M = {}


--- A text in which every place looks different.
-- @param size  number: its bytes
function _M.text(size)
  local pieces = {}
  for i = 1, math.ceil(size / 8) do
    pieces[i] = ("%07x,"):format(i)
  end
  return table.concat(pieces):sub(1, size)
end


return _M
