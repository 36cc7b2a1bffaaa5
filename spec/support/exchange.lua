--- HTTP exchanges of the core, in this process: a configuration made live, a
-- request's bytes in, the response's bytes out.  What runs is what a connection
-- runs (head, host, hooks, routes, handlers, record), without its loop.
--
--     local site = exchange.site([[
--       [http web]
--       listen = 127.0.0.1:8080
--       root = ${dir}
--     ]], { ["index.html"] = "hello" })
--     local status, headers, body = site:ask("GET / HTTP/1.1\r\n...")
--     site:close()
local ffi = require "ffi"
local folder = require "support.folder"
local loop = require "support.loop"
local stream = require "support.stream"
local support = require "support.ffi"

local _M = {}
local Site = {}
Site.__index = Site

local DONE, FAILED = 2, 3
local FIRST_HTTP = 0  -- a site's first section


local function core_load()
  return support.load("config/config.h", "board/board.h", "board/ring.h",
    "board/slots.h", "proxy/engine.h", "proxy/addresses.h", "proxy/runtime.h",
    "proxy/http_section.h", "proxy/http_dispatch.h", "proxy/http_exchange.h",
    "proxy/access_log.h", "proxy/file_cache.h", "proxy/variable.h",
    "proxy/upstream.h", "proxy/tcp_session.h", "codec/http1.h",
    "net/buffer.h", "net/loop.h", "base/clock.h")
end


