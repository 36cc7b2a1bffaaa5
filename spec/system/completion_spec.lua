--- Completion in bash: of what there is to say, and of names that the running
-- program knows.
local lfs = require "lfs"
local moongate = require "support.moongate"
local net = require "support.net"
local process = require "support.process"

-- Sources the completion, and prints what it makes of a line: what is typed,
-- with the cursor behind the last word, which may be empty.
local DRIVER = [[
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMP_LINE="${COMP_WORDS[*]}"
COMP_POINT=${#COMP_LINE}
_moongate
printf '%s\n' "${COMPREPLY[@]}" | sort
]]

local SCRIPT = [[
return { request = function() end }
]]


describe("bash completion", function()
  local m

  before_each(function()
    m = moongate.start {
      config = [[
        [upstream db]
        protocol = tcp
        server one = 127.0.0.1:${port_none}
        server two = 127.0.0.1:${port_none}
        [http web]
        listen = 127.0.0.1:${port_web}
        root = ${dir}/www
        script = shop.lua
        access_log = off
        [tcp db]
        listen = 127.0.0.1:${port_db}
        upstream = db
      ]],
      ports = { none = net.reserve().port },
      files = { ["lua/shop.lua"] = SCRIPT, ["www/a.txt"] = "a" },
    }
  end)

  after_each(moongate.finish)

  -- What is offered for the words behind the program's name, as one text.
  local function complete(...)
    local status, text = process.run({
      "bash", "-c", DRIVER, "bash",
      lfs.currentdir() .. "/share/bash-completion/completions/moongate",
      moongate.build() .. "/moongate", ...
    }, { cwd = m.dir })
    assert.are.equal(0, status, text)
    return (text:gsub("%s+$", ""):gsub("\n", " "))
  end

  it("has the program's commands and options", function()
    assert.are.equal("--help -c -d -h check ctl test version", complete(""))
    assert.are.equal("ctl", complete("ct"))
    assert.are.equal("--help -c -d -h", complete("-"))
    assert.are.equal("-c -h", complete("test", "-"))
  end)

  it("has files where a file is meant", function()
    assert.are.equal("moongate.ini", complete("check", "-c", "moong"))
    assert.are.equal("control.sock", complete("ctl", "-s", "cont"))
    assert.are.equal("lua/shop.lua", complete("test", "lua/s"))
  end)

  it("has ctl's commands, from their table", function()
    assert.are.equal("script server show stop", complete("ctl", "s"))
    assert.are.equal(
      "errors events info metrics pools scripts servers sessions",
      (complete("ctl", "show", ""):gsub("%-%-json ", "")))
    assert.are.equal("configured debug error info warn",
      (complete("ctl", "log", "level", ""):gsub("%-%-json ", "")))
    assert.are.equal("graceful", complete("ctl", "stop", "g"))
    assert.are.equal("--json", complete("ctl", "show", "info", "-"))
  end)

  it("has servers of the running one", function()
    for _, target in ipairs { { "-s", m.control }, { "-c", m.file } } do
      assert.are.equal("db/one db/two",
        complete("ctl", target[1], target[2], "server", "db/"))
    end
    assert.are.equal("drain maint ready weight", (complete("ctl", "-s",
      m.control, "server", "db/one", ""):gsub("%-%-json ", "")))
  end)

  it("has scripts of the running one", function()
    for _, verb in ipairs { "reload", "rollback", "confirm" } do
      assert.are.equal("shop.lua",
        complete("ctl", "-s", m.control, "script", verb, "sh"))
    end
    assert.are.equal("--confirm --json",
      complete("ctl", "-s", m.control, "script", "reload", "shop.lua", "-"))
  end)

  it("is quiet where nothing runs", function()
    assert.are.equal("",
      complete("ctl", "-s", m.dir .. "/no.sock", "server", "d"))
  end)
end)
