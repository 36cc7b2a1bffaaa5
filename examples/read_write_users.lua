--- Writers to one node, readers to all, by the name of the user: an application
-- that has two connections anyway, one of them as "NAME_ro", needs no proxy that
-- parses its queries.  So writes meet in one place and never in conflict.
--
--     [upstream writers]
--     protocol = mysql
--     policy   = primary
--     [upstream readers]
--     protocol = mysql
--     policy   = leastconn
--     [mysql db]
--     upstream = writers
--     script   = read_write_users.lua
local READERS = "_ro$"


local function login(login, conn)
  if login.user:find(READERS) then
    return { upstream = "readers" }
  end
end


return { login = login }
