---@meta moongate.test
--- What specs have under `moongate test`; moongate-lua(7) says more.
-- Nothing here runs.
-- luacheck: ignore 241, no max line length

---@class moongate.test
local test = {}

--- A script, with a method for each of its hooks, which takes the arguments of
-- the hook (of a policy without its state) and raises what it raises.
---@class moongate.test.script
---@field hooks table<string, function>
---@field [string] fun(self: moongate.test.script, ...: any): any, any

--- Loads a script; the one beside the spec unless it is named.
---@param name string?  as configurations name it, or a path
---@param options table<string, string|number>?  of a policy
---@return moongate.test.script
function test.load(name, options) end

--- Servers: weights, or tables of what differs from an idle one of weight 1.
---@param ... number|table
---@return moongate.servers
function test.servers(...) end

---@param fields table?  client, port, listener, uri, path, host, user, schema; headers, cookies, args; tried_servers
---@return moongate.flow
function test.flow(fields) end

--- The indices that successive new flows are given.
---@param script moongate.test.script
---@param servers moongate.servers
---@param count integer
---@param fields table?  of each flow
---@return integer[]
function test.picks(script, servers, count, fields) end

--- How often each index stands among picks.
---@param picks integer[]
---@param n integer  of servers
---@param first integer?  where to begin
---@param count integer?  how many to look at
---@return integer[]
function test.count(picks, n, first, count) end

---@param value any
---@param count integer
---@return any[]
function test.repeated(value, count) end

--- A request, read by the program's own code.
---@param fields table?  method, path, query, host, headers, version, client, port, listener; files or root
---@return moongate.req
function test.request(fields) end

--- A client: one for all hooks of a session.
---@param fields table?  client, port, listener; ctx
---@return moongate.conn
function test.conn(fields) end

--- A login, of nobody unless it is said.
---@param fields table?  user, schema, charset, attributes (texts by name), plugin, tls
---@return moongate.login
function test.login(fields) end

---@param fields table?  status, server, upstream_ms, headers
---@return table
function test.response(fields) end

---@param fields table?  name, upstream, host, port, and those of servers
---@return moongate.checked
function test.checked(fields) end

---@param host string
---@param port integer?
---@return string
function test.address(host, port) end

--- Says who answers at an address.
---@param address string
---@param peer fun(text: string): string?, "close"?
function test.serve(address, peer) end

--- Says what moongate.http finds at a URL; one without a query is found with
-- any.  A function returns what is answered, or nil and a reason.
---@param url string
---@param page { status: integer?, headers: table?, body: string? }|fun(request: { method: string, url: string, path: string, headers: table<string, string>, body: string? }): table?, string?
function test.http(url, page) end

--- Says what moongate.upstream finds.
---@param name string
---@param servers moongate.servers
function test.upstream(name, servers) end

--- Moves the clock on, and calls the timers that are due.
---@param seconds number
function test.advance(seconds) end

--- What flow:hash answers.
---@param text string
---@return integer
function test.hash(text) end

--- The lines that were logged since it was called last: "LEVEL: text".
---@return string[]
function test.logged() end


return test
