--- One of the core's streams, connected over loopback to a peer of the spec.
--
-- The core's loop is turned only where a spec asks for it (stream:turn), so
-- what a function does by itself is seen by itself.
local ffi = require "ffi"
local libc = require "support.libc"
local net = require "support.net"
local support = require "support.ffi"

ffi.cdef [[
int dup(int fd);
size_t event_get_struct_event_size(void);
]]

local _M = {}
local Stream = {}
Stream.__index = Stream


--- Connects.
-- @param options  table or nil: sndbuf, rcvbuf (bytes; both small make a
--                 client that is full soon)
-- @return a table: `stream` for the core, `peer` (see support.net), and
--   `edges`, how often on_ready was called
function _M.new(options)
  options = options or {}
  local core = support.load("net/loop.h", "net/stream.h")
  assert(core.event_get_struct_event_size() == ffi.sizeof("struct event"),
    "support.ffi declares struct event with the wrong size")

  local listener = net.listen({ rcvbuf = options.rcvbuf })
  local near = assert(net.connect(listener.port, { sndbuf = options.sndbuf }))
  local self = setmetatable({ core = core, edges = 0 }, Stream)
  self.peer = listener:accept()
  listener:close()

  self.loop = core.loop_new()
  self.stream = ffi.new("struct stream")
  self.on_ready = ffi.cast("stream_fn", function()
    self.edges = self.edges + 1
    core.loop_stop(self.loop)
  end)
  local fd = libc.check(ffi.C.dup(near.fd), "dup")
  near:close()
  libc.check(core.stream_open(self.stream, self.loop, fd, self.on_ready),
    "stream_open")
  return self
end


--- Turns the loop until there is an edge.
function Stream:turn()
  self.core.loop_run(self.loop)
end
-- A callback may not be reached from compiled code.
jit.off(Stream.turn)


function Stream:close()
  self.core.stream_close(self.stream)
  self.core.loop_free(self.loop)
  self.on_ready:free()
  self.peer:close()
end


return _M
