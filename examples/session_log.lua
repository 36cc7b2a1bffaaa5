--- A line in the log for each session that went wrong or moved a lot: what an
-- administrator of databases looks for among thousands that did neither.
--
--     [mysql db]
--     script = session_log.lua
local moongate = require "moongate"

local LARGE_BYTES = 100 * 1024 * 1024


local function close(conn, result)
  local bytes = result.bytes_in + result.bytes_out
  local line = ("session of %s:%d: %s, %d bytes in %.1f s"):format(conn.client,
    conn.port, result.error or "ended", bytes, result.total_ms / 1000)
  if not result.ok then
    moongate.log.warn(line)

  elseif bytes >= LARGE_BYTES then
    moongate.log.info(line)
  end
end


return { close = close }