local function str(text)
  return ffi.new("struct str", text, #text)
end


local function raise_faults(faults)
  local lines = {}
  for i = 0, tonumber(faults.item_count) - 1 do
    lines[#lines + 1] = ffi.string(faults.items[i].text)
  end
  error("the configuration has faults:\n" .. table.concat(lines, "\n"), 3)
end


local function read_config(core, path)
  local faults = ffi.new("struct faults")
  local out = ffi.new("const struct config *[1]")
  core.faults_init(faults)
  if core.config_read(out, path, faults) < 0 then
    raise_faults(faults)
  end
  core.faults_fini(faults)
  return out[0]
end


-- What the master does: what a server's name means stands on the board.
local function place_server(core, board, upstream_row, server, addresses)
  local row = core.board_add_server(board, upstream_row, server.name)
  local addrs = ffi.new("struct addr[?]", core.BOARD_ADDRS_MAX)
  local why = ffi.new("const char *[1]")
  local count = core.addresses_find(addresses, addrs, core.BOARD_ADDRS_MAX,
    server.address, why)
  core.board_set_addresses(board, row, addrs, math.max(count, 0))
end


-- A board with the rows that the configuration names.
local function make_board(core, config)
  local addresses = ffi.new("struct addresses")
  core.addresses_init(addresses)
  local limits = ffi.new("struct board_limits")
  limits.workers, limits.ring_bytes = 2, core.RING_BYTES_MIN
  limits.upstreams = config.upstream_count + 1
  limits.servers = config.server_count + 1
  limits.sections, limits.scripts = config.section_count, 16
  limits.dict_bytes, limits.series = 1048576, 64
  local board = core.board_open(limits, "spec")
  assert(board ~= nil, "board_open failed")
  for i = 0, tonumber(config.upstream_count) - 1 do
    local upstream = config.upstreams[i]
    local row = core.board_add_upstream(board, upstream.name)
    for k = 0, tonumber(upstream.server_count) - 1 do
      place_server(core, board, row, upstream.servers[k], addresses)
    end
  end
  core.addresses_fini(addresses)
  for i = 0, tonumber(config.section_count) - 1 do
    local section = config.sections[i]
    core.board_add_section(board, str(ffi.string(core.section_kind_name(
      section.kind)) .. " " .. support.text(section.name)))
  end
  return board
end


local function new_runtime(self, engine)
  local core = self.core
  local faults = ffi.new("struct faults")
  core.faults_init(faults)
  local addresses = ffi.new("struct addresses")
  core.addresses_init(addresses)
  local runtime = core.runtime_new(engine, self.config, addresses, faults)
  core.addresses_fini(addresses)
  if faults.count > 0 then
    raise_faults(faults)
  end
  core.faults_fini(faults)
  return runtime
end


--- Makes a configuration live.
-- @param config  string: the file, indented as the spec likes; ${dir} is a
--                folder that is the site's
-- @param files   table: contents by path below that folder
function _M.site(config, files)
  local core = core_load()
  local self = setmetatable({ core = core, records = {} }, Site)
  self.dir = folder.make()
  for path, text in pairs(files or {}) do
    folder.write(self.dir .. "/" .. path, text)
  end
  local path = self.dir .. "/.moongate.ini"
  config = ("\n" .. config):gsub("\n *", "\n"):gsub("%${dir}", self.dir)
  folder.write(path, config)

  core.clock_update()
  self.config = read_config(core, path)
  self.board = make_board(core, self.config)
  self.pool = ffi.new("struct buffer_pool")
  core.buffer_pool_init(self.pool)
  self.link = stream.new()
  self.engine = ffi.new("struct engine")
  core.engine_init(self.engine, self.link.loop, self.board, self.pool, 0)
  self.engine.temp_dir = self.dir
  self.record = ffi.cast("engine_record_fn", function(_, target, line, len)
    self.records[#self.records + 1] = ffi.string(line, len)
    self.target = target
  end)
  self.engine.record = self.record

  self.runtime = new_runtime(self, self.engine)
  self.on_wake = ffi.cast("spec_wake_fn", function() end)
  return self
end


--- Makes the configuration live once more, as a second worker on the board.
-- @return struct runtime *, to be given back; its engine
function Site:new_worker()
  local engine = ffi.new("struct engine")
  self.core.engine_init(engine, self.link.loop, self.board, self.pool, 1)
  return new_runtime(self, engine), engine
end


--- Begins an exchange with a request that has come.
-- @param request  string: a head, and nothing behind it
function Site:begin(request)
  local core = self.core
  local exchange = core.exchange_new(self.engine, self.link.stream)
  assert(exchange ~= nil)
  self.request = request  -- the exchange points into it
  self.client = ffi.new("struct addr")
  self.listener = ffi.new("struct addr")
  assert(core.addr_parse(self.client, "192.0.2.7:4711", nil) == 0)
  assert(core.addr_parse(self.listener, "127.0.0.1:8080", nil) == 0)
  exchange.on_wake = self.on_wake
  exchange.client = self.client
  exchange.flow.client = exchange.client
  exchange.flow.listener = self.listener
  exchange.times.begun_us = core.clock_us()
  exchange.times.first_us = core.clock_us()
  exchange.times.wall_ms = core.clock_wall_ms()

  local n = tonumber(core.http1_read_request(exchange.head,
    ffi.cast("const uint8_t *", request), #request, 0))
  assert(n == #request, "the request is not a whole head: " .. n)
  exchange.times.head_us = core.clock_us()
  exchange.writer.head_only = exchange.head.method == core.HTTP_METHOD_HEAD
  exchange.writer.http10 = exchange.head.minor == 0
  exchange.writer.keep_alive = exchange.head.keep_alive
  assert(core.exchange_read_host(exchange) == 0)
  exchange.section = ffi.cast("struct http_section *",
    self.runtime.sections[FIRST_HTTP])
  local status = core.exchange_read_head(exchange)
  assert(status == 0, "the head is refused with " .. status)
  return exchange
end


-- Writes what there is and reads it at the other end.
local function drain(self, exchange)
  local out = {}
  while true do
    local before = tonumber(exchange.writer.sent_bytes)
    local result = tonumber(self.core.writer_flush(exchange.writer))
    local sent = tonumber(exchange.writer.sent_bytes) - before
    if sent > 0 then
      out[#out + 1] = self.link.peer:receive(sent)
    end
    if result == DONE then
      return table.concat(out)
    end
    assert(result ~= FAILED, "the response cannot be written")
    self.link.stream.writable = true
  end
end
jit.off(drain)


-- Does what is due, while a hook waits too.
local function dispatch(self, exchange)
  while self.core.http_dispatch(exchange) do end
  if exchange.state ~= self.core.EXCHANGE_HOOK then
    return
  end
  loop.wait_until("the hooks have decided", function()
    self.turn()
    while self.core.http_dispatch(exchange) do end
    return exchange.state ~= self.core.EXCHANGE_HOOK
  end)
end
jit.off(dispatch)


--- Lets the exchange be answered; where hooks wait, `turn` is called meanwhile,
-- which turns the loop.
-- @return string: the response
function Site:answer(exchange)
  dispatch(self, exchange)
  assert(exchange.state == self.core.EXCHANGE_FINISHED, "nobody has answered")
  return drain(self, exchange)
end
jit.off(Site.answer)


--- Writes the record of an exchange and ends it.
-- @return string or nil: the record
function Site:finish(exchange)
  self.core.access_log_http(exchange)
  if self.forget then
    self.forget(exchange)
  end
  self.core.exchange_free(exchange)
  return table.remove(self.records)
end
jit.off(Site.finish)


--- A request and its response.
-- @param request  string: a head
-- @return integer: the status; table: headers by lower-case name; string: the
--   body as it came; string: the record
function Site:ask(request)
  local exchange = self:begin(request)
  local response = self:answer(exchange)
  local record = self:finish(exchange)
  local status, head, body =
    response:match("^HTTP/1%.1 (%d+) [^\r\n]+\r\n(.-\r\n)\r\n(.*)$")
  assert(status, "not a response: " .. response)
  local headers = {}
  for name, value in head:gmatch("([^\r\n:]+): ([^\r\n]*)\r\n") do
    headers[name:lower()] = value
  end
  return tonumber(status), headers, body, record
end


--- A GET, or another method.
-- @param path     string
-- @param headers  array of lines, or nil
-- @param method   string or nil
function Site:get(path, headers, method)
  local lines = { (method or "GET") .. " " .. path .. " HTTP/1.1", "Host: h" }
  for _, line in ipairs(headers or {}) do
    lines[#lines + 1] = line
  end
  return self:ask(table.concat(lines, "\r\n") .. "\r\n\r\n")
end


function Site:close()
  local core = self.core
  core.runtime_unref(self.runtime)
  core.exchange_drop_spares(self.engine)
  core.config_unref(self.config)
  core.board_close(self.board)
  core.buffer_pool_fini(self.pool)
  self.link:close()
  self.record:free()
  self.on_wake:free()
  folder.remove(self.dir)
end


ffi.cdef "typedef void (*spec_wake_fn)(struct http_exchange *exchange);"


return _M
