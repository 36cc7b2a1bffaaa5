--- Whatever is wrong with a configuration, all stages of `check` go over what
-- is left of it: every cut of a sample, and every byte of it changed.
local ffi = require "ffi"
local folder = require "support.folder"
local support = require "support.ffi"

-- Sockets without a host, so that no change of a byte asks a name server.
local SAMPLE = [[
[global]
script_path = lua
log = syslog:/dev/log
[defaults]
retries = 2
[upstream php]
policy = leastconn
keepalive = 4
server a = unix:/run/a weight=3
server b = unix:/run/b backup
[upstream db]
protocol = tcp
policy = source
server c = unix:/run/c maxconn=5
[http web]
listen = unix:/run/w default_server
server_name = a.example *.b.example
root = /srv
script = own.lua
param = A ${host}
error_page = 502 /50x.html
route = = /x deny
route = ^~ /y redirect 301 /z
route = ~ ^(.+\.php)(/.*)?$ php
route = / static
[http other]
listen = unix:/run/w
server_name = c.example
route = / php
[tcp pipe]
listen = unix:/run/t
upstream = db
[mysql db]
listen = unix:/run/m backlog=9
upstream = db
]]

local core = support.load("config/config.h", "proxy/runtime.h",
  "proxy/addresses.h", "script/scripts.h", "base/clock.h")


local function check_file(path)
  local faults = ffi.new("struct faults")
  local addresses = ffi.new("struct addresses")
  local out = ffi.new("const struct config *[1]")
  core.faults_init(faults)
  core.addresses_init(addresses)
  local result = core.config_read(out, path, faults)
  local said = tonumber(faults.count)
  local runtime = core.runtime_new(nil, out[0], addresses, faults)
  local scripts = core.scripts_load(runtime, ".", nil, faults)
  local count = tonumber(faults.count)
  core.scripts_free(scripts)
  core.runtime_unref(runtime)
  core.config_unref(out[0])
  core.addresses_fini(addresses)
  core.faults_fini(faults)
  assert((result == 0) == (said == 0), "a result without its faults")
  return count
end
jit.off(check_file)


describe("checking a configuration that is", function()
  local dir

  before_each(function()
    core.clock_update()
    dir = folder.make()
    folder.write(dir .. "/lua/own.lua",
      "return { request = function(req) end }")
  end)

  after_each(function()
    folder.remove(dir)
  end)

  local function check(content)
    folder.write(dir .. "/c", content)
    local count = check_file(dir .. "/c")
    os.remove(dir .. "/c")
    return count
  end

  it("right finds no fault", function()
    assert.are.equal(0, check(SAMPLE))
  end)

  it("cut at any byte comes to its end", function()
    for n = 0, #SAMPLE do
      check(SAMPLE:sub(1, n))
    end
  end)

  it("without any one line comes to its end", function()
    local from = 1
    for line, next_line in SAMPLE:gmatch("([^\n]*\n)()") do
      check(SAMPLE:sub(1, from - 1) .. SAMPLE:sub(next_line))
      from = from + #line
    end
  end)

  it("changed at any byte comes to its end", function()
    local random = 12345
    for n = 1, #SAMPLE do
      random = (random * 1103515245 + 12345) % 2 ^ 31
      check(SAMPLE:sub(1, n - 1) .. string.char(random / 2 ^ 16 % 256)
            .. SAMPLE:sub(n + 1))
    end
  end)
end)
