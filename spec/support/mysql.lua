--- MySQL's packets as bytes: captured ones, and what builds others.
local _M = {}

--- What MariaDB 10.11.19 of Debian 12 said and was told, captured.
_M.MARIADB = {
  greeting = "d\0\0\0\0105.5.5-10.11.19-MariaDB-0+deb12u1\0\9\0\0\0PnYQi>7:\0"
    .. "\254\247\8\2\0\255\129\21\0\0\0\0\0\0\29\0\0\0\\CxTz*_!&9-r\0"
    .. "mysql_native_password\0",
  -- user "pw" with the password "sesame", to this challenge
  password_greeting = "d\0\0\0\0105.5.5-10.11.19-MariaDB-0+deb12u1\0\12\0\0\0"
    .. "85>v\\H6r\0\254\247\8\2\0\255\129\21\0\0\0\0\0\0\29\0\0\0"
    .. "^_BiniHhVS|;\0mysql_native_password\0",
  password_answer = "='l\193\246\142\223L\156\0\241\18118M9)B\28\1",
  -- user "ed" with the password "secret"
  switch_ed25519 = "0\0\0\2\254client_ed25519\0\221s\241\142\233k>\145|\209"
    .. "\183\218\183\14\211\234\144\234U\188\187\16_\153\214G\219\250\34\230"
    .. "\4\2",
  ed25519_answer = "\132\209\2\149JY~\193\202\n\2166\172\225\241\20\169\230zy;"
    .. "i\228y0t\229P\215\236xH\202\131\130\198Z\248]\140[\228#\193\223\143f"
    .. "\135\191.)4ed\130\136\200\23\205\12\26\163d\7",
  ok = "\7\0\0\2\0\0\0\2\0\0\0",
  denied = "I\0\0\2\255\21\4#28000Access denied for user 'nobody'@'127.0.0.1' "
    .. "(using password: NO)",
  too_many = "\23\0\0\0\255\16\4Too many connections",
  -- select 1 as a, null as b, 'x' as c; EOF behind columns and rows
  rows = "\1\0\0\1\3\24\0\0\2\3def\0\0\0\1a\0\0\12?\0\1\0\0\0\3\129\0\0\0\0"
    .. "\24\0\0\3\3def\0\0\0\1b\0\0\12?\0\0\0\0\0\6\128\0\0\0\0"
    .. "\24\0\0\4\3def\0\0\0\1c\0\0\12!\0\3\0\0\0\253\1\0'\0\0"
    .. "\5\0\0\5\254\0\0\2\0\5\0\0\6\0011\251\1x\5\0\0\7\254\0\0\2\0",
  -- SHOW GLOBAL VARIABLES ..., ended by an OK
  variables = "\1\0\0\1\2d\0\0\2\3def\18information_schema\17SESSION_VARIABLES"
    .. "\17SESSION_VARIABLES\13Variable_name\13VARIABLE_NAME\12-\0\0\1\0\0\253"
    .. "\1\16\0\0\0]\0\0\3\3def\18information_schema\17SESSION_VARIABLES"
    .. "\17SESSION_VARIABLES\5Value\14VARIABLE_VALUE\12-\0\0@\0\0\253\1\16\0\0"
    .. "\0\14\0\0\4\9read_only\3OFF\12\0\0\5\8wsrep_on\2ON"
    .. "\26\0\0\6\20wsrep_reject_queries\4NONE\7\0\0\7\254\0\0\34\0\0\0",
}


local function u24(n)
  return string.char(n % 256, math.floor(n / 256) % 256, math.floor(n / 65536))
end


--- A packet.
function _M.packet(sequence, payload)
  return u24(#payload) .. string.char(sequence) .. payload
end


--- The payload of a packet.
function _M.payload(packet)
  return packet:sub(5)
end


--- A short text behind its length.
function _M.text(text)
  assert(#text < 251)
  return string.char(#text) .. text
end


--- A block of what clients tell of themselves.
-- @param list  array of pairs: names and values
function _M.attributes(list)
  local out = {}
  for _, pair in ipairs(list) do
    out[#out + 1] = _M.text(pair[1]) .. _M.text(pair[2])
  end
  return table.concat(out)
end


--- A greeting of MySQL 5.1, which knows no plugins.
function _M.greeting51()
  return _M.packet(0, "\0105.1.73\0\8\0\0\0abcdefgh\0\255\247\8\2\0"
    .. ("\0"):rep(13) .. "0123456789ab\0")
end


--- A greeting of MySQL 8: its capabilities all but TLS and compression.
-- @param options  table or nil: version, plugin, challenge (20 bytes)
function _M.greeting8(options)
  options = options or {}
  local challenge = options.challenge or "abcdefgh0123456789ab"
  return _M.packet(0, "\10" .. (options.version or "8.0.36") .. "\0\8\0\0\0"
    .. challenge:sub(1, 8) .. "\0\255\247\255\2\0\255\223\21" .. ("\0"):rep(10)
    .. challenge:sub(9) .. "\0" .. (options.plugin or "caching_sha2_password")
    .. "\0")
end


--- An error packet.
function _M.err(sequence, number, state, text)
  return _M.packet(sequence, "\255" .. string.char(number % 256,
    math.floor(number / 256)) .. (state and "#" .. state or "") .. text)
end


--- A request to switch to another plugin.
function _M.switch(sequence, plugin, challenge)
  return _M.packet(sequence, "\254" .. plugin .. "\0" .. challenge)
end


--- An OK of a login or a statement.
function _M.ok(sequence)
  return _M.packet(sequence, "\0\0\0\2\0\0\0")
end


--- Names and values as the answer to a SHOW, ended by an OK.
-- @param rows  array of pairs
function _M.result(rows)
  local out, sequence = { _M.packet(1, "\2") }, 1
  local function add(payload)
    sequence = sequence + 1
    out[#out + 1] = _M.packet(sequence, payload)
  end
  for _, name in ipairs({ "Variable_name", "Value" }) do
    add("\3def\0\0\0" .. _M.text(name) .. "\0\12-\0\0\1\0\0\253\1\16\0\0\0")
  end
  for _, row in ipairs(rows) do
    add(_M.text(row[1]) .. _M.text(row[2]))
  end
  add("\254\0\0\2\0\0\0")
  return table.concat(out)
end


--- Receives a packet.
-- @return the payload and the sequence, or nil and the reason
function _M.receive(connection)
  local header, why = connection:receive(4)
  if not header then
    return nil, why
  end
  local a, b, c, sequence = header:byte(1, 4)
  local n = a + 256 * b + 65536 * c
  if n == 0 then
    return "", sequence
  end
  return connection:receive(n), sequence
end


return _M
