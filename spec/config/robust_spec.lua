--- Whatever a file holds, reading it ends in a configuration or in faults that
-- say where: every cut of the sample, every byte of it changed, and noise.
local config = require "support.config"
local folder = require "support.folder"

local SAMPLE = folder.read("conf/moongate.ini")

local NOISE_FILES = 300
local PIECES = {
  "[", "]", "=", ":", ";", "#", '"', "\\", "\n", "\n  ", " ", "\t", "\r\n",
  "\0", "\255", "${", "}", "$", "[http h]\n", "[upstream u]\n", "[global]\n",
  "listen", "server a", "route", "~", "^~", "(", "log", "include", "*", "root",
  "access_log", "1", "0", "80", "5s", "16k", "127.0.0.1:80", "unix:/x",
  "redirect 301 /", "static", "policy", "on", ("x"):rep(60), "http_", "error_",
  "trust", "10.0.0.0/8", "[::1]:80", "weight=", "backlog=9", "default_server",
  "unix:", "accept_proxy",
  "check", "observe", "galera user=", "http expect=", "interval=", "2xx",
}


local function check_file(path)
  local c, faults = config.read_file(path, path)
  assert(c or #faults > 0, "neither a configuration nor a fault")
  for _, fault in ipairs(faults) do
    assert(fault:match("^:%d+: .") or fault:match("^: nothing to do"), fault)
  end
end


describe("a configuration that is", function()
  local dir

  before_each(function()
    dir = folder.make()
  end)

  after_each(function()
    folder.remove(dir)
  end)

  local function check(content)
    -- What an include finds depends on the machine: leave it out.
    content = content:gsub("include", "incl_de")
    folder.write(dir .. "/c", content)
    check_file(dir .. "/c")
    -- A file that is written over instead waits for the disk.
    os.remove(dir .. "/c")
  end

  it("cut at any byte is read to its end", function()
    for n = 0, #SAMPLE do
      check(SAMPLE:sub(1, n))
    end
  end)

  it("without any one line is read to its end", function()
    local from = 1
    for line, next_line in SAMPLE:gmatch("([^\n]*\n)()") do
      check(SAMPLE:sub(1, from - 1) .. SAMPLE:sub(next_line))
      from = from + #line
    end
  end)

  it("changed at any byte is read to its end", function()
    local random = 12345
    for n = 1, #SAMPLE do
      random = (random * 1103515245 + 12345) % 2 ^ 31
      check(SAMPLE:sub(1, n - 1) .. string.char(random / 2 ^ 16 % 256)
            .. SAMPLE:sub(n + 1))
    end
  end)

  it("noise is read to its end", function()
    local random = 54321
    for _ = 1, NOISE_FILES do
      local out = {}
      for i = 1, 80 do
        random = (random * 1103515245 + 12345) % 2 ^ 31
        out[i] = PIECES[math.floor(random / 2 ^ 8) % #PIECES + 1]
      end
      check(table.concat(out))
    end
  end)
end)
